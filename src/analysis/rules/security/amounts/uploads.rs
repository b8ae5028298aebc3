//! Much that is sent out.

use std::ops::Range;

use super::super::moved::File;
use super::{Check, Found, HOUR_NS, Kind, MB, Rule, apart, by_time, pairs, sessions, sized};
use crate::analysis::finding::{Certainty, Draft, Severity, counted_were, spoken};
use crate::analysis::{Analysis, Policy};
use crate::session::Session;

pub(super) const UPLOAD_VOLUME: Rule = Rule {
    id: "upload-volume",
    kind: Kind::Security { attack: &["T1048.003"] },
    help: "A client inside sent much to a server outside, and fetched little.",
    meaning: "Data that is stolen leaves a network as uploads do.",
    evidence: "Bytes of uploads from inside to outside in an hour above the threshold, and more than \
               five times what came back from the same server in that hour.",
    false_positives: "Backups to a server outside, and whoever delivers something large.",
    fix: "Ask what was sent; where it is meant to go there, name the server in `allowed_servers` of `--config`.",
    check: Check::Capture(upload_volume),
};

/// Uploads are this many times the downloads.
const TIMES: u64 = 5;

fn upload_volume(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    let most = policy.threshold("upload-mb-per-hour").saturating_mul(MB);
    let is_outside = |file: File<'_>| {
        let Session { client, server, .. } = file.session;
        policy.is_inside(client.ip.addr) && !policy.is_inside(server.ip.addr)
    };
    for files in pairs(analysis, policy, is_outside).into_values() {
        let sent = files.iter().filter(|file| file.is_upload());
        if sent.map(|file| file.bytes()).sum::<u64>() <= most {
            continue;
        }
        let files = by_time(files);
        if let Some((range, amount)) = window(&files, most) {
            told(files.get(range).unwrap_or_default(), amount, found);
        }
    }
}

/// Bytes each way.
#[derive(Clone, Copy, Default)]
struct Amount {
    sent: u64,
    fetched: u64,
}

/// The hour in which most was sent, if that is more than it may be.
fn window(files: &[File<'_>], most: u64) -> Option<(Range<usize>, Amount)> {
    let (mut first, mut amount) = (0, Amount::default());
    let mut best: Option<(Range<usize>, Amount)> = None;
    for (last, file) in files.iter().enumerate() {
        *side(&mut amount, *file) += in_an_hour(*file);
        while let Some(oldest) = files.get(first)
            && apart(*oldest, *file) > HOUR_NS
        {
            *side(&mut amount, *oldest) -= in_an_hour(*oldest);
            first += 1;
        }
        let is_much = amount.sent > most && amount.sent > amount.fetched.saturating_mul(TIMES);
        if is_much && best.as_ref().is_none_or(|(_, known)| known.sent < amount.sent) {
            best = Some((first..last + 1, amount));
        }
    }
    best
}

fn side<'a>(amount: &'a mut Amount, file: File<'_>) -> &'a mut u64 {
    if file.is_upload() { &mut amount.sent } else { &mut amount.fetched }
}

/// Bytes of it in an hour: what takes longer is spread over its time.
fn in_an_hour(file: File<'_>) -> u64 {
    let ends = file.content().and_then(|content| content.first.zip(content.last));
    let time = ends.and_then(|(first, last)| last.at.nanos_since(first.at)).unwrap_or(0);
    let time = u128::from(time.max(HOUR_NS).unsigned_abs());
    let share = u128::from(file.bytes()) * u128::from(HOUR_NS.unsigned_abs()) / time;
    u64::try_from(share).unwrap_or(u64::MAX)
}

fn told(files: &[File<'_>], amount: Amount, found: &mut Found) {
    let sent: Vec<_> = files.iter().copied().filter(|file| file.is_upload()).collect();
    let (Some(first), Some(last)) = (sent.first(), sent.last()) else { return };
    let Some(largest) = sent.iter().max_by_key(|file| file.bytes()) else { return };
    let Session { client, server, .. } = first.session;
    let draft = Draft::new(
        Severity::Warning,
        Certainty::Medium,
        format!(
            "{} sent {} to {}, outside, within an hour, and fetched {}.",
            client.ip,
            sized(amount.sent),
            server.ip,
            sized(amount.fetched)
        ),
    )
    .transfer(Some(largest.transfer.request.id))
    .frames(first.frames())
    .frames(last.frames())
    .frames(largest.frames())
    .explained(format!(
        "{} sent; from the first command to the last it took {}.",
        counted_were(sent.len() as u64, "file"),
        spoken(apart(*first, *last))
    ))
    .with("sent", amount.sent)
    .with("fetched", amount.fetched)
    .with("files", sent.len())
    .cause(format!("{} {}", client.ip, server.ip));
    found.add_over(&sessions(files), File::of_effect(draft));
}
