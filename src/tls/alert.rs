//! Alerts that can be read.

use super::records::Piece;

/// Why one side gave up, said before anything was encrypted (RFC 8446 §6.2, RFC 5246 §7.2.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Alert(pub u8);

impl Alert {
    /// `handshake_failure`, as the standards spell it; `None` of a number they do not have.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            // RFC 7507 §2.
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            // RFC 6066 §9.
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            // RFC 7301 §3.2.
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

/// Reads an alert from the pieces of its record.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    /// The first octet of one whose second has not come.
    level: Option<u8>,
}

impl Alerts {
    /// Takes a piece of an alert's record. One that is encrypted is longer than its two octets.
    pub(super) fn read(&mut self, piece: &Piece<'_>) -> Option<Alert> {
        if piece.record_len != LEN {
            return None;
        }
        let mut found = None;
        for octet in piece.bytes {
            match self.level.take() {
                None => self.level = Some(*octet),
                Some(FATAL) => found = Some(Alert(*octet)),
                Some(_) => {}
            }
        }
        if piece.ends {
            self.level = None;
        }
        found
    }
}

/// Octets of an alert: its level and what it says.
const LEN: u16 = 2;

const FATAL: u8 = 2;
