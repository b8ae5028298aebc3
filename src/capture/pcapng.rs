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
use super::resync::{BELIEVED_BYTES, Resync};
use super::window::{Halt, Window};
use crate::limits::Limits;
use crate::time::Timestamp;

/// Finds the packets of a pcapng file.
///
/// A block's type and length are read first, and only as many bytes as it claims are looked
/// at: a block that is corrupt inside costs itself, not the file. Where its length is corrupt
/// the next believable block is searched for.
///
/// Packet blocks with options are not given to pcap-parser: it would make a list of the
/// options of every packet, an allocation each, and 128 MiB for a hostile block of 16.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pcapng {
    is_big: bool,
    /// Of the current section; `None` stands for a description that could not be read, so
    /// that those after it keep their numbers.
    interfaces: Vec<Option<Interface>>,
    limits: Limits,
    resync: Resync,
}

/// Whether a file begins as pcapng does: the section header's type reads the same in both
/// byte orders, its byte-order magic does not.
pub(super) fn recognise(head: &[u8]) -> bool {
    let has_order = head.get(8..12).is_none_or(|order| byte_order(order).is_some());
    head.starts_with(&SHB_MAGIC.to_be_bytes()) && has_order
}

impl Pcapng {
    pub(super) fn new(limits: Limits) -> Self {
        let resync = Resync::new(limits.resync_bytes);
        Self { is_big: false, interfaces: Vec::new(), limits, resync }
    }

    /// Interfaces of the current section.
    pub(super) fn interfaces(&self) -> usize {
        self.interfaces.len()
    }

    /// Steps over everything up to and including the next packet.
    pub(super) fn next(&mut self, window: &mut Window, tally: &mut Tally) -> Result<Record, Halt> {
        loop {
            match self.block(window, tally) {
                Ok(Some(record)) => return Ok(record),
                Ok(None) => {}
                Err(Halt::Damaged { what, .. }) if what.is_misframed() => {
                    self.search(window, tally, what)?;
                }
                Err(halt) => return Err(halt),
            }
        }
    }

    /// Steps over one block, which may have a packet.
    #[inline]
    fn block(&mut self, window: &mut Window, tally: &mut Tally) -> Result<Option<Record>, Halt> {
        let head = self.block_head(window)?;
        let len = self.hold(head, window)?;
        match head.kind {
            EPB_MAGIC | SPB_MAGIC | OPB_TYPE => return Ok(self.packet(head, len, window, tally)),
            SHB_MAGIC | IDB_MAGIC => self.description(head, len, window, tally),
            _ => {}
        }
        window.take(0, len);
        Ok(None)
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
        len: usize,
        window: &mut Window,
        tally: &mut Tally,
    ) -> Option<Record> {
        let offset = window.offset();
        let block = window.filled().get(..len).unwrap_or_default();
        let found = self.locate(head, block);
        let start = window.take(0, len);
        match found {
            Ok(record) => return Some(Record { place: start + record.place, ..record }),
            Err(what) => tally.add_damage(offset, what),
        }
        tally.packets += 1;
        None
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
    fn description(&mut self, head: Head, len: usize, window: &Window, tally: &mut Tally) {
        let limit = self.limits.description_bytes;
        let block = window.filled().get(..len).unwrap_or_default();
        let is_too_big = len > limit;
        let is_read = if head.kind == SHB_MAGIC {
            self.interfaces.clear();
            is_too_big || parse_sectionheaderblock(block).is_ok()
        } else {
            let interface = if is_too_big { None } else { self.parse_description(block) };
            self.remember(interface, window.offset(), tally);
            interface.is_some()
        };
        if is_too_big {
            let what = DamageKind::DescriptionTooBig { len: head.len, limit };
            tally.add_damage(window.offset(), what);
        } else if !is_read {
            tally.add_damage(window.offset(), DamageKind::CorruptBlock { len: head.len });
        }
    }

    fn remember(&mut self, interface: Option<Interface>, offset: u64, tally: &mut Tally) {
        let limit = self.limits.interfaces;
        if self.interfaces.len() >= limit {
            return tally.add_damage(offset, DamageKind::TooManyInterfaces { limit });
        }
        tally.link_types.extend(interface.map(|interface| interface.link));
        self.interfaces.push(interface);
    }

    fn parse_description(&self, block: &[u8]) -> Option<Interface> {
        let parse: ParseDescription = if self.is_big {
            parse_interfacedescriptionblock_be
        } else {
            parse_interfacedescriptionblock_le
        };
        parse(block).ok().map(|(_, block)| Interface::describe(&block, self.is_big))
    }

    /// Makes the whole block present, if it is not too long and both its lengths agree. The file
    /// that ends inside a block longer than any is not cut: more likely the length is false.
    #[inline]
    fn hold(&self, head: Head, window: &mut Window) -> Result<usize, Halt> {
        let limit = self.limits.record_bytes;
        let len = usize::try_from(head.len).unwrap_or(usize::MAX);
        if len > limit {
            let len = u64::from(head.len);
            return Err(window.damaged(DamageKind::RecordTooBig { len, limit }));
        }
        if len > BELIEVED_BYTES && !window.fill(len) {
            return Err(window.damaged(DamageKind::BadBlockLength { len: head.len }));
        }
        window.require(len)?;
        if self.u32_at(window.filled(), len - TRAILER_BYTES) != head.len {
            return Err(window.damaged(DamageKind::BadBlockLength { len: head.len }));
        }
        Ok(len)
    }

    /// Goes to the next block, or ends for the reason given.
    fn search(
        &mut self,
        window: &mut Window,
        tally: &mut Tally,
        why: DamageKind,
    ) -> Result<(), Halt> {
        self.resync.go_on(window, tally, why, self.is_big, |bytes, is_big| {
            let is_section = bytes.starts_with(&SHB_MAGIC.to_be_bytes());
            let order = bytes.get(8..12).filter(|_| is_section).and_then(byte_order);
            *is_big = order.unwrap_or(*is_big);
            believed_block(bytes, *is_big)
        })
    }

    /// A number in the section's byte order; 0 if the block is too short to hold it.
    #[inline]
    fn u32_at(&self, bytes: &[u8], at: usize) -> u32 {
        u32_at(bytes, at, self.is_big)
    }

    fn u16_at(&self, bytes: &[u8], at: usize) -> u16 {
        let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
        let read = if self.is_big { u16::from_be_bytes } else { u16::from_le_bytes };
        field.map_or(0, |field| read(*field))
    }
}

#[inline]
fn u32_at(bytes: &[u8], at: usize, is_big: bool) -> u32 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    let read = if is_big { u32::from_be_bytes } else { u32::from_le_bytes };
    field.map_or(0, |field| read(*field))
}

/// The length of the block at the beginning of `bytes`, if it is one that captures have, wholly
/// here and with both its lengths.
fn believed_block(bytes: &[u8], is_big: bool) -> Option<usize> {
    let kind = u32_at(bytes, 0, is_big);
    let len = usize::try_from(u32_at(bytes, 4, is_big)).ok()?;
    let fits = (LEAST_BLOCK_BYTES as usize..=BELIEVED_BYTES).contains(&len) && len % 4 == 0;
    let is_known = match kind {
        SHB_MAGIC => bytes.get(8..12).and_then(byte_order) == Some(is_big),
        EPB_MAGIC => u32_at(bytes, 20, is_big) as usize + PACKET_HEAD_BYTES + TRAILER_BYTES <= len,
        kind => USUAL_BLOCKS.contains(&kind),
    };
    let is_whole = fits && is_known && len <= bytes.len();
    (is_whole && u32_at(bytes, len - TRAILER_BYTES, is_big) as usize == len).then_some(len)
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
/// Blocks to which a search holds, beside sections and packets: interfaces, packets of the other
/// kinds, names, statistics, journal entries, secrets and custom blocks.
const USUAL_BLOCKS: [u32; 9] =
    [IDB_MAGIC, OPB_TYPE, SPB_MAGIC, 4, 5, 9, 10, 0x0000_0bad, 0x4000_0bad];
const HEAD_BYTES: usize = 8;
/// What stands before the packet in an Enhanced or obsolete Packet Block.
const PACKET_HEAD_BYTES: usize = 28;
/// The length is repeated after the block's body.
const TRAILER_BYTES: usize = 4;
const LEAST_BLOCK_BYTES: u32 = 12;
