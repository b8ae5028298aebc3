//! Data connections with another host than the client: copies between servers, and theft.

use super::super::super::setups::FIRST_FREE_PORT;
use super::super::super::{Check, Found, Kind, Rule};
use super::are_one_pool;
use crate::analysis::case::{Case, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, were};
use crate::decode::{Endpoint, Host};
use crate::session::Method;
use crate::tcp::Dir;
use crate::transfer::{DataConnection, Direction, SiteToSite, Transfer};

pub(super) const COPY: Rule = Rule {
    id: "site-to-site-transfer",
    kind: Kind::Security { attack: &[] },
    help: "A client had two servers exchange a file (FXP).",
    meaning: "The file goes from server to server and past whatever watches the client. Servers that \
              allow it can be used to bounce connections, too (RFC 2577 §3).",
    evidence: "A data connection of a transfer with another host than the client, or two commands of \
               one client of which one names the port that the other was answered.",
    false_positives: "Mirroring by a program that is meant to do so; where only one half was captured, \
                      a client whose connections leave by several addresses.",
    fix: "Find out whether the copy was meant, and what it took. Allow the pair where it is, or let \
          the servers accept data connections with the client only.",
    check: Check::Session(copied),
};

fn copied(case: &Case<'_>, found: &mut Found) {
    if case.transfers.iter().all(|transfer| transfer.direction != Direction::SiteToSite) {
        return;
    }
    for opening in &case.openings {
        let transfer = opening.transfer.filter(|it| it.direction == Direction::SiteToSite);
        let Some(transfer) = transfer else { continue };
        let draft = match &transfer.site_to_site {
            // The other half is told at the source.
            Some(copy) if copy.source.transfer != transfer.request.id => None,
            Some(copy) => told_of_both(case, transfer, copy),
            None => told_of_half(case, opening, transfer),
        };
        if let Some(draft) = draft {
            found.add(case, draft);
        }
    }
}

fn told_of_both(case: &Case<'_>, transfer: &Transfer, copy: &SiteToSite) -> Option<Draft> {
    let client = case.session.client.ip;
    let (from, to) = (copy.source.server.ip, copy.destination.server.ip);
    let is_allowed = |one: Host, other: Host| case.policy.is_allowed(one.addr, other.addr);
    if is_allowed(from, to) || is_allowed(client, from) && is_allowed(client, to) {
        return None;
    }
    let (name, is_seen) = (named(case, transfer), is_seen(transfer));
    let title = match is_seen {
        true => format!("{client} had {from} send {name} to {to}."),
        false => format!("{client} told {from} to send {name} to {to}."),
    };
    let went = if is_seen { "went" } else { "was to go" };
    let to_path = copy.destination.path.as_deref().map(|path| case.text(path));
    let draft = draft(transfer, Certainty::High, title)
        .explained(format!(
            "{client} told one of the servers the port at which the other listens, so the file {went} \
             from {from} to {to} and not by way of the client. {}",
            moved(transfer)
        ))
        .with("source", from.to_string())
        .with("destination", to.to_string())
        .with("destination_path", to_path.unwrap_or_default());
    Some(draft.cause(format!("{client} {from} {to}")))
}

/// Of a copy of which one server's part was captured.
fn told_of_half(case: &Case<'_>, opening: &Opening<'_>, transfer: &Transfer) -> Option<Draft> {
    let (client, server) = (case.session.client.ip, case.session.server.ip);
    let (data, link) = transfer.data.as_ref().zip(transfer.request.setup.link)?;
    let other = match link.server {
        Dir::FromOriginator => data.responder,
        Dir::FromResponder => data.originator,
    };
    let is_active = opening.method == Method::Active;
    let is_allowed = |one: Host| case.policy.is_allowed(one.addr, other.ip.addr);
    // To the port of a service it is a bounce; where the client dialled, too, a theft.
    let is_another = is_active && other.port < FIRST_FREE_PORT
        || !is_active && opening.dials().any(|dial| is_own(case, dial));
    if is_another
        || is_allowed(client)
        || is_allowed(server)
        || are_one_pool(client.addr, other.ip.addr)
    {
        return None;
    }
    let (certainty, instead) = match is_active {
        true => (Certainty::Medium, ""),
        false => {
            (Certainty::Low, " A client whose connections leave by several addresses does that.")
        }
    };
    let title = format!(
        "The data connection of {} was with {}, not with the client {client}.",
        case.name(transfer),
        other.ip
    );
    let draft = draft(transfer, certainty, title)
        .explained(format!(
            "The control connection is from {client} to {server}, the data connection from {} to {}. \
             {} What the other host was told is not in the capture.{instead}",
            data.originator,
            data.responder,
            moved(transfer)
        ))
        .with("other_host", other.ip.to_string());
    let severity = if is_active { draft.severity } else { Severity::Info };
    let draft = Draft { severity, ..draft };
    Some(draft.cause(format!("{client} {server} {}", other.ip)))
}

/// The file that was moved is what such a copy is: that it was is no worse than what is told of it.
fn draft(transfer: &Transfer, certainty: Certainty, title: String) -> Draft {
    let has_moved = is_seen(transfer);
    let severity = if has_moved { Severity::Info } else { Severity::Warning };
    let draft = Draft::new(severity, certainty, title)
        .transfer(Some(transfer.request.id))
        .frames(transfer.request.setup.stamp)
        .frames([transfer.request.asked])
        .frames(transfer.data.as_ref().map(|data| data.link.first));
    if has_moved { draft.had_effect() } else { draft.accepted() }
}

fn is_seen(transfer: &Transfer) -> bool {
    transfer.content.as_ref().is_some_and(|content| content.bytes > 0)
}

fn named(case: &Case<'_>, transfer: &Transfer) -> String {
    let name = transfer.request.path.as_ref().or(transfer.request.name.as_ref());
    name.map_or_else(|| "a file".to_owned(), |name| case.text(name))
}

fn moved(transfer: &Transfer) -> String {
    match &transfer.content {
        Some(content) => {
            let bytes = content.bytes;
            format!("{} of it {} captured.", counted(bytes, "byte"), were(bytes))
        }
        None => "Its bytes are not in the capture.".to_owned(),
    }
}

pub(super) const STOLEN: Rule = Rule {
    id: "passive-connection-stolen",
    kind: Kind::Security { attack: &["T1557"] },
    help: "Another host connected to the passive port that was opened for a client.",
    meaning: "Who is first at a passive port gets the data, unless the server compares addresses: \
              somebody who guesses the port reads the client's file, or puts one of his own in its \
              place (CVE-1999-0351, RFC 2577 §6).",
    evidence: "A 227 or 229, a connection to its port from another address than the control \
               connection's, and one from the client itself beside it.",
    false_positives: "A client whose connections leave by several addresses, that tried again by \
                      another one.",
    fix: "Find out who the other host is. Let the server accept data connections from the client's \
          address only (vsftpd pasv_promiscuous=NO), choose passive ports at random, and use TLS with \
          session reuse.",
    check: Check::Session(stolen),
};

fn stolen(case: &Case<'_>, found: &mut Found) {
    if case.attempts.is_empty() {
        return;
    }
    for opening in case.openings.iter().filter(|opening| opening.method == Method::Passive) {
        let Some(at) = opening.at else { continue };
        let Some(own) = opening.dials().find(|dial| is_own(case, dial)) else { continue };
        let others = opening.dials().filter(|dial| {
            dial.responder == at
                && dial.link.opener_known
                && !is_own(case, dial)
                && !are_one_pool(dial.originator.ip.addr, case.session.client.ip.addr)
        });
        for other in others {
            found.add(case, told_of_theft(case, opening, at, own, other));
        }
    }
}

/// Whether a connection is the client's own, as it is seen at any of the places of capture.
fn is_own(case: &Case<'_>, dial: &DataConnection) -> bool {
    let legs = case.session.legs.iter().map(|leg| leg.client.ip);
    std::iter::once(case.session.client.ip).chain(legs).any(|client| client == dial.originator.ip)
}

fn told_of_theft(
    case: &Case<'_>,
    opening: &Opening<'_>,
    at: Endpoint,
    own: &DataConnection,
    other: &DataConnection,
) -> Draft {
    let (client, from) = (case.session.client.ip, other.originator.ip);
    let bytes = |dial: &DataConnection| dial.from_originator.bytes + dial.from_responder.bytes;
    let what = opening.transfer.map(|transfer| case.name(transfer));
    let what = what.map(|what| format!(" {what} was asked for.")).unwrap_or_default();
    let (has_data, is_up) = (bytes(other) > 0, other.link.is_established());
    // Whoever tries every port comes by this one.
    let (did, severity) = match has_data || is_up {
        true => ("connected", Severity::Error),
        false => ("tried to connect", Severity::Info),
    };
    let title = match has_data {
        true => format!("Data went between {from} and the passive port opened for {client}."),
        false => format!("{from} {did} to the passive port opened for {client}."),
    };
    let order = match other.link.first.is_before(own.link.first) {
        true => "before the client did",
        false => "after the client did",
    };
    let draft = Draft::new(severity, Certainty::Medium, title)
        .transfer(opening.transfer.map(|transfer| transfer.request.id))
        .frames([opening.asked, other.link.first, own.link.first])
        .frames(opening.reply().map(|reply| reply.stamp))
        .frames(opening.outcome().map(|reply| reply.stamp))
        .frames(other.link.ended)
        .explained(format!(
            "The server opened {at} for the client at {client}. {} {did} to it, {order}: {} moved \
             over that connection, and {} over the client's own.{what}",
            other.originator,
            counted(bytes(other), "byte"),
            counted(bytes(own), "byte"),
        ))
        .with("other_host", from.to_string())
        .with("announced", at.to_string())
        .with("bytes", bytes(other));
    if has_data { draft.had_effect() } else { draft.attempted() }
}
