//! Who logged in, and when the clear text ended.

use std::sync::Arc;

use crate::ftp::{Command, Reply, Verb};
use crate::time::Stamp;

/// The last user who was let in, or, where nobody was, the last one tried, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Login {
    pub user: Option<Arc<[u8]>>,
    pub password: Option<Vec<u8>>,
    pub outcome: LoginOutcome,
    /// Who was let in before, each once, 16 of them at most.
    pub earlier: Vec<Entry>,
    /// Logins that were refused, of whomever.
    pub refused: u32,
    /// Who is tried while somebody is in.
    trying: Option<Box<Try>>,
    /// Who was in until REIN.
    left: Option<Box<Try>>,
}

/// Somebody who was let in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub user: Arc<[u8]>,
    /// Whether the capture has what was said as the password.
    pub has_password: bool,
}

/// Of those that [`Login::earlier`] names.
const MOST_EARLIER: usize = 16;

#[derive(Clone, Debug)]
struct Try {
    user: Arc<[u8]>,
    password: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LoginOutcome {
    /// Nothing was tried.
    #[default]
    None,
    /// The session was under way when the capture began.
    Unknown,
    /// Tried, and neither accepted nor refused as far as the capture shows.
    Incomplete,
    Accepted,
    Refused,
    /// Clear text ended before a login.
    Encrypted,
}

/// What protects the session, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encryption {
    pub kind: EncryptionKind,
    /// The frame after which the control connection is no longer clear text.
    pub since: Option<Stamp>,
    /// The frame from which on it is clear text again, as after `CCC` (RFC 4217 §6).
    pub until: Option<Stamp>,
    pub data: Protection,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum EncryptionKind {
    #[default]
    None,
    /// `AUTH TLS`, `AUTH SSL` and their kin (RFC 4217 §4).
    Explicit,
    /// TLS from the first byte, on port 990.
    Implicit,
    /// `AUTH GSSAPI` (RFC 2228 appendix I).
    Gssapi,
}

/// Of the data connections (RFC 2228 §3, `PROT`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Protection {
    #[default]
    Clear,
    Private,
    Unknown,
}

/// Whether it is a name under which everybody may come, and what is said as a password is none (RFC
/// 1635 §2; `ftp` is another name of it on Unix).
pub fn is_anonymous(user: &[u8]) -> bool {
    [&b"anonymous"[..], b"ftp"].iter().any(|name| user.trim_ascii().eq_ignore_ascii_case(name))
}

impl Login {
    /// Who was let in is not forgotten for whoever is tried after him: what was done was done by
    /// him.
    pub(super) fn handle_command(&mut self, command: &Command) {
        let is_in = self.outcome == LoginOutcome::Accepted;
        match command.verb {
            Verb::User if is_in => {
                let user = command.user().into();
                self.trying = Some(Box::new(Try { user, password: None }));
            }
            Verb::User => {
                self.user = Some(command.user().into());
                self.password = None;
                self.outcome = LoginOutcome::Incomplete;
            }
            Verb::Pass => {
                let password = match &mut self.trying {
                    Some(trying) => &mut trying.password,
                    // Of a user who needed none, or said again.
                    None if is_in && self.password.is_some() => return,
                    None => &mut self.password,
                };
                *password = Some(command.arg().to_vec());
                if !is_in {
                    self.outcome = LoginOutcome::Incomplete;
                }
            }
            Verb::Rein => self.trying = None,
            _ => {}
        }
    }

    pub(super) fn handle_reply(&mut self, verb: Verb, reply: &Reply) {
        if verb == Verb::Rein && reply.code == 220 {
            return self.log_out();
        }
        if !matches!(verb, Verb::User | Verb::Pass | Verb::Acct) {
            return;
        }
        if reply.lets_in() {
            // "230 Already logged in." changes nothing.
            let is_new =
                || !reply.text.windows(7).any(|word| word.eq_ignore_ascii_case(b"already"));
            if let Some(trying) = self.trying.take().filter(|_| is_new()) {
                let Try { user, password } = *trying;
                self.leave();
                (self.user, self.password) = (Some(user), password);
            }
            self.outcome = LoginOutcome::Accepted;
        } else if reply.is_refusal() {
            self.refused = self.refused.saturating_add(1);
            let was_in = self.outcome == LoginOutcome::Accepted;
            if self.trying.take().is_none() && !was_in {
                self.outcome = LoginOutcome::Refused;
            }
        }
    }

    /// Bytes of the names, which transfers share, and of passwords beside the last.
    pub(super) fn weight(&self) -> usize {
        let earlier = self.earlier.iter().map(|entry| size_of::<Entry>() + entry.user.len());
        let others = [&self.trying, &self.left].into_iter().flatten().map(|other| {
            size_of::<Try>() + other.user.len() + other.password.as_ref().map_or(0, Vec::len)
        });
        let user = self.user.as_ref().map_or(0, |user| user.len());
        user + earlier.sum::<usize>() + others.sum::<usize>()
    }

    /// Nobody is in any more (RFC 959 §4.1.1, REIN).
    fn log_out(&mut self) {
        if self.outcome != LoginOutcome::Accepted {
            return;
        }
        self.leave();
        let password = self.password.take();
        self.left = self.user.take().map(|user| Box::new(Try { user, password }));
        self.outcome = LoginOutcome::None;
    }

    fn leave(&mut self) {
        let entry =
            self.user.clone().map(|user| Entry { user, has_password: self.password.is_some() });
        let entry = entry.filter(|entry| !self.earlier.contains(entry));
        if self.earlier.len() < MOST_EARLIER {
            self.earlier.extend(entry);
        }
    }

    /// Everybody who was let in, as far as it is known who.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let last = self.user.as_deref().filter(|_| self.outcome == LoginOutcome::Accepted);
        let last = last.map(|user| (user, self.password.is_some()));
        self.earlier.iter().map(|entry| (&*entry.user, entry.has_password)).chain(last)
    }

    /// A reply to no command that was captured: 230 means that somebody logged in (RFC 959 §4.2),
    /// where no answer is known.
    pub(super) fn handle_unasked(&mut self, reply: &Reply) {
        if reply.code == 230
            && matches!(self.outcome, LoginOutcome::None | LoginOutcome::Incomplete)
        {
            self.outcome = LoginOutcome::Accepted;
        }
    }

    /// What can be said at the end of the session.
    pub(super) fn settle(&mut self, from_start: bool, clear_text_ended: bool) {
        self.trying = None;
        if let Some(left) = self.left.take().filter(|_| self.outcome != LoginOutcome::Accepted) {
            self.earlier.retain(|entry| entry.user != left.user);
            (self.user, self.password) = (Some(left.user), left.password);
            self.outcome = LoginOutcome::Accepted;
        }
        self.outcome = match self.outcome {
            LoginOutcome::None if clear_text_ended => LoginOutcome::Encrypted,
            LoginOutcome::None if !from_start => LoginOutcome::Unknown,
            outcome => outcome,
        };
    }
}

impl Encryption {
    /// The kind an accepted `AUTH` leads to.
    pub(super) fn kind_of(mechanism: &[u8]) -> EncryptionKind {
        if mechanism.trim_ascii().eq_ignore_ascii_case(b"GSSAPI") {
            EncryptionKind::Gssapi
        } else {
            EncryptionKind::Explicit
        }
    }

    /// From here on the control connection cannot be read, and what it agrees on for the data
    /// connections cannot be known.
    pub(super) fn begin(&mut self, kind: EncryptionKind, since: Stamp) {
        *self = Self { kind, since: Some(since), until: None, data: Protection::Unknown };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_230_to_no_known_command_is_a_login_where_nothing_else_is_known() {
        let reply = |code| Reply { code, ..Reply::default() };
        let mut login = Login::default();
        login.handle_unasked(&reply(331));
        assert_eq!(login.outcome, LoginOutcome::None);
        login.handle_unasked(&reply(230));
        assert_eq!(login.outcome, LoginOutcome::Accepted);
        let mut refused = Login { outcome: LoginOutcome::Refused, ..Login::default() };
        refused.handle_unasked(&reply(230));
        assert_eq!(refused.outcome, LoginOutcome::Refused);
    }
}
