//! Inputs as they were found.

use schemars::JsonSchema;
use serde::Serialize;

use super::parts::{Shown, time};
use crate::capture::{Change, ClockSteps, InputFacts};
use crate::time::Timestamp;

/// One input as it was found.
#[derive(Serialize, JsonSchema)]
pub struct InputRecord {
    /// As typed.
    pub path: String,
    pub format: Option<&'static str>,
    pub compression: Option<&'static str>,
    /// Raw bytes read.
    pub bytes: u64,
    pub packets: u64,
    pub link_types: Vec<String>,
    pub first_time: Option<Shown<Timestamp>>,
    pub last_time: Option<Shown<Timestamp>>,
    /// Packets older than the one before them; they stay in the order of the file.
    pub time_steps_back: Option<ClockStepsRecord>,
    /// Packets more than an hour younger than the one before them.
    pub time_jumps_ahead: Option<ClockStepsRecord>,
    /// Packets that tell no time.
    pub packets_without_time: u64,
    pub snaplen_cut_packets: u64,
    pub damage: Option<DamageRecord>,
    /// What became of the file while it was read: `grew` (what was added is not here), `shrank`,
    /// `modified`, `replaced`.
    pub changed: Option<&'static str>,
    /// Why nothing of it could be read.
    pub error: Option<String>,
}

impl InputRecord {
    pub fn new(facts: &InputFacts) -> Self {
        let places = facts.damage.iter().map(|damage| DamagePlaceRecord {
            offset: damage.offset,
            after_packet: damage.after_packet,
            what: damage.what.to_string(),
        });
        let damage = DamageRecord { count: facts.damage_count, places: places.collect() };
        Self {
            path: facts.path.to_string_lossy().into_owned(),
            format: facts.format.map(|format| format.name()),
            compression: facts.compression.map(|compression| compression.name()),
            bytes: facts.bytes,
            packets: facts.packets,
            link_types: facts.link_types.iter().map(ToString::to_string).collect(),
            first_time: time(facts.first_time),
            last_time: time(facts.last_time),
            time_steps_back: facts.time_steps_back.map(ClockStepsRecord::new),
            time_jumps_ahead: facts.time_jumps_ahead.map(ClockStepsRecord::new),
            packets_without_time: facts.packets_without_time,
            snaplen_cut_packets: facts.snaplen_cut_packets,
            damage: (damage.count > 0).then_some(damage),
            changed: facts.changed.map(Change::name),
            error: facts.error.as_ref().map(ToString::to_string),
        }
    }
}

/// Steps of a capture's clock in one direction, from one packet to the next.
#[derive(Serialize, JsonSchema)]
pub struct ClockStepsRecord {
    pub count: u64,
    pub largest_ns: u64,
    /// The packet behind the first step.
    pub first_frame: u64,
    /// The packet behind the largest.
    pub largest_frame: u64,
}

impl ClockStepsRecord {
    fn new(steps: ClockSteps) -> Self {
        let ClockSteps { count, largest_ns, first_frame, largest_frame } = steps;
        Self { count, largest_ns, first_frame, largest_frame }
    }
}

/// Places where an input is not what its format says.
#[derive(Serialize, JsonSchema)]
pub struct DamageRecord {
    /// All places, also those not listed.
    pub count: u64,
    pub places: Vec<DamagePlaceRecord>,
}

#[derive(Serialize, JsonSchema)]
pub struct DamagePlaceRecord {
    /// Byte in the decompressed stream.
    pub offset: u64,
    /// Packets of this input before it.
    pub after_packet: u64,
    pub what: String,
}
