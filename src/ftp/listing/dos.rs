//! `dir` of DOS and its heirs: IIS and other servers of Windows, OS/2, VxWorks.

use super::date::{Clock, Day, Modified};
use super::dated::Numbers;
use super::row::{Row, grouped_number, is_blank, number, without_indent};
use super::{Entry, EntryKind};

pub(super) fn parse(row: &Row<'_>) -> Option<Entry> {
    parse_windows(row).or_else(|| parse_vxworks(row)).or_else(|| parse_os2(row))
}

/// `01-02-26  03:04AM       <DIR>          sub`.
fn parse_windows(row: &Row<'_>) -> Option<Entry> {
    let day = Numbers::read(row.text(0)?)?.as_dos()?;
    let clock = Clock::read_with_half(row.text(1)?)?;
    let (clock, what_at) = match clock.in_half(row.text(2)?) {
        Some(clock) => (clock, 3),
        None => (clock, 2),
    };
    let what = row.words.get(what_at)?;
    let modified = Some(Modified::new(day, Some(clock)));
    let Some(tag) = Tag::read(what.text) else {
        let size = Some(grouped_number(what.text)?);
        let name = row.rest(what.end + 1)?;
        return Some(Entry { size, modified, ..Entry::new(name, EntryKind::File) });
    };
    let (name, target) = tag.split(after_tag(row.line, what.start, what.end)?);
    let target = target.map(<[u8]>::to_vec);
    Some(Entry { modified, target, ..Entry::new(name, tag.kind()) })
}

/// What `dir` says instead of a size.
enum Tag {
    Directory,
    /// A junction or a symbolic link, to a directory or a file.
    Link,
}

impl Tag {
    fn read(text: &[u8]) -> Option<Self> {
        match text.strip_prefix(b"<")?.strip_suffix(b">")?.to_ascii_uppercase().as_slice() {
            b"DIR" => Some(Self::Directory),
            b"JUNCTION" | b"SYMLINKD" | b"SYMLINK" => Some(Self::Link),
            _ => None,
        }
    }

    fn kind(&self) -> EntryKind {
        match self {
            Self::Directory => EntryKind::Directory,
            Self::Link => EntryKind::Link,
        }
    }

    /// `name [target]` of a link.
    fn split<'a>(&self, text: &'a [u8]) -> (&'a [u8], Option<&'a [u8]>) {
        let split = || {
            let open = text.windows(2).rposition(|pair| pair == b" [")?;
            let (name, rest) = text.split_at_checked(open)?;
            let target = rest.strip_prefix(b" [")?.strip_suffix(b"]")?;
            (!name.is_empty()).then_some((name, Some(target).filter(|target| !target.is_empty())))
        };
        match self {
            Self::Directory => (text, None),
            Self::Link => split().unwrap_or((text, None)),
        }
    }
}

/// The name after a tag. Microsoft gives the tag 15 columns; others put fewer blanks.
fn after_tag(line: &[u8], start: usize, end: usize) -> Option<&[u8]> {
    let is_padded = |padding: &[u8]| padding.iter().all(is_blank);
    let name = if line.get(end..start + TAG_COLUMNS).is_some_and(is_padded) {
        line.get(start + TAG_COLUMNS..)?
    } else {
        without_indent(line.get(end..)?)
    };
    (!name.is_empty()).then_some(name)
}

const TAG_COLUMNS: usize = 15;

/// `2048    Feb-28-1998  05:23:30   sub       <DIR>`: VxWorks, in many a router and printer.
fn parse_vxworks(row: &Row<'_>) -> Option<Entry> {
    let size = number(row.text(0)?)?;
    let modified =
        Modified::new(Day::with_month_name(row.text(1)?)?, Some(Clock::read(row.text(2)?)?));
    let text = row.rest(row.words.get(3)?.start)?.trim_ascii_end();
    let (name, kind, size) = match text.strip_suffix(b"<DIR>").map(<[u8]>::trim_ascii_end) {
        Some(name) if !name.is_empty() => (name, EntryKind::Directory, None),
        _ => (text, EntryKind::File, Some(size)),
    };
    Some(Entry { size, modified: Some(modified), ..Entry::new(name, kind) })
}

/// `     0 DIR  A    04-11-95   16:26  ADDRESS`: OS/2, with attributes between size and date.
fn parse_os2(row: &Row<'_>) -> Option<Entry> {
    let size = number(row.text(0)?)?;
    let is_directory = row.text(1)? == b"DIR";
    let attributes_at = if is_directory { 2 } else { 1 };
    let attributes = row.text(attributes_at).filter(|text| is_attributes(text));
    let date_at = attributes_at + usize::from(attributes.is_some());
    let day = Numbers::read(row.text(date_at)?)?.as_dos()?;
    let clock = Clock::read_with_half(row.text(date_at + 1)?)?;
    let name = row.rest(row.words.get(date_at + 2)?.start)?;
    let kind = if is_directory { EntryKind::Directory } else { EntryKind::File };
    Some(Entry {
        size: Some(size).filter(|_| !is_directory),
        modified: Some(Modified::new(day, Some(clock))),
        permissions: attributes.map(<[u8]>::to_vec),
        ..Entry::new(name, kind)
    })
}

/// Archive, hidden, read-only, system.
fn is_attributes(text: &[u8]) -> bool {
    text.iter().all(|byte| b"AHRS".contains(byte))
}
