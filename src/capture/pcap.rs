//! Legacy pcap: a file header, then one header before every packet.

use pcap_parser::nom::Needed;
use pcap_parser::{
    LegacyPcapBlock, PcapError, PcapHeader, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_frame_modified, parse_pcap_header,
};

use super::damage::DamageKind;
use super::facts::Format;
use super::link::LinkType;
use super::reader::Record;
use super::window::{Halt, Window};
use crate::time::Timestamp;

/// Finds the packets of a pcap file.
///
/// The snap length of the file header is not believed: writers put 0, 2³¹ and everything
/// between there, and what counts stands before each packet.
pub(super) struct Pcap {
    layout: Layout,
    link: LinkType,
    /// Fractions in one second: 10⁶ or 10⁹.
    per_sec: u32,
    limit: usize,
}

impl Pcap {
    /// Reads the file header. `limit` is the largest packet that is believed, in bytes.
    pub(super) fn open(layout: Layout, window: &mut Window, limit: usize) -> Result<Self, Halt> {
        window.require(FILE_HEADER_BYTES)?;
        let Some(header) = layout.parse_header(window.filled()) else {
            return Err(window.damaged(DamageKind::BadByteOrder));
        };
        window.take(FILE_HEADER_BYTES, 0);
        // The upper half holds the length of a frame check sequence, not a type.
        let link = LinkType(u16::try_from(header.network.0 & 0xffff).unwrap_or_default());
        let per_sec = if layout.format == Format::PcapNanos { 1_000_000_000 } else { 1_000_000 };
        Ok(Self { layout, link, per_sec, limit })
    }

    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    pub(super) fn next(&mut self, window: &mut Window) -> Result<Record, Halt> {
        let header = self.layout.record_header_bytes();
        loop {
            let missing = match self.layout.parse_record(window.filled()) {
                Ok((_, block)) if block.data.len() <= self.limit => {
                    let record = self.record_of(&block);
                    let place = window.take(header, record.len);
                    return Ok(Record { place, ..record });
                }
                Ok((_, block)) => return Err(self.too_big(window, block.data.len())),
                Err(pcap_parser::nom::Err::Incomplete(Needed::Size(size))) => size.get(),
                Err(_) => 1,
            };
            let whole = window.filled().len().saturating_add(missing);
            if whole - header.min(whole) > self.limit {
                return Err(self.too_big(window, whole - header));
            }
            window.require(whole)?;
        }
    }

    fn too_big(&self, window: &Window, len: usize) -> Halt {
        window.damaged(DamageKind::RecordTooBig { len: len as u64, limit: self.limit })
    }

    fn record_of(&self, block: &LegacyPcapBlock<'_>) -> Record {
        Record {
            place: 0,
            len: block.data.len(),
            wire_len: block.origlen.max(block.caplen),
            link: self.link,
            at: self.time_of(block),
        }
    }

    /// A fraction of a second and more is carried over, not refused: some writers have such.
    fn time_of(&self, block: &LegacyPcapBlock<'_>) -> Timestamp {
        let carried = i64::from(block.ts_usec / self.per_sec);
        let nanos = block.ts_usec % self.per_sec * (1_000_000_000 / self.per_sec);
        Timestamp::from_parts(i64::from(block.ts_sec) + carried, nanos)
    }
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
const MICRO: u32 = 0xa1b2_c3d4;
const MAGICS: [(u32, Format); 3] =
    [(MICRO, Format::Pcap), (0xa1b2_3c4d, Format::PcapNanos), (0xa1b2_cd34, Format::PcapModified)];
