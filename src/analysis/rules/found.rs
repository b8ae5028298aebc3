//! What the rules found so far.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::mem::{swap, take};
use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

use super::{Judged, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{CONCERNED, Certainty, Draft, FRAMES, Finding};
use crate::analysis::policy::is_within;
use crate::analysis::{Policy, Severity};
use crate::session::{Session, SessionId, TransferId};
use crate::time::Stamp;

/// What was found so far: one finding for each cause. What is accepted at one host does not hide
/// the same at another: those are two.
pub(super) struct Found {
    pub(super) rule: Option<&'static Rule>,
    /// Suppressions of each rule, by their places in the policy.
    accepted: HashMap<String, Vec<(usize, Option<IpNet>)>>,
    reasons: Vec<String>,
    /// What was last looked up in them: a session has many occurrences of one rule.
    last_accepted: Option<((&'static str, SessionId), Option<usize>)>,
    /// Places in the list by what findings have in common.
    by_cause: HashMap<Cause, usize>,
    list: Vec<(Cause, Finding)>,
    most: usize,
    dropped: u64,
    explained: HashSet<TransferId>,
    risks: HashMap<SessionId, Severity>,
}

/// A hash of rule, cause and suppression: causes may be as long as names from the wire.
type Cause = u64;

/// Keyed at random, alike in all threads: causes are made of what strangers choose.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Found {
    pub(super) fn new(policy: &Policy, most: usize) -> Self {
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
            sessions.iter().for_each(|session| self.risk(*session, draft.severity));
        }
        let key = HASHER.hash_one((rule.id, cause, accepted));
        let suppressed = accepted.and_then(|place| self.reasons.get(place)).cloned();
        self.keep(key, Finding::new(rule, sessions, draft, suppressed));
    }

    fn keep(&mut self, key: Cause, finding: Finding) {
        let known = self.by_cause.get(&key).and_then(|at| self.list.get_mut(*at));
        if let Some((_, known)) = known {
            return known.merge(finding);
        }
        if self.list.len() >= self.most {
            self.dropped += 1;
            return;
        }
        self.by_cause.insert(key, self.list.len());
        self.list.push((key, finding.compact()));
    }

    /// Takes what was found behind it.
    pub(super) fn join(&mut self, next: Self) {
        self.dropped += next.dropped;
        self.explained.extend(next.explained);
        for (session, severity) in next.risks {
            self.risk(session, severity);
        }
        for (key, finding) in next.list {
            self.keep(key, finding);
        }
    }

    fn risk(&mut self, session: SessionId, severity: Severity) {
        let worst = self.risks.entry(session).or_insert(severity);
        *worst = severity.max(*worst);
    }

    /// Everything in order.
    pub(super) fn finish(self) -> Judged {
        let mut findings: Vec<_> = self.list.into_iter().map(|(_, finding)| finding).collect();
        findings.iter_mut().for_each(Finding::tidy);
        findings.sort_by_key(|finding| {
            let first = finding.frames.first().map(|stamp| stamp.place);
            let order = (finding.suppressed.is_some(), Reverse(finding.severity));
            (order, finding.rule.kind, Reverse(finding.certainty), first, finding.rule.id)
        });
        let mut risks: Vec<_> = self.risks.into_iter().collect();
        risks.sort_unstable_by_key(|(session, _)| session.0);
        Judged { findings, dropped: self.dropped, explained: self.explained, risks }
    }
}

/// The session, if it is one.
fn alone(sessions: &[SessionId]) -> Option<SessionId> {
    match sessions {
        [session] => Some(*session),
        _ => None,
    }
}

/// Adds as many as are kept.
fn append<T: Copy + PartialEq>(list: &mut Vec<T>, more: &[T]) {
    for next in more {
        if list.len() < CONCERNED && list.last() != Some(next) {
            list.push(*next);
        }
    }
}

impl Finding {
    fn new(
        rule: &'static Rule,
        sessions: &[SessionId],
        draft: Draft,
        suppressed: Option<String>,
    ) -> Self {
        let frames = || draft.frames.iter().copied();
        let (first, last) = (frames().reduce(Stamp::earlier), frames().reduce(Stamp::later));
        Self {
            rule,
            severity: draft.severity,
            certainty: draft.certainty,
            grade: draft.grade,
            session: alone(sessions),
            transfer: draft.transfer,
            frames: draft.frames,
            title: draft.title,
            explanation: draft.explanation,
            fix: draft.fix.map_or(Cow::Borrowed(rule.fix), Cow::Owned),
            evidence: draft.evidence,
            count: draft.count,
            first,
            last,
            sessions: sessions.iter().take(CONCERNED).copied().collect(),
            transfers: draft.transfer.into_iter().collect(),
            suppressed,
        }
    }

    /// Takes other occurrences of the same cause, which come behind its own. What is told is the
    /// worst of them, of those the surest, and of those the first: the texts of one do not go with
    /// the certainty of another.
    fn merge(&mut self, mut other: Self) {
        let (mut sessions, mut transfers) = (take(&mut self.sessions), take(&mut self.transfers));
        append(&mut sessions, &other.sessions);
        append(&mut transfers, &other.transfers);
        if (other.severity, other.certainty) > (self.severity, self.certainty) {
            swap(self, &mut other);
        }
        (self.sessions, self.transfers) = (sessions, transfers);
        self.count += other.count;
        self.first = self.first.into_iter().chain(other.first).reduce(Stamp::earlier);
        self.last = self.last.into_iter().chain(other.last).reduce(Stamp::later);
        let room = FRAMES.saturating_sub(self.frames.len());
        self.frames.extend(other.frames.drain(..).take(room));
    }

    /// Gives back room that its texts do not need, and frames that are not kept anyway.
    fn compact(mut self) -> Self {
        if self.frames.len() > FRAMES {
            self.tidy();
        }
        self.frames.shrink_to_fit();
        self.title.shrink_to_fit();
        self.explanation.shrink_to_fit();
        self.evidence.shrink_to_fit();
        self
    }

    /// Its frames in the order of the capture, each once.
    fn tidy(&mut self) {
        self.frames.sort_by_key(|stamp| stamp.place);
        self.frames.dedup_by_key(|stamp| stamp.place);
        self.frames.truncate(FRAMES);
    }
}
