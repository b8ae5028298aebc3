//! What boxes between client and server do to FTP: address translation and its helpers, inspection,
//! routes that part.

mod blind;
mod helper;
pub(super) mod inspection;
mod path;

use super::{Check, Found, Kind, Rule};
use crate::analysis::case::{Case, Fate, Opening};
use crate::analysis::policy::is_private;
use crate::session::Method;
use std::net::IpAddr;

pub(super) const RULES: &[&Rule] = &[
    &helper::REWROTE,
    &helper::BROKE_SEQUENCE,
    &helper::SPLIT,
    &helper::NOT_COVERED,
    &blind::BLIND,
    &path::DOUBLE_NAT,
    &path::ASYMMETRIC,
    &inspection::DROPPED,
    &inspection::STRIPPED,
];

/// Whether an address means something on the inside only.
fn is_inside(case: &Case<'_>, ip: IpAddr) -> bool {
    is_private(ip) || case.policy.is_home(ip)
}

/// Whether nothing came of an address that was announced: it was dialled in vain, or the server was
/// told to dial it and did not, and said so.
fn has_failed(opening: &Opening<'_>) -> bool {
    match opening.fate() {
        Fate::Unanswered | Fate::Unreachable | Fate::Refused => true,
        Fate::CameUp => false,
        Fate::NotDialled => opening.method == Method::Active && is_turned_down(opening),
    }
}

/// Whether the server refused the PORT, or could not do what it was used for.
fn is_turned_down(opening: &Opening<'_>) -> bool {
    let is_refused = opening.reply().is_some_and(|last| last.reply.is_refusal());
    is_refused || opening.outcome().is_some_and(|last| last.reply.code == 425)
}
