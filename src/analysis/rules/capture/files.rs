//! What an input itself lacks.

use super::super::{Check, Found, Kind, Rule};
use super::{SHOWN, by_input, connections, numbered};
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::analysis::{Analysis, Policy};
use crate::capture::{Change, InputFacts};
use crate::time::Stamp;

pub(super) const DAMAGED: Rule = Rule {
    id: "capture-damaged",
    kind: Kind::Capture,
    help: "The capture is cut, damaged or was written to while it was read.",
    meaning: "What stands before the damage is good. What stood in it is not here, so what seems \
              not to have happened may have; behind it the numbers of frames may be too low.",
    evidence: "Records or blocks that cannot be what they say they are, a file that ends inside \
               one, or one that changed while it was read.",
    false_positives: "A capture that is still being written ends inside a record until the next one \
                      is flushed.",
    fix: "Copy the capture anew from where it was made, in binary, after the capturing program has \
          ended.",
    check: Check::Capture(damaged),
};

fn damaged(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let (mut frames, mut words, mut places) = (Vec::new(), Vec::new(), 0);
    for (nth, input) in analysis.inputs.iter().enumerate() {
        let is_changed = input.changed.is_some_and(|change| change != Change::Grew);
        if input.damage_count == 0 && !is_changed {
            continue;
        }
        places += input.damage_count;
        let path = input.path.display();
        words.extend(input.damage.iter().map(|damage| format!("{path}: {damage}.")));
        if let Some(change) = input.changed.filter(|_| is_changed) {
            words.push(format!("{path} was changed while it was read ({}).", change.name()));
        }
        if input.packets > 0 {
            let last = |after: u64| numbered(nth, after.clamp(1, input.packets));
            frames.extend(input.damage.iter().map(|damage| last(damage.after_packet)));
            frames.extend(is_changed.then(|| last(input.packets)));
        }
    }
    // Where no packet was read at all, the warnings say why.
    if frames.is_empty() {
        return;
    }
    let more = words.len().saturating_sub(SHOWN);
    words.truncate(SHOWN);
    if more > 0 {
        words.push(format!("And {more} more."));
    }
    frames.truncate(SHOWN);
    let draft =
        Draft::new(Severity::Warning, Certainty::High, "The capture is damaged.".to_owned())
            .frames(frames)
            .explained(words.join(" "))
            .with("places", places);
    found.add_of_capture(draft);
}

pub(super) const SNAPLEN_CUT: Rule = Rule {
    id: "capture-snaplen-cut",
    kind: Kind::Capture,
    help: "Packets were cut when they were captured: only their beginnings are here.",
    meaning: "Files and listings cannot be had from packets without their ends, and lines of the \
              dialogue may be incomplete.",
    evidence: "Packets that say they were longer on the wire than what was captured of them.",
    false_positives: "None: the capture itself says so.",
    fix: "Capture whole packets: tcpdump -s 0, tshark without -s.",
    check: Check::Capture(snaplen_cut),
};

fn snaplen_cut(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let mut frames = Vec::new();
    let mut counts = Vec::new();
    for (nth, input) in analysis.inputs.iter().enumerate() {
        if let Some(first) = input.first_cut_packet {
            counts.push((nth, input.snaplen_cut_packets));
            frames.push(numbered(nth, first));
        }
    }
    if counts.is_empty() {
        return;
    }
    let missing: u64 = connections(analysis)
        .flat_map(|connection| connection.dirs.map(|dir| dir.missing_bytes))
        .sum();
    // Of other traffic it does no harm.
    let severity = if missing > 0 { Severity::Warning } else { Severity::Info };
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let harm = match missing {
        0 => "Nothing of FTP is missing for it.".to_owned(),
        _ => format!(
            "Of FTP's connections {} are not in the capture: cut off here, or never captured.",
            counted(missing, "byte")
        ),
    };
    frames.truncate(SHOWN);
    let draft = Draft::new(severity, Certainty::High, "The capture cut packets short.".to_owned())
        .frames(frames)
        .explained(format!(
            "Of {} only the beginning is here. {harm}",
            by_input(analysis, &counts, "packet")
        ))
        .with("packets", total)
        .with("missing_bytes", missing);
    found.add_of_capture(draft);
}

pub(super) const TIME_DISORDER: Rule = Rule {
    id: "capture-time-disorder",
    kind: Kind::Capture,
    help: "The clock of the capture steps back, jumps by more than an hour, or is missing.",
    meaning: "Durations that span such a step are wrong. Packets are read in the order of the file.",
    evidence: "A packet a second or more older, or an hour or more younger, than the one before it \
               in the file; packets without a time.",
    false_positives: "Files that were joined one behind the other; a network that was silent for \
                      hours. Steps back of less than a second are ordinary where several queues or \
                      interfaces meet, and are not told.",
    fix: "Sort the file by time (reordercap), and keep the clock of the capturing host in step by \
          NTP without jumps.",
    check: Check::Capture(time_disorder),
};

fn time_disorder(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let (mut frames, mut words) = (Vec::new(), Vec::new());
    let (mut severity, mut steps) = (Severity::Info, 0);
    for (nth, input) in analysis.inputs.iter().enumerate() {
        let told = odd_times(nth, input, &mut frames);
        let is_unsure = input.time_steps_back.is_some_and(|steps| steps.largest_ns >= SECOND)
            || input.packets_without_time > 0;
        if is_unsure {
            severity = Severity::Warning;
        }
        steps += told.len() as u64;
        let of = if analysis.inputs.len() > 1 {
            format!("{}: ", input.path.display())
        } else {
            String::new()
        };
        words.extend(told.into_iter().map(|told| format!("{of}{told}.")));
    }
    if words.is_empty() {
        return;
    }
    words.truncate(SHOWN);
    frames.truncate(SHOWN);
    let title = "The clock of the capture is not to be relied on everywhere.";
    let draft = Draft::new(severity, Certainty::High, title.to_owned())
        .frames(frames)
        .explained(words.join(" "))
        .with("kinds", steps);
    found.add_of_capture(draft);
}

/// What the clock of an input did, and where.
fn odd_times(nth: usize, input: &InputFacts, frames: &mut Vec<Stamp>) -> Vec<String> {
    let mut told = Vec::new();
    let nanos = |nanos: u64| spoken(i64::try_from(nanos).unwrap_or(i64::MAX));
    if let Some(steps) = input.time_steps_back.filter(|steps| steps.largest_ns >= SECOND) {
        frames.push(numbered(nth, steps.largest_frame));
        told.push(format!(
            "The clock steps back {}, by {} at most, at frame {}",
            counted(steps.count, "time"),
            nanos(steps.largest_ns),
            steps.largest_frame
        ));
    }
    if let Some(steps) = input.time_jumps_ahead {
        frames.push(numbered(nth, steps.largest_frame));
        told.push(format!(
            "It jumps ahead {}, by {} at most, at frame {}: nothing was captured in that time, or the \
             clock was set",
            counted(steps.count, "time"),
            nanos(steps.largest_ns),
            steps.largest_frame
        ));
    }
    if let Some(first) = input.first_without_time {
        frames.push(numbered(nth, first));
        told.push(format!(
            "{} from frame {first} on tell no time",
            counted(input.packets_without_time, "packet")
        ));
    }
    told
}

/// Nanoseconds from which on a step back is more than packets of several queues that meet.
const SECOND: u64 = 1_000_000_000;
