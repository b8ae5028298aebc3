//! Captures for benchmarks: any size, the same bytes every time, never held in memory.
//!
//! Classic pcap, microseconds, little endian; Ethernet, IPv4, TCP. Checksums are right: some
//! readers drop what fails them, and would look fast for it.

// Every bench target uses its own part of this file; a target is a crate nobody imports.
#![allow(dead_code, unreachable_pub)]

use std::io::{self, Write};
use std::sync::LazyLock;

/// What a generator wrote.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Written {
    pub packets: u64,
    /// The whole file, headers included.
    pub capture_bytes: u64,
    /// FTP control connections; each moves one file, so these are the transfers as well.
    pub sessions: u64,
    pub transfers: u64,
    /// Content of all transferred files.
    pub file_bytes: u64,
}

/// A little FTP among much else: 64 flows at a time of HTTP, TLS, SMTP and noise, mostly in full
/// segments with an ACK every two (1 KB a packet on average); one flow in 300 is an FTP session.
///
/// Stops opening flows at `bytes` and lets the open ones finish, some 2 MB later.
pub fn mix(out: impl Write, bytes: u64) -> io::Result<Written> {
    let mut rng = Rng(0x6d69_7800);
    let mut nth = 0;
    play(out, 64, |written| {
        let flow = nth;
        nth += 1;
        (written.capture_bytes < bytes).then(|| match flow % 300 {
            7 => ftp(flow, mix_file_len(flow / 300)),
            _ => other_traffic(flow, &mut rng),
        })
    })
}

/// Sixteen downloads at once, in order, of `bytes` of content together.
pub fn bulk(out: impl Write, bytes: u64) -> io::Result<Written> {
    let mut files = 0..BULK_FILES;
    play(out, 16, |_| files.next().map(|nth| ftp(nth, bulk_file_len(bytes, nth))))
}

/// Many small sessions, 48 at a time, each from its own client: login, one file, QUIT; 28 packets.
pub fn many(out: impl Write, sessions: u64) -> io::Result<Written> {
    let mut nths = 0..sessions;
    play(out, 48, |_| nths.next().map(|nth| ftp(nth, many_file_len(nth))))
}

/// Length of the `nth` file of [`mix`], around 100 kB; its name is `file{300 * nth + 7}.bin`.
pub fn mix_file_len(nth: u64) -> u64 {
    80_000 + nth * 7919 % 40_000
}

/// Length of the `nth` file of [`bulk`]; the last takes what does not divide.
pub fn bulk_file_len(bytes: u64, nth: u64) -> u64 {
    let share = bytes / BULK_FILES;
    if nth == BULK_FILES - 1 { bytes - share * nth } else { share }
}

/// Length of the `nth` file of [`many`]: one segment.
pub fn many_file_len(nth: u64) -> u64 {
    200 + nth * 37 % 700
}

/// The file of `len` octets that a session's `file{nth}.bin` names.
pub fn file_content(nth: u64, len: u64) -> Vec<u8> {
    let period = NOISE.iter().take(PERIOD as usize).cycle();
    period.skip((file_start(nth) % PERIOD) as usize).take(len as usize).copied().collect()
}

pub const BULK_FILES: u64 = 16;

/// Two hosts' flows and what is left to say on them, last first.
struct Play {
    flows: [Flow; 2],
    steps: Vec<Step>,
    /// Length of the FTP file; `None` for other traffic.
    file_len: Option<u64>,
}

/// One thing that happens on a flow, a few packets at most.
enum Step {
    Open(usize),
    Say(usize, Side, String),
    /// `left` octets of a body that goes on at `at` of its endless source.
    Send {
        flow: usize,
        body: Body,
        at: u64,
        left: u64,
    },
    Close(usize, Side),
}

#[derive(Clone, Copy)]
enum Side {
    Client,
    Server,
}

/// What long bodies are made of.
#[derive(Clone, Copy)]
enum Body {
    Noise,
    /// Each full segment is one TLS application data record.
    Records,
}

/// A TCP connection, client first in each pair.
struct Flow {
    ends: [(u32, u16); 2],
    next: [u32; 2],
}

/// Plays what `next` gives, `at_once` together, in an order that is random but always the same.
fn play(
    out: impl Write,
    at_once: usize,
    mut next: impl FnMut(&Written) -> Option<Play>,
) -> io::Result<Written> {
    let mut tap = Tap::new(out)?;
    let mut rng = Rng(0x706c_6179);
    let mut playing = Vec::new();
    loop {
        while playing.len() < at_once
            && let Some(play) = next(&tap.written)
        {
            tap.written.count(&play);
            playing.push(play);
        }
        if playing.is_empty() {
            return tap.finish();
        }
        let turn = rng.below(playing.len() as u64) as usize;
        match playing[turn].steps.pop() {
            Some(step) => playing[turn].perform(step, &mut tap)?,
            None => drop(playing.swap_remove(turn)),
        }
    }
}

impl Play {
    fn new(nth: u64, server: u32, ports: [u16; 2], mut steps: Vec<Step>) -> Self {
        steps.reverse();
        let mut rng = Rng(nth + 1);
        // 10.0.0.0/8 holds a client for each of 16 million plays.
        let client = CLIENTS + (nth % (1 << 24)) as u32;
        let flows = ports.map(|port| Flow {
            ends: [(client, 32_768 + rng.below(28_000) as u16), (server, port)],
            next: [rng.next() as u32, rng.next() as u32],
        });
        Self { flows, steps, file_len: None }
    }

    fn perform<W: Write>(&mut self, step: Step, tap: &mut Tap<W>) -> io::Result<()> {
        match step {
            Step::Open(flow) => tap.open(&mut self.flows[flow]),
            Step::Say(flow, side, text) => {
                tap.packet(&mut self.flows[flow], side, PSH | ACK, text.as_bytes())
            }
            Step::Send { flow, body, at, left } => {
                let sent = tap.two_segments(&mut self.flows[flow], body, at, left)?;
                if sent < left {
                    let (at, left) = (at + sent, left - sent);
                    self.steps.push(Step::Send { flow, body, at, left });
                }
                Ok(())
            }
            Step::Close(flow, side) => tap.close(&mut self.flows[flow], side),
        }
    }
}

impl Written {
    fn count(&mut self, play: &Play) {
        if let Some(len) = play.file_len {
            self.sessions += 1;
            self.transfers += 1;
            self.file_bytes += len;
        }
    }
}

/// One session that downloads one file of `len` octets passively.
fn ftp(nth: u64, len: u64) -> Play {
    let server = FTP_SERVERS + (nth % 200) as u32;
    let port = 20_000 + (nth % 12_000) as u16;
    let ([a, b, c, d], [high, low]) = (server.to_be_bytes(), port.to_be_bytes());
    let says = |text: String| Step::Say(0, Side::Server, text + "\r\n");
    let asks = |text: String| Step::Say(0, Side::Client, text + "\r\n");
    let steps = vec![
        Step::Open(0),
        says("220 ready".into()),
        asks(format!("USER user{nth}")),
        says("331 password, please".into()),
        asks(format!("PASS secret{nth}")),
        says("230 welcome".into()),
        asks("TYPE I".into()),
        says("200 binary it is".into()),
        asks("PASV".into()),
        says(format!("227 Entering Passive Mode ({a},{b},{c},{d},{high},{low})")),
        Step::Open(1),
        asks(format!("RETR file{nth}.bin")),
        says(format!("150 Opening BINARY mode data connection for file{nth}.bin ({len} bytes).")),
        Step::Send { flow: 1, body: Body::Noise, at: file_start(nth), left: len },
        Step::Close(1, Side::Server),
        says("226 Transfer complete".into()),
        asks("QUIT".into()),
        says("221 bye".into()),
        Step::Close(0, Side::Server),
    ];
    Play { file_len: Some(len), ..Play::new(nth, server, [21, port], steps) }
}

/// Where in the noise a file begins, so that no two are alike.
fn file_start(nth: u64) -> u64 {
    nth * 7919
}

/// One flow of something else, drawn by lot.
fn other_traffic(nth: u64, rng: &mut Rng) -> Play {
    let server = OTHER_SERVERS + rng.below(5000) as u32;
    let records = |count: u64| (Body::Records, count * SEGMENT);
    let (port, asked, said, (body, left)) = match rng.below(16) {
        0..7 => (443, "client hello".into(), "server hello".into(), records(1 + rng.below(110))),
        7..13 => http(nth, 1000 + rng.below(160_000)),
        // Speaks in lines and three digits, like FTP.
        13 => (25, format!("EHLO host{nth}"), "250 8BITMIME\r\n".into(), (Body::Noise, 400)),
        _ => (
            [8443, 9000, 27_017, 50_051][rng.below(4) as usize],
            "ask".into(),
            "answer".into(),
            (Body::Noise, 1000 + rng.below(120_000)),
        ),
    };
    let greeting = (port == 25).then(|| Step::Say(0, Side::Server, "220 mx ESMTP\r\n".into()));
    let talk = [
        Step::Say(0, Side::Client, asked + "\r\n"),
        Step::Say(0, Side::Server, said),
        Step::Send { flow: 0, body, at: nth * SEGMENT, left },
        Step::Close(0, Side::Client),
    ];
    let steps = [Step::Open(0)].into_iter().chain(greeting).chain(talk).collect();
    Play::new(nth, server, [port, 0], steps)
}

/// Port, request, response head, body.
fn http(nth: u64, len: u64) -> (u16, String, String, (Body, u64)) {
    let request = format!("GET /item/{nth} HTTP/1.1\r\nHost: www.example\r\n");
    let head = format!("HTTP/1.1 200 OK\r\nServer: none\r\nContent-Length: {len}\r\n\r\n");
    (80, request, head, (Body::Noise, len))
}

/// The capture being written.
struct Tap<W: Write> {
    out: io::BufWriter<W>,
    written: Written,
    clock_us: u64,
}

impl<W: Write> Tap<W> {
    fn new(out: W) -> io::Result<Self> {
        let mut tap = Self {
            out: io::BufWriter::with_capacity(1 << 18, out),
            written: Written::default(),
            clock_us: START_US,
        };
        let header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1].map(u32::to_le_bytes).concat();
        tap.out.write_all(&header)?;
        tap.written.capture_bytes = header.len() as u64;
        Ok(tap)
    }

    fn finish(mut self) -> io::Result<Written> {
        self.out.flush()?;
        Ok(self.written)
    }

    fn open(&mut self, flow: &mut Flow) -> io::Result<()> {
        self.packet(flow, Side::Client, SYN, b"")?;
        self.packet(flow, Side::Server, SYN | ACK, b"")?;
        self.packet(flow, Side::Client, ACK, b"")
    }

    fn close(&mut self, flow: &mut Flow, first: Side) -> io::Result<()> {
        let second = if let Side::Client = first { Side::Server } else { Side::Client };
        self.packet(flow, first, FIN | ACK, b"")?;
        self.packet(flow, second, FIN | ACK, b"")?;
        self.packet(flow, first, ACK, b"")
    }

    /// Up to two segments from the server and their ACK; returns the octets sent.
    fn two_segments(&mut self, flow: &mut Flow, body: Body, at: u64, left: u64) -> io::Result<u64> {
        let first = left.min(SEGMENT);
        let second = (left - first).min(SEGMENT);
        for (at, len) in [(at, first), (at + first, second)] {
            if len > 0 {
                self.packet(flow, Side::Server, ACK, body.slice(at, len))?;
            }
        }
        self.packet(flow, Side::Client, ACK, b"")?;
        Ok(first + second)
    }

    fn packet(&mut self, flow: &mut Flow, from: Side, flags: u8, payload: &[u8]) -> io::Result<()> {
        let headers = flow.headers(from, flags, payload, self.written.packets as u16);
        let len = (headers.len() + payload.len()) as u32;
        let stamp = [(self.clock_us / 1_000_000) as u32, (self.clock_us % 1_000_000) as u32];
        for word in [stamp[0], stamp[1], len, len] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(&headers)?;
        self.out.write_all(payload)?;
        self.clock_us += 10;
        self.written.packets += 1;
        self.written.capture_bytes += 16 + u64::from(len);
        Ok(())
    }
}

impl Flow {
    /// Ethernet, IPv4 and TCP headers of the next packet `from` says; moves the sequence on.
    fn headers(&mut self, from: Side, flags: u8, payload: &[u8], id: u16) -> [u8; HEADERS] {
        let (this, other) = if let Side::Client = from { (0, 1) } else { (1, 0) };
        let (source, target) = (self.ends[this], self.ends[other]);
        let acked = if flags & ACK == 0 { 0 } else { self.next[other] };
        let mut bytes = TEMPLATE;
        let mut set = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        set(16, &((HEADERS - 14 + payload.len()) as u16).to_be_bytes());
        set(18, &id.to_be_bytes());
        set(26, &source.0.to_be_bytes());
        set(30, &target.0.to_be_bytes());
        set(34, &source.1.to_be_bytes());
        set(36, &target.1.to_be_bytes());
        set(38, &self.next[this].to_be_bytes());
        set(42, &acked.to_be_bytes());
        set(47, &[flags]);
        let ip_sum = checksum(sum(&bytes[14..34]));
        bytes[24..26].copy_from_slice(&ip_sum.to_be_bytes());
        // The pseudo header: both addresses, the protocol, the length (RFC 9293 §3.1).
        let pseudo = sum(&bytes[26..34]) + 6 + (HEADERS - 34 + payload.len()) as u64;
        let tcp_sum = checksum(pseudo + sum(&bytes[34..]) + sum(payload));
        bytes[50..52].copy_from_slice(&tcp_sum.to_be_bytes());
        let octets = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.next[this] = self.next[this].wrapping_add(octets);
        bytes
    }
}

/// Big-endian words, added up. Wide and unfolded, so that the compiler can do many at a time.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let words: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    words + u64::from(u32::from_be_bytes(last))
}

/// The Internet checksum of a sum (RFC 1071 §1).
fn checksum(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

impl Body {
    fn slice(self, at: u64, len: u64) -> &'static [u8] {
        let source = match self {
            Self::Noise => &NOISE,
            Self::Records => &RECORDS,
        };
        let start = (at % PERIOD) as usize;
        &source[start..start + len as usize]
    }
}

/// One period of random octets, and a segment more so that every slice is in one piece.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut rng = Rng(0x6e6f_6973);
    let mut noise: Vec<u8> = (0..PERIOD / 8).flat_map(|_| rng.next().to_le_bytes()).collect();
    noise.extend_from_within(..SEGMENT as usize);
    noise
});

static RECORDS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut records = NOISE.clone();
    for record in records.chunks_exact_mut(SEGMENT as usize) {
        let [high, low] = (SEGMENT as u16 - 5).to_be_bytes();
        record[..5].copy_from_slice(&[23, 3, 3, high, low]);
    }
    records
});

/// xorshift64*; the seed must not be 0.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }
}

/// Octets of a full segment.
const SEGMENT: u64 = 1460;
/// Bodies repeat after this many octets: whole segments and whole 8-octet draws.
const PERIOD: u64 = SEGMENT * 720;
const HEADERS: usize = 14 + 20 + 20;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
/// 2026-01-02T03:04:05Z, in microseconds.
const START_US: u64 = 1_767_323_045_000_000;
const CLIENTS: u32 = 0x0a00_0001;
const FTP_SERVERS: u32 = 0xc000_0201;
const OTHER_SERVERS: u32 = 0xac10_0001;

/// Everything the packets have in common: MACs, IPv4, DF, TTL 64, TCP, window 65535.
const TEMPLATE: [u8; HEADERS] = [
    2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, // Ethernet
    0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // IPv4
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0, 0xff, 0xff, 0, 0, 0, 0, // TCP
];
