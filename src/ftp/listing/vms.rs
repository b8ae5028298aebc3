//! What servers of VMS print: MultiNet, UCX, TCPware, CMU.

use super::date::{Clock, Day, Modified};
use super::row::{Row, Word, number};
use super::{Entry, EntryKind};

/// `README.TXT;4  213/216  29-JAN-1996 03:33:12  [ANONYMOU,ANONYMOUS]  (RWED,RWED,,)`, or the
/// name alone, or with a reason why no more can be told: `README.FTP;1  %RMS-E-PRV, ...`.
pub(super) fn parse(row: &Row<'_>) -> Option<Entry> {
    let (name, rest) = row.words.split_first()?;
    if name.start > 0 || !is_versioned(name.text) {
        return None;
    }
    match rest {
        [] => Some(Entry::new(name.text, kind_of(name.text))),
        [reason, ..] if reason.text.starts_with(b"%") => {
            Some(Entry::new(name.text, kind_of(name.text)))
        }
        details => Details::read(details)?.entry(name.text),
    }
}

/// A name that is too long for its column has a line to itself; the next one tells the rest.
pub(super) fn parse_pair(line: &[u8], next: &[u8]) -> Option<Entry> {
    let name = line.trim_ascii_end();
    if !is_versioned(name) || name.iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    Details::read(&Row::new(next).words)?.entry(name)
}

/// What stands after a name. The order differs between servers, the shapes do not.
#[derive(Default)]
struct Details<'a> {
    day: Option<Day>,
    clock: Option<Clock>,
    /// `[GROUP,MEMBER]` or `[MEMBER]`.
    owner: Option<&'a [u8]>,
    protection: Option<&'a [u8]>,
}

impl<'a> Details<'a> {
    fn read(words: &[Word<'a>]) -> Option<Self> {
        let mut details = Self::default();
        words.iter().try_for_each(|word| details.take(word.text))?;
        Some(details)
    }

    fn take(&mut self, text: &'a [u8]) -> Option<()> {
        if let Some(owner) = enclosed(text, b"[", b"]") {
            self.owner = Some(owner);
        } else if let Some(protection) = enclosed(text, b"(", b")") {
            self.protection = Some(protection);
        } else if let Some(day) = Day::with_month_name(text) {
            self.day = Some(day);
        } else if let Some(clock) = Clock::read(text) {
            self.clock = Some(clock);
        } else if !is_blocks(text) {
            return None;
        }
        Some(())
    }

    /// `None` without a date: what else there is could be anything.
    fn entry(&self, name: &[u8]) -> Option<Entry> {
        let owner = self.owner.map(|owner| match owner.iter().position(|byte| *byte == b',') {
            Some(comma) => (owner.get(..comma), owner.get(comma + 1..)),
            None => (None, Some(owner)),
        });
        let (group, member) = owner.unwrap_or_default();
        Some(Entry {
            modified: Some(Modified::new(self.day?, self.clock)),
            permissions: self.protection.map(<[u8]>::to_vec),
            owner: member.map(<[u8]>::to_vec),
            group: group.map(<[u8]>::to_vec),
            ..Entry::new(name, kind_of(name))
        })
    }
}

/// Size in blocks of 512 octets, perhaps after the blocks used: `213` or `213/216`. The last
/// block is seldom full, so it is no size in octets.
fn is_blocks(text: &[u8]) -> bool {
    text.splitn(2, |byte| *byte == b'/').all(|part| number(part).is_some())
}

fn enclosed<'a>(text: &'a [u8], open: &[u8], close: &[u8]) -> Option<&'a [u8]> {
    text.strip_prefix(open)?.strip_suffix(close)
}

/// Whether it ends with a version: `;4`.
fn is_versioned(name: &[u8]) -> bool {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let name = name.get(..name.len() - digits).unwrap_or_default();
    digits > 0 && name.len() > 1 && name.ends_with(b";")
}

/// A directory is a file of type DIR.
fn kind_of(name: &[u8]) -> EntryKind {
    let end = name.iter().rposition(|byte| *byte == b';').unwrap_or(name.len());
    let kind = end.checked_sub(4).and_then(|start| name.get(start..end));
    match kind {
        Some(kind) if kind.eq_ignore_ascii_case(b".DIR") => EntryKind::Directory,
        _ => EntryKind::File,
    }
}
