//! The document's words for what the facts enumerate. Every match is exhaustive: a new variant
//! cannot be forgotten.

use crate::ftp::EntryKind;
use crate::session::{
    Confidence, EncryptionKind, How, LoginOutcome, Method, Protection, Sameness, SizeSource,
};
use crate::tcp::{self, AnomalyKind, Close, Dir, Handshake};
use crate::transfer::{CheckSource, Direction, Outcome, Resemblance, Unmade};

pub(super) fn side(is_client: bool) -> &'static str {
    if is_client { "client" } else { "server" }
}

pub(super) fn sameness(how: Sameness) -> &'static str {
    match how {
        Sameness::SequenceNumbers => "sequence_numbers",
        Sameness::Dialogue => "dialogue",
    }
}

pub(super) fn anomaly_kind(kind: AnomalyKind) -> &'static str {
    match kind {
        AnomalyKind::Conflict => "conflict",
        AnomalyKind::WrongChecksum => "wrong_checksum",
        AnomalyKind::WrongChecksumRead => "wrong_checksum_read",
        AnomalyKind::TtlTooSmall => "ttl_too_small",
        AnomalyKind::NoAck => "no_ack",
        AnomalyKind::OutOfWindow => "out_of_window",
        AnomalyKind::ResetOutOfWindow => "reset_out_of_window",
        AnomalyKind::ResetIgnored => "reset_ignored",
        AnomalyKind::FinIgnored => "fin_ignored",
        AnomalyKind::SynIgnored => "syn_ignored",
    }
}

pub(super) fn handshake(handshake: Handshake) -> &'static str {
    match handshake {
        Handshake::NotCaptured => "not_captured",
        Handshake::Unanswered => "unanswered",
        Handshake::Refused => "refused",
        Handshake::Unreachable => "unreachable",
        Handshake::Half => "half",
        Handshake::Complete => "complete",
    }
}

/// How it closed, and which direction's sender closed it.
pub(super) fn closing(link: &tcp::Link) -> (&'static str, Option<Dir>) {
    match link.close {
        Close::Open => ("open", None),
        // One end said it was done, the other never did: it was open when the capture ended.
        Close::HalfFin { by } => ("open", Some(by)),
        Close::Fin { by } => ("fin", Some(by)),
        Close::Reset { by, .. } => ("reset", Some(by)),
        Close::Timeout => ("timeout", None),
    }
}

pub fn login(login: LoginOutcome) -> &'static str {
    match login {
        LoginOutcome::None => "none",
        LoginOutcome::Unknown => "unknown",
        LoginOutcome::Incomplete => "incomplete",
        LoginOutcome::Accepted => "accepted",
        LoginOutcome::Refused => "refused",
        LoginOutcome::Encrypted => "encrypted",
    }
}

pub(super) fn encryption_kind(kind: EncryptionKind) -> &'static str {
    match kind {
        EncryptionKind::None => "none",
        EncryptionKind::Explicit => "explicit",
        EncryptionKind::Implicit => "implicit",
        EncryptionKind::Gssapi => "gssapi",
    }
}

pub(super) fn protection(protection: Protection) -> &'static str {
    match protection {
        Protection::Clear => "clear",
        Protection::Private => "private",
        Protection::Unknown => "unknown",
    }
}

pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "download",
        Direction::Upload => "upload",
        Direction::Append => "append",
        Direction::Listing => "listing",
        Direction::SiteToSite => "site_to_site",
    }
}

pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::Active => "active",
        Method::Passive => "passive",
        Method::Default => "default",
        Method::Unknown => "unknown",
    }
}

pub(super) fn how(how: How) -> &'static str {
    match how {
        How::Announced => "announced",
        How::AnnouncedPort => "announced_port",
        How::DefaultPort => "default_port",
        How::TimeOrder => "time_order",
        How::LateAnnouncement => "late_announcement",
    }
}

pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Guess => "guess",
    }
}

pub(super) fn size_source(source: SizeSource) -> &'static str {
    match source {
        SizeSource::Preliminary => "150",
        SizeSource::Size => "SIZE",
        SizeSource::Mlst => "MLST",
        SizeSource::Mlsd => "MLSD",
        SizeSource::List => "LIST",
    }
}

pub(super) fn check_source(source: CheckSource) -> &'static str {
    match source {
        CheckSource::Preliminary => "150",
        CheckSource::Final => "226",
        CheckSource::Size => "SIZE",
        CheckSource::Mlst => "MLST",
        CheckSource::Mlsd => "MLSD",
        CheckSource::List => "LIST",
        CheckSource::Allo => "ALLO",
        CheckSource::Hash => "hash",
        CheckSource::Mdtm => "MDTM",
        CheckSource::Mfmt => "MFMT",
    }
}

pub(super) fn unmade(why: Unmade) -> &'static str {
    match why {
        Unmade::ReadOnce => "read_once",
        Unmade::NotFoundAgain => "not_found_again",
    }
}

pub(super) fn entry_kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Link => "link",
        EntryKind::Other => "other",
        EntryKind::Unknown => "unknown",
    }
}

pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::Unconfirmed => "unconfirmed",
        Outcome::Gaps => "gaps",
        Outcome::Aborted => "aborted",
        Outcome::InProgress => "in_progress",
        Outcome::Refused => "refused",
        Outcome::NoConnection => "no_connection",
        Outcome::NotCaptured => "not_captured",
        Outcome::Encrypted => "encrypted",
    }
}

pub(super) fn resemblance(why: Resemblance) -> &'static str {
    match why {
        Resemblance::DataPort => "port 20",
        Resemblance::Peers => "between the hosts of a session",
    }
}

/// Every word for a direction.
pub const DIRECTIONS: [&str; 5] = ["download", "upload", "append", "listing", "site_to_site"];

/// Every word for an outcome.
pub const OUTCOMES: [&str; 9] = [
    "complete",
    "unconfirmed",
    "gaps",
    "aborted",
    "in_progress",
    "refused",
    "no_connection",
    "not_captured",
    "encrypted",
];
