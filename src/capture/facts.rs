//! What is known of an input when reading is over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use super::damage::{Damage, DamageKind};
use super::error::CaptureError;
use super::link::LinkType;
use super::times::{ClockSteps, Times};
use crate::hash::Digests;
use crate::time::Timestamp;

/// One input as it was found.
#[derive(Debug)]
pub struct InputFacts {
    /// As typed; `-` for standard input.
    pub path: PathBuf,
    pub format: Option<Format>,
    pub compression: Option<Compression>,
    /// Raw bytes read from the source.
    pub bytes: u64,
    /// Packet records read, also those whose interface is unknown.
    pub packets: u64,
    /// Of every interface that was described; sorted, each once.
    pub link_types: Vec<LinkType>,
    /// Earliest time seen, which need not be the first packet's.
    pub first_time: Timestamp,
    /// Latest time seen.
    pub last_time: Timestamp,
    /// Packets older than the one before them. Their order is the file's all the same.
    pub time_steps_back: Option<ClockSteps>,
    /// Packets more than an hour younger than the one before them: silence, or a clock that was
    /// set.
    pub time_jumps_ahead: Option<ClockSteps>,
    /// Packets that tell no time, or one beyond 1677–2262.
    pub packets_without_time: u64,
    /// The first of them.
    pub first_without_time: Option<u64>,
    /// Packets of which the snap length kept only a part.
    pub snaplen_cut_packets: u64,
    /// The first of them.
    pub first_cut_packet: Option<u64>,
    /// The first places of damage, in order.
    pub damage: Vec<Damage>,
    /// All places of damage, also those not kept.
    pub damage_count: u64,
    /// Bounds that were reached, by their names in [`Limits`](crate::limits::Limits), and how
    /// often.
    pub limits_reached: BTreeMap<&'static str, u64>,
    /// What became of the file while it was read.
    pub changed: Option<Change>,
    /// Set if and only if the input gave nothing and never could.
    pub error: Option<CaptureError>,
    /// Of the raw bytes to the very end; `None` if not asked for or not read to the end.
    pub hashes: Option<Digests>,
}

impl InputFacts {
    /// An input of which nothing is known yet.
    pub(super) fn unread(path: PathBuf) -> Self {
        Self {
            path,
            format: None,
            compression: None,
            bytes: 0,
            packets: 0,
            link_types: Vec::new(),
            first_time: Timestamp::UNKNOWN,
            last_time: Timestamp::UNKNOWN,
            time_steps_back: None,
            time_jumps_ahead: None,
            packets_without_time: 0,
            first_without_time: None,
            snaplen_cut_packets: 0,
            first_cut_packet: None,
            damage: Vec::new(),
            damage_count: 0,
            limits_reached: BTreeMap::new(),
            changed: None,
            error: None,
            hashes: None,
        }
    }
}

/// What became of a file while it was read. It is read as far as it was long when it was first
/// looked at, so a file that grows has an end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// What was added is not read.
    Grew,
    Shrank,
    /// As long as before, but written to.
    Modified,
    /// Another file has its name now.
    Replaced,
}

impl Change {
    pub fn name(self) -> &'static str {
        match self {
            Self::Grew => "grew",
            Self::Shrank => "shrank",
            Self::Modified => "modified",
            Self::Replaced => "replaced",
        }
    }
}

/// How packets are stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Microseconds.
    Pcap,
    /// Nanoseconds.
    PcapNanos,
    /// Alexey Kuznetzov's variant, with 8 more bytes before each packet.
    PcapModified,
    Pcapng,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pcap | Self::PcapNanos => "pcap",
            Self::PcapModified => "pcap-modified",
            Self::Pcapng => "pcapng",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// How a whole capture is packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    Gzip,
    Zstd,
    Lz4,
    Bzip2,
    Xz,
}

impl Compression {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// Counts one input while it is read.
pub(super) struct Tally {
    pub(super) packets: u64,
    pub(super) times: Times,
    pub(super) snaplen_cut_packets: u64,
    pub(super) first_cut_packet: Option<u64>,
    pub(super) link_types: BTreeSet<LinkType>,
    pub(super) damage: Vec<Damage>,
    pub(super) damage_count: u64,
    pub(super) limits_reached: BTreeMap<&'static str, u64>,
    damage_kept: usize,
}

impl Tally {
    pub(super) fn new(damage_kept: usize) -> Self {
        Self {
            packets: 0,
            times: Times::new(),
            snaplen_cut_packets: 0,
            first_cut_packet: None,
            link_types: BTreeSet::new(),
            damage: Vec::new(),
            damage_count: 0,
            limits_reached: BTreeMap::new(),
            damage_kept,
        }
    }

    pub(super) fn add_damage(&mut self, offset: u64, what: DamageKind) {
        self.damage_count += 1;
        if let Some(name) = what.limit() {
            *self.limits_reached.entry(name).or_default() += 1;
        }
        if self.damage.len() < self.damage_kept {
            self.damage.push(Damage { offset, after_packet: self.packets, what });
        }
    }
}
