//! Floor 2: frames → TCP segments.
//!
//! [`decode`] peels the link header (one row of a table per link type), reads IP and TCP, and
//! lends the payload on. What it does not understand is a [`Why`], to be counted, never dropped
//! in silence.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::unwrap_used, clippy::cast_possible_truncation)
)]

mod checksum;
mod ip;
mod link;
mod segment;

use std::borrow::Cow;

pub use self::checksum::Checksum;
pub use self::segment::{Endpoint, Flags, FlowKey, Host, Net, Segment, SeqNum};
use crate::capture::{Frame, LinkType};

/// What one frame turned out to be.
#[derive(Debug)]
pub enum Decoded<'a> {
    Tcp(Segment<'a>),
    Skipped(Why),
}

/// Finds the TCP segment in a frame.
pub fn decode<'a>(frame: &Frame<'a>) -> Decoded<'a> {
    match link::find_ip(frame.link, frame.bytes).and_then(|packet| ip::tcp_segment(frame, packet)) {
        Ok(segment) => Decoded::Tcp(segment),
        Err(why) => Decoded::Skipped(why),
    }
}

/// Why a frame was not decoded to a TCP segment.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Why {
    Arp,
    Udp,
    Icmp,
    Icmpv6,
    /// An IP protocol other than TCP, UDP and ICMP.
    OtherIpProtocol(u8),
    /// An ethertype other than IP, ARP and what is peeled on the way to them.
    OtherEthertype(u16),
    /// IEEE 802.2 LLC that carries no ethertype: spanning tree and the like.
    Llc,
    /// A piece of an IP datagram.
    IpFragment,
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
            Self::OtherIpProtocol(number) => return format!("ip_protocol_{number}").into(),
            Self::OtherEthertype(number) => return format!("ethertype_0x{number:04x}").into(),
            Self::Llc => "llc",
            Self::IpFragment => "ip_fragment",
            Self::LinkHeaderCut => "link_header_cut",
            Self::HeaderCut => "header_cut",
            Self::IpHeaderInvalid => "ip_header_invalid",
            Self::TcpHeaderInvalid => "tcp_header_invalid",
            Self::LinkType(link) => return format!("link_type_{link}").into(),
        })
    }
}

#[cfg(test)]
mod tests;
