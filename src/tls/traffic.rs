//! What record headers tell of the records that cannot be read.

use super::records::RecordKind;

/// What one side sent, by its records' headers. Only whole records count: of a part nothing can
/// be decrypted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// Records of application data. In TLS 1.3 all that is encrypted looks so (RFC 8446 §5.2):
    /// the first few of each side are handshake, the last one an alert.
    pub application_records: u64,
    /// The sum of their lengths, in octets: content and what encryption adds. See
    /// [`plain_bytes`](super::plain_bytes).
    pub application_bytes: u64,
    /// The lengths of the first eight of them.
    pub first_lengths: Vec<u16>,
    /// Records of alerts. Those of TLS 1.3 that are encrypted are not among them.
    pub alert_records: u64,
}

impl Traffic {
    pub(super) fn count(&mut self, kind: RecordKind, len: u16) {
        self.alert_records += u64::from(kind == RecordKind::Alert);
        if kind != RecordKind::ApplicationData {
            return;
        }
        self.application_records += 1;
        self.application_bytes += u64::from(len);
        if self.first_lengths.len() < FIRST_LENGTHS {
            self.first_lengths.push(len);
        }
    }
}

/// How many lengths are kept: a server's encrypted handshake has at most five messages (RFC 8446
/// §2), and long ones take several records.
const FIRST_LENGTHS: usize = 8;
