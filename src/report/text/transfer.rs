//! What came of a transfer: the lines under its command.

use std::io;

use super::page::{Ink, Line, Page};
use super::session::anomalies;
use super::{Report, arrow, moved, outcome_words, short_hash};
use crate::report::document::{session_id, transfer_id};
use crate::report::escape::{cut_front, escape};
use crate::report::human::{self, bytes, duration, number, plural};
use crate::session::{Confidence, Expected, How, Link, SizeSource};
use crate::tcp::{Close, Dir, Handshake};
use crate::transfer::{
    Content, DataConnection, Decoded, Direction, Missing, Outcome, Site, Stated, Transfer,
};

pub(super) fn write(
    report: &Report<'_>,
    transfer: &Transfer,
    indent: usize,
    page: &mut Page<'_>,
) -> io::Result<()> {
    what(report, transfer, indent, page)?;
    let indent = indent + 2;
    if let Some(data) = &transfer.data {
        connection(report, transfer, data, indent, page)?;
    }
    for (ink, note) in notes(report, transfer) {
        let mut line = Line::default();
        line.tab(indent);
        page.words(line, ink, &note)?;
    }
    Ok(())
}

/// `↓ t2  /pub/f1.bin  1 B  1.2 MB/s  complete  sha256 6b86b273…`.
fn what(
    report: &Report<'_>,
    transfer: &Transfer,
    indent: usize,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let mut line = Line::default();
    line.tab(indent);
    line.push(Ink::Plain, &format!("{} {}", arrow(transfer.direction), id(transfer)));
    let mut fields = vec![path(report, transfer, page.width() - indent - 2)];
    if let Some(content) = moved(transfer) {
        fields.push(Line::of(&bytes(content.bytes)));
        fields.extend(rate(transfer, content).map(|rate| Line::of(&rate)));
    }
    fields.extend(manner(transfer).into_iter().map(|text| Line::of(&text)));
    let (ink, outcome) = outcome_words(transfer.outcome);
    fields.push(Line::inked(ink, outcome));
    if let Some(content) = transfer.content.as_ref().filter(|content| content.bytes > 0)
        && transfer.direction != Direction::Listing
    {
        let hash = format!("sha256 {}", short_hash(&content.hashes));
        fields.push(Line::inked(Ink::Dim, &hash));
    }
    page.fields(line, indent + 2, fields)
}

fn id(transfer: &Transfer) -> String {
    transfer_id(transfer.request.id)
}

fn path(report: &Report<'_>, transfer: &Transfer, room: usize) -> Line {
    match report.path(transfer) {
        Some(path) if !path.is_empty() => Line::of(&cut_front(&escape(&path), room)),
        _ if transfer.direction == Direction::Listing => Line::of("(working directory)"),
        _ => Line::of("(no name)"),
    }
}

/// What makes the bytes something else than the file from its beginning.
fn manner(transfer: &Transfer) -> Vec<String> {
    let request = &transfer.request;
    let mut words = Vec::new();
    if transfer.direction == Direction::Append {
        words.push("appended".to_owned());
    }
    if request.rest_offset > 0 {
        words.push(format!("from byte {}", number(request.rest_offset)));
    }
    let is_file = transfer.direction != Direction::Listing;
    if is_file && request.representation.kind.as_deref().is_some_and(|kind| kind.starts_with(b"A"))
    {
        words.push("as text (TYPE A)".to_owned());
    }
    words
}

fn rate(transfer: &Transfer, content: &Content) -> Option<String> {
    // One round of segments says nothing.
    (content.bytes >= 10_000).then_some(())?;
    human::rate(content.bytes, transfer.timing().duration_ns?)
}

/// What took its time, and the round trip to measure it by.
fn times(transfer: &Transfer) -> Vec<String> {
    let timing = transfer.timing();
    let long = |nanos: Option<i64>| nanos.filter(|nanos| *nanos >= LONG);
    let mut words = Vec::new();
    words.extend(timing.rtt_ns.map(|nanos| format!("rtt {}", duration(nanos))));
    words.extend(
        long(timing.command_to_connection_ns)
            .map(|nanos| format!("opened {} after the command", duration(nanos))),
    );
    words.extend(
        long(timing.connection_to_first_byte_ns)
            .map(|nanos| format!("first byte after {}", duration(nanos))),
    );
    let again = timing.retransmissions.filter(|count| *count > 0);
    words.extend(again.map(|count| format!("{} sent again", plural(count, "segment"))));
    let full = timing.zero_window_ns.and_then(|nanos| i64::try_from(nanos).ok());
    let full = full.filter(|nanos| *nanos > 0);
    words.extend(full.map(|nanos| format!("the receiver had no room for {}", duration(nanos))));
    words
}

/// Nanoseconds of a wait that somebody may have noticed.
const LONG: i64 = 1_000_000_000;

/// `10.66.1.2:50112 → 203.0.113.21:30017  #39–#46  0.8 ms`, in the direction it was opened.
fn connection(
    report: &Report<'_>,
    transfer: &Transfer,
    data: &DataConnection,
    indent: usize,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let mut fields = vec![
        Line::of(&ends(data)),
        Line::inked(Ink::Dim, &report.frames(data.link.first, data.link.last)),
    ];
    let lasted = data.link.last.at.nanos_since(data.link.first.at);
    fields.extend(lasted.filter(|nanos| *nanos > 0).map(|nanos| Line::of(&duration(nanos))));
    fields.extend(times(transfer).iter().map(|text| Line::of(text)));
    fields.extend(transfer.request.setup.link.and_then(|link| linked(transfer, data, link)));
    fields.extend(third_host(report, transfer, data).map(|text| Line::inked(Ink::Doubtful, &text)));
    if transfer.is_encrypted && transfer.outcome != Outcome::Encrypted {
        fields.push(Line::of("TLS"));
    }
    page.fields(Line::default(), indent, fields)
}

/// A data connection that does not go to the client is rare, and to be looked at: a copy between
/// servers, or a bounce.
fn third_host(report: &Report<'_>, transfer: &Transfer, data: &DataConnection) -> Option<String> {
    let session = report.sessions.get(transfer.session)?;
    let [originator, responder] = [data.originator.ip, data.responder.ip];
    let other = if originator == session.server.ip { responder } else { originator };
    let is_third = originator != session.client.ip && responder != session.client.ip;
    is_third.then(|| format!("{other} is not the client's address"))
}

/// The two ends in the order in which one dialled the other.
pub(super) fn ends(data: &DataConnection) -> String {
    if data.link.opener_known {
        return format!("{} → {}", data.originator, data.responder);
    }
    format!("{} – {} (opening not captured)", data.originator, data.responder)
}

/// How it is known that this connection is the transfer's, unless it was plainly announced.
fn linked(transfer: &Transfer, data: &DataConnection, link: Link) -> Option<Line> {
    let announced = transfer.request.setup.announced;
    let how = match link.how {
        How::Announced if link.confidence == Confidence::Certain => return None,
        How::Announced => "as announced".to_owned(),
        How::AnnouncedPort => match announced {
            Some(end) if end.ip != data.responder.ip || !data.link.opener_known => {
                format!("port as announced, address differs ({} announced)", end.ip)
            }
            _ => "port as announced, address differs".to_owned(),
        },
        How::DefaultPort => "from FTP's data port, nothing announced".to_owned(),
        How::TimeOrder => "not announced, linked by time".to_owned(),
        How::LateAnnouncement => "as announced, the capture has it before that".to_owned(),
    };
    let sure = match link.confidence {
        Confidence::Certain => "",
        // What differs tells already that it is not certain.
        Confidence::Likely if link.how == How::AnnouncedPort => "",
        Confidence::Likely => ": likely",
        Confidence::Guess => ": a guess",
    };
    Some(Line::inked(Ink::Doubtful, &format!("{how}{sure}")))
}

fn notes(report: &Report<'_>, transfer: &Transfer) -> Vec<(Ink, String)> {
    let mut notes = Vec::new();
    let ink = outcome_words(transfer.outcome).0;
    notes.extend(meaning(transfer).map(|meaning| (ink, meaning)));
    if let Some(content) = &transfer.content {
        notes.extend(missing(content).map(|text| (Ink::Plain, text)));
        notes.extend(differs(transfer, content).map(|text| (Ink::Plain, text)));
    }
    notes.extend(file_notes(report, transfer));
    let odd = transfer.data.as_ref().map(|data| anomalies(report, &data.link));
    notes.extend(odd.into_iter().flatten().map(|text| (Ink::Doubtful, text)));
    notes
}

/// What the file really was, where that is not plain.
fn file_notes(report: &Report<'_>, transfer: &Transfer) -> Vec<(Ink, String)> {
    let mut notes = Vec::new();
    let decoded = transfer.content.as_ref().and_then(|content| content.decoded.as_deref());
    notes.extend(decoded.map(|decoded| (Ink::Plain, decoded_note(decoded))));
    if transfer.is_binary_as_text() {
        let note = "Its content is no text, but it was moved as text (TYPE A): octets may have \
                    been changed.";
        notes.push((Ink::Doubtful, note.to_owned()));
    }
    if transfer.is_rest_ignored() {
        let note = "The server accepted the REST and sent the file from its beginning.";
        notes.push((Ink::Doubtful, note.to_owned()));
    }
    if let Some(copy) = &transfer.site_to_site {
        let charset = report.analysis.charset(transfer.session);
        let site = |site: &Site| {
            let path = site.path.as_ref().map(|path| charset.decode(path).0).unwrap_or_default();
            let (session, id) = (session_id(site.session), transfer_id(site.transfer));
            format!("{} {path} ({session} {id})", site.server)
        };
        let (source, destination) = (site(&copy.source), site(&copy.destination));
        notes.push((Ink::Plain, format!("Copied from {source} to {destination}.")));
    }
    for check in &transfer.checks {
        if let (Stated::Hash { name, .. }, Some(agrees)) = (&check.stated, check.agrees) {
            let frame = report.frame(check.stamp);
            notes.push(match agrees {
                true => {
                    (Ink::Good, format!("The server states the same {} ({frame}).", name.name()))
                }
                false => {
                    (Ink::Bad, format!("The server states another {} ({frame}).", name.name()))
                }
            });
        }
    }
    notes
}

fn decoded_note(decoded: &Decoded) -> String {
    let (how, size) = (decoded.how.join(", "), bytes(decoded.bytes));
    let hash = short_hash(&decoded.hashes);
    match decoded.finished.error {
        Some(error) => format!("Decoded ({how}) as far as it goes, {size}: {error}."),
        None if !decoded.is_likely() => {
            format!("Its sender converted no line ends; converted it is {size}, sha256 {hash}.")
        }
        None => format!("Decoded ({how}): {size}, sha256 {hash}."),
    }
}

/// What an outcome that is not plainly good means here.
fn meaning(transfer: &Transfer) -> Option<String> {
    let code = transfer.request.answered.map(|(_, code)| code);
    Some(match transfer.outcome {
        Outcome::Complete => return None,
        Outcome::Unconfirmed => unconfirmed(transfer),
        Outcome::Gaps => match code {
            Some(code @ 200..300) => format!(
                "The capture misses a part of it. The server confirmed it ({code}): \
                 the capture lost the bytes, not the transfer."
            ),
            _ => "The capture misses a part of it.".to_owned(),
        },
        Outcome::Aborted => aborted(transfer),
        Outcome::InProgress => "The capture ends while it is under way.".to_owned(),
        Outcome::Refused => match code {
            Some(code) => format!("The server refused it ({code})."),
            None => "The server refused it.".to_owned(),
        },
        Outcome::NoConnection => no_connection(transfer),
        Outcome::NotCaptured => match code {
            Some(code @ 400..) => {
                format!("It broke off ({code}), and no data connection is known to be its own.")
            }
            Some(code) => format!(
                "The server confirmed it ({code}), but no data connection in the capture is known to \
                 be its own."
            ),
            None => {
                "Neither a reply to it nor a data connection known to be its own is in the capture."
                    .to_owned()
            }
        },
        Outcome::Encrypted => match transfer.estimated_bytes() {
            Some(size) => format!(
                "The size and the hash are of the encrypted bytes; in them {} of the file were moved.",
                human::about(size.least, size.most)
            ),
            None => "The size and the hash are of the encrypted bytes.".to_owned(),
        },
    })
}

fn unconfirmed(transfer: &Transfer) -> String {
    let mut why = Vec::new();
    match transfer.request.answered {
        None => why.push("the server's final reply was not captured".to_owned()),
        Some((_, code)) if code / 100 != 2 => why.push(format!("the server answered {code}")),
        Some(_) => {}
    }
    if let Some(content) = &transfer.content {
        let was_reset = |data: &DataConnection| matches!(data.link.close, Close::Reset { .. });
        match content.end {
            None if transfer.data.as_ref().is_some_and(was_reset) => {
                why.push("the data connection was reset".to_owned());
            }
            None => why.push("the end of the data connection was not captured".to_owned()),
            Some(_) => {}
        }
        let decoded = content.likely_decoded();
        if decoded.is_some_and(|decoded| !decoded.is_whole()) {
            why.push("what it stands for has no end".to_owned());
        }
        if !content.conflicts.is_empty() {
            why.push("some of its bytes were captured twice, differently".to_owned());
        }
        if transfer.short_by().is_none()
            && content.is_whole()
            && differs(transfer, content).is_some()
        {
            why.push("its size is not the one the server gave".to_owned());
        }
    }
    if let Some(short) = transfer.short_by() {
        let short = format!("It is {} short of what the server announced", exact(short));
        return why.into_iter().fold(short, |told, next| format!("{told}, and {next}")) + ".";
    }
    if why.is_empty() {
        why.push("that it is whole is not confirmed".to_owned());
    }
    format!("Between what was captured nothing is missing, but {}.", why.join(", and "))
}

fn aborted(transfer: &Transfer) -> String {
    let mut why = Vec::new();
    if transfer.request.is_abandoned {
        why.push("the client sent ABOR".to_owned());
    }
    if let Some((data, link)) = transfer.data.as_ref().zip(transfer.request.setup.link) {
        let who = |by| if by == link.server { "server" } else { "client" };
        if let Close::Reset { by, after_fin } = data.link.close {
            // Who sends a file ends it so.
            let taker = transfer.content_dir().map(Dir::reversed);
            let closed = after_fin.filter(|by| Some(*by) == taker);
            if let Some(closed) = closed {
                why.push(format!("the {} closed the data connection", who(closed)));
            }
            let it = if closed.is_some() { "it" } else { "the data connection" };
            why.push(format!("{it} was reset in the {}'s name", who(by)));
        }
    }
    match transfer.request.answered {
        Some((_, code)) if code >= 400 => why.push(format!("the server answered {code}")),
        _ => {}
    }
    if why.is_empty() {
        return "It began and was broken off.".to_owned();
    }
    format!("It began and was broken off: {}.", why.join(", "))
}

fn no_connection(transfer: &Transfer) -> String {
    let seen = match &transfer.data {
        Some(data) => match data.link.handshake {
            Handshake::Unanswered => {
                format!("{} got no answer", plural(u64::from(data.link.syns), "SYN"))
            }
            Handshake::Refused => "it was refused (RST)".to_owned(),
            _ => "it carried nothing".to_owned(),
        },
        None => "none that is known to be its own is in the capture".to_owned(),
    };
    let said = match transfer.request.answered {
        Some((_, code)) => format!("; the server answered {code}"),
        None => "; no final reply was captured".to_owned(),
    };
    format!("The data connection never came up: {seen}{said}.")
}

/// `Missing: 1,460 B at 2,920; 2,920 B at 8,760; … and 3 more`.
fn missing(content: &Content) -> Option<String> {
    if content.is_whole() {
        return None;
    }
    let mut parts: Vec<_> = content.missing.iter().take(MOST_RANGES).map(range).collect();
    let more = content.missing.len().saturating_sub(MOST_RANGES) as u64;
    if more > 0 {
        parts.push(format!("… and {}", plural(more, "more range")));
    }
    if content.missing_unlisted > 0 {
        let and = if parts.is_empty() { "" } else { "and " };
        parts.push(format!("{and}{} that are not listed", bytes(content.missing_unlisted)));
    }
    Some(format!("Missing: {}", parts.join("; ")))
}

/// A few show where it hurts; the document has all.
const MOST_RANGES: usize = 4;

fn range(missing: &Missing) -> String {
    match (missing.offset, missing.bytes) {
        (Some(0), None) => "its beginning".to_owned(),
        (Some(0), Some(bytes)) => format!("its first {}", exact(bytes)),
        (Some(offset), Some(bytes)) => format!("{} from byte {}", exact(bytes), number(offset)),
        (Some(offset), None) => format!("what follows byte {}", number(offset)),
        (None, Some(bytes)) => exact(bytes),
        (None, None) => "a part".to_owned(),
    }
}

/// A range is for looking up: it is not rounded.
fn exact(bytes: u64) -> String {
    format!("{} B", number(bytes))
}

/// The size that was announced, where it is not what was moved.
fn differs(transfer: &Transfer, content: &Content) -> Option<String> {
    let request = &transfer.request;
    let Expected { bytes, source } = request.expected?;
    let rest = bytes.checked_sub(request.rest_offset);
    if !request.representation.is_image() || bytes == content.bytes || rest == Some(content.bytes) {
        return None;
    }
    let listed = content.missing.iter().map(|missing| missing.bytes.unwrap_or(0));
    let known = listed.fold(content.bytes + content.missing_unlisted, u64::saturating_add);
    // What is missing is told already.
    if known == bytes || rest == Some(known) {
        return None;
    }
    let source = match source {
        SizeSource::Preliminary => "in the reply that began it",
        SizeSource::Size => "in answer to SIZE",
        SizeSource::Mlst => "in answer to MLST",
        SizeSource::Mlsd => "in a listing (MLSD)",
        SizeSource::List => "in a listing (LIST)",
    };
    let moved = exact(content.bytes);
    Some(format!("The server gave its size as {} {source}; {moved} captured.", exact(bytes)))
}
