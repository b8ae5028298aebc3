//! The part of address translation that reads FTP and rewrites the addresses in it.

use std::cell::LazyCell;
use std::net::IpAddr;

use super::{Check, Found, Kind, Rule, has_failed, is_inside};
use crate::analysis::case::{Case, Opening};
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::decode::{Endpoint, Host};
use crate::ftp::{Announced, Verb};
use crate::session::{EncryptionKind, Exchange, Leg, Method, Session};
use crate::tcp::Dir;
use crate::time::Stamp;

pub(super) const REWROTE: Rule = Rule {
    id: "nat-helper-rewrote",
    kind: Kind::Diagnosis,
    help: "A box between client and server rewrote an address in the dialogue.",
    meaning: "Its helper for FTP (ALG) reads PORT and 227 in flight and puts the translated address \
              in. That is what makes active mode work behind address translation; it cannot do so \
              with an encrypted control connection.",
    evidence: "The same session captured on both sides of the box, with another address or port in \
               the same PORT, EPRT, 227 or 229.",
    false_positives: "None: both are in the capture.",
    fix: "Nothing, as long as it works. If transfers fail, turn the helper off and use passive mode \
          with a fixed range of ports.",
    check: Check::Session(rewrote),
};

fn rewrote(case: &Case<'_>, found: &mut Found) {
    let session = case.session;
    for leg in &session.legs {
        let own: Vec<_> =
            session.exchanges.iter().filter_map(|it| Some((it, it.announced()?))).collect();
        // What one of the places missed would be compared with the next.
        if own.len() != leg.announced.len() {
            continue;
        }
        let pairs = own.iter().zip(&leg.announced);
        let changed = pairs.filter(|((_, (_, here)), (_, there))| here != there);
        for ((exchange, here), there) in changed {
            found.add(case, rewritten(case, leg, exchange, *here, *there));
        }
    }
}

fn rewritten(
    case: &Case<'_>,
    leg: &Leg,
    exchange: &Exchange,
    here: (Stamp, Announced),
    there: (Stamp, Announced),
) -> Draft {
    // It passed one place first.
    let (before, after) = if here.0.is_before(there.0) { (here, there) } else { (there, here) };
    let session = case.session;
    let is_own = |said: (Stamp, Announced)| said.0 == here.0;
    let ends = |said| match is_own(said) {
        true => (session.client, session.server),
        false => (leg.client, leg.server),
    };
    let verb = exchange.sent.as_ref().map(|sent| sent.command.name()).unwrap_or_default();
    let is_active = matches!(verb.as_slice(), b"PORT" | b"EPRT" | b"LPRT");
    // A 229 names no address: it is that of the control connection.
    let at = |said: (Stamp, Announced)| {
        let (client, server) = ends(said);
        let own = if is_active { client.ip } else { server.ip };
        let ip = said.1.ip.map_or(own, |addr| Host { addr, ..own });
        Endpoint { ip, port: said.1.port }
    };
    let (old, new) = (at(before), at(after));
    let (whose, text) = match is_active {
        true => ("client", case.text(&verb)),
        false => ("server", format!("the answer to {}", case.text(&verb))),
    };
    let (inner, outer) = (ends(before), ends(after));
    Draft::new(
        Severity::Info,
        Certainty::High,
        "A box between client and server rewrites addresses in FTP.".to_owned(),
    )
    .frames([before.0, after.0])
    .explained(format!(
        "In {text} the {whose} named {old}; on the other side of the box it says {new}. On the \
         {whose}'s side the control connection is from {} to {}, on the other side from {} to {}.",
        inner.0, inner.1, outer.0, outer.1,
    ))
    .with("before", old.to_string())
    .with("after", new.to_string())
}

pub(super) const BROKE_SEQUENCE: Rule = Rule {
    id: "nat-helper-broke-sequence",
    kind: Kind::Diagnosis,
    help: "The control connection got stuck right after a box had rewritten an address in it.",
    meaning: "A helper for FTP (ALG) that puts a longer or shorter address in must shift the sequence \
              numbers of all that follows. Where it does not, both ends repeat themselves until they \
              give up.",
    evidence: "The same session captured on both sides of the box, an address that is longer or \
               shorter on one of them, and after it a segment that is sent again and again in vain.",
    false_positives: "The network failed right then.",
    fix: "Update the box, or turn its FTP helper (ALG) off and use passive mode with a fixed range of \
          ports.",
    check: Check::Session(broke_sequence),
};

fn broke_sequence(case: &Case<'_>, found: &mut Found) {
    let session = case.session;
    for leg in &session.legs {
        let links = [&session.tcp.link, &leg.link];
        let stuck = links.into_iter().flat_map(|link| {
            [Dir::FromOriginator, Dir::FromResponder].map(|dir| link.loss(dir).stuck)
        });
        let Some(stuck) = stuck.flatten().find(|stuck| stuck.times >= REPEATED) else { continue };
        let mut own = session.exchanges.iter().rev();
        let own = own.find_map(|exchange| Some((exchange, exchange.announced()?)));
        let Some(((exchange, here), there)) = own.zip(leg.announced.last()) else { continue };
        let (longer, shorter) =
            (len_of(here.1).max(len_of(there.1)), len_of(here.1).min(len_of(there.1)));
        // Nothing but the answer to it, or one command more, came through.
        let after = session.exchanges.iter().filter_map(|exchange| exchange.sent.as_ref());
        let after = after.filter(|sent| here.0.is_before(sent.stamp)).count();
        if longer == shorter || after > 1 || !here.0.is_before(stuck.last) {
            continue;
        }
        let draft = Draft::new(
            Severity::Error,
            Certainty::Medium,
            "The control connection got stuck after a box had rewritten an address.".to_owned(),
        )
        .frames([here.0, there.0, stuck.last])
        .explained(format!(
            "On one side of the box the address announced with {} is longer by {} than on the other. \
             After it a segment was sent again {} in vain: a helper that does not shift the sequence \
             numbers behind such a line does that.",
            case.spell(exchange),
            counted(longer - shorter, "byte"),
            counted(stuck.times.into(), "time"),
        ))
        .with("added_bytes", longer - shorter)
        .with("repeated", stuck.times);
        found.add(case, draft);
    }
}

/// Repetitions of a segment from which on it is no ordinary loss.
const REPEATED: u32 = 3;

/// Digits of an address as PORT and 227 write it; of IPv6 as EPRT does.
fn len_of(announced: Announced) -> u64 {
    let Announced { ip, port } = announced;
    let port = match ip {
        Some(IpAddr::V4(_)) => port.to_be_bytes().map(|octet| octet.to_string().len()).iter().sum(),
        _ => port.to_string().len(),
    };
    (ip.map_or(0, |ip| ip.to_string().len()) + port) as u64
}

pub(super) const SPLIT: Rule = Rule {
    id: "announcement-split",
    kind: Kind::Diagnosis,
    help: "An address was announced in a line that was sent in more than one segment, and its data \
           connection failed.",
    meaning: "Helpers of firewalls and address translation often read single packets only: of a line \
              in two they understand nothing, open no way and rewrite no address.",
    evidence: "A PORT, EPRT, 227 or 229 whose line crosses segments, and a data connection that did \
               not come up.",
    false_positives: "The data connection failed for another reason.",
    fix: "Let the program that announces it send the line in one write, and do not lower the segment \
          size (MSS) of the control connection; or update the box.",
    check: Check::Session(split),
};

fn split(case: &Case<'_>, found: &mut Found) {
    let whole =
        LazyCell::new(|| [Method::Active, Method::Passive].map(|method| whole(case, method)));
    for opening in case.openings.iter().filter(|opening| is_split(opening) && has_failed(opening)) {
        let (Some(exchange), Some(at)) = (opening.exchange, opening.at) else { continue };
        // What was said in one piece came about.
        let [active, passive] = *whole;
        let (whole_works, whole_fails) = match opening.method {
            Method::Active => active,
            _ => passive,
        };
        let certainty = match (whole_works, whole_fails) {
            (true, false) => Certainty::Medium,
            _ => Certainty::Low,
        };
        let what = match opening.method {
            Method::Active => case.spell(exchange),
            _ => format!("The answer to {}", case.spell(exchange)),
        };
        let others = match (whole_works, whole_fails) {
            (true, false) => " Those that were announced in one segment came up.",
            (_, true) => " Others that were announced in one segment failed, too.",
            _ => "",
        };
        let draft = Draft::new(
            Severity::Warning,
            certainty,
            "An address was announced in more than one segment, and its data connection failed."
                .to_owned(),
        )
        .transfer(opening.transfer.map(|transfer| transfer.request.id))
        .frames(opening.frames())
        .explained(format!(
            "{what}, which names {at}, was sent in more than one segment. Helpers of firewalls that \
             read single packets do not see such an address.{others}"
        ))
        .with("announced", at.to_string());
        found.add(case, draft);
    }
}

/// Whether any that was announced in one segment came about, and whether any failed.
fn whole(case: &Case<'_>, method: Method) -> (bool, bool) {
    let whole =
        || case.openings.iter().filter(move |other| other.method == method && !is_split(other));
    (whole().any(|other| !has_failed(other)), whole().any(has_failed))
}

/// Whether the line that announces it crosses segments.
fn is_split(opening: &Opening<'_>) -> bool {
    let Some(exchange) = opening.exchange.filter(|_| opening.announced.is_some()) else {
        return false;
    };
    match opening.method {
        Method::Active => exchange.sent.as_ref().is_some_and(|sent| sent.is_split),
        _ => exchange.final_reply().is_some_and(|last| last.is_split),
    }
}

pub(super) const NOT_COVERED: Rule = Rule {
    id: "nat-helper-port-not-covered",
    kind: Kind::Diagnosis,
    help: "An inside address was announced on a control port that helpers of address translation do \
           not look at.",
    meaning: "Helpers for FTP look at port 21 unless told otherwise. On another port nobody puts the \
              outside address in, and the other end is told one that it cannot reach.",
    evidence: "A control port other than 21, a private address in PORT or 227 that is not the one \
               its sender is seen with, and a data connection that failed.",
    false_positives: "There is no helper at all, on any port.",
    fix: "Tell the box to inspect this port as FTP (Linux: an nf_conntrack_ftp helper rule for it); \
          or use passive mode, with the outside address set in the server.",
    check: Check::Session(not_covered),
};

fn not_covered(case: &Case<'_>, found: &mut Found) {
    let session = case.session;
    let is_clear = session.encryption.kind == EncryptionKind::None;
    if session.server.port == FTP_PORT || !is_clear {
        return;
    }
    for opening in case.openings.iter().filter(|opening| has_failed(opening)) {
        let Some(announced) = leaked(case, opening) else { continue };
        let Some(exchange) = opening.exchange else { continue };
        let (who, own) = owner(session, opening.method);
        let draft = Draft::new(
            Severity::Warning,
            Certainty::Medium,
            format!(
                "The {who}'s inside address {announced} was announced on control port {}.",
                session.server.port
            ),
        )
        .transfer(opening.transfer.map(|transfer| transfer.request.id))
        .frames(opening.frames())
        .explained(format!(
            "In {} the {who} named {announced}, but it is seen as {}. No box on the way put the \
             address in that the other end can reach: helpers for FTP look at control port 21 and \
             not at {} unless told to.",
            said_in(case, exchange, opening.method),
            own.ip,
            session.server.port,
        ))
        .with("announced", announced.to_string())
        .with("control_port", u64::from(session.server.port));
        found.add(case, draft);
    }
}

const FTP_PORT: u16 = 21;

/// The end that announces, in a method.
pub(super) fn owner(session: &Session, method: Method) -> (&'static str, Endpoint) {
    match method {
        Method::Active => ("client", session.client),
        _ => ("server", session.server),
    }
}

/// An inside address that its owner is not seen with.
pub(super) fn leaked(case: &Case<'_>, opening: &Opening<'_>) -> Option<IpAddr> {
    let announced = opening.announced?.ip?;
    let (_, own) = owner(case.session, opening.method);
    let is_leak =
        announced != own.ip.addr && is_inside(case, announced) && !is_inside(case, own.ip.addr);
    is_leak.then_some(announced)
}

/// `PORT 10,0,0,1,4,1`, `the answer to PASV`.
pub(super) fn said_in(case: &Case<'_>, exchange: &Exchange, method: Method) -> String {
    let is_command = exchange
        .sent
        .as_ref()
        .is_some_and(|sent| matches!(sent.command.verb, Verb::Port | Verb::Eprt | Verb::Lprt));
    match method == Method::Active && is_command {
        true => case.spell(exchange),
        false => format!("the answer to {}", case.spell(exchange)),
    }
}
