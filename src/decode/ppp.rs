//! The point-to-point protocol, and its cousins on serial lines.

use super::link::{Layer, by_ethertype};
use super::{Why, mpls};

/// Address and control (RFC 1662 §3.1) may be left out, and the first octet of the protocol if it
/// is zero (RFC 1661 §6.5, §6.6).
pub(super) fn payload(frame: &[u8]) -> Result<Layer<'_>, Why> {
    let frame = match frame {
        [0xff, 0x03, rest @ ..] => rest,
        _ => frame,
    };
    // The last octet of a protocol is odd, the others are even.
    let (protocol, rest) = match frame {
        [short, rest @ ..] if short & 1 != 0 => (u16::from(*short), rest),
        [a, b, rest @ ..] => (u16::from_be_bytes([*a, *b]), rest),
        _ => return Err(Why::LinkHeaderCut),
    };
    match protocol {
        0x0021 | 0x0057 => Ok(Layer::Ip(rest)),
        0x0281 | 0x0283 => mpls::payload(rest),
        0x00fb | 0x00fd => Err(Why::PppCompressed),
        other => Err(Why::OtherPppProtocol(other)),
    }
}

/// The session of a PPPoE packet, and what it carries (RFC 2516 §4).
pub(super) fn pppoe(packet: &[u8]) -> Result<(u16, Layer<'_>), Why> {
    match packet {
        [0x11, 0, a, b, _, _, rest @ ..] => Ok((u16::from_be_bytes([*a, *b]), Layer::Ppp(rest))),
        [_, _, _, _, _, _, ..] => Err(Why::OtherEthertype(0x8864)),
        _ => Err(Why::LinkHeaderCut),
    }
}

/// `LINKTYPE_PPP_HDLC`: Cisco's framing if the address is one of Cisco's.
pub(super) fn serial(frame: &[u8]) -> Result<Layer<'_>, Why> {
    match frame {
        [0x0f | 0x8f, ..] => cisco(frame),
        _ => Ok(Layer::Ppp(frame)),
    }
}

/// `LINKTYPE_C_HDLC` (RFC 1547 §4.3.1): address, control, ethertype.
pub(super) fn cisco(frame: &[u8]) -> Result<Layer<'_>, Why> {
    by_ethertype(frame.get(2..).ok_or(Why::LinkHeaderCut)?)
}
