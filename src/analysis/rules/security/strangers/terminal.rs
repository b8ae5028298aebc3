//! Text that acts on the terminal of whoever reads it.

use std::borrow::Cow;

use super::super::super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::analysis::secret::{Secrets, echo_of, secret_of};
use crate::session::Exchange;
use crate::time::Stamp;

pub(super) const ESCAPE: Rule = Rule {
    id: "terminal-escape",
    kind: Kind::Security { attack: &[] },
    help: "Text of the dialogue or of a listing holds what a terminal obeys.",
    meaning: "Escape sequences move the cursor, rename windows and overwrite what was shown; marks \
              that turn the direction of writing make a name look like another. They act on clients \
              and on whoever looks at logs.",
    evidence: "ESC, a control character of C1 or a mark of bidirectional text (U+202A to U+202E, \
               U+2066 to U+2069) in a greeting, a reply, a command or a listing.",
    false_positives: "Greetings with colours; names in scripts that are written from right to left.",
    fix: "Look at such text only where it is escaped, as ftpscope does. Tell the owner of the server, \
          or whoever sent it.",
    check: Check::Session(escape),
};

fn escape(case: &Case<'_>, found: &mut Found) {
    let is_odd = case.looks.has_odd_reply || case.looks.has_odd_command;
    for exchange in &case.session.exchanges {
        for (stamp, line) in &exchange.malformed {
            if let Some((act, line)) = in_line(exchange, line) {
                found.add(case, told(case, act, By::Server, &case.text(&line), *stamp));
            }
        }
        if is_odd {
            of_exchange(case, exchange, found);
        }
    }
    for transfer in &case.transfers {
        let Some(listing) = &transfer.listing else { continue };
        let names = listing.entries.iter().map(|entry| &entry.name);
        for name in names.chain(&listing.unparsed) {
            if let Some(act) = Act::of(name) {
                let asked = transfer.request.asked;
                let draft = told(case, act, By::Listing, &case.text(name), asked);
                found.add(case, draft.transfer(Some(transfer.request.id)));
            }
        }
    }
}

fn of_exchange(case: &Case<'_>, exchange: &Exchange, found: &mut Found) {
    if let Some(sent) = &exchange.sent
        && secret_of(sent).is_none()
        && let Some(act) = Act::of(sent.command.line())
    {
        let line = case.text(sent.command.line());
        found.add(case, told(case, act, By::Client, &line, sent.stamp));
    }
    for received in &exchange.replies {
        let acting = received.reply.lines().find_map(|line| in_line(exchange, line));
        if let Some((act, line)) = acting {
            let line = format!("{} {}", received.reply.code, case.text(&line));
            found.add(case, told(case, act, By::Server, &line, received.stamp));
        }
    }
}

/// What a line of the server does, and the line without secrets that it repeats: what a password
/// does is not told.
fn in_line<'a>(exchange: &Exchange, line: &'a [u8]) -> Option<(Act, Cow<'a, [u8]>)> {
    Act::of(line)?;
    let line = Secrets::default().hide(line, echo_of(exchange).as_deref());
    Some((Act::of(&line)?, line))
}

/// What a terminal would do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Act {
    Escape,
    Direction,
}

impl Act {
    fn of(text: &[u8]) -> Option<Self> {
        if !text.iter().any(|byte| matches!(byte, 0x1b | 0xc2 | 0xe2)) {
            return None;
        }
        if text.contains(&0x1b) {
            return Some(Self::Escape);
        }
        // In other charsets the same octets are letters.
        let text = std::str::from_utf8(text).ok()?;
        text.chars().find_map(|c| match c {
            '\u{80}'..='\u{9f}' => Some(Self::Escape),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(Self::Direction),
            _ => None,
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Escape => "a control sequence for terminals",
            Self::Direction => "marks that turn the direction of writing",
        }
    }
}

/// Who says it.
#[derive(Clone, Copy, Debug)]
enum By {
    Client,
    Server,
    Listing,
}

fn told(case: &Case<'_>, act: Act, by: By, line: &str, stamp: Stamp) -> Draft {
    let (client, server) = (case.session.client.ip, case.session.server);
    let (who, what) = match by {
        By::Client => (client.to_string(), "a command"),
        By::Server => (server.to_string(), "its replies"),
        By::Listing => (server.to_string(), "a listing"),
    };
    let title = format!("{who} sent {} in {what}.", act.words());
    Draft::new(Severity::Warning, Certainty::High, title)
        .frames([stamp])
        .explained(format!("It said \"{line}\"."))
        .with("text", line)
        .cause(format!("{client} {server} {act:?} {by:?}"))
        .attempted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_terminal_obeys_acts() {
        for (text, wanted) in [
            (&b"plain"[..], None),
            (b"\x1b[31mred", Some(Act::Escape)),
            ("\u{9b}31m".as_bytes(), Some(Act::Escape)),
            ("gpj.\u{202e}exe".as_bytes(), Some(Act::Direction)),
            ("a\u{2066}b".as_bytes(), Some(Act::Direction)),
            ("grün – 履歴書".as_bytes(), None),
            // CP866, Latin-1.
            (b"\x8f\xe0\x9b", None),
            (b"\xc2\xe2", None),
            (b"a\x07\tb", None),
        ] {
            assert_eq!(Act::of(text), wanted, "{}", text.escape_ascii());
        }
    }
}
