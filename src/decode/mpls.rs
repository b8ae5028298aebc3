//! MPLS (RFC 3032): a stack of labels, and a payload that only they know the kind of.

use super::Why;
use super::link::Layer;

/// What is below the bottom of the stack. Nothing in the packet says what it is: IP begins with
/// its version, a control word with a zero (RFC 4385 §3), and Ethernet with any octet (RFC 4928).
pub(super) fn payload(mut packet: &[u8]) -> Result<Layer<'_>, Why> {
    loop {
        let ([_, _, label, _], rest) = packet.split_first_chunk().ok_or(Why::LinkHeaderCut)?;
        packet = rest;
        if label & 1 != 0 {
            break;
        }
    }
    let behind_control_word = packet.get(4..).unwrap_or_default();
    match packet.first().ok_or(Why::HeaderCut)? >> 4 {
        4 | 6 if is_ip(packet) || !is_ethernet(packet) => Ok(Layer::Ip(packet)),
        0 if is_ethernet(behind_control_word) => Ok(Layer::Ethernet(behind_control_word)),
        _ if is_ethernet(packet) => Ok(Layer::Ethernet(packet)),
        _ => Err(Why::MplsPayload),
    }
}

/// Whether these octets, which begin with the version, are also otherwise an IP header: the header
/// checksum of IPv4 is right, the addresses of IPv6 are none of an Ethernet frame's type.
fn is_ip(packet: &[u8]) -> bool {
    match packet {
        [first, ..] if first >> 4 == 4 => {
            let len = usize::from(first & 0x0f) * 4;
            packet.get(..len).is_some_and(|header| len >= 20 && sums_up(header))
        }
        [_, _, _, _, a, b, next, ..] => {
            let len = usize::from(u16::from_be_bytes([*a, *b]));
            // TCP, UDP, the extensions and tunnels; and a length no longer than a packet is.
            len + 40 >= packet.len() && matches!(next, 0 | 4 | 6 | 17 | 41 | 43 | 44 | 47 | 58 | 60)
        }
        _ => false,
    }
}

fn sums_up(header: &[u8]) -> bool {
    let (words, _) = header.as_chunks::<2>();
    let sum: u32 = words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

/// Whether an Ethernet frame begins here, as far as its type and what follows it tell.
fn is_ethernet(frame: &[u8]) -> bool {
    match frame.get(12..).unwrap_or_default() {
        [0x08, 0x00, version, ..] => version >> 4 == 4,
        [0x86, 0xdd, version, ..] => version >> 4 == 6,
        [0x08, 0x06, 0, 1, ..] => true,
        [0x81, 0x00, ..] | [0x88, 0xa8 | 0x47 | 0x64, ..] => true,
        _ => false,
    }
}
