//! Whether a connection took up an earlier one's session.

use super::SideFacts;

/// What the clear part of one side's handshake was made of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Flight {
    /// It did not come to its end, or not all of it was seen. In TLS 1.3 always: the rest is
    /// encrypted.
    #[default]
    Open,
    /// Certificate, ServerHelloDone or ClientKeyExchange were in it: new keys were agreed.
    Full,
    /// ChangeCipherSpec came without any of these: the handshake was abbreviated (RFC 5246 §7.3).
    /// Of a client of TLS 1.3 it says nothing: its ChangeCipherSpec is for show (RFC 8446 §D.4).
    Short,
}

impl Flight {
    /// After ChangeCipherSpec.
    pub(super) fn ended(self) -> Self {
        match self {
            Self::Open => Self::Short,
            Self::Full | Self::Short => self,
        }
    }
}

/// Whether the handshake resumed an earlier session, as far as both sides' facts tell.
///
/// In TLS 1.3 this is the server's acceptance of a key the client has: mostly one from an
/// earlier connection, though it may have been agreed on otherwise (RFC 8446 §2.2). Before, what
/// the handshake was made of decides; if that was not seen, the session ids in both hellos do
/// (RFC 5246 §7.4.1.3), which a server also echoes if it takes a ticket (RFC 5077 §3.4).
pub fn resumed(client: &SideFacts, server: &SideFacts) -> Option<bool> {
    let chosen = server.server_hello.as_ref()?;
    if chosen.version.is_1_3() {
        return Some(chosen.has_psk);
    }
    match (client.flight, server.flight) {
        (Flight::Full, _) | (_, Flight::Full) => return Some(false),
        (Flight::Short, _) | (_, Flight::Short) => return Some(true),
        (Flight::Open, Flight::Open) => {}
    }
    let offered = client.client_hello.as_ref()?;
    if offered.session_id.is_empty() {
        // Without an id, a server that takes the ticket need not say so.
        return if offered.has_ticket { None } else { Some(false) };
    }
    Some(offered.session_id == chosen.session_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{ClientHello, ServerHello, Version};

    fn client(session_id: &[u8], has_ticket: bool, flight: Flight) -> SideFacts {
        let hello = ClientHello {
            version: Version::TLS_1_3,
            server_name: None,
            session_id: session_id.to_vec(),
            has_ticket,
            has_psk: true,
            alpn: vec![],
            ja3: String::new(),
            ja4: String::new(),
        };
        SideFacts { client_hello: Some(hello), flight, ..SideFacts::default() }
    }

    fn server(version: Version, session_id: &[u8], has_psk: bool, flight: Flight) -> SideFacts {
        let hello = ServerHello {
            version,
            cipher: 0x009c,
            session_id: session_id.to_vec(),
            has_psk,
            alpn: None,
            is_compressed: false,
        };
        SideFacts { server_hello: Some(hello), flight, ..SideFacts::default() }
    }

    #[test]
    fn the_handshake_decides_then_the_ids() {
        use Flight::{Full, Open, Short};
        let (old, new) = (Version::TLS_1_2, Version::TLS_1_3);
        for (client, server, wanted) in [
            (client(b"a", false, Short), server(new, b"a", true, Open), Some(true)),
            (client(b"a", false, Short), server(new, b"a", false, Open), Some(false)),
            (client(b"a", false, Short), server(old, b"a", false, Short), Some(true)),
            (client(b"", true, Open), server(old, b"", false, Short), Some(true)),
            (client(b"a", false, Full), server(old, b"a", false, Open), Some(false)),
            (client(b"a", false, Open), server(old, b"a", false, Open), Some(true)),
            (client(b"a", true, Open), server(old, b"b", false, Open), Some(false)),
            (client(b"", true, Open), server(old, b"b", false, Open), None),
            (client(b"", false, Open), server(old, b"b", false, Open), Some(false)),
            (SideFacts::default(), server(old, b"b", false, Open), None),
            (SideFacts::default(), server(old, b"b", false, Full), Some(false)),
            (client(b"a", false, Short), SideFacts::default(), None),
        ] {
            assert_eq!(resumed(&client, &server), wanted, "{client:?} {server:?}");
        }
    }
}
