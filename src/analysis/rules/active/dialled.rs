//! What became of the server's SYNs to the port that the client named.

use super::super::setups::{
    Ending, certainty_of_silence, draft, ended, holds_data, icmp_said, is_dialled_by_orphan,
    needs_rewriting, other_hops,
};
use super::super::words::{End, past_here};
use super::super::{Check, Found, Kind, Rule};
use super::{Why, failed};
use crate::analysis::Vantage;
use crate::analysis::case::{Case, Fate, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::session::Method;

pub(super) const DATA_FILTERED: Rule = Rule {
    id: "active-data-filtered",
    kind: Kind::Diagnosis,
    help: "The server called the client back and nothing answered.",
    meaning: "In active mode the server connects to the client. Firewalls at clients drop such \
              connections unless they are told of them.",
    evidence: "A PORT or EPRT that the server accepted, SYNs of the server to the port it names, and \
               no answer to any of them.",
    false_positives: "The answers took another way than the capture's, or the capture ended before \
                      they came.",
    fix: "Use passive mode. If it must be active, let connections from the server to the client's \
          data ports in, or turn on FTP inspection on the firewall in front of the client.",
    check: Check::Session(data_filtered),
};

fn data_filtered(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::Filtered) {
        let (syns, time) = (counted(opening.syns(), "SYN"), spoken(opening.tried_for()));
        let over = if opening.syns() > 1 { format!(" over {time}") } else { String::new() };
        let from = opening.dials().last().map(|dial| dial.originator);
        let from = from.map(|from| from.to_string()).unwrap_or_default();
        let why = "the server's connection to the client is filtered";
        let draft = draft(case, opening, why).explained(format!(
            "The client told the server to connect to {at}. The server did, from {from}: \
             {syns}{over} got no answer. {}{}{}",
            past_here(case.vantage, End::Client),
            icmp_said(opening),
            ended(case, opening)
        ));
        let draft = Draft { certainty: certainty_of_silence(case, opening), ..draft };
        let draft = draft.with("announced", at.to_string()).with("data_from", from);
        found.add(case, draft.with("syn_count", opening.syns()));
    }
}

pub(super) const DATA_REFUSED: Rule = Rule {
    id: "active-data-refused",
    kind: Kind::Diagnosis,
    help: "The server called the client back and was refused.",
    meaning: "The client does not listen on the port it told, or does not any more, or a firewall in \
              front of it rejects what it did not ask for.",
    evidence: "A PORT or EPRT that the server accepted, a SYN of the server to the port it names, \
               and a reset or an ICMP error in answer.",
    false_positives: "A reset that somebody else on the way sent in the client's name.",
    fix: "Use passive mode. If it must be active, see whether the client still runs and listens when \
          the server connects, and whether a firewall on it or in front of it rejects the \
          connection.",
    check: Check::Session(data_refused),
};

fn data_refused(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::Refused) {
        let (from, answer) = match opening.icmp().last() {
            Some(error) if opening.fate() == Fate::Unreachable => {
                let (from, kind) = (error.from, error.kind.name());
                let what = "a firewall or router does not let the connection through";
                (Some(*error), format!("an ICMP error from {from} ({kind}): {what}"))
            }
            _ => (
                None,
                "a reset: the client does not listen there, or a firewall rejects it".to_owned(),
            ),
        };
        let why = "the server's connection to the client was refused";
        let draft = draft(case, opening, why).explained(format!(
            "The client told the server to connect to {at}. The server did, and was answered by \
             {answer}.{}{}",
            hops(case, opening),
            ended(case, opening)
        ));
        let draft = draft.frames(from.map(|error| error.stamp));
        let draft = draft.with("announced", at.to_string()).with("syn_count", opening.syns());
        found.add(
            case,
            match from {
                Some(error) => draft.with("icmp", error.kind.name()),
                None => draft,
            },
        );
    }
}

/// Whether the reset came from as far away as the client's packets.
fn hops(case: &Case<'_>, opening: &Opening<'_>) -> String {
    let Some((reset, client)) = other_hops(case, opening) else { return String::new() };
    format!(
        " The reset had {reset} hops left, while the client's packets on the control connection had \
         {client}: a firewall on the way may have sent it."
    )
}

pub(super) const SOURCE_PORT: Rule = Rule {
    id: "active-source-port-not-20",
    kind: Kind::Diagnosis,
    help: "The server's data connections do not come from port 20.",
    meaning: "RFC 959 §3.2 has a server connect from the port below its control port. Firewall rules \
              without memory that let port 20 in do not match this server.",
    evidence: "A control connection to port 21, and an active data connection of its server from \
               another port than 20.",
    false_positives: "A box on the way that translates ports.",
    fix: "Nothing is broken where it works. For firewalls that look at the port: vsftpd \
          connect_from_port_20=YES, ProFTPD RootRevoke off; better, use FTP inspection or passive \
          mode.",
    check: Check::Session(source_port),
};

/// RFC 959 §3.2 and §8: control on 21, data from 20.
const PORTS: (u16, u16) = (21, 20);

fn source_port(case: &Case<'_>, found: &mut Found) {
    let server = case.session.server;
    if server.port != PORTS.0 {
        return;
    }
    // One is enough to know what the server does.
    let other = case.openings.iter().filter(|opening| opening.method == Method::Active);
    let other = other.filter(|opening| Ending::of(case, opening) == Ending::Worked);
    let other =
        other.filter_map(|opening| Some((opening, opening.dials().last()?))).find(|(_, dial)| {
            dial.link.opener_known
                && (dial.originator.ip, dial.responder.ip) == (server.ip, case.session.client.ip)
                && dial.originator.port != PORTS.1
        });
    let Some((opening, dial)) = other else { return };
    let draft = Draft::new(
        Severity::Info,
        Certainty::High,
        "The server's data connections do not come from port 20.".to_owned(),
    );
    let draft = draft
        .transfer(opening.transfer.map(|transfer| transfer.request.id))
        .frames([opening.asked, dial.link.first])
        .explained(format!(
            "The server at {server} connected to {} from port {}. It works here; a firewall that \
             lets in only what comes from port 20 would not let it through.",
            dial.responder, dial.originator.port
        ))
        .with("source_port", u32::from(dial.originator.port))
        .cause(server.ip.to_string());
    found.add(case, draft);
}

pub(super) const NEVER_DIALED: Rule = Rule {
    id: "active-never-dialed",
    kind: Kind::Diagnosis,
    help: "The server accepted a PORT and no connection of it was seen.",
    meaning: "The server did not connect, or what it sent was lost before the place of capture: its \
              own firewall, a port 20 that it cannot bind, a translation that leads elsewhere.",
    evidence: "A PORT or EPRT that the server accepted, no SYN to the port it names, and a transfer \
               that failed for want of a data connection.",
    false_positives: "A capture that holds the control connection only; a data connection to \
                      another host, as in a copy between two servers.",
    fix: "Use passive mode. If it must be active, capture at the server to see whether its SYNs \
          leave, and let its firewall, and those on the way, pass them from port 20 to any high \
          port.",
    check: Check::Session(never_dialed),
};

fn never_dialed(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::NeverDialed) {
        if is_dialled_by_orphan(case, opening, at) {
            continue;
        }
        let where_lost = match case.vantage {
            _ if !holds_data(case) => {
                "The capture holds no data connection at all: it may be of the control port alone."
            }
            Vantage::NearServer => "Seen near the server, it did not send any.",
            Vantage::NearClient => "None came as far as the place of capture, near the client.",
            Vantage::Between | Vantage::Unknown => {
                "The server did not send any, or they were lost before the place of capture."
            }
        };
        let inside = match needs_rewriting(case, opening) {
            true => format!(
                " {} is a private address: unless a box on the way rewrites the command, the \
                 server at {} may not reach it.",
                at.ip, case.session.server.ip
            ),
            false => String::new(),
        };
        let why = "no connection of the server came";
        let draft = draft(case, opening, why).explained(format!(
            "The client told the server to connect to {at} and the server agreed, but no SYN to it \
             was seen. {where_lost}{inside}{}",
            ended(case, opening)
        ));
        // To another host than the client, in a copy between two servers, the way may lead past
        // the capture.
        let certainty = match at.ip == case.session.client.ip {
            true => Certainty::Medium,
            false => Certainty::Low,
        };
        let draft = Draft { certainty, ..draft };
        found.add(case, draft.with("announced", at.to_string()));
    }
}
