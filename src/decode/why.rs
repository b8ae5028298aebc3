//! Why a frame is no segment.

use std::borrow::Cow;

use crate::capture::LinkType;

/// Why a frame was not decoded to a TCP segment.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Why {
    Arp,
    Udp,
    Icmp,
    Icmpv6,
    /// Encrypted IP (RFC 4303).
    Esp,
    /// Encrypted or signed Ethernet (IEEE 802.1AE).
    Macsec,
    /// An IP protocol other than those named here.
    OtherIpProtocol(u8),
    /// An ethertype other than IP, ARP and what is peeled on the way to them.
    OtherEthertype(u16),
    /// A PPP protocol other than IP and MPLS: what is said to set the link up.
    OtherPppProtocol(u16),
    /// PPP payload that is compressed (RFC 1962), with MPPE also encrypted (RFC 3078).
    PppCompressed,
    /// IEEE 802.2 LLC that carries no ethertype: spanning tree and the like.
    Llc,
    /// MPLS that carries neither IP nor, as far as can be told, Ethernet.
    MplsPayload,
    /// GRE without payload: an acknowledgement (RFC 2637 §4.1) or a keepalive; or an unknown
    /// version.
    Gre,
    /// IEEE 802.11 frames that manage, control, or carry nothing.
    WlanNoData,
    /// IEEE 802.11 data that is encrypted.
    WlanProtected,
    /// A piece of an IEEE 802.11 frame.
    WlanFragment,
    /// Several packets in one IEEE 802.11 frame (A-MSDU).
    WlanAggregate,
    /// The frame came damaged, as the receiving radio says.
    WlanBadChecksum,
    /// A piece of an IP datagram whose other pieces did not come.
    IpFragment,
    /// A piece that no datagram can have.
    IpFragmentInvalid,
    /// Inside more tunnels than `Limits::tunnel_depth`.
    TunnelDepth,
    /// Inside a tunnel beyond `Limits::tunnels`.
    TunnelBeyondLimit,
    /// The frame ends inside its link header.
    LinkHeaderCut,
    /// The frame ends inside its IP or TCP header.
    HeaderCut,
    /// IP header fields that contradict themselves or each other.
    IpHeaderInvalid,
    /// A TCP header whose length field is impossible.
    TcpHeaderInvalid,
    /// A link type that is not read.
    LinkType(LinkType),
}

impl Why {
    /// The key under which it is counted.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Arp => "arp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Icmpv6 => "icmpv6",
            Self::Esp => "esp",
            Self::Macsec => "macsec",
            Self::OtherIpProtocol(number) => return format!("ip_protocol_{number}").into(),
            Self::OtherEthertype(number) => return format!("ethertype_0x{number:04x}").into(),
            Self::OtherPppProtocol(number) => return format!("ppp_0x{number:04x}").into(),
            Self::PppCompressed => "ppp_compressed",
            Self::Llc => "llc",
            Self::MplsPayload => "mpls_payload",
            Self::Gre => "gre",
            Self::WlanNoData => "wlan_no_data",
            Self::WlanProtected => "wlan_protected",
            Self::WlanFragment => "wlan_fragment",
            Self::WlanAggregate => "wlan_aggregate",
            Self::WlanBadChecksum => "wlan_bad_checksum",
            Self::IpFragment => "ip_fragment",
            Self::IpFragmentInvalid => "ip_fragment_invalid",
            Self::TunnelDepth => "tunnel_depth",
            Self::TunnelBeyondLimit => "tunnel_beyond_limit",
            Self::LinkHeaderCut => "link_header_cut",
            Self::HeaderCut => "header_cut",
            Self::IpHeaderInvalid => "ip_header_invalid",
            Self::TcpHeaderInvalid => "tcp_header_invalid",
            Self::LinkType(link) => {
                return match OTHER_LINK_TYPES.iter().find(|(number, _)| *number == link.0) {
                    Some((_, name)) => format!("link_type_{name}").into(),
                    None => format!("link_type_{link}").into(),
                };
            }
        })
    }
}

/// Names of link types that carry no IP, or IP so seldom that they are not read.
const OTHER_LINK_TYPES: &[(u16, &str)] = &[
    (178, "JUNIPER_ETHER"),
    (186, "USB_FREEBSD"),
    (197, "ERF"),
    (230, "IEEE802_15_4_NOFCS"),
    (242, "IPOIB"),
    (247, "INFINIBAND"),
    (251, "BLUETOOTH_LE_LL"),
    (254, "BLUETOOTH_LINUX_MONITOR"),
    (266, "USB_DARWIN"),
    (271, "VSOCK"),
    (288, "USB_2_0"),
];
