//! What of a dialogue must not be shown unless it is asked for: the one place that knows.

use std::borrow::Cow;

use super::strength::kinds;
use crate::ftp::{Command, Verb};
use crate::session::{Exchange, Sent, Session};

/// `PASS` and `ACCT` tell secrets, however they are spaced, and so do `SITE PSWD` and its kin; so
/// may a line whose beginning is lost.
pub fn is_secret(command: &Command, is_headless: bool) -> bool {
    matches!(command.verb, Verb::Pass | Verb::Acct)
        || is_lost(command, is_headless)
        || names_secret(command)
        || embeds_secret(command.arg(), command.verb == Verb::User)
}

/// Whether `PASS` or `ACCT` stands in a line behind something that may end it for a server; behind
/// a space, too, if that `counts`; or a URL with a password (RFC 3986 §3.2.1).
fn embeds_secret(text: &[u8], space_counts: bool) -> bool {
    let is_break =
        |byte: u8| byte.is_ascii_control() && byte != b'\t' || space_counts && byte == b' ';
    let told = text.windows(5).any(|window| match window {
        [before, word @ ..] => {
            let is_word = word.eq_ignore_ascii_case(b"PASS") || word.eq_ignore_ascii_case(b"ACCT");
            is_word && is_break(*before)
        }
        [] => false,
    });
    told || has_url_password(text)
}

fn has_url_password(text: &[u8]) -> bool {
    let Some(at) = text.windows(3).position(|window| window == b"://") else { return false };
    let host = text.get(at + 3..).unwrap_or_default();
    let host = host.split(|byte| *byte == b'/').next().unwrap_or_default();
    let user = host.iter().rposition(|byte| *byte == b'@').and_then(|at| host.get(..at));
    user.is_some_and(|user| user.contains(&b':'))
}

/// Whether a line that is none of the verbs known still names a password.
fn names_secret(command: &Command) -> bool {
    if !matches!(command.verb, Verb::Other | Verb::Site) {
        return false;
    }
    let words = command.line().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.take(2).any(|word| {
        // Some servers drop what is no letter.
        let letters: Vec<u8> = word.iter().copied().filter(u8::is_ascii_alphabetic).collect();
        let is_known = |secret: &&str| secret.as_bytes().eq_ignore_ascii_case(&letters);
        let begins = letters.get(..4).is_some_and(|four| four.eq_ignore_ascii_case(b"PASS"));
        begins || SECRET_WORDS.iter().any(is_known)
    })
}

/// As the first word of a line that a server may still understand, or the second, after `SITE`.
/// What begins with `PASS` is taken for one.
const SECRET_WORDS: [&str; 10] =
    ["ACCT", "PSWD", "CPWD", "CHPASS", "CHGPASS", "CHPWD", "LOGIN", "GPASS", "ADDUSER", "GADDUSER"];

/// Of what begins with `PASS` the words that are commands; in others the secret sticks to the verb.
const PASS_WORDS: [&str; 3] = ["PASS", "PASSWD", "PASSWORD"];

/// The secret in a command, if it is one that has any.
pub fn secret_of(sent: &Sent) -> Option<Cow<'_, [u8]>> {
    let command = &sent.command;
    if !is_secret(command, sent.is_headless) {
        None
    } else if is_lost(command, sent.is_headless) {
        Some(command.line().into())
    } else {
        Some(command.arg().into())
    }
}

/// The secret the answers to a command may repeat.
pub fn echo_of(exchange: &Exchange) -> Option<Cow<'_, [u8]>> {
    exchange.sent.as_ref().and_then(secret_of)
}

/// Secrets of a session that are like no word of a dialogue: wherever they are repeated, they are
/// recognised. What is like one (`file`, `guest`) is hidden in the answer to its own command only:
/// elsewhere the hole in a text would tell it.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<Vec<u8>>);

/// Secrets remembered of a session: guessing has many, and those that are wrong open nothing.
const REMEMBERED: usize = 16;

/// Bytes of a secret that is like no word, at least.
const UNLIKE: usize = 6;

impl Secrets {
    pub fn of(session: &Session) -> Self {
        let mut secrets = Self::default();
        session.exchanges.iter().for_each(|exchange| secrets.learn(exchange));
        secrets
    }

    /// Remembers the secret of an exchange, if it is like no word.
    pub fn learn(&mut self, exchange: &Exchange) {
        let Some(sent) = exchange.sent.as_ref() else { return };
        if !matches!(sent.command.verb, Verb::Pass | Verb::Acct) {
            return;
        }
        let secret = sent.command.arg().trim_ascii();
        let is_new = !self.0.iter().any(|known| known == secret);
        if is_new && self.0.len() < REMEMBERED && is_unlike(secret) {
            self.0.push(secret.to_vec());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line without them, and without `own`, which its own command told.
    pub fn hide<'a>(&self, line: &'a [u8], own: Option<&[u8]>) -> Cow<'a, [u8]> {
        self.0.iter().fold(without(line, own), |line, secret| masked(line, secret))
    }
}

/// A line without the secret it repeats.
fn without<'a>(line: &'a [u8], secret: Option<&[u8]>) -> Cow<'a, [u8]> {
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else { return line.into() };
    // Servers trim what they repeat, turn it to capitals, or repeat one word of it.
    let words = secret.split(u8::is_ascii_whitespace).filter(|word| word.len() >= TELLING);
    let whole = [secret, secret.trim_ascii()];
    let mut text = Cow::from(line);
    for part in whole.into_iter().chain(words.take(REMEMBERED)).filter(|part| !part.is_empty()) {
        if is_unlike(part) {
            text = masked(text, part);
        } else if stands_in(&text, part) {
            // A hole in a sentence that everybody knows would tell the word.
            return MASK.into();
        }
    }
    text
}

/// Whether it is like no word of a dialogue.
fn is_unlike(secret: &[u8]) -> bool {
    secret.len() >= UNLIKE && kinds(secret) > 1
}

/// Whether it stands in a text as words do.
fn stands_in(text: &[u8], word: &[u8]) -> bool {
    let is_letter =
        |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let found = text.windows(word.len()).enumerate();
    let mut found = found.filter(|(_, window)| window.eq_ignore_ascii_case(word));
    found.any(|(at, _)| !is_letter(at.checked_sub(1)) && !is_letter(Some(at + word.len())))
}

/// Bytes of a word from which on it is a secret of its own.
const TELLING: usize = 4;

fn masked<'a>(line: Cow<'a, [u8]>, secret: &[u8]) -> Cow<'a, [u8]> {
    let find = |text: &[u8]| {
        text.windows(secret.len()).position(|window| window.eq_ignore_ascii_case(secret))
    };
    if find(&line).is_none() {
        return line;
    }
    let mut rest = &line[..];
    let mut kept = Vec::new();
    while let Some(at) = find(rest) {
        kept.extend_from_slice(rest.get(..at).unwrap_or_default());
        kept.extend_from_slice(MASK);
        rest = rest.get(at + secret.len()..).unwrap_or_default();
    }
    kept.extend_from_slice(rest);
    kept.into()
}

/// Always as long, so that it does not tell the length.
pub const MASK: &[u8] = b"***";

/// Whether the verb cannot be told from what follows: its beginning is lost, and what is left may
/// be half a password, or another space than a space stands after it, or none.
pub fn is_lost(command: &Command, is_headless: bool) -> bool {
    let word = command.word();
    let is = |known: &&str| known.as_bytes().eq_ignore_ascii_case(word);
    let is_one_word = word.iter().any(u8::is_ascii_whitespace)
        || word.get(..4).is_some_and(|four| four.eq_ignore_ascii_case(b"PASS"))
            && !PASS_WORDS.iter().any(is);
    is_headless && command.verb == Verb::Other
        || is_one_word && names_secret(command)
        || embeds_secret(word, false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::time::{Stamp, Timestamp};

    #[test]
    fn passwords_and_torn_lines_are_secrets() {
        let stamp = Stamp::new(Timestamp::UNKNOWN, 0, 1);
        for (line, is_headless, wanted) in [
            (&b"PASS one two"[..], false, Some(&b"one two"[..])),
            (b"pass x", true, Some(b"x")),
            (b"ACCT y", false, Some(b"y")),
            (b"USER me", false, None),
            (b"USER me", true, None),
            (b"SS secret", true, Some(b"SS secret")),
            (b"XYZZY z", false, None),
            (b" PASS one", false, Some(b"PASS one")),
            (b"PA\0SS one", false, Some(b"one")),
            (b"PASS\tone", false, Some(b"PASS\tone")),
            (b"SITE PSWD old new", false, Some(b"PSWD old new")),
            (b"SITE CHPASS old new", false, Some(b"CHPASS old new")),
            (b"PASSWORD x", false, Some(b"x")),
            (b"PASSx-1", false, Some(b"PASSx-1")),
            (b"PASS\0x", false, Some(b"PASS\0x")),
            (b"PASSWORD=x", false, Some(b"PASSWORD=x")),
            (b"SYST\0PASS x", false, Some(b"SYST\0PASS x")),
            (b"USER bob\rPASS x", false, Some(b"bob\rPASS x")),
            (b"USER bob PASS x", false, Some(b"bob PASS x")),
            (b"RETR my pass.txt", false, None),
            (b"RETR ftp://bob:x@host/a", false, Some(b"ftp://bob:x@host/a")),
            (b"RETR http://host:80/a@b", false, None),
            (b"SITE ADDUSER eve x", false, Some(b"ADDUSER eve x")),
            (b"LOGIN me x", false, Some(b"me x")),
        ] {
            let command = Command::parse(line);
            let sent = Sent {
                stamp,
                command,
                is_partial: is_headless,
                is_headless,
                is_split: false,
                iacs: 0,
            };
            assert_eq!(secret_of(&sent).as_deref(), wanted);
        }
    }

    #[test]
    fn what_is_like_no_word_is_hidden_wherever_it_is_repeated() {
        let secrets = Secrets(vec![b"hunter-2".to_vec()]);
        let line = b"USER bob PASS HUNTER-2 is wrong";
        assert_eq!(&*secrets.hide(line, None), b"USER bob PASS *** is wrong");
        assert_eq!(&*secrets.hide(b"opening file", Some(b"file")), b"***");
        let stamp = Stamp::new(Timestamp::UNKNOWN, 0, 1);
        for (line, is_learnt) in [
            (&b"PASS hunter-2"[..], true),
            (b"PASS password", false),
            (b"PASS a-1", false),
            (b"RETR hunter-2", false),
        ] {
            let command = Command::parse(line);
            let (is_partial, is_headless, is_split) = (false, false, false);
            let sent = Some(Sent { stamp, command, is_partial, is_headless, is_split, iacs: 0 });
            let (replies, malformed, cwd) = (Vec::new(), Box::default(), Arc::default());
            let mut secrets = Secrets::default();
            secrets.learn(&Exchange { sent, replies, malformed, cwd, transfer: None });
            assert_eq!(!secrets.is_empty(), is_learnt, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_reply_that_repeats_a_secret_is_shown_without_it() {
        for (line, secret, wanted) in [
            (&b"hunter2 is wrong: hunter2"[..], &b"hunter2"[..], &b"*** is wrong: ***"[..]),
            (b"no", b"hunter2", b"no"),
            (b"all of it", b"", b"all of it"),
            (b"Login successful.", b"o", b"Login successful."),
            (b"Login incorrect.", b"login", b"***"),
            (b"(HUNTER2) is wrong", b" Hunter2 ", b"(***) is wrong"),
            (b"old-secret not changed", b"PSWD old-secret new", b"*** not changed"),
            (b"no such user", b"a b no", b"no such user"),
        ] {
            assert_eq!(without(line, Some(secret)), wanted);
        }
    }
}
