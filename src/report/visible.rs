//! JSON in which every character that cannot be seen for what it is, is spelled out: `\u202e` is
//! the same JSON, and harmless to whoever looks at it on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::escape::is_visible;

/// Writes a value on one line.
pub(super) fn to_writer(out: impl Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Visible(CompactFormatter)))
}

/// Writes a value over several lines.
pub(super) fn to_writer_pretty(out: impl Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Visible(PrettyFormatter::new())))
}

/// Appends a value over several lines, as an element of a list that is a field of the document.
pub(super) fn append_pretty(text: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    let mut formatter = Visible(PrettyFormatter::new());
    // Inside of an object and a list.
    for _ in 0..2 {
        formatter.begin_array(&mut io::sink()).map_err(serde_json::Error::io)?;
    }
    value.serialize(&mut Serializer::with_formatter(text, formatter))
}

/// A value over several lines.
pub(super) fn to_vec_pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    to_writer_pretty(&mut text, value)?;
    Ok(text)
}

/// Changes only what stands in strings.
struct Visible<F>(F);

/// Methods that only pass on.
macro_rules! as_it_is {
    ($($name:ident($($first:ident: bool)?);)*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, out: &mut W $(, $first: bool)?) -> io::Result<()> {
            self.0.$name(out $(, $first)?)
        })*
    };
}

impl<F: Formatter> Formatter for Visible<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Without a branch for each: most fragments are short, and all of them are plain.
        if fragment.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(|c| !is_visible(c)) {
            let (seen, hidden) = rest.split_at(at);
            out.write_all(seen.as_bytes())?;
            let mut hidden = hidden.chars();
            for unit in hidden.next().iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = hidden.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    as_it_is! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out_and_means_the_same() {
        let text = "a\u{202e}b \u{7f} é \u{e0041} \"\n";
        let mut line = Vec::new();
        to_writer(&mut line, &[text]).unwrap();
        let wanted = "[\"a\\u202eb \\u007f é \\udb40\\udc41 \\\"\\n\"]";
        assert_eq!(std::str::from_utf8(&line).unwrap(), wanted);
        assert_eq!(serde_json::from_slice::<[String; 1]>(&line).unwrap(), [text]);
        assert_eq!(to_vec_pretty(&[1]).unwrap(), serde_json::to_vec_pretty(&[1]).unwrap());
    }
}
