//! Passwords and data that anybody on the way can read, and encryption that went away.

use std::collections::{BTreeMap, HashSet};

use super::super::super::middlebox::inspection::{is_refused_auth, offers_tls};
use super::super::super::{Check, Found, Kind, Rule};
use super::{SHOWN, frames_of_entry};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, counted, counted_were, were};
use crate::analysis::{Analysis, Policy};
use crate::decode::{Endpoint, Host};
use crate::ftp::Verb;
use crate::session::{Confidence, EncryptionKind, Exchange, LoginOutcome, Session, is_anonymous};
use crate::time::Stamp;
use crate::transfer::{Orphan, Transfer};

pub(super) const CREDENTIALS: Rule = Rule {
    id: "cleartext-credentials",
    kind: Kind::Security { attack: &["T1040"] },
    help: "Passwords for a server go over the network in clear text.",
    meaning: "Whoever sees the packets has the passwords, as this capture does.",
    evidence: "A PASS in clear text that was accepted; anonymous logins have nothing to hide.",
    false_positives: "Networks that are protected otherwise, as by a VPN that begins beyond the place \
                      of capture.",
    fix: "Use FTP over TLS (AUTH TLS) or SFTP, have the server refuse logins in clear text (vsftpd \
          force_local_logins_ssl=YES), and change the passwords. Keep this capture safe.",
    check: Check::Capture(credentials),
};

fn credentials(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let mut by_server: BTreeMap<Endpoint, Vec<&Session>> = BTreeMap::new();
    for session in analysis.sessions.iter().filter(|session| lets_in_by_password(session)) {
        by_server.entry(session.server).or_default().push(session);
    }
    for (server, sessions) in by_server {
        let count = sessions.len() as u64;
        let clients: HashSet<Host> = sessions.iter().map(|session| session.client.ip).collect();
        let title = format!("Passwords for {server} go in clear text.");
        let draft = Draft::new(Severity::Warning, Certainty::High, title)
            .frames(
                sessions
                    .iter()
                    .take(SHOWN)
                    .flat_map(|session| frames_of_entry(session, |user| !is_anonymous(user))),
            )
            .explained(format!(
                "{server} accepted {} from {} whose passwords are in the capture.",
                counted(count, "login"),
                counted(clients.len() as u64, "client")
            ))
            .with("logins", count)
            .with("clients", clients.len())
            .cause(server.to_string())
            .counting(count)
            .accepted();
        found.add_over(&sessions, draft);
    }
}

/// Whether the capture has a password of somebody who needs one.
fn tells_password(session: &Session) -> bool {
    let login = &session.login;
    let is_last = login.password.is_some() && !login.user.as_deref().is_none_or(is_anonymous);
    is_last || lets_in_by_password(session)
}

/// Whether it has one by which he was let in.
fn lets_in_by_password(session: &Session) -> bool {
    session.login.entries().any(|(user, has_password)| has_password && !is_anonymous(user))
}

pub(super) const DOWNGRADE: Rule = Rule {
    id: "tls-downgrade",
    kind: Kind::Security { attack: &["T1689", "T1557"] },
    help: "A password was sent in clear text although both ends could have used TLS.",
    meaning: "Somebody in the path who keeps the two from encrypting reads the password. A client that \
              goes on without TLS lets him.",
    evidence: "A PASS in clear text after AUTH TLS was refused by a server that offers it, or was \
               accepted and not followed by TLS; or where an earlier session of the same two hosts \
               used TLS; or, at least, where the server's answer to FEAT offers it.",
    false_positives: "A server that lists what it cannot do; two programs of one client, one of them \
                      without TLS; a client that was told to do without.",
    fix: "Have the client insist on TLS and the server refuse passwords in clear text. Compare with a \
          session from the server's own network, and change the password.",
    check: Check::Capture(downgrade),
};

/// How it is known that TLS was to be had, the most telling last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Known {
    Offered,
    UsedBefore,
    Refused,
    /// AUTH was accepted, and no TLS followed.
    Agreed,
}

fn downgrade(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let mut offers: HashSet<Endpoint> = HashSet::new();
    let mut used: HashSet<(Host, Host)> = HashSet::new();
    let mut alike: BTreeMap<(Known, Host, Option<Host>), Vec<&Session>> = BTreeMap::new();
    let mut refused = Vec::new();
    for session in &analysis.sessions {
        let (client, server) = (session.client.ip, session.server.ip);
        let has_offer = speaks_of_tls(session) && offers_tls(session).is_some();
        if has_offer {
            offers.insert(session.server);
        }
        if matches!(session.encryption.kind, EncryptionKind::Explicit | EncryptionKind::Implicit) {
            used.insert((client, server));
        } else if tells_password(session) {
            let known = match used.contains(&(client, server)) {
                true => Some((Known::UsedBefore, Some(client))),
                // Of a server and its clients, there may be many.
                false => has_offer.then_some((Known::Offered, None)),
            };
            if speaks_of_tls(session) && session.exchanges.iter().any(is_accepted_auth) {
                alike.entry((Known::Agreed, server, Some(client))).or_default().push(session);
            } else if speaks_of_tls(session) && session.exchanges.iter().any(is_refused_auth) {
                refused.push((session, known));
            } else if let Some((known, client)) = known {
                alike.entry((known, server, client)).or_default().push(session);
            }
        }
    }
    for (session, known) in refused {
        let is_offered = offers.contains(&session.server);
        let known =
            if is_offered { Some((Known::Refused, Some(session.client.ip))) } else { known };
        if let Some((known, client)) = known {
            alike.entry((known, session.server.ip, client)).or_default().push(session);
        }
    }
    for ((known, server, _), mut sessions) in alike {
        sessions.sort_by_key(|session| session.id);
        found.add_over(&sessions, told(known, server, &sessions));
    }
}

fn is_accepted_auth(exchange: &Exchange) -> bool {
    let is_auth = exchange.sent.as_ref().is_some_and(|sent| sent.command.verb == Verb::Auth);
    is_auth && exchange.final_reply().is_some_and(|last| last.reply.code == 234)
}

/// Whether the client asked for TLS, or for what the server has.
fn speaks_of_tls(session: &Session) -> bool {
    let sent = session.exchanges.iter().filter_map(|exchange| exchange.sent.as_ref());
    sent.map(|sent| sent.command.verb).any(|verb| matches!(verb, Verb::Auth | Verb::Feat))
}

fn told(known: Known, server: Host, sessions: &[&Session]) -> Draft {
    let count = sessions.len() as u64;
    let client = sessions.first().map(|session| session.client.ip.to_string()).unwrap_or_default();
    let is_in = |session: &&&Session| session.login.outcome == LoginOutcome::Accepted;
    let accepted = sessions.iter().filter(is_in).count();
    let (severity, certainty, title, how) = match known {
        Known::Refused => (
            Severity::Error,
            Certainty::High,
            format!("{client} sent a password to {server} in clear text; AUTH TLS was refused."),
            "The server offers AUTH TLS, in this session or another, and yet it was refused here; the \
             client went on without.",
        ),
        Known::Agreed => (
            Severity::Error,
            Certainty::High,
            format!(
                "{client} sent a password to {server} in clear text after AUTH TLS was accepted."
            ),
            "The server answered 234, and no TLS followed: who reads an answer alone takes the session \
             for encrypted.",
        ),
        Known::UsedBefore => (
            Severity::Warning,
            Certainty::Low,
            format!(
                "{client} sent a password to {server} in clear text after it had used TLS there."
            ),
            "An earlier session of the two was encrypted. Two programs of the client may differ in \
             that.",
        ),
        Known::Offered => (
            Severity::Info,
            Certainty::Medium,
            format!("Passwords were sent to {server} in clear text although it offers TLS."),
            "The server's answer to FEAT lists AUTH TLS, and the clients did not use it.",
        ),
    };
    let cause = match known {
        Known::Offered => format!("offered {server}"),
        _ => format!("{known:?} {client} {server}"),
    };
    let draft = Draft::new(severity, certainty, title)
        .frames(sessions.iter().take(SHOWN).flat_map(|session| frames(session)))
        .explained(format!(
            "{} in clear text, of which {accepted} {} accepted. {how}",
            counted(count, "login"),
            were(accepted as u64)
        ))
        .with("logins", count)
        .with("accepted", accepted)
        .cause(cause)
        .counting(count);
    if accepted > 0 { draft.accepted() } else { draft.attempted() }
}

/// Those that show what was offered or refused, and the password.
fn frames(session: &Session) -> impl Iterator<Item = Stamp> {
    let is_telling = |exchange: &&Exchange| {
        let sent = exchange.sent.as_ref();
        sent.is_some_and(|sent| matches!(sent.command.verb, Verb::Auth | Verb::Feat | Verb::Pass))
    };
    let telling = session.exchanges.iter().filter(is_telling).take(SHOWN);
    telling.flat_map(|exchange| {
        exchange.stamp().into_iter().chain(exchange.final_reply().map(|last| last.stamp))
    })
}

pub(super) const DROPPED: Rule = Rule {
    id: "protection-dropped",
    kind: Kind::Security { attack: &["T1040"] },
    help: "A session that had begun to encrypt went on, or moved data, in clear text.",
    meaning: "After CCC the control connection is in clear text again; with PROT C, which is also what \
              a session begins with, data is never encrypted (RFC 4217 §6 and §9).",
    evidence: "Clear text on a control connection after TLS, or data connections in clear text between \
               the two hosts of an encrypted session while that was open.",
    false_positives: "Clients that send CCC so that a box that translates addresses can read the rest.",
    fix: "Have the client send PROT P and no CCC, and the server demand it (vsftpd \
          force_local_data_ssl=YES, ProFTPD TLSRequired on).",
    check: Check::Session(dropped),
};

fn dropped(case: &Case<'_>, found: &mut Found) {
    let encryption = &case.session.encryption;
    if let Some(until) = encryption.until {
        let bare = |transfer: &&&Transfer| {
            let has_moved = transfer.content.as_ref().is_some_and(|content| content.bytes > 0);
            until.is_before(transfer.request.asked) && !transfer.is_encrypted && has_moved
        };
        let bare: Vec<&&Transfer> = case.transfers.iter().filter(bare).collect();
        found.add(case, told_of_control(case, until, &bare));
    }
    if matches!(encryption.kind, EncryptionKind::Explicit | EncryptionKind::Implicit)
        && !case.orphans.is_empty()
    {
        let bare: Vec<&Orphan> =
            case.orphans.iter().copied().filter(|orphan| is_bare(orphan)).collect();
        if let Some(first) = bare.first() {
            found.add(case, told_of_data(case, first, &bare));
        }
    }
}

/// Whether a data connection of an encrypted session, as far as that can be told, is in clear text.
fn is_bare(orphan: &Orphan) -> bool {
    let main = orphan.carried.from(orphan.main_dir());
    let is_of_session =
        orphan.inferred.as_ref().is_some_and(|inferred| inferred.confidence > Confidence::Guess);
    let both = [&orphan.carried.from_originator, &orphan.carried.from_responder];
    is_of_session && main.bytes > 0 && main.from_start && both.iter().all(|side| !side.is_tls)
}

fn told_of_control(case: &Case<'_>, until: Stamp, bare: &[&&Transfer]) -> Draft {
    let (client, server) = (case.session.client.ip, case.session.server);
    let moved = match bare.first() {
        Some(first) => format!(
            " {} moved in clear text after it, the first by {}.",
            counted_were(bare.len() as u64, "transfer"),
            case.name(first)
        ),
        None => String::new(),
    };
    let title = format!("The control connection of {client} to {server} went back to clear text.");
    let draft = Draft::new(Severity::Warning, Certainty::High, title)
        .transfer(bare.first().map(|transfer| transfer.request.id))
        .frames(case.session.encryption.since)
        .frames([until])
        .frames(bare.iter().map(|transfer| transfer.request.asked))
        .explained(format!(
            "It was encrypted and is in clear text from frame {} on, as after CCC.{moved}",
            until.frame()
        ))
        .with("transfers", bare.len());
    if bare.is_empty() { draft.accepted() } else { draft.had_effect() }
}

fn told_of_data(case: &Case<'_>, first: &Orphan, bare: &[&Orphan]) -> Draft {
    let (client, server) = (case.session.client.ip, case.session.server);
    let ends = &first.carried.connection;
    let bytes: u64 = bare.iter().map(|orphan| orphan.carried.bytes()).sum();
    let title = format!(
        "Data was moved in clear text while the session of {client} with {server} was encrypted."
    );
    Draft::new(Severity::Warning, Certainty::Medium, title)
        .frames(case.session.encryption.since)
        .frames(bare.iter().filter_map(|orphan| orphan.carried.from(orphan.main_dir()).first))
        .explained(format!(
            "The control connection is encrypted, so what was asked for cannot be read. {} between \
             its hosts, the first from {} to {}, carried {} in clear text.",
            counted(bare.len() as u64, "data connection"),
            ends.originator,
            ends.responder,
            counted(bytes, "byte")
        ))
        .with("data_connections", bare.len())
        .with("bytes", bytes)
        .counting(bare.len() as u64)
        .had_effect()
}
