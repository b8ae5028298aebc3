//! Addresses that a 227 names and that are of no use to the client.

use super::super::setups::{Ending, Wrong, draft, ended, is_as_told, sentence, wrong_address};
use super::super::{Check, Found, Kind, Rule};
use super::{Why, failed};
use crate::analysis::case::{Case, Fate, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::session::Method;

/// What to set where a server announces an address of its own that the client cannot use.
const TELL_PUBLIC: &str = "Tell the server which address its clients reach it at (vsftpd \
                           pasv_address, ProFTPD MasqueradeAddress, Pure-FTPd ForcePassiveIP, the \
                           \"external IP\" of FileZilla Server and IIS), or let clients use EPSV, \
                           which names no address.";

pub(super) const PRIVATE: Rule = Rule {
    id: "passive-address-private",
    kind: Kind::Diagnosis,
    help: "The server announced a private address that the client cannot reach.",
    meaning: "The server stands behind address translation and tells its inside address. The client \
              dials an address of its own network, or one that leads nowhere.",
    evidence: "A 227 with a private address (RFC 1918, RFC 6598) that is not the one the client \
               reaches the server at, while that one or the client's is public; and no data \
               connection.",
    false_positives: "Networks joined by a VPN, where the private address can be reached and \
                      something else failed.",
    fix: TELL_PUBLIC,
    check: Check::Session(private),
};

fn private(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::PrivateAddress) {
        let dialled = match opening.fate() {
            Fate::NotDialled => {
                format!("No connection to {at} was seen here, nor one to the server's own address.")
            }
            Fate::Refused => "The client dialled it, and a reset came back.".to_owned(),
            Fate::Unreachable => {
                let error = opening.icmp().last();
                let error = error.map(|error| format!("{} ({})", error.kind.name(), error.from));
                format!("The client dialled it: {}.", error.unwrap_or_default())
            }
            _ => format!("The client dialled it: {}, no answer.", counted(opening.syns(), "SYN")),
        };
        let draft = draft(case, opening, "the server announced a private address");
        let draft = draft.explained(format!(
            "{} {dialled}{}",
            announced(case, opening),
            ended(case, opening)
        ));
        let is_sure = opening.fate() != Fate::NotDialled;
        let certainty = if is_sure { Certainty::High } else { Certainty::Medium };
        found.add(case, marked(case, Draft { certainty, ..draft }, opening));
    }
}

pub(super) const OVERRIDDEN: Rule = Rule {
    id: "passive-address-overridden",
    kind: Kind::Diagnosis,
    help: "The server announced a private address, and the client dialled the server's real one.",
    meaning: "It works because this client does not believe the address. Others do, and fail.",
    evidence: "A 227 with a private address that is not the one the client reaches the server at, \
               and a data connection that came up to that one.",
    false_positives: "A box on the way that translates the address after the place of capture.",
    fix: TELL_PUBLIC,
    check: Check::Session(overridden),
};

fn overridden(case: &Case<'_>, found: &mut Found) {
    for (opening, dialled) in came_up_elsewhere(case, Wrong::Private) {
        let draft = Draft::new(
            Severity::Warning,
            Certainty::High,
            "The server announces a private address, which this client ignores.".to_owned(),
        );
        let draft = draft
            .transfer(opening.transfer.map(|transfer| transfer.request.id))
            .frames(opening.frames())
            .explained(format!(
                "{} The client connected to {dialled} instead, which worked. Clients that take \
                 the address as it is said cannot.",
                announced(case, opening)
            ));
        found.add(case, marked(case, draft, opening));
    }
}

pub(super) const UNUSABLE: Rule = Rule {
    id: "passive-address-unusable",
    kind: Kind::Diagnosis,
    help: "The server announced an address that nobody can connect to.",
    meaning: "The address is unspecified (0.0.0.0), loopback, link-local, multicast or broadcast: \
              the server told what it is bound to, or what it is called inside a container.",
    evidence: "A 227 with such an address.",
    false_positives: "None known.",
    fix: TELL_PUBLIC,
    check: Check::Session(unusable),
};

fn unusable(case: &Case<'_>, found: &mut Found) {
    for (opening, at) in failed(case, Why::UnusableAddress) {
        let dialled = match opening.fate() {
            Fate::NotDialled => "No connection of the client was seen".to_owned(),
            _ => format!("The client's {} to {at} led nowhere", counted(opening.syns(), "SYN")),
        };
        let draft = draft(case, opening, "the server announced an address that cannot be used");
        let draft = draft.explained(format!(
            "{} {dialled}.{}",
            announced(case, opening),
            ended(case, opening)
        ));
        found.add(case, marked(case, draft, opening));
    }
    for (opening, dialled) in came_up_elsewhere(case, Wrong::Unusable) {
        let draft = Draft::new(
            Severity::Warning,
            Certainty::High,
            "The server announces an address that cannot be used, which this client ignores."
                .to_owned(),
        );
        let draft = draft
            .transfer(opening.transfer.map(|transfer| transfer.request.id))
            .frames(opening.frames())
            .explained(format!(
                "{} The client connected to {dialled} instead, which worked. Other clients may \
                 not do so.",
                announced(case, opening)
            ));
        found.add(case, marked(case, draft, opening));
    }
}

/// Setups whose address was wrong in this way, where the data connection came up at the address of
/// the control connection's server.
fn came_up_elsewhere<'a>(
    case: &'a Case<'a>,
    wrong: Wrong,
) -> impl Iterator<Item = (&'a Opening<'a>, crate::decode::Endpoint)> {
    case.announced(Method::Passive).filter_map(move |(opening, _)| {
        if wrong_address(case, opening) != Some(wrong)
            || Ending::of(case, opening) != Ending::Worked
        {
            return None;
        }
        let dial = opening.dials().last().filter(|dial| !is_as_told(opening, dial))?;
        (dial.responder.ip == case.session.server.ip).then_some((opening, dial.responder))
    })
}

/// What the server announced, and how it is reached.
fn announced(case: &Case<'_>, opening: &Opening<'_>) -> String {
    let said = opening.exchange.zip(opening.reply());
    let said = said.map(|(exchange, reply)| case.quote(exchange, reply)).unwrap_or_default();
    let (client, server) = (case.session.client.ip, case.session.server.ip);
    format!(
        "The client at {client} reached the server at {server} and was told: {}",
        sentence(said)
    )
}

/// With what was announced; one problem of the server, whichever client has it.
fn marked(case: &Case<'_>, draft: Draft, opening: &Opening<'_>) -> Draft {
    let server = case.session.server.ip;
    let said = opening.announced.and_then(|announced| announced.ip);
    let said = said.map(|said| said.to_string()).unwrap_or_default();
    let cause = format!("{server} {said}");
    draft.with("announced_ip", said).with("server_ip", server.to_string()).cause(cause)
}
