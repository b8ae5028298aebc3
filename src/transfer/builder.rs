//! The bytes of a data connection on their way to hashes, sinks and counts.

use super::sink::ByteSink;
use super::{Carried, DataConnection, Room, media};
use crate::hash::{HashSet, Hashes, Hashing, Workers};
use crate::limits::Limits;
use crate::session::{DataId, Expected, Request, SizeSource};
use crate::tcp::{Anomaly, AnomalyKind, Conn, ConnEvent, Dir};
use crate::time::Stamp;

/// A data connection being read. Which direction is the file, and whose, is settled later: it
/// may not be known yet when the first byte comes.
pub struct Builder {
    id: DataId,
    from_originator: Stream,
    from_responder: Stream,
}

/// What all data connections share.
pub struct Means<'a> {
    pub limits: &'a Limits,
    pub room: &'a mut Room,
    pub workers: &'a mut Workers,
}

/// What one direction carried.
#[derive(Clone, Debug)]
pub struct Content {
    /// Octets captured.
    pub bytes: u64,
    /// In order of their offsets.
    pub missing: Vec<Missing>,
    /// Octets missing beyond those listed, where there were too many to list.
    pub missing_unlisted: u64,
    /// Segments with octets that belonged to no window, and were not read.
    pub out_of_window: u64,
    /// The first octet captured is the first that was sent.
    pub from_start: bool,
    /// The FIN that ended it in order.
    pub end: Option<Stamp>,
    /// First and last frame that carried octets.
    pub first: Option<Stamp>,
    pub last: Option<Stamp>,
    /// Copies of octets that differ from the first.
    pub conflicts: Vec<Anomaly>,
    /// Octets were read whose checksum was wrong, or that were urgent and may have been taken out.
    pub is_doubtful: bool,
    /// Of the octets captured, in order; where some are missing, of what is left.
    pub hashes: Hashes,
    /// From the first octets; `None` if those are missing or there are none.
    pub media_type: Option<String>,
    /// It begins with a TLS record.
    pub is_tls: bool,
    /// The text of a listing, as far as it was kept.
    pub text: Vec<u8>,
}

/// Octets of a transfer that are not in the capture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Missing {
    /// From the first octet sent; `None` where the beginning is missing by an unknown length.
    pub offset: Option<u64>,
    /// `None` if nothing tells how many.
    pub bytes: Option<u64>,
}

struct Stream {
    bytes: u64,
    gaps: Vec<Missing>,
    unlisted: u64,
    first: Option<Stamp>,
    last: Option<Stamp>,
    end: Option<Stamp>,
    hashing: Hashing,
    head: Vec<u8>,
    /// Whether more than the head is wanted; asked when there is more.
    is_text: Option<bool>,
    /// There was no room for all of what was wanted.
    is_cut: bool,
    /// What the head told, once it has gone.
    told: Option<Told>,
    sink: Option<Box<dyn ByteSink>>,
}

/// What the beginning tells.
struct Told {
    media_type: Option<String>,
    is_tls: bool,
}

/// Octets looked at to tell the media type: the marks of all formats that are told by their
/// beginning but the ISO image's lie within.
const HEAD: usize = 4096;

impl Builder {
    pub fn new(id: DataId, hashes: HashSet) -> Self {
        Self { id, from_originator: Stream::new(hashes), from_responder: Stream::new(hashes) }
    }

    /// Takes an event of the connection. `open` makes the sink of a direction's first octets;
    /// `is_listing` tells whether the text is wanted.
    pub fn handle(
        &mut self,
        event: &ConnEvent<'_>,
        means: Means<'_>,
        open: impl FnOnce(DataId, Dir) -> Option<Box<dyn ByteSink>>,
        is_listing: impl FnOnce(DataId) -> bool,
    ) {
        let id = self.id;
        let Means { limits, room, workers } = means;
        match *event {
            ConnEvent::Data { dir, offset, bytes, mark } => {
                let stream = self.stream(dir);
                if stream.first.is_none() {
                    stream.sink = open(id, dir);
                }
                stream.take(offset, bytes, mark.stamp, workers);
                stream.keep(bytes, limits.listing_bytes, room, || is_listing(id));
            }
            ConnEvent::Gap { dir, offset, len, .. } => {
                self.stream(dir).lose(offset, len, limits.ranges, room);
            }
            ConnEvent::Fin { dir, stamp } => self.stream(dir).end = Some(stamp),
            ConnEvent::Reset { .. } => {}
        }
    }

    /// The connection is over, or the capture is.
    pub fn finish(self, conn: &Conn, workers: &mut Workers) -> Carried {
        Carried {
            connection: DataConnection {
                id: self.id,
                originator: conn.originator,
                responder: conn.responder,
                link: conn.link.clone(),
                from_originator: conn.facts(Dir::FromOriginator),
                from_responder: conn.facts(Dir::FromResponder),
            },
            from_originator: self.from_originator.finish(conn, Dir::FromOriginator, workers),
            from_responder: self.from_responder.finish(conn, Dir::FromResponder, workers),
        }
    }

    fn stream(&mut self, dir: Dir) -> &mut Stream {
        match dir {
            Dir::FromOriginator => &mut self.from_originator,
            Dir::FromResponder => &mut self.from_responder,
        }
    }
}

impl Content {
    /// Whether nothing is known to be missing.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.missing_unlisted == 0
    }

    /// Bytes it holds of the room of all.
    pub(super) fn weight(&self) -> usize {
        self.text.len() + self.missing.len() * size_of::<Missing>()
    }

    /// Whether all of it is in `text`.
    pub(super) fn is_all_text(&self) -> bool {
        self.is_whole_stream() && self.text.len() as u64 == self.bytes
    }

    /// Whether it is here from SYN to FIN with nothing missing.
    pub fn is_whole_stream(&self) -> bool {
        self.from_start && self.is_whole() && self.end.is_some()
    }

    /// Octets missing before the first one captured, where that is known of a connection whose
    /// start was not captured.
    pub fn missing_beginning(&self) -> Option<u64> {
        let first = self.missing.first().filter(|_| !self.from_start)?;
        first.bytes.filter(|_| first.offset == Some(0))
    }

    /// A beginning that was not captured has no length of its own; if the size is known and the
    /// rest is there, it is what remains.
    pub(super) fn with_size_of(mut self, request: &Request) -> Self {
        if self.from_start {
            return self;
        }
        let known: u64 = self.missing.iter().filter_map(|missing| missing.bytes).sum();
        // Under REST the size in a 150 is of the file on some servers, of the rest of it on others.
        let is_clear = |expected: &Expected| {
            request.rest_offset == 0 || expected.source != SizeSource::Preliminary
        };
        let whole = request.expected.filter(|_| request.representation.is_image()).filter(is_clear);
        let before =
            whole.filter(|_| self.end.is_some() && self.missing_unlisted == 0).and_then(|whole| {
                whole.bytes.checked_sub(request.rest_offset)?.checked_sub(self.bytes + known)
            });
        for missing in &mut self.missing {
            missing.offset = missing.offset.zip(before).map(|(offset, before)| offset + before);
        }
        if before != Some(0) {
            self.missing.insert(0, Missing { offset: Some(0), bytes: before });
            self.media_type = None;
        }
        self
    }
}

impl Stream {
    fn new(hashes: HashSet) -> Self {
        Self {
            bytes: 0,
            gaps: Vec::new(),
            unlisted: 0,
            first: None,
            last: None,
            end: None,
            hashing: Hashing::new(hashes),
            head: Vec::new(),
            is_text: None,
            is_cut: false,
            told: None,
            sink: None,
        }
    }

    fn take(&mut self, offset: u64, bytes: &[u8], stamp: Stamp, workers: &mut Workers) {
        self.first.get_or_insert(stamp);
        self.last = Some(stamp);
        // What goes on had not ended.
        self.end = None;
        self.bytes += bytes.len() as u64;
        self.hashing.update(bytes, workers);
        if let Some(sink) = &mut self.sink {
            sink.write(offset, bytes);
        }
    }

    fn lose(&mut self, offset: u64, len: u64, most: usize, room: &mut Room) {
        if let Some(Missing { offset: Some(start), bytes: Some(bytes) }) = self.gaps.last_mut()
            && *start + *bytes == offset
        {
            *bytes += len;
        } else if room.admits(&self.gaps, most) {
            self.gaps.push(Missing { offset: Some(offset), bytes: Some(len) });
        } else {
            self.unlisted += len;
            room.ranges += 1;
        }
    }

    /// Keeps the beginning, and of a listing what follows, too. A beginning that is none is looked
    /// at once it is full, and forgotten.
    fn keep(
        &mut self,
        bytes: &[u8],
        listing_bytes: usize,
        room: &mut Room,
        is_listing: impl FnOnce() -> bool,
    ) {
        if self.told.is_some() {
            return;
        }
        if self.is_text.is_none() && self.head.len() + bytes.len() > HEAD {
            self.is_text = Some(is_listing());
        }
        let is_text = self.is_text == Some(true);
        let most = if is_text { listing_bytes } else { HEAD };
        if !self.is_cut {
            let wanted = most.saturating_sub(self.head.len()).min(bytes.len());
            let taken = room.take(wanted);
            self.is_cut = taken < wanted || is_text && taken < bytes.len();
            room.listings += u64::from(is_text && self.is_cut);
            self.head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        }
        if self.is_text == Some(false) {
            self.told = Some(self.tell());
            room.give_back(self.head.len());
            self.head = Vec::new();
        }
    }

    fn tell(&self) -> Told {
        let begins = self.gaps.first().is_none_or(|gap| gap.offset != Some(0));
        let is_enough = !self.is_cut || self.head.len() >= HEAD;
        let media_type = if begins && is_enough { media::media_type(&self.head) } else { None };
        let is_tls = begins && matches!(self.head[..], [0x14..=0x17, 3, 0..=4, ..]);
        Told { media_type, is_tls }
    }

    fn finish(mut self, conn: &Conn, dir: Dir, workers: &mut Workers) -> Content {
        let facts = conn.facts(dir);
        let odd = |kind| conn.link.anomalies.of(kind, dir);
        let Told { media_type, is_tls } = self.told.take().unwrap_or_else(|| self.tell());
        Content {
            bytes: self.bytes,
            missing: self.gaps,
            missing_unlisted: self.unlisted,
            out_of_window: facts.out_of_window,
            from_start: facts.from_start,
            end: self.end,
            first: self.first,
            last: self.last,
            conflicts: odd(AnomalyKind::Conflict).copied().collect(),
            is_doubtful: odd(AnomalyKind::WrongChecksumRead).next().is_some() || facts.urgent > 0,
            hashes: self.hashing.finish(workers),
            media_type,
            is_tls,
            text: self.head,
        }
    }
}
