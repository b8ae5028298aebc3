//! Names that do harm where they are written to disk or given to a shell.

use super::super::super::{Check, Found, Kind, Rule};
use super::super::by_answer;
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::ftp::Verb;
use crate::session::Exchange;
use crate::transfer::Transfer;

pub(super) const HOSTILE: Rule = Rule {
    id: "hostile-name",
    kind: Kind::Security { attack: &[] },
    help: "A name of a file would do harm where it is used as it is.",
    meaning: "Names that climb out of the directory, name a device, hide characters or begin with a \
              dash are not what they seem to the programs that take them: clients that write what a \
              server lists (CVE-2014-4877), scripts, and whoever unpacks a capture.",
    evidence: "Such a name in a command that names a file, or in a listing.",
    false_positives: "Names that are ordinary on one system and not on another, as aux.c, or a colon.",
    fix: "Do not use the name as it is. Extraction with ftpscope is safe: it puts the transfer's number \
          in front of the last part of the name and replaces what can do harm.",
    check: Check::Session(hostile),
};

const NAMING: [Verb; 9] = [
    Verb::Retr,
    Verb::Stor,
    Verb::Stou,
    Verb::Appe,
    Verb::Mkd,
    Verb::Rmd,
    Verb::Dele,
    Verb::Rnfr,
    Verb::Rnto,
];

fn hostile(case: &Case<'_>, found: &mut Found) {
    if case.looks.verbs.has_any(&NAMING) {
        for exchange in &case.session.exchanges {
            if let Some(sent) = &exchange.sent
                && NAMING.contains(&sent.command.verb)
                && !sent.is_headless
                && let Some(harm) = harm_of(sent.command.arg())
            {
                found.add(case, told_of_command(case, exchange, harm));
            }
        }
    }
    for transfer in &case.transfers {
        let Some(listing) = &transfer.listing else { continue };
        // Of what was asked for with dots, the names may have them.
        let has_dots = |name: &[u8]| name.windows(2).any(|pair| pair == b"..");
        let is_climbing = transfer.request.name.as_deref().is_some_and(has_dots);
        // A LIST is in columns, and blanks fill them.
        let is_padded = transfer.request.verb == Verb::List;
        for entry in &listing.entries {
            let name = without_returns(&entry.name);
            let harm = harm_of(name).filter(|harm| match harm {
                Harm::Climbs => !is_climbing && !matches!(name, b"." | b".." | b"./" | b"../"),
                Harm::Ending => !is_padded,
                _ => true,
            });
            if let Some(harm) = harm {
                found.add(case, told_of_listing(case, transfer, name, harm));
            }
        }
    }
}

/// A name of a listing whose lines end in CR CR LF, as those do whose ends were put in twice.
fn without_returns(mut name: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r'] = name {
        name = rest;
    }
    name
}

/// What a name does that names should not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Harm {
    Climbs,
    Controls,
    Long,
    Drive,
    Stream,
    Device,
    Dash,
    Ending,
}

impl Harm {
    fn words(self) -> &'static str {
        match self {
            Self::Climbs => "climbs out of its directory",
            Self::Controls => "holds control characters",
            Self::Long => "is longer than file systems allow",
            Self::Drive => "names a drive of Windows",
            Self::Stream => "names a hidden stream of a file on NTFS",
            Self::Device => "names a device of Windows",
            Self::Dash => "begins with a dash, as options do",
            Self::Ending => "ends with a dot or a blank, which Windows leaves out",
        }
    }

    /// Some of these are honest names on other systems.
    fn severity(self) -> Severity {
        match self {
            Self::Climbs | Self::Controls | Self::Stream => Severity::Warning,
            _ => Severity::Info,
        }
    }
}

/// The worst that is wrong with a name, or a path, if anything is.
fn harm_of(path: &[u8]) -> Option<Harm> {
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    if path.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
        return Some(Harm::Controls);
    }
    let has_dots = path.windows(2).any(|pair| pair == b"..");
    if has_dots && path.split(is_slash).any(|part| part == b"..") {
        return Some(Harm::Climbs);
    }
    // `C:`, `C:x`, and no heading of one letter.
    if matches!(path, [letter, b':', rest @ ..] if letter.is_ascii_alphabetic() && !rest.starts_with(b" "))
    {
        return Some(Harm::Drive);
    }
    let last = path.rsplit(is_slash).find(|part| !part.is_empty())?;
    if last.len() > LONGEST {
        return Some(Harm::Long);
    }
    if let Some(at) = last.iter().position(|byte| *byte == b':')
        && is_stream(last, at)
    {
        return Some(Harm::Stream);
    }
    match last {
        [b'-', ..] if last.len() > 1 => Some(Harm::Dash),
        [.., b'.' | b' '] if !matches!(last, b"." | b"..") => Some(Harm::Ending),
        _ => is_device(last).then_some(Harm::Device),
    }
}

/// Bytes of a name that file systems allow.
const LONGEST: usize = 255;

/// `a.txt:b.exe`, `a.asp::$DATA`. Times have colons between digits, and are none.
fn is_stream(last: &[u8], colon: usize) -> bool {
    let Some((name, [_, stream @ ..])) = last.split_at_checked(colon) else { return false };
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_');
    let is_word =
        stream.first().is_some_and(u8::is_ascii_alphabetic) && stream.iter().all(is_of_word);
    stream.to_ascii_uppercase().ends_with(b"$DATA") || is_word && name.contains(&b'.')
}

/// CON, PRN, AUX, NUL, COM1 to COM9 and LPT1 to LPT9, with any ending.
fn is_device(name: &[u8]) -> bool {
    if !matches!(name, [b'c' | b'p' | b'a' | b'n' | b'l' | b'C' | b'P' | b'A' | b'N' | b'L', ..]) {
        return false;
    }
    let stem = name.split(|byte| *byte == b'.').next().unwrap_or(name).trim_ascii_end();
    let is = |known: &[u8]| stem.eq_ignore_ascii_case(known);
    let is_numbered = matches!(stem, [_, _, _, b'1'..=b'9'])
        && stem.get(..3).is_some_and(|kind| {
            kind.eq_ignore_ascii_case(b"COM") || kind.eq_ignore_ascii_case(b"LPT")
        });
    is(b"CON") || is(b"PRN") || is(b"AUX") || is(b"NUL") || is_numbered
}

fn told_of_command(case: &Case<'_>, exchange: &Exchange, harm: Harm) -> Draft {
    let command = case.spell(exchange);
    let reply = exchange.final_reply();
    let answer = match reply {
        Some(last) => format!("The server answered \"{}\".", case.quote(exchange, last)),
        None => "No answer is in the capture.".to_owned(),
    };
    let (client, server) = (case.session.client.ip, case.session.server);
    // Whether it climbs out of what the server shows is another rule's.
    let severity = if harm == Harm::Climbs { Severity::Info } else { harm.severity() };
    let title = format!("The name in {command} {}.", harm.words());
    let draft = Draft { severity, ..draft(case, harm, title) }
        .transfer(exchange.transfer)
        .frames(exchange.stamp())
        .frames(reply.map(|last| last.stamp))
        .explained(format!("{client} sent it to {server}. {answer}"))
        .with("command", command);
    by_answer(draft, reply)
}

fn told_of_listing(case: &Case<'_>, transfer: &Transfer, name: &[u8], harm: Harm) -> Draft {
    let name = case.text(name);
    draft(case, harm, format!("A name that {} lists {}.", case.session.server, harm.words()))
        .transfer(Some(transfer.request.id))
        .frames([transfer.request.asked])
        .frames(transfer.content.as_ref().and_then(|content| content.first))
        .explained(format!("{} shows \"{name}\".", case.name(transfer)))
        .with("name", name)
        .attempted()
}

fn draft(case: &Case<'_>, harm: Harm, title: String) -> Draft {
    let (client, server) = (case.session.client.ip, case.session.server.ip);
    Draft::new(harm.severity(), Certainty::High, title)
        .with("harm", harm.words())
        .cause(format!("{client} {server} {harm:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_harm_are_told_from_those_that_look_odd() {
        for (name, wanted) in [
            (&b"report.pdf"[..], None),
            (b"", None),
            (b"a..b", None),
            (b"..a", None),
            (b"../../etc/passwd", Some(Harm::Climbs)),
            (b"a\\..\\b", Some(Harm::Climbs)),
            (b"..", Some(Harm::Climbs)),
            (b"a\0b", Some(Harm::Controls)),
            (b"a\x1b[31m", Some(Harm::Controls)),
            (&[b'x'; 255], None),
            (&[b'x'; 256], Some(Harm::Long)),
            (b"C:\\x.exe", Some(Harm::Drive)),
            (b"C:x", Some(Harm::Drive)),
            (b"a.txt:b.exe", Some(Harm::Stream)),
            (b"default.asp::$DATA", Some(Harm::Stream)),
            (b"log 12:30:05.txt", None),
            (b"a: b.txt", None),
            (b"dir/CON", Some(Harm::Device)),
            (b"aux.c", Some(Harm::Device)),
            (b"com1.txt", Some(Harm::Device)),
            (b"com0", None),
            (b"console", None),
            (b"-rf", Some(Harm::Dash)),
            (b"-", None),
            (b"x.txt.", Some(Harm::Ending)),
            (b"x ", Some(Harm::Ending)),
            (b".", None),
            (b"dir/", None),
            ("grün.txt".as_bytes(), None),
        ] {
            assert_eq!(harm_of(name), wanted, "{}", name.escape_ascii());
        }
    }
}
