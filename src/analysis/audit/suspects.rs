//! Sessions to look at, and what was done in them.

use std::collections::BTreeMap;

use super::super::{Analysis, Charset, Finding, Severity};
use crate::ftp::Verb;
use crate::session::{Exchange, Session, SessionId};
use crate::transfer::{Direction, Transfer};

/// A session with a finding that an auditor should look into, and what was done in it.
#[derive(Debug)]
pub struct Suspect<'a> {
    pub session: &'a Session,
    /// What its names are written in.
    pub charset: Charset,
    /// The worst of its findings.
    pub worst: Severity,
    /// Of its findings from warnings on, the worst first.
    pub rules: Vec<&'static str>,
    /// What was moved by RETR, listings aside.
    pub fetched: Vec<&'a Transfer>,
    /// What was moved by STOR, STOU and APPE.
    pub sent: Vec<&'a Transfer>,
    /// What the server says it deleted, as it was named.
    pub deleted: Vec<&'a [u8]>,
}

/// That passwords go in clear text is told of nearly every session: it makes none suspect.
const OF_EVERYBODY: &str = "cleartext-credentials";

/// Of findings of more than 64 sessions, only the first of those are known here.
pub(super) fn suspects(analysis: &Analysis) -> Vec<Suspect<'_>> {
    let mut found: BTreeMap<SessionId, Vec<&Finding>> = BTreeMap::new();
    let is_suspicious = |finding: &&Finding| {
        finding.rule.kind.is_security()
            && finding.suppressed.is_none()
            && finding.severity >= Severity::Warning
            && finding.rule.id != OF_EVERYBODY
    };
    for finding in analysis.findings.iter().filter(is_suspicious) {
        for session in &finding.sessions {
            found.entry(*session).or_default().push(finding);
        }
    }
    let sessions = analysis.sessions.iter();
    let suspects = sessions.filter_map(|session| {
        let findings = found.get(&session.id)?;
        let files = analysis.transfers_of(session);
        let has_moved = |transfer: &&Transfer| {
            let bytes = transfer.content.as_ref().map_or(0, |content| content.bytes);
            transfer.direction != Direction::Listing && bytes > 0
        };
        let is_fetched = |transfer: &&Transfer| transfer.request.verb == Verb::Retr;
        let (fetched, sent) = files.filter(has_moved).partition(is_fetched);
        let mut rules = Vec::new();
        for finding in findings {
            if !rules.contains(&finding.rule.id) {
                rules.push(finding.rule.id);
            }
        }
        let worst = findings.iter().map(|finding| finding.severity).max()?;
        let deleted = session.exchanges.iter().filter_map(deleted).collect();
        let charset = analysis.charset(session.id);
        Some(Suspect { session, charset, worst, rules, fetched, sent, deleted })
    });
    suspects.collect()
}

/// What an exchange deleted, if the server says so.
fn deleted(exchange: &Exchange) -> Option<&[u8]> {
    let command = &exchange.sent.as_ref()?.command;
    let is_delete = matches!(command.verb, Verb::Dele | Verb::Rmd);
    let is_done = exchange.final_reply().is_some_and(|last| last.reply.is_success());
    (is_delete && is_done).then(|| command.arg())
}
