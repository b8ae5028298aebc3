//! TLS on data connections.

use std::cell::LazyCell;
use std::collections::HashMap;

use super::super::{Check, Found, Kind, Rule};
use super::{quote, replies};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::session::{Confidence, EncryptionKind, Protection, Session};
use crate::tcp::{Close, Dir};
use crate::tls::{Flight, TlsFacts};
use crate::transfer::{Orphan, Transfer};

pub(super) const SESSION_REUSE_REQUIRED: Rule = Rule {
    id: "tls-session-reuse-required",
    kind: Kind::Diagnosis,
    help: "The server demands that data connections resume the TLS session of the control connection.",
    meaning: "Servers demand it so that nobody else can take over a data connection. A client that \
              begins a new TLS session each time can log in and cannot transfer anything, not even a \
              listing.",
    evidence: "A reply that says so; or, where replies are encrypted, data connections with full TLS \
               handshakes behind which the server sends an alert and neither end anything else, and no \
               data connection of the session that carried anything.",
    false_positives: "Listings of empty directories and empty files look the same, where replies are \
                      encrypted.",
    fix: "Use a client that resumes the TLS session on data connections, or turn that on in it. As a \
          last resort have the server not demand it (vsftpd require_ssl_reuse=NO, ProFTPD TLSOptions \
          NoSessionReuseRequired).",
    check: Check::Session(session_reuse_required),
};

fn session_reuse_required(case: &Case<'_>, found: &mut Found) {
    // vsftpd; FileZilla Server.
    const WORDS: &[&str] = &["session reuse required", "has not resumed", "not resumed"];
    for exchange in case.refusals.iter().filter(|exchange| replies(exchange, WORDS)) {
        let Some(last) = exchange.final_reply() else { continue };
        let title = "The server demands that data connections resume the TLS session.";
        let draft = Draft::new(Severity::Error, Certainty::High, title.to_owned())
            .transfer(exchange.transfer)
            .frames(exchange.stamp())
            .frames([last.stamp])
            .explained(format!(
                "{} was answered {}.",
                case.spell(exchange),
                quote(case, exchange, last)
            ))
            .with("reply_code", u32::from(last.reply.code));
        found.add(case, draft);
    }
    if !case.orphans.is_empty() {
        reuse_seems_required(case, found);
    }
}

/// The same, where replies cannot be read.
fn reuse_seems_required(case: &Case<'_>, found: &mut Found) {
    let ended: Vec<&Orphan> =
        case.orphans.iter().copied().filter(|orphan| is_ended_unused(orphan)).collect();
    let Some(first) = ended.first() else { return };
    let server = case.session.server.ip;
    let is_of_server = |orphan: &&Orphan| {
        let ends = &orphan.carried.connection;
        ends.originator.ip == server || ends.responder.ip == server
    };
    // One that did carry something without resuming shows that the server does not ask for it.
    let others = case.analysis.orphans.iter().filter(is_of_server).take(SEARCHED);
    let mut others = case.orphans.iter().copied().chain(others);
    let is_refuted = others.any(|orphan| {
        let is_same = orphan.inferred.as_ref().map(|known| known.session) == Some(case.session.id);
        carried_something(orphan) && (is_same || is_new_session(orphan))
    });
    if is_refuted || case.transfers.iter().any(|transfer| transfer.tls.is_some()) {
        return;
    }
    // One may be the listing of an empty directory, and all in order.
    let (severity, certainty) = match ended.len() {
        1 => (Severity::Warning, Certainty::Low),
        _ => (Severity::Error, Certainty::Medium),
    };
    let frames = ended.iter().flat_map(|orphan| {
        let said = orphan.carried.from(orphan.server).last;
        [Some(orphan.carried.connection.link.first), said].into_iter().flatten()
    });
    let ends = &first.carried.connection;
    let title = "The server ends data connections right after a full TLS handshake: it seems to demand \
                 that they resume the session of the control connection.";
    let draft = Draft::new(severity, certainty, title.to_owned())
        .frames(frames)
        .explained(format!(
            "{} of this session, from {} to {} first, came up and agreed on new keys; then the \
             server sent an alert, and no data was moved. No data connection of the session carried \
             any. The replies that would tell are encrypted. Listings of empty directories look the \
             same.",
            counted(ended.len() as u64, "data connection"),
            ends.originator,
            ends.responder
        ))
        .with("data_connections", ended.len());
    found.add(case, draft);
}

/// Connections of other sessions that are looked at for one that refutes it.
const SEARCHED: usize = 1000;

/// Whether new keys were agreed on, the server sent an alert behind that, and neither end anything
/// else. TLS 1.3 shows none of it.
fn is_ended_unused(orphan: &Orphan) -> bool {
    let Some(tls) = orphan.tls.as_deref() else { return false };
    let both = [&tls.client, &tls.server];
    is_new_session(orphan)
        && both.iter().all(|side| {
            side.lost.is_none()
                && side.flight == Flight::Full
                && side.fatal_alert.is_none()
                && side.traffic.application_records == 0
        })
        && tls.server.traffic.alert_records > 0
        && orphan.carried.connection.link.ended.is_some()
}

fn is_new_session(orphan: &Orphan) -> bool {
    let tls = orphan.tls.as_deref();
    tls.is_some_and(|tls| !is_1_3(tls) && tls.resumed() == Some(false))
}

/// Whether anything of the application moved; in TLS 1.3, whether anything may have.
fn carried_something(orphan: &Orphan) -> bool {
    orphan.tls.as_deref().is_some_and(|tls| {
        [&tls.client, &tls.server].iter().any(|side| side.traffic.application_records > 0)
    })
}

fn is_1_3(tls: &TlsFacts) -> bool {
    tls.server_hello().is_some_and(|hello| hello.version.is_1_3())
}

pub(super) const PROTECTION_MISMATCH: Rule = Rule {
    id: "data-protection-mismatch",
    kind: Kind::Diagnosis,
    help: "The two ends do not agree on whether data connections are protected.",
    meaning: "PROT P asks for TLS on data connections, PROT C for none (RFC 4217 §9). If one end \
              protects and the other does not, transfers fail or wait until they are given up; where \
              both send in clear text what was to be protected, anybody on the way can read it.",
    evidence: "PROT P that was accepted, and data in clear text; or, in an encrypted session, a data \
               connection on which the client begins TLS and the server, for seconds, does not answer.",
    false_positives: "Where the session is encrypted: a server that is slow to begin.",
    fix: "Set the same in both: PBSZ 0 and PROT P in the client, and TLS for data connections in the \
          server.",
    check: Check::Session(protection_mismatch),
};

fn protection_mismatch(case: &Case<'_>, found: &mut Found) {
    let encryption = &case.session.encryption;
    for transfer in case.transfers.iter().filter(|transfer| is_bare(transfer, case.session)) {
        let bytes = transfer.content.as_ref().map_or(0, |content| content.bytes);
        let has_failed = transfer.request.answered.is_some_and(|(_, code)| code >= 400);
        let severity = if has_failed { Severity::Error } else { Severity::Warning };
        let title = format!("{} was to be protected and went in clear text.", case.name(transfer));
        let first = transfer.content.as_ref().and_then(|content| content.first);
        let draft = Draft::new(severity, Certainty::High, title)
            .transfer(Some(transfer.request.id))
            .frames([transfer.request.asked])
            .frames(first)
            .explained(format!(
                "PROT P was agreed on, and the data connection carried {} that begin like no TLS.",
                counted(bytes, "byte")
            ))
            .with("bytes", bytes);
        found.add(case, draft);
    }
    if !matches!(encryption.kind, EncryptionKind::Explicit | EncryptionKind::Implicit) {
        return;
    }
    for orphan in &case.orphans {
        let Some(waited) = unanswered_for(orphan) else { continue };
        let link = &orphan.carried.connection.link;
        let hello = orphan.carried.from(orphan.server.reversed()).first;
        let ends = &orphan.carried.connection;
        let title = "The client begins TLS on a data connection and the server does not answer.";
        let draft = Draft::new(Severity::Error, Certainty::Medium, title.to_owned())
            .frames([link.first])
            .frames(hello)
            .frames(link.ended)
            .explained(format!(
                "On the data connection from {} to {} the client sent a TLS ClientHello. The server \
                 acknowledged it and said nothing for {}, until the connection ended. A server that \
                 does not protect data connections takes it for the content of a file.",
                ends.originator,
                ends.responder,
                spoken(waited)
            ))
            .with("waited_ms", u64::try_from(waited / 1_000_000).unwrap_or(0));
        found.add(case, draft);
    }
}

/// Whether what was to be protected by TLS was not.
fn is_bare(transfer: &Transfer, session: &Session) -> bool {
    let request = &transfer.request;
    let is_sure = request.setup.link.is_some_and(|link| link.confidence > Confidence::Guess);
    request.protection == Protection::Private
        && session.encryption.kind != EncryptionKind::Gssapi
        && is_sure
        && transfer.tls.is_none()
        && transfer.content.as_ref().is_some_and(|content| {
            let is_begun = content.from_start && content.bytes > 0;
            is_begun && !content.is_tls && content.missing_beginning().is_none()
        })
}

/// How long a ClientHello on a data connection was left unanswered, until the client or both ended
/// it. A server that ends it may have refused the command.
fn unanswered_for(orphan: &Orphan) -> Option<i64> {
    let carried = &orphan.carried;
    let client = carried.from(orphan.server.reversed());
    client.tls.as_ref()?.client_hello.as_ref()?;
    let connection = &carried.connection;
    let link = &connection.link;
    let from_server = match orphan.server {
        Dir::FromOriginator => &connection.from_originator,
        Dir::FromResponder => &connection.from_responder,
    };
    let by_server = matches!(
        link.close,
        Close::Fin { by } | Close::HalfFin { by } | Close::Reset { by, .. } if by == orphan.server
    );
    let is_silent = from_server.bytes + from_server.missing_bytes == 0 && from_server.ttl > 0;
    if !is_silent || by_server || !link.is_established() {
        return None;
    }
    let waited = link.ended?.at.nanos_since(client.first?.at)?;
    (waited >= PATIENCE_NS).then_some(waited)
}

/// Nanoseconds after which an answer to a ClientHello is no longer on its way.
const PATIENCE_NS: i64 = 3_000_000_000;

pub(super) const NOT_CLOSED: Rule = Rule {
    id: "tls-not-closed",
    kind: Kind::Diagnosis,
    help: "The client ended an upload without the close_notify of TLS, and the server refused it.",
    meaning: "TLS has an end of its own, so that nobody on the way can cut a file short (RFC 5246 \
              §7.2.1). Servers that are strict about it throw away what came without.",
    evidence: "TLS 1.2 or older: an upload whose sender ends with FIN and without an alert, and that \
               is answered 4yz or 5yz. TLS 1.3 does not show its alerts, and nothing is said of it.",
    false_positives: "The refusal may have another reason, which its text then says.",
    fix: "Update the client, or have it shut TLS down before it closes the connection; some servers \
          can be told to put up with it.",
    check: Check::Session(not_closed),
};

fn not_closed(case: &Case<'_>, found: &mut Found) {
    let replies: LazyCell<HashMap<_, _>, _> = LazyCell::new(|| {
        let answered = case.session.exchanges.iter().rev().filter(|it| it.final_reply().is_some());
        answered.filter_map(|exchange| Some((exchange.transfer?, exchange))).collect()
    });
    for transfer in &case.transfers {
        let Some((answered, code)) = transfer.request.answered.filter(|(_, code)| *code >= 400)
        else {
            continue;
        };
        let Some((tls, content)) = transfer.tls.as_deref().zip(transfer.content.as_ref()) else {
            continue;
        };
        let Some((side, end)) = content.tls.as_deref().zip(content.end) else { continue };
        let from_client = transfer.request.setup.link.map(|link| link.server.reversed());
        let is_upload = transfer.content_dir() == from_client;
        let is_open = side.lost.is_none()
            && side.traffic.application_records > 0
            && side.traffic.alert_records == 0;
        if !is_upload
            || !is_open
            || !content.is_whole()
            || is_1_3(tls)
            || tls.server_hello().is_none()
        {
            continue;
        }
        let reply = replies.get(&transfer.request.id).copied();
        let quoted = reply.and_then(|reply| Some(quote(case, reply, reply.final_reply()?)));
        let quoted = quoted.unwrap_or_else(|| code.to_string());
        let title = format!("{} ended without the end of TLS.", case.name(transfer));
        let draft = Draft::new(Severity::Warning, Certainty::Medium, title)
            .transfer(Some(transfer.request.id))
            .frames([transfer.request.asked, end, answered])
            .explained(format!(
                "The client sent its data and closed the connection without a TLS alert, and the \
                 server answered {quoted}."
            ))
            .with("reply_code", u32::from(code));
        found.add(case, draft);
    }
}
