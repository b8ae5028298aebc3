//! Judgements over finished facts. A rule sees facts and never changes them; adding one is a file,
//! or a place in the file of its family, and a line in that file's list.

mod active;
mod capture;
mod control;
mod middlebox;
mod passive;
mod security;
mod setups;
mod tls;
mod transfers;
mod words;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use ipnet::IpNet;

use super::case::{Beside, Case};
use super::finding::{CONCERNED, Certainty, Draft, FRAMES, Finding};
use super::policy::is_within;
use super::{Analysis, Policy, Severity};
use crate::session::{Session, SessionId, TransferId};
use crate::time::Stamp;

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

/// Asks the rules.
pub(super) fn judge(analysis: &Analysis, policy: &Policy, most: usize) -> Judged {
    let mut found = Found::new(policy, most);
    let asked: Vec<_> = rules().filter(|rule| !policy.off.contains(rule.id)).collect();
    let beside = Beside::new(analysis);
    for session in &analysis.sessions {
        let case = Case::new(analysis, policy, session, &beside);
        for rule in &asked {
            if let Check::Session(check) = rule.check {
                found.rule = Some(rule);
                check(&case, &mut found);
            }
        }
    }
    for rule in &asked {
        if let Check::Capture(check) = rule.check {
            found.rule = Some(rule);
            check(analysis, policy, &mut found);
        }
    }
    let mut list = found.list;
    list.iter_mut().for_each(Finding::tidy);
    list.sort_by_key(|finding| {
        let first = finding.frames.first().map(|stamp| (stamp.input, stamp.frame));
        let order = (finding.suppressed.is_some(), std::cmp::Reverse(finding.severity));
        (order, finding.rule.kind, std::cmp::Reverse(finding.certainty), first, finding.rule.id)
    });
    let mut risks: Vec<_> = found.risks.into_iter().collect();
    risks.sort_unstable_by_key(|(session, _)| session.0);
    Judged { findings: list, dropped: found.dropped, explained: found.explained, risks }
}

/// What was found so far: one finding for each cause. What is accepted at one host does not hide
/// the same at another: those are two.
pub(super) struct Found {
    rule: Option<&'static Rule>,
    /// Suppressions of each rule, by their places in the policy.
    accepted: HashMap<String, Vec<(usize, Option<IpNet>)>>,
    reasons: Vec<String>,
    /// What was last looked up in them: a session has many occurrences of one rule.
    last_accepted: Option<((&'static str, SessionId), Option<usize>)>,
    /// By a hash of rule, cause and suppression: causes may be as long as names from the wire.
    by_cause: HashMap<u64, usize>,
    hasher: RandomState,
    list: Vec<Finding>,
    most: usize,
    dropped: u64,
    explained: HashSet<TransferId>,
    risks: HashMap<SessionId, Severity>,
}

impl Found {
    fn new(policy: &Policy, most: usize) -> Self {
        let mut accepted: HashMap<String, Vec<_>> = HashMap::new();
        for (place, known) in policy.suppressions.iter().enumerate() {
            accepted.entry(known.rule.clone()).or_default().push((place, known.host));
        }
        Self {
            rule: None,
            accepted,
            reasons: policy.suppressions.iter().map(|known| known.reason.clone()).collect(),
            last_accepted: None,
            by_cause: HashMap::new(),
            hasher: RandomState::new(),
            list: Vec::new(),
            most,
            dropped: 0,
            explained: HashSet::new(),
            risks: HashMap::new(),
        }
    }

    /// Adds an occurrence in a session. Where parts of it were not captured nothing is certain.
    pub(super) fn add(&mut self, case: &Case<'_>, mut draft: Draft) {
        // What somebody did is seen; why something failed is concluded from all that was said.
        let is_diagnosis = self.rule.is_some_and(|rule| rule.kind == Kind::Diagnosis);
        if case.is_clouded && is_diagnosis {
            draft.certainty = Certainty::Low;
        }
        let Session { client, server, id, .. } = case.session;
        let cause = draft.cause.take().unwrap_or_else(|| format!("{} {}", client.ip, server.ip));
        let accepted = self.accepted_in(case.session);
        self.put((cause, accepted), &[*id], draft);
    }

    /// Adds something that concerns no session.
    pub(super) fn add_of_capture(&mut self, mut draft: Draft) {
        let cause = draft.cause.take().unwrap_or_default();
        let accepted = self.accepted(&[]);
        self.put((cause, accepted), &[], draft);
    }

    /// Adds something that several sessions show together. It is accepted where all of them are.
    pub(super) fn add_over(&mut self, sessions: &[&Session], mut draft: Draft) {
        let cause = draft.cause.take().unwrap_or_default();
        let mut accepted = sessions.iter().map(|session| self.accepted_in(session));
        let first = accepted.next().flatten();
        let accepted = first.filter(|first| accepted.all(|next| next == Some(*first)));
        let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
        self.put((cause, accepted), &ids, draft);
    }

    /// Which suppression is of this rule and one of the session's hosts, or of everywhere.
    fn accepted_in(&mut self, session: &Session) -> Option<usize> {
        let key = (self.rule?.id, session.id);
        if let Some((known, accepted)) = self.last_accepted
            && known == key
        {
            return accepted;
        }
        let accepted = self.accepted(&[session.client.ip.addr, session.server.ip.addr]);
        self.last_accepted = Some((key, accepted));
        accepted
    }

    /// Which suppression is of this rule and one of these hosts, or of everywhere.
    fn accepted(&self, hosts: &[IpAddr]) -> Option<usize> {
        let known = self.accepted.get(self.rule?.id)?;
        let is_of = |net: IpNet| hosts.iter().any(|host| is_within(*host, net));
        let of_hosts = known.iter().find(|(_, host)| host.is_none_or(is_of));
        of_hosts.map(|(place, _)| *place)
    }

    fn put(
        &mut self,
        (cause, accepted): (String, Option<usize>),
        sessions: &[SessionId],
        draft: Draft,
    ) {
        let Some(rule) = self.rule else { return };
        if rule.kind == Kind::Diagnosis {
            self.explained.extend(draft.transfer);
        }
        if rule.kind.is_security() && accepted.is_none() {
            for session in sessions {
                let worst = self.risks.entry(*session).or_insert(draft.severity);
                *worst = draft.severity.max(*worst);
            }
        }
        let key = self.hasher.hash_one((rule.id, cause, accepted));
        if let Some(known) = self.by_cause.get(&key).and_then(|at| self.list.get_mut(*at)) {
            return known.merge(sessions, draft);
        }
        if self.list.len() >= self.most {
            self.dropped += 1;
            return;
        }
        self.by_cause.insert(key, self.list.len());
        let suppressed = accepted.and_then(|place| self.reasons.get(place)).cloned();
        let (first, last) = ends(&draft.frames);
        let mut finding = Finding {
            rule,
            severity: draft.severity,
            certainty: draft.certainty,
            grade: draft.grade,
            session: alone(sessions),
            transfer: draft.transfer,
            frames: draft.frames,
            title: draft.title,
            explanation: draft.explanation,
            fix: draft.fix.unwrap_or_else(|| rule.fix.to_owned()),
            evidence: draft.evidence,
            count: draft.count,
            first,
            last,
            sessions: sessions.iter().take(CONCERNED).copied().collect(),
            transfers: draft.transfer.into_iter().collect(),
            suppressed,
        };
        finding.compact();
        self.list.push(finding);
    }
}

/// The session, if it is one.
fn alone(sessions: &[SessionId]) -> Option<SessionId> {
    match sessions {
        [session] => Some(*session),
        _ => None,
    }
}

/// The first and the last of some frames.
fn ends(frames: &[Stamp]) -> (Option<Stamp>, Option<Stamp>) {
    frames.iter().fold((None, None), |(first, last), frame| {
        (earlier(first, Some(*frame)), later(last, Some(*frame)))
    })
}

fn earlier(one: Option<Stamp>, other: Option<Stamp>) -> Option<Stamp> {
    let Some((one, other)) = one.zip(other) else { return one.or(other) };
    Some(if other.is_before(one) { other } else { one })
}

fn later(one: Option<Stamp>, other: Option<Stamp>) -> Option<Stamp> {
    let Some((one, other)) = one.zip(other) else { return one.or(other) };
    Some(if one.is_before(other) { other } else { one })
}

impl Finding {
    /// Takes another occurrence of the same cause. What is told is the worst of them, of those the
    /// surest, and of those the first: the texts of one do not go with the certainty of another.
    fn merge(&mut self, sessions: &[SessionId], mut draft: Draft) {
        self.count += draft.count;
        let (first, last) = ends(&draft.frames);
        self.first = earlier(self.first, first);
        self.last = later(self.last, last);
        let is_worse = (draft.severity, draft.certainty) > (self.severity, self.certainty);
        let new = sessions.iter().filter(|session| self.sessions.last() != Some(session));
        let new: Vec<_> = new.take(CONCERNED.saturating_sub(self.sessions.len())).collect();
        self.sessions.extend(new);
        if let Some(transfer) = draft.transfer
            && self.transfers.len() < CONCERNED
        {
            self.transfers.push(transfer);
        }
        if is_worse {
            std::mem::swap(&mut self.frames, &mut draft.frames);
        }
        let room = FRAMES.saturating_sub(self.frames.len());
        self.frames.extend(draft.frames.drain(..).take(room));
        if is_worse {
            self.tell(alone(sessions), draft);
        }
    }

    /// Tells of this occurrence from here on.
    fn tell(&mut self, session: Option<SessionId>, draft: Draft) {
        self.severity = draft.severity;
        self.certainty = draft.certainty;
        self.grade = draft.grade;
        self.session = session;
        self.transfer = draft.transfer;
        self.title = draft.title;
        self.explanation = draft.explanation;
        self.fix = draft.fix.unwrap_or_else(|| self.rule.fix.to_owned());
        self.evidence = draft.evidence;
    }

    /// Gives back room that its texts do not need, and frames that are not kept anyway.
    fn compact(&mut self) {
        if self.frames.len() > FRAMES {
            self.tidy();
        }
        self.frames.shrink_to_fit();
        self.title.shrink_to_fit();
        self.explanation.shrink_to_fit();
        self.evidence.shrink_to_fit();
    }

    /// Its frames in the order of the capture, each once.
    fn tidy(&mut self) {
        let place = |stamp: &Stamp| (stamp.input, stamp.frame);
        self.frames.sort_by_key(place);
        self.frames.dedup_by_key(|stamp| place(stamp));
        self.frames.truncate(FRAMES);
    }
}

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
