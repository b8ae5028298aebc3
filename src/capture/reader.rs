//! One input, from its first byte to its facts.

use std::path::PathBuf;

use super::damage::DamageKind;
use super::error::CaptureError;
use super::facts::{Format, InputFacts, Tally};
use super::input::{Identity, Input};
use super::link::LinkType;
use super::marks::{Mark, Marks};
use super::pcap::{Layout, Pcap};
use super::pcapng::{self, Pcapng};
use super::sniff;
use super::stream::Stream;
use super::window::{Halt, Window};
use super::{Frame, ReadAhead, ReadOptions};
use crate::limits::Limits;
use crate::time::{Stamp, Timestamp};

/// Reads the packets of one input, in their order.
///
/// Pull, but not an iterator: a [`Record`] tells where its packet is in the window, and
/// [`frame`](Self::frame) lends it. So a merge can hold the next packet of every input
/// without copying one.
pub(super) struct Reader {
    window: Window,
    identity: Option<Identity>,
    packets: Packets,
    format: Option<Format>,
    tally: Tally,
    error: Option<CaptureError>,
    input: u16,
    head: Option<Record>,
    marks: Option<Marks>,
    /// Where the next place is noted in them.
    next_mark: u64,
}

/// Where the current packet is, and what is said about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Index in the window's buffer, good until the next record is read.
    pub(super) place: usize,
    pub(super) len: usize,
    pub(super) wire_len: u32,
    pub(super) link: LinkType,
    pub(super) at: Timestamp,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Packets {
    Pcap(Pcap),
    /// Boxed: it is much larger than the other.
    Pcapng(Box<Pcapng>),
    /// Ended, or never a capture.
    None,
}

impl Reader {
    /// Recognises compression and format. An input that is no capture becomes a reader
    /// without packets whose facts say so. Fails only if no byte could be read.
    pub(super) fn open(
        input: Input,
        number: u16,
        chunk_bytes: usize,
        ahead: &ReadAhead,
        options: &ReadOptions,
    ) -> Result<Self, CaptureError> {
        let identity = input.identity();
        let stream = Stream::open(input, options.limits.decoder_bytes)?;
        let (progress, limits) = (options.progress.clone(), &options.limits);
        let mut reader = Self {
            window: Window::new(stream, progress, chunk_bytes, ahead, limits),
            identity,
            packets: Packets::None,
            format: None,
            tally: Tally::new(options.limits.damage_kept),
            error: None,
            input: number,
            head: None,
            marks: None,
            next_mark: u64::MAX,
        };
        reader.recognise(options);
        if let Some(marks) = options.marks.clone().filter(|_| reader.window.compression.is_none()) {
            reader.next_mark = marks.first();
            reader.marks = Some(marks);
        }
        Ok(reader)
    }

    /// Reads on from a mark; `input` begins there.
    pub(super) fn resume(
        input: Input,
        mark: &Mark,
        chunk_bytes: usize,
        options: &ReadOptions,
    ) -> Self {
        let (progress, limits) = (options.progress.clone(), &options.limits);
        let (stream, ahead) = (Stream::plain(input), ReadAhead::default());
        let window = Window::new(stream, progress, chunk_bytes, &ahead, limits);
        let mut tally = Tally::new(limits.damage_kept);
        (tally.packets, tally.times) = (mark.packets_before, mark.times);
        Self {
            window: window.starts_at(mark.offset),
            identity: None,
            packets: Packets::clone(&mark.packets),
            format: None,
            tally,
            error: None,
            input: 0,
            head: None,
            marks: None,
            next_mark: u64::MAX,
        }
    }

    /// The next packet, or the one that was put back.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Record> {
        if self.head.is_some() {
            return self.head.take();
        }
        let found = match &mut self.packets {
            Packets::Pcap(pcap) => pcap.next(&mut self.window, &mut self.tally),
            Packets::Pcapng(pcapng) => pcapng.next(&mut self.window, &mut self.tally),
            Packets::None => return None,
        };
        match found {
            Ok(record) => {
                self.count(&record);
                Some(record)
            }
            Err(halt) => {
                self.end(halt);
                None
            }
        }
    }

    /// Makes `record`, the last one read, the next one again.
    pub(super) fn put_back(&mut self, record: Record) {
        self.head = Some(record);
    }

    /// Reads up to the next packet; when it goes in a merge.
    pub(super) fn advance(&mut self) -> Timestamp {
        self.head = self.next();
        self.clock()
    }

    /// Lends the packet of `record`, the last one read.
    #[inline]
    pub(super) fn frame(&self, record: &Record) -> Frame<'_> {
        Frame {
            stamp: Stamp::new(record.at, self.input, self.tally.packets),
            link: record.link,
            bytes: self.window.taken(record.place, record.len),
            wire_len: record.wire_len,
        }
    }

    /// When the last record read stands in a merge: a packet without a time stays behind the one
    /// before it.
    #[inline]
    pub(super) fn clock(&self) -> Timestamp {
        self.tally.times.clock
    }

    /// Which file is read, if it is one.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.identity
    }

    pub(super) fn is_capture(&self) -> bool {
        self.error.is_none()
    }

    /// Everything known of the input. Reads the rest of it if it is being hashed.
    pub(super) fn finish(self, path: PathBuf) -> InputFacts {
        let compression = self.window.compression;
        let (mut stream, seen_bytes, is_read_out) = self.window.close();
        let changed = stream.input().change();
        let hashes = stream.input_mut().finish(is_read_out);
        let (times, tally) = (self.tally.times, self.tally);
        InputFacts {
            path,
            format: self.format,
            compression,
            // What was read ahead and not looked at was not read.
            bytes: hashes.as_ref().map_or(seen_bytes, |_| stream.input().bytes()),
            packets: tally.packets,
            link_types: tally.link_types.into_iter().collect(),
            first_time: times.first,
            last_time: times.last,
            time_steps_back: times.steps_back,
            time_jumps_ahead: times.jumps_ahead,
            packets_without_time: times.unknown,
            first_without_time: times.first_unknown,
            snaplen_cut_packets: tally.snaplen_cut_packets,
            first_cut_packet: tally.first_cut_packet,
            damage: tally.damage,
            damage_count: tally.damage_count,
            limits_reached: tally.limits_reached,
            changed,
            error: self.error,
            hashes,
        }
    }

    fn recognise(&mut self, options: &ReadOptions) {
        // Short of this many bytes a file may still be a capture that was cut.
        let shortage = self.window.require(MAGIC_BYTES).err();
        let head = self.window.filled();
        if let Some(layout) = Layout::recognise(head) {
            self.format = Some(layout.format);
            self.open_pcap(layout, &options.limits);
        } else if pcapng::recognise(head) {
            self.format = Some(Format::Pcapng);
            self.packets = Packets::Pcapng(Box::new(Pcapng::new(options.limits.clone())));
        } else {
            self.error = Some(self.refusal(shortage));
        }
    }

    fn open_pcap(&mut self, layout: Layout, limits: &Limits) {
        match Pcap::open(layout, &mut self.window, limits) {
            Ok(pcap) => {
                self.tally.link_types.insert(pcap.link());
                self.packets = Packets::Pcap(pcap);
            }
            Err(halt) => self.end(halt),
        }
    }

    /// Why the first bytes are no capture.
    fn refusal(&self, shortage: Option<Halt>) -> CaptureError {
        if self.window.is_stopped() {
            return CaptureError::Stopped;
        }
        match shortage {
            Some(Halt::Damaged { what: DamageKind::StreamCut(compression), .. }) => {
                CaptureError::Unpacking { compression, is_cut: true }
            }
            Some(Halt::Damaged { what: DamageKind::StreamCorrupt { compression, .. }, .. }) => {
                CaptureError::Unpacking { compression, is_cut: false }
            }
            Some(Halt::Damaged {
                what: DamageKind::DecoderTooBig { compression, limit }, ..
            }) => CaptureError::DecoderTooBig { compression, limit },
            Some(Halt::Damaged { what: DamageKind::ReadFailed(reason), .. }) => {
                CaptureError::Io(std::io::Error::other(reason))
            }
            _ => sniff::refuse(self.sample(), self.window.compression, self.identity.is_some()),
        }
    }

    /// Enough of the beginning to tell text from something else.
    fn sample(&self) -> &[u8] {
        let filled = self.window.filled();
        filled.get(..SAMPLE_BYTES).unwrap_or(filled)
    }

    #[inline]
    fn count(&mut self, record: &Record) {
        self.tally.packets += 1;
        self.tally.times.add(record.at, self.tally.packets);
        if record.len > 0 {
            self.window.note_packet();
        }
        if u64::from(record.wire_len) > record.len as u64 {
            self.tally.snaplen_cut_packets += 1;
            self.tally.first_cut_packet.get_or_insert(self.tally.packets);
        }
        if self.window.offset() >= self.next_mark {
            self.mark();
        }
    }

    /// Notes the place behind the last record.
    #[cold]
    fn mark(&mut self) {
        let place = (self.window.offset(), self.tally.packets);
        let is_small = match &self.packets {
            Packets::Pcapng(pcapng) => pcapng.interfaces() <= MOST_INTERFACES,
            Packets::Pcap(_) | Packets::None => true,
        };
        self.next_mark = match &self.marks {
            Some(marks) if is_small => marks.note(place, &self.packets, self.tally.times),
            _ => u64::MAX,
        };
    }

    #[cold]
    fn end(&mut self, halt: Halt) {
        self.packets = Packets::None;
        if let Halt::Damaged { offset, what } = halt {
            self.tally.add_damage(offset, what);
        }
    }
}

/// With more of them no places are noted any more: each may need all of them.
const MOST_INTERFACES: usize = 64;
/// pcapng's type, length and byte-order magic.
const MAGIC_BYTES: usize = 12;
const SAMPLE_BYTES: usize = 4 << 10;
