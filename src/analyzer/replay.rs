//! The bytes of transfers, read from the capture again: content is not kept.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::AnalysisOptions;
use crate::capture::{Capture, CaptureError, Frame, ReadOptions, Source};
use crate::decode::{Decoded, Decoder, FlowKey, Net, Segment};
use crate::hash::{HashSet, Workers};
use crate::session::Agreement;
use crate::tcp::{Budget, Conn, ConnEvent, Dir};
use crate::time::Place;
use crate::transfer::{Builder, ByteSink, Content, DataConnection, Face, Means, Room, Transfer};

/// Opens a capture to [`replay`] a transfer: near its first frame, where places were noted when the
/// capture was read. Where there are tunnels, all of them must be met again.
pub fn open_near(
    sources: &[Source],
    reading: ReadOptions,
    transfer: &Transfer,
) -> Result<Capture, CaptureError> {
    let data = transfer.data.as_ref();
    match data.filter(|data| data.originator.ip.net == Net::default()) {
        Some(data) => Capture::open_near(sources, reading, data.link.first.frame()),
        None => Capture::open(sources, reading),
    }
}

/// Reads the data connection of a transfer again, from its first frame to its last, and gives the
/// octets of the file to the sink that `open` makes. `None` if the transfer has no content, or
/// reading ended before it did; `is_enough` ends it.
pub fn replay(
    capture: &mut Capture,
    transfer: &Transfer,
    options: &AnalysisOptions,
    mut open: impl FnMut() -> Box<dyn ByteSink>,
    is_enough: impl Fn() -> bool,
) -> Option<Content> {
    let mut content = None;
    let mut visitor = Visitor {
        open: &mut |_| Some(open()),
        is_enough: &is_enough,
        found: &mut |_, again| content = Some(again.clone()),
    };
    let wanted = [Wanted { transfer, hashes: options.hashes }];
    replay_all(capture, &wanted, options, &mut visitor);
    content
}

/// A transfer that is to be read again, with which hashes.
pub(super) struct Wanted<'a> {
    pub(super) transfer: &'a Transfer,
    pub(super) hashes: HashSet,
}

/// Who wants transfers read again. Each is named by its place among those that are wanted.
pub(super) struct Visitor<'a> {
    /// Makes the sink for the octets of the file, if they are wanted.
    pub(super) open: &'a mut dyn FnMut(usize) -> Option<Box<dyn ByteSink>>,
    pub(super) is_enough: &'a dyn Fn() -> bool,
    /// Takes what was found again, whole as it was.
    pub(super) found: &'a mut dyn FnMut(usize, &Content),
}

/// Reads the data connections of all these transfers again, in one pass that ends with the last of
/// them. Frames between them are passed over without being looked at, but where there are tunnels,
/// which are numbered as they are met. What is held at one time is what was held when they were
/// read first.
pub(super) fn replay_all(
    capture: &mut Capture,
    wanted: &[Wanted<'_>],
    options: &AnalysisOptions,
    visitor: &mut Visitor<'_>,
) {
    let mut again = Again::new(wanted, options);
    let mut decoder = Decoder::new(&options.limits);
    capture.for_each(|frame| {
        again.push(&frame, &mut decoder, visitor);
        if again.is_over() || (visitor.is_enough)() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
}

/// A capture that is read again.
struct Again<'a> {
    wanted: &'a [Wanted<'a>],
    options: &'a AnalysisOptions,
    /// Who is wanted, by the first frame of their connections: two sessions may share one.
    begins: HashMap<Place, Vec<usize>>,
    open: HashMap<FlowKey, Open>,
    has_tunnels: bool,
    budget: Budget,
    room: Room,
    workers: Workers,
}

/// A connection being read.
struct Open {
    conn: Conn,
    last: Place,
    parts: Vec<Part>,
}

/// A transfer that it carries.
struct Part {
    wanted: usize,
    dir: Dir,
    agreement: Agreement,
    builder: Builder,
}

impl<'a> Again<'a> {
    fn new(wanted: &'a [Wanted<'a>], options: &'a AnalysisOptions) -> Self {
        let limits = &options.limits;
        let mut begins: HashMap<Place, Vec<usize>> = HashMap::new();
        let mut has_tunnels = false;
        for (nth, wanted) in wanted.iter().enumerate() {
            if let Some(data) = &wanted.transfer.data {
                begins.entry(data.link.first.place).or_default().push(nth);
                has_tunnels |= data.originator.ip.net != Net::default();
            }
        }
        let budget = Budget::new(limits.early_bytes_each, limits.early_bytes_all);
        Self {
            wanted,
            options,
            begins,
            open: HashMap::new(),
            has_tunnels,
            budget: Budget { overlap: options.overlap, anomalies: limits.anomalies, ..budget },
            room: Room::new(limits.carried_bytes, limits.decoders),
            workers: Workers::new(options.threads),
        }
    }

    fn is_over(&self) -> bool {
        self.begins.is_empty() && self.open.is_empty()
    }

    fn push(&mut self, frame: &Frame<'_>, decoder: &mut Decoder, visitor: &mut Visitor<'_>) {
        let begin = self.begins.remove(&frame.stamp.place);
        if begin.is_none() && self.open.is_empty() && !self.has_tunnels {
            return;
        }
        let Decoded::Tcp(segment) = decoder.decode(frame) else { return };
        let (key, _) = FlowKey::of(segment.src, segment.dst);
        if let Some(open) = begin.and_then(|begin| self.begin(&begin, &segment)) {
            self.open.insert(key, open);
        }
        let Some(open) = self.open.get_mut(&key) else { return };
        let Self { budget, room, workers, options, .. } = self;
        let Open { conn, parts, last } = open;
        conn.handle(&segment, budget, &mut |event| {
            each(parts, &event, options, room, workers, visitor);
        });
        if *last == frame.stamp.place
            && let Some(open) = self.open.remove(&key)
        {
            self.finish(open, visitor);
        }
    }

    fn begin(&self, wanted: &[usize], segment: &Segment<'_>) -> Option<Open> {
        let limits = &self.options.limits;
        let mut last = None;
        let parts = wanted.iter().filter_map(|nth| {
            let Wanted { transfer, hashes } = self.wanted.get(*nth)?;
            let data = transfer.data.as_ref().filter(|data| is_of(segment, data))?;
            last = Some(data.link.last.place);
            Some(Part {
                wanted: *nth,
                dir: transfer.content_dir()?,
                agreement: transfer.request.agreement(),
                builder: Builder::new(data.id, *hashes),
            })
        });
        let parts: Vec<_> = parts.collect();
        let mut conn = Conn::new(segment);
        let is_compared = self.open.len() < limits.compared;
        conn.remember(if is_compared { limits.compared_bytes } else { limits.remembered_bytes });
        Some(Open { conn, last: last.filter(|_| !parts.is_empty())?, parts })
    }

    fn finish(&mut self, open: Open, visitor: &mut Visitor<'_>) {
        let Self { budget, room, workers, options, .. } = self;
        let Open { mut conn, mut parts, .. } = open;
        conn.finish(budget, &mut |event| {
            each(&mut parts, &event, options, room, workers, visitor);
        });
        for Part { wanted, dir, builder, .. } in parts {
            let carried = builder.finish(&conn, room, workers);
            (visitor.found)(wanted, carried.from(dir));
            room.give_back(carried.weight());
        }
    }
}

/// Gives an event to all that a connection carries.
fn each(
    parts: &mut [Part],
    event: &ConnEvent<'_>,
    options: &AnalysisOptions,
    room: &mut Room,
    workers: &mut Workers,
    visitor: &mut Visitor<'_>,
) {
    for Part { wanted, dir, agreement, builder } in parts {
        let means = Means { limits: &options.limits, room, workers };
        let open = |_, of, face| match of == *dir && face == Face::File {
            true => (visitor.open)(*wanted),
            false => None,
        };
        builder.handle(event, means, open, |_| Some(agreement.clone()));
    }
}

fn is_of(segment: &Segment<'_>, data: &DataConnection) -> bool {
    FlowKey::of(segment.src, segment.dst).0 == FlowKey::of(data.originator, data.responder).0
}
