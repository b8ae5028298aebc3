//! What the rules of active and passive mode have in common: what came of a setup, and whether its
//! address makes sense to the one it was told to.

use super::heard::says;
use super::words::did_not_happen;
use crate::analysis::case::{Case, Fate, Opening, first_after};
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::analysis::policy::{is_private, is_unusable};
use crate::decode::{Endpoint, Host};
use crate::session::{Method, Received};
use crate::time::Stamp;
use crate::transfer::{DataConnection, Outcome};

/// Ports below are those of services; servers do not connect to them for a client (RFC 2577 §3).
pub(super) const FIRST_FREE_PORT: u16 = 1024;

/// What came of a setup.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// Bytes moved, or the server says that they did.
    Worked,
    /// The setup itself was refused.
    Denied,
    /// No data connection, though one was tried or waited for.
    Failed(Fate),
    /// Nothing, which need not be a failure: it was not used, or what it was for was refused.
    Unused,
}

/// An address that is of no use to the one it was told to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wrong {
    Private,
    Unusable,
}

/// Nanoseconds after which a SYN without an answer is no longer a slow one: systems send it again
/// after one second (RFC 6298 §2.1), and then after two more.
const LONG_NS: i64 = 3_000_000_000;

impl Ending {
    pub(super) fn of(case: &Case<'_>, opening: &Opening<'_>) -> Self {
        if opening.reply().is_some_and(|received| received.reply.is_refusal()) {
            return Self::Denied;
        }
        let outcome = opening.outcome();
        if outcome.is_some_and(|received| received.reply.is_success()) {
            return Self::Worked;
        }
        let fate = opening.fate();
        let lacks_data = lacks_data(opening);
        // Whoever refuses a command closes the port that was opened for it.
        let is_refused = outcome.is_some() && !lacks_data;
        let has_own_reason = is_refused_itself(opening) && !lacks_data;
        match fate {
            Fate::CameUp if lacks_data => Self::Failed(fate),
            Fate::CameUp => Self::Worked,
            Fate::NotDialled if lacks_data && had_time(case, opening) => Self::Failed(fate),
            Fate::NotDialled => Self::Unused,
            Fate::Unanswered if has_own_reason && opening.syns() < MANY_SYNS => Self::Unused,
            Fate::Unanswered if opening.syns() > 1 || lacks_data => Self::Failed(fate),
            Fate::Unanswered if !is_refused && waited(case, opening) => Self::Failed(fate),
            Fate::Refused | Fate::Unreachable if !is_refused => Self::Failed(fate),
            _ => Self::Unused,
        }
    }
}

/// SYNs in vain from which on no chance loss explains it.
const MANY_SYNS: u64 = 3;

/// Nanoseconds after which a SYN is sent again (RFC 6298 §2.1): who gave up sooner did not wait for
/// an answer, but had one.
const FIRST_RETRY_NS: i64 = 1_000_000_000;

/// Whether what was asked for was refused for what it is, and not for its data connection.
fn is_refused_itself(opening: &Opening<'_>) -> bool {
    opening.outcome().is_some_and(|received| {
        received.reply.is_refusal() && !matches!(received.reply.code, 421 | 425 | 426)
    })
}

/// The last SYN that was sent for it.
fn last_syn(opening: &Opening<'_>) -> Option<Stamp> {
    opening.dials().flat_map(|dial| dial.link.tries()).last()
}

/// Whether SYNs without an answer in the capture had one all the same: the other end says that it
/// was refused, or gave up before a SYN that was dropped would have been sent again.
pub(super) fn was_answered_unseen(opening: &Opening<'_>) -> bool {
    let Some(outcome) = opening.outcome().filter(|outcome| outcome.reply.is_refusal()) else {
        return false;
    };
    let after = last_syn(opening).and_then(|syn| outcome.stamp.at.nanos_since(syn.at));
    let is_hasty =
        opening.syns() == 1 && after.is_some_and(|after| (0..FIRST_RETRY_NS).contains(&after));
    opening.fate() == Fate::Unanswered && (is_hasty || says(&outcome.reply.text, &["refused"]))
}

/// How sure it is that SYNs without an answer are dropped: a lone one may be lost by chance, and
/// where the session ends soon after, the answer may have come later.
pub(super) fn certainty_of_silence(case: &Case<'_>, opening: &Opening<'_>) -> Certainty {
    let end = case.session.tcp.link.last.at;
    let left = last_syn(opening).and_then(|syn| end.nanos_since(syn.at));
    let had_time = opening.outcome().is_some() || left.is_some_and(|left| left >= LONG_NS);
    match opening.syns() {
        _ if !had_time => Certainty::Low,
        0 | 1 => Certainty::Low,
        2 => Certainty::Medium,
        _ => Certainty::High,
    }
}

/// Whether what was asked for failed for want of a data connection.
fn lacks_data(opening: &Opening<'_>) -> bool {
    let Some(transfer) = opening.transfer else { return false };
    // 421 of pyftpdlib and 550 of IIS: `Passive data channel timed out.`
    let says_so = |received: &Received| {
        matches!(received.reply.code, 421 | 550) && says(&received.reply.text, &["data channel"])
    };
    transfer.outcome == Outcome::NoConnection || opening.outcome().is_some_and(says_so)
}

/// Whether the server said that there is no connection, or the session left it time to be made.
fn had_time(case: &Case<'_>, opening: &Opening<'_>) -> bool {
    let last = case.session.tcp.link.last.at;
    opening.outcome().is_some()
        || opening.transfer.is_some_and(|transfer| {
            let left = last.nanos_since(transfer.request.asked.at);
            left.is_some_and(|left| left >= LONG_NS)
        })
}

/// Whether the first SYN had time to be answered before the session was over.
fn waited(case: &Case<'_>, opening: &Opening<'_>) -> bool {
    let first = opening.dials().find_map(|dial| dial.link.tries().next());
    let last = case.session.tcp.link.last.at;
    first.and_then(|first| last.nanos_since(first.at)).is_some_and(|time| time >= LONG_NS)
}

/// Whether the session waited for something after the setup and then went on, or ended, without
/// having used it.
pub(super) fn is_given_up(case: &Case<'_>, opening: &Opening<'_>) -> bool {
    if opening.transfer.is_some() || opening.fate() != Fate::NotDialled {
        return false;
    }
    let Some(told) = opening.reply().map(|received| received.stamp) else { return false };
    let next = first_after(case.commands(), told).or(case.session.tcp.link.ended);
    next.and_then(|next| next.at.nanos_since(told.at)).is_some_and(|time| time >= LONG_NS)
}

/// Whether a refusal of a setup says nothing about the setup: not logged in, TLS demanded, or the
/// session is over.
pub(super) fn is_unrelated(received: &Received) -> bool {
    matches!(received.reply.code, 421 | 530 | 534)
}

/// Whether it went to the address that was announced.
pub(super) fn is_as_told(opening: &Opening<'_>, dial: &DataConnection) -> bool {
    opening.at.is_some_and(|at| at.ip == dial.responder.ip)
}

/// What ICMP said of SYNs that nothing else answered.
pub(super) fn icmp_said(opening: &Opening<'_>) -> String {
    let said = opening.icmp().last();
    said.map(|error| format!(" {} says of them: {}.", error.from, error.kind.name()))
        .unwrap_or_default()
}

/// Hops that the reset which refused a dial had left, and the other packets of the host it came
/// from in the name of, where both are known and differ.
pub(super) fn other_hops(case: &Case<'_>, opening: &Opening<'_>) -> Option<(u8, u8)> {
    let reset = opening.dials().last().map_or(0, |dial| dial.from_responder.ttl);
    let dialled = match opening.method {
        Method::Active => case.session.tcp.from_client.ttl,
        _ => case.session.tcp.from_server.ttl,
    };
    let is_told = opening.fate() == Fate::Refused && reset != 0 && dialled != 0;
    (is_told && reset != dialled).then_some((reset, dialled))
}

/// The host that was announced for, and the one that it was told to, as they are seen here.
pub(super) fn ends(case: &Case<'_>, opening: &Opening<'_>) -> (Host, Host) {
    let (client, server) = (case.session.client.ip, case.session.server.ip);
    if opening.method == Method::Active { (client, server) } else { (server, client) }
}

/// What is wrong with the announced address, if anything is. A private one is only wrong when one
/// of the two hosts is seen at an address that is not of the inside.
pub(super) fn wrong_address(case: &Case<'_>, opening: &Opening<'_>) -> Option<Wrong> {
    let said = opening.announced?.ip?;
    let (own, other) = ends(case, opening);
    if said == own.addr || said.is_ipv4() != own.addr.is_ipv4() {
        return None;
    }
    let is_same_scope = said.is_loopback() && other.addr.is_loopback()
        || is_unusable(said) && is_unusable(other.addr);
    if is_unusable(said) && !is_same_scope {
        return Some(Wrong::Unusable);
    }
    let is_inside = |host: Host| is_private(host.addr) || case.policy.is_home(host.addr);
    let is_wrong = is_private(said) && !(is_inside(own) && is_inside(other));
    is_wrong.then_some(Wrong::Private)
}

/// Whether the announced address is the host's own, private, and told to somebody outside: it
/// arrives as something else only if a box on the way rewrites it.
pub(super) fn needs_rewriting(case: &Case<'_>, opening: &Opening<'_>) -> bool {
    let (own, other) = ends(case, opening);
    let said = opening.announced.and_then(|announced| announced.ip);
    let is_inside = |host: Host| is_private(host.addr) || case.policy.is_home(host.addr);
    said == Some(own.addr) && is_private(own.addr) && !is_inside(other)
}

/// Whether a later setup of the session led to a data connection.
pub(super) fn is_made_up_for(case: &Case<'_>, opening: &Opening<'_>) -> bool {
    let last = case.learned.last_worked.get_or_init(|| {
        let worked = case.openings.iter().filter(|it| Ending::of(case, it) == Ending::Worked);
        // What a PORT was used for again counts from the PORT on.
        let asked = worked.map(|opening| opening.asked);
        asked.reduce(|last, asked| if last.is_before(asked) { asked } else { last })
    });
    last.is_some_and(|last| opening.asked.is_before(last))
}

/// Whether data connections of the session are known to be somewhere else: then it tells nothing
/// that one is not here.
pub(super) fn is_data_elsewhere(case: &Case<'_>) -> bool {
    *case.learned.is_data_elsewhere.get_or_init(|| {
        // One that failed for want of a data connection does not count, though its 150 promised one.
        let mut used = case.openings.iter().filter(|opening| !lacks_data(opening));
        used.any(|opening| {
            opening.transfer.is_some_and(|transfer| transfer.outcome == Outcome::NotCaptured)
        })
    })
}

/// From one packet to another, in nanoseconds.
pub(super) fn between(from: Option<&Received>, to: Option<&Received>) -> Option<i64> {
    to?.stamp.at.nanos_since(from?.stamp.at)
}

/// Whether a connection went there afterwards of which nobody knows what it was for: it is there all
/// the same.
pub(super) fn is_dialled_by_orphan(case: &Case<'_>, opening: &Opening<'_>, at: Endpoint) -> bool {
    case.orphans.iter().any(|orphan| {
        let connection = &orphan.carried.connection;
        connection.responder == at && opening.asked.is_before(connection.link.first)
    })
}

/// Whether the capture holds any data connection: one that does not may be of port 21 alone. Only
/// so many transfers are looked at.
pub(super) fn holds_data(case: &Case<'_>) -> bool {
    let analysis = case.analysis;
    let mut some = analysis.transfers.iter().take(LOOKED_AT);
    !analysis.attempts.is_empty()
        || !analysis.orphans.is_empty()
        || some.any(|transfer| transfer.data.is_some())
}

/// Transfers looked at for a data connection.
const LOOKED_AT: usize = 256;

/// What findings about a setup that failed have in common.
pub(super) fn draft(case: &Case<'_>, opening: &Opening<'_>, why: &str) -> Draft {
    // What was refused for its own reason would have failed all the same.
    let is_accepted = opening.reply().is_none_or(|received| !received.reply.is_refusal());
    let severity = match is_accepted && is_refused_itself(opening) && !lacks_data(opening) {
        true => Severity::Warning,
        false => Severity::Error,
    };
    Draft::new(severity, Certainty::High, did_not_happen(case, opening, why))
        .transfer(opening.transfer.map(|transfer| transfer.request.id))
        .frames(opening.frames())
}

/// What the server said in the end of what the setup was used for, if it did.
pub(super) fn ended(case: &Case<'_>, opening: &Opening<'_>) -> String {
    let said = outcome_of(case, opening);
    said.map(|said| format!(" The server then said: {said}")).unwrap_or_default()
}

/// The final reply of what the setup was used for, as a sentence.
pub(super) fn outcome_of(case: &Case<'_>, opening: &Opening<'_>) -> Option<String> {
    let (exchange, reply) = opening.used_by.zip(opening.outcome())?;
    Some(sentence(case.quote(exchange, reply)))
}

/// With a full stop at its end.
pub(super) fn sentence(mut text: String) -> String {
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}
