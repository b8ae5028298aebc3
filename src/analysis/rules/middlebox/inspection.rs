//! Firewalls that read the dialogue, and change it.

use std::collections::HashSet;

use super::{Check, Found, Kind, Rule};
use crate::analysis::case::{Beside, Case};
use crate::analysis::finding::{Certainty, Draft, Severity, spoken};
use crate::analysis::{Analysis, Policy, Vantage};
use crate::decode::Endpoint;
use crate::ftp::Verb;
use crate::session::{Exchange, Received, Session};
use crate::tcp::{Close, Dir};

pub(super) const DROPPED: Rule = Rule {
    id: "inspection-dropped-command",
    kind: Kind::Diagnosis,
    help: "A box that inspects FTP kept a command from the server.",
    meaning: "Strict inspection of FTP in firewalls lets only commands through that it knows. Others \
              it blots out with X, drops, or answers with a reset.",
    evidence: "A server that refuses a command of as many X as the client's had letters, quoted or as \
               its first word; or a command that others do not know, received and never answered until the connection \
               ended.",
    false_positives: "Of the second: a server that hangs on the command itself.",
    fix: "Relax the FTP inspection on the firewall (Cisco: `inspect ftp` without `strict`), allow the \
          command there, or let the client do without it.",
    check: Check::Session(dropped),
};

fn dropped(case: &Case<'_>, found: &mut Found) {
    for exchange in &case.refusals {
        if let Some((sent, last)) = exchange.sent.as_ref().zip(exchange.final_reply())
            && is_blotted(sent.command.word(), last)
        {
            let command = case.text(&sent.command.name());
            let draft = Draft::new(
                Severity::Warning,
                Certainty::High,
                format!("A firewall blotted out the command {command}."),
            )
            .frames([sent.stamp, last.stamp])
            .explained(format!(
                "The client sent {command}; the server answered \"{}\". A firewall between the place \
                 of capture and the server has put X in place of the command.",
                case.quote(exchange, last),
            ))
            .with("command", command.as_str())
            .with("reply", case.quote(exchange, last))
            .cause(format!("{} {command}", case.session.server.ip));
            found.add(case, draft);
        }
    }
    if let Some(draft) = swallowed(case) {
        found.add(case, draft);
    }
}

/// Whether a reply repeats a command as X (Cisco PIX and ASA blot out what they do not allow): as
/// its first word or after a quotation mark, where servers repeat what they do not know.
fn is_blotted(word: &[u8], received: &Received) -> bool {
    let is_x = |part: &[u8]| part.iter().all(|byte| *byte == b'X');
    let begins_blotted = |part: &[u8]| {
        let split = part.split_at_checked(word.len());
        split.is_some_and(|(begin, rest)| {
            is_x(begin) && !rest.first().is_some_and(u8::is_ascii_alphanumeric)
        })
    };
    let text = received.reply.first_line().trim_ascii_start();
    matches!(received.reply.code, 500 | 502)
        && word.len() >= 3
        && !is_x(&word.to_ascii_uppercase())
        && text.split(|byte| matches!(byte, b'\'' | b'"' | b'`')).any(begins_blotted)
}

/// The last command, if it was received and never answered.
fn swallowed(case: &Case<'_>) -> Option<Draft> {
    let session = case.session;
    let link = &session.tcp.link;
    let exchange = session.exchanges.last().filter(|last| last.replies.is_empty())?;
    let sent = exchange.sent.as_ref().filter(|sent| !sent.is_partial)?;
    let is_watched = matches!(
        sent.command.verb,
        Verb::Epsv | Verb::Eprt | Verb::Auth | Verb::Feat | Verb::Opts | Verb::Mlsd | Verb::Mlst
    );
    // At the server it is the server that does not answer.
    let may_be_dropped = is_watched && case.vantage != Vantage::NearServer;
    // Any direction that is stuck shows another trouble.
    let is_stuck =
        [Dir::FromOriginator, Dir::FromResponder].iter().any(|dir| link.loss(*dir).stuck.is_some());
    if !may_be_dropped || is_stuck || case.is_clouded || session.tcp.is_empty() {
        return None;
    }
    let ended = link.ended.filter(|_| link.close != Close::Open)?;
    let waited = ended.at.nanos_since(sent.stamp.at)?;
    let least = case.policy.threshold("unanswered-command-ms").saturating_mul(1_000_000);
    // Others were answered, so the server speaks.
    let had_answers =
        session.exchanges.iter().any(|it| it.sent.is_some() && !it.replies.is_empty());
    if u64::try_from(waited).unwrap_or(0) < least || !had_answers {
        return None;
    }
    let command = case.text(&sent.command.name());
    let draft = Draft::new(
        Severity::Warning,
        Certainty::Low,
        format!("{command} was never answered, and the session ended."),
    )
    .frames([sent.stamp, ended])
    .explained(format!(
        "The client sent {command} and got no answer for {}; then the connection to {} ended. The \
         commands before it were answered. Firewalls that inspect FTP drop commands they do not \
         know; a server may hang on one, too.",
        spoken(waited),
        session.server,
    ))
    .with("command", command.as_str())
    .cause(format!("{} {command}", session.server.ip));
    Some(draft)
}

pub(super) const STRIPPED: Rule = Rule {
    id: "auth-tls-stripped",
    kind: Kind::Diagnosis,
    help: "AUTH TLS was refused although the server offers it.",
    meaning: "A box on the way may have answered in the server's place, so that the session stays in \
              clear text for it to read: an inspecting firewall, a virus scanner, or an attacker. \
              Clients that go on without TLS then send the password in the clear.",
    evidence: "A 500, 502, 504 or 530 to an AUTH whose mechanism the server lists in FEAT, in this \
               session or another, or has accepted in another.",
    false_positives: "A server that lists what it does not do, as one without a certificate; one that \
                      treats clients by their addresses.",
    fix: "Compare with a session from the server's own network; take the box that answers in its \
          place out of the way; let clients insist on TLS.",
    check: Check::Capture(stripped),
};

fn stripped(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    let refused = analysis.sessions.iter().filter_map(|session| {
        session.exchanges.iter().find(|it| is_refused_auth(it)).map(|exchange| (session, exchange))
    });
    let mut refused = refused.peekable();
    if refused.peek().is_none() {
        return;
    }
    let offers = analysis.sessions.iter().filter(|session| offers_tls(session).is_some());
    let offers: HashSet<Endpoint> = offers.map(|session| session.server).collect();
    for (session, exchange) in refused {
        let own = offers_tls(session).filter(|offer| offer.sent.as_ref().is_some_and(is_feat));
        if own.is_none() && !offers.contains(&session.server) {
            continue;
        }
        let (Some(sent), Some(last)) = (&exchange.sent, exchange.final_reply()) else { continue };
        let case = Case::new(analysis, policy, session, &Beside::default());
        let (certainty, known) = match own {
            Some(_) => (Certainty::High, "lists it in its answer to FEAT in this very session"),
            None => (Certainty::Medium, "offers it in another session"),
        };
        let listed = own.and_then(Exchange::final_reply).map(|feat| feat.stamp);
        let draft = Draft::new(
            Severity::Warning,
            certainty,
            "AUTH TLS was refused although the server offers it.".to_owned(),
        )
        .frames(listed.into_iter().chain([sent.stamp, last.stamp]))
        .explained(format!(
            "{} was answered with \"{}\", but {} {known}. Either the server cannot do what it lists, \
             or a box on the way answered in its place to keep the session in clear text.",
            case.spell(exchange),
            case.quote(exchange, last),
            session.server,
        ))
        .with("reply", case.quote(exchange, last));
        found.add(&case, draft);
    }
}

/// A mechanism of TLS that was refused as if it were not known. 431 and 534 say that the server
/// itself cannot or will not (RFC 4217 §4).
pub(in super::super) fn is_refused_auth(exchange: &Exchange) -> bool {
    let Some(sent) = exchange.sent.as_ref().filter(|sent| sent.command.verb == Verb::Auth) else {
        return false;
    };
    let is_refused =
        exchange.final_reply().is_some_and(|last| matches!(last.reply.code, 500 | 502 | 504 | 530));
    is_refused && is_tls(sent.command.arg())
}

/// The exchange in which a server offers `AUTH TLS`: its answer to FEAT, or an AUTH it accepted.
pub(in super::super) fn offers_tls(session: &Session) -> Option<&Exchange> {
    session.exchanges.iter().find(|exchange| {
        let Some((sent, last)) = exchange.sent.as_ref().zip(exchange.final_reply()) else {
            return false;
        };
        match (sent.command.verb, last.reply.code) {
            (Verb::Auth, 234) => is_tls(sent.command.arg()),
            (Verb::Feat, 211) => last.reply.lines().any(lists_tls),
            _ => false,
        }
    })
}

fn is_feat(sent: &crate::session::Sent) -> bool {
    sent.command.verb == Verb::Feat
}

/// `AUTH TLS`, `AUTH TLS-C;SSL;TLS-P;` in an answer to FEAT (RFC 4217 §6).
fn lists_tls(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let Some((word, rest)) = line.split_at_checked(5) else { return false };
    word.eq_ignore_ascii_case(b"AUTH ")
        && rest.split(|byte| matches!(*byte, b';' | b' ' | b',')).any(is_tls)
}

fn is_tls(mechanism: &[u8]) -> bool {
    mechanism.trim_ascii().eq_ignore_ascii_case(b"TLS")
}
