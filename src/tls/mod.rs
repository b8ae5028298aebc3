//! What can be known of a TLS connection from outside: bytes → facts. Pure: knows nothing of
//! TCP, FTP or packets, and decrypts nothing.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::unwrap_used, clippy::cast_possible_truncation)
)]

mod alert;
mod both;
mod certificate;
mod extensions;
mod fingerprint;
mod handshake;
mod hello;
mod plain;
mod records;
mod resumption;
mod traffic;

pub use self::alert::Alert;
pub use self::both::TlsFacts;
pub use self::certificate::Certificate;
pub use self::hello::{ClientHello, ServerHello, Version};
pub use self::plain::{PlainBytes, plain_bytes};
pub use self::records::RecordKind;
pub use self::resumption::{Flight, resumed};
pub use self::traffic::Traffic;

use self::alert::Alerts;
use self::handshake::{Message, Messages};
use self::records::{Piece, Records};

/// Whether bytes that follow text begin like a TLS record: type 20 to 23, version 3.x (RFC 8446 §5.1).
pub fn begins(bytes: &[u8]) -> bool {
    matches!(bytes, [0x14..=0x17, 3, 0..=4, ..])
}

/// One direction of a TLS connection being read.
///
/// Sans-IO: [`push`](Self::push) the bytes in order, from the first one of TLS on. Knows no
/// roles: the hello that is found tells which side this is. Memory is bounded by one handshake
/// message of 64 KiB; what is encrypted streams through and is only measured.
#[derive(Debug, Default)]
pub struct TlsSide {
    records: Records,
    clear: Clear,
    alerts: Alerts,
    facts: SideFacts,
}

/// Whether handshake records can still be read.
#[derive(Debug)]
enum Clear {
    Readable(Messages),
    /// A HelloRetryRequest was read: a ChangeCipherSpec right after it is for show, and the real
    /// ServerHello is yet to come (RFC 8446 §4.1.4, §D.4).
    Retried(Messages),
    /// Encrypted, or a piece is missing: nothing more to read.
    Over,
}

/// What is known of one direction of a TLS connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SideFacts {
    /// The first five bytes are a TLS record's header. `false` with [`lost`](Self::lost) empty
    /// means that fewer have come.
    pub is_tls: bool,
    /// Why records could not be followed to the end. What was learnt before stays, so counts are
    /// lower bounds.
    pub lost: Option<Loss>,
    /// The first one. The second, which a HelloRetryRequest asks for (RFC 8446 §4.1.2), is bent to
    /// the server's wish and would be another fingerprint.
    pub client_hello: Option<ClientHello>,
    pub server_hello: Option<ServerHello>,
    /// The leaf, as far as it can be read. TLS ≤ 1.2 only: TLS 1.3 encrypts it (RFC 8446 §4.4).
    /// A client has one only if the server asked for it.
    pub certificate: Option<Certificate>,
    /// What the clear part of the handshake was made of.
    pub flight: Flight,
    /// The first fatal one it sent in clear text. Later than ChangeCipherSpec, and in TLS 1.3 than
    /// the ServerHello, they are encrypted.
    pub fatal_alert: Option<Alert>,
    /// What was sent in records, as far as their headers tell.
    pub traffic: Traffic,
}

/// Why records could not be followed to the end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// Bytes are missing where a record's header may have been.
    Gap,
    /// What should be a record's header is none. If [`SideFacts::is_tls`] is `false` this never
    /// was TLS.
    NotARecord,
}

impl TlsSide {
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the bytes that follow those already read.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.facts.lost.is_none() {
            let next = self.records.next(&mut rest);
            self.facts.is_tls |= self.records.has_begun();
            match next {
                Ok(Some(piece)) => self.handle_piece(piece),
                Ok(None) => return,
                Err(_) => self.lose(Loss::NotARecord),
            }
        }
    }

    /// Learns that the next `missing` bytes will not come; `u64::MAX` if it is unknown how many.
    ///
    /// Inside one record they do no harm but to a handshake message in it, since the record says
    /// how long it is. Where a record's header is among them, the next one cannot be found.
    pub fn gap(&mut self, missing: u64) {
        if missing == 0 || self.facts.lost.is_some() {
            return;
        }
        let Some(piece) = self.records.skip(missing) else { return self.lose(Loss::Gap) };
        if piece.kind == RecordKind::Handshake {
            self.clear = Clear::Over;
        }
        self.handle_piece(piece);
    }

    /// Reads no handshake any further: what follows is only measured. Returns whether some was
    /// still to be read.
    pub fn stop_reading(&mut self) -> bool {
        let was_over = matches!(self.clear, Clear::Over);
        self.clear = Clear::Over;
        !was_over
    }

    /// Whether records have come.
    pub fn is_tls(&self) -> bool {
        self.facts.is_tls
    }

    /// Whether records have come, and the last one is whole: the next byte begins another, or the
    /// end of TLS.
    pub fn is_between_records(&self) -> bool {
        self.facts.is_tls && self.facts.lost.is_none() && self.records.is_between()
    }

    /// Bytes it holds, itself included.
    pub fn weight(&self) -> usize {
        let half_read = match &self.clear {
            Clear::Readable(messages) | Clear::Retried(messages) => messages.held(),
            Clear::Over => 0,
        };
        size_of::<Self>() + half_read + self.facts.held()
    }

    /// What became known.
    pub fn finish(self) -> SideFacts {
        self.facts
    }

    fn lose(&mut self, why: Loss) {
        self.facts.lost = Some(why);
        self.clear = Clear::Over;
    }

    fn handle_piece(&mut self, piece: Piece<'_>) {
        match piece.kind {
            RecordKind::Handshake => self.read_handshake(piece.bytes),
            RecordKind::ChangeCipherSpec if piece.ends => self.change_cipher_spec(),
            RecordKind::ApplicationData => self.clear = Clear::Over,
            RecordKind::Alert => {
                let alert = self.alerts.read(&piece);
                self.facts.fatal_alert = self.facts.fatal_alert.or(alert);
            }
            RecordKind::ChangeCipherSpec | RecordKind::Heartbeat => {}
        }
        if piece.ends {
            self.facts.traffic.count(piece.kind, piece.record_len);
        }
    }

    fn read_handshake(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Clear::Readable(messages) | Clear::Retried(messages) = &mut self.clear
            && let Some(message) = messages.next(&mut rest)
        {
            self.handle_message(&message);
        }
    }

    fn handle_message(&mut self, message: &Message) {
        let facts = &mut self.facts;
        if message.is_of_full_handshake() {
            facts.flight = Flight::Full;
        }
        match message.kind {
            handshake::CLIENT_HELLO if facts.client_hello.is_none() => {
                facts.client_hello = ClientHello::parse(&message.body);
            }
            handshake::SERVER_HELLO if hello::is_retry(&message.body) => self.clear.retry(),
            handshake::SERVER_HELLO if facts.server_hello.is_none() => {
                facts.server_hello = ServerHello::parse(&message.body);
                // From here on TLS 1.3 encrypts (RFC 8446 §2).
                if facts.server_hello.as_ref().is_some_and(|hello| hello.version.is_1_3()) {
                    self.clear = Clear::Over;
                }
            }
            handshake::CERTIFICATE if facts.certificate.is_none() => {
                facts.certificate = Certificate::parse_message(&message.body);
            }
            _ => {}
        }
    }

    /// From here on TLS ≤ 1.2 encrypts (RFC 5246 §7.1).
    fn change_cipher_spec(&mut self) {
        match &self.clear {
            Clear::Readable(messages) if messages.is_between() => {
                self.facts.flight = self.facts.flight.ended();
            }
            Clear::Retried(_) if self.facts.server_hello.is_none() => return,
            Clear::Readable(_) | Clear::Retried(_) | Clear::Over => {}
        }
        self.clear = Clear::Over;
    }
}

impl SideFacts {
    /// Bytes of it, with what it holds.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.held()
    }

    fn held(&self) -> usize {
        self.client_hello.as_ref().map_or(0, ClientHello::weight)
            + self.server_hello.as_ref().map_or(0, ServerHello::weight)
            + self.certificate.as_ref().map_or(0, Certificate::weight)
    }
}

impl Clear {
    fn retry(&mut self) {
        *self = match std::mem::replace(self, Self::Over) {
            Self::Readable(messages) | Self::Retried(messages) => Self::Retried(messages),
            Self::Over => Self::Over,
        };
    }
}

impl Default for Clear {
    fn default() -> Self {
        Self::Readable(Messages::default())
    }
}

#[cfg(test)]
mod tests;
