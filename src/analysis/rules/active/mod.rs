//! Active mode: the client says where it listens, the server dials (RFC 959 §3.2, RFC 2428 §2).

mod dialled;
mod setup;

use super::Rule;
use super::setups::{
    Ending, FIRST_FREE_PORT, is_as_told, is_data_elsewhere, is_unrelated, was_answered_unseen,
    wrong_address,
};
use crate::analysis::case::{Case, Fate, Opening};
use crate::analysis::rules::heard::says;
use crate::decode::Endpoint;
use crate::ftp::Verb;
use crate::session::{Method, Received};

pub(super) const RULES: &[&Rule] = &[
    &dialled::DATA_FILTERED,
    &dialled::DATA_REFUSED,
    &dialled::SOURCE_PORT,
    &dialled::NEVER_DIALED,
    &setup::ADDRESS_PRIVATE,
    &setup::REFUSED_BY_SERVER,
    &setup::PORT_LOW,
    &setup::EPRT_REJECTED,
    &setup::NO_SETUP,
];

/// Why an active data connection did not come up: the one reason that says most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Why {
    /// The address is of no use to the server.
    WrongAddress,
    /// A port below 1024, and the server refused it.
    LowPort,
    /// The server does not know EPRT, or not the family (RFC 2428 §2: 522), or does not allow it.
    EprtRejected,
    RefusedByServer,
    Filtered,
    /// By a reset, or by an ICMP error.
    Refused,
    NeverDialed,
}

impl Why {
    fn of(case: &Case<'_>, opening: &Opening<'_>) -> Option<Self> {
        let ending = Ending::of(case, opening);
        // A server may dial where it sees the client, whatever was said.
        let is_wrong = || {
            wrong_address(case, opening).is_some()
                && opening.dials().all(|dial| is_as_told(opening, dial))
        };
        let blames_address = || opening.reply().is_some_and(blames_address);
        match ending {
            Ending::Worked | Ending::Unused | Ending::Failed(Fate::CameUp) => None,
            Ending::Denied if opening.reply().is_some_and(is_unrelated) && !blames_address() => {
                None
            }
            Ending::Failed(Fate::NotDialled) if is_data_elsewhere(case) => None,
            Ending::Denied if is_eprt(opening) && !blames_address() => Some(Self::EprtRejected),
            _ if is_wrong() => Some(Self::WrongAddress),
            Ending::Denied if is_low(opening) && !is_unknown(opening) => Some(Self::LowPort),
            Ending::Denied if is_eprt(opening) => Some(Self::EprtRejected),
            Ending::Denied => Some(Self::RefusedByServer),
            Ending::Failed(Fate::Unanswered) if was_answered_unseen(opening) => None,
            Ending::Failed(Fate::Unanswered) => Some(Self::Filtered),
            Ending::Failed(Fate::Refused | Fate::Unreachable) => Some(Self::Refused),
            Ending::Failed(Fate::NotDialled) => Some(Self::NeverDialed),
        }
    }
}

/// The openings that failed for this reason, each with the address that the client told.
fn failed<'a>(case: &'a Case<'a>, why: Why) -> impl Iterator<Item = (&'a Opening<'a>, Endpoint)> {
    let active = case.announced(Method::Active).map(|(opening, _)| opening);
    let failed = active.filter(move |opening| Why::of(case, opening) == Some(why));
    failed.filter_map(|opening| Some((opening, opening.at?)))
}

fn is_low(opening: &Opening<'_>) -> bool {
    opening.announced.is_some_and(|announced| announced.port < FIRST_FREE_PORT)
}

/// Whether the server does not know the command, whatever the port (RFC 959 §4.2.2: 502).
fn is_unknown(opening: &Opening<'_>) -> bool {
    opening.reply().is_some_and(|received| received.reply.code == 502)
}

fn is_eprt(opening: &Opening<'_>) -> bool {
    let sent = opening.exchange.and_then(|exchange| exchange.sent.as_ref());
    sent.is_some_and(|sent| sent.command.verb == Verb::Eprt)
}

/// Whether a refusal is about the address: `500 Illegal PORT command.` (vsftpd, ProFTPD), `500 I
/// won't open a connection to 192.168.0.2 (only to 203.0.113.1)` (Pure-FTPd), `501 Rejected data
/// connection to foreign address` (pyftpdlib), `421 Rejected command, requested IP address does not
/// match control connection IP.` (FileZilla Server).
fn blames_address(received: &Received) -> bool {
    says(&received.reply.text, &["illegal", "open a connection to", "address"])
}
