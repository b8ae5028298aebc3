//! Who gets in, with what.

mod accounts;
mod anonymous;
mod clear;
mod guessing;

use super::super::Rule;
use super::super::control::is_too_many;
use crate::analysis::finding::{LONGEST_TEXT, cut};
use crate::analysis::rules::heard::says;
use crate::ftp::Verb;
use crate::session::{Exchange, Received, Session};
use crate::time::Stamp;

pub(in super::super) const RULES: &[&Rule] = &[
    &guessing::GUESSING,
    &guessing::SPRAYING,
    &guessing::AFTER_FAILURES,
    &anonymous::LOGIN,
    &anonymous::WRITE,
    &accounts::WEAK,
    &accounts::PRIVILEGED,
    &clear::CREDENTIALS,
    &clear::DOWNGRADE,
    &clear::DROPPED,
];

/// A password that was sent, for whom, and what the server said to it.
#[derive(Clone, Copy)]
struct Try<'a> {
    session: &'a Session,
    /// Empty if that was not captured.
    user: &'a [u8],
    /// To be compared, never told.
    password: &'a [u8],
    sent: Stamp,
    answered: Stamp,
    is_accepted: bool,
}

/// The answered passwords of a session. Those that were not looked at tell nothing of who tries.
fn tries(session: &Session) -> impl Iterator<Item = Try<'_>> {
    let mut user = &[][..];
    session.exchanges.iter().filter_map(move |exchange| {
        let sent = exchange.sent.as_ref()?;
        match sent.command.verb {
            Verb::User => user = sent.command.user(),
            Verb::Pass => {
                let last = exchange.final_reply()?;
                let is_accepted = last.reply.lets_in();
                let is_refused = last.reply.is_refusal() && !is_unrelated(last);
                return (is_accepted || is_refused).then(|| Try {
                    session,
                    user,
                    password: sent.command.arg(),
                    sent: sent.stamp,
                    answered: last.stamp,
                    is_accepted,
                });
            }
            _ => {}
        }
        None
    })
}

/// Whether a refusal is not about the password: it came out of turn, TLS is demanded, the server
/// hangs up, or it takes no more clients.
fn is_unrelated(received: &Received) -> bool {
    let text = &received.reply.text;
    matches!(received.reply.code, 421 | 503 | 522 | 534)
        || says(text, &["encrypt", "tls", "ssl", "cleartext"])
        || is_too_many(received)
}

/// The exchange by which somebody was let in.
fn entry(session: &Session) -> Option<&Exchange> {
    session.exchanges.iter().rev().find(|exchange| exchange.lets_in())
}

/// The frames of that.
fn entry_frames(session: &Session) -> impl Iterator<Item = Stamp> {
    let entry = entry(session);
    let sent = entry.and_then(|entry| entry.sent.as_ref()).map(|sent| sent.stamp);
    let last = entry.and_then(Exchange::final_reply).map(|last| last.stamp);
    sent.into_iter().chain(last)
}

/// The frames in which somebody like this was let in by a password; or else anybody.
fn frames_of_entry(session: &Session, is: impl Fn(&[u8]) -> bool) -> Vec<Stamp> {
    match tries(session).find(|it| it.is_accepted && is(it.user)) {
        Some(entry) => vec![entry.sent, entry.answered],
        None => entry_frames(session).collect(),
    }
}

/// Sessions whose frames are shown, where many show the same.
const SHOWN: usize = 8;

/// Bytes of the wire as text, the beginning of it where it is long.
fn spelled(raw: &[u8]) -> String {
    cut(&String::from_utf8_lossy(raw), LONGEST_TEXT).into_owned()
}
