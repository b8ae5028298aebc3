//! Easily Parsed LIST Format of D. J. Bernstein's servers.

use super::date::Modified;
use super::row::{Row, number};
use super::{Entry, EntryKind};

/// `+i8388621.29609,m824255902,/,<TAB>dev`: facts that each end with a comma, a tab, the name.
/// `/` is a directory, `r` a file that can be retrieved, `m` Unix time, `s` octets, `up` mode.
pub(super) fn parse(row: &Row<'_>) -> Option<Entry> {
    let line = row.line.strip_prefix(b"+")?;
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (facts, name) = line.split_at_checked(tab)?;
    let name = name.strip_prefix(b"\t").filter(|name| !name.is_empty())?;
    let mut entry = Entry::new(name, EntryKind::Unknown);
    for fact in facts.split(|byte| *byte == b',') {
        match fact {
            b"/" => entry.kind = EntryKind::Directory,
            // What can be entered is a directory, even if it can be retrieved too.
            b"r" if entry.kind == EntryKind::Unknown => entry.kind = EntryKind::File,
            [b's', size @ ..] => entry.size = number(size),
            [b'm', time @ ..] => entry.modified = number(time).and_then(Modified::from_unix),
            [b'u', b'p', mode @ ..] => entry.permissions = Some(mode.to_vec()),
            _ => {}
        }
    }
    Some(entry)
}
