//! What became of files on their way.

mod content;
mod delays;
mod ends;
mod flow;
mod refusals;

use super::{Check, Found, Kind, Rule};
use crate::decode::Endpoint;
use crate::tcp::{Dir, DirFacts, Loss};
use crate::transfer::{Content, DataConnection, Direction, Transfer};

pub(super) const RULES: &[&Rule] = &[
    &ends::ABORTED,
    &ends::CANCELLED,
    &ends::SHORT,
    &ends::UPLOAD_CUT,
    &ends::COMPLETION_MISSING,
    &ends::WENT_SILENT,
    &flow::ZERO_WINDOW,
    &flow::LOSS,
    &flow::WINDOW_LIMITED,
    &flow::MTU_BLACK_HOLE,
    &content::ASCII_CORRUPTION,
    &content::RESUME_IGNORED,
    &content::CONCURRENT_WRITE,
    &refusals::STORAGE_FULL,
    &refusals::FILE_UNAVAILABLE,
    &refusals::NAME_NOT_ALLOWED,
    &delays::LATENCY_BOUND,
    &delays::SLOW_DATA_OPEN,
];

/// A transfer whose data connection came up, seen from its content.
#[derive(Clone, Copy)]
struct Moved<'a> {
    transfer: &'a Transfer,
    data: &'a DataConnection,
    content: &'a Content,
    /// Which of the connection's directions is the content.
    dir: Dir,
}

impl<'a> Moved<'a> {
    fn of(transfer: &'a Transfer) -> Option<Self> {
        let (data, content) = transfer.data.as_ref().zip(transfer.content.as_ref())?;
        Some(Self { transfer, data, content, dir: transfer.content_dir()? })
    }

    /// What the end did that sends the content.
    fn sent(self) -> DirFacts {
        self.facts(self.dir)
    }

    /// What the end did that takes it.
    fn taken(self) -> DirFacts {
        self.facts(self.dir.reversed())
    }

    fn facts(self, dir: Dir) -> DirFacts {
        match dir {
            Dir::FromOriginator => self.data.from_originator,
            Dir::FromResponder => self.data.from_responder,
        }
    }

    /// What loss did to the content.
    fn loss(self) -> Loss {
        self.data.link.loss(self.dir)
    }

    fn end(self, dir: Dir) -> Endpoint {
        match dir {
            Dir::FromOriginator => self.data.originator,
            Dir::FromResponder => self.data.responder,
        }
    }

    fn is_server(self, dir: Dir) -> bool {
        self.transfer.request.setup.link.is_some_and(|link| link.server == dir)
    }

    /// `the client`; of a copy from server to server, the other one is a server as well.
    fn role(self, dir: Dir) -> &'static str {
        match (self.is_server(dir), self.transfer.direction) {
            (true, _) => "the server",
            (false, Direction::SiteToSite) => "the other server",
            (false, _) => "the client",
        }
    }

    fn is_upload(self) -> bool {
        matches!(self.transfer.direction, Direction::Upload | Direction::Append)
    }

    /// The code of the final reply.
    fn code(self) -> Option<u16> {
        self.transfer.request.answered.map(|(_, code)| code)
    }

    fn is_confirmed(self) -> bool {
        self.code().is_some_and(|code| code / 100 == 2)
    }
}

/// `The` for `the` at the beginning of a sentence.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
