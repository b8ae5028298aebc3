//! MLSD and MLST (RFC 3659 §7).

use super::date::Modified;
use super::row::number;
use super::{Entry, EntryKind};

/// One line of facts: `type=file;size=12;modify=20240229120005;UNIX.mode=0644; name`
/// (RFC 3659 §7.2). A blank before it, as in the reply to MLST, is not part of it.
///
/// The names of facts and their types are in any case of letters. `None` if what stands before
/// the name is no list of facts.
pub fn parse_facts(line: &[u8]) -> Option<Entry> {
    let Some(after_blank) = line.strip_prefix(b" ") else { return parse_unindented(line) };
    parse_unindented(after_blank).or_else(|| {
        // No facts at all: only the blank that stands before a name.
        (!after_blank.is_empty()).then(|| Entry::new(after_blank, EntryKind::Unknown))
    })
}

fn parse_unindented(line: &[u8]) -> Option<Entry> {
    let (facts, name) = split_name(line)?;
    let mut entry = Entry::new(name, EntryKind::Unknown);
    let mut perm = None;
    for fact in facts.split(|byte| *byte == b';').filter(|fact| !fact.is_empty()) {
        let equals = fact.iter().position(|byte| *byte == b'=')?;
        let (fact, value) = (fact.get(..equals)?, fact.get(equals + 1..)?);
        match fact.to_ascii_lowercase().as_slice() {
            b"perm" => perm = Some(value.to_vec()),
            fact => note(&mut entry, fact, value),
        }
    }
    // What the user may do, where it is not said what everyone may.
    entry.permissions = entry.permissions.or(perm);
    Some(entry)
}

/// Facts and name. The first blank is between them, but for servers that tell the target of a
/// link among the facts as it is: there it is the first one after a semicolon.
fn split_name(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = line
        .windows(2)
        .position(|pair| pair == b"; ")
        .map(|semicolon| semicolon + 1)
        .or_else(|| line.iter().position(|byte| *byte == b' '))
        .filter(|blank| *blank > 0)?;
    let (facts, name) = line.split_at_checked(blank)?;
    let name = name.strip_prefix(b" ").filter(|name| !name.is_empty())?;
    Some((facts, name))
}

/// `fact` is in small letters. `UNIX.` facts are as Pure-FTPd, ProFTPD and others send them;
/// a name says more than a number.
fn note(entry: &mut Entry, fact: &[u8], value: &[u8]) {
    match fact {
        b"type" => (entry.kind, entry.target) = kind_of(value),
        b"size" | b"sizd" => entry.size = number(value),
        b"modify" => entry.modified = Modified::from_time_val(value),
        b"unix.mode" => entry.permissions = Some(value.to_vec()),
        b"unix.owner" | b"unix.ownername" => entry.owner = Some(value.to_vec()),
        b"unix.group" | b"unix.groupname" => entry.group = Some(value.to_vec()),
        b"unix.uid" if entry.owner.is_none() => entry.owner = Some(value.to_vec()),
        b"unix.gid" if entry.group.is_none() => entry.group = Some(value.to_vec()),
        _ => {}
    }
}

/// The kind and, of a link, the target (RFC 3659 §7.5.1). Systems add types of their own:
/// `OS.unix=slink:/target`, `OS.unix=symlink`, `OS.unix=chr-13/29`.
fn kind_of(value: &[u8]) -> (EntryKind, Option<Vec<u8>>) {
    match value.to_ascii_lowercase().as_slice() {
        b"file" => (EntryKind::File, None),
        b"dir" | b"cdir" | b"pdir" => (EntryKind::Directory, None),
        b"os.unix=symlink" | b"os.unix=slink" => (EntryKind::Link, None),
        lower if lower.starts_with(SLINK) => {
            let target = value.get(SLINK.len()..).filter(|target| !target.is_empty());
            (EntryKind::Link, target.map(<[u8]>::to_vec))
        }
        _ => (EntryKind::Other, None),
    }
}

const SLINK: &[u8] = b"os.unix=slink:";
