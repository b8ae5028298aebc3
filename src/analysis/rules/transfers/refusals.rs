//! What a server does not let a client do with a file.

use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::analysis::rules::heard::{says, without_name};
use crate::ftp::{Reply, Verb};
use crate::session::Exchange;

pub(super) const STORAGE_FULL: Rule = Rule {
    id: "storage-full",
    kind: Kind::Diagnosis,
    help: "The server could not store a file for want of room.",
    meaning: "The upload failed, and the server may have kept its beginning under its name.",
    evidence: "A refusal of an upload whose text speaks of disk, quota or space, or says that writing \
               failed; or a 452 or 552 whose text gives no other reason (RFC 959 §4.2.2).",
    false_positives: "Writing may also fail because of a broken disk or a lost network drive.",
    fix: "Free space on the server's disk or raise the user's quota; then remove the partial file and \
          upload again.",
    check: Check::Session(storage_full),
};

/// Of vsftpd and ProFTPD (the text of ENOSPC and EDQUOT), ProFTPD's mod_quotatab ("quota limit
/// reached"), Pure-FTPd ("Quota exceeded"), IIS ("There is not enough space on the disk"),
/// FileZilla Server, Serv-U and RFC 959 itself ("Insufficient storage space in system", "Exceeded
/// storage allocation").
const FULL: &[&str] = &[
    "quota exceeded",
    "quota has been exceeded",
    "quota limit",
    "quota reached",
    "exceeded quota",
    "exceeds quota",
    "over quota",
    "disk quota",
    "no space left",
    "no space available",
    "no free space",
    "not enough space",
    "not enough free space",
    "enough disk",
    "out of disk",
    "out of space",
    "disk full",
    "disk is full",
    "insufficient disk",
    "insufficient storage",
    "insufficient space",
    "insufficient system storage",
    "exceeded storage",
    "storage allocation",
    "device full",
];

/// Reasons that 452 and 552 are given for beside room: virus scanners, limits on one file, names.
const NOT_ROOM: &[&str] = &[
    "virus",
    "infect",
    "malware",
    "reject",
    "too large",
    "too big",
    "size limit",
    "file size",
    "name",
    "invalid",
    "exists",
    "timed out",
    "timeout",
];

/// That it could not be written, whatever the reason: vsftpd's "Failure writing to local file.",
/// ProFTPD's text of EIO, Pure-FTPd's "Error during write to file".
const NOT_WRITTEN: &[&str] = &["writing to local file", "input/output error", "write to file"];

/// How a refusal speaks of room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Room {
    /// Its text says so.
    Said,
    /// Only its code does, and its text gives no other reason.
    Coded,
    /// It says that writing failed, and not why.
    NotWritten,
}

fn storage_of(exchange: &Exchange, reply: &Reply) -> Option<Room> {
    let verb = exchange.sent.as_ref()?.command.verb;
    let is_upload = matches!(verb, Verb::Stor | Verb::Stou | Verb::Appe | Verb::Allo);
    if !is_upload || !matches!(reply.code, 450..=452 | 426 | 550..=553) {
        return None;
    }
    let text = own_words(exchange, reply);
    let says = |words| says(&text, words);
    match () {
        () if says(NOT_FOUND) || says(PERMISSION) => None,
        () if says(FULL) => Some(Room::Said),
        () if says(NOT_WRITTEN) => Some(Room::NotWritten),
        () if matches!(reply.code, 452 | 552) && !says(NOT_ROOM) => Some(Room::Coded),
        () => None,
    }
}

/// What a refusal says by itself: servers repeat the name, and a file may be called `quota.xls`.
fn own_words(exchange: &Exchange, reply: &Reply) -> Vec<u8> {
    let name = exchange.sent.as_ref().map(|sent| sent.command.arg()).unwrap_or_default();
    let text = without_name(&reply.text, name);
    // Some name the file without the directories that it was asked for with.
    let last = name.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
    if last.len() < name.len() { without_name(&text, last) } else { text }
}

/// Whether an exchange failed for want of room.
pub(super) fn is_about_storage(exchange: &Exchange) -> bool {
    let reply = exchange.final_reply();
    reply.is_some_and(|last| storage_of(exchange, &last.reply).is_some())
}

fn storage_full(case: &Case<'_>, found: &mut Found) {
    for exchange in &case.refusals {
        let Some((received, sent)) = exchange.final_reply().zip(exchange.sent.as_ref()) else {
            continue;
        };
        let Some(room) = storage_of(exchange, &received.reply) else { continue };
        let (command, reply) = (case.spell(exchange), case.quote(exchange, received));
        let (certainty, why, what) = match room {
            Room::Said => (
                Certainty::High,
                "the server has no room for it",
                "it failed for want of room".to_owned(),
            ),
            Room::Coded => (
                Certainty::Medium,
                "the server seems to have no room for it",
                format!("{} is the code for want of room", received.reply.code),
            ),
            Room::NotWritten => (
                Certainty::Medium,
                "the server could not write it",
                "it failed because the server could not write; a full disk is the usual reason"
                    .to_owned(),
            ),
        };
        let title = format!("{command} failed: {why}.");
        let draft = Draft::new(Severity::Error, certainty, title)
            .transfer(exchange.transfer)
            .frames([sent.stamp, received.stamp])
            .explained(format!(
                "{} answered \"{reply}\" to {command}: {what}.",
                case.session.server
            ))
            .with("reply", reply)
            .cause(format!("{}", case.session.server.ip));
        found.add(case, draft);
    }
}

pub(super) const FILE_UNAVAILABLE: Rule = Rule {
    id: "file-unavailable",
    kind: Kind::Diagnosis,
    help: "The server does not let a file or directory be used: it is not there, or not allowed.",
    meaning: "The connection is in order; the name, the kind of file or the permissions are not.",
    evidence: "A 550 or 450 to a command that names a file or directory; the evidence gives the reason \
               as the text tells it: not-found, permission, directory or other.",
    false_positives: "Clients that try whether a name is a directory, or whether a file is there.",
    fix: "Check the path as the server sees it: the working directory, upper and lower case, the \
          user's root; then the permissions of the user on it.",
    check: Check::Session(file_unavailable),
};

fn file_unavailable(case: &Case<'_>, found: &mut Found) {
    for exchange in &case.refusals {
        let Some((received, sent)) = exchange.final_reply().zip(exchange.sent.as_ref()) else {
            continue;
        };
        let is_of_file =
            matches!(received.reply.code, 450 | 550) && names_a_file(sent.command.verb);
        if !is_of_file || is_about_storage(exchange) {
            continue;
        }
        let Some(reason) = Reason::of(exchange, &received.reply) else { continue };
        let (command, reply) = (case.spell(exchange), case.quote(exchange, received));
        let draft = Draft::new(
            Severity::Warning,
            Certainty::High,
            format!("{command} was refused: {}.", reason.words()),
        )
        .transfer(exchange.transfer)
        .frames([sent.stamp, received.stamp])
        .explained(explained(case, exchange, &command, &reply))
        .fixed_by(reason.fix().to_owned())
        .with("reason", reason.name())
        .with("reply", reply)
        .cause(cause_of(case, reason.name()));
        found.add(case, draft);
    }
}

/// SIZE, MDTM and MLST are how clients ask whether a file is there; MKD fails where a directory is.
fn names_a_file(verb: Verb) -> bool {
    let moves = matches!(verb, Verb::Retr | Verb::Stor | Verb::Stou | Verb::Appe);
    let lists = matches!(verb, Verb::List | Verb::Nlst | Verb::Mlsd);
    moves || lists || matches!(verb, Verb::Cwd | Verb::Dele | Verb::Rnfr | Verb::Rnto)
}

fn explained(case: &Case<'_>, exchange: &Exchange, command: &str, reply: &str) -> String {
    let at = match &exchange.cwd[..] {
        [] => String::new(),
        cwd => format!("; the working directory was {}", case.text(cwd)),
    };
    let user = case.user_of(exchange);
    let user = user.map_or_else(String::new, |user| format!(" of user {}", case.text(user)));
    format!("{} answered \"{reply}\" to {command}{user}{at}.", case.session.server)
}

/// A crawler's hundred refusals of one kind are one thing to tell.
fn cause_of(case: &Case<'_>, what: &str) -> String {
    format!("{} {} {what}", case.session.client.ip, case.session.server.ip)
}

/// Why a name cannot be used, as far as the text of a refusal tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reason {
    NotFound,
    Permission,
    /// A directory where a file is wanted, or the other way.
    Directory,
    Other,
}

/// Texts of ENOENT (ProFTPD, pyftpdlib), of IIS ("The system cannot find the file specified."),
/// FileZilla Server ("Couldn't open the file or directory" says neither) and Pure-FTPd ("Can't open
/// x: No such file or directory").
const NOT_FOUND: &[&str] = &[
    "no such",
    "not found",
    "cannot find",
    "can't find",
    "not exist",
    "doesn't exist",
    "nonexist",
];

/// ENOTDIR and EISDIR; "not a plain file" (BSD), "Not a regular file" (ProFTPD), "I can only
/// retrieve regular files" (Pure-FTPd).
const DIRECTORY: &[&str] =
    &["plain file", "regular file", "is a directory", "not a directory", "not a file"];

/// EACCES, EPERM; "Access is denied." (IIS); "Permission denied." (vsftpd, FileZilla Server).
const PERMISSION: &[&str] =
    &["permission", "denied", "not permitted", "not allowed", "privilege", "access right"];

/// What is no matter of the file: encryption, the login, the data connection.
const ELSEWHERE: &[&str] = &[
    "ssl/tls",
    "tls required",
    "ssl required",
    "logged in",
    "log in first",
    "data channel",
    "data connection",
    "timed out",
];

impl Reason {
    /// `None` of a refusal for another reason: ProFTPD says "SSL/TLS required" with a 550, too.
    fn of(exchange: &Exchange, reply: &Reply) -> Option<Self> {
        let text = own_words(exchange, reply);
        let says = |words| says(&text, words);
        Some(match () {
            () if says(ELSEWHERE) => return None,
            () if says(NOT_FOUND) => Self::NotFound,
            () if says(DIRECTORY) => Self::Directory,
            () if says(PERMISSION) => Self::Permission,
            () => Self::Other,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Permission => "permission",
            Self::Directory => "directory",
            Self::Other => "other",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NotFound => "it is not there",
            Self::Permission => "the user may not do that",
            Self::Directory => "it is a directory where a file is wanted, or the reverse",
            Self::Other => "it is not there, or may not be used",
        }
    }

    fn fix(self) -> &'static str {
        match self {
            Self::NotFound => {
                "Check the name: the working directory, upper and lower case, the root that the \
                 server gives this user."
            }
            Self::Permission => {
                "Give the user the right on the server, in its file system and in the server's own \
                 settings; or use a directory that is meant for it."
            }
            Self::Directory => "List a directory and fetch the files in it, one by one.",
            Self::Other => FILE_UNAVAILABLE.fix,
        }
    }
}

pub(super) const NAME_NOT_ALLOWED: Rule = Rule {
    id: "name-not-allowed",
    kind: Kind::Diagnosis,
    help: "The server does not take a file under the name the client gives it.",
    meaning: "The upload or renaming did not happen; nothing was stored.",
    evidence: "A 553 to STOR, STOU, APPE or RNTO (RFC 959 §4.2.2: file name not allowed).",
    false_positives: "Some servers say 553 for every file they cannot create, vsftpd among them.",
    fix: "Check that the directory is there and may be written to by this user, that the file does \
          not exist where overwriting is forbidden, and that the server allows the characters of the \
          name.",
    check: Check::Session(name_not_allowed),
};

fn name_not_allowed(case: &Case<'_>, found: &mut Found) {
    for exchange in &case.refusals {
        let Some((received, sent)) = exchange.final_reply().zip(exchange.sent.as_ref()) else {
            continue;
        };
        let verb = sent.command.verb;
        let is_named = matches!(verb, Verb::Stor | Verb::Stou | Verb::Appe | Verb::Rnto);
        if received.reply.code != 553 || !is_named || is_about_storage(exchange) {
            continue;
        }
        let (command, reply) = (case.spell(exchange), case.quote(exchange, received));
        let title = format!("{command} was refused: the server takes no file of that name.");
        let draft = Draft::new(Severity::Warning, Certainty::High, title)
            .transfer(exchange.transfer)
            .frames([sent.stamp, received.stamp])
            .explained(explained(case, exchange, &command, &reply))
            .with("reply", reply);
        found.add(case, draft);
    }
}
