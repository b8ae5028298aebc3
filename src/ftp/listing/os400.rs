//! Objects of OS/400, now IBM i.

use super::date::{Clock, Modified};
use super::dated::Numbers;
use super::row::{Row, number};
use super::{Entry, EntryKind};

/// `QSYS            77824 02/23/00 15:09:55 *DIR       QOpenSys/`: owner, size, date in the
/// order of the job, time, type, name. Members have neither size nor date.
pub(super) fn parse(row: &Row<'_>) -> Option<Entry> {
    let type_at = [4, 1].into_iter().find(|at| row.text(*at).is_some_and(is_type))?;
    let (size, modified) = if type_at == 4 {
        (Some(number(row.text(1)?)?), modified(row.text(2)?, row.text(3)?)?)
    } else {
        (None, None)
    };
    let text = row.rest(row.words.get(type_at + 1)?.start)?;
    let (name, kind) = match text.strip_suffix(b"/") {
        Some(name) if !name.is_empty() => (name, EntryKind::Directory),
        _ => (text, kind_of(row.text(type_at)?)),
    };
    let owner = row.text(0).map(<[u8]>::to_vec);
    Some(Entry { size, modified, owner, ..Entry::new(name, kind) })
}

/// `None` if it is no date, `Some(None)` if it is one of several days, or the zeros of none.
fn modified(date: &[u8], time: &[u8]) -> Option<Option<Modified>> {
    let numbers = Numbers::read(date)?;
    let clock = Clock::read(time)?;
    Some(numbers.reading().and_then(|day| day.at(Some(clock))))
}

fn is_type(text: &[u8]) -> bool {
    matches!(text, [b'*', name @ ..] if !name.is_empty() && name.iter().all(u8::is_ascii_uppercase))
}

fn kind_of(object: &[u8]) -> EntryKind {
    match object {
        b"*DIR" | b"*DDIR" | b"*LIB" | b"*FLR" => EntryKind::Directory,
        b"*FILE" | b"*STMF" | b"*DSTMF" | b"*MEM" | b"*DOC" => EntryKind::File,
        b"*SYMLNK" => EntryKind::Link,
        _ => EntryKind::Other,
    }
}
