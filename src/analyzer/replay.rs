//! The bytes of one transfer, read from the capture again: what is shown of a file is not kept.

use std::ops::ControlFlow;

use super::AnalysisOptions;
use crate::capture::Capture;
use crate::decode::{Decoded, Decoder, Net, Segment};
use crate::hash::Workers;
use crate::limits::Limits;
use crate::session::Agreement;
use crate::tcp::{Budget, Conn, ConnEvent, Dir};
use crate::time::Stamp;
use crate::transfer::{Builder, ByteSink, Content, DataConnection, Face, Means, Room, Transfer};

/// Reads the data connection of a transfer again, from its first frame to its last, and gives the
/// octets of the file to the sink that `open` makes. Frames before it are passed over without being
/// looked at, but where there are tunnels, which are numbered as they are met. `None` if the
/// transfer has no content, or reading ended before it did; `is_enough` ends it.
pub fn replay(
    capture: &mut Capture,
    transfer: &Transfer,
    options: &AnalysisOptions,
    open: impl FnMut() -> Box<dyn ByteSink>,
    is_enough: impl Fn() -> bool,
) -> Option<Content> {
    let data = transfer.data.as_ref()?;
    let wanted = transfer.content_dir()?;
    let limits = &options.limits;
    let mut again = Again {
        builder: Builder::new(data.id, options.hashes),
        room: Room::new(limits.carried_bytes, limits.decoders),
        workers: Workers::new(1),
        agreement: Agreement {
            is_listing: transfer.request.verb.is_listing(),
            representation: transfer.request.representation,
            protection: transfer.request.protection,
        },
        wanted,
        limits,
        open,
    };
    let mut decoder = Decoder::new(limits);
    let budget = Budget::new(limits.early_bytes_each, limits.early_bytes_all);
    let mut budget = Budget { overlap: options.overlap, anomalies: limits.anomalies, ..budget };
    let mut conn: Option<Conn> = None;
    let mut is_near = data.originator.ip.net != Net::default();
    let mut is_read = false;
    let same = |one: Stamp, other: Stamp| (one.input, one.frame) == (other.input, other.frame);
    capture.for_each(|frame| {
        is_near |= same(frame.stamp, data.link.first);
        if !is_near {
            return ControlFlow::Continue(());
        }
        is_read = same(frame.stamp, data.link.last);
        if let Decoded::Tcp(segment) = decoder.decode(&frame)
            && is_of(&segment, data)
            && (conn.is_some() || same(frame.stamp, data.link.first))
        {
            let conn = conn.get_or_insert_with(|| {
                let mut conn = Conn::new(&segment);
                conn.remember(limits.compared_bytes);
                conn
            });
            conn.handle(&segment, &mut budget, &mut |event| again.handle(&event));
        }
        if is_read || is_enough() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let mut conn = conn.filter(|_| is_read)?;
    conn.finish(&mut budget, &mut |event| again.handle(&event));
    let Again { builder, mut room, mut workers, .. } = again;
    Some(builder.finish(&conn, &mut room, &mut workers).from(wanted).clone())
}

fn is_of(segment: &Segment<'_>, data: &DataConnection) -> bool {
    let ends = (segment.src, segment.dst);
    ends == (data.originator, data.responder) || ends == (data.responder, data.originator)
}

/// A data connection that is built again.
struct Again<'a, O> {
    builder: Builder,
    room: Room,
    workers: Workers,
    agreement: Agreement,
    wanted: Dir,
    limits: &'a Limits,
    open: O,
}

impl<O: FnMut() -> Box<dyn ByteSink>> Again<'_, O> {
    fn handle(&mut self, event: &ConnEvent<'_>) {
        let Self { builder, room, workers, agreement, wanted, limits, open } = self;
        let means = Means { limits, room, workers };
        let open = |_, dir, face| (dir == *wanted && face == Face::File).then(&mut *open);
        builder.handle(event, means, open, |_| Some(agreement.clone()));
    }
}
