//! JSON in which every character that cannot be seen for what it is, is spelled out: `\u202e` is
//! the same JSON, and harmless to whoever looks at it on a terminal.

use std::io::{self, Write};

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
    let formatter = Indented { depth, has_value: false };
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

/// Writes what serde_json's own pretty formatter writes, but each line end with the indentation
/// behind it at once.
struct Indented {
    depth: usize,
    /// Whether the list or object that ends next has anything in it.
    has_value: bool,
}

/// As deep as lines are indented; what lies deeper is not indented further.
const LINE_END: &[u8; 66] = b",\n                                                                ";

impl Indented {
    /// Ends a line, behind a comma where something stands before.
    fn end_line(&self, out: &mut (impl Write + ?Sized), comma: bool) -> io::Result<()> {
        let end = (2 + 2 * self.depth).min(LINE_END.len());
        out.write_all(LINE_END.get(usize::from(!comma)..end).unwrap_or_default())
    }

    fn begin(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        out.write_all(bracket)
    }

    fn end(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.end_line(out, false)?;
        }
        out.write_all(bracket)
    }
}

impl Formatter for Indented {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.end_line(out, !first)
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
        self.end_line(out, !first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
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
