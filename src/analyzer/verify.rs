//! Hashes that were not made when a transfer was read, and that something can be told by: the
//! capture is read again for them.

use std::collections::{BTreeMap, HashMap};

use super::AnalysisOptions;
use super::joint::Joint;
use super::replay::{Visitor, Wanted, replay_all};
use crate::analysis::Analysis;
use crate::capture::Capture;
use crate::hash::{HashSet, Hashes};
use crate::transfer::{self, Unmade};

/// Makes the hashes that servers state of transfers and that were not made, and those of files that
/// several transfers moved a part of. `again` opens the capture another time, if that can be done;
/// it is asked only where there is something of that kind.
pub fn verify(
    analysis: &mut Analysis,
    options: &AnalysisOptions,
    again: impl FnOnce() -> Option<Capture>,
) {
    let joints = joints(analysis, options);
    let stated = stated(analysis);
    let mut wanted = stated.clone();
    // By the transfer's place, which of the joints it is a piece of.
    let mut pieces = HashMap::new();
    for (nth, (_, joint)) in joints.iter().enumerate() {
        for (piece, (id, _)) in joint.pieces.iter().enumerate() {
            if let Some(place) = transfer::place_of(*id, &analysis.transfers) {
                wanted.entry(place).or_default();
                pieces.insert(place, (nth, piece));
            }
        }
    }
    if wanted.is_empty() {
        return;
    }
    let capture = again();
    let why = if capture.is_some() { Unmade::NotFoundAgain } else { Unmade::ReadOnce };
    let made = capture.map(|mut capture| {
        let joint_of = |place: usize| {
            let (nth, piece) = pieces.get(&place)?;
            Some((&joints.get(*nth)?.1, *piece))
        };
        read(&mut capture, analysis, options, &wanted, joint_of)
    });
    for (place, wire, decoded) in made.into_iter().flatten() {
        if let Some(transfer) = analysis.transfers.get_mut(place) {
            transfer.take_hashes(wire, decoded);
        }
    }
    for place in stated.into_keys() {
        if let Some(transfer) = analysis.transfers.get_mut(place) {
            transfer.give_up_hashes(why);
        }
    }
    for (file, joint) in joints {
        if let Some(joined) = joint.finish() {
            analysis.join(file, joined.hashes, &joined.overlaps);
        }
    }
    analysis.find_same();
}

/// The hashes that are stated of transfers and not made, by the transfers' places.
fn stated(analysis: &Analysis) -> BTreeMap<usize, HashSet> {
    let wanted = analysis.transfers.iter().map(transfer::Transfer::wanted_hashes);
    wanted.enumerate().filter(|(_, hashes)| !hashes.is_empty()).collect()
}

/// The files that can be hashed, with their places.
fn joints(analysis: &mut Analysis, options: &AnalysisOptions) -> Vec<(usize, Joint)> {
    let mut left = options.limits.joined_pieces;
    let mut beyond = 0;
    let mut joints = Vec::new();
    for (place, file) in analysis.files.iter().enumerate() {
        if !file.is_of_pieces() || !file.is_whole() {
            continue;
        }
        if file.pieces.len() > left {
            beyond += 1;
        } else if let Some(joint) = Joint::of(file, &analysis.transfers, options.hashes) {
            left -= file.pieces.len();
            joints.push((place, joint));
        }
    }
    if beyond > 0 {
        *analysis.capture.limits_reached.entry("joined_pieces").or_default() += beyond;
    }
    joints
}

/// The hashes of a transfer that was read again: its place, of the wire, of what that means.
type Made = (usize, Hashes, Option<Hashes>);

fn read<'a>(
    capture: &mut Capture,
    analysis: &Analysis,
    options: &AnalysisOptions,
    wanted: &BTreeMap<usize, HashSet>,
    joint_of: impl Fn(usize) -> Option<(&'a Joint, usize)>,
) -> Vec<Made> {
    let (places, wanted): (Vec<usize>, Vec<_>) = wanted
        .iter()
        .filter_map(|(place, hashes)| {
            let transfer = analysis.transfers.get(*place)?;
            Some((*place, Wanted { transfer, hashes: options.hashes | *hashes }))
        })
        .unzip();
    let mut made = Vec::new();
    let mut visitor = Visitor {
        open: &mut |nth| {
            let (joint, piece) = joint_of(*places.get(nth)?)?;
            joint.sink(piece)
        },
        is_enough: &|| false,
        found: &mut |nth, content| {
            let Some(place) = places.get(nth) else { return };
            let known = analysis.transfers.get(*place).and_then(|one| one.content.as_ref());
            if let Some((joint, _)) = joint_of(*place)
                && known.is_some_and(|known| known.hashes.is_same(&content.hashes))
            {
                joint.note_found();
            }
            let decoded = content.decoded.as_ref().map(|decoded| decoded.hashes.clone());
            made.push((*place, content.hashes.clone(), decoded));
        },
    };
    replay_all(capture, &wanted, options, &mut visitor);
    made
}
