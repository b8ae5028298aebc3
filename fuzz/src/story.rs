//! Text as a capture: a line is a step, its first octet says which. So a mutation changes what was
//! said, or what the capture did to it, and all lengths and checksums stay right.
//!
//! | line | step |
//! |---|---|
//! | `1`…`4` | goes to that control connection; opens it if need be. 3 is on port 2121, 4 over IPv6 |
//! | `>text`, `<text` | client, server say a line |
//! | `)text`, `(text` | the same without a line end |
//! | `dN` | client dials port 30000 + N of the server |
//! | `aN` | server dials port 40100 + N of the client from port 20 |
//! | `uNtext`, `rNtext` | originator, responder of the newest data connection send it N + 1 times |
//! | `f`, `F`, `x`, `X` | it is closed or reset by the originator or the responder |
//! | `q`, `Q` | the control connection is closed by client or server |
//! | `mN` | full segments have N + 1 octets from here on |
//! | `wN` | N seconds pass |
//! | `LN`, `DN` | the capture missed the frame N before the newest, or has it twice |
//! | `SNM` | the capture has those two in each other's place |
//! | `TN` | the frame N before the newest is cut behind 54 + N octets |
//! | `kN` | link layer of the file |
//! | `h…` | a segment nobody sent in good faith: direction and connection, offset, flags, payload |
//!
//! N is an octet less `'0'`.

use std::collections::BTreeSet;

use ftpscope::hash::{self, hex};

use crate::script::{Conn, From, FtpScript, Link, Segment, flag};

/// A capture, and what was really sent in it.
pub struct Story {
    script: FtpScript,
    talks: Vec<Talk>,
    /// Indices of the newest control connection of each number, and of the newest data connection.
    controls: [Option<usize>; 4],
    current: usize,
    data: Option<usize>,
    /// Ends of the active data connections.
    dialled: BTreeSet<[String; 2]>,
    /// Somebody lied: what was received is a matter of opinion.
    pub is_hostile: bool,
}

/// A connection, what both ends sent over it, and whether they still may.
struct Talk {
    conn: Conn,
    sent: [Vec<u8>; 2],
    is_over: bool,
}

impl Story {
    pub fn read(text: &[u8]) -> Self {
        let mut story = Self {
            script: FtpScript::new(),
            talks: Vec::new(),
            controls: [None; 4],
            current: 0,
            data: None,
            dialled: BTreeSet::new(),
            is_hostile: false,
        };
        story.go_to(0);
        for line in text.split(|byte| *byte == b'\n') {
            // Enough for a session; the rest would only be slow.
            if story.script.last_frame() > 600 {
                break;
            }
            if let Some((step, rest)) = line.split_first() {
                story.step(*step, rest);
            }
        }
        story
    }

    pub fn capture(&self) -> Vec<u8> {
        self.script.pcap()
    }

    /// Everything one end sent over one connection, each.
    pub fn streams(&self) -> impl Iterator<Item = &[u8]> {
        self.talks.iter().flat_map(|talk| &talk.sent).map(Vec::as_slice)
    }

    /// Whether a SHA-256 is that of such a stream.
    pub fn is_true(&self, sha256: &str) -> bool {
        self.streams().any(|stream| hex(&hash::sha256(stream)) == sha256)
    }

    fn step(&mut self, step: u8, rest: &[u8]) {
        let nth = |at: usize| rest.get(at).map_or(0, |byte| byte.wrapping_sub(b'0'));
        let newest = self.script.last_frame();
        let frame = |at: usize| newest.saturating_sub(nth(at).into()).max(1);
        match step {
            b'1'..=b'4' => self.go_to(usize::from(step - b'1')),
            b'>' => self.say(From::Originator, &[rest, b"\r\n"].concat()),
            b'<' => self.say(From::Responder, &[rest, b"\r\n"].concat()),
            b')' => self.say(From::Originator, rest),
            b'(' => self.say(From::Responder, rest),
            b'd' => self.dial(From::Originator, nth(0)),
            b'a' => self.dial(From::Responder, nth(0)),
            b'u' => self.carry(From::Originator, nth(0), rest.get(1..).unwrap_or_default()),
            b'r' => self.carry(From::Responder, nth(0), rest.get(1..).unwrap_or_default()),
            b'f' | b'x' => self.end(self.data, From::Originator, step == b'x'),
            b'F' | b'X' => self.end(self.data, From::Responder, step == b'X'),
            b'q' => self.end(self.controls[self.current], From::Originator, false),
            b'Q' => self.end(self.controls[self.current], From::Responder, false),
            b'm' => self.script.mss(usize::from(nth(0)) + 1),
            b'w' => self.script.wait(std::time::Duration::from_secs(nth(0).into())),
            b'L' if newest > 1 => self.script.lose(frame(0)),
            b'D' => self.script.duplicate(frame(0)),
            b'S' => self.script.swap(frame(0), frame(1)),
            b'T' => {
                let index = frame(0) as usize - 1;
                self.script.packets_mut()[index].bytes.truncate(54 + usize::from(nth(0)));
            }
            b'k' => self.script.on_link(LINKS[usize::from(nth(0)) % LINKS.len()]),
            b'h' => self.lie(rest),
            _ => {}
        }
    }

    fn go_to(&mut self, nth: usize) {
        self.current = nth;
        if self.control().is_none_or(|talk| talk.is_over) {
            let port = 40_000 + self.talks.len();
            let [client, server] = HOSTS[nth];
            let server_port = if nth == 2 { 2121 } else { 21 };
            let ends = [format!("{client}:{port}"), format!("{server}:{server_port}")];
            self.controls[nth] = Some(self.connect(&ends));
        }
    }

    /// No two connections have the same ends.
    fn dial(&mut self, by: From, port: u8) {
        let [client, server] = HOSTS[self.current];
        let (nth, port) = (self.talks.len(), u16::from(port));
        let ends = match by {
            From::Originator => {
                [format!("{client}:{}", 50_000 + nth), format!("{server}:{}", 30_000 + port)]
            }
            From::Responder => [format!("{server}:20"), format!("{client}:{}", 40_100 + port)],
        };
        if by == From::Originator || self.dialled.insert(ends.clone()) {
            self.data = Some(self.connect(&ends));
        }
    }

    fn connect(&mut self, [originator, responder]: &[String; 2]) -> usize {
        let conn = self.script.connect(originator, responder);
        self.talks.push(Talk { conn, sent: [Vec::new(), Vec::new()], is_over: false });
        self.talks.len() - 1
    }

    fn control(&self) -> Option<&Talk> {
        self.talks.get(self.controls[self.current]?)
    }

    fn say(&mut self, from: From, text: &[u8]) {
        self.send(self.controls[self.current], from, text);
    }

    fn carry(&mut self, from: From, times: u8, text: &[u8]) {
        let mut content = text.repeat(usize::from(times) + 1);
        content.truncate(1000);
        self.send(self.data, from, &content);
    }

    fn send(&mut self, talk: Option<usize>, from: From, bytes: &[u8]) {
        if let Some(talk) = talk.and_then(|talk| self.talks.get_mut(talk))
            && !talk.is_over
        {
            talk.sent[from as usize].extend(bytes);
            self.script.send(talk.conn, from, bytes);
        }
    }

    fn end(&mut self, talk: Option<usize>, from: From, by_reset: bool) {
        if let Some(talk) = talk.and_then(|talk| self.talks.get_mut(talk))
            && !talk.is_over
        {
            talk.is_over = true;
            match by_reset {
                true => self.script.reset(talk.conn, from),
                false => self.script.close(talk.conn, from),
            }
        }
    }

    fn lie(&mut self, rest: &[u8]) {
        let [place, offset, flags, payload @ ..] = rest else { return };
        let from = if place & 1 == 0 { From::Originator } else { From::Responder };
        let talk = if place & 2 == 0 { self.controls[self.current] } else { self.data };
        let Some(talk) = talk.and_then(|talk| self.talks.get(talk)) else { return };
        self.is_hostile = true;
        let offset = self.script.sent(talk.conn, from) + i64::from(offset.cast_signed());
        // Without SYN, which would need a connection of its own.
        let flags = flags & !flag::SYN | flag::ACK;
        self.script.put(talk.conn, from, Segment { offset, flags, payload, ..Segment::default() });
    }
}

/// Client and server of each control connection.
const HOSTS: [[&str; 2]; 4] = [
    ["10.0.0.1", "10.0.0.2"],
    ["10.0.0.3", "10.0.0.2"],
    ["10.0.0.1", "10.0.0.2"],
    ["[2001:db8::1]", "[2001:db8::2]"],
];

const LINKS: [Link; 6] =
    [Link::Ethernet, Link::Vlan(7), Link::RawIp, Link::Null, Link::Cooked, Link::Cooked2];
