//! What a client asked to have moved, and what was agreed for it.

use std::sync::Arc;

use super::TransferId;
use super::login::Protection;
use super::promise::{DataId, How, Link};
use crate::decode::Endpoint;
use crate::ftp::{Command, Reply, Verb};
use crate::time::Stamp;

/// The control connection's half of a transfer: everything said about it.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: TransferId,
    pub verb: Verb,
    /// The verb as it is usually spelled.
    pub command: &'static str,
    /// When the command was sent.
    pub asked: Stamp,
    /// Who was logged in then, as [`Login::user`](super::Login) tells.
    pub user: Option<Arc<[u8]>>,
    /// As the client named it, or, for STOU, as the server did. `None` where nobody did.
    pub name: Option<Vec<u8>>,
    /// The name seen from the working directory; see [`crate::ftp::Directory`].
    pub path: Option<Vec<u8>>,
    pub representation: Representation,
    /// Of the `REST` before it.
    pub rest_offset: u64,
    pub protection: Protection,
    pub setup: Setup,
    pub expected: Option<Expected>,
    /// Octets that the file had which a STOR or APPE writes to, by what the session said before.
    pub replaces: Option<u64>,
    /// The first 1yz.
    pub preliminary: Option<Stamp>,
    /// The final reply.
    pub answered: Option<(Stamp, u16)>,
    /// `ABOR` was sent while it was under way.
    pub is_abandoned: bool,
}

/// What the bytes of a data connection stand for (RFC 959 §3.1, §3.3, §3.4); `None` where the
/// capture starts too late to know.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Representation {
    /// The argument of `TYPE`, upper case: `A`, `A N`, `I`, `L 8`.
    pub kind: Option<Code>,
    pub mode: Option<Code>,
    pub structure: Option<Code>,
}

/// The value of TYPE, MODE or STRU, upper case. Kept in place: every transfer has three.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Code {
    len: u8,
    octets: [u8; LONGEST],
}

/// Bytes of the longest value that clients send, and some: `L 255`, but also `ASCII NON-PRINT`.
const LONGEST: usize = 15;

impl Code {
    /// `None` if it is longer than any.
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let mut octets = [0; LONGEST];
        octets.get_mut(..text.len())?.copy_from_slice(text);
        octets.make_ascii_uppercase();
        Some(Self { len: u8::try_from(text.len()).ok()?, octets })
    }
}

impl std::ops::Deref for Code {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", self.escape_ascii())
    }
}

/// What is agreed for the bytes of a data connection, as far as that is known while they come.
#[derive(Clone, Debug)]
pub struct Agreement {
    pub is_listing: bool,
    pub representation: Representation,
    pub protection: Protection,
}

/// How the data connection was to be made.
#[derive(Clone, Debug)]
pub struct Setup {
    pub method: Method,
    /// The verb that asked for it, if any did.
    pub command: Option<&'static str>,
    /// Where one side said it listens. A 229 names no address: the server's is meant.
    pub announced: Option<Endpoint>,
    /// When it was announced.
    pub stamp: Option<Stamp>,
    /// The connection that was made.
    pub link: Option<Link>,
    /// Another one to where it was announced: that of another host, which was there before the
    /// session's own; or that of the session, where the bytes went to the other.
    pub rival: Option<Box<Link>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// `PORT`, `EPRT`, `LPRT`: the client listens.
    Active,
    /// `PASV`, `EPSV`, `LPSV`: the server listens.
    Passive,
    /// Nothing was announced: the server connects to the client's control port (RFC 959 §3.2).
    Default,
    /// The capture starts too late to know.
    Unknown,
}

/// How large the server said it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expected {
    /// Of the whole file, as the server gave it.
    pub bytes: u64,
    pub source: SizeSource,
}

/// Where a size came from, the most telling last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SizeSource {
    List,
    Mlsd,
    Mlst,
    Size,
    /// The text of the 150.
    Preliminary,
}

impl Request {
    /// What is agreed for its bytes.
    pub fn agreement(&self) -> Agreement {
        Agreement {
            is_listing: self.verb.is_listing(),
            representation: self.representation,
            protection: self.protection,
        }
    }
}

impl Setup {
    /// Writes down the connection that was made for it. One of another host that was there before
    /// is not forgotten: it may be the one that the bytes go over. Returns the one that is given up.
    pub(super) fn give(&mut self, link: Link) -> Option<DataId> {
        let before = self.link.replace(link)?;
        let is_strange = before.how == How::Announced && before.confidence < link.confidence;
        if is_strange && self.rival.is_none() {
            self.rival = Some(Box::new(before));
            return None;
        }
        Some(before.data)
    }

    /// Nothing announced, or nothing known.
    pub(super) fn none(method: Method) -> Self {
        Self { method, command: None, announced: None, stamp: None, link: None, rival: None }
    }
}

impl Request {
    /// Whether the final reply has come.
    pub fn is_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// Whether the server refused it before it began.
    pub fn is_refused(&self) -> bool {
        let refused = |(_, code): (Stamp, u16)| code >= 400 && code != NO_DATA_CONNECTION;
        self.preliminary.is_none() && self.answered.is_some_and(refused)
    }

    /// Takes a reply to the command.
    pub(super) fn handle_reply(&mut self, stamp: Stamp, reply: &Reply) {
        if reply.is_preliminary() {
            self.preliminary.get_or_insert(stamp);
            if let Some(bytes) = reply.size_in_brackets()
                && matches!(self.verb, Verb::Retr)
            {
                self.expected = Some(Expected { bytes, source: SizeSource::Preliminary });
            }
        } else {
            self.answered.get_or_insert((stamp, reply.code));
        }
        if self.verb == Verb::Stou
            && let Some(name) = unique_name(reply)
        {
            self.name = Some(name);
        }
    }
}

impl Representation {
    /// What a fresh session has (RFC 959 §5.1).
    pub(super) fn initial() -> Self {
        Self { kind: Code::new(b"A"), mode: Code::new(b"S"), structure: Code::new(b"F") }
    }

    /// Whether a size in octets of the file can be compared with the octets on the wire.
    pub fn is_image(&self) -> bool {
        let is = |what: Option<Code>, letter: &[u8]| what.is_none_or(|what| *what == *letter);
        self.is_octets() && is(self.mode, b"S") && is(self.structure, b"F")
    }

    /// Whether the type changes no octet.
    pub fn is_octets(&self) -> bool {
        let kind = self.kind.as_deref();
        kind == Some(b"I") || kind.is_some_and(|kind| kind.starts_with(b"L 8"))
    }

    /// The field a command sets.
    pub(super) fn field(&mut self, verb: Verb) -> Option<&mut Option<Code>> {
        match verb {
            Verb::Type => Some(&mut self.kind),
            Verb::Mode => Some(&mut self.mode),
            Verb::Stru => Some(&mut self.structure),
            _ => None,
        }
    }
}

/// "Can't open data connection" (RFC 959 §4.2.2): it was tried.
pub const NO_DATA_CONNECTION: u16 = 425;

/// What a transfer command names. `LIST -la dir` names `dir`: servers take what begins with a
/// dash for options of `ls`.
pub(super) fn name_in(command: &Command) -> Option<Vec<u8>> {
    let mut name = command.arg();
    if matches!(command.verb, Verb::List | Verb::Nlst) {
        while name.starts_with(b"-") {
            let end = name.iter().position(|byte| *byte == b' ').unwrap_or(name.len());
            name = name.get(end..).unwrap_or_default().trim_ascii_start();
        }
    }
    (!name.is_empty()).then(|| name.to_vec())
}

/// The name the server chose for a STOU: `FILE: name` (RFC 1123 §4.1.2.9), or
/// `(unique file name:name)` of BSD's ftpd.
fn unique_name(reply: &Reply) -> Option<Vec<u8>> {
    reply.lines().find_map(|line| {
        if let Some(at) = find(line, b"FILE: ") {
            return Some(line.get(at + 6..)?.trim_ascii_end().to_vec());
        }
        let at = find(line, b"unique file name:")?;
        let rest = line.get(at + 17..)?;
        let end = rest.iter().rposition(|byte| *byte == b')').unwrap_or(rest.len());
        Some(rest.get(..end)?.trim_ascii().to_vec())
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        Reply { code: 150, text: text.as_bytes().to_vec(), ..Reply::default() }
    }

    #[test]
    fn a_type_may_be_spelled_out() {
        assert_eq!(Code::new(b"Ascii Non-Print").as_deref(), Some(&b"ASCII NON-PRINT"[..]));
        assert_eq!(Code::new(b"ASCII CARRIAGE CONTROL"), None);
    }

    #[test]
    fn the_size_in_a_150_is_the_last_one() {
        for (text, wanted) in [
            ("Opening BINARY mode data connection for f1.bin (1 bytes).", Some(1)),
            ("Opening data connection for (9 bytes) x (4294967296 bytes)", Some(4294967296)),
            ("Opening BINARY mode data connection for a (5 bytes) b", None),
            ("1024.0 kbytes to download", None),
            ("Data connection (unknown size)", None),
            ("Opening (+5 bytes)", None),
        ] {
            assert_eq!(reply(text).size_in_brackets(), wanted, "{text}");
        }
    }

    #[test]
    fn the_server_names_what_stou_stored() {
        for (text, wanted) in [
            ("FILE: up.bin.1", Some("up.bin.1")),
            ("Opening data connection for x. (unique file name:x.2)", Some("x.2")),
            ("Transfer complete (unique file name:a).", Some("a")),
            ("Ok to send data.", None),
        ] {
            let name = unique_name(&reply(text)).map(|name| String::from_utf8(name).unwrap());
            assert_eq!(name.as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn options_of_ls_are_no_name() {
        for (line, wanted) in [
            ("LIST", None),
            ("LIST -la", None),
            ("LIST -la  my dir", Some("my dir")),
            ("NLST -a -1 sub", Some("sub")),
            ("RETR -x", Some("-x")),
            ("MLSD /pub", Some("/pub")),
        ] {
            let name = name_in(&Command::parse(line.as_bytes()));
            assert_eq!(name.as_deref(), wanted.map(str::as_bytes), "{line}");
        }
    }
}
