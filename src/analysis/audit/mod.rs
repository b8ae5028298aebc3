//! What an auditor asks of a capture: who logged in, what was moved where, what could not be seen.

mod logins;
mod moved;
mod suspects;
mod unseen;

pub use self::logins::{Logins, Password};
pub use self::moved::{Moved, Way};
pub use self::suspects::Suspect;
pub use self::unseen::{Unseen, What};

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Analysis, Finding, Policy, Severity};
use crate::session::SessionId;

/// Answers, made from the facts and from what the rules say.
#[derive(Debug)]
pub struct Audit<'a> {
    /// Those that got in first, and then in the order of the first try of each.
    pub logins: Vec<Logins<'a>>,
    /// By those who sent and received; the most octets first.
    pub moved: Vec<Moved<'a>>,
    pub unseen: Vec<Unseen>,
    /// Security findings that are not suppressed, the worst first, by severity.
    pub counts: Vec<(Severity, u64)>,
    /// Sessions with a security finding that is not suppressed, the worst first, each with the worst
    /// of them: never a sum.
    pub risks: Vec<(SessionId, Severity)>,
    /// Those of them to look at, in the order of time.
    pub suspects: Vec<Suspect<'a>>,
}

impl<'a> Audit<'a> {
    pub fn new(analysis: &'a Analysis, policy: &Policy) -> Self {
        let mut risks = analysis.risks.clone();
        risks.sort_by_key(|(session, worst)| (Reverse(*worst), session.0));
        Self {
            logins: logins::logins(analysis),
            moved: moved::moved(analysis, policy),
            unseen: unseen::unseen(analysis),
            counts: counts(analysis),
            risks,
            suspects: suspects::suspects(analysis),
        }
    }
}

fn counts(analysis: &Analysis) -> Vec<(Severity, u64)> {
    let mut counts = BTreeMap::new();
    let is_open =
        |finding: &&Finding| finding.rule.kind.is_security() && finding.suppressed.is_none();
    for finding in analysis.findings.iter().filter(is_open) {
        *counts.entry(finding.severity).or_default() += 1;
    }
    counts.into_iter().rev().collect()
}

/// Sessions named beside a count.
const NAMED: usize = 64;
