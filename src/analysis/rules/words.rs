//! Sentences that several rules say, and words that they look for.

use crate::analysis::Vantage;
use crate::analysis::case::{Case, Opening};

/// One end of a control connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Client,
    Server,
}

/// `RETR x did not happen: WHY.`, or of a setup that no transfer used.
pub(super) fn did_not_happen(case: &Case<'_>, opening: &Opening<'_>, why: &str) -> String {
    match opening.transfer {
        Some(transfer) => format!("{} did not happen: {why}.", case.name(transfer)),
        None => format!("A data connection did not come up: {why}."),
    }
}

/// What unanswered SYNs towards one end mean where they were captured.
pub(super) fn past_here(vantage: Vantage, dialled: End) -> &'static str {
    match (vantage, dialled) {
        (Vantage::NearClient, End::Server) | (Vantage::Between, End::Server) => {
            "They left the place of capture: something between there and the server drops them, or \
             their answers."
        }
        (Vantage::NearServer, End::Server) => {
            "They came as far as the place of capture, near the server: its own firewall drops them, \
             or what answers them."
        }
        (Vantage::NearServer, End::Client) | (Vantage::Between, End::Client) => {
            "They left the place of capture: something between there and the client drops them, or \
             their answers."
        }
        (Vantage::NearClient, End::Client) => {
            "They came as far as the place of capture, near the client: its own firewall drops them, \
             or what answers them."
        }
        (Vantage::Unknown, _) => {
            "Something between client and server drops them, or their answers."
        }
    }
}

/// Whether a text holds one of these words, which are in lower case, in whatever case.
pub(super) fn says(text: &[u8], any: &[&str]) -> bool {
    any.iter().any(|words| {
        let words = words.as_bytes();
        text.windows(words.len()).any(|part| part.eq_ignore_ascii_case(words))
    })
}

/// The text of a reply without a name that it repeats: what a name says is not the server's word.
/// Only its beginning counts, and a name that is longer than names are stays.
pub(super) fn without_name(text: &[u8], name: &[u8]) -> Vec<u8> {
    let mut rest = text.get(..LONGEST_TEXT).unwrap_or(text);
    let mut own = Vec::with_capacity(rest.len());
    if name.is_empty() || name.len() > LONGEST_NAME {
        own.extend_from_slice(rest);
        return own;
    }
    let is_of_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    while let Some(at) = rest.windows(name.len()).position(|it| it.eq_ignore_ascii_case(name)) {
        let (before, from) = rest.split_at(at);
        let (same, after) = from.split_at(name.len());
        own.extend_from_slice(before);
        // A file called `a` does not stand in every word.
        if is_of_word(own.last()) || is_of_word(after.first()) {
            own.extend_from_slice(same);
        }
        rest = after;
    }
    own.extend_from_slice(rest);
    own
}

/// Bytes of a reply that are looked at for what it says, and of a name that is looked for in it.
const LONGEST_TEXT: usize = 4096;
const LONGEST_NAME: usize = 512;
