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
    append_indented(text, IN_RECORD - 1, value)
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
    let formatter = Layout::new(depth);
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

/// Breaks lines down to the fields of a record and the elements of its lists, so that an exchange
/// or an endpoint is a line: a reader sees it at once, and grep finds it whole. What stands before
/// a value goes out in one piece: line end, indentation, the quote of a key.
struct Layout {
    /// Lists and objects that are open.
    depth: usize,
    /// Whether the list or object that ends next has anything in it.
    has_value: bool,
    /// Whether the string that begins or ends next is a key.
    is_key: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    List,
    Object,
}

/// Lists and objects that are open where a field of a record stands: the document, its list, the
/// record.
const IN_RECORD: usize = 3;

/// What stands before a key or a value over several lines, by how deep it is.
const LINES: [&[u8]; IN_RECORD + 2] =
    [b",\n\"", b",\n  \"", b",\n    \"", b",\n      \"", b",\n        \""];

impl Layout {
    fn new(depth: usize) -> Self {
        Self { depth, has_value: false, is_key: false }
    }

    /// The line that a list or object of this kind in so many others has for each of its values.
    fn line(depth: usize, kind: Kind, values_depth: usize) -> Option<&'static [u8]> {
        let is_broken = depth < IN_RECORD || (depth == IN_RECORD && kind == Kind::List);
        LINES.get(values_depth).copied().filter(|_| is_broken)
    }

    fn begin(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        out.write_all(bracket)
    }

    /// What stands before a value, and the quote of a key.
    fn before(&self, kind: Kind, first: bool) -> &'static [u8] {
        let line = Self::line(self.depth - 1, kind, self.depth);
        let (text, comma) = line.map_or((&b", \""[..], 2), |line| (line, 1));
        let quote = usize::from(kind == Kind::List);
        text.get(if first { comma } else { 0 }..text.len() - quote).unwrap_or_default()
    }

    fn end(
        &mut self,
        out: &mut (impl Write + ?Sized),
        kind: Kind,
        bracket: &[u8],
    ) -> io::Result<()> {
        self.depth -= 1;
        let line = Self::line(self.depth, kind, self.depth).filter(|_| self.has_value);
        if let Some([_, line @ .., _]) = line {
            out.write_all(line)?;
        }
        out.write_all(bracket)
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, Kind::List, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(self.before(Kind::List, first))
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, Kind::Object, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.is_key = true;
        out.write_all(self.before(Kind::Object, first))
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
    fn a_field_of_a_record_and_an_element_of_its_list_have_a_line() {
        let record = json!({
            "id": "s1",
            "end": {"ip": "::1", "port": 21},
            "replies": [{"code": 220, "text": ["a", "b"]}, [], {}, 1, [[2]]],
            "none": [],
            "empty": {},
        });
        let document = json!({"capture": {"packets": 1}, "list": [record, {}, []]});
        let wanted = r#"{
  "capture": {
    "packets": 1
  },
  "list": [
    {
      "empty": {},
      "end": {"ip": "::1", "port": 21},
      "id": "s1",
      "none": [],
      "replies": [
        {"code": 220, "text": ["a", "b"]},
        [],
        {},
        1,
        [[2]]
      ]
    },
    {},
    []
  ]
}"#;
        let text = to_vec_pretty(&document).unwrap();
        assert_eq!(std::str::from_utf8(&text).unwrap(), wanted);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), document);
        let mut alone = b"    ".to_vec();
        append_pretty(&mut alone, &document["list"][0]).unwrap();
        assert!(wanted.contains(std::str::from_utf8(&alone).unwrap()));
        let mut deep = json!(1);
        (0..50).for_each(|_| deep = json!([{"a": deep.take()}]));
        let text = to_vec_pretty(&deep).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).unwrap(), deep);
    }
}
