//! Legacy pcap: a file header, then one header before every packet.

use std::ops::RangeInclusive;

use pcap_parser::nom::Needed;
use pcap_parser::{
    LegacyPcapBlock, PcapError, PcapHeader, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_frame_modified, parse_pcap_header,
};

use super::damage::DamageKind;
use super::facts::{Format, Tally};
use super::link::LinkType;
use super::reader::Record;
use super::resync::{BELIEVED_BYTES, Resync};
use super::window::{Halt, Window};
use crate::limits::Limits;
use crate::time::Timestamp;

/// Finds the packets of a pcap file.
///
/// The snap length of the file header is not believed: writers put 0, 2³¹ and everything
/// between there, and what counts stands before each packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pcap {
    layout: Layout,
    link: LinkType,
    /// Fractions in one second: 10⁶ or 10⁹.
    per_sec: u32,
    limit: usize,
    resync: Resync,
}

impl Pcap {
    /// Reads the file header.
    pub(super) fn open(layout: Layout, window: &mut Window, limits: &Limits) -> Result<Self, Halt> {
        window.require(FILE_HEADER_BYTES)?;
        let Some(header) = layout.parse_header(window.filled()) else {
            return Err(window.damaged(DamageKind::BadByteOrder));
        };
        window.take(FILE_HEADER_BYTES, 0);
        // The upper half holds the length of a frame check sequence, not a type.
        let link = LinkType(u16::try_from(header.network.0 & 0xffff).unwrap_or_default());
        let per_sec = if layout.format == Format::PcapNanos { 1_000_000_000 } else { 1_000_000 };
        let resync = Resync::new(limits.resync_bytes);
        Ok(Self { layout, link, per_sec, limit: limits.record_bytes, resync })
    }

    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    pub(super) fn next(&mut self, window: &mut Window, tally: &mut Tally) -> Result<Record, Halt> {
        let header = self.layout.record_header_bytes();
        loop {
            let missing = match self.layout.parse_record(window.filled()) {
                Ok((_, block)) if block.data.len() <= self.limit => {
                    let record = self.record_of(&block);
                    if self.is_odd(&block) && !self.is_followed(window, header + record.len) {
                        self.search(window, tally, DamageKind::NoRecord)?;
                        continue;
                    }
                    let place = window.take(header, record.len);
                    return Ok(Record { place, ..record });
                }
                Ok((_, block)) => {
                    let what = self.too_big(block.data.len());
                    self.search(window, tally, what)?;
                    continue;
                }
                Err(pcap_parser::nom::Err::Incomplete(Needed::Size(size))) => size.get(),
                Err(_) => 1,
            };
            let whole = window.filled().len().saturating_add(missing);
            let len = whole - header.min(whole);
            if len > self.limit || (!window.fill(whole) && len > BELIEVED_BYTES) {
                self.search(window, tally, self.too_big(len))?;
                continue;
            }
            window.require(whole)?;
        }
    }

    fn too_big(&self, len: usize) -> DamageKind {
        if len <= self.limit {
            return DamageKind::NoRecord;
        }
        DamageKind::RecordTooBig { len: len as u64, limit: self.limit }
    }

    /// Whether a record is so unusual that another has to follow it, or the end.
    #[inline]
    fn is_odd(&self, block: &LegacyPcapBlock<'_>) -> bool {
        block.ts_usec >= self.per_sec || !(1..=BELIEVED_BYTES).contains(&block.data.len())
    }

    #[cold]
    fn is_followed(&self, window: &mut Window, len: usize) -> bool {
        let header = self.layout.record_header_bytes();
        if self.is_at_header(window) {
            return false;
        }
        let is_here = window.fill(len + header);
        let bytes = window.filled();
        // What a full disk or a crash leaves reads as records without time and bytes.
        let is_zero = |at: usize| {
            bytes.get(at..).and_then(<[u8]>::first_chunk).is_some_and(|head| *head == [0; 16])
        };
        let next = bytes.get(len..).and_then(|next| self.layout.fields(next));
        let fits = next.is_none_or(|next| next.captured as usize <= self.limit);
        !is_zero(0) && (!is_here || (fits && !is_zero(len)))
    }

    /// Whether another file of the same layout begins here.
    fn is_at_header(&self, window: &Window) -> bool {
        Layout::recognise(window.filled()) == Some(self.layout)
    }

    /// Goes to the next record, or ends for the reason given.
    #[cold]
    fn search(
        &mut self,
        window: &mut Window,
        tally: &mut Tally,
        why: DamageKind,
    ) -> Result<(), Halt> {
        if self.is_at_header(window) && window.fill(FILE_HEADER_BYTES) {
            // Files put together without a tool.
            let bytes = FILE_HEADER_BYTES as u64;
            tally.add_damage(window.offset(), DamageKind::Skipped { bytes });
            window.take(FILE_HEADER_BYTES, 0);
            return Ok(());
        }
        let (layout, per_sec) = (self.layout, self.per_sec);
        let header = layout.record_header_bytes();
        self.resync.go_on(window, tally, why, tally.times.clock, |bytes, before| {
            let next = layout.fields(bytes)?;
            let len = usize::try_from(next.captured).ok().filter(|len| *len > 0)? + header;
            let at = time_of(next.secs, next.fraction, per_sec);
            let is_next = at.nanos_since(*before).is_none_or(|step| STEPS_NS.contains(&step));
            *before = at;
            let fits = next.original >= next.captured && next.original <= MOST_ON_WIRE;
            (len <= BELIEVED_BYTES && fits && next.fraction < per_sec && is_next).then_some(len)
        })
    }

    fn record_of(&self, block: &LegacyPcapBlock<'_>) -> Record {
        Record {
            place: 0,
            len: block.data.len(),
            wire_len: block.origlen.max(block.caplen),
            link: self.link,
            at: time_of(block.ts_sec, block.ts_usec, self.per_sec),
        }
    }
}

/// A fraction of a second and more is carried over, not refused: some writers have such.
#[inline]
fn time_of(secs: u32, fraction: u32, per_sec: u32) -> Timestamp {
    let carried = i64::from(fraction / per_sec);
    let nanos = fraction % per_sec * (1_000_000_000 / per_sec);
    Timestamp::from_parts(i64::from(secs) + carried, nanos)
}

/// Which of the six pcap layouts a file has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Layout {
    pub(super) format: Format,
    is_big: bool,
}

impl Layout {
    pub(super) fn recognise(head: &[u8]) -> Option<Self> {
        let magic: [u8; 4] = *head.first_chunk()?;
        let of = |magic: [u8; 4]| MAGICS.iter().find(|(number, _)| number.to_be_bytes() == magic);
        let mut reversed = magic;
        reversed.reverse();
        of(magic)
            .map(|(_, format)| Self { format: *format, is_big: true })
            .or_else(|| of(reversed).map(|(_, format)| Self { format: *format, is_big: false }))
    }

    fn record_header_bytes(self) -> usize {
        if self.format == Format::PcapModified { 24 } else { 16 }
    }

    /// The numbers a record begins with.
    fn fields(self, bytes: &[u8]) -> Option<Fields> {
        let head: &[u8; 16] = bytes.first_chunk()?;
        let read = if self.is_big { u32::from_be_bytes } else { u32::from_le_bytes };
        let field = |at: usize| head.get(at..)?.first_chunk().map(|bytes| read(*bytes));
        Some(Fields {
            secs: field(0)?,
            fraction: field(4)?,
            captured: field(8)?,
            original: field(12)?,
        })
    }

    /// The parser does not know the modified magic number in big-endian; the header behind
    /// it is the ordinary one, so it is read under the ordinary number.
    fn parse_header(self, bytes: &[u8]) -> Option<PcapHeader> {
        let mut header: [u8; FILE_HEADER_BYTES] = *bytes.first_chunk()?;
        let magic = if self.is_big { MICRO.to_be_bytes() } else { MICRO.to_le_bytes() };
        header.first_chunk_mut::<4>()?.copy_from_slice(&magic);
        parse_pcap_header(&header).ok().map(|(_, header)| header)
    }

    #[inline]
    fn parse_record(self, bytes: &[u8]) -> ParsedRecord<'_> {
        match (self.format, self.is_big) {
            (Format::PcapModified, false) => parse_pcap_frame_modified(bytes),
            (Format::PcapModified, true) => parse_modified_be(bytes),
            (_, false) => parse_pcap_frame(bytes),
            (_, true) => parse_pcap_frame_be(bytes),
        }
    }
}

/// Seconds, their fraction, bytes captured and bytes on the wire.
struct Fields {
    secs: u32,
    fraction: u32,
    captured: u32,
    original: u32,
}

type ParsedRecord<'a> =
    Result<(&'a [u8], LegacyPcapBlock<'a>), pcap_parser::nom::Err<PcapError<&'a [u8]>>>;

/// A modified record in big-endian, which the parser has no function for: the ordinary
/// header, 8 bytes of interface, protocol and direction, then the packet.
fn parse_modified_be(bytes: &[u8]) -> ParsedRecord<'_> {
    let incomplete = |missing| pcap_parser::nom::Err::Incomplete(Needed::new(missing));
    let Some((header, rest)) = bytes.split_first_chunk::<24>() else {
        return Err(incomplete(24 - bytes.len()));
    };
    let mut fields = header.chunks_exact(4).map(be_u32);
    let mut field = || fields.next().unwrap_or_default();
    let (ts_sec, ts_usec, caplen, origlen) = (field(), field(), field(), field());
    let wanted = usize::try_from(caplen).unwrap_or(usize::MAX);
    let Some((data, rest)) = rest.split_at_checked(wanted) else {
        return Err(incomplete(wanted - rest.len()));
    };
    Ok((rest, LegacyPcapBlock { ts_sec, ts_usec, caplen, origlen, data }))
}

fn be_u32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

const FILE_HEADER_BYTES: usize = 24;
/// From one packet to the next where records are searched for, in nanoseconds: a second back,
/// for there may be several clocks, and a week ahead.
const STEPS_NS: RangeInclusive<i64> = -1_000_000_000..=7 * 24 * 3_600_000_000_000;
/// Bytes a packet may have had on the wire where records are searched for.
const MOST_ON_WIRE: u32 = 16 << 20;
const MICRO: u32 = 0xa1b2_c3d4;
const MAGICS: [(u32, Format); 3] =
    [(MICRO, Format::Pcap), (0xa1b2_3c4d, Format::PcapNanos), (0xa1b2_cd34, Format::PcapModified)];
