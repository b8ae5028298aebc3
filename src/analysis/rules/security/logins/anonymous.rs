//! Those who need no account.

use std::collections::BTreeMap;

use super::super::super::{Check, Found, Kind, Rule};
use super::{SHOWN, frames_of_entry};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::analysis::{Analysis, Policy};
use crate::decode::Endpoint;
use crate::ftp::Verb;
use crate::session::{Exchange, Session, is_anonymous};

pub(super) const LOGIN: Rule = Rule {
    id: "anonymous-login",
    kind: Kind::Security { attack: &["T1078.001"] },
    help: "A server lets anonymous users in.",
    meaning: "Whoever reaches the server can read what it shows to them (CVE-1999-0497).",
    evidence: "USER anonymous or ftp, and a 230.",
    false_positives: "Servers that are meant for everybody.",
    fix: "If the server is not meant for everybody, turn anonymous access off (vsftpd \
          anonymous_enable=NO), and look at what it shows.",
    check: Check::Capture(login),
};

fn login(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let mut by_server: BTreeMap<Endpoint, Vec<&Session>> = BTreeMap::new();
    for session in &analysis.sessions {
        if session.login.entries().any(|(user, _)| is_anonymous(user)) {
            by_server.entry(session.server).or_default().push(session);
        }
    }
    for (server, sessions) in by_server {
        let count = sessions.len() as u64;
        let title = format!("{server} let an anonymous user in.");
        let draft = Draft::new(Severity::Info, Certainty::High, title)
            .frames(
                sessions
                    .iter()
                    .take(SHOWN)
                    .flat_map(|session| frames_of_entry(session, is_anonymous)),
            )
            .explained(format!("{server} accepted {}.", counted(count, "anonymous login")))
            .with("logins", count)
            .cause(server.to_string())
            .counting(count)
            .accepted();
        found.add_over(&sessions, draft);
    }
}

pub(super) const WRITE: Rule = Rule {
    id: "anonymous-write",
    kind: Kind::Security { attack: &["T1078.001", "T1074.002"] },
    help: "An anonymous user changed something on a server.",
    meaning: "Whoever reaches the server can leave files there, for others to fetch, or delete what is \
              there (CVE-1999-0527).",
    evidence: "An anonymous login that was accepted, and STOR, STOU, APPE, MKD, RMD, DELE or RNTO that \
               was answered 2yz.",
    false_positives: "Drop boxes that are meant for everybody.",
    fix: "If it is not meant so, take the write permission off (vsftpd anon_upload_enable=NO, \
          anon_mkdir_write_enable=NO, anon_other_write_enable=NO), and look at what was left there.",
    check: Check::Session(write),
};

const WRITING: [Verb; 7] =
    [Verb::Stor, Verb::Stou, Verb::Appe, Verb::Mkd, Verb::Rmd, Verb::Dele, Verb::Rnto];

fn write(case: &Case<'_>, found: &mut Found) {
    let session = case.session;
    if !case.looks.verbs.has_any(&WRITING) || !case.looks.verbs.contains(Verb::User) {
        return;
    }
    if case.policy.is_allowed(session.client.ip.addr, session.server.ip.addr) {
        return;
    }
    let (mut is_named, mut is_in) = (false, false);
    for exchange in &session.exchanges {
        let Some((sent, last)) = exchange.sent.as_ref().zip(exchange.final_reply()) else {
            continue;
        };
        match sent.command.verb {
            Verb::User => {
                is_named = is_anonymous(sent.command.arg());
                is_in = is_named && last.reply.lets_in();
            }
            Verb::Pass | Verb::Acct if last.reply.lets_in() => is_in = is_named,
            Verb::Rein => (is_named, is_in) = (false, false),
            verb if is_in && WRITING.contains(&verb) && last.reply.is_success() => {
                found.add(case, told(case, exchange));
            }
            _ => {}
        }
    }
}

fn told(case: &Case<'_>, exchange: &Exchange) -> Draft {
    let (client, server) = (case.session.client.ip, case.session.server);
    let command = case.spell(exchange);
    let reply = exchange.final_reply();
    let answer = reply.map(|last| case.quote(exchange, last)).unwrap_or_default();
    let transfer = exchange.transfer.and_then(|id| case.analysis.transfer(id));
    let bytes = transfer.and_then(|it| it.content.as_ref()).map_or(0, |it| it.bytes);
    let moved = match bytes {
        0 => String::new(),
        bytes => format!(" {} went to the server.", counted(bytes, "byte")),
    };
    let title = format!("An anonymous user was let write on {server}: {command}.");
    let draft = Draft::new(Severity::Error, Certainty::High, title)
        .transfer(exchange.transfer)
        .frames(exchange.stamp())
        .frames(reply.map(|last| last.stamp))
        .explained(format!(
            "{client} had logged in as an anonymous user. {command} was answered \"{answer}\".{moved}"
        ))
        .with("command", command);
    if bytes > 0 { draft.had_effect() } else { draft.accepted() }
}
