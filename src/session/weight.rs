//! What the facts of a session cost in memory.

use super::{Exchange, Received, Request, Sent, Session};
use crate::ftp::{Command, Reply};
use crate::time::Stamp;

/// Bytes held by something, itself included; what allocators add is not counted.
pub trait Weight {
    fn weight(&self) -> usize;
}

impl Weight for Vec<u8> {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.len()
    }
}

impl Weight for Option<Vec<u8>> {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.as_ref().map_or(0, Vec::len)
    }
}

impl Weight for (Stamp, Vec<u8>) {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.1.len()
    }
}

impl Weight for Command {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.line().len()
    }
}

impl Weight for Reply {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }
}

impl Weight for Sent {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.command.line().len()
    }
}

impl Weight for Received {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.reply.weight()
    }
}

impl Weight for Exchange {
    fn weight(&self) -> usize {
        size_of::<Self>()
            + self.sent.as_ref().map_or(0, Weight::weight)
            + self.replies.iter().map(Weight::weight).sum::<usize>()
            + self.malformed.iter().map(Weight::weight).sum::<usize>()
            + self.cwd.len()
    }
}

impl Weight for Request {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.name.weight() + self.path.weight()
    }
}

impl Session {
    /// Bytes of what was said, beside the exchanges.
    pub(super) fn text_weight(&self) -> usize {
        let (login, software) = (&self.login, &self.software);
        let texts = [&self.banner, &login.password, &software.server_system, &software.client];
        texts.iter().map(|text| text.weight()).sum::<usize>()
            + login.weight()
            + self.tls.as_ref().map_or(0, |tls| tls.weight())
            + self.transfers.len() * size_of::<super::TransferId>()
    }
}

impl Weight for Session {
    fn weight(&self) -> usize {
        let exchanges = self.exchanges.iter().map(Weight::weight).sum::<usize>();
        size_of::<Self>() + self.text_weight() + exchanges
    }
}
