//! Passive mode: the server says where it listens, the client dials (RFC 959 §3.2, RFC 2428 §3).

mod address;
mod dialled;
mod replies;

use super::Rule;
use super::setups::{
    Ending, Wrong, is_as_told, is_data_elsewhere, is_given_up, was_answered_unseen, wrong_address,
};
use crate::analysis::case::{Case, Fate, Learned, Opening, ascending, first_after};
use crate::analysis::rules::heard::says;
use crate::decode::Endpoint;
use crate::ftp::Verb;
use crate::session::{Exchange, Method, Received, Session};
use crate::time::Stamp;

pub(super) const RULES: &[&Rule] = &[
    &dialled::DATA_FILTERED,
    &dialled::DATA_REFUSED,
    &dialled::DATA_UNREACHABLE,
    &dialled::EPSV_BLOCKED,
    &dialled::PEER_REJECTED,
    &dialled::ACCEPT_TIMEOUT,
    &dialled::NEVER_DIALED,
    &address::PRIVATE,
    &address::OVERRIDDEN,
    &address::UNUSABLE,
    &replies::MALFORMED,
    &replies::EPSV_REJECTED,
    &replies::PASV_ON_IPV6,
    &replies::MISMATCH,
    &replies::PORTS_EXHAUSTED,
];

/// Why a passive data connection did not come up: the one reason that says most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Why {
    PrivateAddress,
    UnusableAddress,
    /// What fits PASV is told of it, what fits EPSV is not.
    EpsvBlocked,
    PeerRejected,
    /// The SYN came when the server had given up.
    TooLate,
    Filtered,
    Refused,
    Unreachable,
    NeverDialed,
}

impl Why {
    fn of(case: &Case<'_>, opening: &Opening<'_>) -> Option<Self> {
        let fate = match Ending::of(case, opening) {
            Ending::Failed(fate) => fate,
            Ending::Unused if is_given_up(case, opening) => Fate::NotDialled,
            _ => return None,
        };
        if fate == Fate::NotDialled && is_data_elsewhere(case) {
            return None;
        }
        if let Some(wrong) = wrong_address(case, opening)
            && opening.dials().all(|dial| is_as_told(opening, dial))
            && fate != Fate::CameUp
        {
            return Some(match wrong {
                Wrong::Private => Self::PrivateAddress,
                Wrong::Unusable => Self::UnusableAddress,
            });
        }
        let is_epsv = || opening.exchange.is_some_and(|exchange| is(exchange, Verb::Epsv));
        match fate {
            Fate::CameUp => is_peer_rejected(case, opening).then_some(Self::PeerRejected),
            // What PASV said on IPv6 has its own rule.
            Fate::NotDialled if is_of_other_family(case, opening) => None,
            Fate::NotDialled => Some(Self::NeverDialed),
            _ if is_too_late(opening) => Some(Self::TooLate),
            _ if was_answered_unseen(opening) => None,
            _ if is_epsv() && pasv_works(case, opening).is_some() => Some(Self::EpsvBlocked),
            Fate::Unanswered => Some(Self::Filtered),
            Fate::Refused => Some(Self::Refused),
            Fate::Unreachable => Some(Self::Unreachable),
        }
    }
}

/// The openings that failed for this reason, each with where it was dialled.
fn failed<'a>(case: &'a Case<'a>, why: Why) -> impl Iterator<Item = (&'a Opening<'a>, Endpoint)> {
    let passive = case.announced(Method::Passive).map(|(opening, _)| opening);
    let failed = passive.filter(move |opening| Why::of(case, opening) == Some(why));
    failed.filter_map(|opening| Some((opening, target(opening)?)))
}

/// Where it was dialled, or was to be.
fn target(opening: &Opening<'_>) -> Option<Endpoint> {
    opening.dials().last().map(|dial| dial.responder).or(opening.at)
}

fn is(exchange: &Exchange, verb: Verb) -> bool {
    exchange.sent.as_ref().is_some_and(|sent| sent.command.verb == verb)
}

/// Whether a 227 named an IPv4 address on a control connection over IPv6.
fn is_of_other_family(case: &Case<'_>, opening: &Opening<'_>) -> bool {
    let said = opening.announced.and_then(|announced| announced.ip);
    said.is_some_and(|said| said.is_ipv4() != case.session.server.ip.addr.is_ipv4())
}

/// `425 Security: Bad IP connecting.` says vsftpd, `425 Rejected data connection from foreign
/// address` pyftpdlib.
fn blames_address(outcome: &Received) -> bool {
    says(&outcome.reply.text, &["bad ip connecting", "foreign address"])
}

/// Whether the server took the connection and would not have it from there. Some servers close it
/// and do not say why.
fn is_peer_rejected(case: &Case<'_>, opening: &Opening<'_>) -> bool {
    let Some(outcome) = opening.outcome().filter(|outcome| outcome.reply.is_refusal()) else {
        return false;
    };
    if blames_address(outcome) {
        return true;
    }
    opening.dials().last().is_some_and(|dial| {
        dial.originator.ip != case.session.client.ip
            && dial.from_originator.bytes + dial.from_responder.bytes == 0
    })
}

/// Whether the client dialled only when the server had said that it waits no more.
fn is_too_late(opening: &Opening<'_>) -> bool {
    let given_up = opening.outcome().filter(|outcome| outcome.reply.is_refusal());
    given_up
        .is_some_and(|outcome| opening.dials().all(|dial| outcome.stamp.is_before(dial.link.first)))
}

/// Where the same hosts had a data connection by PASV, while none came up by EPSV.
struct Works {
    at: Stamp,
    is_same_session: bool,
}

/// Sessions looked at on either side of one, for what works between the same hosts.
const NEIGHBOURS: usize = 32;

fn pasv_works(case: &Case<'_>, opening: &Opening<'_>) -> Option<Works> {
    let Learned { worked_by_pasv, pasv_elsewhere, .. } = &case.learned;
    let here = worked_by_pasv.get_or_init(|| worked_by_pasv_in(case)).as_ref()?;
    if let Some(at) = first_after(here, opening.asked) {
        return Some(Works { at, is_same_session: true });
    }
    let at = (*pasv_elsewhere.get_or_init(|| worked_elsewhere(case)))?;
    Some(Works { at, is_same_session: false })
}

/// When those PASVs of the session were asked for whose data connections came up; `None` if one by
/// EPSV did, too.
fn worked_by_pasv_in(case: &Case<'_>) -> Option<Vec<Stamp>> {
    let came_up = |verb| {
        case.openings.iter().filter(move |opening| {
            opening.exchange.is_some_and(|exchange| is(exchange, verb))
                && opening.fate() == Fate::CameUp
                && Ending::of(case, opening) == Ending::Worked
        })
    };
    if came_up(Verb::Epsv).next().is_some() {
        return None;
    }
    Some(ascending(came_up(Verb::Pasv).map(|opening| opening.asked)))
}

/// When a data connection by PASV worked in another session between the same hosts, near this one.
fn worked_elsewhere(case: &Case<'_>) -> Option<Stamp> {
    let all = &case.analysis.sessions;
    let first = case.session.tcp.link.first;
    let own = all.partition_point(|session| session.tcp.link.first.is_before(first));
    let near = all.iter().take(own + NEIGHBOURS).skip(own.saturating_sub(NEIGHBOURS));
    let same = |session: &&Session| {
        session.id != case.session.id
            && (session.client.ip, session.server.ip)
                == (case.session.client.ip, case.session.server.ip)
    };
    near.filter(same).find_map(|session| pasv_worked_in(case, session))
}

/// When a data connection by PASV came up in another session; `None` if one by EPSV did, too.
fn pasv_worked_in(case: &Case<'_>, session: &Session) -> Option<Stamp> {
    let mut worked = None;
    for transfer in
        case.analysis.transfers_of(session).filter(|transfer| transfer.content.is_some())
    {
        match transfer.request.setup.command {
            Some("EPSV") => return None,
            Some("PASV") => worked = worked.or(Some(transfer.request.asked)),
            _ => {}
        }
    }
    worked
}
