//! The pipeline: frames in, results out. Only here is every floor known, and here they are only
//! joined: the packets' way in this file, that of what they say in `world.rs`.

mod joint;
mod replay;
mod verify;
mod world;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

pub use self::replay::{open_near, replay};
pub use self::verify::verify;
use self::world::{Next, Role, World};
use crate::analysis::{CaptureFacts, Collector};
use crate::capture::{Capture, Frame};
use crate::decode::{Decoded, Decoder, Net, Segment, Why};
use crate::hash;
use crate::limits::Limits;
use crate::session::{Session, SessionId};
use crate::tcp::{Budget, ConnTable, Found, Overlap, Slot};
use crate::time::Stamp;
use crate::transfer::Sinks;

/// What the analysis is told beside the packets.
#[derive(Clone, Debug, Default)]
pub struct AnalysisOptions {
    pub limits: Limits,
    /// Ports of FTP control connections beside 21.
    pub ports: Vec<u16>,
    pub hashes: hash::HashSet,
    /// Which of two differing copies of data the receivers are taken to have kept.
    pub overlap: Overlap,
    /// Threads to hash with; with one, or none, everything is done in the caller's. What comes out
    /// does not depend on it.
    pub threads: usize,
}

/// Analyses a capture: [`push`](Self::push) every frame, then [`finish`](Self::finish).
pub struct Analyzer<'a> {
    decoder: Decoder,
    table: ConnTable<Role>,
    budget: Budget,
    facts: Facts,
    world: World<'a>,
}

#[derive(Default)]
struct Facts {
    packets: u64,
    /// Tunnels the collector knows of.
    told_tunnels: u16,
    /// With the first frame of each.
    skipped: BTreeMap<Why, (u64, Stamp)>,
    /// The first IP fragment that waited for others.
    fragment: Option<Stamp>,
}

/// Reads a whole capture, or until `progress` says stop.
pub fn analyze<'a>(
    capture: &mut Capture,
    options: &AnalysisOptions,
    sinks: Option<&'a mut dyn Sinks>,
    out: &'a mut dyn Collector,
) -> CaptureFacts {
    let mut analyzer = Analyzer::new(options, sinks, out);
    capture.for_each(|frame| {
        analyzer.push(&frame);
        ControlFlow::Continue(())
    });
    analyzer.finish()
}

impl<'a> Analyzer<'a> {
    pub fn new(
        options: &AnalysisOptions,
        sinks: Option<&'a mut dyn Sinks>,
        out: &'a mut dyn Collector,
    ) -> Self {
        let limits = &options.limits;
        let budget = Budget::new(limits.early_bytes_each, limits.early_bytes_all);
        Self {
            decoder: Decoder::new(limits),
            table: ConnTable::new(limits.connections, limits.ignored_connections),
            budget: Budget { overlap: options.overlap, anomalies: limits.anomalies, ..budget },
            facts: Facts::default(),
            world: World::new(options, sinks, out),
        }
    }

    /// Takes the next frame.
    pub fn push(&mut self, frame: &Frame<'_>) {
        self.facts.packets += 1;
        let Self { decoder, table, budget, world, facts } = self;
        let (decoded, tunnels) = decoder.decode_with_tunnels(frame);
        while let Some((outer, tunnel)) = tunnels.get(Net(facts.told_tunnels.wrapping_add(1))) {
            facts.told_tunnels += 1;
            world.out.tunnel(outer, tunnel);
        }
        match decoded {
            Decoded::Tcp(segment) => push_segment(table, budget, world, &segment),
            Decoded::Fragment => {
                facts.fragment.get_or_insert(frame.stamp);
            }
            Decoded::Icmp(error) => {
                let why = if error.from.addr.is_ipv6() { Why::Icmpv6 } else { Why::Icmp };
                let (count, _) = facts.skipped.entry(why).or_insert((0, frame.stamp));
                *count += 1;
                if let Some(slot) = table.followed_between(error.src, error.dst) {
                    slot.conn.note_icmp(error);
                }
            }
            Decoded::Skipped(why) => {
                let (count, _) = facts.skipped.entry(why).or_insert((0, frame.stamp));
                *count += 1;
            }
        }
    }

    /// The sessions that go on, in the order of their numbers.
    pub fn open_sessions(&self) -> Vec<SessionId> {
        self.world.open_sessions()
    }

    /// A session that goes on, as far as it has come; what was said in it only if `is_whole`.
    pub fn open_session(&mut self, id: SessionId, is_whole: bool) -> Option<Session> {
        let (client, server) = self.world.ends_of(id)?;
        let slot = self.table.followed_between(client, server);
        self.world.open_session(id, slot.as_deref(), is_whole)
    }

    /// The capture is over: whatever is open is handed over as it is.
    pub fn finish(mut self) -> CaptureFacts {
        for slot in self.table.drain() {
            self.world.end(slot, &mut self.budget);
        }
        self.world.finish();
        let fragments = self.decoder.finish();
        let unread = fragments.incomplete_frames;
        if let Some(first) = self.facts.fragment.filter(|_| unread > 0) {
            self.facts.skipped.entry(Why::IpFragment).or_insert((0, first)).0 += unread;
        }
        let mut facts = CaptureFacts {
            tunnels: self.decoder.tunnels().clone(),
            fragments: Some(fragments).filter(|fragments| fragments.frames > 0),
            packets: self.facts.packets,
            tcp_connections: self.table.seen,
            not_ftp: std::mem::take(&mut self.world.not_ftp),
            watched: std::mem::take(&mut self.world.watched),
            ..CaptureFacts::default()
        };
        for (why, (count, first)) in self.facts.skipped {
            let name = why.name().into_owned();
            *facts.skipped.entry(name.clone()).or_default() += count;
            facts.first_skipped.entry(name).or_insert(first);
        }
        let reached = [
            ("early_bytes", self.budget.overflows),
            ("connections", self.table.evicted),
            ("ignored_connections", self.table.forgotten),
        ];
        let reached = reached.into_iter().chain(self.decoder.limits_reached());
        for (name, count) in self.world.overflows().chain(reached) {
            if count > 0 {
                *facts.limits_reached.entry(name).or_default() += count;
            }
        }
        facts
    }
}

fn push_segment(
    table: &mut ConnTable<Role>,
    budget: &mut Budget,
    world: &mut World<'_>,
    segment: &Segment<'_>,
) {
    let slot = match table.find(segment, |old| world.end(old, budget)) {
        Found::Nothing => return,
        Found::Known(slot) => slot,
        Found::New => {
            if table.is_full() {
                table.sweep(segment.stamp.at, |old| world.end(old, budget));
            }
            table.follow(segment, |conn| world.meet(conn))
        }
    };
    let Slot { conn, role, .. } = slot;
    conn.handle(segment, budget, &mut |event| world.route(role, &event));
    match world.settle(conn, role) {
        Next::Follow if conn.is_ending() => table.end_soon(segment),
        Next::Follow => {}
        Next::Ignore => {
            if let Some(slot) = table.forget(segment, false) {
                world.ignore(slot, budget);
            }
        }
        Next::End => {
            if let Some(slot) = table.forget(segment, true) {
                world.end(slot, budget);
            }
        }
    }
    while let Some(over) = table.expire(segment.stamp.at) {
        world.end(over, budget);
    }
}
