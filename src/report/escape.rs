//! Text from the wire made safe to show: nothing that moves the cursor, turns the writing
//! direction, hides, or pretends to be something else.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

/// The text with every character that cannot be seen for what it is spelled out: `\x1b`,
/// `\u{202e}`. What can be seen stays, backslashes too, so doing it twice changes nothing.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len());
    let mut marks = MOST_MARKS;
    for c in text.chars() {
        // A mark needs a character to stand on, and a pile of them covers the lines above.
        marks = if columns_of(c) == 0 { marks + 1 } else { 0 };
        if is_visible(c) && marks <= MOST_MARKS {
            safe.push(c);
        } else {
            spell_out(c, &mut safe);
            marks = 0;
        }
    }
    safe.into()
}

/// [`escape`]s each line of a text of several.
pub fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

/// Columns a terminal gives to a text that is [`escape`]d: never fewer than it takes.
pub fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The beginning, with `…` where something is left out.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return text.into();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += columns_of(*c);
        used <= columns
    });
    let mut kept: String = kept.collect();
    kept.extend((columns > 0).then_some('…'));
    kept.into()
}

/// The end, with `…` before it where something is left out: the end of a path is its name.
pub fn cut_front(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return text.into();
    }
    let mut used = 1;
    let kept = text.char_indices().rev().take_while(|(_, c)| {
        used += columns_of(*c);
        used <= columns
    });
    let start = kept.last().map_or(text.len(), |(at, _)| at);
    // A mark must not move onto the `…`.
    let kept = text.get(start..).unwrap_or_default();
    let kept = kept.trim_start_matches(|c| columns_of(c) == 0);
    if columns == 0 { "".into() } else { format!("…{kept}").into() }
}

/// Marks allowed on one character: Vietnamese and Hebrew need two or three.
const MOST_MARKS: usize = 3;

fn columns_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

fn spell_out(c: char, safe: &mut String) {
    match c {
        '\t' | '\n' | '\r' => safe.extend(c.escape_default()),
        '\0'..='\u{ff}' => safe.push_str(&format!("\\x{:02x}", u32::from(c))),
        _ => safe.extend(c.escape_unicode()),
    }
}

/// Whether a character shows as what it is. The standard library knows which are control,
/// format, separator, private and unassigned characters: those `escape_debug` spells out.
pub(super) fn is_visible(c: char) -> bool {
    if matches!(c, ' '..='~') {
        return true;
    }
    if is_ignorable(c) {
        return false;
    }
    // Behind a letter, as a combining mark alone is spelled out whatever it is.
    let mut buffer = [b'a'; 5];
    let Some((_, rest)) = buffer.split_first_mut() else { return false };
    let end = 1 + c.encode_utf8(rest).len();
    let pair = buffer.get(..end).and_then(|pair| std::str::from_utf8(pair).ok());
    pair.is_some_and(|pair| pair.escape_debug().nth(1) == Some(c))
}

/// Marks and letters that show nothing at all: joiners, fillers, variation selectors.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out_and_the_rest_stays() {
        for (text, wanted) in [
            ("plain text: \"a\\b\" 'c'", "plain text: \"a\\b\" 'c'"),
            ("\x1b[31mred\x07\0\x7f", "\\x1b[31mred\\x07\\x00\\x7f"),
            ("a\r\n\tb", "a\\r\\n\\tb"),
            ("\u{9b}31m", "\\x9b31m"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("a\u{2066}b\u{2069}\u{200f}\u{61c}", "a\\u{2066}b\\u{2069}\\u{200f}\\u{61c}"),
            ("zero\u{200b}width\u{feff}\u{200d}", "zero\\u{200b}width\\u{feff}\\u{200d}"),
            ("line\u{2028}para\u{2029}", "line\\u{2028}para\\u{2029}"),
            ("no\u{a0}break", "no\\xa0break"),
            ("filler\u{3164}\u{fe0f}", "filler\\u{3164}\\u{fe0f}"),
            (
                "private\u{e000} none\u{378} not\u{ffff}",
                "private\\u{e000} none\\u{378} not\\u{ffff}",
            ),
            ("résumé – 履歴書.pdf", "résumé – 履歴書.pdf"),
            ("отчёт Größe \u{fffd}", "отчёт Größe \u{fffd}"),
            ("e\u{301} a\u{301}\u{302}\u{303}", "e\u{301} a\u{301}\u{302}\u{303}"),
            ("\u{301}", "\\u{301}"),
            ("a\u{301}\u{301}\u{301}\u{301}", "a\u{301}\u{301}\u{301}\\u{301}"),
        ] {
            let safe = escape(text);
            assert_eq!(safe, wanted);
            assert_eq!(escape(&safe), safe, "twice");
        }
    }

    #[test]
    fn no_character_at_all_gets_through_that_a_terminal_obeys() {
        for c in '\0'..=char::MAX {
            let text = format!("a{c}b");
            let safe = escape(&text);
            assert!(!safe.chars().any(char::is_control), "{:x}", u32::from(c));
            assert!(width(&safe) >= UnicodeWidthStr::width(&*safe), "{:x}", u32::from(c));
            let is_seen = width(&safe) > 2 || columns_of(c) == 0 && c.is_alphanumeric();
            let is_mark = safe.len() > 2 && columns_of(c) == 0;
            assert!(is_seen || is_mark, "{:x}", u32::from(c));
        }
    }

    #[test]
    fn a_cut_text_fits_and_says_so() {
        for (text, columns, start, end) in [
            ("hello", 5, "hello", "hello"),
            ("hello", 4, "hel…", "…llo"),
            ("hello", 1, "…", "…"),
            ("hello", 0, "", ""),
            ("履歴書", 6, "履歴書", "履歴書"),
            ("履歴書", 5, "履歴…", "…歴書"),
            ("履歴書", 4, "履…", "…書"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…", "…e\u{301}"),
            ("/pub/docs/paper.pdf", 10, "/pub/docs…", "…paper.pdf"),
        ] {
            assert_eq!(cut(text, columns), start);
            assert_eq!(cut_front(text, columns), end);
            assert!(width(&cut(text, columns)) <= columns);
            assert!(width(&cut_front(text, columns)) <= columns);
        }
    }
}
