//! What the capture can show, before anything else is believed. Each is said once, of all inputs
//! and connections together.

mod coverage;
mod decoding;
mod files;
mod path;

pub(in crate::analysis) use self::decoding::hidden;
use super::Rule;
use crate::analysis::Analysis;
use crate::analysis::finding::counted;
use crate::decode::Endpoint;
use crate::tcp::{DirFacts, Link};
use crate::time::{Stamp, Timestamp};

pub(super) const RULES: &[&Rule] = &[
    &files::DAMAGED,
    &files::SNAPLEN_CUT,
    &files::TIME_DISORDER,
    &decoding::NOT_DECODED,
    &coverage::LOSS,
    &coverage::ONE_WAY,
    &coverage::STARTS_LATE,
    &coverage::ENDS_EARLY,
    &path::DUPLICATES,
    &path::OFFLOAD,
    &path::BOTH_SIDES_OF_NAT,
];

/// A connection of FTP, control or data.
#[derive(Clone, Copy)]
struct Connection<'a> {
    is_control: bool,
    link: &'a Link,
    /// Client and server, or who dialled and who was dialled.
    ends: [Endpoint; 2],
    dirs: [&'a DirFacts; 2],
}

impl<'a> Connection<'a> {
    /// Each direction, with the other one.
    fn directions(&self) -> [(&'a DirFacts, &'a DirFacts); 2] {
        let [one, other] = self.dirs;
        [(one, other), (other, one)]
    }
}

/// Every connection of FTP: control connections first.
fn connections(analysis: &Analysis) -> impl Iterator<Item = Connection<'_>> {
    let control = analysis.sessions.iter().map(|session| Connection {
        is_control: true,
        link: &session.tcp.link,
        ends: [session.client, session.server],
        dirs: [&session.tcp.from_client, &session.tcp.from_server],
    });
    let moved = analysis.transfers.iter().filter_map(|transfer| transfer.data.as_ref());
    let orphans = analysis.orphans.iter().map(|orphan| &orphan.carried.connection);
    let data = moved.chain(orphans).map(|data| Connection {
        is_control: false,
        link: &data.link,
        ends: [data.originator, data.responder],
        dirs: [&data.from_originator, &data.from_responder],
    });
    control.chain(data)
}

/// Occurrences that are told together.
#[derive(Default)]
struct Occurrences {
    count: u64,
    /// Of the first of them.
    frames: Vec<Stamp>,
}

impl Occurrences {
    fn note(&mut self, frame: Stamp) {
        self.count += 1;
        if self.frames.len() < SHOWN {
            self.frames.push(frame);
        }
    }
}

/// Frames of a finding on all of a capture: those of the first occurrences are enough to see it.
const SHOWN: usize = 8;

/// A frame that is known by its number alone.
fn numbered(input: usize, frame: u64) -> Stamp {
    let input = u16::try_from(input).unwrap_or(u16::MAX);
    Stamp::new(Timestamp::UNKNOWN, input, frame)
}

/// `1 packet of x.pcap, 3 packets of y.pcap`; of a single input without its name.
fn by_input(analysis: &Analysis, counts: &[(usize, u64)], what: &str) -> String {
    let words = counts.iter().take(SHOWN).map(|(input, count)| {
        let counted = counted(*count, what);
        match analysis.inputs.get(*input).filter(|_| analysis.inputs.len() > 1) {
            Some(input) => format!("{counted} of {}", input.path.display()),
            None => counted,
        }
    });
    let more = if counts.len() > SHOWN { " and more" } else { "" };
    format!("{}{more}", words.collect::<Vec<_>>().join(", "))
}
