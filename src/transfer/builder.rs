//! The bytes of a data connection on their way to hashes, sinks and counts.

use super::beginning::{self, Beginning, Left, Told};
use super::decode::Mode;
use super::decoding::{Decoded, Decoding, form_of};
use super::sink::{ByteSink, Face};
use super::tls::Followed;
use super::{Carried, DataConnection, Mark, Room};
use crate::hash::{HashSet, Hashes, Hashing, Workers};
use crate::limits::Limits;
use crate::session::{Agreement, DataId, Expected, Request, SizeSource};
use crate::tcp::{Anomaly, AnomalyKind, Conn, ConnEvent, Dir};
use crate::time::Stamp;
use crate::tls::SideFacts;

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
    /// The file they mean, where that is another.
    pub decoded: Option<Box<Decoded>>,
    /// From the first octets; `None` if those are missing or there are none.
    pub media_type: Option<String>,
    /// What they show beside it.
    pub mark: Option<Mark>,
    /// It begins with a TLS record.
    pub is_tls: bool,
    /// What its records show; only of such.
    pub tls: Option<Box<SideFacts>>,
    /// The text of a listing, as far as it was kept, or the first octets of a file until they are
    /// [looked at](Self::look).
    pub(super) text: Vec<u8>,
    /// They were not: media type and mark are still to come.
    is_unread: bool,
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
    beginning: Beginning,
    /// If its first octets are a TLS record's.
    tls: Option<Box<Followed>>,
    /// What the octets mean, where that is another file.
    decoding: Option<Box<Decoding>>,
    sink: Option<Box<dyn ByteSink>>,
    wire: Option<Box<dyn ByteSink>>,
}

impl Builder {
    pub fn new(id: DataId, hashes: HashSet) -> Self {
        Self { id, from_originator: Stream::new(hashes), from_responder: Stream::new(hashes) }
    }

    /// Takes an event of the connection. `open` makes the sink of a direction's first octets;
    /// `agreed` tells what its octets stand for, and whether it is a listing, whose text is wanted.
    pub fn handle(
        &mut self,
        event: &ConnEvent<'_>,
        mut means: Means<'_>,
        mut open: impl FnMut(DataId, Dir, Face) -> Option<Box<dyn ByteSink>>,
        agreed: impl Fn(DataId) -> Option<Agreement>,
    ) {
        let id = self.id;
        match *event {
            ConnEvent::Data { dir, offset, bytes, mark } => {
                let stream = self.stream(dir);
                if stream.first.is_none() {
                    stream.begin(agreed(id), &mut means, |face| open(id, dir, face));
                }
                let is_listing = || agreed(id).is_some_and(|agreed| agreed.is_listing);
                stream.take(offset, bytes, mark.stamp, means, is_listing);
            }
            ConnEvent::Gap { dir, offset, len, .. } => {
                self.stream(dir).lose(offset, len, means);
            }
            ConnEvent::Fin { dir, stamp } => self.stream(dir).end = Some(stamp),
            ConnEvent::Reset { .. } => {}
        }
    }

    /// The connection is over, or the capture is.
    pub fn finish(self, conn: &Conn, room: &mut Room, workers: &mut Workers) -> Carried {
        Carried {
            connection: DataConnection {
                id: self.id,
                originator: conn.originator,
                responder: conn.responder,
                link: conn.link.clone(),
                from_originator: conn.facts(Dir::FromOriginator),
                from_responder: conn.facts(Dir::FromResponder),
            },
            from_originator: self.from_originator.finish(conn, Dir::FromOriginator, room, workers),
            from_responder: self.from_responder.finish(conn, Dir::FromResponder, room, workers),
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

    /// What the octets mean, where that is likelier the file than they are.
    pub fn likely_decoded(&self) -> Option<&Decoded> {
        self.decoded.as_deref().filter(|decoded| decoded.is_likely())
    }

    /// The hashes of the file: of what was on the wire, or of what that means.
    pub fn file_hashes(&self) -> &Hashes {
        self.likely_decoded().map_or(&self.hashes, |decoded| &decoded.hashes)
    }

    /// Whether the file is here from its first octet to its last, as far as a transfer tells.
    pub fn is_whole_file(&self) -> bool {
        self.is_whole_stream() && self.is_understood()
    }

    /// Whether it is known which file was moved: where octets stand for others, all were undone.
    pub(super) fn is_understood(&self) -> bool {
        let decoded = self.decoded.as_deref();
        decoded.is_none_or(|decoded| decoded.is_whole() || decoded.came_as_it_is())
    }

    /// The file as it would be on disk: what was on the wire, or what that means.
    pub fn of_file(&self) -> Self {
        let Some(decoded) = self.likely_decoded() else { return self.clone() };
        // Where something is missing of what was decoded is not known.
        let missing = [Missing { offset: None, bytes: None }];
        let is_whole = self.is_whole() && decoded.is_whole();
        Self {
            bytes: decoded.bytes,
            hashes: decoded.hashes.clone(),
            missing: missing.into_iter().filter(|_| !is_whole).collect(),
            missing_unlisted: 0,
            decoded: None,
            ..self.clone()
        }
    }

    /// Octets that were moved, captured or not; `None` where that is not known.
    pub fn moved_bytes(&self) -> Option<u64> {
        let missing = self.missing.iter().map(|missing| missing.bytes);
        let missing: u64 = missing.sum::<Option<u64>>()?;
        let is_known =
            self.from_start || self.missing.first().is_some_and(|first| first.offset == Some(0));
        is_known.then(|| self.bytes + missing + self.missing_unlisted)
    }

    /// Bytes it holds of the room of all.
    pub(super) fn weight(&self) -> usize {
        let tls = self.tls.as_ref().map_or(0, |tls| tls.weight());
        self.text.len() + self.missing.len() * size_of::<Missing>() + tls
    }

    /// Tells from the first octets what it is, where that was put off, and lets go of the text.
    pub(super) fn look(&mut self) -> Vec<u8> {
        let text = std::mem::take(&mut self.text);
        if std::mem::take(&mut self.is_unread) {
            let Told { media_type, mark, .. } = beginning::tell(&text);
            (self.media_type, self.mark) = (media_type, mark);
        }
        text
    }

    /// Whether all of it is in `text`.
    pub(super) fn is_all_text(&self) -> bool {
        let decoded = self.decoded.as_deref();
        let all = match decoded {
            Some(decoded) => Some(decoded.bytes).filter(|_| decoded.is_whole()),
            None => Some(self.bytes),
        };
        self.is_whole_stream() && all == Some(self.text.len() as u64)
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
            self.mark = None;
            self.is_unread = false;
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
            beginning: Beginning::default(),
            tls: None,
            decoding: None,
            sink: None,
            wire: None,
        }
    }

    /// Its first octets come: what is agreed for them is known by now, if ever.
    fn begin(
        &mut self,
        agreed: Option<Agreement>,
        means: &mut Means<'_>,
        mut open: impl FnMut(Face) -> Option<Box<dyn ByteSink>>,
    ) {
        self.sink = open(Face::File);
        let form = agreed.map(|agreed| form_of(&agreed)).filter(|form| !form.is_plain());
        if let Some(form) = form
            && (form.mode != Mode::Deflate || means.room.take_decoder())
        {
            self.wire = open(Face::Wire);
            let hashing = self.hashing.again();
            self.decoding = Some(Box::new(Decoding::new(form, hashing, means.limits)));
        }
    }

    fn take(
        &mut self,
        offset: u64,
        bytes: &[u8],
        stamp: Stamp,
        means: Means<'_>,
        is_listing: impl Fn() -> bool,
    ) {
        self.first.get_or_insert(stamp);
        self.last = Some(stamp);
        // What goes on had not ended.
        self.end = None;
        let Means { limits, room, workers } = means;
        if self.bytes == 0 && self.has_beginning() && Followed::begins(bytes) {
            self.tls = Some(Box::default());
        }
        if let Some(tls) = &mut self.tls {
            tls.push(bytes, room);
        }
        self.bytes += bytes.len() as u64;
        self.hashing.update(bytes, workers);
        let is_there = self.has_beginning();
        let Self { sink, wire, beginning, decoding, .. } = self;
        let mut give = |at: u64, bytes: &[u8]| {
            if let Some(sink) = sink {
                sink.write(at, bytes);
            }
            beginning.keep(bytes, limits.listing_bytes, room, is_there, &is_listing);
        };
        match decoding {
            None => give(offset, bytes),
            Some(decoding) => {
                if let Some(wire) = wire {
                    wire.write(offset, bytes);
                }
                decoding.push(bytes, workers, &mut give);
            }
        }
    }

    fn lose(&mut self, offset: u64, len: u64, means: Means<'_>) {
        let Means { limits, room, workers } = means;
        if let Some(tls) = &mut self.tls {
            tls.gap(len);
        }
        if let Some(decoding) = &mut self.decoding {
            let sink = &mut self.sink;
            decoding.gap(workers, &mut |at, bytes| {
                if let Some(sink) = sink {
                    sink.write(at, bytes);
                }
            });
        }
        if let Some(Missing { offset: Some(start), bytes: Some(bytes) }) = self.gaps.last_mut()
            && *start + *bytes == offset
        {
            *bytes += len;
        } else if room.admits(&self.gaps, limits.ranges) {
            self.gaps.push(Missing { offset: Some(offset), bytes: Some(len) });
        } else {
            self.unlisted += len;
            room.ranges += 1;
        }
    }

    /// Whether the first octet of the stream is among those that were captured.
    fn has_beginning(&self) -> bool {
        self.gaps.first().is_none_or(|gap| gap.offset != Some(0))
    }

    fn finish(mut self, conn: &Conn, dir: Dir, room: &mut Room, workers: &mut Workers) -> Content {
        let decoded = self.decoding.take().map(|decoding| {
            let sink = &mut self.sink;
            decoding.finish(workers, &mut |at, bytes| {
                if let Some(sink) = sink {
                    sink.write(at, bytes);
                }
            })
        });
        if let Some(decoded) = decoded.as_ref().filter(|decoded| decoded.is_deflated()) {
            room.give_back_decoder(decoded.is_cut());
        }
        let facts = conn.facts(dir);
        let odd = |kind| conn.link.anomalies.of(kind, dir);
        let is_there = self.has_beginning();
        let Left { told: Told { media_type, mark, is_tls }, is_unread, text } =
            self.beginning.finish(is_there);
        Content {
            bytes: self.bytes,
            missing: self.gaps,
            missing_unlisted: self.unlisted,
            out_of_window: facts.out_of_window.into(),
            from_start: facts.from_start,
            end: self.end,
            first: self.first,
            last: self.last,
            conflicts: odd(AnomalyKind::Conflict).copied().collect(),
            is_doubtful: odd(AnomalyKind::WrongChecksumRead).next().is_some() || facts.urgent > 0,
            hashes: self.hashing.finish(workers),
            decoded: decoded.map(Box::new),
            media_type,
            mark,
            is_tls,
            tls: self.tls.and_then(|tls| tls.finish(room)),
            text,
            is_unread,
        }
    }
}
