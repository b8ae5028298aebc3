//! What of a dialogue must not be shown unless it is asked for: the one place that knows.

use std::borrow::Cow;

use crate::ftp::{Command, Verb};
use crate::session::{Exchange, Sent};

/// `PASS` and `ACCT` tell secrets; so may a torn line whose verb is lost.
pub(super) fn is_secret(command: &Command, is_partial: bool) -> bool {
    matches!(command.verb, Verb::Pass | Verb::Acct) || is_lost(command, is_partial)
}

/// The secret in a command, if it is one that has any.
pub(super) fn secret_of(sent: &Sent) -> Option<Cow<'_, [u8]>> {
    let command = &sent.command;
    if !is_secret(command, sent.is_partial) {
        None
    } else if is_lost(command, sent.is_partial) {
        Some([&command.word[..], &command.arg].join(&b' ').into())
    } else {
        Some(command.arg.as_slice().into())
    }
}

/// The secret the answers to a command may repeat.
pub(super) fn echo_of(exchange: &Exchange) -> Option<Cow<'_, [u8]>> {
    exchange.sent.as_ref().and_then(secret_of)
}

/// A line without the secret it repeats.
pub(super) fn without<'a>(line: &'a [u8], secret: Option<&[u8]>) -> Cow<'a, [u8]> {
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else { return line.into() };
    let mut rest = line;
    let mut kept = Vec::new();
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret) {
        kept.extend_from_slice(rest.get(..at).unwrap_or_default());
        kept.extend_from_slice(MASK);
        rest = rest.get(at + secret.len()..).unwrap_or_default();
    }
    kept.extend_from_slice(rest);
    kept.into()
}

/// Always as long, so that it does not tell the length.
pub(super) const MASK: &[u8] = b"***";

/// Whether the line is torn and its verb with it: what is left may be half a password.
pub(super) fn is_lost(command: &Command, is_partial: bool) -> bool {
    is_partial && command.verb == Verb::Other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Stamp, Timestamp};

    #[test]
    fn passwords_and_torn_lines_are_secrets() {
        let stamp = Stamp { at: Timestamp::UNKNOWN, frame: 1, input: 0 };
        for (line, is_partial, wanted) in [
            (&b"PASS one two"[..], false, Some(&b"one two"[..])),
            (b"pass x", true, Some(b"x")),
            (b"ACCT y", false, Some(b"y")),
            (b"USER me", false, None),
            (b"USER me", true, None),
            (b"SS secret", true, Some(b"SS secret")),
            (b"XYZZY z", false, None),
        ] {
            let sent = Sent { stamp, command: Command::parse(line), is_partial };
            assert_eq!(secret_of(&sent).as_deref(), wanted);
        }
    }

    #[test]
    fn a_reply_that_repeats_a_secret_is_shown_without_it() {
        for (line, secret, wanted) in [
            (&b"hunter2 is wrong: hunter2"[..], &b"hunter2"[..], &b"*** is wrong: ***"[..]),
            (b"no", b"hunter2", b"no"),
            (b"all of it", b"", b"all of it"),
        ] {
            assert_eq!(without(line, Some(secret)), wanted);
        }
    }
}
