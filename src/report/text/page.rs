//! Lines that fit a terminal: every piece of text that is put on one is escaped here, and every
//! line is cut here, so nothing else has to be trusted with it.

use std::io::{self, Write};

use super::Style;
use crate::report::escape::{cut, escape, width};

/// Where lines go.
pub(super) struct Page<'a> {
    pub(super) style: &'a Style,
    out: &'a mut dyn Write,
}

/// A line, or a part of one, in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    spans: Vec<(Ink, String)>,
    width: usize,
}

/// What colour means. No meaning is in the colour alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ink {
    Plain,
    /// Evidence: frame numbers, hashes.
    Dim,
    /// A heading.
    Strong,
    Good,
    Doubtful,
    Bad,
}

impl Line {
    pub(super) fn of(text: &str) -> Self {
        Self::default().and(Ink::Plain, text)
    }

    pub(super) fn inked(ink: Ink, text: &str) -> Self {
        Self::default().and(ink, text)
    }

    pub(super) fn and(mut self, ink: Ink, text: &str) -> Self {
        self.push(ink, text);
        self
    }

    pub(super) fn push(&mut self, ink: Ink, text: &str) {
        let text = escape(text).into_owned();
        self.width += width(&text);
        self.spans.push((ink, text));
    }

    pub(super) fn join(&mut self, other: Self) {
        self.width += other.width;
        self.spans.extend(other.spans);
    }

    /// Goes on at `column`, or two further where the line is already there.
    pub(super) fn tab(&mut self, column: usize) {
        let gap = if self.width > column { 2 } else { column - self.width };
        self.push(Ink::Plain, &" ".repeat(gap));
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    fn is_blank(&self) -> bool {
        self.spans.iter().all(|(_, text)| text.chars().all(|c| c == ' '))
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(style: &'a Style, out: &'a mut dyn Write) -> Self {
        Self { style, out }
    }

    /// Columns there are, at least 80.
    pub(super) fn width(&self) -> usize {
        self.style.width.max(80)
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    pub(super) fn line(&mut self, line: &Line) -> io::Result<()> {
        let mut room = self.width();
        let overflows = line.width > room;
        // Blanks wait for what follows them: no line ends in one.
        let mut gap = String::new();
        for (ink, text) in &line.spans {
            let is_last = overflows && width(text) >= room;
            let text =
                if is_last { cut(&format!("{text} "), room).into_owned() } else { text.clone() };
            room -= width(&text);
            let solid = text.trim_end_matches(' ');
            if !solid.is_empty() {
                self.out.write_all(std::mem::take(&mut gap).as_bytes())?;
                self.paint(*ink, solid)?;
            }
            gap.push_str(text.get(solid.len()..).unwrap_or_default());
            if room == 0 {
                break;
            }
        }
        self.blank()
    }

    /// Puts fields behind `first`, two columns apart, and goes on at column `indent` of the next
    /// line when they have no more room.
    pub(super) fn fields(
        &mut self,
        first: Line,
        indent: usize,
        fields: impl IntoIterator<Item = Line>,
    ) -> io::Result<()> {
        let mut line = first;
        for field in fields {
            if field.is_blank() {
                continue;
            }
            if line.width() + 2 + field.width() > self.width() && line.width() > indent {
                self.line(&line)?;
                line = Line::default();
            }
            let column = if line.width() <= indent { indent } else { line.width() + 2 };
            line.tab(column);
            line.join(field);
        }
        self.line(&line)
    }

    /// Words, broken at blanks; behind `first` on the first line, at its column on the next.
    pub(super) fn words(&mut self, first: Line, ink: Ink, text: &str) -> io::Result<()> {
        let indent = first.width();
        let mut line = first;
        let text = escape(text);
        for word in text.split(' ') {
            if line.width() + 1 + width(word) > self.width() && line.width() > indent {
                self.line(&line)?;
                line = Line::default();
                line.tab(indent);
            } else if line.width() > indent {
                line.push(ink, " ");
            }
            line.push(ink, word);
        }
        self.line(&line)
    }

    fn paint(&mut self, ink: Ink, text: &str) -> io::Result<()> {
        let code = match ink {
            Ink::Plain => None,
            Ink::Dim => Some("2"),
            Ink::Strong => Some("1"),
            Ink::Good => Some("32"),
            Ink::Doubtful => Some("33"),
            Ink::Bad => Some("31"),
        };
        match code.filter(|_| self.style.colour) {
            Some(code) => write!(self.out, "\x1b[{code}m{text}\x1b[0m"),
            None => self.out.write_all(text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(colour: bool, write: impl FnOnce(&mut Page<'_>) -> io::Result<()>) -> String {
        let style = Style { colour, width: 80, show_secrets: false };
        let mut out = Vec::new();
        write(&mut Page::new(&style, &mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_escaped_cut_and_never_ends_in_blanks() {
        let mut line = Line::of("\x1b[2Ja").and(Ink::Bad, &"b".repeat(100));
        let text = shown(false, |page| page.line(&line));
        assert_eq!(text, format!("\\x1b[2Ja{}…\n", "b".repeat(71)));
        line = Line::inked(Ink::Bad, "no");
        line.tab(40);
        assert_eq!(shown(false, |page| page.line(&line)), "no\n");
        assert_eq!(shown(true, |page| page.line(&line)), "\x1b[31mno\x1b[0m\n");
    }

    #[test]
    fn fields_that_have_no_room_go_to_the_next_line() {
        let fields = ["a", "b", "c", "d"].map(|name| Line::of(&name.repeat(30)));
        let text = shown(false, |page| page.fields(Line::of("  ·"), 4, fields));
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| name.repeat(30));
        assert_eq!(text, format!("  · {a}  {b}\n    {c}  {d}\n"));
    }

    #[test]
    fn words_keep_the_column_they_began_at() {
        let text = shown(false, |page| page.words(Line::of("! "), Ink::Plain, &"word ".repeat(20)));
        assert!(text.lines().skip(1).all(|line| line.starts_with("  word")), "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}
