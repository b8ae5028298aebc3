//! What both sides of a connection tell together.

use super::{Certificate, ClientHello, PlainBytes, ServerHello, SideFacts, plain_bytes, resumed};

/// What is known of a TLS connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TlsFacts {
    /// TLS's client: who sent the ClientHello. On data connections that is the client of the
    /// control connection whoever connected (RFC 4217 §7), unless agreed otherwise.
    pub client: SideFacts,
    pub server: SideFacts,
}

impl TlsFacts {
    /// Puts two directions together; `client` is the likely one, the hellos decide.
    pub fn new(client: SideFacts, server: SideFacts) -> Self {
        let is_swapped = client.server_hello.is_some() || server.client_hello.is_some();
        if is_swapped { Self { client: server, server: client } } else { Self { client, server } }
    }

    /// Whether either side sent a record.
    pub fn is_tls(&self) -> bool {
        self.client.is_tls || self.server.is_tls
    }

    pub fn client_hello(&self) -> Option<&ClientHello> {
        self.client.client_hello.as_ref()
    }

    pub fn server_hello(&self) -> Option<&ServerHello> {
        self.server.server_hello.as_ref()
    }

    /// The server's, where it was sent in clear text.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.server.certificate.as_ref()
    }

    /// Whether it took up an earlier connection's keys; `None` if that cannot be told.
    pub fn resumed(&self) -> Option<bool> {
        resumed(&self.client, &self.server)
    }

    /// How many bytes the application of one `side`, the client's or the server's, sent in
    /// whole records; `None` where the cipher is not known.
    pub fn plain_bytes(&self, side: &SideFacts) -> Option<PlainBytes> {
        plain_bytes(self.server_hello()?, side)
    }

    /// Bytes of it, with what it holds.
    pub fn weight(&self) -> usize {
        self.client.weight() + self.server.weight()
    }
}
