//! Judgements over finished facts. A rule sees facts and never changes them; adding one is a file,
//! or a place in the file of its family, and a line in that file's list.

mod active;
mod capture;
mod control;
mod found;
mod heard;
mod middlebox;
mod passive;
mod security;
mod setups;
mod tls;
mod transfers;
mod words;

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::thread::ScopedJoinHandle;

pub(super) use self::capture::hidden;
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

    /// Whether it says why something failed, or what the capture can show of that.
    pub fn is_of_diagnosis(self) -> bool {
        !self.is_security()
    }

    /// Whether it says what somebody did, or what the capture can show of that.
    pub fn is_of_audit(self) -> bool {
        self != Self::Diagnosis
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
    let asked: Vec<_> = rules().filter(|rule| !policy.off.contains(rule.id)).collect();
    let beside = Beside::new(analysis);
    let pieces = analysis.sessions.chunks(PIECE).map(Work::Sessions);
    let of_all = asked.iter().filter_map(|rule| match rule.check {
        Check::Capture(check) => Some(Work::Rule(rule, check)),
        Check::Session(_) => None,
    });
    let work: Vec<_> = pieces.chain(of_all).collect();
    let done = |work: &Work<'_>| {
        let mut found = Found::new(policy, most);
        match *work {
            Work::Sessions(sessions) => {
                for session in sessions {
                    let case = Case::new(analysis, policy, session, &beside);
                    for rule in &asked {
                        if let Check::Session(check) = rule.check {
                            found.rule = Some(rule);
                            check(&case, &mut found);
                        }
                    }
                }
            }
            Work::Rule(rule, check) => {
                found.rule = Some(rule);
                check(analysis, policy, &mut found);
            }
        }
        found
    };
    let next = AtomicUsize::new(0);
    let take_turns = || {
        let turns = std::iter::from_fn(|| {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            work.get(nth).map(|work| (nth, done(work)))
        });
        turns.collect::<Vec<_>>()
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take_turns)).collect();
        let mut all = take_turns();
        // A panic goes on where it is met.
        let join =
            |other: ScopedJoinHandle<'_, _>| other.join().unwrap_or_else(|it| resume_unwind(it));
        all.extend(others.into_iter().flat_map(join));
        all
    });
    // In their order: what is told of a cause is the first of the worst.
    all.sort_unstable_by_key(|(nth, _)| *nth);
    let mut found = Found::new(policy, most);
    all.into_iter().for_each(|(_, next)| found.join(next));
    found.finish()
}

/// What a thread does at a time.
enum Work<'a> {
    /// Asks all rules about some sessions.
    Sessions(&'a [Session]),
    /// Asks a rule about everything.
    Rule(&'static Rule, fn(&Analysis, &Policy, &mut Found)),
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
