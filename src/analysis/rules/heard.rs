//! What servers say in their own words, as rules look for it.

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
