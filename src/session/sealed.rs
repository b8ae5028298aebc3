//! A control connection inside TLS: what that shows, and whether clear text comes back.

use crate::tls::{TlsFacts, TlsSide};

/// Both directions of a control connection since its clear text ended.
#[derive(Debug, Default)]
pub(super) struct Sealed {
    client: Seal,
    server: Seal,
    /// Handshakes that there was no room to read to their end.
    pub(super) cut: u64,
}

/// One direction.
#[derive(Debug, Default)]
struct Seal {
    side: TlsSide,
    /// Clear text came back.
    is_over: bool,
}

/// What bytes of a direction that was sealed are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unsealed {
    /// Still TLS; it was taken.
    No,
    /// Clear text, the first since TLS began.
    Now,
    /// Clear text, as before.
    Already,
}

impl Sealed {
    /// Takes the next bytes of a direction, if they are TLS.
    pub(super) fn push(&mut self, by_client: bool, bytes: &[u8]) -> Unsealed {
        let is_other_over = self.seal(!by_client).is_over;
        let seal = self.seal(by_client);
        if seal.is_over {
            return Unsealed::Already;
        }
        let first = bytes.first().copied().unwrap_or_default();
        let is_text = if by_client { first.is_ascii_alphabetic() } else { first.is_ascii_digit() };
        // Who never spoke TLS, while the other went back, need not have come to an end of it.
        let is_between = seal.side.is_between_records() || is_other_over && !seal.side.is_tls();
        if is_text && is_between {
            seal.is_over = true;
            return Unsealed::Now;
        }
        seal.side.push(bytes);
        Unsealed::No
    }

    /// Octets of a direction were not captured.
    pub(super) fn gap(&mut self, by_client: bool, len: u64) {
        self.seal(by_client).side.gap(len);
    }

    /// There is no room to read handshakes any more.
    pub(super) fn stop_reading(&mut self) {
        for seal in [&mut self.client, &mut self.server] {
            self.cut += u64::from(seal.side.stop_reading());
        }
    }

    /// Bytes it holds.
    pub(super) fn weight(&self) -> usize {
        self.client.side.weight() + self.server.side.weight()
    }

    /// What became known, if it was TLS at all; it is forgotten here.
    pub(super) fn finish(&mut self) -> Option<Box<TlsFacts>> {
        let take = |seal: &mut Seal| std::mem::take(&mut seal.side).finish();
        let facts = TlsFacts::new(take(&mut self.client), take(&mut self.server));
        facts.is_tls().then(|| Box::new(facts))
    }

    fn seal(&mut self, by_client: bool) -> &mut Seal {
        if by_client { &mut self.client } else { &mut self.server }
    }
}
