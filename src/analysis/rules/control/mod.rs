//! The control connection: reaching the server, logging in, keeping it open.

mod dialogue;
mod idle;
mod login;
mod reach;

pub(super) use self::reach::is_too_many;
use super::{Check, Found, Kind, Rule};
use crate::session::{Exchange, Session};
use crate::time::Stamp;

pub(super) const RULES: &[&Rule] = &[
    &reach::UNANSWERED,
    &reach::REFUSED,
    &reach::UNREACHABLE,
    &reach::BANNER_DELAY,
    &reach::TOO_MANY,
    &reach::NOT_FTP,
    &login::REFUSED,
    &idle::DROPPED,
    &idle::TIMEOUT,
    &dialogue::DESYNC,
    &dialogue::ENCODING,
];

/// The last frame of an exchange.
fn last_of(exchange: &Exchange) -> Option<Stamp> {
    exchange.replies.last().map(|reply| reply.stamp).or_else(|| exchange.stamp())
}

/// The last thing said before `stamp`, by anybody.
fn said_before(session: &Session, stamp: Stamp) -> Option<Stamp> {
    let replies = session.exchanges.iter().flat_map(|exchange| &exchange.replies);
    let replies = replies.map(|reply| reply.stamp);
    let sent = session.exchanges.iter().filter_map(|exchange| Some(exchange.sent.as_ref()?.stamp));
    let before = replies.chain(sent).filter(|said| said.is_before(stamp));
    before.max_by_key(|said| said.place)
}
