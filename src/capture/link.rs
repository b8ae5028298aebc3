//! Link types: what the first byte of a frame belongs to.

use std::fmt;

/// A LINKTYPE number as registered by tcpdump.org (low 16 bits).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkType(pub u16);

/// The name tcpdump uses, `DLT_<n>` for the rest.
impl fmt::Display for LinkType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => out.pad(name),
            None => write!(out, "DLT_{}", self.0),
        }
    }
}

/// The link types captures of IP networks come with. 12 and 14 are raw IP as some systems
/// write it; the registered number is 101.
const NAMES: &[(u16, &str)] = &[
    (0, "NULL"),
    (1, "EN10MB"),
    (6, "IEEE802"),
    (7, "ARCNET_BSD"),
    (8, "SLIP"),
    (9, "PPP"),
    (10, "FDDI"),
    (12, "RAW"),
    (14, "RAW"),
    (50, "PPP_SERIAL"),
    (51, "PPP_ETHER"),
    (100, "ATM_RFC1483"),
    (101, "RAW"),
    (104, "C_HDLC"),
    (105, "IEEE802_11"),
    (107, "FRELAY"),
    (108, "LOOP"),
    (109, "ENC"),
    (113, "LINUX_SLL"),
    (117, "PFLOG"),
    (119, "PRISM_HEADER"),
    (122, "IP_OVER_FC"),
    (127, "IEEE802_11_RADIO"),
    (149, "PKTAP"),
    (163, "IEEE802_11_RADIO_AVS"),
    (187, "BLUETOOTH_HCI_H4"),
    (189, "USB_LINUX"),
    (192, "PPI"),
    (195, "IEEE802_15_4_WITHFCS"),
    (201, "BLUETOOTH_HCI_H4_WITH_PHDR"),
    (220, "USB_LINUX_MMAPPED"),
    (227, "CAN_SOCKETCAN"),
    (228, "IPV4"),
    (229, "IPV6"),
    (239, "NFLOG"),
    (240, "NETANALYZER"),
    (249, "USBPCAP"),
    (252, "WIRESHARK_UPPER_PDU"),
    (253, "NETLINK"),
    (274, "ETHERNET_MPACKET"),
    (276, "LINUX_SLL2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_type_prints_the_name_tcpdump_gives_it() {
        for (number, wanted) in [(1, "EN10MB"), (101, "RAW"), (276, "LINUX_SLL2"), (147, "DLT_147")]
        {
            assert_eq!(LinkType(number).to_string(), wanted);
        }
        assert!(NAMES.is_sorted_by_key(|(number, _)| number));
    }
}
