//! Where and how the capture was taken, as far as it shows in the packets.

use super::super::{Check, Found, Kind, Rule};
use super::{Occurrences, connections};
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::analysis::{Analysis, Policy};

pub(super) const DUPLICATES: Rule = Rule {
    id: "capture-duplicates",
    kind: Kind::Capture,
    help: "Packets are in the capture twice.",
    meaning: "The capture was taken at two places, such as both directions of a mirror port or two \
              interfaces of a bridge. The second copies are passed over; they are no retransmissions.",
    evidence: "Packets that are the same to the IP identification or the hop, a moment apart.",
    false_positives: "None known.",
    fix: "Nothing has to change; to halve the file, mirror one direction of each port, or use \
          editcap -d.",
    check: Check::Capture(duplicates),
};

fn duplicates(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let (mut seen, mut packets) = (Occurrences::default(), 0u64);
    for connection in connections(analysis) {
        let copies: u64 = connection.dirs.iter().map(|dir| u64::from(dir.duplicates)).sum();
        if copies > 0 {
            packets += copies;
            seen.note(connection.link.first);
        }
    }
    if packets == 0 {
        return;
    }
    let title = "Packets are in the capture twice.";
    let draft = Draft::new(Severity::Info, Certainty::High, title.to_owned())
        .frames(seen.frames)
        .explained(format!(
            "In {}, {} came a second time: copies made by the capture, not \
             retransmissions. The frames named are the first of each connection.",
            counted(seen.count, "connection"),
            counted(packets, "packet")
        ))
        .with("packets", packets)
        .with("connections", seen.count);
    found.add_of_capture(draft);
}

pub(super) const OFFLOAD: Rule = Rule {
    id: "capture-offload",
    kind: Kind::Capture,
    help: "Segments are larger than any that was on the wire.",
    meaning: "The capture was taken on one of the hosts, or on a box that joins segments, before its \
              network card cut them or after it joined them. What was on the wire is smaller; \
              checksums of what that host sends may be wrong here and are right on the wire.",
    evidence: "Segments with more payload than their receiver said in its SYN it takes, or, where \
               that was not captured, than a jumbo frame of Ethernet carries.",
    false_positives: "None known.",
    fix: "Nothing has to change. To see packets as they are on the wire, capture on another host or \
          a tap, or turn off offloading while capturing (ethtool -K DEV gso off gro off tso off lro \
          off).",
    check: Check::Capture(offload),
};

fn offload(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let mut joined = Occurrences::default();
    let mut first = None;
    for connection in connections(analysis) {
        for ((dir, other), from) in connection.directions().into_iter().zip(connection.ends) {
            let most = other.mss.map_or(JUMBO, u32::from);
            if dir.largest_segment > most {
                joined.note(connection.link.first);
                first.get_or_insert((from, dir.largest_segment, other.mss));
            }
        }
    }
    let Some((from, bytes, mss)) = first else { return };
    let most = match mss {
        Some(mss) => format!("its receiver takes {mss} at most"),
        None => format!("a jumbo frame of Ethernet carries {JUMBO} at most"),
    };
    let title = "Segments are larger here than on the wire.";
    let draft = Draft::new(Severity::Info, Certainty::High, title.to_owned())
        .frames(joined.frames)
        .explained(format!(
            "In {} of connections there are segments larger than the wire has; the first is of \
             {from}, with up to {bytes} bytes in one segment where {most}. A network card cut or \
             joined them.",
            counted(joined.count, "direction")
        ))
        .with("directions", joined.count)
        .with("largest_segment", bytes);
    found.add_of_capture(draft);
}

/// Octets of payload in an Ethernet frame of 9000.
const JUMBO: u32 = 8960;

pub(super) const BOTH_SIDES_OF_NAT: Rule = Rule {
    id: "capture-both-sides-of-nat",
    kind: Kind::Capture,
    help: "Sessions were captured on both sides of a box that rewrites addresses.",
    meaning: "They are told once, as one session with two legs; the second leg shows what the box \
              made of addresses and of what was said.",
    evidence: "Two control connections between different addresses with the same sequence numbers, \
               or the same dialogue in the order in which it must pass two places.",
    false_positives: "None known.",
    fix: "Nothing has to change: this is the best place to see what the box does.",
    check: Check::Capture(both_sides_of_nat),
};

fn both_sides_of_nat(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let (mut count, mut frames, mut first) = (0u64, Vec::new(), None);
    for session in &analysis.sessions {
        let ends = (session.client, session.server);
        // The same addresses in and out of a tunnel are no translation.
        let is_rewritten = |client: crate::decode::Endpoint, server: crate::decode::Endpoint| {
            (client.ip.addr, client.port, server.ip.addr, server.port)
                != (ends.0.ip.addr, ends.0.port, ends.1.ip.addr, ends.1.port)
        };
        let mut legs = session.legs.iter().filter(|leg| is_rewritten(leg.client, leg.server));
        let Some(leg) = legs.next() else { continue };
        count += 1;
        if count <= PAIRS {
            frames.extend([session.tcp.link.first, leg.link.first]);
        }
        first.get_or_insert((session, leg));
    }
    let Some((session, leg)) = first else { return };
    let title = "Sessions were captured on both sides of address translation.";
    let draft = Draft::new(Severity::Info, Certainty::High, title.to_owned())
        .frames(frames)
        .explained(format!(
            "{} in two places, with other addresses: the first from {} to {} and from {} to {}. Each \
             is told once.",
            counted(count, "session"),
            session.client,
            session.server,
            leg.client,
            leg.server
        ))
        .with("sessions", count);
    found.add_of_capture(draft);
}

/// Sessions of which both first frames are named.
const PAIRS: u64 = 4;
