//! Where a capture was taken, seen from one session.

use crate::session::Session;

/// Where between client and server a session was captured. An unanswered SYN means different
/// things at either end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Vantage {
    NearClient,
    NearServer,
    Between,
    Unknown,
}

/// Nanoseconds of a round trip below which its halves tell nothing: hosts take as long to answer.
const TELLING_NS: i64 = 400_000;

/// One half of the round trip is so many times the other where an end is near.
const NEAR: i64 = 5;

impl Vantage {
    /// By the halves of the handshake's round trip; where it is too short, or was not captured, by
    /// the hops that packets had left.
    pub fn of(session: &Session) -> Self {
        let tcp = &session.tcp;
        let halves = tcp.link.answer_ns().zip(tcp.link.rtt_ns);
        // The first half leads to the end that was called and back.
        let halves = halves.map(|(called, all)| (called, all - called));
        let halves = halves.map(|(called, caller)| match tcp.client_is_originator {
            true => (caller, called),
            false => (called, caller),
        });
        match halves {
            Some((client, server)) if client.min(server) >= 0 && client + server >= TELLING_NS => {
                if client.saturating_mul(NEAR) < server {
                    Self::NearClient
                } else if server.saturating_mul(NEAR) < client {
                    Self::NearServer
                } else {
                    Self::Between
                }
            }
            _ => Self::by_hops(tcp.from_client.hops(), tcp.from_server.hops()),
        }
    }

    fn by_hops(client: Option<u8>, server: Option<u8>) -> Self {
        match (client, server) {
            (Some(0), Some(1..)) => Self::NearClient,
            (Some(1..), Some(0)) => Self::NearServer,
            (Some(1..), Some(1..)) => Self::Between,
            _ => Self::Unknown,
        }
    }

    /// `near the client`.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::NearClient => Some("near the client"),
            Self::NearServer => Some("near the server"),
            Self::Between => Some("between client and server"),
            Self::Unknown => None,
        }
    }
}
