//! Answers to PASV and EPSV that are no help.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use super::super::setups::{is_made_up_for, is_unrelated, sentence};
use super::super::{Check, Found, Kind, Rule};
use super::is;
use crate::analysis::case::{Case, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::analysis::rules::heard::says;
use crate::ftp::Verb;
use crate::session::{Exchange, Method, Received};
use crate::time::{Place, Stamp};
use crate::transfer::Transfer;

pub(super) const MALFORMED: Rule = Rule {
    id: "passive-reply-malformed",
    kind: Kind::Diagnosis,
    help: "The server's 227 or 229 names no port that can be read.",
    meaning: "The client does not know where to connect. The server writes its answer wrongly, or a \
              box on the way that rewrites addresses spoiled it.",
    evidence: "A 227 without six numbers of 0 to 255, a 229 without a port between delimiters, or \
               port 0.",
    false_positives: "None known.",
    fix: "Let the client use the other command (EPSV for PASV, or PASV for EPSV); update the server, \
          and compare with a capture taken on it to see whether a box on the way changes the reply.",
    check: Check::Session(malformed),
};

fn malformed(case: &Case<'_>, found: &mut Found) {
    let followed = LazyCell::new(|| followed(case));
    for (opening, exchange, reply) in answered(case) {
        let is_whole = !reply.reply.torn && reply.reply.dropped == 0;
        let is_lost = opening.announced.is_none_or(|announced| announced.port == 0);
        if !matches!(reply.reply.code, 227 | 229) || !is_whole || !is_lost {
            continue;
        }
        let what = case.spell(exchange);
        let severity =
            match is_made_up_for(case, opening) || followed.contains(&opening.asked.place) {
                true => Severity::Warning,
                false => Severity::Error,
            };
        let title = format!("The server's answer to {what} names no port to connect to.");
        let transfer = opening.transfer.or_else(|| meant_for(case, opening));
        let draft = Draft::new(severity, Certainty::High, title)
            .transfer(transfer.map(|transfer| transfer.request.id))
            .frames(opening.frames());
        let draft = draft.explained(format!(
            "The server answered {what} with: {} No address and port can be read from it.",
            sentence(case.quote(exchange, reply))
        ));
        found.add(case, draft.cause(case.session.server.ip.to_string()));
    }
}

/// The transfer asked for next, if no other setup came before it.
fn meant_for<'a>(case: &Case<'a>, opening: &Opening<'_>) -> Option<&'a Transfer> {
    let behind = |asked: Stamp| opening.asked.is_before(asked);
    let next = case.transfers.partition_point(|transfer| !behind(transfer.request.asked));
    let transfer = *case.transfers.get(next)?;
    let setup = case.openings.partition_point(|other| !behind(other.asked));
    let setup = case.openings.get(setup).filter(|other| other.exchange.is_some());
    let is_first = setup.is_none_or(|other| transfer.request.asked.is_before(other.asked));
    (is_first && transfer.data.is_none()).then_some(transfer)
}

/// The setups with which a transfer came about, whatever was announced.
fn followed(case: &Case<'_>) -> BTreeSet<Place> {
    let moved = case.transfers.iter().filter(|transfer| transfer.content.is_some());
    moved.filter_map(|transfer| transfer.request.setup.stamp).map(|stamp| stamp.place).collect()
}

pub(super) const EPSV_REJECTED: Rule = Rule {
    id: "epsv-rejected",
    kind: Kind::Diagnosis,
    help: "The server refuses EPSV.",
    meaning: "It is older than RFC 2428, or does not allow EPSV. Clients that try it first lose one \
              round trip and use PASV.",
    evidence: "EPSV answered with a refusal.",
    false_positives: "None known.",
    fix: "Nothing is broken if the client goes on with PASV. Over IPv6 there is nothing else: let \
          the server support EPSV.",
    check: Check::Session(epsv_rejected),
};

fn epsv_rejected(case: &Case<'_>, found: &mut Found) {
    let last_pasv = LazyCell::new(|| {
        let is_pasv = |it: &&Opening<'_>| it.exchange.is_some_and(|it| is(it, Verb::Pasv));
        case.openings.iter().rfind(is_pasv).map(|last| last.asked)
    });
    for (opening, exchange, reply) in refused(case) {
        if !is(exchange, Verb::Epsv) || is_exhausted(reply) {
            continue;
        }
        // RFC 2428 §3: over IPv6, PASV cannot stand in for it.
        let is_v6 = case.session.server.ip.addr.is_ipv6();
        let severity = match is_v6 && !is_made_up_for(case, opening) {
            true => Severity::Error,
            false => Severity::Info,
        };
        let goes_on = match last_pasv.is_some_and(|last| opening.asked.is_before(last)) {
            true => " The client went on with PASV.",
            false => "",
        };
        let draft = Draft::new(severity, Certainty::High, "The server refuses EPSV.".to_owned());
        let draft = draft.frames(opening.frames()).explained(format!(
            "The server answered {} with: {}{goes_on}",
            case.spell(exchange),
            sentence(case.quote(exchange, reply))
        ));
        found.add(case, draft.cause(case.session.server.ip.to_string()));
    }
}

pub(super) const PASV_ON_IPV6: Rule = Rule {
    id: "pasv-on-ipv6",
    kind: Kind::Diagnosis,
    help: "The client asked for PASV on a control connection over IPv6.",
    meaning: "A 227 has room for an IPv4 address only, so PASV cannot work over IPv6. Some servers \
              refuse it, others answer with an address that means nothing.",
    evidence: "A control connection between IPv6 addresses, and PASV that was refused, or answered \
               with an IPv4 address.",
    false_positives: "A server that has both addresses and means the IPv4 one.",
    fix: "Let the client use EPSV over IPv6 (RFC 2428 §3).",
    check: Check::Session(pasv_on_ipv6),
};

fn pasv_on_ipv6(case: &Case<'_>, found: &mut Found) {
    if case.session.server.ip.addr.is_ipv4() {
        return;
    }
    for (opening, exchange, reply) in answered(case) {
        let is_refused = reply.reply.is_refusal() && !is_unrelated(reply) && !is_exhausted(reply);
        let is_v4 = opening.announced.and_then(|it| it.ip).is_some_and(|ip| ip.is_ipv4());
        if !is(exchange, Verb::Pasv) || !is_refused && !is_v4 {
            continue;
        }
        let works = !is_refused && opening.outcome().is_some_and(|end| end.reply.is_success());
        let severity = match works || is_made_up_for(case, opening) {
            true => Severity::Warning,
            false => Severity::Error,
        };
        let title = "The client asked for PASV over IPv6.".to_owned();
        let draft = Draft::new(severity, Certainty::High, title).frames(opening.frames());
        let draft = draft.explained(format!(
            "The control connection goes from {} to {}. The server answered PASV with: {} A 227 \
             can only name an IPv4 address.",
            case.session.client,
            case.session.server,
            sentence(case.quote(exchange, reply))
        ));
        found.add(case, draft);
    }
}

pub(super) const MISMATCH: Rule = Rule {
    id: "setup-reply-mismatch",
    kind: Kind::Diagnosis,
    help: "PASV was answered with 229, or EPSV with 227.",
    meaning: "Each command has its own answer (RFC 959 §4.1.2, RFC 2428 §3). Clients that look at \
              the number only fail, or read the wrong address.",
    evidence: "A 229 in answer to PASV, or a 227 in answer to EPSV.",
    false_positives: "Replies that were counted to the wrong command because the capture missed \
                      something.",
    fix: "Update the server, or the proxy or firewall that changes the command on its way; let the \
          client use the command whose answer comes.",
    check: Check::Session(mismatch),
};

fn mismatch(case: &Case<'_>, found: &mut Found) {
    for (opening, exchange, reply) in answered(case) {
        let is_swapped = match reply.reply.code {
            227 => is(exchange, Verb::Epsv),
            229 => is(exchange, Verb::Pasv),
            _ => false,
        };
        if !is_swapped {
            continue;
        }
        let what = case.spell(exchange);
        let title = format!("The server answered {what} with a {}.", reply.reply.code);
        let draft = Draft::new(Severity::Warning, Certainty::High, title).frames(opening.frames());
        let draft = draft.explained(format!(
            "The client sent {what} and the server said: {}",
            sentence(case.quote(exchange, reply))
        ));
        found.add(case, draft.cause(case.session.server.ip.to_string()));
    }
}

pub(super) const PORTS_EXHAUSTED: Rule = Rule {
    id: "passive-ports-exhausted",
    kind: Kind::Diagnosis,
    help: "The server has no passive port left.",
    meaning: "The range of ports that it may use is smaller than the number of data connections at \
              a time, together with those that are just over.",
    evidence: "PASV or EPSV refused, with a reply that says that no port is free or that binding \
               one failed.",
    false_positives: "A server that cannot bind for another reason.",
    fix: "Widen the server's passive port range, and the firewall's with it (vsftpd pasv_min_port \
          and pasv_max_port, ProFTPD PassivePorts, Pure-FTPd PassivePortRange), or let clients use \
          fewer connections at a time.",
    check: Check::Session(ports_exhausted),
};

fn ports_exhausted(case: &Case<'_>, found: &mut Found) {
    for (opening, exchange, reply) in refused(case).filter(|(.., reply)| is_exhausted(reply)) {
        let title = "The server had no passive port left.".to_owned();
        let draft = Draft::new(Severity::Error, Certainty::High, title).frames(opening.frames());
        let draft = draft.explained(format!(
            "The server answered {} with: {}",
            case.spell(exchange),
            sentence(case.quote(exchange, reply))
        ));
        found.add(case, draft.cause(case.session.server.ip.to_string()));
    }
}

/// `425 All reserved TCP ports are busy` says Pure-FTPd; vsftpd dies of it and says `500 OOPS:
/// vsf_sysutil_bind`.
fn is_exhausted(received: &Received) -> bool {
    says(&received.reply.text, &["ports are busy", "vsf_sysutil_bind"])
}

/// Passive setups with their final replies.
fn answered<'a>(
    case: &'a Case<'a>,
) -> impl Iterator<Item = (&'a Opening<'a>, &'a Exchange, &'a Received)> {
    let passive = case.openings.iter().filter(|opening| opening.method == Method::Passive);
    passive.filter_map(|opening| {
        let exchange = opening.exchange?;
        Some((opening, exchange, exchange.final_reply()?))
    })
}

/// Those that were refused for what they are.
fn refused<'a>(
    case: &'a Case<'a>,
) -> impl Iterator<Item = (&'a Opening<'a>, &'a Exchange, &'a Received)> {
    answered(case).filter(|(.., reply)| reply.reply.is_refusal() && !is_unrelated(reply))
}
