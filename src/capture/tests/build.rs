//! Builders of captures.

/// Writes numbers in one byte order.
#[derive(Clone, Copy)]
pub(super) struct Order {
    pub(super) is_big: bool,
}

pub(super) const LITTLE: Order = Order { is_big: false };
pub(super) const BIG: Order = Order { is_big: true };

impl Order {
    pub(super) fn u16(self, number: u16) -> [u8; 2] {
        if self.is_big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(super) fn u32(self, number: u32) -> [u8; 4] {
        if self.is_big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(super) fn i64(self, number: i64) -> [u8; 8] {
        if self.is_big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(super) fn u32s(self, numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| self.u32(*number)).collect()
    }

    /// A legacy file header: version 2.4, the snap length and link type given.
    pub(super) fn pcap(self, magic: u32, snaplen: u32, network: u32) -> Vec<u8> {
        let version = [self.u16(2), self.u16(4)].concat();
        let rest = self.u32s(&[0, 0, snaplen, network]);
        [&self.u32(magic)[..], &version, &rest].concat()
    }

    /// A legacy record, wholly captured.
    pub(super) fn record(self, secs: u32, fraction: u32, packet: &[u8]) -> Vec<u8> {
        let len = packet.len() as u32;
        [&self.u32s(&[secs, fraction, len, len]), packet].concat()
    }

    /// Any pcapng block; the body is padded.
    pub(super) fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let len = self.u32((body.len() + padding.len() + 12) as u32);
        [&self.u32(kind)[..], &len, body, &padding, &len].concat()
    }

    pub(super) fn section(self) -> Vec<u8> {
        let body = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    /// An interface description with these options.
    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let fixed = [&self.u16(link)[..], &self.u16(0), &self.u32(snaplen)].concat();
        let options: Vec<u8> = options
            .iter()
            .flat_map(|(code, value)| {
                let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
                let len = self.u16(value.len() as u16);
                [&self.u16(*code)[..], &len, value, &padding].concat()
            })
            .collect();
        self.block(1, &[fixed, options].concat())
    }

    pub(super) fn enhanced(self, interface: u32, ticks: u64, packet: &[u8]) -> Vec<u8> {
        let len = packet.len() as u32;
        let (high, low) = ((ticks >> 32) as u32, ticks as u32);
        self.block(6, &[&self.u32s(&[interface, high, low, len, len]), packet].concat())
    }

    pub(super) fn simple(self, wire_len: u32, packet: &[u8]) -> Vec<u8> {
        self.block(3, &[&self.u32(wire_len)[..], packet].concat())
    }

    pub(super) fn obsolete(self, interface: u16, ticks: u64, packet: &[u8]) -> Vec<u8> {
        let len = packet.len() as u32;
        let names = [self.u16(interface), self.u16(7)].concat();
        let rest = self.u32s(&[(ticks >> 32) as u32, ticks as u32, len, len]);
        self.block(2, &[&names[..], &rest, packet].concat())
    }
}

/// A pcap with one packet for every second and byte given.
pub(super) fn pcap_of(packets: &[(u32, u8)]) -> Vec<u8> {
    let records = packets.iter().map(|(secs, byte)| LITTLE.record(*secs, 0, &[*byte]));
    [LITTLE.pcap(0xa1b2_c3d4, 262_144, 1)].into_iter().chain(records).collect::<Vec<_>>().concat()
}
