//! What a stream begins with, and the text of listings.

use super::{Mark, Room, marks, media};
use crate::tls;

/// The first octets of a stream; of a listing, what follows, too.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    head: Vec<u8>,
    /// Whether more than the head is wanted; asked when there is more.
    is_text: Option<bool>,
    /// There was no room for all of what was wanted.
    is_cut: bool,
    /// What the head told, once it has gone.
    told: Option<Told>,
}

/// What the beginning tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) media_type: Option<String>,
    pub(super) mark: Option<Mark>,
    pub(super) is_tls: bool,
}

/// What is left of a beginning when its stream is over.
pub(super) struct Left {
    pub(super) told: Told,
    /// Only whether it is TLS was told.
    pub(super) is_unread: bool,
    /// As much as was kept.
    pub(super) text: Vec<u8>,
}

/// Octets looked at to tell the media type: the marks of all formats that are told by their
/// beginning but the ISO image's lie within.
const HEAD: usize = 4096;

impl Beginning {
    /// Keeps the beginning, and of a listing what follows, too. A beginning that is none of a
    /// listing is looked at once it is full, and forgotten. `is_there` tells whether the first
    /// octet of the stream is.
    pub(super) fn keep(
        &mut self,
        bytes: &[u8],
        listing_bytes: usize,
        room: &mut Room,
        is_there: bool,
        is_listing: impl FnOnce() -> bool,
    ) {
        if self.told.is_some() {
            return;
        }
        if self.is_text.is_none() && self.head.len() + bytes.len() > HEAD {
            self.is_text = Some(is_listing());
        }
        let is_text = self.is_text == Some(true);
        let most = if is_text { listing_bytes } else { HEAD };
        if !self.is_cut {
            let wanted = most.saturating_sub(self.head.len()).min(bytes.len());
            let taken = room.take(wanted);
            self.is_cut = taken < wanted || is_text && taken < bytes.len();
            room.listings += u64::from(is_text && self.is_cut);
            self.head.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        }
        if self.is_text == Some(false) {
            self.told = Some(self.tell(is_there));
            room.give_back(self.head.len());
            self.head = Vec::new();
        }
    }

    /// What it told, if it was looked at; that can wait where all that it needs is in the text.
    pub(super) fn finish(mut self, is_there: bool) -> Left {
        if let Some(told) = self.told.take() {
            return Left { told, is_unread: false, text: self.head };
        }
        let is_unread = is_there && self.is_enough() && !self.head.is_empty();
        let told = match is_unread {
            true => Told { is_tls: tls::begins(&self.head), ..Told::default() },
            false => self.tell(is_there),
        };
        Left { told, is_unread, text: self.head }
    }

    fn tell(&self, is_there: bool) -> Told {
        if !is_there {
            return Told::default();
        }
        let told = tell(&self.head);
        Told { media_type: told.media_type.filter(|_| self.is_enough()), ..told }
    }

    fn is_enough(&self) -> bool {
        !self.is_cut || self.head.len() >= HEAD
    }
}

/// What the first octets of a stream tell.
pub(super) fn tell(text: &[u8]) -> Told {
    let mark = marks::mark(text.get(..HEAD).unwrap_or(text));
    Told { media_type: media::media_type(text), mark, is_tls: tls::begins(text) }
}
