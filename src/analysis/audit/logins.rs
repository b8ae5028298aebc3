//! Who logged in, or tried.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::strength::Strength;
use super::super::{Analysis, Charset};
use super::NAMED;
use crate::decode::{Endpoint, Host};
use crate::ftp::Verb;
use crate::session::{Exchange, LoginOutcome, Session, SessionId, is_anonymous};
use crate::time::Stamp;

/// Tries of one user, from one host, at one server, with one outcome.
#[derive(Debug)]
pub struct Logins<'a> {
    /// `None` where it was encrypted, said before the capture began, or not said at all.
    pub user: Option<&'a [u8]>,
    /// Of the user's name.
    pub charset: Charset,
    pub client: Host,
    pub server: Endpoint,
    pub outcome: LoginOutcome,
    pub count: u64,
    /// The first 64.
    pub sessions: Vec<SessionId>,
    /// The frames of the first and the last try.
    pub first: Stamp,
    pub last: Stamp,
    /// Different ones that were tried.
    pub passwords: u64,
    /// If it was one.
    pub password: Option<Password<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Password<'a> {
    pub text: &'a [u8],
    pub strength: Strength,
    /// Equal passwords have the same number, counted from 1; `None` if no other user and no other
    /// server was tried with it.
    pub shared: Option<u64>,
}

/// One try.
struct Try<'a> {
    user: Option<&'a [u8]>,
    password: Option<&'a [u8]>,
    outcome: LoginOutcome,
    stamp: Stamp,
}

/// All of them.
pub(super) fn logins(analysis: &Analysis) -> Vec<Logins<'_>> {
    let mut rows: Vec<(Logins<'_>, HashSet<&[u8]>)> = Vec::new();
    let mut places = HashMap::new();
    let opened = |session: &&Session| session.tcp.link.is_established();
    for session in analysis.sessions.iter().filter(opened) {
        for Try { user, password, outcome, stamp } in tries(session) {
            let (client, server) = (session.client.ip, session.server);
            let key = (user, client, server, outcome as u8);
            let place = *places.entry(key).or_insert_with(|| {
                let (sessions, first, last) = (Vec::new(), stamp, stamp);
                let row = Logins {
                    user,
                    charset: analysis.charset(session.id),
                    client,
                    server,
                    outcome,
                    count: 0,
                    sessions,
                    first,
                    last,
                    passwords: 0,
                    password: None,
                };
                rows.push((row, HashSet::new()));
                rows.len() - 1
            });
            let Some((row, passwords)) = rows.get_mut(place) else { continue };
            row.count += 1;
            (row.first, row.last) = (row.first.earlier(stamp), row.last.later(stamp));
            passwords.extend(password);
            if row.sessions.last() != Some(&session.id) && row.sessions.len() < NAMED {
                row.sessions.push(session.id);
            }
        }
    }
    let mut rows = with_passwords(rows);
    rows.sort_by_key(|row| row.outcome != LoginOutcome::Accepted);
    rows
}

/// A user of a server.
type Account<'a> = (Option<&'a [u8]>, Host);

fn with_passwords<'a>(rows: Vec<(Logins<'a>, HashSet<&'a [u8]>)>) -> Vec<Logins<'a>> {
    // Whom each was tried for, two of them at most: that is enough to be shared.
    let mut tried: HashMap<&[u8], BTreeSet<Account<'_>>> = HashMap::new();
    let has_account = |row: &Logins<'_>| !row.user.is_some_and(is_anonymous);
    for (row, passwords) in rows.iter().filter(|(row, _)| has_account(row)) {
        for password in passwords.iter().filter(|password| !password.is_empty()) {
            let of = tried.entry(password).or_default();
            if of.len() < 2 {
                of.insert((row.user, row.server.ip));
            }
        }
    }
    let mut numbers: HashMap<&[u8], u64> = HashMap::new();
    let rows = rows.into_iter().map(|(mut row, passwords)| {
        row.passwords = passwords.len() as u64;
        let mut all = passwords.into_iter();
        if let (Some(text), None) = (all.next(), all.next()) {
            let is_shared = tried.get(text).is_some_and(|of| of.len() > 1);
            let shared = is_shared.then(|| {
                let next = numbers.len() as u64 + 1;
                *numbers.entry(text).or_insert(next)
            });
            let strength = Strength::of(row.user.unwrap_or_default(), text);
            row.password = Some(Password { text, strength, shared });
        }
        row
    });
    rows.collect()
}

/// What was tried in a session, as its commands and their answers tell; and where they do not tell
/// how it ended, what the session does.
fn tries(session: &Session) -> Vec<Try<'_>> {
    let mut tries: Vec<Try<'_>> = Vec::new();
    let (mut user, mut last) = (None, session.tcp.link.first);
    for exchange in &session.exchanges {
        let Some(sent) = &exchange.sent else { continue };
        let password = match sent.command.verb {
            Verb::User => {
                user = Some(sent.command.user());
                None
            }
            Verb::Pass => Some(sent.command.arg()),
            _ => continue,
        };
        last = sent.stamp;
        if let Some(outcome) = answer(exchange) {
            tries.push(Try { user, password, outcome, stamp: sent.stamp });
        }
    }
    let end = session.login.outcome;
    if tries.iter().all(|it| it.outcome != end) {
        tries.push(Try {
            user: session.login.user.as_deref(),
            password: session.login.password.as_deref(),
            outcome: end,
            stamp: last,
        });
    }
    tries
}

/// What the answer to a USER or a PASS makes of it; `None` if that depends on what follows.
fn answer(exchange: &Exchange) -> Option<LoginOutcome> {
    let reply = &exchange.final_reply()?.reply;
    let refused = reply.is_refusal().then_some(LoginOutcome::Refused);
    if reply.lets_in() { Some(LoginOutcome::Accepted) } else { refused }
}
