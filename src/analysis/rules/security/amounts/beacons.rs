//! Uploads that come by the clock.

use std::ops::Range;

use super::super::moved::File;
use super::{Check, Found, Kind, Rule, pairs};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::analysis::{Analysis, Policy};
use crate::session::Session;

pub(super) const BEACONING: Rule = Rule {
    id: "beaconing-upload",
    kind: Kind::Security { attack: &["T1029", "T1020", "T1071.002"] },
    help: "A client sends small files to a server again and again, by the clock.",
    meaning: "Programs that watch a machine send what they have seen at fixed times.",
    evidence: "At least five sessions of a client with a server that sent something, at most a \
               megabyte each, with periods that differ by less than a fifth and pauses of at least \
               half a period.",
    false_positives: "Cameras, sensors, tills, scanners and jobs do the same: with a server inside it \
                      is told as information.",
    fix: "Find the program that sends; name the server or the pair as allowed if it is meant to.",
    check: Check::Capture(beaconing),
};

fn beaconing(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    for files in pairs(analysis, policy, File::is_upload).into_values() {
        let mut calls: Vec<_> =
            files.chunk_by(|one, next| one.session.id == next.session.id).collect();
        calls.retain(|files| is_small(files));
        if calls.len() < CALLS {
            continue;
        }
        calls.sort_by_key(|files| files.first().map(|file| file.session.tcp.link.first.at));
        if let Some((range, period)) = longest_run(&calls) {
            told(policy, calls.get(range).unwrap_or_default(), period, found);
        }
    }
}

/// Sessions from which on they are regular.
const CALLS: usize = 5;

const LARGEST: u64 = 1_000_000;

/// Nanoseconds of the shortest period: what is faster is one job.
const SHORTEST_NS: i64 = 1_000_000_000;

fn is_small(files: &[File<'_>]) -> bool {
    let is_timed = files.first().is_some_and(|file| file.session.tcp.link.first.at.is_known());
    is_timed && files.iter().map(|file| file.bytes()).sum::<u64>() <= LARGEST
}

/// The longest run of sessions with nearly the same periods, and the mean of those.
fn longest_run(calls: &[&[File<'_>]]) -> Option<(Range<usize>, i64)> {
    // Times may be so far apart that no 64 bits hold the sum.
    let (mut first, mut shortest, mut longest, mut sum) = (0, i64::MAX, 0, 0_i128);
    let mut best: Option<(Range<usize>, i64)> = None;
    for (nth, pair) in calls.windows(2).enumerate() {
        let period = period(pair);
        let fits = |shortest: i64, longest: i64| {
            shortest >= SHORTEST_NS && longest - shortest < shortest / 5
        };
        if let Some(period) = period
            && fits(shortest.min(period), longest.max(period))
        {
            (shortest, longest) = (shortest.min(period), longest.max(period));
            sum += i128::from(period);
        } else {
            // The period that did not fit may be the first of others.
            let begins = period.filter(|period| *period >= SHORTEST_NS);
            first = if begins.is_some() { nth } else { nth + 1 };
            (shortest, longest) = (begins.unwrap_or(i64::MAX), begins.unwrap_or(0));
            sum = begins.unwrap_or(0).into();
        }
        let range = first..nth + 2;
        if range.len() >= CALLS && best.as_ref().is_none_or(|(known, _)| known.len() < range.len())
        {
            let mean = i64::try_from(sum / (range.len() as i128 - 1)).unwrap_or(i64::MAX);
            best = Some((range, mean));
        }
    }
    best
}

/// Nanoseconds from one session to the next, if between them was a pause.
fn period(pair: &[&[File<'_>]]) -> Option<i64> {
    let [one, next] = pair else { return None };
    let (one, next) = (&one.first()?.session.tcp.link, &next.first()?.session.tcp.link);
    let period = next.first.at.nanos_since(one.first.at)?;
    let pause = next.first.at.nanos_since(one.last.at)?;
    (pause >= period / 2).then_some(period)
}

fn told(policy: &Policy, calls: &[&[File<'_>]], period: i64, found: &mut Found) {
    let files = calls.iter().filter_map(|files| files.first());
    let (Some(first), Some(last)) = (files.clone().next(), files.clone().next_back()) else {
        return;
    };
    let Session { client, server, .. } = first.session;
    let is_inside = policy.is_inside(server.ip.addr);
    let severity = if is_inside { Severity::Info } else { Severity::Error };
    let bytes: u64 = calls.iter().flat_map(|files| files.iter()).map(|file| file.bytes()).sum();
    let draft = Draft::new(
        severity,
        Certainty::Medium,
        format!(
            "{} sent files to {} in {} sessions, one every {}.",
            client.ip,
            server.ip,
            calls.len(),
            spoken(period)
        ),
    )
    .transfer(Some(first.transfer.request.id))
    .frames(files.clone().map(|file| file.transfer.request.asked))
    .explained(format!(
        "{} in all, from {} to {}. Periods differ by less than a fifth. {}",
        counted(bytes, "byte"),
        first.session.tcp.link.first.at,
        last.session.tcp.link.first.at,
        if is_inside {
            "The server is inside: cameras, sensors and scanners send like this."
        } else {
            "The server is outside."
        }
    ))
    .with("sessions", calls.len())
    .with("period_ms", (period / 1_000_000).unsigned_abs())
    .with("bytes", bytes)
    .cause(format!("{} {}", client.ip, server.ip));
    let sessions: Vec<_> = files.map(|file| file.session).collect();
    found.add_over(&sessions, File::of_effect(draft));
}
