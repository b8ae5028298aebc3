//! Copies between two servers.

use crate::decode::Endpoint;
use crate::session::{SessionId, TransferId};

/// A copy from one server to another that a client arranged: it told the one where the other
/// listens (RFC 959 §2.3, figure 2), so two commands in two sessions are one transfer.
#[derive(Clone, Debug)]
pub struct SiteToSite {
    pub source: Site,
    pub destination: Site,
}

/// One of the two servers.
#[derive(Clone, Debug)]
pub struct Site {
    pub session: SessionId,
    pub transfer: TransferId,
    pub server: Endpoint,
    pub path: Option<Vec<u8>>,
}
