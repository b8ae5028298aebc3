//! Ways that packets take: twice translated, or not the same there and back.

use super::helper::{leaked, said_in};
use super::{Check, Found, Kind, Rule, has_failed, is_inside};
use crate::analysis::case::{Case, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::session::Method;
use crate::transfer::Outcome;

pub(super) const DOUBLE_NAT: Rule = Rule {
    id: "double-nat",
    kind: Kind::Diagnosis,
    help: "Client and server are both behind address translation, and neither active nor passive \
           mode works.",
    meaning: "Active mode fails at the client's box, passive mode at the server's: each end names an \
              inside address that the other cannot reach.",
    evidence: "In one session a PORT with a private address to a server with a public one, a 227 \
               with a private address that is not the server's, and no data connection of either.",
    false_positives: "None known.",
    fix: "Forward a fixed range of passive ports at the server's box and set its outside address in \
          the server; or meet on a VPN, or a server with a public address.",
    check: Check::Session(double_nat),
};

fn double_nat(case: &Case<'_>, found: &mut Found) {
    let of = |method: Method| {
        case.openings.iter().filter(move |opening| opening.method == method && has_failed(opening))
    };
    let passive = of(Method::Passive).find(|opening| leaked(case, opening).is_some());
    let Some(passive) = passive else { return };
    let active = of(Method::Active).find(|opening| is_client_inside(case, opening));
    let Some(active) = active else { return };
    let told = |opening: &Opening<'_>| {
        let (at, exchange) = (opening.at?, opening.exchange?);
        Some(format!("{at} in {}", said_in(case, exchange, opening.method)))
    };
    let Some((by_client, by_server)) = told(active).zip(told(passive)) else { return };
    let session = case.session;
    // On the client's side of its box a helper may yet put another address in.
    let is_seen = leaked(case, active).is_some();
    let draft = Draft::new(
        Severity::Error,
        if is_seen { Certainty::High } else { Certainty::Medium },
        "Neither active nor passive mode works: both ends are behind address translation."
            .to_owned(),
    )
    .transfer(passive.transfer.or(active.transfer).map(|transfer| transfer.request.id))
    .frames(active.frames().into_iter().chain(passive.frames()))
    .explained(format!(
        "The client, seen as {}, named {by_client}. The server, seen as {}, named {by_server}. Both \
         are inside addresses, and neither data connection came up.",
        session.client.ip, session.server.ip,
    ));
    found.add(case, draft);
}

/// Whether the client names an inside address to a server that is outside.
fn is_client_inside(case: &Case<'_>, opening: &Opening<'_>) -> bool {
    let announced = opening.announced.and_then(|announced| announced.ip);
    announced.is_some_and(|ip| is_inside(case, ip)) && !is_inside(case, case.session.server.ip.addr)
}

pub(super) const ASYMMETRIC: Rule = Rule {
    id: "asymmetric-path",
    kind: Kind::Diagnosis,
    help: "One direction of a data connection did not pass the place of capture, though both of the \
           control connection did.",
    meaning: "What the two ends send takes different ways. Boxes that must see both directions \
              (firewalls, address translation) drop what they see half of.",
    evidence: "A data connection with packets of one end only, which acknowledge the other's; and a \
               control connection with those of both.",
    false_positives: "A capture filter that lets one direction of the data ports through only.",
    fix: "Capture at a place both directions pass, such as one of the hosts; if transfers fail, give \
          both directions the same way through the firewalls.",
    check: Check::Session(asymmetric),
};

fn asymmetric(case: &Case<'_>, found: &mut Found) {
    let tcp = &case.session.tcp;
    let half = case.transfers.iter().find_map(|transfer| {
        let data = transfer.data.as_ref()?;
        let (one, other) = (data.from_originator, data.from_responder);
        let is_half = (one.ttl == 0) != (other.ttl == 0) && data.link.is_established();
        is_half.then_some((transfer, data, one.ttl == 0))
    });
    let Some((transfer, data, is_first)) = half else { return };
    if tcp.from_client.ttl == 0 || tcp.from_server.ttl == 0 {
        return;
    }
    let (unseen, seen) = match is_first {
        true => (data.originator, data.responder),
        false => (data.responder, data.originator),
    };
    let has_failed = matches!(transfer.outcome, Outcome::NoConnection | Outcome::Aborted);
    let severity = if has_failed { Severity::Warning } else { Severity::Info };
    let draft = Draft::new(
        severity,
        Certainty::Medium,
        "One direction of a data connection takes another way than the capture's.".to_owned(),
    )
    .transfer(Some(transfer.request.id))
    .frames([transfer.request.asked, data.link.first, data.link.last])
    .explained(format!(
        "Of the data connection of {} the capture has what {seen} sent, and nothing of {unseen}, \
         while it has both directions of the control connection to {}.",
        case.name(transfer),
        case.session.server,
    ))
    .with("seen", seen.to_string())
    .with("not_seen", unseen.to_string());
    found.add(case, draft);
}
