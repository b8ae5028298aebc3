//! One control connection: its bytes → lines and replies → its story.

use super::login::EncryptionKind;
use super::pairing::ReplyPlace;
use super::sealed::{Sealed, Unsealed};
use super::story::{Effect, Shared, Story};
use super::twins::{Numbers, Opening};
use super::{Received, Session};
use crate::ftp::{Joined, Line, LineSplitter, ReplyJoiner};
use crate::limits::Limits;
use crate::tcp::Mark;
use crate::time::Stamp;
use crate::tls;

/// A control connection being read.
#[derive(Debug)]
pub(super) struct Dialogue {
    pub(super) story: Story,
    client: LineSplitter<Mark>,
    server: LineSplitter<Mark>,
    replies: Replies,
    /// False from the first byte that is not clear text.
    is_clear: bool,
    /// Since clear text ended.
    sealed: Option<Box<Sealed>>,
    line_bytes: usize,
    reply_bytes: usize,
    /// What was said first, until it was compared.
    opening: Option<Box<Opening>>,
    pub(super) numbers: Option<Numbers>,
    /// The opening's text, once it was compared.
    pub(super) opening_text: Option<u64>,
    /// Its weight as it was last counted.
    pub(super) counted: usize,
}

/// Bytes kept of a line, and of the text of a reply, when sessions hold as much as they may:
/// enough for what is acted on.
const RATION: usize = 512;

/// The server's lines on their way to replies.
#[derive(Debug)]
struct Replies {
    joiner: ReplyJoiner,
    /// Lines, and replies, of which not all was kept.
    cut_lines: u64,
    cut: u64,
    /// Where the reply that is open began, and when the last of it was seen.
    opened: Option<(ReplyPlace, Stamp)>,
}

impl Dialogue {
    pub(super) fn new(session: Session, from_start: bool, limits: &Limits) -> Self {
        Self {
            story: Story::new(session, from_start, limits),
            client: LineSplitter::new(limits.line_bytes, from_start),
            server: LineSplitter::new(limits.line_bytes, from_start),
            replies: Replies::new(limits),
            is_clear: true,
            sealed: None,
            line_bytes: limits.line_bytes,
            reply_bytes: limits.reply_bytes,
            opening: from_start.then(Box::default),
            numbers: None,
            opening_text: None,
            counted: 0,
        }
    }

    /// Whether it must do with little room, from here on.
    pub(super) fn ration(&mut self, is_rationed: bool) {
        if let Some(sealed) = self.sealed.as_mut().filter(|_| is_rationed) {
            sealed.stop_reading();
        }
        if self.story.is_rationed != is_rationed {
            self.story.is_rationed = is_rationed;
            let most = if is_rationed { RATION } else { usize::MAX };
            self.client.keep_at_most(most.min(self.line_bytes));
            self.server.keep_at_most(most.min(self.line_bytes));
            self.replies.joiner.keep_at_most(most.min(self.reply_bytes));
        }
    }

    /// Bounds that were reached, by name.
    pub(super) fn overflows(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let lines = self.story.cut_lines + self.replies.cut_lines;
        let handshakes = self.sealed.as_ref().map_or(0, |sealed| sealed.cut);
        let own =
            [("line_bytes", lines), ("reply_bytes", self.replies.cut), ("text_bytes", handshakes)];
        self.story.overflows().into_iter().chain(own)
    }

    /// Bytes it holds.
    pub(super) fn weight(&self) -> usize {
        let replies = self.replies.joiner.held();
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.weight());
        self.client.held() + self.server.held() + replies + sealed + self.story.weight()
    }

    /// The client said something. `shared` numbers transfers.
    pub(super) fn handle_client(
        &mut self,
        offset: u64,
        bytes: &[u8],
        mark: Mark,
        shared: &mut Shared,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_sealed(true, bytes, mark.stamp) {
            return;
        }
        let Self { client, story, opening, .. } = self;
        client.push(offset, bytes, mark, |line| {
            if let Some(opening) = opening {
                opening.note(true, line.bytes, line.last.stamp);
            }
            story.handle_command(&line, shared, effects);
        });
    }

    /// The server said something.
    pub(super) fn handle_server(
        &mut self,
        offset: u64,
        bytes: &[u8],
        mark: Mark,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_sealed(false, bytes, mark.stamp) {
            return;
        }
        let Self { server, replies, story, is_clear, opening, .. } = self;
        server.push(offset, bytes, mark, |line| {
            if *is_clear {
                if let Some(opening) = opening {
                    opening.note(false, line.bytes, line.last.stamp);
                }
                replies.handle(&line, story, effects);
                *is_clear = story.is_clear();
            }
        });
    }

    /// What was said first, once there is enough of it to compare.
    pub(super) fn take_opening(&mut self) -> Option<Opening> {
        let opening = self.opening.take_if(|opening| opening.is_over())?;
        if !opening.is_complete {
            return None;
        }
        self.opening_text = Some(opening.text);
        Some(*opening)
    }

    /// Octets of the client were not captured.
    pub(super) fn handle_client_gap(
        &mut self,
        offset: u64,
        len: u64,
        shared: &mut Shared,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(sealed) = &mut self.sealed {
            sealed.gap(true, len);
        }
        let Self { client, story, is_clear, .. } = self;
        client.gap(offset, |line| {
            if *is_clear {
                story.handle_command(&line, shared, effects);
            }
        });
        story.handle_client_gap(offset + len);
        // The first record may have been in it.
        story.start_tls();
    }

    /// Octets of the server were not captured.
    pub(super) fn handle_server_gap(&mut self, offset: u64, len: u64, effects: &mut Vec<Effect>) {
        if let Some(sealed) = &mut self.sealed {
            sealed.gap(false, len);
        }
        self.end_server(offset, effects);
        self.server.gap(offset, |_| ());
        self.story.handle_server_gap(offset, len);
    }

    /// The connection is over: what is half said stays half said.
    pub(super) fn finish(&mut self, shared: &mut Shared, effects: &mut Vec<Effect>) {
        let Self { client, story, is_clear, .. } = self;
        client.end(u64::MAX, |line| {
            if *is_clear {
                story.handle_command(&line, shared, effects);
            }
        });
        self.end_server(u64::MAX, effects);
        self.story.finish(self.is_clear, effects);
        if let Some(sealed) = &mut self.sealed {
            self.story.session.tls = sealed.finish();
        }
    }

    /// It is inside TLS from its first byte.
    pub(super) fn begin_implicit_tls(&mut self, since: Stamp) {
        self.story.session.encryption.begin(EncryptionKind::Implicit, since);
        self.is_clear = false;
    }

    fn end_server(&mut self, offset: u64, effects: &mut Vec<Effect>) {
        let Self { server, replies, story, is_clear, .. } = self;
        server.end(offset, |line| {
            if *is_clear {
                replies.handle(&line, story, effects);
            }
        });
        replies.tear(story, effects);
    }

    /// Whether these bytes are not clear text; what they show is noted then. A 234 that was not
    /// captured is made up for by the ClientHello that follows it.
    fn is_sealed(&mut self, by_client: bool, bytes: &[u8], stamp: Stamp) -> bool {
        if self.story.has_agreed_on_tls() {
            // The client sends the first record (RFC 4217 §4.2), and before it the server may still
            // answer what was sent ahead.
            let is_text =
                bytes.first().is_some_and(|first| matches!(first, b' '..=b'~' | b'\r' | b'\n'));
            match (is_text, by_client) {
                (true, true) => self.story.undo_tls(),
                (true, false) => return false,
                (false, _) => self.story.start_tls(),
            }
        }
        self.is_clear &= self.story.is_clear();
        let lines = if by_client { &self.client } else { &self.server };
        if self.is_clear && self.sealed.is_none() && lines.is_between_lines() && tls::begins(bytes)
        {
            self.story.begin_tls(stamp);
        }
        self.is_clear &= self.story.is_clear();
        if self.is_clear && self.sealed.is_none() {
            return false;
        }
        match self.sealed.get_or_insert_default().push(by_client, bytes) {
            Unsealed::No => return true,
            // After another AUTH nothing is clear again.
            Unsealed::Already => return !self.is_clear,
            Unsealed::Now => {
                self.story.end_tls(stamp);
                self.is_clear = true;
            }
        }
        false
    }
}

impl Replies {
    fn new(limits: &Limits) -> Self {
        let joiner = ReplyJoiner::new(limits.reply_bytes);
        Self { joiner, cut_lines: 0, cut: 0, opened: None }
    }

    fn handle(&mut self, line: &Line<'_, Mark>, story: &mut Story, effects: &mut Vec<Effect>) {
        self.cut_lines += u64::from(line.dropped > 0);
        let here = ReplyPlace { start: line.start, had: line.first.acked };
        match self.joiner.push(line.bytes) {
            Joined::More => {
                self.opened.get_or_insert((here, line.last.stamp)).1 = line.last.stamp;
            }
            Joined::Reply(mut reply) => {
                self.cut += u64::from(reply.dropped > 0);
                reply.torn |= line.torn;
                reply.drop_bytes(line.dropped);
                let place = self.opened.take().map_or(here, |(place, _)| place);
                let stamp = line.last.stamp;
                let is_split = line.first.stamp.frame() != stamp.frame();
                story.handle_reply(Received { stamp, reply, is_split }, place, effects);
            }
            Joined::Malformed => story.keep_malformed(line),
        }
    }

    /// The rest of an open reply will not come.
    fn tear(&mut self, story: &mut Story, effects: &mut Vec<Effect>) {
        if let (Some(reply), Some((place, stamp))) = (self.joiner.tear(), self.opened.take()) {
            let received = Received { stamp, reply, is_split: false };
            story.handle_reply(received, place, effects);
        }
    }
}
