//! ClientHello and ServerHello.

use std::borrow::Cow;
use std::fmt;

use tls_parser::{
    TlsCipherSuite, parse_tls_handshake_client_hello, parse_tls_handshake_server_hello,
};

use super::extensions::{self, extensions, is_grease};
use super::fingerprint::Offer;

/// What a client offered (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientHello {
    /// The highest version offered.
    pub version: Version,
    /// The host it believes to be talking to (RFC 6066 §3). With Encrypted ClientHello this is
    /// the name for the public.
    pub server_name: Option<Vec<u8>>,
    /// At most 32 octets; empty if it has none to offer.
    pub session_id: Vec<u8>,
    /// It has a session ticket to resume with (RFC 5077 §3.2). Merely being willing to be given
    /// one is an empty ticket and does not count.
    pub has_ticket: bool,
    /// It has a key to resume with, or one agreed beforehand (RFC 8446 §4.2.11).
    pub has_psk: bool,
    /// Application protocols by preference (RFC 7301); the first sixteen.
    pub alpn: Vec<Vec<u8>>,
    /// MD5 in hex that names the client's make, order of extensions included.
    pub ja3: String,
    /// The newer fingerprint, which browsers that shuffle their extensions do not change.
    pub ja4: String,
}

/// What a server chose (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerHello {
    /// The version in use, be it said in the old place or the new (RFC 8446 §4.2.1).
    pub version: Version,
    pub cipher: u16,
    /// At most 32 octets. In TLS 1.3 an echo that means nothing.
    pub session_id: Vec<u8>,
    /// It accepted one of the client's keys (RFC 8446 §4.2.11).
    pub has_psk: bool,
    /// The application protocol it chose (RFC 7301); TLS 1.3 says it encrypted.
    pub alpn: Option<Vec<u8>>,
    /// Records are compressed (RFC 3749): their length says nothing of their content's.
    pub is_compressed: bool,
}

/// A protocol version as it is on the wire: 0x0303 is TLS 1.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Version(pub u16);

impl ClientHello {
    /// Reads a message's body; `None` if it is not whole.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (_, hello) = parse_tls_handshake_client_hello(body).ok()?;
        let offer = Offer::new(&hello);
        let find = |wanted| find_extension(hello.ext, wanted);
        Some(Self {
            version: Version(offer.version),
            server_name: find(extensions::SERVER_NAME)
                .and_then(extensions::host_name)
                .map(<[u8]>::to_vec),
            session_id: hello.session_id.unwrap_or_default().to_vec(),
            has_ticket: find(extensions::SESSION_TICKET).is_some_and(|ticket| !ticket.is_empty()),
            has_psk: find(extensions::PRE_SHARED_KEY).is_some(),
            ja3: offer.ja3(),
            ja4: offer.ja4(),
            alpn: offer.alpn,
        })
    }

    /// Bytes of what it holds.
    pub(super) fn weight(&self) -> usize {
        let alpn = self.alpn.iter().map(|name| size_of::<Vec<u8>>() + name.len()).sum::<usize>();
        let texts = self.ja3.len() + self.ja4.len() + self.session_id.len();
        texts + self.server_name.as_ref().map_or(0, Vec::len) + alpn
    }
}

impl ServerHello {
    /// Reads a message's body; `None` if it is not whole. The old HelloRetryRequest of drafts is
    /// none either.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (_, hello) = parse_tls_handshake_server_hello(body).ok()?;
        let find = |wanted| find_extension(hello.ext, wanted);
        let selected = find(extensions::SUPPORTED_VERSIONS)
            .and_then(|content| content.first_chunk::<2>())
            .map_or(hello.version.0, |version| u16::from_be_bytes(*version));
        Some(Self {
            version: Version(selected),
            cipher: hello.cipher.0,
            session_id: hello.session_id.unwrap_or_default().to_vec(),
            has_psk: find(extensions::PRE_SHARED_KEY).is_some(),
            alpn: find(extensions::ALPN)
                .and_then(|content| extensions::protocols(content).into_iter().next()),
            is_compressed: hello.compression.0 != 0,
        })
    }

    /// Bytes of what it holds.
    pub(super) fn weight(&self) -> usize {
        self.session_id.len() + self.alpn.as_ref().map_or(0, Vec::len)
    }

    /// The cipher suite's name (IANA, TLS Cipher Suites), or its number in hex.
    pub fn cipher_name(&self) -> Cow<'static, str> {
        match TlsCipherSuite::from_id(self.cipher) {
            Some(suite) => Cow::Borrowed(suite.name),
            None => Cow::Owned(format!("0x{:04x}", self.cipher)),
        }
    }
}

impl Version {
    pub const SSL_3: Self = Self(0x0300);
    pub const TLS_1_0: Self = Self(0x0301);
    pub const TLS_1_1: Self = Self(0x0302);
    pub const TLS_1_2: Self = Self(0x0303);
    pub const TLS_1_3: Self = Self(0x0304);

    /// TLS 1.3 or a draft of it (0x7f and the draft's number).
    pub fn is_1_3(self) -> bool {
        self == Self::TLS_1_3 || self.0 >> 8 == 0x7f
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::SSL_3 => f.write_str("SSL 3.0"),
            Self::TLS_1_0 => f.write_str("TLS 1.0"),
            Self::TLS_1_1 => f.write_str("TLS 1.1"),
            Self::TLS_1_2 => f.write_str("TLS 1.2"),
            Self::TLS_1_3 => f.write_str("TLS 1.3"),
            draft if draft.is_1_3() => write!(f, "TLS 1.3 draft {}", draft.0 & 0xff),
            Self(other) => write!(f, "0x{other:04x}"),
        }
    }
}

/// A ServerHello that asks for another ClientHello; known by its random (RFC 8446 §4.1.3).
pub(super) fn is_retry(body: &[u8]) -> bool {
    body.get(2..34).is_some_and(|random| random == RETRY_RANDOM)
}

/// The highest version in `supported_versions`, else the one in the old place.
pub(super) fn highest(supported: &[u16], legacy: u16) -> u16 {
    supported.iter().copied().filter(|version| !is_grease(*version)).max().unwrap_or(legacy)
}

fn find_extension(block: Option<&[u8]>, wanted: u16) -> Option<&[u8]> {
    extensions(block?).find(|(kind, _)| *kind == wanted).map(|(_, content)| content)
}

/// SHA-256 of "HelloRetryRequest".
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha256;

    #[test]
    fn versions_have_names() {
        for (version, wanted) in [
            (0x0300, "SSL 3.0"),
            (0x0303, "TLS 1.2"),
            (0x0304, "TLS 1.3"),
            (0x7f1c, "TLS 1.3 draft 28"),
            (0x0305, "0x0305"),
        ] {
            assert_eq!(Version(version).to_string(), wanted);
        }
    }

    #[test]
    fn the_highest_version_is_neither_grease_nor_the_old_place() {
        assert_eq!(highest(&[0xfafa, 0x0303, 0x0304], 0x0303), 0x0304);
        assert_eq!(highest(&[0xfafa], 0x0302), 0x0302);
        assert_eq!(highest(&[], 0x0301), 0x0301);
    }

    #[test]
    fn a_retry_is_known_by_its_random() {
        assert_eq!(RETRY_RANDOM, sha256(b"HelloRetryRequest"));
        let body = [&[3, 3], &RETRY_RANDOM[..], &[0]].concat();
        assert!(is_retry(&body));
        assert!(!is_retry(&body[..33]));
        assert!(!is_retry(&[3; 40]));
    }
}
