//! JSON in which every character that cannot be seen for what it is, is spelled out: `\u202e` is
//! the same JSON, and harmless to whoever looks at it on a terminal.

use std::io::{self, Write};
use std::mem;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::escape::is_visible;

/// Appends a value on one line.
pub(super) fn append(text: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    let start = text.len();
    value.serialize(&mut Serializer::new(&mut *text))?;
    spell_out_hidden(text, start);
    Ok(())
}

/// Appends a value over several lines, as an element of a list that is a field of the document.
pub(super) fn append_pretty(text: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    append_indented(text, 2, value)
}

/// A value over several lines.
pub(super) fn to_vec_pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    append_indented(&mut text, 0, value)?;
    Ok(text)
}

/// Appends a value that stands in so many others.
fn append_indented(
    text: &mut Vec<u8>,
    depth: usize,
    value: &impl Serialize,
) -> serde_json::Result<()> {
    let start = text.len();
    let formatter = Indented::new(depth);
    value.serialize(&mut Serializer::with_formatter(&mut *text, formatter))?;
    spell_out_hidden(text, start);
    Ok(())
}

/// Characters that are not ASCII stand in strings only, and so does DEL: what is below a space,
/// serde_json has spelled out. A look at a whole value is cheaper than one at each of its strings,
/// of which most are short.
fn spell_out_hidden(text: &mut Vec<u8>, start: usize) {
    let is_plain = |byte: u8| byte < b'\x7f';
    let largest = text.get(start..).unwrap_or_default().iter().copied().fold(0, u8::max);
    if is_plain(largest) {
        return;
    }
    let made = text.split_off(start);
    let made = String::from_utf8_lossy(&made);
    let mut rest = &*made;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        let (plain, others) = rest.split_at(at);
        text.extend_from_slice(plain.as_bytes());
        let mut others = others.chars();
        let Some(c) = others.next() else { break };
        if is_visible(c) {
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.extend(format!("\\u{unit:04x}").bytes());
            }
        }
        rest = others.as_str();
    }
    text.extend_from_slice(rest.as_bytes());
}

/// Writes what serde_json's own pretty formatter writes, but in fewer pieces: a line end with the
/// indentation and the quote behind it, the end of a key with the colon.
struct Indented {
    /// A comma, a line end, the indentation, and the quote of a key.
    line: Vec<u8>,
    /// Whether the list or object that ends next has anything in it.
    has_value: bool,
    /// Whether the string that begins or ends next is a key.
    is_key: bool,
}

impl Indented {
    fn new(depth: usize) -> Self {
        let mut line = b",\n\"".to_vec();
        (0..depth).for_each(|_| deepen(&mut line));
        Self { line, has_value: false, is_key: false }
    }

    /// What ends a line, with a comma where something stands before and a quote before a key.
    fn line_end(&self, comma: bool, quote: bool) -> &[u8] {
        let range = usize::from(!comma)..self.line.len() - usize::from(!quote);
        self.line.get(range).unwrap_or_default()
    }

    fn begin(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        deepen(&mut self.line);
        self.has_value = false;
        out.write_all(bracket)
    }

    fn end(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.line.truncate(self.line.len().saturating_sub(INDENTATION.len()));
        self.line.push(b'"');
        if self.has_value {
            out.write_all(self.line_end(false, false))?;
        }
        out.write_all(bracket)
    }
}

/// One level deeper.
fn deepen(line: &mut Vec<u8>) {
    line.pop();
    line.extend_from_slice(INDENTATION);
}

/// Of one level, and the quote behind it.
const INDENTATION: &[u8; 3] = b"  \"";

impl Formatter for Indented {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(self.line_end(!first, false))
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.is_key = true;
        out.write_all(self.line_end(!first, true))
    }

    fn begin_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.is_key { Ok(()) } else { out.write_all(b"\"") }
    }

    fn end_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(if mem::take(&mut self.is_key) { b"\": " } else { b"\"" })
    }

    /// What stands before it went out with the end of the key.
    fn begin_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        Ok(())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out_and_means_the_same() {
        let text = "a\u{202e}b \u{7f} é \u{e0041} \"\n";
        let mut line = b"before\n".to_vec();
        append(&mut line, &[text]).unwrap();
        let wanted = "before\n[\"a\\u202eb \\u007f é \\udb40\\udc41 \\\"\\n\"]";
        assert_eq!(std::str::from_utf8(&line).unwrap(), wanted);
        assert_eq!(serde_json::from_slice::<[String; 1]>(&line[7..]).unwrap(), [text]);
    }

    #[test]
    fn lines_are_indented_as_serde_json_does() {
        for value in [
            json!(1),
            json!([]),
            json!({}),
            json!([[], {}, [1, "a"], null]),
            json!({"a": {"b": [{}, {"c": "d"}], "e": []}, "f": [[[[[[[[2]]]]]]]]}),
        ] {
            let wanted = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(to_vec_pretty(&value).unwrap(), wanted.as_bytes());
            let mut deeper = b"[".to_vec();
            append_pretty(&mut deeper, &value).unwrap();
            assert_eq!(deeper, format!("[{}", wanted.replace('\n', "\n    ")).as_bytes());
        }
        let mut deep = json!(1);
        (0..100).for_each(|_| deep = json!([deep.take()]));
        let text = to_vec_pretty(&deep).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), deep);
    }
}
