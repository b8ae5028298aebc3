//! What an auditor asks of a capture: who logged in, what was moved where, what could not be seen.

mod logins;
mod moved;
mod unseen;

pub use self::logins::{Logins, Password};
pub use self::moved::{Moved, Way};
pub use self::unseen::{Unseen, What};

use super::{Analysis, Policy, Severity};
use crate::session::SessionId;

/// Answers, made from the facts and from what the rules say.
#[derive(Debug)]
pub struct Audit<'a> {
    /// Those that got in first, and then in the order of the first try of each.
    pub logins: Vec<Logins<'a>>,
    /// Sessions in which nobody tried to log in.
    pub without_login: u64,
    /// By those who sent and received; the most octets first.
    pub moved: Vec<Moved<'a>>,
    pub unseen: Vec<Unseen>,
    /// Sessions with a security finding that is not suppressed, the worst first, each with the worst
    /// of them: never a sum.
    pub risks: Vec<(SessionId, Severity)>,
}

impl<'a> Audit<'a> {
    pub fn new(analysis: &'a Analysis, policy: &Policy) -> Self {
        let (logins, without_login) = logins::logins(&analysis.sessions);
        let mut risks = analysis.risks.clone();
        risks.sort_by_key(|(session, worst)| (std::cmp::Reverse(*worst), session.0));
        Self {
            logins,
            without_login,
            moved: moved::moved(analysis, policy),
            unseen: unseen::unseen(analysis),
            risks,
        }
    }
}

/// Sessions named beside a count.
const NAMED: usize = 64;
