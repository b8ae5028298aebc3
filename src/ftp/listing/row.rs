//! A line of a listing as words that remember where they stood, and the numbers in them.

use std::ops::RangeInclusive;

/// One line, its end removed, and the words it begins with.
pub(super) struct Row<'a> {
    pub(super) line: &'a [u8],
    /// At most [`MOST_WORDS`].
    pub(super) words: Vec<Word<'a>>,
}

/// What stands between two blanks.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a [u8],
    /// Where it stands in the line, in octets.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Row<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        let mut start = 0;
        let words = line.split(is_blank).filter_map(|text| {
            let word = Word { text, start, end: start + text.len() };
            start = word.end + 1;
            (!text.is_empty()).then_some(word)
        });
        Self { line, words: words.take(MOST_WORDS).collect() }
    }

    pub(super) fn text(&self, index: usize) -> Option<&'a [u8]> {
        self.words.get(index).map(|word| word.text)
    }

    /// The line from octet `start` on, if there is anything.
    pub(super) fn rest(&self, start: usize) -> Option<&'a [u8]> {
        self.line.get(start..).filter(|rest| !rest.is_empty())
    }

    /// Several words with the blanks between them.
    pub(super) fn span(&self, words: &[Word<'a>]) -> Option<&'a [u8]> {
        self.line.get(words.first()?.start..words.last()?.end)
    }

    /// Whether the first words are these, in any case of letters.
    pub(super) fn begins_with(&self, wanted: &[&str]) -> bool {
        wanted.len() <= self.words.len()
            && wanted
                .iter()
                .zip(&self.words)
                .all(|(wanted, word)| word.text.eq_ignore_ascii_case(wanted.as_bytes()))
    }
}

/// No known format has a name that begins after more words than this, even if owner and group
/// are of several words; it keeps the memory for a line of a megabyte small.
pub(super) const MOST_WORDS: usize = 24;

/// A number of decimal digits and nothing else.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number of so many digits.
pub(super) fn number_of(digits: RangeInclusive<usize>, text: &[u8]) -> Option<u64> {
    number(text).filter(|_| digits.contains(&text.len()))
}

/// A number that may have its thousands apart: `1,234,567` or `1.234.567`.
pub(in crate::ftp) fn grouped_number(text: &[u8]) -> Option<u64> {
    let Some(separator) = text.iter().find(|byte| matches!(byte, b',' | b'.')) else {
        return number(text);
    };
    let mut groups = text.split(|byte| byte == separator);
    let first = number_of(1..=3, groups.next()?)?;
    groups
        .try_fold(first, |sum, group| sum.checked_mul(1000)?.checked_add(number_of(3..=3, group)?))
}

pub(super) fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Without the blanks at its beginning.
pub(super) fn without_indent(text: &[u8]) -> &[u8] {
    let indent = text.iter().take_while(|byte| is_blank(byte)).count();
    text.get(indent..).unwrap_or_default()
}
