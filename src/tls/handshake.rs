//! Handshake messages: pieces of records → messages.

use super::records::take_front;

/// Joins handshake messages from records: one may span several, and one may hold several
/// (RFC 8446 §5.1).
///
/// Of a message longer than [`MAX_MESSAGE`] the beginning is kept, of kinds nobody reads nothing.
#[derive(Debug, Default)]
pub(super) struct Messages {
    held: Vec<u8>,
    /// Octets of the message just given out that are still to pass by.
    skip: usize,
}

/// One handshake message, without its header.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Message {
    pub(super) kind: u8,
    /// Cut at [`MAX_MESSAGE`]; empty for kinds nobody reads.
    pub(super) body: Vec<u8>,
}

impl Messages {
    /// Takes what the next message needs from the front of `input`; `None` once that is empty.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Option<Message> {
        self.skip -= take_front(input, self.skip).len();
        if self.skip > 0 {
            return None;
        }
        self.hold(input, HEADER);
        let (&[kind, high, middle, low], _) = self.held.split_first_chunk::<HEADER>()?;
        let len = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
        let kept = if is_read(kind) { len.min(MAX_MESSAGE) } else { 0 };
        self.hold(input, HEADER + kept);
        if self.held.len() < HEADER + kept {
            return None;
        }
        self.skip = len - kept;
        let body = self.held.split_off(HEADER);
        self.held = Vec::new();
        Some(Message { kind, body })
    }

    /// No message is half read.
    pub(super) fn is_between(&self) -> bool {
        self.held.is_empty() && self.skip == 0
    }

    /// Bytes held of the message that is not whole yet.
    pub(super) fn held(&self) -> usize {
        self.held.capacity()
    }

    fn hold(&mut self, input: &mut &[u8], wanted: usize) {
        let more = wanted.saturating_sub(self.held.len());
        self.held.extend_from_slice(take_front(input, more));
    }
}

impl Message {
    /// Only a handshake that is not abbreviated has it (RFC 5246 §7.3).
    pub(super) fn is_of_full_handshake(&self) -> bool {
        matches!(self.kind, CERTIFICATE | SERVER_HELLO_DONE | CLIENT_KEY_EXCHANGE)
    }
}

fn is_read(kind: u8) -> bool {
    matches!(kind, CLIENT_HELLO | SERVER_HELLO | CERTIFICATE)
}

/// Kinds of handshake messages (RFC 5246 §7.4).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const CERTIFICATE: u8 = 11;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// Octets of a handshake message's header (RFC 8446 §4).
const HEADER: usize = 4;

/// How much of one message is kept, in octets. Chains longer than this exist, but their leaf
/// comes first.
const MAX_MESSAGE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn all(messages: &mut Messages, mut input: &[u8]) -> Vec<(u8, Vec<u8>)> {
        std::iter::from_fn(|| messages.next(&mut input)).map(|m| (m.kind, m.body)).collect()
    }

    #[test]
    fn messages_are_joined_and_parted() {
        // A ServerHello, a ServerKeyExchange that nobody reads, a Certificate.
        let input = b"\x02\0\0\x03abc\x0c\0\0\x05-----\x0b\0\0\0";
        let wanted = [(2, b"abc".to_vec()), (12, vec![]), (11, vec![])];
        assert_eq!(all(&mut Messages::default(), input), wanted);

        let mut messages = Messages::default();
        let single: Vec<_> = input.chunks(1).flat_map(|byte| all(&mut messages, byte)).collect();
        assert_eq!(single, wanted);
        assert!(messages.is_between());
    }

    #[test]
    fn of_a_long_message_the_beginning_is_kept_and_the_next_is_found() {
        let mut input = b"\x0b\x02\0\0".to_vec();
        input.extend(vec![7; 0x2_0000]);
        input.extend(b"\x02\0\0\x01x");
        let mut messages = Messages::default();
        let mut found = Vec::new();
        for chunk in input.chunks(1000) {
            found.extend(all(&mut messages, chunk));
            assert!(messages.held.capacity() <= 2 * (MAX_MESSAGE + HEADER));
        }
        assert_eq!(found, [(11, vec![7; MAX_MESSAGE]), (2, b"x".to_vec())]);
    }
}
