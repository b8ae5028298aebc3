//! Times of files, set by clients.

use std::collections::HashSet;

use super::super::moved::parts;
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, FRAMES, Severity, counted, spoken};
use crate::analysis::rules::{Check, Found, Kind, Rule};
use crate::ftp::{Modified, Verb, parse_time};
use crate::session::{Exchange, Received, Sent, Session};
use crate::tcp::Handshake;
use crate::time::{Stamp, Timestamp};
use crate::transfer::Direction;

pub(super) const TIMESTOMP: Rule = Rule {
    id: "timestomp",
    kind: Kind::Security { attack: &["T1070.006"] },
    help: "A client set the time of a file to one far from its own.",
    meaning: "A file that looks old is passed over by who looks for what is new. Clients that keep the \
              times of what they upload do the same to files they have just written; that is told \
              apart.",
    evidence: "MFMT, MDTM with a time or SITE UTIME, accepted, with a time more than a day from the \
               clock of the capture.",
    false_positives: "Programs that mirror directories (lftp, WinSCP, FileZilla) set times on purpose; \
                      of files that they upload in the same session it is told as information only.",
    fix: "Compare the time that was set with backups and with the server's own log of changes.",
    check: Check::Session(timestomp),
};

/// Nanoseconds from the clock of the capture beyond which a time is another one: clocks and zones
/// differ by less.
const FAR_NS: i64 = 86_400_000_000_000;

fn timestomp(case: &Case<'_>, found: &mut Found) {
    if !case.looks.verbs.has_any(&[Verb::Mfmt, Verb::Mdtm, Verb::Site]) {
        return;
    }
    let set = case.session.exchanges.iter().filter_map(Set::of);
    let (of_uploads, of_others) = {
        let mut own = None;
        set.partition::<Vec<_>, _>(|set| {
            let own = own.get_or_insert_with(|| Own::of(case));
            own.has(case.session, &case.session.directory(&set.exchange.cwd).join(set.name))
        })
    };
    let is_whole = !case.is_clouded && case.session.tcp.link.handshake != Handshake::NotCaptured;
    let others = match is_whole {
        true => (of_others, Severity::Warning, "It did not upload the file in this session"),
        false => (of_others, Severity::Info, "No upload of it is in the capture"),
    };
    for (set, severity, whose) in
        [(of_uploads, Severity::Info, "It uploaded the file in the same session"), others]
    {
        if let Some(draft) = told(case, &set, severity, whose) {
            found.add(case, draft);
        }
    }
}

/// Files that the session wrote, and directories that it made.
struct Own {
    paths: HashSet<Vec<u8>>,
    /// Last parts of those, with whether the path is absolute: an absolute one and one that is
    /// relative to a directory that is not known may be the same.
    names: HashSet<(bool, Vec<u8>)>,
}

impl Own {
    fn of(case: &Case<'_>) -> Self {
        let paths = own_paths(case);
        let named = |path: &Vec<u8>| (is_absolute(case.session, path), last_part(path).to_vec());
        Self { names: paths.iter().map(named).collect(), paths }
    }

    fn has(&self, session: &Session, path: &[u8]) -> bool {
        self.paths.contains(path)
            || self.names.contains(&(!is_absolute(session, path), last_part(path).to_vec()))
    }
}

fn is_absolute(session: &Session, path: &[u8]) -> bool {
    session.directory(&[]).paths().is_absolute(path)
}

fn last_part(path: &[u8]) -> &[u8] {
    parts(path).next_back().unwrap_or_default()
}

fn own_paths(case: &Case<'_>) -> HashSet<Vec<u8>> {
    let uploads = case
        .transfers
        .iter()
        .filter(|transfer| matches!(transfer.direction, Direction::Upload | Direction::Append));
    let written = uploads.filter_map(|transfer| transfer.request.path.clone());
    let is_made = |exchange: &&Exchange| {
        let verb = exchange.sent.as_ref().map(|sent| sent.command.verb);
        matches!(verb, Some(Verb::Mkd | Verb::Rnto))
    };
    let made = case.session.exchanges.iter().filter(is_made);
    written.chain(made.map(|exchange| case.session.path_of(exchange))).collect()
}

/// A time that was set.
struct Set<'a> {
    exchange: &'a Exchange,
    stamp: Stamp,
    answer: &'a Received,
    name: &'a [u8],
    time: Modified,
    /// Nanoseconds by which it is later than the clock of the capture.
    ahead: i64,
}

impl<'a> Set<'a> {
    /// One that is far from the clock, and that the server accepted.
    fn of(exchange: &'a Exchange) -> Option<Self> {
        let sent = exchange.sent.as_ref()?;
        let answer = exchange.final_reply().filter(|last| last.reply.is_success())?;
        let (time, name) = time_in(sent)?;
        let text = answer.reply.first_line().trim_ascii();
        let is_query = sent.command.verb == Verb::Mdtm
            && is_time(text)
            && parse_time(text).is_some_and(|answered| answered != time);
        if is_query {
            return None;
        }
        let at = Timestamp::from_parts(time.to_unix()?, 0);
        let ahead = at.nanos_since(sent.stamp.at)?;
        let is_far = ahead.unsigned_abs() > FAR_NS.unsigned_abs();
        is_far.then_some(Self { exchange, stamp: sent.stamp, answer, name, time, ahead })
    }
}

/// The time that a command sets, and the file it sets it of: `MFMT 20200101000000 f`
/// (draft-somers-ftp-mfxx), `MDTM 20200101000000 f` of vsftpd and Serv-U, `SITE UTIME 20200101000000
/// f` of ProFTPD, `SITE UTIME f 20200101000000 20200101000000 20200101000000 UTC` of Pure-FTPd.
fn time_in(sent: &Sent) -> Option<(Modified, &[u8])> {
    let arg = sent.command.arg();
    match sent.command.verb {
        Verb::Mfmt | Verb::Mdtm => time_and_name(arg),
        Verb::Site => {
            let (word, rest) = arg.split_at_checked(6)?;
            let rest = Some(rest).filter(|_| word.eq_ignore_ascii_case(b"UTIME "))?;
            time_and_name(rest).or_else(|| name_and_times(rest))
        }
        _ => None,
    }
}

fn time_and_name(arg: &[u8]) -> Option<(Modified, &[u8])> {
    let space = arg.iter().position(|byte| *byte == b' ')?;
    let (time, name) = (arg.get(..space)?, arg.get(space + 1..)?);
    (is_time(time) && !name.is_empty()).then_some((parse_time(time)?, name))
}

fn name_and_times(rest: &[u8]) -> Option<(Modified, &[u8])> {
    // The zone, then when it was changed, modified and read.
    let mut words = rest.rsplitn(5, |byte| *byte == b' ');
    let (_zone, _changed, modified) = (words.next()?, words.next()?, words.next()?);
    let (read, name) = (words.next()?, words.next()?);
    (is_time(modified) && is_time(read)).then_some((parse_time(modified)?, name))
}

/// Whether it is a time-val and nothing else (RFC 3659 §2.3).
fn is_time(text: &[u8]) -> bool {
    text.len() >= 14 && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

fn told(case: &Case<'_>, all: &[Set<'_>], severity: Severity, whose: &str) -> Option<Draft> {
    let farthest = all.iter().max_by_key(|set| set.ahead.unsigned_abs())?;
    let (client, server) = (case.session.client.ip, case.session.server.ip);
    let (name, time) = (case.text(farthest.name), farthest.time);
    let side = if farthest.ahead < 0 { "before" } else { "after" };
    let days = farthest.ahead.unsigned_abs() / FAR_NS.unsigned_abs();
    let apart = match days {
        0..3 => spoken(farthest.ahead),
        _ => counted(days, "day"),
    };
    let more = match all.len() {
        1 => String::new(),
        count => format!(" The same was done to {} more.", counted(count as u64 - 1, "file")),
    };
    let text = format!(
        "The client sent {}, and the server answered \"{}\". The time is {apart} {side} the clock of the \
         capture. {whose}.{more}",
        case.spell(farthest.exchange),
        case.quote(farthest.exchange, farthest.answer),
    );
    let title = format!("{client} set the time of {name} on {server} to {time}.");
    let frames = all.iter().take(FRAMES / 2).chain([farthest]);
    let draft = Draft::new(severity, Certainty::High, title)
        .accepted()
        .frames(frames.flat_map(|set| [set.stamp, set.answer.stamp]))
        .explained(text)
        .with("path", name)
        .with("time", time.to_string())
        .cause(format!("{client} {server} {whose}"))
        .counting(all.len() as u64);
    Some(draft)
}
