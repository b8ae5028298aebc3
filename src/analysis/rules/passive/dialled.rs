//! What became of the client's SYNs to a passive port.

use super::super::setups::{
    between, certainty_of_silence, draft, ended, holds_data, icmp_said, is_dialled_by_orphan,
    needs_rewriting, other_hops, outcome_of,
};
use super::super::words::{End, past_here};
use super::super::{Check, Found, Kind, Rule};
use super::{Why, blames_address, failed, pasv_works};
use crate::analysis::Vantage;
use crate::analysis::case::{Case, Fate, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::tcp::Dir;

pub(super) const DATA_FILTERED: Rule = Rule {
    id: "passive-data-filtered",
    kind: Kind::Diagnosis,
    help: "The client dialled the passive port and nothing answered.",
    meaning: "The control connection works, so the server is reachable; but what the client sends \
              to the port the server named is dropped in silence. LIST, RETR and STOR hang and then \
              fail.",
    evidence: "A 227 or 229, SYNs of the client to the port it names, and no answer to any of them.",
    false_positives: "The answers took another way than the capture's, or the capture ended before \
                      they came.",
    fix: "Open and forward the server's passive port range on the firewall in front of it, and pin \
          that range in the server (vsftpd pasv_min_port and pasv_max_port, ProFTPD PassivePorts).",
    check: Check::Session(data_filtered),
};

fn data_filtered(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::Filtered) {
        let (syns, time) = (counted(opening.syns(), "SYN"), spoken(opening.tried_for()));
        let over = if opening.syns() > 1 { format!(" over {time}") } else { String::new() };
        let draft = draft(case, opening, "the passive port is filtered").explained(format!(
            "The server told the client to connect to {at}. {syns}{over} got no answer, while the \
             control connection to {} worked. {}{}{}",
            case.session.server,
            past_here(case.vantage, End::Server),
            icmp_said(opening),
            ended(case, opening)
        ));
        let draft = Draft { certainty: certainty_of_silence(case, opening), ..draft };
        found.add(case, draft.with("announced", at.to_string()).with("syn_count", opening.syns()));
    }
}

pub(super) const DATA_REFUSED: Rule = Rule {
    id: "passive-data-refused",
    kind: Kind::Diagnosis,
    help: "The client dialled the passive port and was refused by a reset.",
    meaning: "Something answers at the address the server named, and nothing listens on the port: a \
              firewall that rejects, a port range forwarded to another machine, or a server that \
              does not listen any more.",
    evidence: "A 227 or 229, a SYN of the client to the port it names, and a reset in answer.",
    false_positives: "A reset that somebody else on the way sent in the server's name.",
    fix: "Let the firewall accept the server's passive port range; where ports are forwarded or \
          balanced, send that range to the same machine as the control connection.",
    check: Check::Session(data_refused),
};

fn data_refused(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::Refused) {
        let draft = draft(case, opening, "the passive port refuses the connection");
        let draft = draft.explained(format!(
            "The server told the client to connect to {at}. The client's SYN was answered by a \
             reset{}: nothing listens there, or a firewall rejects it.{}{}",
            after_a_while(opening),
            hops(case, opening),
            ended(case, opening)
        ));
        found.add(case, draft.with("announced", at.to_string()).with("syn_count", opening.syns()));
    }
}

/// From the SYN to its answer, where there is something to tell.
fn after_a_while(opening: &Opening<'_>) -> String {
    let took = opening.dials().last().and_then(|dial| dial.link.answer_ns());
    let took = took.filter(|took| *took >= TELLING_NS);
    took.map(|took| format!(" after {}", spoken(took))).unwrap_or_default()
}

/// Nanoseconds below which it only tells that the answer came from near by.
const TELLING_NS: i64 = 1_000_000;

/// Whether the reset came from as far away as the server's packets: one that did not is from
/// somebody on the way.
fn hops(case: &Case<'_>, opening: &Opening<'_>) -> String {
    let Some((reset, server)) = other_hops(case, opening) else { return String::new() };
    format!(
        " It had {reset} hops left, while the server's packets on the control connection had \
         {server}: another machine, or a firewall on the way, may have sent it."
    )
}

pub(super) const DATA_UNREACHABLE: Rule = Rule {
    id: "passive-data-unreachable",
    kind: Kind::Diagnosis,
    help: "The client dialled the passive port and was told by ICMP that it cannot get there.",
    meaning: "A router or firewall says that it does not let the connection through, or knows no \
              way to the address the server named.",
    evidence: "A 227 or 229, a SYN of the client to the port it names, and an ICMP error about it.",
    false_positives: "None known.",
    fix: "On the machine that sends the ICMP error, let connections to the server's passive port \
          range through, or give it a route to the server.",
    check: Check::Session(data_unreachable),
};

fn data_unreachable(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::Unreachable) {
        let Some(error) = opening.icmp().last() else { continue };
        let (from, kind) = (error.from, error.kind.name());
        let who =
            if from == at.ip { "the server's own address".to_owned() } else { from.to_string() };
        let why = format!("the passive port is not reachable ({kind})");
        let draft = draft(case, opening, &why).explained(format!(
            "The server told the client to connect to {at}. The client's SYN was answered by an \
             ICMP error from {who}: {kind}. The control connection to {} works.{}",
            case.session.server,
            ended(case, opening)
        ));
        let draft = draft.frames(opening.icmp().map(|error| error.stamp));
        let draft = draft.with("announced", at.to_string()).with("icmp", kind);
        found.add(case, draft.with("icmp_from", from.to_string()));
    }
}

pub(super) const EPSV_BLOCKED: Rule = Rule {
    id: "epsv-blocked",
    kind: Kind::Diagnosis,
    help: "Data connections announced by EPSV do not come up, those announced by PASV do.",
    meaning: "A firewall that opens the way for what a 227 announces does not know the 229. Clients \
              that try EPSV first wait until it times out.",
    evidence: "A 229 and SYNs to its port that fail; then, between the same hosts, a 227 and a data \
               connection that comes up.",
    false_positives: "A fault that was over by the time PASV was tried.",
    fix: "Teach the firewall's FTP inspection the 229 (RFC 2428), or open the server's passive port \
          range; until then turn EPSV off in the client (curl --disable-epsv, lftp \
          ftp:prefer-epsv no).",
    check: Check::Session(epsv_blocked),
};

fn epsv_blocked(case: &Case<'_>, found: &mut Found) {
    let count = failed(case, Why::EpsvBlocked).take(2).count();
    for (opening, at) in failed(case, Why::EpsvBlocked) {
        let Some(works) = pasv_works(case, opening) else { continue };
        let (most, severity, place) = match works.is_same_session {
            true => (Certainty::High, Severity::Warning, "later in the same session"),
            false => (Certainty::Medium, Severity::Error, "in another session of the two"),
        };
        let certainty = match opening.fate() {
            _ if count > 1 => most,
            Fate::Unanswered if opening.syns() > 1 => most,
            Fate::Unanswered => Certainty::Low,
            // It may just have been the server, which did not listen that once.
            Fate::Refused if hops(case, opening).is_empty() => Certainty::Low,
            _ => Certainty::Medium,
        };
        let draft = Draft::new(
            severity,
            certainty,
            "What EPSV announces is blocked, what PASV announces is not.".to_owned(),
        );
        let tries = counted(opening.syns(), "SYN");
        let draft = draft
            .transfer(opening.transfer.map(|transfer| transfer.request.id))
            .frames(opening.frames())
            .frames([works.at])
            .explained(format!(
                "The server answered EPSV with port {}, and {tries} to {at} did not bring a \
                 connection up; after PASV, {place}, it did. Something on the way opens ports for \
                 a 227 and not for a 229.{}",
                at.port,
                ended(case, opening)
            ));
        found.add(case, draft.with("announced", at.to_string()).with("syn_count", opening.syns()));
    }
}

pub(super) const PEER_REJECTED: Rule = Rule {
    id: "passive-peer-rejected",
    kind: Kind::Diagnosis,
    help: "The server closed a data connection because of the address it came from.",
    meaning: "Servers take data connections only from the host of the control connection. Proxies, \
              several uplinks and pools of translated addresses make one client look like two.",
    evidence: "A data connection to the passive port that the server closed without data, and a \
               refusal of the transfer; the connection came from another address, or the reply \
               says so.",
    false_positives: "A copy between two servers, which is refused in the same way.",
    fix: "Let the client's control and data connections leave by the same address (source \
          affinity on the proxy, load balancer or NAT pool). Where that cannot be, and for copies \
          between servers, let the server accept it (vsftpd pasv_promiscuous, pyftpdlib \
          permit_foreign_addresses), knowing that anybody may then take the data.",
    check: Check::Session(peer_rejected),
};

fn peer_rejected(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::PeerRejected) {
        let Some(dial) = opening.dials().last() else { continue };
        let (client, from) = (case.session.client.ip, dial.originator);
        let is_other = from.ip != client;
        let seen = match is_other {
            true => format!("{from}, while the control connection comes from {client}"),
            false => format!(
                "{from}, the client's own address as it is seen here; the server may see another"
            ),
        };
        let certainty = match opening.outcome().is_some_and(blames_address) {
            true => Certainty::High,
            false => Certainty::Medium,
        };
        let closed = match dial.link.ended_by {
            Some(Dir::FromResponder) => " The server closed it without data.",
            Some(Dir::FromOriginator) => " The client closed it first, and no data came.",
            None => " No data came.",
        };
        let why = "the server does not accept data connections from this address";
        let draft = draft(case, opening, why).explained(format!(
            "The data connection to {at} came from {seen}.{closed}{}",
            ended(case, opening)
        ));
        let draft = Draft { certainty, ..draft }.frames(dial.link.ended);
        let draft = draft.with("control_from", client.to_string());
        found.add(case, draft.with("data_from", from.to_string()));
    }
}

pub(super) const ACCEPT_TIMEOUT: Rule = Rule {
    id: "passive-accept-timeout",
    kind: Kind::Diagnosis,
    help: "The client dialled the passive port when the server had stopped waiting.",
    meaning: "A server waits for the data connection for a while only. The client was slow, or \
              earlier SYNs of it did not get as far as the capture.",
    evidence: "A 227 or 229, a refusal of the transfer, and only then the client's first SYN.",
    false_positives: "Earlier SYNs that took another way than the capture's.",
    fix: "Find out what holds the client up between the reply and the connection (a name look-up, a \
          proxy, a dialogue with the user); if it must be, let the server wait longer (vsftpd \
          accept_timeout).",
    check: Check::Session(accept_timeout),
};

fn accept_timeout(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::TooLate) {
        let (told, given_up) = (opening.reply(), opening.outcome());
        let Some(dial) = opening.dials().next() else { continue };
        let Some((told, waited)) = told.zip(between(told, given_up)) else { continue };
        let Some(late) = dial.link.first.at.nanos_since(told.stamp.at) else { continue };
        let draft = draft(case, opening, "the client connected too late").explained(format!(
            "The server told the client to connect to {at} and gave up after {}; the client's \
             first SYN came {} after the announcement. What the server said when it gave up: {}",
            spoken(waited),
            spoken(late),
            outcome_of(case, opening).unwrap_or_default()
        ));
        let draft = draft.with("announced", at.to_string());
        found.add(case, draft.with("waited_ms", in_ms(waited)).with("late_ms", in_ms(late)));
    }
}

fn in_ms(nanos: i64) -> u64 {
    nanos.unsigned_abs() / 1_000_000
}

pub(super) const NEVER_DIALED: Rule = Rule {
    id: "passive-never-dialed",
    kind: Kind::Diagnosis,
    help: "The server announced a passive port and the client never connected.",
    meaning: "No SYN to the announced port was seen: the client did not send any, or something \
              before the place of capture drops them.",
    evidence: "A 227 or 229, no SYN to its port, and a transfer that failed for want of a data \
               connection.",
    false_positives: "A capture that holds the control connection only; a data connection from \
                      another host, as in a copy between two servers.",
    fix: "Look at the client's own log and firewall: it may not understand the reply, or may not be \
          allowed to connect to high ports. Capture at the client to see whether its SYNs leave.",
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
            Vantage::NearClient => "Seen near the client, it did not send any.",
            Vantage::NearServer => "None came as far as the place of capture, near the server.",
            Vantage::Between | Vantage::Unknown => {
                "The client did not send any, or they were lost before the place of capture."
            }
        };
        let inside = match needs_rewriting(case, opening) {
            true => format!(
                " {} is a private address: unless a box on the way rewrites the reply, the client \
                 at {} may not reach it.",
                at.ip, case.session.client.ip
            ),
            false => String::new(),
        };
        let asked = opening.transfer.is_some();
        let draft = draft(case, opening, "the client never connected to the passive port");
        let draft = draft.explained(format!(
            "The server told the client to connect to {at}, and no SYN to it was seen. \
             {where_lost}{inside}{}",
            ended(case, opening)
        ));
        let (severity, certainty) = match asked {
            true => (Severity::Error, Certainty::Medium),
            // It may not have meant to: programs ask for a port just to see whether they get one.
            false => (Severity::Warning, Certainty::Low),
        };
        let mut draft = Draft { severity, certainty, ..draft };
        if case.vantage == Vantage::NearServer && holds_data(case) {
            draft = draft.fixed_by(FIX_BEFORE_SERVER.to_owned());
        }
        found.add(case, draft.with("announced", at.to_string()));
    }
}

const FIX_BEFORE_SERVER: &str = "\
     Capture on the other side of the firewall in front of the server: it may drop what goes to the \
     passive ports. If nothing comes that far, look at the client's own log and firewall.";
