//! Two directions that share a budget, each against an array of octets painted as slowly as it
//! is obvious.

#![no_main]

use ftpscope::tcp::{Assembler, Budget, Mark, Overlap, StreamEvent};
use ftpscope::time::{Stamp, Timestamp};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    last_wins: bool,
    is_bounded: bool,
    steps: Vec<(bool, Step)>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Push { at: u8, len: u8, acked: u8, ready: bool, differs_at: Option<u8> },
    Drain { peer_next: u8 },
    Lose { upto: u8 },
}

/// What one direction must be.
#[derive(Default)]
struct Painted {
    /// The copy the receiver took, or would take.
    taken: Vec<Option<u8>>,
    copies: Vec<Vec<u8>>,
    next: usize,
    /// Octets behind the last gap; those before it need not be remembered.
    compared: usize,
    conflict: bool,
}

fuzz_target!(|input: Input| {
    let mut budget = match input.is_bounded {
        true => Budget::new(EACH, EACH + EACH / 2),
        false => Budget::new(usize::MAX, usize::MAX),
    };
    budget.overlap = if input.last_wins { Overlap::Last } else { Overlap::First };
    let mut real = [Assembler::default(), Assembler::default()];
    real.iter_mut().for_each(|real| real.remember(CELLS));
    let mut painted = [Painted::new(), Painted::new()];
    for (frame, (second, step)) in (1..).zip(&input.steps) {
        let (real, painted) = (&mut real[usize::from(*second)], &mut painted[usize::from(*second)]);
        take(step, frame, input.is_bounded, real, painted, &mut budget);
        assert_eq!(real.next(), painted.next as u64);
        assert!(budget.held <= 2 * EACH + EACH / 2 + 512 || !input.is_bounded);
    }
    for (real, painted) in real.iter_mut().zip(&mut painted) {
        while !real.is_drained() {
            let end = real.end();
            let mut see = |event: StreamEvent<'_>| painted.see(&event, u64::MAX, None);
            real.lose(end, mark(u64::MAX, 0), &mut see);
            real.drain(u64::MAX, &mut budget, &mut see);
        }
        assert_eq!(real.next(), painted.next as u64);
    }
    assert_eq!(budget.held, 0);
});

fn take(
    step: &Step,
    frame: u64,
    is_bounded: bool,
    real: &mut Assembler,
    painted: &mut Painted,
    budget: &mut Budget,
) {
    match *step {
        Step::Push { at, len, acked, ready, differs_at } => {
            let at = usize::from(at);
            let mut bytes: Vec<u8> = (at..at + usize::from(len)).map(|at| at as u8).collect();
            if let Some(byte) = differs_at.and_then(|at| bytes.get_mut(usize::from(at))) {
                *byte ^= 0x80;
            }
            let differs = painted.paint(at, &bytes, budget.overlap);
            painted.conflict = false;
            let mark = mark(frame, acked.into());
            let mut see = |event: StreamEvent<'_>| painted.see(&event, frame, Some((at, &bytes)));
            real.push(at as u64, &bytes, mark, ready, budget, &mut see);
            if !is_bounded {
                assert!(painted.conflict || !differs, "an octet that differs is told");
            }
        }
        Step::Drain { peer_next } => {
            let before = real.next();
            let mut see = |event: StreamEvent<'_>| painted.see(&event, frame, None);
            let any = real.drain(peer_next.into(), budget, &mut see);
            assert_eq!(any, real.next() != before);
            if let Some((first, mark)) = real.first_held() {
                assert!(first > real.next() || mark.acked > u64::from(peer_next));
            }
        }
        Step::Lose { upto } => {
            let mut see = |event: StreamEvent<'_>| painted.see(&event, frame, None);
            real.lose(upto.into(), mark(frame, 0), &mut see);
        }
    }
    if !is_bounded {
        let held = painted.taken[painted.next..].iter().any(Option::is_some);
        assert_eq!(real.is_drained(), !held, "nothing captured is forgotten");
    }
}

impl Painted {
    fn new() -> Self {
        Self { taken: vec![None; CELLS], copies: vec![Vec::new(); CELLS], ..Self::default() }
    }

    /// Paints a copy; whether it differs from what had been taken.
    fn paint(&mut self, at: usize, bytes: &[u8], overlap: Overlap) -> bool {
        let mut differs = false;
        for (at, byte) in (at..).zip(bytes) {
            if at >= self.next {
                let taken = self.taken[at].get_or_insert(*byte);
                differs |= taken != byte;
                if overlap == Overlap::Last {
                    *taken = *byte;
                }
            } else if at >= self.compared {
                differs |= self.taken[at].is_some_and(|taken| taken != *byte);
            }
            self.copies[at].push(*byte);
        }
        differs
    }

    /// Holds an event against the array. A small budget may hand out a copy before a better one
    /// is looked at, so then any copy will do.
    fn see(&mut self, event: &StreamEvent<'_>, frame: u64, pushed: Option<(usize, &[u8])>) {
        match *event {
            StreamEvent::Data { offset, bytes, .. } => {
                assert_eq!(offset, self.next as u64);
                assert!(!bytes.is_empty());
                for byte in bytes {
                    let taken = &mut self.taken[self.next];
                    let is_copy = self.copies[self.next].contains(byte);
                    assert!(*taken == Some(*byte) || is_copy, "octet {}", self.next);
                    *taken = Some(*byte);
                    self.next += 1;
                }
            }
            StreamEvent::Gap { offset, len, .. } => {
                assert_eq!(offset, self.next as u64);
                assert!(len > 0);
                let end = self.next + len as usize;
                let hidden = self.taken[self.next..end].iter().flatten().count();
                assert_eq!(hidden, 0, "a gap hides what was captured");
                (self.next, self.compared) = (end, end);
            }
            StreamEvent::Conflict { offset, len, first, .. } => {
                let (at, bytes) = pushed.expect("only a push can differ");
                self.conflict = true;
                assert!(first.is_none_or(|first| first.frame() < frame));
                let mut range = offset as usize..(offset + len) as usize;
                let differs = |octet: usize| {
                    let byte = bytes[octet - at];
                    self.copies[octet].iter().any(|copy| *copy != byte)
                };
                assert!(range.any(differs), "a conflict of equal copies");
            }
        }
    }
}

fn mark(frame: u64, acked: u64) -> Mark {
    Mark { stamp: Stamp::new(Timestamp::UNKNOWN, 0, frame), acked }
}

/// An offset and a length are an octet each.
const CELLS: usize = 512;
/// Room for some pieces: each costs 128 beside its bytes.
const EACH: usize = 1024;
