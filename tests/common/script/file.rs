//! The packets of a script as a capture file: formats and link layers.

use std::time::Duration;

use super::{From, FtpScript, Packet};

/// What carries the IP packets in the written file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    Ethernet,
    /// Ethernet with one 802.1Q tag of this VLAN.
    Vlan(u16),
    /// No link header at all.
    RawIp,
    /// BSD loopback: the address family, little endian whatever the file's order.
    Null,
    /// Linux "any" device, `LINKTYPE_LINUX_SLL`.
    Cooked,
    /// Linux "any" device, `LINKTYPE_LINUX_SLL2`.
    Cooked2,
}

/// Writing: the same packets in any file format.
impl FtpScript {
    /// Chooses the link layer of the written files.
    pub fn on_link(&mut self, link: Link) {
        self.link = link;
    }

    /// Classic pcap, microseconds, little endian.
    pub fn pcap(&self) -> Vec<u8> {
        self.classic(0xa1b2_c3d4, 0x0004_0002, u32::to_le_bytes, Duration::subsec_micros)
    }

    /// Classic pcap, nanoseconds, big endian.
    pub fn pcap_nanos_be(&self) -> Vec<u8> {
        self.classic(0xa1b2_3c4d, 0x0002_0004, u32::to_be_bytes, Duration::subsec_nanos)
    }

    /// `version` is major 2, minor 4: two half words, so the order of bytes decides the word.
    fn classic(
        &self,
        magic: u32,
        version: u32,
        word: fn(u32) -> [u8; 4],
        fraction: impl Fn(&Duration) -> u32,
    ) -> Vec<u8> {
        let header = [magic, version, 0, 0, SNAPLEN, self.link.number().into()];
        let mut file = header.map(word).concat();
        for packet in &self.packets {
            let (bytes, wire_len) = self.link.wrap(packet);
            let lengths = [bytes.len() as u32, wire_len as u32];
            let stamp = [packet.time.as_secs() as u32, fraction(&packet.time)];
            file.extend([stamp, lengths].concat().into_iter().flat_map(word));
            file.extend(bytes);
        }
        file
    }

    /// One section of one interface, nanoseconds, little endian.
    pub fn pcapng(&self) -> Vec<u8> {
        let section = [words(&[0x1a2b_3c4d, 0x0000_0001]), vec![0xff; 8]].concat();
        // if_tsresol (9), one octet, 10⁻⁹ s, padded; then the end of the options.
        let options = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        let interface = [&words(&[self.link.number().into(), SNAPLEN])[..], &options].concat();
        let mut file = [block(0x0a0d_0d0a, section), block(1, interface)].concat();
        for packet in &self.packets {
            let (bytes, wire_len) = self.link.wrap(packet);
            let nanos = packet.time.as_nanos() as u64;
            let stamp = [(nanos >> 32) as u32, nanos as u32];
            let mut body = words(&[0, stamp[0], stamp[1], bytes.len() as u32, wire_len as u32]);
            body.extend(bytes);
            file.extend(block(6, body));
        }
        file
    }
}

impl Link {
    /// Its LINKTYPE, as the file says it.
    pub fn number(self) -> u16 {
        match self {
            Self::Ethernet | Self::Vlan(_) => 1,
            Self::Null => 0,
            Self::RawIp => 101,
            Self::Cooked => 113,
            Self::Cooked2 => 276,
        }
    }

    /// The packet with this link header in place of Ethernet's, and its length on the wire.
    fn wrap(self, packet: &Packet) -> (Vec<u8>, usize) {
        let (ethernet, ip) = packet.bytes.split_at(packet.bytes.len().min(ETHERNET_LEN));
        let header = match ethernet {
            [macs @ .., high, low] if ethernet.len() == ETHERNET_LEN => {
                self.header(macs, [*high, *low], packet.sender.1)
            }
            // Cut inside the Ethernet header: no more to tell.
            _ => ethernet.to_vec(),
        };
        let wire_len = packet.wire_len - ethernet.len() + header.len();
        ([&header, ip].concat(), wire_len)
    }

    fn header(self, macs: &[u8], ether_type: [u8; 2], from: From) -> Vec<u8> {
        // The capture is taken at the responder: 0 is "to us", 4 "from us".
        let heading = if from == From::Originator { 0 } else { 4 };
        let address = [&macs[6..], &[0, 0]].concat();
        match self {
            Self::Ethernet => [macs, &ether_type].concat(),
            Self::Vlan(id) => [macs, &[0x81, 0x00], &id.to_be_bytes(), &ether_type].concat(),
            Self::RawIp => Vec::new(),
            Self::Null if ether_type == [0x86, 0xdd] => vec![30, 0, 0, 0],
            Self::Null => vec![2, 0, 0, 0],
            Self::Cooked => [&[0, heading, 0, 1, 0, 6], &address[..], &ether_type].concat(),
            Self::Cooked2 => {
                [&ether_type, &[0, 0, 0, 0, 0, 2, 0, 1, heading, 6][..], &address].concat()
            }
        }
    }
}

/// A pcapng block; its length stands before and after the padded body.
fn block(kind: u32, mut body: Vec<u8>) -> Vec<u8> {
    body.resize(body.len().next_multiple_of(4), 0);
    let len = body.len() as u32 + 12;
    [words(&[kind, len]), body, words(&[len])].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

const ETHERNET_LEN: usize = 14;
const SNAPLEN: u32 = 262_144;
