//! What is known of an input when reading is over.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use super::damage::{Damage, DamageKind};
use super::error::CaptureError;
use super::link::LinkType;
use crate::hash::Hashes;
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
    /// Packets of which the snap length kept only a part.
    pub snaplen_cut_packets: u64,
    /// The first places of damage, in order.
    pub damage: Vec<Damage>,
    /// All places of damage, also those not kept.
    pub damage_count: u64,
    /// Set if and only if the input gave nothing and never could.
    pub error: Option<CaptureError>,
    /// Of the raw bytes to the very end; `None` if not asked for or not read to the end.
    pub hashes: Option<Hashes>,
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
            snaplen_cut_packets: 0,
            damage: Vec::new(),
            damage_count: 0,
            error: None,
            hashes: None,
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
    pub(super) first_time: Timestamp,
    pub(super) last_time: Timestamp,
    pub(super) snaplen_cut_packets: u64,
    pub(super) link_types: BTreeSet<LinkType>,
    pub(super) damage: Vec<Damage>,
    pub(super) damage_count: u64,
    damage_kept: usize,
}

impl Tally {
    pub(super) fn new(damage_kept: usize) -> Self {
        Self {
            packets: 0,
            first_time: Timestamp::UNKNOWN,
            last_time: Timestamp::UNKNOWN,
            snaplen_cut_packets: 0,
            link_types: BTreeSet::new(),
            damage: Vec::new(),
            damage_count: 0,
            damage_kept,
        }
    }

    /// Notes one packet's clock. [`Timestamp::UNKNOWN`] is the least value, so it never
    /// becomes the latest by comparison, but would become the earliest.
    pub(super) fn add_time(&mut self, at: Timestamp) {
        if at.is_known() && (at < self.first_time || !self.first_time.is_known()) {
            self.first_time = at;
        }
        self.last_time = self.last_time.max(at);
    }

    pub(super) fn add_damage(&mut self, offset: u64, what: DamageKind) {
        self.damage_count += 1;
        if self.damage.len() < self.damage_kept {
            self.damage.push(Damage { offset, after_packet: self.packets, what });
        }
    }
}
