//! How transfers end: early, cancelled, short, or with nobody saying so.

use super::{Check, Found, Kind, Moved, Rule, capitalized};
use crate::analysis::case::{Case, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::analysis::rules::heard::says;
use crate::ftp::Verb;
use crate::session::{Confidence, NO_DATA_CONNECTION};
use crate::tcp::Close;
use crate::time::Stamp;
use crate::transfer::{self, CheckSource, Direction, Outcome, Stated};

pub(super) const ABORTED: Rule = Rule {
    id: "transfer-aborted-by-peer",
    kind: Kind::Diagnosis,
    help: "A data connection was closed before the transfer was over.",
    meaning: "The file is incomplete at its receiver. Who sent the first FIN or reset is who gave \
              up, or what stands in front of it.",
    evidence: "A data connection that carried the transfer and ended early: by a reset or a FIN of \
               its receiver, or followed by a 4yz or 5yz reply such as 426.",
    false_positives: "Clients that want the beginning of a file only close the connection when they \
                      have it: previews, media players, curl with a range.",
    fix: "Look at who closed first, at that time: its log, its time-outs, whether it was stopped.",
    check: Check::Session(aborted),
};

fn aborted(case: &Case<'_>, found: &mut Found) {
    for opening in &case.openings {
        let Some(transfer) = opening.transfer else { continue };
        if transfer.outcome != Outcome::Aborted || transfer.request.is_abandoned {
            continue;
        }
        let Some(moved) = Moved::of(transfer) else { continue };
        if is_told_elsewhere(moved, opening) {
            continue;
        }
        found.add(case, told_of_abort(case, opening, moved));
    }
}

/// What another rule tells the cause of.
fn is_told_elsewhere(moved: Moved<'_>, opening: &Opening<'_>) -> bool {
    // 52z and 53z are refusals of what is not, or not rightly, encrypted (RFC 2228 §5.1, RFC 4217).
    let is_of_setup = matches!(moved.code(), Some(NO_DATA_CONNECTION | 520..=539));
    let is_cut_upload = moved.is_upload() && moved.is_confirmed();
    let is_storage = opening.used_by.is_some_and(super::refusals::is_about_storage);
    let is_loss = super::flow::dead_segment(moved).is_some();
    // The server ended the session for its time-out, and the transfer with it.
    let timed_out = |text: &[u8]| says(text, &["timeout", "timed out", "time-out"]);
    let since = moved.content.last.zip(moved.transfer.request.answered);
    let since = since.and_then(|(last, (ended, _))| ended.at.nanos_since(last.at));
    let is_idle = moved.code() == Some(421)
        && since.is_some_and(|since| since < STILL_MOVING_NS)
        && opening
            .outcome()
            .is_some_and(|last| timed_out(&last.reply.text) && !says(&last.reply.text, &["data "]));
    is_of_setup || is_cut_upload || is_storage || is_loss || is_idle
}

/// Nanoseconds since the last byte in which a transfer still runs.
const STILL_MOVING_NS: i64 = 5_000_000_000;

fn told_of_abort(case: &Case<'_>, opening: &Opening<'_>, moved: Moved<'_>) -> Draft {
    let (link, name) = (&moved.data.link, case.name(moved.transfer));
    let bytes = counted(moved.content.bytes, "byte");
    let (title, mut what, fix) = match link.ended_by {
        Some(by) => {
            let (role, closed, other) = (moved.role(by), moved.end(by), moved.end(by.reversed()));
            (
                format!("{name} broke off: {role} closed the data connection."),
                format!(
                    "{} {closed} was the first to close the data connection to {other}, which had \
                     carried {bytes} when it was over.",
                    capitalized(role)
                ),
                if moved.is_server(by) {
                    "Look into the server's log at that time: a time-out, a limit or an error made \
                     it give up. A firewall that cuts connections can do it in the server's name."
                } else {
                    "Look at the client at that time: whether it was stopped, gave up waiting, or \
                     could not write. A firewall that cuts connections can do it in its name."
                },
            )
        }
        None => (
            format!("{name} broke off after {bytes}."),
            format!("The data connection carried {bytes}; its end was not captured."),
            ABORTED.fix,
        ),
    };
    if let Some(reply) = quoted_outcome(case, opening) {
        what += &format!(" The server says: {reply}");
    }
    // A 2yz, or no end, leaves room for another reading.
    let is_sure = link.ended_by.is_some() && !moved.is_confirmed();
    let certainty = if is_sure { Certainty::High } else { Certainty::Medium };
    // The server has said that all is there: some programs end every connection by a reset.
    let (severity, title) = match moved.is_confirmed() {
        true => (Severity::Warning, format!("{name} was ended by a reset.")),
        false => (Severity::Error, title),
    };
    Draft::new(severity, certainty, title)
        .transfer(Some(moved.transfer.request.id))
        .frames(frames_of(moved))
        .explained(ended_sentence(what))
        .fixed_by(fix.to_owned())
        .with("closed_by", link.ended_by.map_or("unknown", |by| moved.role(by)))
        .with("bytes", moved.content.bytes)
}

/// The final reply of what a setup was used for, quoted.
fn quoted_outcome(case: &Case<'_>, opening: &Opening<'_>) -> Option<String> {
    Some(case.quote(opening.used_by?, opening.outcome()?))
}

/// With a full stop, if what was quoted last has none.
fn ended_sentence(mut text: String) -> String {
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// The command, the first and last octets, the end of the data connection, the final reply.
fn frames_of(moved: Moved<'_>) -> impl Iterator<Item = Stamp> {
    let request = &moved.transfer.request;
    let content = [moved.content.first, moved.content.last, moved.data.link.ended];
    let said = [Some(request.asked), request.answered.map(|(stamp, _)| stamp)];
    said.into_iter().chain(content).flatten()
}

pub(super) const WENT_SILENT: Rule = Rule {
    id: "transfer-went-silent",
    kind: Kind::Diagnosis,
    help: "A data connection fell silent in the middle of a transfer and never ended.",
    meaning: "What its sender sends gets lost on the way, or it sends nothing any more. The receiver \
              waits until its own time is up, and has a part of the file.",
    evidence: "Ten seconds or more from the last data to the end of the control connection, or until \
               the receiver closed the data connection; no end of the data, and no final reply.",
    false_positives: "A sender that is stopped or waits for a slow disk.",
    fix: "Capture at the other end at the same time. What leaves there and does not come here is \
          dropped on the way, by a firewall that forgot the connection or was given other rules; if \
          nothing leaves, look at the program there.",
    check: Check::Session(went_silent),
};

/// Nanoseconds of silence from which on it is none of an ordinary transfer.
const SILENT_NS: i64 = 10_000_000_000;

fn went_silent(case: &Case<'_>, found: &mut Found) {
    for transfer in &case.transfers {
        let has_begun =
            transfer.request.preliminary.is_some() && transfer.request.answered.is_none();
        let Some(moved) = Moved::of(transfer).filter(|_| has_begun) else { continue };
        let (content, link) = (moved.content, &moved.data.link);
        // Where the reason is seen it is told by its own rule.
        let full = case.policy.threshold("stall-ms").saturating_mul(1_000_000);
        let is_full = moved.taken().is_full && moved.taken().zero_window_ns >= full;
        let is_told = is_full || super::flow::dead_segment(moved).is_some();
        if content.end.is_some() || is_told {
            continue;
        }
        let from = content.last.unwrap_or(link.first);
        let (until, then) = match (link.ended_by, link.ended) {
            (None, _) => (case.session.tcp.link.last, "the last packet of the control connection"),
            (Some(by), Some(ended)) if by != moved.dir => (ended, "the other end closed it"),
            _ => continue,
        };
        let silent = until.at.nanos_since(from.at).unwrap_or(0);
        if silent < SILENT_NS {
            continue;
        }
        let (name, silent) = (case.name(transfer), spoken(silent));
        let (sender, taker) = (moved.end(moved.dir), moved.end(moved.dir.reversed()));
        let short = transfer.short_by().map_or_else(String::new, |short| {
            format!(" It is {} short of what the server announced.", counted(short, "byte"))
        });
        let draft = Draft::new(
            Severity::Error,
            Certainty::Medium,
            format!("{name} came to a halt: its data connection fell silent."),
        )
        .transfer(Some(transfer.request.id))
        .frames(frames_of(moved))
        .frames([from, until])
        .explained(format!(
            "{} from {sender} to {taker} had come by frame {}. In the {silent} until frame {} ({then}) \
             no more of it came, nor its end, nor a final reply.{short}",
            counted(content.bytes, "byte"),
            from.frame(),
            until.frame()
        ))
        .with("bytes", content.bytes);
        found.add(case, draft);
    }
}

pub(super) const CANCELLED: Rule = Rule {
    id: "transfer-cancelled",
    kind: Kind::Diagnosis,
    help: "The client cancelled a transfer with ABOR.",
    meaning: "Somebody or some program at the client did not want the rest. The file is incomplete \
              there, and the network is not the reason.",
    evidence: "ABOR while the transfer was under way, which then did not complete.",
    false_positives: "Some clients send ABOR when they gave up waiting: what they waited for is the \
                      reason then.",
    fix: "None, if it was meant. Otherwise look at the client's time-outs.",
    check: Check::Session(cancelled),
};

fn cancelled(case: &Case<'_>, found: &mut Found) {
    let is_cancelled = |transfer: &&&transfer::Transfer| {
        transfer.request.is_abandoned && transfer.outcome == Outcome::Aborted
    };
    if case.transfers.iter().find(is_cancelled).is_none() {
        return;
    }
    let sent = case.session.exchanges.iter().filter_map(|exchange| exchange.sent.as_ref());
    let abors: Vec<Stamp> =
        sent.filter(|sent| sent.command.verb == Verb::Abor).map(|sent| sent.stamp).collect();
    for transfer in case.transfers.iter().filter(is_cancelled) {
        let asked = transfer.request.asked;
        let after = abors.partition_point(|abor| abor.is_before(asked));
        let Some(abor) = abors.get(after) else { continue };
        let bytes = transfer.content.as_ref().map_or(0, |content| content.bytes);
        let waited = abor.at.nanos_since(asked.at).unwrap_or(0);
        let draft = Draft::new(
            Severity::Info,
            Certainty::High,
            format!("{} was cancelled by the client.", case.name(transfer)),
        )
        .transfer(Some(transfer.request.id))
        .frames([asked, *abor])
        .frames(transfer.request.answered.map(|(stamp, _)| stamp))
        .explained(format!(
            "The client sent ABOR {} after the command; {} had been moved by then or a little later.",
            spoken(waited),
            counted(bytes, "byte")
        ))
        .with("bytes", bytes);
        found.add(case, draft);
    }
}

pub(super) const SHORT: Rule = Rule {
    id: "transfer-short",
    kind: Kind::Diagnosis,
    help: "The server says that a download is complete, and fewer bytes came than it has.",
    meaning: "The file at the client is cut off, and nothing there says so.",
    evidence: "A 2yz reply, a data connection from SYN to FIN without a hole, and fewer bytes on it \
               than a 150, SIZE, MLST or a listing says; REST is taken into account, and types that \
               change a file's length are left out.",
    false_positives: "The file was replaced or cut between what was said of it and the transfer; a \
                      SIZE that was asked in TYPE A.",
    fix: "Compare the size after each download and fetch the file again. Look for a proxy between, \
          and for errors of the disk in the server's log.",
    check: Check::Session(short),
};

fn short(case: &Case<'_>, found: &mut Found) {
    for transfer in &case.transfers {
        if transfer.outcome != Outcome::Unconfirmed || transfer.direction != Direction::Download {
            continue;
        }
        let Some(moved) = Moved::of(transfer) else { continue };
        // How the file is written on the wire must be known: a MODE or STRU may have been agreed on
        // before the capture began.
        let written = &transfer.request.representation;
        if written.mode.is_none() || written.structure.is_none() {
            continue;
        }
        let Some((source, stamp, stated)) = missed_size(moved) else { continue };
        let (bytes, rest) = (moved.content.bytes, transfer.request.rest_offset);
        // Who closes early has what it wanted.
        let is_wanted = moved.data.link.ended_by == Some(moved.dir.reversed());
        let severity = if is_wanted { Severity::Warning } else { Severity::Error };
        let certainty = match source {
            CheckSource::Preliminary if !is_wanted => Certainty::High,
            _ => Certainty::Medium,
        };
        let from = if rest > 0 { format!(" from byte {rest} on") } else { String::new() };
        let mut text = format!(
            "{} says that the file has {}; {} came{from}, and the server reported success.",
            spoken_source(source),
            counted(stated, "byte"),
            counted(bytes, "byte")
        );
        if is_wanted {
            text += " The client closed the data connection first: it may have had what it wanted.";
        }
        let draft = Draft::new(severity, certainty, format!("{} came short.", case.name(transfer)))
            .transfer(Some(transfer.request.id))
            .frames([stamp])
            .frames(frames_of(moved))
            .explained(text)
            .with("stated_bytes", stated)
            .with("bytes", bytes)
            .with("rest_offset", rest);
        found.add(case, draft);
    }
}

/// A size that was stated and was not reached. One that agrees, of whatever source, speaks against
/// the others; but not what the server counted itself, which is what it sent.
fn missed_size(moved: Moved<'_>) -> Option<(CheckSource, Stamp, u64)> {
    let (request, content) = (&moved.transfer.request, moved.content);
    let is_known = moved.is_confirmed()
        && content.is_whole_stream()
        && content.out_of_window == 0
        && !content.is_doubtful
        && request.representation.is_image()
        && request.setup.link.is_some_and(|link| link.confidence > Confidence::Guess);
    if !is_known {
        return None;
    }
    let reached = request.rest_offset.saturating_add(content.bytes);
    let of_file = moved.transfer.checks.iter().filter(|check| check.source != CheckSource::Final);
    let mut missed = None;
    for check in of_file {
        let Stated::Bytes(stated) = check.stated else { continue };
        if check.agrees == Some(true) || stated <= reached {
            return None;
        }
        let is_first = missed.is_none() || check.source == CheckSource::Preliminary;
        if check.agrees == Some(false) && is_first {
            missed = Some((check.source, check.stamp, stated));
        }
    }
    missed
}

fn spoken_source(source: CheckSource) -> &'static str {
    match source {
        CheckSource::Preliminary => "The 150",
        CheckSource::Size => "The answer to SIZE",
        CheckSource::Mlst => "MLST",
        CheckSource::Mlsd | CheckSource::List => "A listing",
        CheckSource::Allo => "ALLO",
        _ => "The server",
    }
}

pub(super) const UPLOAD_CUT: Rule = Rule {
    id: "upload-cut-but-accepted",
    kind: Kind::Diagnosis,
    help: "An upload broke off and the server reported success.",
    meaning: "In stream mode the end of the connection is the end of the file (RFC 959 §3.4.1): the \
              server cannot know that more was to come, and keeps what it has as the file.",
    evidence: "A reset by the client before any FIN of its own, or fewer bytes than its ALLO says; \
               and a 2yz reply.",
    false_positives: "Clients and load balancers that end every connection by a reset, also when \
                      all was sent.",
    fix: "Upload under a temporary name and rename when it is whole; compare SIZE afterwards; repeat \
          this upload.",
    check: Check::Session(upload_cut),
};

fn upload_cut(case: &Case<'_>, found: &mut Found) {
    for transfer in &case.transfers {
        if !matches!(transfer.outcome, Outcome::Aborted | Outcome::Unconfirmed) {
            continue;
        }
        let Some(moved) = Moved::of(transfer).filter(|moved| moved.is_upload()) else { continue };
        if !moved.is_confirmed() || !moved.content.is_whole() || transfer.request.is_abandoned {
            continue;
        }
        let was_reset = moved.content.end.is_none()
            && matches!(moved.data.link.close, Close::Reset { by, .. } if by == moved.dir);
        let allo = transfer.checks.iter().find(|check| check.source == CheckSource::Allo);
        let promised = allo.and_then(|allo| match allo.stated {
            Stated::Bytes(bytes) => Some((bytes, allo.stamp, allo.agrees)),
            _ => None,
        });
        let is_less = promised
            .is_some_and(|(bytes, _, agrees)| agrees == Some(false) && bytes > moved.content.bytes);
        let is_all =
            promised.is_some_and(|(.., agrees)| agrees == Some(true)) || is_there_afterwards(moved);
        if is_all || !was_reset && !is_less {
            continue;
        }
        let sent = counted(moved.content.bytes, "byte");
        let mut text = String::new();
        if was_reset {
            let client = moved.end(moved.dir);
            text += &format!(
                "{client} reset the data connection after {sent}. A reset also throws away what the \
                 server had not read yet. "
            );
        }
        if let Some((bytes, ..)) = promised.filter(|_| is_less) {
            text += &format!("The client had announced {bytes} bytes by ALLO and sent {sent}. ");
        }
        text += "The server reported success all the same: what it has of the file may be a part.";
        let certainty = if is_less { Certainty::High } else { Certainty::Medium };
        let title = format!("{} was cut off, and accepted.", case.name(transfer));
        let draft = Draft::new(Severity::Error, certainty, title)
            .transfer(Some(transfer.request.id))
            .frames(frames_of(moved))
            .frames(promised.filter(|_| is_less).map(|(_, stamp, _)| stamp))
            .explained(text)
            .with("bytes", moved.content.bytes)
            .with("reset", if was_reset { "yes" } else { "no" });
        found.add(case, draft);
    }
}

/// Whether a SIZE or a listing after an upload shows the whole file.
fn is_there_afterwards(moved: Moved<'_>) -> bool {
    let request = &moved.transfer.request;
    let all = request.rest_offset.saturating_add(moved.content.bytes);
    moved.transfer.checks.iter().any(|check| {
        let is_of_server = matches!(
            check.source,
            CheckSource::Size | CheckSource::Mlst | CheckSource::Mlsd | CheckSource::List
        );
        is_of_server
            && request.answered.is_some_and(|(done, _)| done.is_before(check.stamp))
            && check.stated == Stated::Bytes(all)
    })
}

pub(super) const COMPLETION_MISSING: Rule = Rule {
    id: "completion-missing",
    kind: Kind::Diagnosis,
    help: "The data connection ended in order, and no reply said that the transfer was complete.",
    meaning: "Without the final reply a client cannot know that it has everything; many report an \
              error or hang though the bytes are there.",
    evidence: "A data connection that its sender closed, no final reply to the command, and the end \
               of the control connection.",
    false_positives: "A client that does not wait for the reply: it had what it came for.",
    fix: "If transfers are long, keep the control connection alive: TCP keep-alive or NOOP at shorter \
          intervals than the time-outs of the firewalls between. Otherwise look at who closed it.",
    check: Check::Session(completion_missing),
};

fn completion_missing(case: &Case<'_>, found: &mut Found) {
    let control = &case.session.tcp.link;
    // The capture's end is not the session's, and what was not captured may have been said. After
    // one FIN the reply may still be on its way.
    if matches!(control.close, Close::Open | Close::HalfFin { .. }) || case.is_clouded {
        return;
    }
    for transfer in &case.transfers {
        let is_over = matches!(transfer.outcome, Outcome::Unconfirmed | Outcome::Encrypted);
        if !is_over || transfer.request.answered.is_some() {
            continue;
        }
        let Some(moved) = Moved::of(transfer) else { continue };
        let Some(end) = moved.content.end else { continue };
        let by = control.ended_by.map(|by| match case.session.tcp.client_is_originator {
            true => by == crate::tcp::Dir::FromOriginator,
            false => by == crate::tcp::Dir::FromResponder,
        });
        let over = control.ended.unwrap_or(control.last);
        if over.is_before(end) {
            continue;
        }
        let waited = spoken(over.at.nanos_since(end.at).unwrap_or(0));
        let how = match by {
            Some(true) => format!("The client closed the control connection {waited} later."),
            Some(false) => format!("The server closed the control connection {waited} later."),
            None => format!("The control connection was last heard of {waited} later."),
        };
        let draft = Draft::new(
            Severity::Warning,
            Certainty::Medium,
            format!("{} ended without a final reply.", case.name(transfer)),
        )
        .transfer(Some(transfer.request.id))
        .frames(frames_of(moved))
        .frames([over])
        .explained(format!(
            "{} closed the data connection after {}, and no reply on the control connection said \
             what became of the transfer. {how}",
            capitalized(moved.role(moved.dir)),
            counted(moved.content.bytes, "byte")
        ))
        .with("bytes", moved.content.bytes);
        found.add(case, draft);
    }
}
