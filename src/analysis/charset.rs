//! Names from the wire as text.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use crate::session::{Exchange, Session};

/// The charset of a session's names: UTF-8 unless they are not, then the best guess over all of
/// them together. FTP names no charset before RFC 2640, and many servers none since.
#[derive(Clone, Copy, Debug)]
pub struct Charset(&'static Encoding);

impl Default for Charset {
    fn default() -> Self {
        Self(UTF_8)
    }
}

impl Charset {
    /// Guesses by everything in the session that is not UTF-8.
    pub fn of(session: &Session) -> Self {
        Self::of_exchanges(&session.exchanges)
    }

    /// Guesses by these exchanges alone.
    pub fn of_exchanges<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Self {
        let foreign = exchanges.into_iter().filter(|exchange| !is_all_utf8(exchange));
        let texts = foreign.flat_map(|exchange| {
            let argument = exchange.sent.as_ref().map(|sent| sent.command.arg());
            let replies = exchange.replies.iter().flat_map(|received| received.reply.lines());
            argument.into_iter().chain(replies)
        });
        Self::guess(texts)
    }

    /// Guesses by one name.
    pub fn of_name(name: Option<&[u8]>) -> Self {
        Self::guess(name.into_iter())
    }

    /// Its name, if it is a guess.
    pub fn guessed(self) -> Option<&'static str> {
        (!self.is_utf8()).then(|| self.0.name())
    }

    pub fn is_utf8(self) -> bool {
        self.0 == UTF_8
    }

    fn guess<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut foreign = texts.filter(|text| std::str::from_utf8(text).is_err()).peekable();
        // Nearly all sessions are UTF-8, and a detector is a large thing.
        if foreign.peek().is_none() {
            return Self::default();
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        for text in foreign {
            detector.feed(text, false);
            detector.feed(b"\n", false);
        }
        Self(detector.guess(None, Utf8Detection::Deny))
    }

    /// The bytes as text; the second is false where the bytes cannot be had back from it as
    /// UTF-8.
    pub fn decode(self, raw: &[u8]) -> (Cow<'_, str>, bool) {
        match std::str::from_utf8(raw) {
            Ok(text) => (text.into(), true),
            Err(_) => (self.0.decode_without_bom_handling(raw).0, false),
        }
    }
}

/// Whether all lines are. A line end is no part of a character, so the text of a reply is looked at
/// as a whole.
fn is_all_utf8(exchange: &Exchange) -> bool {
    let argument = exchange.sent.as_ref().map(|sent| sent.command.arg());
    let replies = exchange.replies.iter().map(|received| received.reply.text.as_slice());
    argument.into_iter().chain(replies).all(|text| std::str::from_utf8(text).is_ok())
}
