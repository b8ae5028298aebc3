//! How a session comes to be protected, or does not.

use super::super::{Check, Found, Kind, Rule};
use super::{quote, replies};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, spoken};
use crate::ftp::Verb;
use crate::session::{EncryptionKind, Session};
use crate::tcp::{Close, Handshake};
use crate::time::Stamp;
use crate::tls::{Alert, TlsFacts};

pub(super) const TLS_REQUIRED: Rule = Rule {
    id: "tls-required",
    kind: Kind::Diagnosis,
    help: "The server demands encryption and the client goes on without.",
    meaning: "The login, or the transfer, is refused whatever the password is. The user name, and \
              often the password, was sent in clear text all the same.",
    evidence: "A refusal that says that TLS or encryption is required, on a control connection in \
               clear text.",
    false_positives: "None known.",
    fix: "Use explicit FTP over TLS in the client (AUTH TLS, then PBSZ 0 and PROT P); in lftp: set \
          ftp:ssl-force true; in curl: --ssl-reqd.",
    check: Check::Session(tls_required),
};

/// How servers say it: vsftpd, ProFTPD and pyftpdlib, Pure-FTPd, FileZilla Server old and new, IIS,
/// and what others are likely to say.
const DEMANDS: &[&str] = &[
    "must use encryption",
    "connections must be encrypted",
    "ssl/tls required on",
    "cleartext sessions are not accepted",
    "server does not allow plain ftp",
    "have to use ftp over tls",
    "use auth first",
    "policy requires ssl",
    "requires ssl",
    "requires tls",
    "tls is required",
    "ssl is required",
    "tls required",
    "ssl required",
    "encryption is required",
    "encryption required",
];

fn tls_required(case: &Case<'_>, found: &mut Found) {
    let mut demands = case.refusals.iter().filter(|exchange| {
        // A refusal of TLS itself, or of what belongs to it, is the opposite.
        let is_of_tls = exchange.sent.as_ref().is_some_and(|sent| {
            let word = sent.command.line().get(..4).unwrap_or_default();
            matches!(sent.command.verb, Verb::Auth | Verb::Adat | Verb::Prot)
                || [b"PBSZ", b"CCC "].iter().any(|own| word.eq_ignore_ascii_case(*own))
        });
        !is_of_tls && replies(exchange, DEMANDS)
    });
    let Some(first) = demands.next() else { return };
    let Some(last) = first.final_reply() else { return };
    let auth = case.session.exchanges.iter().find(|exchange| {
        exchange.sent.as_ref().is_some_and(|sent| sent.command.verb == Verb::Auth)
    });
    let refused = auth.and_then(|auth| Some((auth, auth.final_reply()?)));
    let auth_words = match refused {
        Some((auth, reply)) => {
            format!(
                "The client sent {} before, answered {}.",
                case.spell(auth),
                quote(case, auth, reply)
            )
        }
        None => "The client did not send AUTH TLS.".to_owned(),
    };
    let asked = match first.sent {
        Some(_) => format!("{} was answered {}.", case.spell(first), quote(case, first, last)),
        None => format!("The server said {}.", quote(case, first, last)),
    };
    let title = "The server demands encryption, and the client goes on without.";
    let draft = Draft::new(Severity::Error, Certainty::High, title.to_owned())
        .transfer(first.transfer)
        .frames(first.stamp())
        .frames([last.stamp])
        .explained(format!(
            "{asked} The control connection to {} was in clear text. {auth_words}",
            case.session.server
        ))
        .with("reply_code", u32::from(last.reply.code))
        .with("server", case.session.server.to_string());
    found.add(case, draft);
}

pub(super) const HANDSHAKE_FAILED: Rule = Rule {
    id: "tls-handshake-failed",
    kind: Kind::Diagnosis,
    help: "One end ended the TLS handshake with a fatal alert.",
    meaning: "The two could not agree: on a version, on a cipher, or on whose certificate is to be \
              trusted. The alert says which, in the words of who sent it.",
    evidence: "A fatal alert in clear text (RFC 8446 §6.2). Once a side encrypts, its alerts cannot \
               be read, and TLS 1.3 encrypts early: then nothing is said here.",
    false_positives: "Clients that try a new version first and fall back to an old one.",
    fix: "Look at what the alert names in the configuration of both ends.",
    check: Check::Session(handshake_failed),
};

fn handshake_failed(case: &Case<'_>, found: &mut Found) {
    let session = case.session;
    if let Some((alert, by_client)) = session.tls.as_deref().and_then(fatal_alert) {
        if is_mismatch(session) {
            return;
        }
        let link = &session.tcp.link;
        let frames = [session.encryption.since, link.ended.or(Some(link.last))];
        let draft = failed(case, "the control connection", alert, by_client)
            .frames(frames.into_iter().flatten());
        found.add(case, draft);
    }
    for transfer in &case.transfers {
        let Some(data) = &transfer.data else { continue };
        let Some((alert, by_client)) = transfer.tls.as_deref().and_then(fatal_alert) else {
            continue;
        };
        let what = format!("the data connection of {}", case.name(transfer));
        let draft = failed(case, &what, alert, by_client)
            .transfer(Some(transfer.request.id))
            .frames([data.link.first, data.link.ended.unwrap_or(data.link.last)]);
        found.add(case, draft);
    }
    for orphan in &case.orphans {
        let Some((alert, by_client)) = orphan.tls.as_deref().and_then(fatal_alert) else {
            continue;
        };
        let connection = &orphan.carried.connection;
        let what = format!(
            "the data connection from {} to {}",
            connection.originator, connection.responder
        );
        let by = if by_client { orphan.server.reversed() } else { orphan.server };
        let said = orphan.carried.from(by).last.unwrap_or(connection.link.last);
        let frames = [connection.link.first, said];
        found.add(case, failed(case, &what, alert, by_client).frames(frames));
    }
}

/// The first fatal alert, and whether TLS's client sent it.
fn fatal_alert(tls: &TlsFacts) -> Option<(Alert, bool)> {
    let by_client = tls.client.fatal_alert.map(|alert| (alert, true));
    let by_server = tls.server.fatal_alert.map(|alert| (alert, false));
    // 0 is close_notify, which some send as if it were fatal.
    by_client.or(by_server).filter(|(alert, _)| alert.0 != 0)
}

fn failed(case: &Case<'_>, what: &str, alert: Alert, by_client: bool) -> Draft {
    let by = if by_client { "client" } else { "server" };
    let name = match alert.name() {
        Some(name) => format!("{name} ({})", alert.0),
        None => format!("number {}", alert.0),
    };
    let (meaning, fix) = meaning_of(alert, by_client);
    let Session { client, server, .. } = case.session;
    let mut draft = Draft::new(
        Severity::Error,
        Certainty::High,
        format!("TLS failed on {what}: the {by} said {name}."),
    )
    .explained(format!(
        "In the TLS handshake between {client} and {server}, on {what}, the {by} ended it with the \
         fatal alert {name}{meaning}"
    ))
    .with("alert", u32::from(alert.0))
    .with("sent_by", by)
    .cause(format!("{} {} {by} {}", client.ip, server.ip, alert.0));
    if let Some(name) = alert.name() {
        draft = draft.with("alert_name", name);
    }
    if fix.is_empty() { draft } else { draft.fixed_by(fix.to_owned()) }
}

/// What an alert says, and what to do about it.
fn meaning_of(alert: Alert, by_client: bool) -> (&'static str, &'static str) {
    match alert.0 {
        40 | 47 | 71 => (
            ": no version, cipher or group that both accept.",
            "Allow a cipher suite and a group on the server that the client offers, or update the \
             older of the two.",
        ),
        70 | 86 => (
            ": no version of TLS that both accept.",
            "Allow a version of TLS on both that the other has: 1.2 and 1.3; update the older of the \
             two.",
        ),
        48 if by_client => (
            ": it does not know who issued the server's certificate.",
            "Give the server a certificate of an authority that the client trusts, with its whole \
             chain, or add the issuer to what the client trusts.",
        ),
        45 if by_client => {
            (": the server's certificate has expired.", "Renew the server's certificate.")
        }
        42..=46 if by_client => (
            ": it does not accept the server's certificate.",
            "Check the server's certificate: its names, its dates, its issuer and its kind of key.",
        ),
        42..=46 | 48 => (
            ": it does not accept the client's certificate.",
            "Give the client a certificate of an authority that the server trusts, or have the server \
             not ask for one.",
        ),
        41 | 116 => (
            ": it wants a certificate of the other and got none.",
            "Give the client a certificate that the server accepts, or have the server not demand one.",
        ),
        112 => (
            ": it has no certificate for the name it was asked for.",
            "Connect by a name that the server's certificate has.",
        ),
        _ => (".", ""),
    }
}

pub(super) const IMPLICIT_EXPLICIT_MISMATCH: Rule = Rule {
    id: "implicit-explicit-mismatch",
    kind: Kind::Diagnosis,
    help: "One end expects TLS from the first byte, the other a dialogue in clear text.",
    meaning: "Implicit FTPS begins with TLS, on port 990; explicit FTPS begins in clear text, on port \
              21, and changes to TLS by AUTH TLS. Ends that do not agree on it do not understand each \
              other, or wait for each other.",
    evidence: "A client that begins with TLS and a server that answers in clear text; or a connection \
               to port 990 on which neither end says anything for seconds.",
    false_positives: "A silent connection to port 990 may be a check that the port is open.",
    fix: "Choose explicit FTPS (FTPES, AUTH TLS) in the client for port 21, and implicit FTPS for port \
          990.",
    check: Check::Session(implicit_explicit_mismatch),
};

fn implicit_explicit_mismatch(case: &Case<'_>, found: &mut Found) {
    let session = case.session;
    if is_mismatch(session) {
        let greeting = session.exchanges.first();
        let quoted = greeting.and_then(|greeting| {
            let reply = greeting.replies.first()?;
            Some((quote(case, greeting, reply), reply.stamp))
        });
        let said = match &quoted {
            Some((words, _)) => format!("the server speaks clear text: {words}"),
            None => "what the server answers is no TLS".to_owned(),
        };
        let link = &session.tcp.link;
        let frames = [session.encryption.since, quoted.as_ref().map(|(_, stamp)| *stamp)];
        let title = "The client begins with TLS, the server in clear text.";
        let draft = Draft::new(Severity::Error, Certainty::High, title.to_owned())
            .frames(frames.into_iter().flatten())
            .frames([link.ended.unwrap_or(link.last)])
            .explained(format!(
                "On {} the client begins with a TLS ClientHello (implicit FTPS), and {said}.",
                session.server
            ))
            .with("server", session.server.to_string());
        found.add(case, draft);
    } else if let Some((waited, ended)) = silence(session) {
        let title = "Neither end says anything on the port of implicit FTPS.";
        let draft = Draft::new(Severity::Warning, Certainty::Low, title.to_owned())
            .frames([session.tcp.link.first, ended])
            .explained(format!(
                "The connection to {} came up, and for {} nothing was sent on it. There the server \
                 waits for TLS; a client of explicit FTPS waits for the server's greeting.",
                session.server,
                spoken(waited)
            ))
            .with("server", session.server.to_string());
        found.add(case, draft);
    }
}

/// Whether the client began with TLS where the server speaks clear text.
fn is_mismatch(session: &Session) -> bool {
    let Some(tls) = session.tls.as_deref() else { return false };
    let tcp = &session.tcp;
    let is_whole = tcp.link.handshake == Handshake::Complete
        && tcp.from_client.missing_bytes + tcp.from_server.missing_bytes == 0;
    if !is_whole || tls.client.client_hello.is_none() || tls.server.is_tls {
        return false;
    }
    let is_asked = |verb| verb == Verb::Auth || verb == Verb::Adat;
    let mut verbs = session.exchanges.iter().filter_map(|exchange| exchange.sent.as_ref());
    match session.encryption.kind {
        // Sealed from the first byte on: the server's clear text is no TLS.
        EncryptionKind::Implicit => tcp.from_server.bytes > 0,
        _ => {
            !verbs.any(|sent| is_asked(sent.command.verb))
                && session.exchanges.iter().any(|exchange| !exchange.replies.is_empty())
        }
    }
}

/// How long nothing was said on a connection to the port of implicit FTPS, and its end.
fn silence(session: &Session) -> Option<(i64, Stamp)> {
    let link = &session.tcp.link;
    let is_closed = !matches!(link.close, Close::Open | Close::Timeout);
    let is_meant = session.server.port == FTPS_PORT && session.tcp.is_empty();
    if !is_meant || !is_closed || link.handshake != Handshake::Complete {
        return None;
    }
    let (from, to) = (&session.tcp.from_client, &session.tcp.from_server);
    let ended = link.ended.filter(|_| from.missing_bytes + to.missing_bytes == 0)?;
    let waited = ended.at.nanos_since(link.first.at).filter(|waited| *waited >= SILENCE_NS)?;
    Some((waited, ended))
}

const FTPS_PORT: u16 = 990;

/// Nanoseconds of silence from which on it is more than a check that the port is open.
const SILENCE_NS: i64 = 5_000_000_000;
