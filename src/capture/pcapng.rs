//! pcapng: sections of blocks (draft-ietf-opsawg-pcapng).

use pcap_parser::nom::IResult;
use pcap_parser::{
    BOM_MAGIC, EPB_MAGIC, IDB_MAGIC, InterfaceDescriptionBlock, PcapError, SHB_MAGIC, SPB_MAGIC,
    parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock, parse_simplepacketblock_be, parse_simplepacketblock_le,
};

use super::damage::DamageKind;
use super::facts::Tally;
use super::interface::Interface;
use super::reader::Record;
use super::window::{Halt, Window};
use crate::limits::Limits;
use crate::time::Timestamp;

/// Finds the packets of a pcapng file.
///
/// A block's type and length are read first, and only as many bytes as it claims are looked
/// at: a block that is corrupt inside costs itself, not the file. Blocks that say nothing
/// about packets are stepped over unread, however long.
///
/// Packet blocks with options are not given to pcap-parser: it would make a list of the
/// options of every packet, an allocation each, and 128 MiB for a hostile block of 16.
pub(super) struct Pcapng {
    is_big: bool,
    /// Of the current section; `None` stands for a description that could not be read, so
    /// that those after it keep their numbers.
    interfaces: Vec<Option<Interface>>,
    limits: Limits,
}

/// Whether a file begins as pcapng does: the section header's type reads the same in both
/// byte orders, its byte-order magic does not.
pub(super) fn recognise(head: &[u8]) -> bool {
    let has_order = head.get(8..12).is_none_or(|order| byte_order(order).is_some());
    head.starts_with(&SHB_MAGIC.to_be_bytes()) && has_order
}

impl Pcapng {
    pub(super) fn new(limits: Limits) -> Self {
        Self { is_big: false, interfaces: Vec::new(), limits }
    }

    /// Steps over everything up to and including the next packet.
    pub(super) fn next(&mut self, window: &mut Window, tally: &mut Tally) -> Result<Record, Halt> {
        loop {
            let head = self.block_head(window)?;
            let record = match head.kind {
                EPB_MAGIC | SPB_MAGIC | OPB_TYPE => self.packet(head, window, tally)?,
                SHB_MAGIC | IDB_MAGIC => {
                    self.description(head, window, tally)?;
                    None
                }
                _ => {
                    self.step_over(head, window)?;
                    None
                }
            };
            if let Some(record) = record {
                return Ok(record);
            }
        }
    }

    /// Type and length of the block at the current position. A section header decides the
    /// byte order of its own length, too.
    fn block_head(&mut self, window: &mut Window) -> Result<Head, Halt> {
        window.require(HEAD_BYTES)?;
        if window.filled().starts_with(&SHB_MAGIC.to_be_bytes()) {
            window.require(HEAD_BYTES + 4)?;
            let order = window.filled().get(8..12).and_then(byte_order);
            self.is_big = order.ok_or_else(|| window.damaged(DamageKind::BadByteOrder))?;
        }
        let kind = self.u32_at(window.filled(), 0);
        let len = self.u32_at(window.filled(), 4);
        if len < LEAST_BLOCK_BYTES || !len.is_multiple_of(4) {
            return Err(window.damaged(DamageKind::BadBlockLength { len }));
        }
        Ok(Head { kind, len })
    }

    /// Reads one packet block of any of the three kinds. `None` if it is damaged; it has its
    /// number all the same, as in the original.
    fn packet(
        &self,
        head: Head,
        window: &mut Window,
        tally: &mut Tally,
    ) -> Result<Option<Record>, Halt> {
        let len = self.hold(head, self.limits.record_bytes, window)?;
        let offset = window.offset();
        let block = window.filled().get(..len).unwrap_or_default();
        let found = self.locate(head, block);
        let start = window.take(0, len);
        match found {
            Ok(record) => return Ok(Some(Record { place: start + record.place, ..record })),
            Err(what) => tally.add_damage(offset, what),
        }
        tally.packets += 1;
        Ok(None)
    }

    /// The packet in a whole block, its place counted from the block's beginning.
    fn locate(&self, head: Head, block: &[u8]) -> Result<Record, DamageKind> {
        match head.kind {
            SPB_MAGIC => self.locate_simple(head, block),
            OPB_TYPE => self.locate_stamped(head, block, u32::from(self.u16_at(block, 8))),
            _ => self.locate_stamped(head, block, self.u32_at(block, 8)),
        }
    }

    /// An Enhanced Packet Block, or the obsolete Packet Block: they differ only in how they
    /// name their interface.
    #[inline]
    fn locate_stamped(
        &self,
        head: Head,
        block: &[u8],
        interface: u32,
    ) -> Result<Record, DamageKind> {
        let corrupt = DamageKind::CorruptBlock { len: head.len };
        let Some((fixed, rest)) = block.split_first_chunk::<PACKET_HEAD_BYTES>() else {
            return Err(corrupt);
        };
        let captured = usize::try_from(self.u32_at(fixed, 20)).unwrap_or(usize::MAX);
        if captured > rest.len().saturating_sub(TRAILER_BYTES) {
            return Err(corrupt);
        }
        let from = self.interface(interface)?;
        let ticks = u64::from(self.u32_at(fixed, 12)) << 32 | u64::from(self.u32_at(fixed, 16));
        let wire_len = self.u32_at(fixed, 24).max(self.u32_at(fixed, 20));
        let at = from.clock.at(ticks);
        Ok(Record { place: PACKET_HEAD_BYTES, len: captured, wire_len, link: from.link, at })
    }

    /// A Simple Packet Block: of interface 0, without a time, as long as the snap length
    /// lets it be.
    fn locate_simple(&self, head: Head, block: &[u8]) -> Result<Record, DamageKind> {
        let corrupt = DamageKind::CorruptBlock { len: head.len };
        let parse =
            if self.is_big { parse_simplepacketblock_be } else { parse_simplepacketblock_le };
        let Ok((_, simple)) = parse(block) else { return Err(corrupt) };
        let from = self.interface(0)?;
        let snaplen = if from.snaplen == 0 { u32::MAX } else { from.snaplen };
        let len = usize::try_from(simple.origlen.min(snaplen)).unwrap_or(usize::MAX);
        if len > simple.data.len() {
            return Err(corrupt);
        }
        let at = Timestamp::UNKNOWN;
        Ok(Record { place: 12, len, wire_len: simple.origlen, link: from.link, at })
    }

    fn interface(&self, number: u32) -> Result<&Interface, DamageKind> {
        let known = usize::try_from(number).ok().and_then(|number| self.interfaces.get(number));
        known.and_then(Option::as_ref).ok_or(DamageKind::UnknownInterface { interface: number })
    }

    /// Reads a section header or an interface description.
    fn description(
        &mut self,
        head: Head,
        window: &mut Window,
        tally: &mut Tally,
    ) -> Result<(), Halt> {
        let len = self.hold(head, self.limits.description_bytes, window)?;
        let block = window.filled().get(..len).unwrap_or_default();
        let read = if head.kind == SHB_MAGIC {
            self.interfaces.clear();
            parse_sectionheaderblock(block).is_ok()
        } else {
            self.describe(block, window.offset(), tally)
        };
        if !read {
            tally.add_damage(window.offset(), DamageKind::CorruptBlock { len: head.len });
        }
        window.take(0, len);
        Ok(())
    }

    /// Remembers an interface; `false` if its block is corrupt.
    fn describe(&mut self, block: &[u8], offset: u64, tally: &mut Tally) -> bool {
        let limit = self.limits.interfaces;
        if self.interfaces.len() >= limit {
            tally.add_damage(offset, DamageKind::TooManyInterfaces { limit });
            return true;
        }
        let interface = self.parse_description(block);
        tally.link_types.extend(interface.map(|interface| interface.link));
        self.interfaces.push(interface);
        interface.is_some()
    }

    fn parse_description(&self, block: &[u8]) -> Option<Interface> {
        let parse: ParseDescription = if self.is_big {
            parse_interfacedescriptionblock_be
        } else {
            parse_interfacedescriptionblock_le
        };
        parse(block).ok().map(|(_, block)| Interface::describe(&block, self.is_big))
    }

    /// Steps over a block without holding it; its trailing length must agree, or where the
    /// next block begins is unknown.
    fn step_over(&self, head: Head, window: &mut Window) -> Result<(), Halt> {
        let bad = window.damaged(DamageKind::BadBlockLength { len: head.len });
        let skipped = window
            .skip(u64::from(head.len) - TRAILER_BYTES as u64)
            .and_then(|()| window.require_inside(TRAILER_BYTES));
        match skipped {
            // The file ended inside a block longer than any: more likely the length is false.
            Err(Halt::Damaged { what: DamageKind::Cut, .. })
                if head.len as usize > self.limits.record_bytes =>
            {
                return Err(bad);
            }
            other => other?,
        }
        if self.u32_at(window.filled(), 0) != head.len {
            return Err(bad);
        }
        window.take(TRAILER_BYTES, 0);
        Ok(())
    }

    /// Makes the whole block present, if it is not too long and both its lengths agree.
    #[inline]
    fn hold(&self, head: Head, limit: usize, window: &mut Window) -> Result<usize, Halt> {
        let len = usize::try_from(head.len).unwrap_or(usize::MAX);
        if len > limit {
            let len = u64::from(head.len);
            return Err(window.damaged(DamageKind::RecordTooBig { len, limit }));
        }
        window.require(len)?;
        if self.u32_at(window.filled(), len - TRAILER_BYTES) != head.len {
            return Err(window.damaged(DamageKind::BadBlockLength { len: head.len }));
        }
        Ok(len)
    }

    /// A number in the section's byte order; 0 if the block is too short to hold it.
    #[inline]
    fn u32_at(&self, bytes: &[u8], at: usize) -> u32 {
        let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
        let read = if self.is_big { u32::from_be_bytes } else { u32::from_le_bytes };
        field.map_or(0, |field| read(*field))
    }

    fn u16_at(&self, bytes: &[u8], at: usize) -> u16 {
        let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
        let read = if self.is_big { u16::from_be_bytes } else { u16::from_le_bytes };
        field.map_or(0, |field| read(*field))
    }
}

/// Type and total length of a block, in bytes.
#[derive(Clone, Copy)]
struct Head {
    kind: u32,
    len: u32,
}

type ParseDescription =
    for<'a> fn(&'a [u8]) -> IResult<&'a [u8], InterfaceDescriptionBlock<'a>, PcapError<&'a [u8]>>;

/// Whether a byte-order magic says big-endian; `None` if it says nothing.
fn byte_order(magic: &[u8]) -> Option<bool> {
    let magic: [u8; 4] = *magic.first_chunk()?;
    match u32::from_be_bytes(magic) {
        BOM_MAGIC => Some(true),
        other if other.swap_bytes() == BOM_MAGIC => Some(false),
        _ => None,
    }
}

/// The obsolete Packet Block (draft-ietf-opsawg-pcapng appendix A).
const OPB_TYPE: u32 = 2;
const HEAD_BYTES: usize = 8;
/// What stands before the packet in an Enhanced or obsolete Packet Block.
const PACKET_HEAD_BYTES: usize = 28;
/// The length is repeated after the block's body.
const TRAILER_BYTES: usize = 4;
const LEAST_BLOCK_BYTES: u32 = 12;
