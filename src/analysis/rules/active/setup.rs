//! PORT and EPRT that name what the server cannot or will not use, and transfers without either.

use super::super::setups::{
    Wrong, draft, ended, is_made_up_for, needs_rewriting, sentence, wrong_address,
};
use super::super::{Check, Found, Kind, Rule};
use super::{Why, blames_address, failed};
use crate::analysis::case::{Case, Fate, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::analysis::rules::heard::says;
use crate::session::{LoginOutcome, Method};

pub(super) const ADDRESS_PRIVATE: Rule = Rule {
    id: "active-address-private",
    kind: Kind::Diagnosis,
    help: "The client told the server an address that the server cannot reach.",
    meaning: "The client stands behind address translation and tells its inside address. The server \
              refuses it, since it is not the one the client comes from, or connects in vain.",
    evidence: "A PORT or EPRT with a private or unusable address that is not the one the client \
               comes from, while that one or the server's is public; and a refusal or no data \
               connection.",
    false_positives: "Networks joined by a VPN, where the private address can be reached and \
                      something else failed.",
    fix: "Use passive mode. If it must be active, turn on the FTP helper of the box that translates \
          the addresses, for the port of this control connection, or tell the client its outside \
          address.",
    check: Check::Session(address_private),
};

fn address_private(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::WrongAddress) {
        let (client, server) = (case.session.client.ip, case.session.server.ip);
        let kind = match wrong_address(case, opening) {
            Some(Wrong::Unusable) => "an address that nobody can connect to",
            _ => "a private address",
        };
        let did = match (refusal(case, opening), opening.fate()) {
            (Some(refusal), _) => format!("The server refused it: {refusal}"),
            (None, Fate::NotDialled) => {
                "The server accepted it, and no connection of it was seen here.".to_owned()
            }
            (None, Fate::Refused) => "The server tried it and a reset came back.".to_owned(),
            (None, Fate::Unreachable) => {
                let error = opening.icmp().last();
                let error = error.map(|error| format!("{} ({})", error.kind.name(), error.from));
                format!("The server tried it: {}.", error.unwrap_or_default())
            }
            (None, _) => {
                format!("The server tried it: {}, no answer.", counted(opening.syns(), "SYN"))
            }
        };
        let draft = setup_draft(case, opening, &format!("the client announced {kind}"));
        let draft = draft.explained(format!(
            "The client told the server to connect to {at}, {kind}; the control connection comes \
             from {client} and goes to {server}. {did}{}",
            ended(case, opening)
        ));
        // A refusal that does not say why may have another reason, such as no active mode at all.
        let is_sure = match opening.reply().filter(|received| received.reply.is_refusal()) {
            Some(refusal) => blames_address(refusal),
            None => opening.fate() != Fate::NotDialled,
        };
        let certainty = if is_sure { Certainty::High } else { Certainty::Medium };
        let draft = Draft { certainty, ..draft };
        let draft = draft.with("announced", at.to_string()).with("client_ip", client.to_string());
        found.add(case, draft.cause(client.to_string()));
    }
}

pub(super) const REFUSED_BY_SERVER: Rule = Rule {
    id: "active-refused-by-server",
    kind: Kind::Diagnosis,
    help: "The server refuses PORT.",
    meaning: "Active mode is turned off there, or the server does not like the address: it takes \
              only the one it sees the client come from.",
    evidence: "PORT or LPRT answered with a refusal.",
    false_positives: "None known.",
    fix: "Use passive mode. If the server allows active mode, compare the address in the command \
          with the one the server sees the client come from.",
    check: Check::Session(refused_by_server),
};

fn refused_by_server(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::RefusedByServer) {
        let Some(refusal) = refusal(case, opening) else { continue };
        let inside = match needs_rewriting(case, opening) {
            true => format!(
                " {} is a private address: the server at {} may see the client at another one, \
                 behind address translation, and servers refuse what is not the client's.",
                at.ip, case.session.server.ip
            ),
            false => String::new(),
        };
        let draft = setup_draft(case, opening, "the server refuses active mode");
        let draft = draft.explained(format!(
            "The client told the server to connect to {at}, and the server refused: \
             {refusal}{inside}"
        ));
        found.add(case, draft.with("announced", at.to_string()));
    }
}

pub(super) const PORT_LOW: Rule = Rule {
    id: "active-port-low",
    kind: Kind::Diagnosis,
    help: "The client told the server a port below 1024, and was refused.",
    meaning: "Ports below 1024 belong to services, and servers do not connect to them for a client \
              (RFC 2577 §3).",
    evidence: "A PORT or EPRT with a port below 1024 that the server refused.",
    false_positives: "A server that refuses every PORT.",
    fix: "Give the client a range of high ports for active mode, or use passive mode.",
    check: Check::Session(port_low),
};

fn port_low(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::LowPort) {
        let Some(refusal) = refusal(case, opening) else { continue };
        let draft = setup_draft(case, opening, "the client announced a reserved port");
        let draft = draft.explained(format!(
            "The client told the server to connect to port {} of {}, and the server refused: \
             {refusal}",
            at.port, at.ip
        ));
        found.add(case, draft.with("port", u32::from(at.port)));
    }
}

pub(super) const EPRT_REJECTED: Rule = Rule {
    id: "eprt-rejected",
    kind: Kind::Diagnosis,
    help: "The server refuses EPRT.",
    meaning: "It is older than RFC 2428, or does not allow active mode. Clients that go on with PORT \
              or passive mode lose one round trip.",
    evidence: "EPRT answered with a refusal.",
    false_positives: "A server that refuses active mode altogether.",
    fix: "Nothing is broken if the client goes on with PORT or passive mode; otherwise turn EPRT off \
          in the client (curl --disable-eprt), or use passive mode.",
    check: Check::Session(eprt_rejected),
};

fn eprt_rejected(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::EprtRejected) {
        let Some(refusal) = refusal(case, opening) else { continue };
        let severity = match is_made_up_for(case, opening) {
            true => Severity::Info,
            false => Severity::Warning,
        };
        let draft = Draft::new(severity, Certainty::High, "The server refuses EPRT.".to_owned());
        let draft = draft.frames(opening.frames()).explained(format!(
            "The client told the server to connect to {at}, and the server refused: {refusal}"
        ));
        found.add(case, draft.cause(case.session.server.ip.to_string()));
    }
}

pub(super) const NO_SETUP: Rule = Rule {
    id: "no-data-setup",
    kind: Kind::Diagnosis,
    help: "A transfer was asked for without PORT or PASV before it.",
    meaning: "With nothing announced the server connects to the client's control port (RFC 959 \
              §3.2). Many servers refuse to, and nothing listens there any more.",
    evidence: "A transfer command that no setup precedes, and a refusal for want of one, or a SYN of \
               the server to the client's control port that fails.",
    false_positives: "None known.",
    fix: "Let the client or script send PASV or EPSV (or PORT) before every transfer: a setup serves \
          one transfer only.",
    check: Check::Session(no_setup),
};

fn no_setup(case: &Case<'_>, found: &mut Found) {
    let mut was_denied = false;
    for opening in &case.openings {
        if opening.exchange.is_some() {
            was_denied = is_denied(opening);
        }
        if opening.method != Method::Default {
            continue;
        }
        let outcome = opening.outcome().filter(|outcome| outcome.reply.is_refusal());
        // `425 Use PORT or PASV first.` says vsftpd; a 503 before the login is about that.
        let is_in = case.session.login.outcome == LoginOutcome::Accepted;
        let asks_for_it = outcome.is_some_and(|outcome| match outcome.reply.code {
            425 => true,
            503 => is_in,
            _ => says(&outcome.reply.text, &["port or pasv first"]),
        });
        let fate = opening.fate();
        let in_vain = matches!(fate, Fate::Unanswered | Fate::Refused | Fate::Unreachable);
        // What was refused was tried: that is the reason, and another rule's.
        if !(asks_for_it || in_vain && outcome.is_some()) || was_denied {
            continue;
        }
        let dialled = opening.dials().last().filter(|_| in_vain).map(|dial| dial.responder);
        let dialled = dialled.map(|at| format!(" The server tried to connect to {at} in vain."));
        let draft = draft(case, opening, "no PORT or PASV came before it");
        found.add(case, draft.explained(format!(
            "The client asked for it without saying how the data connection is to be made: it sent \
             no PORT, EPRT, PASV or EPSV for it.{}{}",
            dialled.unwrap_or_default(),
            ended(case, opening)
        )));
    }
}

/// Whether a setup was refused, or not answered.
fn is_denied(setup: &Opening<'_>) -> bool {
    setup.reply().is_none_or(|received| received.reply.is_refusal())
}

/// What the server said to the setup, if it refused it.
fn refusal(case: &Case<'_>, opening: &Opening<'_>) -> Option<String> {
    let (exchange, reply) = opening.exchange.zip(opening.reply())?;
    reply.reply.is_refusal().then(|| sentence(case.quote(exchange, reply)))
}

/// Of a setup that was refused, or whose connection failed; not so bad if the client found another
/// way.
fn setup_draft(case: &Case<'_>, opening: &Opening<'_>, why: &str) -> Draft {
    let draft = draft(case, opening, why);
    match is_made_up_for(case, opening) && opening.transfer.is_none() {
        true => Draft { severity: Severity::Warning, ..draft },
        false => draft,
    }
}
