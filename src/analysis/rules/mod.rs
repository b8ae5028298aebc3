//! Judgements over finished facts. A rule sees facts and never changes them; adding one is a file,
//! or a place in the file of its family, and a line in that file's list.

mod active;
mod capture;
mod control;
mod found;
mod middlebox;
mod passive;
mod security;
mod setups;
mod tls;
mod transfers;
mod words;

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::thread;

use self::found::Found;
use super::case::{Beside, Case};
use super::finding::Finding;
use super::{Analysis, Policy, Severity};
use crate::session::{Session, SessionId, TransferId};

/// A rule: when it speaks, and what a reader should know of what it says.
pub struct Rule {
    /// Stable, of lower-case words joined by `-`: it appears in JSON and on the command line.
    pub id: &'static str,
    pub kind: Kind,
    /// One sentence.
    pub help: &'static str,
    /// What it means, for whom it matters.
    pub meaning: &'static str,
    /// What must have been seen.
    pub evidence: &'static str,
    /// What else looks like it.
    pub false_positives: &'static str,
    /// What to change.
    pub fix: &'static str,
    check: Check,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// What the capture can show.
    Capture,
    /// Why something does not work.
    Diagnosis,
    /// What somebody does that should not be.
    Security {
        /// Techniques of MITRE ATT&CK.
        attack: &'static [&'static str],
    },
}

impl Kind {
    pub fn is_security(self) -> bool {
        matches!(self, Self::Security { .. })
    }
}

/// What a rule looks at.
enum Check {
    /// One session at a time.
    Session(fn(&Case<'_>, &mut Found)),
    /// Everything together.
    Capture(fn(&Analysis, &Policy, &mut Found)),
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.id)
    }
}

/// The rules, by the file they stand in.
const FAMILIES: [&[&Rule]; 14] = [
    capture::RULES,
    active::RULES,
    passive::RULES,
    middlebox::RULES,
    control::RULES,
    transfers::RULES,
    tls::RULES,
    security::connections::RULES,
    security::logins::RULES,
    security::exploits::RULES,
    security::strangers::RULES,
    security::contents::RULES,
    security::amounts::RULES,
    security::traces::RULES,
];

/// Every rule there is.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.into_iter().flatten().copied()
}

/// The rule of this name.
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

/// What the rules say of a capture.
pub(super) struct Judged {
    /// The worst first.
    pub(super) findings: Vec<Finding>,
    /// Those there was no room for.
    pub(super) dropped: u64,
    /// Transfers that a rule spoke of, whatever became of the finding.
    pub(super) explained: HashSet<TransferId>,
    /// Of each session the worst security finding.
    pub(super) risks: Vec<(SessionId, Severity)>,
}

/// Asks the rules, with so many threads; what they say is the same with any number.
pub(super) fn judge(analysis: &Analysis, policy: &Policy, most: usize, threads: usize) -> Judged {
    let mut found = Found::new(policy, most);
    let asked: Vec<_> = rules().filter(|rule| !policy.off.contains(rule.id)).collect();
    let beside = Beside::new(analysis);
    let pieces: Vec<_> = analysis.sessions.chunks(PIECE).collect();
    let of_piece = |piece: &[Session]| {
        let mut found = Found::new(policy, most);
        for session in piece {
            let case = Case::new(analysis, policy, session, &beside);
            for rule in &asked {
                if let Check::Session(check) = rule.check {
                    found.rule = Some(rule);
                    check(&case, &mut found);
                }
            }
        }
        found
    };
    let by_thread: Vec<Vec<Found>> = thread::scope(|scope| {
        let threads = threads.clamp(1, pieces.len().max(1));
        let (pieces, of_piece) = (&pieces, &of_piece);
        let start = |first| {
            let own = pieces.iter().skip(first).step_by(threads);
            scope.spawn(move || own.map(|piece| of_piece(piece)).collect())
        };
        let others: Vec<_> = (1..threads).map(start).collect();
        let own = pieces.iter().step_by(threads).map(|piece| of_piece(piece)).collect();
        // A panic goes on where it is met.
        let others =
            others.into_iter().map(|other| other.join().unwrap_or_else(|it| resume_unwind(it)));
        std::iter::once(own).chain(others).collect()
    });
    // In their order: what is told of a cause is the first of the worst.
    let mut by_thread: Vec<_> = by_thread.into_iter().map(Vec::into_iter).collect();
    for nth in 0..pieces.len() {
        let of_thread = nth % by_thread.len();
        if let Some(next) = by_thread.get_mut(of_thread).and_then(Iterator::next) {
            found.join(next);
        }
    }
    for rule in &asked {
        if let Check::Capture(check) = rule.check {
            found.rule = Some(rule);
            check(analysis, policy, &mut found);
        }
    }
    found.finish()
}

/// Sessions judged at a time. It must not depend on the number of threads: which frames are kept
/// of a cause depends on where the pieces end.
const PIECE: usize = 1024;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_of_lower_case_words() {
        let mut known = BTreeSet::new();
        for rule in rules() {
            assert!(known.insert(rule.id), "{} stands twice", rule.id);
            let is_word = |word: &str| {
                let is_of_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                !word.is_empty() && word.chars().all(is_of_word)
            };
            assert!(rule.id.split('-').all(is_word), "{}", rule.id);
            let is_of_capture = rule.id.starts_with("capture-");
            assert_eq!(is_of_capture, rule.kind == Kind::Capture, "{}", rule.id);
        }
    }

    #[test]
    fn texts_are_sentences() {
        for rule in rules() {
            let Rule { id, help, meaning, evidence, false_positives, fix, .. } = rule;
            assert!(!help.trim_end_matches('.').contains(". "), "{id}: {help}");
            for text in [help, meaning, evidence, false_positives, fix] {
                let begins = text.chars().next().is_some_and(|c| !c.is_lowercase());
                assert!(begins && text.ends_with('.') && !text.contains("  "), "{id}: {text}");
            }
        }
    }

    #[test]
    fn thresholds_are_named_once() {
        let names: BTreeSet<_> = super::super::THRESHOLDS.iter().map(|known| known.name).collect();
        assert_eq!(names.len(), super::super::THRESHOLDS.len());
    }
}
