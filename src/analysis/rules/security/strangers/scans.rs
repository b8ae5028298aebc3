//! Clients that look for servers, and programs that are made to.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::analysis::{Analysis, Policy};
use crate::decode::Host;
use crate::ftp::Verb;
use crate::session::{EncryptionKind, Exchange, LoginOutcome, Sent, Session};
use crate::time::Stamp;

pub(super) const BANNERS: Rule = Rule {
    id: "banner-scan",
    kind: Kind::Security { attack: &["T1046", "T1595"] },
    help: "A client connected to many servers without logging in.",
    meaning: "The greeting tells the software and its version. Somebody looks for servers, perhaps for \
              those with a known hole.",
    evidence: "Control connections of one client to as many servers as the threshold says, without \
               USER and without TLS, of which one at least was answered.",
    false_positives: "Monitoring that checks whether servers answer.",
    fix: "Find out who the client is. Have servers greet without their version.",
    check: Check::Capture(banners),
};

fn banners(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    let least = usize::try_from(policy.threshold("scanned-servers")).unwrap_or(usize::MAX);
    let mut by_client: BTreeMap<Host, Vec<&Session>> = BTreeMap::new();
    for session in analysis.sessions.iter().filter(|session| is_look(session)) {
        by_client.entry(session.client.ip).or_default().push(session);
    }
    for (client, sessions) in by_client {
        if sessions.len() < least {
            continue;
        }
        let servers: BTreeSet<Host> = sessions.iter().map(|session| session.server.ip).collect();
        let greeted = sessions.iter().filter(|session| session.banner.is_some());
        let greeted: BTreeSet<Host> = greeted.map(|session| session.server.ip).collect();
        if servers.len() < least || greeted.is_empty() {
            continue;
        }
        let title = format!(
            "{client} connected to {} without logging in.",
            counted(servers.len() as u64, "server")
        );
        let draft = Draft::new(Severity::Info, Certainty::Medium, title)
            .frames(sessions.iter().map(|session| session.tcp.link.first).take(SHOWN))
            .explained(format!(
                "{} to {} came to nothing but a greeting, or to nothing; {} greeted.",
                counted(sessions.len() as u64, "control connection"),
                counted(servers.len() as u64, "server"),
                greeted.len()
            ))
            .with("servers", servers.len())
            .with("greeted", greeted.len())
            .cause(client.to_string())
            .counting(sessions.len() as u64)
            .attempted();
        found.add_over(&sessions, draft);
    }
}

/// Frames that are shown.
const SHOWN: usize = 16;

/// Whether the client opened it, and did not try to log in or to encrypt.
fn is_look(session: &Session) -> bool {
    session.login.outcome == LoginOutcome::None
        && session.login.user.is_none()
        && session.encryption.kind == EncryptionKind::None
        && session.tcp.link.opener_known
        && session.tcp.client_is_originator
        && session.tls.is_none()
        && !session.exchanges.iter().any(|exchange| is_sent(exchange, &[Verb::Auth, Verb::Pass]))
}

fn is_sent(exchange: &Exchange, verbs: &[Verb]) -> bool {
    exchange.sent.as_ref().is_some_and(|sent| verbs.contains(&sent.command.verb))
}

pub(super) const TOOL: Rule = Rule {
    id: "client-tool",
    kind: Kind::Security { attack: &["T1595", "T1110"] },
    help: "A client's dialogue bears the mark of a program for scanning or guessing.",
    meaning: "Which program it is tells what it is after. Marks can be forged.",
    evidence: "An anonymous password that such a program always sends, a directory of eight letters \
               made and removed at once, or passwords one after the other and nothing else.",
    false_positives: "Internet Explorer 6 and old versions of Firefox send two of these passwords.",
    fix: "Find out who runs the program, and on whose behalf.",
    check: Check::Session(tool),
};

/// Anonymous passwords that programs always send: their own source; for the last ones GPL rules of
/// Snort.
const MARKS: [(&str, &str); 8] = [
    ("IEUser@", "Nmap's scripts (ftp-anon, ftp-bounce), of Metasploit, or of Internet Explorer 6"),
    ("-wwwuser@", "Nmap's bounce scan (nmap -b)"),
    ("mozilla@example.com", "Metasploit, or of an old Firefox"),
    ("chrome@example.com", "Metasploit, or of an old Chromium"),
    ("-iss@iss", "the ISS scanner"),
    ("-saint", "the scanner SAINT"),
    ("-satan", "the scanner SATAN"),
    ("-cklaus", "the ISS scanner"),
];

fn tool(case: &Case<'_>, found: &mut Found) {
    if !case.looks.verbs.contains(Verb::Pass) {
        return;
    }
    if let Some((mark, of, sent)) = mark_of(case.session) {
        let title = format!("{} sent the anonymous password of {of}.", case.session.client.ip);
        let text = format!("The anonymous password \"{mark}\" is that of {of}.");
        found.add(case, told(title, text, [sent.stamp], Certainty::Medium).with("mark", mark));
    }
    if let Some([made, removed]) = probe(case) {
        let title = format!("{} had a directory made and removed again.", case.session.client.ip);
        let text = "MKD of eight letters and RMD of the same after it is how Metasploit finds out \
                    whether it can write."
            .to_owned();
        let draft = told(title, text, [made, removed], Certainty::Medium);
        found.add(case, draft.with("mark", "MKD and RMD"));
    }
    if let Some(tried) = guesses(case) {
        let client = case.session.client.ip;
        let title = format!("{client} sent passwords one after the other, and nothing else.");
        let text = format!(
            "On one connection {} were refused, with no other command between or after them: Hydra, \
             Medusa and Ncrack do so.",
            counted(tried.len() as u64, "login")
        );
        let draft = told(title, text, tried.iter().copied(), Certainty::Low);
        found.add(case, draft.with("mark", "USER and PASS only"));
    }
}

fn told(
    title: String,
    text: String,
    frames: impl IntoIterator<Item = Stamp>,
    certainty: Certainty,
) -> Draft {
    Draft::new(Severity::Info, certainty, title).frames(frames).explained(text).attempted()
}

/// The program whose anonymous password was sent. One of an account is nobody's mark.
fn mark_of(session: &Session) -> Option<(&'static str, &'static str, &Sent)> {
    let mut is_anonymous = false;
    for exchange in &session.exchanges {
        let Some(sent) = &exchange.sent else { continue };
        match sent.command.verb {
            Verb::User => {
                let name = sent.command.arg().trim_ascii();
                is_anonymous = name.eq_ignore_ascii_case(b"anonymous");
            }
            Verb::Pass if is_anonymous => {
                let is = |(mark, _): &&(&str, &str)| mark.as_bytes() == sent.command.arg();
                if let Some((mark, of)) = MARKS.iter().find(is) {
                    return Some((mark, of, sent));
                }
            }
            _ => {}
        }
    }
    None
}

/// A directory of eight letters that was made, and removed by the next command.
fn probe(case: &Case<'_>) -> Option<[Stamp; 2]> {
    if !case.looks.verbs.contains(Verb::Mkd) || !case.looks.verbs.contains(Verb::Rmd) {
        return None;
    }
    let sent = case.session.exchanges.iter().filter_map(|exchange| exchange.sent.as_ref());
    let pairs = sent.clone().zip(sent.skip(1));
    let mut found = pairs.filter(|(made, removed)| {
        let name = made.command.arg();
        (made.command.verb, removed.command.verb) == (Verb::Mkd, Verb::Rmd)
            && name == removed.command.arg()
            && name.len() == PROBE_LEN
            && name.iter().all(u8::is_ascii_alphabetic)
    });
    found.next().map(|(made, removed)| [made.stamp, removed.stamp])
}

const PROBE_LEN: usize = 8;

/// The refused passwords of a session in which nothing else was said.
fn guesses(case: &Case<'_>) -> Option<Vec<Stamp>> {
    let session = case.session;
    let is_over = session.tcp.link.ended.is_some();
    if case.refusals.len() < GUESSES || !is_over || session.encryption.kind != EncryptionKind::None
    {
        return None;
    }
    let mut asked = session.exchanges.iter().filter(|exchange| exchange.sent.is_some());
    if !asked.all(|exchange| is_sent(exchange, &[Verb::User, Verb::Pass])) {
        return None;
    }
    let refused = case.refusals.iter().filter(|exchange| is_sent(exchange, &[Verb::Pass]));
    let refused: Vec<Stamp> = refused.filter_map(|exchange| exchange.stamp()).collect();
    (refused.len() >= GUESSES).then_some(refused)
}

/// Who mistypes does so once or twice, and then says QUIT.
const GUESSES: usize = 3;
