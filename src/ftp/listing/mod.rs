//! Directory listings as data: what LIST, NLST and MLSD sent over the data connection.
//!
//! RFC 959 §4.1.3 leaves the form of a LIST to the server, so it is recognised line by line:
//! [`FORMATS`] are tried in order, and a line that none of them understands is kept as it is.
//! A new format is a file here and a line there.

mod date;
mod dated;
mod dos;
mod eplf;
mod facts;
mod heading;
mod months;
mod mvs;
mod os400;
mod row;
mod unix;
mod vms;

#[cfg(test)]
mod tests;

pub use self::date::Modified;
pub use self::facts::parse_facts;
pub(super) use self::row::grouped_number;

use self::mvs::Table;
use self::row::Row;

/// One line of a listing, or the two that VMS needs for a long name. No line is ever left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listed {
    Entry(Entry),
    /// A line about other lines: `total 12`, `sub/dir:`, column headings, a blank line.
    Heading(Vec<u8>),
    /// A line in a form that is not known, or one that was cut.
    Unparsed(Vec<u8>),
}

/// One name in a directory, and what the server says about it. `None` is what it does not say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// As listed: blanks at its ends and a VMS version are part of it, the slash that marks a
    /// directory is not.
    pub name: Vec<u8>,
    pub kind: EntryKind,
    /// In octets. What other systems count, blocks or records, is not turned into octets.
    pub size: Option<u64>,
    pub modified: Option<Modified>,
    /// As the server spells them, without brackets around: `-rw-r--r--.`, `0644`, `RWED,RE,,`.
    pub permissions: Option<Vec<u8>>,
    pub owner: Option<Vec<u8>>,
    pub group: Option<Vec<u8>>,
    /// Where a symbolic link leads.
    pub target: Option<Vec<u8>>,
}

/// The time in the answer to MDTM or MFMT: `20240229120005` (RFC 3659 §3), or
/// `Modify=20240229120005; name` (draft-somers-ftp-mfxx).
pub fn parse_time(text: &[u8]) -> Option<Modified> {
    let mut words = text.split(|byte| !byte.is_ascii_digit() && *byte != b'.');
    words.find_map(Modified::from_time_val)
}

impl Entry {
    /// Bytes it holds.
    pub fn weight(&self) -> usize {
        let texts = [&self.permissions, &self.owner, &self.group, &self.target];
        let texts = texts.into_iter().flatten().map(Vec::len);
        size_of::<Self>() + self.name.len() + texts.sum::<usize>()
    }

    /// An entry of which no more is known.
    fn new(name: &[u8], kind: EntryKind) -> Self {
        Self {
            name: name.to_vec(),
            kind,
            size: None,
            modified: None,
            permissions: None,
            owner: None,
            group: None,
            target: None,
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EntryKind {
    File,
    Directory,
    Link,
    /// A device, a socket, a pipe: neither file nor directory.
    Other,
    /// The listing does not say.
    Unknown,
}

/// The command that asked for the listing.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ListingKind {
    /// `LIST` (RFC 959 §4.1.3): for people, in any form.
    List,
    /// `NLST` (RFC 959 §4.1.3): names only.
    Nlst,
    /// `MLSD` (RFC 3659 §7): facts and names.
    Mlsd,
}

/// Reads a listing. Lines end with LF; a CR before it is not part of the line.
///
/// Without `is_all` a last line that has no LF may be the beginning of a longer one and is
/// [`Unparsed`](Listed::Unparsed).
pub fn parse_listing(kind: ListingKind, text: &[u8], is_all: bool) -> Vec<Listed> {
    let (whole, cut) = if is_all { (text, &[][..]) } else { split_at_last_end(text) };
    let lines = whole.split_inclusive(|byte| *byte == b'\n').map(without_end);
    let mut listed = match kind {
        ListingKind::List => parse_lines(lines),
        ListingKind::Nlst => lines.map(parse_name).collect(),
        ListingKind::Mlsd => lines.map(parse_fact_line).collect(),
    };
    if !cut.is_empty() {
        listed.push(Listed::Unparsed(cut.to_vec()));
    }
    listed
}

/// The forms of one line of a LIST. The stricter ones come first.
const FORMATS: &[fn(&Row<'_>) -> Option<Entry>] =
    &[unix::parse, dos::parse, eplf::parse, vms::parse, os400::parse, mvs::parse];

fn parse_lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<Listed> {
    let mut lines = lines.peekable();
    let mut table = Table::default();
    let mut listed = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(entry) = lines.peek().and_then(|next| vms::parse_pair(line, next)) {
            lines.next();
            listed.push(Listed::Entry(entry));
        } else {
            listed.push(parse_line(line, &mut table));
        }
    }
    listed
}

fn parse_line(line: &[u8], table: &mut Table) -> Listed {
    let row = Row::new(line);
    if let Some(opened) = Table::opened_by(&row) {
        *table = opened;
        return Listed::Heading(line.to_vec());
    }
    if let Some(entry) = FORMATS.iter().find_map(|parse| parse(&row)) {
        Listed::Entry(entry)
    } else if heading::is_heading(&row) {
        Listed::Heading(line.to_vec())
    } else if let Some(entry) = table.parse_row(&row) {
        Listed::Entry(entry)
    } else {
        Listed::Unparsed(line.to_vec())
    }
}

fn parse_name(line: &[u8]) -> Listed {
    if line.is_empty() {
        return Listed::Heading(Vec::new());
    }
    Listed::Entry(Entry::new(line, EntryKind::Unknown))
}

fn parse_fact_line(line: &[u8]) -> Listed {
    match parse_facts(line) {
        Some(entry) => Listed::Entry(entry),
        None if line.trim_ascii().is_empty() => Listed::Heading(line.to_vec()),
        None => Listed::Unparsed(line.to_vec()),
    }
}

/// What ends with an LF, and the beginning of a line after it.
fn split_at_last_end(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    text.split_at_checked(end).unwrap_or((text, &[]))
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
