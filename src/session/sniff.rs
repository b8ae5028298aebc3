//! What a connection speaks, from the first things said on it.

use crate::decode::Endpoint;
use crate::ftp::{is_command_word, split_code};
use crate::tcp::Dir;
use crate::tls;

/// Listens to the beginning of a connection until it is clear whether it is FTP.
#[derive(Debug)]
pub struct Sniffer {
    expectation: Expectation,
    from_originator: Vec<u8>,
    from_responder: Vec<u8>,
    /// Bytes of either direction after which an undecided connection is called no FTP.
    most: usize,
    /// That came to pass.
    pub gave_up: bool,
}

/// What the port says before anything else does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Expectation {
    /// Nothing.
    None,
    /// FTP; the end that listens on the port is the server.
    Ftp { server: Dir },
    /// FTP inside TLS (RFC 4217 §12.2 calls port 990 historic; it is in use).
    Ftps { server: Dir },
}

/// What was decided.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sniffed {
    /// Not yet clear.
    Unclear,
    /// A control connection, and the direction its server speaks in.
    Control { server: Dir },
    /// A control connection inside TLS.
    ImplicitTls { server: Dir },
    /// Not a control connection; on a port of FTP, what it is instead.
    Other(Protocol),
}

/// What is recognised beside FTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    Ssh,
    Tls,
    Http,
    Smtp,
    Unknown,
}

/// The port of implicit FTPS.
const FTPS_PORT: u16 = 990;

impl Sniffer {
    /// Listens to a connection, to at most `most` bytes of each direction; `is_ftp` knows the
    /// endpoints where FTP servers are.
    pub fn new(
        originator: Endpoint,
        responder: Endpoint,
        opener_known: bool,
        most: usize,
        is_ftp: impl Fn(&Endpoint) -> bool,
    ) -> Self {
        let expectation = if is_ftp(&responder) {
            Expectation::Ftp { server: Dir::FromResponder }
        } else if !opener_known && is_ftp(&originator) {
            // The first segment captured was the server's. Who sends a SYN is no server.
            Expectation::Ftp { server: Dir::FromOriginator }
        } else if responder.port == FTPS_PORT {
            Expectation::Ftps { server: Dir::FromResponder }
        } else if !opener_known && originator.port == FTPS_PORT {
            Expectation::Ftps { server: Dir::FromOriginator }
        } else {
            Expectation::None
        };
        Self {
            expectation,
            from_originator: Vec::new(),
            from_responder: Vec::new(),
            most,
            gave_up: false,
        }
    }

    /// The direction the server speaks in, where the port tells.
    pub fn expected_server(&self) -> Option<Dir> {
        match self.expectation {
            Expectation::None => None,
            Expectation::Ftp { server } | Expectation::Ftps { server } => Some(server),
        }
    }

    /// Takes the next bytes of one direction. After `Unclear`, they must be kept by the caller.
    pub fn handle(&mut self, dir: Dir, bytes: &[u8]) -> Sniffed {
        let most = self.most;
        let heard = self.heard_mut(dir);
        let room = most.saturating_sub(heard.len());
        heard.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        match self.expectation {
            Expectation::None => self.unexpected(),
            Expectation::Ftp { server } => self.expected(server),
            Expectation::Ftps { server } => match named(self.heard(server.reversed())) {
                Some(Protocol::Tls) => Sniffed::ImplicitTls { server },
                _ if named(self.heard(server)) == Some(Protocol::Tls) => {
                    Sniffed::ImplicitTls { server }
                }
                _ => self.expected(server),
            },
        }
    }

    fn heard(&self, dir: Dir) -> &[u8] {
        match dir {
            Dir::FromOriginator => &self.from_originator,
            Dir::FromResponder => &self.from_responder,
        }
    }

    fn heard_mut(&mut self, dir: Dir) -> &mut Vec<u8> {
        match dir {
            Dir::FromOriginator => &mut self.from_originator,
            Dir::FromResponder => &mut self.from_responder,
        }
    }

    /// On a port of FTP, what is not recognisably something else is FTP.
    fn expected(&self, server: Dir) -> Sniffed {
        let (said, asked) = (self.heard(server), self.heard(server.reversed()));
        if let Some(protocol) = named(said) {
            return Sniffed::Other(protocol);
        }
        if let Some(protocol) = named(asked) {
            return self.despite(protocol, server);
        }
        // A mail server greets with 220 as well: its client tells, or its second reply.
        let codes = said.split(|byte| *byte == b'\n').filter_map(|line| line.get(..3));
        let may_be_mail = asked.is_empty()
            && codes.into_iter().all(|code| matches!(code, b"120" | b"220" | b"250"));
        let greets = matches!(said.get(..3), Some(b"120" | b"220"));
        if greets && may_be_mail && said.len() < self.most {
            return Sniffed::Unclear;
        }
        let clear = |text: &[u8]| text.contains(&b'\n') || text.len() >= self.most;
        if !clear(said) && !clear(asked) {
            return Sniffed::Unclear;
        }
        // Who is greeted by a server of FTP cannot hide behind what it says itself.
        if is_text(said) && (is_text(asked) || greets) {
            Sniffed::Control { server }
        } else {
            Sniffed::Other(Protocol::Unknown)
        }
    }

    /// The client began with another protocol: what it is, the server's answer tells, for one of
    /// FTP refuses that and the client may go on.
    fn despite(&self, protocol: Protocol, server: Dir) -> Sniffed {
        let (said, asked) = (self.heard(server), self.heard(server.reversed()));
        let is_full = said.len() >= self.most;
        let finals = said.split_inclusive(|byte| *byte == b'\n').filter_map(|line| {
            let (code, end) = (line.get(..3)?, line.get(3)?);
            (line.ends_with(b"\n") && b" \r\n".contains(end)).then_some(code)
        });
        match (protocol, finals.take(2).last()) {
            (Protocol::Smtp, Some(b"250")) => Sniffed::Other(protocol),
            (Protocol::Smtp, Some(b"120" | b"220") | None) if !is_full => self.unless_full(asked),
            (_, None) if !is_full && (said.is_empty() || may_be_reply(said)) => {
                self.unless_full(asked)
            }
            _ if may_be_reply(said) => Sniffed::Control { server },
            _ => Sniffed::Other(protocol),
        }
    }

    fn unless_full(&self, asked: &[u8]) -> Sniffed {
        if asked.len() < self.most { Sniffed::Unclear } else { self.at_last() }
    }

    /// What it is taken for if no more is said.
    pub fn at_last(&self) -> Sniffed {
        let Some(server) = self.expected_server() else {
            return Sniffed::Other(Protocol::Unknown);
        };
        let named = named(self.heard(server.reversed()));
        named.map_or(Sniffed::Control { server }, Sniffed::Other)
    }

    /// On any other port only the two sides together tell: a greeting and a command, or a command
    /// and the reply that only FTP gives it.
    fn unexpected(&mut self) -> Sniffed {
        for server in [Dir::FromResponder, Dir::FromOriginator] {
            let (said, asked) = (self.heard(server), self.heard(server.reversed()));
            if may_be_reply(said) && may_be_command(asked) {
                let (Some(reply), Some(command)) = (whole_line(said), whole_line(asked)) else {
                    return self.unless_too_long();
                };
                if is_dialogue(reply, command) {
                    return Sniffed::Control { server };
                }
            }
        }
        Sniffed::Other(Protocol::Unknown)
    }

    fn unless_too_long(&mut self) -> Sniffed {
        let is_full = |heard: &Vec<u8>| heard.len() >= self.most;
        if is_full(&self.from_originator) || is_full(&self.from_responder) {
            self.gave_up = true;
            Sniffed::Other(Protocol::Unknown)
        } else {
            Sniffed::Unclear
        }
    }
}

impl Protocol {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssh => "ssh",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Smtp => "smtp",
            Self::Unknown => "unknown",
        }
    }
}

/// Protocols that name themselves in their first bytes.
fn named(bytes: &[u8]) -> Option<Protocol> {
    const METHODS: [&[u8]; 6] =
        [b"GET /", b"POST /", b"HEAD /", b"PUT /", b"OPTIONS ", b"CONNECT "];
    match bytes {
        _ if tls::begins(bytes) => Some(Protocol::Tls),
        _ if bytes.starts_with(b"SSH-") => Some(Protocol::Ssh),
        _ if bytes.starts_with(b"HTTP/1") => Some(Protocol::Http),
        _ if METHODS.iter().any(|method| bytes.starts_with(method)) => Some(Protocol::Http),
        [a, b, c, d, b' ' | b'\r', ..]
            if [b"EHLO", b"HELO"]
                .iter()
                .any(|hello| hello.eq_ignore_ascii_case(&[*a, *b, *c, *d])) =>
        {
            Some(Protocol::Smtp)
        }
        _ => None,
    }
}

/// Whether this could be part of a line-based dialogue: no NUL, which every binary protocol sends
/// early. Names in legacy charsets and Telnet's signals have the eighth bit set.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0)
}

/// Whether what was heard so far can begin a reply.
fn may_be_reply(bytes: &[u8]) -> bool {
    let digits = bytes.iter().take(3);
    let end = bytes.get(3).is_none_or(|byte| b" -\r\n".contains(byte));
    digits.enumerate().all(|(at, byte)| match at {
        0 => (b'1'..=b'5').contains(byte),
        _ => byte.is_ascii_digit(),
    }) && end
}

/// Whether what was heard so far can begin with a verb of FTP.
fn may_be_command(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| b" \r\n".contains(byte));
    match end.and_then(|end| bytes.get(..end)) {
        Some(word) => is_command_word(word) || HELLO.iter().any(|w| w.eq_ignore_ascii_case(word)),
        None => bytes.len() <= 4 && bytes.iter().all(u8::is_ascii_alphabetic),
    }
}

/// Said by clients of FTP before they log in, and not followed any further.
const HELLO: [&[u8]; 3] = [b"HOST", b"OPTS", b"LANG"];

fn whole_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    bytes.get(..end)
}

/// Whether a server's first line and a client's first line are FTP's.
fn is_dialogue(reply: &[u8], command: &[u8]) -> bool {
    let Some((code, _, text)) = split_code(reply.trim_ascii_end()) else { return false };
    let command = command.trim_ascii_end();
    let word = command.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is = |words: &[&str]| words.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(word));
    match code {
        // SMTP greets with 220 as well; its client then says EHLO, and AUTH only after it.
        120 | 220 => {
            let says_ftp = text.windows(3).any(|window| window.eq_ignore_ascii_case(b"ftp"));
            says_ftp || is(&["USER", "AUTH", "FEAT", "HOST", "OPTS", "CLNT", "CSID"])
        }
        331 => is(&["USER"]),
        230 => is(&["USER", "PASS"]),
        530 => is(&["USER", "PASS", "PASV", "EPSV", "LIST", "RETR", "STOR"]),
        227 => is(&["PASV"]),
        229 => is(&["EPSV"]),
        257 => is(&["PWD", "XPWD"]),
        125 | 150 => is(&["RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: Dir = Dir::FromOriginator;
    const S: Dir = Dir::FromResponder;

    fn verdict(ports: (u16, u16), said: &[(Dir, &str)]) -> Sniffed {
        let end = |port| Endpoint { ip: [10, 0, 0, 1].into(), port };
        let mut sniffer =
            Sniffer::new(end(ports.0), end(ports.1), false, 4096, |end| end.port == 21);
        let mut verdict = Sniffed::Unclear;
        for (dir, bytes) in said {
            assert_eq!(verdict, Sniffed::Unclear, "{said:?}");
            verdict = sniffer.handle(*dir, bytes.as_bytes());
        }
        verdict
    }

    #[test]
    fn ftp_is_found_on_any_port_by_what_both_sides_say() {
        let other = Sniffed::Other(Protocol::Unknown);
        let ftp = Sniffed::Control { server: S };
        for (said, wanted) in [
            (&[(S, "220 hi\r\n"), (C, "USER bob\r\n")][..], ftp),
            (&[(S, "220-hi\r\n"), (S, "220 there\r\n"), (C, "AUTH TLS\r\n")], ftp),
            (&[(S, "220 FTP ready\r\n"), (C, "SYST\r\n")], ftp),
            (&[(S, "2"), (S, "20 hi\r\n"), (C, "us"), (C, "er bob\r\n")], ftp),
            (&[(C, "USER bob\r\n"), (S, "331 password?\r\n")], ftp),
            (&[(C, "PASV\r\n"), (S, "227 Entering Passive Mode (1,2,3,4,5,6)\r\n")], ftp),
            (&[(S, "331 password?\r\n"), (C, "PASS x\r\n")], other),
            (&[(S, "220 mail ESMTP\r\n"), (C, "EHLO me\r\n")], other),
            (&[(S, "220 mail\r\n"), (C, "QUIT\r\n")], other),
            (&[(C, "USER bob\r\n"), (S, "+OK\r\n")], other),
            (&[(C, "GET / HTTP/1.1\r\n")], other),
            (&[(S, "SSH-2.0-x\r\n")], other),
            (&[(C, "\u{16}\u{3}\u{1}")], other),
        ] {
            assert_eq!(verdict((40000, 2121), said), wanted, "{said:?}");
        }
        let turned = Sniffed::Control { server: C };
        assert_eq!(
            verdict((2121, 40000), &[(C, "227 ok (1,2,3,4,5,6)\r\n"), (S, "PASV\r\n")]),
            turned
        );
    }

    #[test]
    fn on_the_port_of_ftp_other_protocols_are_named() {
        for (said, wanted) in [
            (&[(S, "220 hi\r\n")][..], Sniffed::Unclear),
            (&[(S, "220 hi\r\n"), (C, "USER x\r\n")], Sniffed::Control { server: S }),
            (&[(S, "220 hi\r\n"), (C, "ehlo x\r\n")], Sniffed::Unclear),
            (
                &[(S, "220 hi\r\n"), (C, "ehlo x\r\n"), (S, "250-you\r\n250 go\r\n")],
                Sniffed::Other(Protocol::Smtp),
            ),
            (&[(C, "retr x\r\n")], Sniffed::Control { server: S }),
            (&[(S, "SSH-2.0-OpenSSH\r\n")], Sniffed::Other(Protocol::Ssh)),
            (
                &[(C, "GET / HTTP/1.1\r\n"), (S, "HTTP/1.1 400 no\r\n")],
                Sniffed::Other(Protocol::Http),
            ),
            (&[(C, "\u{16}\u{3}\u{1}"), (S, "\u{16}\u{3}\u{3}")], Sniffed::Other(Protocol::Tls)),
            (&[(S, "\u{0}\u{1}\n")], Sniffed::Other(Protocol::Unknown)),
        ] {
            assert_eq!(verdict((40000, 21), said), wanted, "{said:?}");
        }
        assert_eq!(verdict((21, 40000), &[(C, "226 done\r\n")]), Sniffed::Control { server: C });
    }

    #[test]
    fn a_client_cannot_hide_by_what_it_says_first() {
        for first in ["EHLO x\r\n", "GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\u{16}\u{3}\u{1}"] {
            let wanted = Sniffed::Control { server: S };
            let refusal = "500 what?\r\n";
            let is_mail = first.starts_with("EHLO");
            let said = [(S, "220 hi\r\n"), (C, first), (S, refusal)];
            assert_eq!(verdict((40000, 21), &said[..if is_mail { 3 } else { 2 }]), wanted);
            let said = [(C, first), (S, "220 hi\r\n"), (S, refusal)];
            assert_eq!(verdict((40000, 21), &said[..if is_mail { 3 } else { 2 }]), wanted);
        }
        let nul = [(S, "220 hi\r\n"), (C, "NOOP\u{0}\r\n")];
        assert_eq!(verdict((40000, 21), &nul), Sniffed::Control { server: S });
    }

    #[test]
    fn tls_on_port_990_is_implicit_ftps() {
        let wanted = Sniffed::ImplicitTls { server: S };
        assert_eq!(verdict((40000, 990), &[(C, "\u{16}\u{3}\u{1}")]), wanted);
        let clear = &[(S, "220 hi\r\n"), (C, "USER x\r\n")];
        assert_eq!(verdict((40000, 990), clear), Sniffed::Control { server: S });
    }
}
