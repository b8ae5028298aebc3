//! Captures for tests, told packet by packet.

// Every test target uses its own part of this file; a target is a crate nobody imports.
#![allow(dead_code, unreachable_pub)]

mod file;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::{
    IpHeaders, Ipv4Header, Ipv6Header, LaxSlicedPacket, PacketBuilder, TcpHeader, TransportSlice,
};

pub use file::Link;

/// An FTP dialogue as a capture would have shown it.
///
/// Both ends answer as TCP should, with right checksums, until a test says otherwise: by single
/// [`Segment`]s while telling, or by editing the packets afterwards. Frames are numbered from 1,
/// as in every report; the clock moves by [`TICK`] a packet.
#[derive(Debug)]
pub struct FtpScript {
    clock: Duration,
    mss: usize,
    link: Link,
    connections: Vec<Connection>,
    packets: Vec<Packet>,
}

/// One captured packet, always Ethernet; [`FtpScript::on_link`] applies when it is written.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Since the Unix epoch.
    pub time: Duration,
    pub bytes: Vec<u8>,
    /// Length on the wire, however much of it `bytes` holds.
    pub wire_len: usize,
    pub sender: (Conn, From),
}

/// A TCP connection of the script.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Conn(usize);

/// Which end of a connection speaks: the one that sent the SYN, or the one that listened.
///
/// The client of a control connection is its originator; of an active (PORT) data connection the
/// server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum From {
    Originator,
    Responder,
}

/// One segment said by hand. The default is an empty ACK of everything, at stream offset 0.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Octets after the SYN; the SYN itself is at -1, a keep-alive at [`FtpScript::sent`] - 1.
    pub offset: i64,
    /// How much of the other end's stream is acknowledged; `None` is all of it.
    pub acked: Option<i64>,
    /// Of [`flag`], or-ed.
    pub flags: u8,
    pub window: u16,
    /// Raw TCP options, at most 40 octets.
    pub options: &'a [u8],
    pub payload: &'a [u8],
}

/// TCP control bits, in their places (RFC 9293 §3.1).
pub mod flag {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
    pub const URG: u8 = 0x20;
}

#[derive(Debug)]
struct Connection {
    /// Originator, responder; so are the pairs below.
    ends: [SocketAddr; 2],
    /// Sequence number of stream offset 0.
    start: [u32; 2],
    /// Furthest stream offset sent, -1 before the SYN.
    sent: [i64; 2],
}

/// Telling: whole connections.
impl FtpScript {
    pub fn new() -> Self {
        Self {
            clock: START,
            mss: 1460,
            link: Link::Ethernet,
            connections: Vec::new(),
            packets: Vec::new(),
        }
    }

    /// Lets time pass without packets.
    pub fn wait(&mut self, time: Duration) {
        self.clock += time;
    }

    /// Sets the payload of a full segment, from here on.
    pub fn mss(&mut self, octets: usize) {
        self.mss = octets;
    }

    /// Opens a connection by handshake. Addresses are `10.0.0.1:40000` or `[2001:db8::1]:40000`.
    pub fn connect(&mut self, originator: &str, responder: &str) -> Conn {
        let isns = self.some_isns();
        self.connect_from(originator, responder, isns)
    }

    /// Opens a connection with these initial sequence numbers, originator's first.
    pub fn connect_from(&mut self, originator: &str, responder: &str, isns: [u32; 2]) -> Conn {
        let conn = self.unopened(originator, responder, isns);
        self.segment(conn, From::Originator, -1, flag::SYN, b"");
        self.segment(conn, From::Responder, -1, flag::SYN | flag::ACK, b"");
        self.ack(conn, From::Originator);
        conn
    }

    /// A connection older than the capture: no packets yet, `next` are the sequence numbers of
    /// what each end says first, which is stream offset 0.
    pub fn midstream(&mut self, originator: &str, responder: &str, next: [u32; 2]) -> Conn {
        let conn = self.unopened(originator, responder, next.map(|seq| seq.wrapping_sub(1)));
        self.connections[conn.0].sent = [0, 0];
        conn
    }

    /// A SYN nobody answers, repeated `retries` times after 1, 2, 4… seconds (RFC 6298 §5.5).
    pub fn syn_only(&mut self, originator: &str, responder: &str, retries: u32) -> Conn {
        let isns = self.some_isns();
        let conn = self.unopened(originator, responder, isns);
        self.segment(conn, From::Originator, -1, flag::SYN, b"");
        for retry in 0..retries {
            self.wait(Duration::from_secs(1 << retry));
            self.segment(conn, From::Originator, -1, flag::SYN, b"");
        }
        conn
    }

    /// A SYN answered by a reset: nobody listens.
    pub fn refused(&mut self, originator: &str, responder: &str) -> Conn {
        let [isn, _] = self.some_isns();
        // The reset of a closed port carries sequence number 0 (RFC 9293 §3.10.7.1).
        let conn = self.unopened(originator, responder, [isn, 0]);
        self.segment(conn, From::Originator, -1, flag::SYN, b"");
        self.segment(conn, From::Responder, -1, flag::RST | flag::ACK, b"");
        conn
    }

    /// FIN from one end, FIN from the other, and the last ACK.
    pub fn close(&mut self, conn: Conn, from: From) {
        self.segment(conn, from, self.sent(conn, from), flag::FIN | flag::ACK, b"");
        let other = from.other();
        self.segment(conn, other, self.sent(conn, other), flag::FIN | flag::ACK, b"");
        self.ack(conn, from);
    }

    /// Aborts a connection.
    pub fn reset(&mut self, conn: Conn, from: From) {
        self.segment(conn, from, self.sent(conn, from), flag::RST | flag::ACK, b"");
    }
}

/// Telling: what is said.
impl FtpScript {
    /// The originator says `text`, its CRLF included, and the responder acknowledges it.
    pub fn client(&mut self, control: Conn, text: impl AsRef<[u8]>) {
        self.send(control, From::Originator, text.as_ref());
    }

    /// The responder says `text`, its CRLF included, and the originator acknowledges it.
    pub fn server(&mut self, control: Conn, text: impl AsRef<[u8]>) {
        self.send(control, From::Responder, text.as_ref());
    }

    /// Many lines: `< 220 ready` the server says, `> USER bob` the client. CRLF is added.
    pub fn dialogue(&mut self, control: Conn, lines: &[&str]) {
        for line in lines {
            match line.split_at_checked(2) {
                Some(("< ", text)) => self.server(control, format!("{text}\r\n")),
                Some(("> ", text)) => self.client(control, format!("{text}\r\n")),
                _ => panic!("a line starts with `< ` or `> `: {line:?}"),
            }
        }
    }

    /// Sends `bytes` in full segments; every second one and the last is acknowledged.
    pub fn send(&mut self, conn: Conn, from: From, bytes: &[u8]) {
        let last = bytes.len().div_ceil(self.mss).saturating_sub(1);
        for (index, payload) in bytes.chunks(self.mss).enumerate() {
            let push = if index == last { flag::PSH } else { 0 };
            self.segment(conn, from, self.sent(conn, from), flag::ACK | push, payload);
            if index == last || index % 2 == 1 {
                self.ack(conn, from.other());
            }
        }
    }

    /// A pure ACK of all the other end sent.
    pub fn ack(&mut self, conn: Conn, from: From) {
        self.segment(conn, from, self.sent(conn, from), flag::ACK, b"");
    }

    /// One segment at a stream offset, answered by nobody. See [`put`](Self::put) for the rest.
    pub fn segment(&mut self, conn: Conn, from: From, offset: i64, flags: u8, payload: &[u8]) {
        self.put(conn, from, Segment { offset, flags, payload, ..Segment::default() });
    }

    /// One segment, whatever it says. Only octets beyond the furthest sent move the stream on:
    /// an overlap or a repetition leaves it where it was, a hole is counted as sent.
    pub fn put(&mut self, conn: Conn, from: From, segment: Segment<'_>) {
        let bytes = self.frame(conn, from, segment);
        let octets = segment.payload.len() as i64
            + i64::from(segment.flags & flag::SYN != 0)
            + i64::from(segment.flags & flag::FIN != 0);
        let sent = &mut self.connections[conn.0].sent[from as usize];
        *sent = (*sent).max(segment.offset + octets);
        let wire_len = bytes.len();
        self.packets.push(Packet { time: self.clock, bytes, wire_len, sender: (conn, from) });
        self.clock += TICK;
    }

    /// Stream offset of what this end says next.
    pub fn sent(&self, conn: Conn, from: From) -> i64 {
        self.connections[conn.0].sent[from as usize]
    }
}

/// Editing: what the capture did to the packets so far.
impl FtpScript {
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }

    pub fn packets_mut(&mut self) -> &mut Vec<Packet> {
        &mut self.packets
    }

    /// Number of the first frame whose TCP payload contains `text`.
    pub fn frame_of(&self, text: impl AsRef<[u8]>) -> u64 {
        let text = text.as_ref();
        let says = |packet: &Packet| packet.payload().windows(text.len()).any(|part| part == text);
        let index = self.packets.iter().position(says);
        index.unwrap_or_else(|| panic!("no packet says {}", text.escape_ascii())) as u64 + 1
    }

    /// Number of the newest frame.
    pub fn last_frame(&self) -> u64 {
        self.packets.len() as u64
    }

    /// The capture missed this frame. Later ones move up by one.
    pub fn lose(&mut self, frame: u64) {
        self.packets.remove(index_of(frame));
    }

    /// The capture holds this frame twice, the second right after the first.
    pub fn duplicate(&mut self, frame: u64) {
        let mut copy = self.packets[index_of(frame)].clone();
        copy.time += Duration::from_micros(1);
        self.packets.insert(index_of(frame) + 1, copy);
    }

    /// Two frames arrive in each other's place; the times stay in order.
    pub fn swap(&mut self, frame: u64, other: u64) {
        let [one, two] = [index_of(frame), index_of(other)];
        let times = [self.packets[one].time, self.packets[two].time];
        self.packets.swap(one, two);
        [self.packets[one].time, self.packets[two].time] = times;
    }

    /// Keeps the first `octets` of every frame.
    pub fn snaplen(&mut self, octets: usize) {
        self.packets.iter_mut().for_each(|packet| packet.bytes.truncate(octets));
    }

    /// The capture never saw this end of the connection.
    pub fn drop_direction(&mut self, conn: Conn, from: From) {
        self.packets.retain(|packet| packet.sender != (conn, from));
    }
}

impl FtpScript {
    fn unopened(&mut self, originator: &str, responder: &str, isns: [u32; 2]) -> Conn {
        let ends = [originator, responder].map(|end| end.parse().expect("an address and a port"));
        let start = isns.map(|isn| isn.wrapping_add(1));
        self.connections.push(Connection { ends, start, sent: [-1, -1] });
        Conn(self.connections.len() - 1)
    }

    /// Far from the wrap and different for every one of a thousand connections, so that mixing up
    /// two shows.
    fn some_isns(&self) -> [u32; 2] {
        let nth = self.connections.len() as u32 % 1024;
        [0x1000_0000 + nth * 0x0010_0000, 0x5000_0000 + nth * 0x0010_0000]
    }

    fn frame(&self, conn: Conn, from: From, segment: Segment<'_>) -> Vec<u8> {
        let ends = self.connections[conn.0].ends;
        let (source, target) = (ends[from as usize], ends[from.other() as usize]);
        // Numbered, so that a duplicated frame and a retransmission can be told apart.
        let id = self.packets.len() as u16;
        let builder = PacketBuilder::ethernet2(mac(source.ip()), mac(target.ip()))
            .ip(ip_header(source.ip(), target.ip(), id))
            .tcp_header(self.tcp_header(conn, from, segment));
        let mut bytes = Vec::with_capacity(builder.size(segment.payload.len()));
        builder.write(&mut bytes, segment.payload).expect("a payload that fits an IP packet");
        bytes
    }

    fn tcp_header(&self, conn: Conn, from: From, segment: Segment<'_>) -> TcpHeader {
        let Connection { ends, start, sent } = &self.connections[conn.0];
        let (this, other) = (from as usize, from.other() as usize);
        let (ports, is) = (ends.map(|end| end.port()), |bit| segment.flags & bit != 0);
        // Offsets are taken modulo 2³², as the ring wants.
        let seq = start[this].wrapping_add(segment.offset as u32);
        let mut header = TcpHeader::new(ports[this], ports[other], seq, segment.window);
        if is(flag::ACK) {
            let acked = segment.acked.unwrap_or(sent[other]);
            header.acknowledgment_number = start[other].wrapping_add(acked as u32);
        }
        header.fin = is(flag::FIN);
        header.syn = is(flag::SYN);
        header.rst = is(flag::RST);
        header.psh = is(flag::PSH);
        header.ack = is(flag::ACK);
        header.urg = is(flag::URG);
        // All of an urgent payload is urgent, as `ABOR` is sent (RFC 959 §4.1.3).
        header.urgent_pointer = if header.urg { segment.payload.len() as u16 } else { 0 };
        header.set_options_raw(segment.options).expect("at most 40 octets of options");
        header
    }
}

impl Default for Segment<'_> {
    fn default() -> Self {
        Self { offset: 0, acked: None, flags: flag::ACK, window: 64240, options: b"", payload: b"" }
    }
}

impl Packet {
    /// What is captured of the TCP payload.
    pub fn payload(&self) -> &[u8] {
        let sliced = LaxSlicedPacket::from_ethernet(&self.bytes);
        match sliced.ok().and_then(|packet| packet.transport) {
            Some(TransportSlice::Tcp(tcp)) => tcp.payload(),
            _ => b"",
        }
    }
}

impl From {
    pub fn other(self) -> Self {
        match self {
            Self::Originator => Self::Responder,
            Self::Responder => Self::Originator,
        }
    }
}

fn ip_header(source: IpAddr, target: IpAddr, id: u16) -> IpHeaders {
    match (source, target) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let [source, destination] = [source, target].map(|ip| ip.octets());
            let mut header = Ipv4Header { source, destination, ..Ipv4Header::default() };
            header.identification = id;
            header.time_to_live = 64;
            IpHeaders::Ipv4(header, Default::default())
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            let [source, destination] = [source, target].map(|ip| ip.octets());
            let header = Ipv6Header { source, destination, hop_limit: 64, ..Ipv6Header::default() };
            IpHeaders::Ipv6(header, Default::default())
        }
        _ => panic!("{source} and {target} are of different families"),
    }
}

/// A locally administered address made of the end of the IP address.
fn mac(ip: IpAddr) -> [u8; 6] {
    let [.., a, b, c, d] = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    [2, 0, a, b, c, d]
}

/// Index of a 1-based frame number.
fn index_of(frame: u64) -> usize {
    usize::try_from(frame - 1).expect("a frame of this script")
}

/// 2026-01-02T03:04:05Z.
const START: Duration = Duration::from_secs(1_767_323_045);
/// Between one packet and the next.
pub const TICK: Duration = Duration::from_millis(1);
