//! Logins that are tried until one is right.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::super::super::{Check, Found, Kind, Rule};
use super::super::busiest;
use super::{Try, spelled, tries};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::analysis::{Analysis, Policy};
use crate::decode::Host;
use crate::session::{Session, is_anonymous};

pub(super) const GUESSING: Rule = Rule {
    id: "password-guessing",
    kind: Kind::Security { attack: &["T1110.001"] },
    help: "A client was refused many logins by one server.",
    meaning: "Somebody tries passwords, with a list or by hand. It is worse where one of them was \
              accepted.",
    evidence: "As many refused PASS from one client to one server, within the time, as the thresholds \
               say; anonymous logins do not count, nor refusals for want of encryption or because too \
               many are connected.",
    false_positives: "A job with an old password, which sends the same one each time; many users \
                      behind one address.",
    fix: "See whether any of the logins was accepted, and what was done with it; change that \
          password. Have the server ban addresses after a few failures.",
    check: Check::Capture(guessing),
};

fn guessing(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    let least = usize::try_from(policy.threshold("refused-logins")).unwrap_or(usize::MAX);
    let window = window_ns(policy);
    for ((client, server), pair) in pairs(analysis) {
        let burst = busiest(&pair.refused, window, |refused| refused.sent.at);
        let Some((first, last)) = burst.first().zip(burst.last()) else { continue };
        if burst.len() < least {
            continue;
        }
        let users: BTreeSet<&[u8]> = burst.iter().map(|refused| refused.user).collect();
        let right = pair.accepted.iter().find(|accepted| {
            let after_first = accepted.sent.at.nanos_since(first.sent.at);
            let after_last = accepted.sent.at.nanos_since(last.sent.at);
            users.contains(accepted.user)
                && after_first.is_some_and(|after| after >= 0)
                && after_last.is_some_and(|after| after <= window)
        });
        let is_one = burst.iter().all(|refused| refused.password == first.password);
        let took = spoken(last.answered.at.nanos_since(first.sent.at).unwrap_or(0));
        let who = who(&users);
        let title = format!(
            "{client} was refused {} by {server} in {took}, as {who}.",
            counted(burst.len() as u64, "login")
        );
        let same = match is_one && users.len() == 1 {
            true => " The password was the same each time, as of a program with an old one.",
            false => "",
        };
        let then = match right {
            Some(right) => format!(
                " In frame {} a login of {} was accepted.",
                right.answered.frame(),
                spelled(right.user)
            ),
            None => " None of them was accepted in that time.".to_owned(),
        };
        let (severity, certainty) = match (right, same.is_empty()) {
            (Some(_), true) => (Severity::Error, Certainty::High),
            (None, true) => (Severity::Warning, Certainty::High),
            (_, false) => (Severity::Info, Certainty::Medium),
        };
        let draft = Draft::new(severity, certainty, title)
            .frames(right.into_iter().flat_map(|right| [right.sent, right.answered]))
            .frames(burst.iter().map(|refused| refused.answered))
            .explained(format!(
                "From frame {} to frame {} {server} refused {} of {client}, as {who}; in all of the \
                 capture {}.{same}{then}",
                first.sent.frame(),
                last.answered.frame(),
                counted(burst.len() as u64, "login"),
                pair.refused.len()
            ))
            .with("refused", burst.len())
            .with("users", users.len())
            .cause(format!("{client} {server}"))
            .counting(pair.refused.len() as u64);
        let draft = if right.is_some() { draft.accepted() } else { draft.attempted() };
        found.add_over(&sessions(&pair.refused), draft);
    }
}

fn who(users: &BTreeSet<&[u8]>) -> String {
    match users.first() {
        Some(user) if users.len() == 1 => spelled(user),
        _ => counted(users.len() as u64, "user"),
    }
}

fn window_ns(policy: &Policy) -> i64 {
    let minutes = policy.threshold("refused-logins-minutes");
    i64::try_from(minutes.saturating_mul(60_000_000_000)).unwrap_or(i64::MAX)
}

fn sessions<'a>(tries: &[Try<'a>]) -> Vec<&'a Session> {
    let mut sessions: Vec<&Session> = tries.iter().map(|it| it.session).collect();
    sessions.sort_unstable_by_key(|session| session.id);
    sessions.dedup_by_key(|session| session.id);
    sessions
}

/// What a client tried at a server, in the order of its times.
#[derive(Default)]
struct Pair<'a> {
    refused: Vec<Try<'a>>,
    accepted: Vec<Try<'a>>,
}

/// Client and server of every refused login that is not anonymous.
fn pairs(analysis: &Analysis) -> BTreeMap<(Host, Host), Pair<'_>> {
    let key = |session: &Session| (session.client.ip, session.server.ip);
    let mut pairs: BTreeMap<_, Pair<'_>> = BTreeMap::new();
    for refused in refused(analysis) {
        pairs.entry(key(refused.session)).or_default().refused.push(refused);
    }
    if pairs.is_empty() {
        return pairs;
    }
    for accepted in analysis.sessions.iter().flat_map(named).filter(|it| it.is_accepted) {
        if let Some(pair) = pairs.get_mut(&key(accepted.session)) {
            pair.accepted.push(accepted);
        }
    }
    let order = |it: &Try<'_>| (it.sent.at, it.sent.place);
    for pair in pairs.values_mut() {
        pair.refused.sort_by_key(order);
        pair.accepted.sort_by_key(order);
    }
    pairs
}

/// Refused logins with a user's name. In most sessions none was, and those are not read.
fn refused(analysis: &Analysis) -> impl Iterator<Item = Try<'_>> {
    let sessions = analysis.sessions.iter().filter(|session| session.login.refused > 0);
    sessions.flat_map(named).filter(|it| !it.is_accepted)
}

/// Logins of a session with a user's name, at times that are known.
fn named(session: &Session) -> impl Iterator<Item = Try<'_>> {
    tries(session)
        .filter(|it| !it.user.is_empty() && !is_anonymous(it.user) && it.sent.at.is_known())
}

pub(super) const SPRAYING: Rule = Rule {
    id: "password-spraying",
    kind: Kind::Security { attack: &["T1110.003"] },
    help: "A client tried one password with several users.",
    meaning: "A few tries for each user stay below what locks an account, and some user has the \
              password that many have.",
    evidence: "PASS of one client with the same password for five or more users, most of which were \
               refused.",
    false_positives: "Several users behind one address who share a password that was changed.",
    fix: "See which of the logins were accepted and what was done with them; change those passwords, \
          and have the server ban addresses after a few failures.",
    check: Check::Capture(spraying),
};

/// Users from which on it is no coincidence.
const SPRAYED: usize = 5;

fn spraying(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let suspects: HashSet<Host> = refused(analysis).map(|it| it.session.client.ip).collect();
    if suspects.is_empty() {
        return;
    }
    let mut by_password: BTreeMap<(Host, &[u8]), Vec<Try<'_>>> = BTreeMap::new();
    let of_suspects = |session: &&Session| suspects.contains(&session.client.ip);
    for it in analysis.sessions.iter().filter(of_suspects).flat_map(named) {
        by_password.entry((it.session.client.ip, it.password)).or_default().push(it);
    }
    for ((client, _), tries) in by_password {
        let users: BTreeSet<&[u8]> = tries.iter().map(|it| it.user).collect();
        let refused = tries.iter().filter(|it| !it.is_accepted).count();
        if users.len() < SPRAYED || refused * 2 <= tries.len() {
            continue;
        }
        let servers: BTreeSet<Host> = tries.iter().map(|it| it.session.server.ip).collect();
        let right: Vec<&Try<'_>> = tries.iter().filter(|it| it.is_accepted).collect();
        let whose: BTreeSet<&[u8]> = right.iter().map(|it| it.user).collect();
        let then = match right.is_empty() {
            true => "None was accepted.".to_owned(),
            false => format!("Accepted: {}.", some_of(&whose)),
        };
        let title = format!("{client} tried one password with {} users.", users.len());
        let severity = if right.is_empty() { Severity::Warning } else { Severity::Error };
        let draft = Draft::new(severity, Certainty::High, title)
            .frames(right.iter().map(|it| it.answered))
            .frames(tries.iter().map(|it| it.sent))
            .explained(format!(
                "{} of {client} at {} had the same password, for the users {}. {refused} were \
                 refused. {then}",
                counted(tries.len() as u64, "login"),
                counted(servers.len() as u64, "server"),
                some_of(&users),
            ))
            .with("users", users.len())
            .with("refused", refused)
            .cause(client.to_string());
        let draft = if right.is_empty() { draft.attempted() } else { draft.accepted() };
        found.add_over(&sessions(&tries), draft);
    }
}

/// The first of some names.
fn some_of(users: &BTreeSet<&[u8]>) -> String {
    let named: Vec<String> = users.iter().take(NAMED).map(|user| spelled(user)).collect();
    let rest = users.len() - named.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

const NAMED: usize = 5;

pub(super) const AFTER_FAILURES: Rule = Rule {
    id: "login-after-failures",
    kind: Kind::Security { attack: &["T1110", "T1078"] },
    help: "A login was accepted after several of the same client had been refused.",
    meaning: "Passwords may have been tried until one was right.",
    evidence: "Three or more refused PASS of one client, and an accepted one at the same server within \
               the time of the threshold; three of one user within a minute are taken for mistyped. \
               Refusals of the password that was accepted do not count.",
    false_positives: "A user who remembers the password slowly; several users behind one address.",
    fix: "Ask the user whether it was him. If not, change the password and look at what was done in \
          the session.",
    check: Check::Capture(after_failures),
};

/// Failures that are told, those of a user who mistypes, and nanoseconds of those.
const FAILURES: usize = 3;
const MISTYPED: usize = 3;
const MISTYPED_NS: i64 = 60_000_000_000;

fn after_failures(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    let window = window_ns(policy);
    for ((client, server), pair) in pairs(analysis) {
        let mut refused = pair.refused.clone();
        refused.sort_by_key(|it| (it.answered.at, it.answered.place));
        let mut done = 0;
        for accepted in &pair.accepted {
            let after = |it: &Try<'_>| accepted.answered.at.nanos_since(it.answered.at);
            let from = refused.partition_point(|it| after(it).is_some_and(|ns| ns > window));
            let to = refused.partition_point(|it| after(it).is_some_and(|ns| ns > 0));
            // What one login came after is not told of the next.
            let before = refused.get(from.max(done)..to).unwrap_or_default();
            done = done.max(to);
            // A right password that was refused was refused for something else.
            let is_wrong =
                |it: &&Try<'_>| (it.user, it.password) != (accepted.user, accepted.password);
            let before: Vec<Try<'_>> = before.iter().filter(is_wrong).copied().collect();
            let Some(first) = before.first() else { continue };
            if before.len() < FAILURES || is_mistyped(&pair.refused, &before, accepted) {
                continue;
            }
            let user = spelled(accepted.user);
            let own = before.iter().filter(|it| it.user == accepted.user).count();
            let certainty = if own > 0 { Certainty::High } else { Certainty::Low };
            let title = format!(
                "{client} was let in by {server} as {user} after {} refused logins.",
                before.len()
            );
            let draft = Draft::new(Severity::Error, certainty, title)
                .frames([accepted.sent, accepted.answered])
                .frames(before.iter().rev().map(|it| it.answered))
                .explained(format!(
                    "In the {} before, {server} had refused {} of {client}, {own} of them as {user}.",
                    spoken(after(first).unwrap_or(0)),
                    counted(before.len() as u64, "login"),
                ))
                .with("user", user)
                .with("refused", before.len())
                .cause(format!("{client} {server}"))
                .accepted();
            let mut all = before;
            all.push(*accepted);
            found.add_over(&sessions(&all), draft);
        }
    }
}

/// Whether it looks like one user with a keyboard, who waits for an answer before he tries again.
fn is_mistyped(sent: &[Try<'_>], before: &[Try<'_>], accepted: &Try<'_>) -> bool {
    let waiting = sent.partition_point(|it| it.sent.at < accepted.sent.at);
    let waiting = sent.get(..waiting).unwrap_or_default().iter().rev().take(MISTYPED + 1);
    let is_open = |it: &&Try<'_>| accepted.sent.at < it.answered.at;
    let took = before.first().and_then(|first| accepted.sent.at.nanos_since(first.sent.at));
    before.len() <= MISTYPED
        && waiting.filter(is_open).count() <= 1
        && before.iter().all(|it| it.user == accepted.user)
        && took.is_some_and(|took| took <= MISTYPED_NS)
}
