//! Control connections on which nothing was said for long.

use super::{Check, Found, Kind, Rule, last_of, said_before};
use crate::analysis::case::{Case, last_before};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::analysis::rules::heard::says;
use crate::session::{Exchange, Received, Session};
use crate::tcp::{Close, Dir};
use crate::time::Stamp;
use crate::transfer::Transfer;

pub(super) const DROPPED: Rule = Rule {
    id: "control-idle-dropped",
    kind: Kind::Diagnosis,
    help: "The control connection was silent for long, and dead when it was used again.",
    meaning: "Address translation and firewalls forget connections on which nothing is sent, such as \
              the control connection during a long transfer. What is said on it afterwards does not \
              arrive: the client waits for the 226 for ever although the file is there.",
    evidence: "No word for longer than control-silence-ms, then segments sent again and again \
               without an acknowledgement, or a command answered by a reset. A transfer that ended in \
               order meanwhile makes it likelier.",
    false_positives: "The other end crashed, was started again or lost its network, then or in the \
                      silence. TCP keep-alives, which carry no word, kept the connection in use.",
    fix: "Send TCP keep-alives or NOOPs on the control connection more often than the box forgets \
          (every 60 s is usual), or raise its time-out for established connections.",
    check: Check::Session(dropped),
};

pub(super) const TIMEOUT: Rule = Rule {
    id: "control-idle-timeout",
    kind: Kind::Diagnosis,
    help: "The server ended the session by a time-out after a silence.",
    meaning: "The server waits so long for a command, and not longer. Some count the time of a \
              running transfer, too, and cut it off.",
    evidence: "A 421 that answers no command and speaks of a time-out, 5 s or more after the last \
               command, or of one for want of a transfer.",
    false_positives: "Another time-out than that for silence, if the reply does not say which.",
    fix: "Let the client end its sessions with QUIT or log in again when it needs one, or raise the \
          server's time-out (vsftpd: idle_session_timeout; ProFTPD: TimeoutIdle).",
    check: Check::Session(timeout),
};

/// What showed that nobody was there any more.
struct Dead {
    /// The last thing that was said, and the end that said it.
    said: Stamp,
    by_client: bool,
    /// Times it was sent again, or `None` where a reset came back.
    times: Option<u32>,
    /// The last repetition, or the reset.
    last: Stamp,
}

fn dropped(case: &Case<'_>, found: &mut Found) {
    let session = case.session;
    let Some(dead) = dead(session) else { return };
    let Some(before) = said_before(session, dead.said) else { return };
    let silent = dead.said.at.nanos_since(before.at).unwrap_or(0);
    let least = case.policy.threshold("control-silence-ms").saturating_mul(1_000_000);
    if u64::try_from(silent).unwrap_or(0) < least {
        return;
    }
    // What ran meanwhile and ended in order shows that both hosts were there.
    let during = case.transfers.iter().find(|transfer| {
        !before.is_before(transfer.request.asked)
            && transfer.data.as_ref().is_some_and(|data| {
                matches!(data.link.close, Close::Fin { .. }) && before.is_before(data.link.last)
            })
    });
    // Keep-alives are no words: whether the connection was in use is not known.
    let (certainty, likely) = match during {
        Some(_) => {
            (Certainty::Medium, "it looks as if a box on the way has forgotten the connection")
        }
        None => (
            Certainty::Low,
            "a box on the way may have forgotten the connection, or the other end may have crashed, \
             been started again or lost its network",
        ),
    };
    let is_sign_only = dead.times.is_none() && during.is_none();
    let severity = if is_sign_only { Severity::Warning } else { Severity::Error };
    let who = if dead.by_client { "client" } else { "server" };
    let what = match dead.times {
        Some(times) => {
            format!("sent again {} and never acknowledged", counted(times.into(), "time"))
        }
        None => "answered by a reset".to_owned(),
    };
    let meanwhile = during.map(|transfer| {
        format!(" Meanwhile {} went over its data connection to its end.", case.name(transfer))
    });
    let title = format!("The control connection was dead after {} of silence.", spoken(silent));
    let draft = Draft::new(severity, certainty, title)
        .transfer(during.map(|transfer| transfer.request.id))
        .frames([before, dead.said, dead.last])
        .explained(format!(
            "Nothing was said between {} and {} for {}.{} What the {who} said then was {what}: \
             {likely}.",
            session.client,
            session.server,
            spoken(silent),
            meanwhile.unwrap_or_default(),
        ))
        .with("silence_ms", u64::try_from(silent / 1_000_000).unwrap_or(0));
    found.add(case, draft);
}

/// Whether the last thing said reached nobody.
fn dead(session: &Session) -> Option<Dead> {
    let link = &session.tcp.link;
    let from_client = match session.tcp.client_is_originator {
        true => Dir::FromOriginator,
        false => Dir::FromResponder,
    };
    for (by_client, dir) in [(true, from_client), (false, from_client.reversed())] {
        let Some(stuck) = link.loss(dir).stuck.filter(|stuck| stuck.times >= REPEATED) else {
            continue;
        };
        let said = last_said(session, by_client)?;
        return Some(Dead { said, by_client, times: Some(stuck.times), last: stuck.last });
    }
    if link.close != (Close::Reset { by: from_client.reversed(), after_fin: None }) {
        return None;
    }
    let last = session.exchanges.last().filter(|last| last.replies.is_empty())?;
    let said = last.sent.as_ref()?.stamp;
    let ended = link.ended.filter(|ended| said.is_before(*ended))?;
    Some(Dead { said, by_client: true, times: None, last: ended })
}

/// Repetitions of a segment from which on it is no ordinary loss.
const REPEATED: u32 = 3;

/// The last thing one side said.
fn last_said(session: &Session, by_client: bool) -> Option<Stamp> {
    let mut exchanges = session.exchanges.iter().rev();
    exchanges.find_map(|exchange| match by_client {
        true => exchange.sent.as_ref().map(|sent| sent.stamp),
        false => exchange.replies.last().map(|reply| reply.stamp),
    })
}

fn timeout(case: &Case<'_>, found: &mut Found) {
    let mut transfers = case.transfers.iter().copied().peekable();
    for exchange in &case.refusals {
        let Some(last) = exchange.final_reply() else { continue };
        if last.reply.code != 421 {
            continue;
        }
        if exchange.sent.is_none() && is_of_transfers(&last.reply.text) {
            found.add(case, no_transfer(case, exchange, last));
            continue;
        }
        if !is_timeout(&last.reply.text) {
            continue;
        }
        let Some(before) = last_command(case, last.stamp) else { continue };
        let silent = last.stamp.at.nanos_since(before.at).unwrap_or(0);
        if silent < SILENT_NS {
            continue;
        }
        // What was over at one 421 is over at the next.
        while transfers.next_if(|transfer| was_over(transfer, last.stamp)).is_some() {}
        let running = transfers.peek().copied();
        let running = running.filter(|running| running.request.asked.is_before(last.stamp));
        // A 421 that answers a command which is no transfer means something else.
        if exchange.sent.is_some() && running.is_none() {
            continue;
        }
        let (severity, title) = match running {
            Some(transfer) => (
                Severity::Error,
                format!(
                    "The server ended the session by a time-out while {} was running.",
                    case.name(transfer)
                ),
            ),
            None => (
                Severity::Info,
                format!(
                    "The server ended the session by a time-out, {} after the last command.",
                    spoken(silent)
                ),
            ),
        };
        let meanwhile = running.map(|transfer| {
            format!(
                " {} was moving data until then: the server seems to count the time on the control \
                 connection only.",
                case.name(transfer)
            )
        });
        let server = case.session.server;
        // That nobody sent a command is seen; that this was the reason is not during a transfer.
        let certainty = if running.is_some() { Certainty::Medium } else { Certainty::High };
        let mut draft = Draft::new(severity, certainty, title)
            .transfer(running.map(|transfer| transfer.request.id))
            .frames([before, last.stamp])
            .explained(format!(
                "{} had sent no command for {} when {server} said \"{}\" to end the session.{}",
                case.session.client,
                spoken(silent),
                case.quote(exchange, last),
                meanwhile.unwrap_or_default(),
            ))
            .with("silence_ms", u64::try_from(silent / 1_000_000).unwrap_or(0))
            .with("reply", case.quote(exchange, last));
        if running.is_some() {
            draft = draft.fixed_by(
                "Raise the server's idle time-out above the longest transfer (vsftpd: \
                 idle_session_timeout; ProFTPD: TimeoutIdle), or let the client send NOOP while it \
                 transfers."
                    .to_owned(),
            );
        }
        found.add(case, draft);
    }
}

/// "421 Timeout." (vsftpd), "Idle timeout (600 seconds)", "Login timeout" (ProFTPD), "Timeout - try typing a little faster next time" (Pure-FTPd), "Connection timed out."
/// (FileZilla Server), "Control connection timed out." (pyftpdlib). vsftpd's "Data timeout" is about
/// the data connection.
fn is_timeout(text: &[u8]) -> bool {
    says(text, &["timeout", "timed out", "time exceeded", "time-out", "due to inactivity"])
        && !says(text, &["data timeout", "data connection", "transfer timeout", "no transfer"])
}

/// ProFTPD's TimeoutNoTransfer.
fn is_of_transfers(text: &[u8]) -> bool {
    says(text, &["no transfer timeout"])
}

fn no_transfer(case: &Case<'_>, exchange: &Exchange, last: &Received) -> Draft {
    let (server, reply) = (case.session.server, case.quote(exchange, last));
    let title = "The server ended the session: it had waited long enough for a transfer.";
    Draft::new(Severity::Info, Certainty::High, title.to_owned())
        .frames([last.stamp])
        .explained(format!("{server} said \"{reply}\" to end the session, in answer to no command."))
        .fixed_by(
            "Let the client end its sessions with QUIT, or raise the time that the server waits for a \
             transfer (ProFTPD: TimeoutNoTransfer)."
                .to_owned(),
        )
        .with("reply", reply)
}

/// Nanoseconds without a command from which on it is a silence: servers are told to wait as little
/// as a few seconds.
const SILENT_NS: i64 = 5_000_000_000;

/// The last command before the 421, whatever it was, or the greeting.
fn last_command(case: &Case<'_>, stamp: Stamp) -> Option<Stamp> {
    let greeting = || case.session.exchanges.first().and_then(last_of);
    let before = last_before(case.commands(), stamp).or_else(greeting);
    before.filter(|before| before.is_before(stamp))
}

/// Whether a transfer no longer moved bytes when the session was ended.
fn was_over(transfer: &Transfer, ended: Stamp) -> bool {
    let last = transfer.content.as_ref().and_then(|content| content.last);
    let was_answered =
        transfer.request.answered.is_some_and(|(answered, _)| answered.is_before(ended));
    let since = last.and_then(|last| ended.at.nanos_since(last.at));
    was_answered || since.is_none_or(|since| since >= STILL_MOVING_NS)
}

/// Nanoseconds since the last byte in which a transfer still runs.
const STILL_MOVING_NS: i64 = 5_000_000_000;
