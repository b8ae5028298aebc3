//! IEEE 802.11 data frames, and what capturing radios put in front of them.

use super::Why;
use super::link::{Layer, either_order};
use crate::capture::LinkType;

/// A frame without anything in front.
pub(super) fn frame(frame: &[u8]) -> Result<Layer<'_>, Why> {
    data(frame, false)
}

/// The LLC inside of a data frame (IEEE 802.11 §9.3.2.1). `is_padded` says that the radio filled
/// the header up to four octets.
fn data(frame: &[u8], is_padded: bool) -> Result<Layer<'_>, Why> {
    let [kind, flags, ..] = frame else { return Err(Why::LinkHeaderCut) };
    // Version 0, data, of a subtype that carries some.
    if kind & 0x0f != 0x08 || kind & 0x40 != 0 {
        return Err(Why::WlanNoData);
    }
    let has = |flag| flags & flag != 0;
    if has(PROTECTED) {
        return Err(Why::WlanProtected);
    }
    let fragment = frame.get(22).ok_or(Why::LinkHeaderCut)? & 0x0f;
    if has(MORE_FRAGMENTS) || fragment != 0 {
        return Err(Why::WlanFragment);
    }
    let mut len = if has(TO_DS) && has(FROM_DS) { 30 } else { 24 };
    if kind & 0x80 != 0 {
        if frame.get(len).ok_or(Why::LinkHeaderCut)? & 0x80 != 0 {
            return Err(Why::WlanAggregate);
        }
        // Quality of service, and with the order bit high throughput control.
        len += if has(ORDER) { 6 } else { 2 };
    }
    if is_padded {
        len = len.next_multiple_of(4);
    }
    Ok(Layer::Llc(frame.get(len..).ok_or(Why::LinkHeaderCut)?))
}

const TO_DS: u8 = 0x01;
const FROM_DS: u8 = 0x02;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// <https://www.radiotap.org>: version, a pad, the length, the fields that are present, those.
pub(super) fn radiotap(bytes: &[u8]) -> Result<Layer<'_>, Why> {
    let [_, _, a, b, ..] = bytes else { return Err(Why::LinkHeaderCut) };
    let len = usize::from(u16::from_le_bytes([*a, *b]));
    let (header, frame) = bytes.split_at_checked(len).ok_or(Why::LinkHeaderCut)?;
    let flags = radiotap_flags(header);
    if flags & BAD_CHECKSUM != 0 {
        return Err(Why::WlanBadChecksum);
    }
    data(frame, flags & PADDED != 0)
}

/// The second field. In front of it are only words that say what is present, the last of them
/// without its highest bit, and the time, of eight octets and aligned to as many.
fn radiotap_flags(header: &[u8]) -> u8 {
    let (words, _) = header.get(4..).unwrap_or_default().as_chunks::<4>();
    let Some(present) = words.first() else { return 0 };
    let more = words.iter().take_while(|word| word[3] & 0x80 != 0).count();
    let fields = 4 + (more + 1) * 4;
    let at = if present[0] & 1 != 0 { fields.next_multiple_of(8) + 8 } else { fields };
    if present[0] & 2 != 0 { header.get(at).copied().unwrap_or(0) } else { 0 }
}

const PADDED: u8 = 0x20;
const BAD_CHECKSUM: u8 = 0x40;

/// The header of Prism cards, and AVS, which also stands in files that say Prism: a number, then
/// the length, one in the host's order, the other in network order.
pub(super) fn prism(bytes: &[u8]) -> Result<Layer<'_>, Why> {
    let len = bytes.get(4..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Why::LinkHeaderCut)?;
    let len = usize::try_from(either_order(*len)).unwrap_or(usize::MAX);
    data(bytes.get(len.max(8)..).ok_or(Why::LinkHeaderCut)?, false)
}

/// Per-packet information (CACE): version, flags, the length, the link type, fields.
pub(super) fn ppi(bytes: &[u8]) -> Result<Layer<'_>, Why> {
    let (header, _) = bytes.split_first_chunk::<8>().ok_or(Why::LinkHeaderCut)?;
    let len = usize::from(u16::from_le_bytes([header[2], header[3]])).max(header.len());
    let link = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    let link = LinkType(u16::try_from(link).unwrap_or(u16::MAX));
    Ok(Layer::Link(link, bytes.get(len..).ok_or(Why::LinkHeaderCut)?))
}
