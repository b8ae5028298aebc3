//! What an input's clock did.

use crate::time::Timestamp;

/// The clock of one input, packet by packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Of the packet before; packets without a time leave it.
    pub(super) clock: Timestamp,
    pub(super) steps_back: Option<ClockSteps>,
    pub(super) jumps_ahead: Option<ClockSteps>,
    pub(super) unknown: u64,
    pub(super) first_unknown: Option<u64>,
}

/// Steps of a clock in one direction, each from one packet to the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClockSteps {
    pub count: u64,
    /// Nanoseconds of the largest, without a sign.
    pub largest_ns: u64,
    /// The packet behind the first step.
    pub first_frame: u64,
    /// The packet behind the largest step.
    pub largest_frame: u64,
}

impl Times {
    pub(super) fn new() -> Self {
        let unknown = Timestamp::UNKNOWN;
        Self {
            first: unknown,
            last: unknown,
            clock: unknown,
            steps_back: None,
            jumps_ahead: None,
            unknown: 0,
            first_unknown: None,
        }
    }

    #[inline]
    pub(super) fn add(&mut self, at: Timestamp, frame: u64) {
        match at.nanos_since(self.clock) {
            Some(0..JUMP_NS) => {
                self.last = self.last.max(at);
                self.clock = at;
            }
            step => self.add_odd(at, frame, step),
        }
    }

    /// The first packet, one without a time, or one behind a step.
    #[cold]
    fn add_odd(&mut self, at: Timestamp, frame: u64, step: Option<i64>) {
        if !at.is_known() {
            self.unknown += 1;
            self.first_unknown.get_or_insert(frame);
            return;
        }
        self.first = if self.first.is_known() { self.first.min(at) } else { at };
        self.last = self.last.max(at);
        self.clock = at;
        match step {
            Some(..0) => note(&mut self.steps_back, step, frame),
            Some(0..) => note(&mut self.jumps_ahead, step, frame),
            None => {}
        }
    }
}

fn note(steps: &mut Option<ClockSteps>, step: Option<i64>, frame: u64) {
    let nanos = step.unwrap_or_default().unsigned_abs();
    let none = ClockSteps { count: 0, largest_ns: 0, first_frame: frame, largest_frame: frame };
    let steps = steps.get_or_insert(none);
    steps.count += 1;
    if nanos > steps.largest_ns {
        (steps.largest_ns, steps.largest_frame) = (nanos, frame);
    }
}

/// An hour: silence of minutes is ordinary.
const JUMP_NS: i64 = 3_600_000_000_000;
