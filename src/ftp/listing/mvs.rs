//! Data sets and members of MVS and its heirs up to z/OS.

use super::date::{Clock, Modified};
use super::dated::Numbers;
use super::row::{Row, number, number_of};
use super::{Entry, EntryKind};

/// A row that cannot be anything else, with or without a heading before it.
pub(super) fn parse(row: &Row<'_>) -> Option<Entry> {
    parse_data_set(row).or_else(|| parse_member(row))
}

/// What the last heading said the rows are. Some of them are too bare to be known without it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Table {
    #[default]
    None,
    DataSets,
    /// Of a partitioned data set.
    Members,
}

impl Table {
    /// The table whose heading this row is.
    pub(super) fn opened_by(row: &Row<'_>) -> Option<Self> {
        if row.begins_with(&["Volume", "Unit", "Referred"]) {
            return Some(Self::DataSets);
        }
        let is_members =
            row.begins_with(&["Name", "VV.MM"]) || row.begins_with(&["Name", "Size", "TTR"]);
        is_members.then_some(Self::Members)
    }

    pub(super) fn parse_row(self, row: &Row<'_>) -> Option<Entry> {
        match self {
            Self::None => None,
            Self::DataSets => parse_bare_data_set(row),
            // Members that no editor made have no statistics, those of load modules others.
            Self::Members => {
                let name = row.text(0).filter(|name| is_member_name(name))?;
                Some(Entry::new(name, EntryKind::File))
            }
        }
    }
}

/// `WYOSPT 3390   2024/01/31  1   15  FB      80  6160  PO  ALICE.SOURCE`.
///
/// The date is of the last reference, not of a modification, and space is counted in tracks:
/// neither is taken.
fn parse_data_set(row: &Row<'_>) -> Option<Entry> {
    let [_, _, referred, extents, .., organisation, name] = row.words.as_slice() else {
        return None;
    };
    let is_referred = referred.text == b"**NONE**"
        || Numbers::read(referred.text).is_some_and(|date| date.year_first().is_some());
    let is_row = is_referred && number(extents.text).is_some() && is_data_set_name(name.text);
    let kind = kind_of(organisation.text).filter(|_| is_row)?;
    Some(Entry::new(name.text, kind))
}

/// `Migrated  ALICE.OLD`, `Pseudo Directory  ALICE.X`, `SESPUS 3380  VSAM DDIR.D`.
fn parse_bare_data_set(row: &Row<'_>) -> Option<Entry> {
    let [.., before, name] = row.words.as_slice() else { return None };
    if !is_data_set_name(name.text) {
        return None;
    }
    let kind = match before.text {
        b"Directory" => EntryKind::Directory,
        other => kind_of(other).unwrap_or(EntryKind::Unknown),
    };
    Some(Entry::new(name.text, kind))
}

/// ` TBSHELF   01.03 2002/09/12 2002/10/11 09:37    11    11     0 KIL001`: name, version,
/// created, changed, and three sizes in records.
fn parse_member(row: &Row<'_>) -> Option<Entry> {
    let name = row.text(0).filter(|name| is_member_name(name))?;
    let (version, modification) = row.text(1)?.split_at_checked(2)?;
    number_of(2..=2, version)?;
    number_of(2..=2, modification.strip_prefix(b".")?)?;
    Numbers::read(row.text(2)?)?.year_first()?;
    let changed = Numbers::read(row.text(3)?)?.year_first()?;
    let clock = Clock::read(row.text(4)?)?;
    let modified = Some(Modified::new(changed, Some(clock)));
    Some(Entry { modified, ..Entry::new(name, EntryKind::File) })
}

/// By the organisation of a data set: a partitioned one is entered as a directory.
fn kind_of(organisation: &[u8]) -> Option<EntryKind> {
    match organisation {
        b"PO" | b"PO-E" | b"POU" => Some(EntryKind::Directory),
        b"PS" | b"PS-E" | b"PS-L" | b"PSU" | b"DA" | b"DAU" | b"IS" | b"VSAM" => {
            Some(EntryKind::File)
        }
        _ => None,
    }
}

/// Qualifiers of capitals, digits and `$#@-` between dots; quoted if it is given in full.
fn is_data_set_name(name: &[u8]) -> bool {
    let inner = name.strip_prefix(b"'").and_then(|name| name.strip_suffix(b"'")).unwrap_or(name);
    !inner.is_empty() && inner.iter().all(|byte| is_national(*byte) || b".-".contains(byte))
}

fn is_member_name(name: &[u8]) -> bool {
    name.len() <= 8 && name.iter().all(|byte| is_national(*byte))
}

fn is_national(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"$#@".contains(&byte)
}
