//! `ls -l` and what other systems made of it to be understood by its readers.

use super::dated::Dated;
use super::row::{Row, Word, grouped_number, number, without_indent};
use super::{Entry, EntryKind};

/// `-rw-r--r--   1 root  wheel   531 Jan 29 03:26 README`. Everything between the mode and the
/// date may be missing except the size.
pub(super) fn parse(row: &Row<'_>) -> Option<Entry> {
    let mode = Mode::read(row)?;
    if let Some(entry) = parse_unreadable(row, &mode) {
        return Some(entry);
    }
    let (date_at, date) = find_date(row, mode.next)?;
    let (size_word, before) = row.words.get(mode.next..date_at)?.split_last()?;
    let size = grouped_number(size_word.text);
    let (owner, group) = mode.owners(row, before, size);
    let (name, target) = mode.name(row.rest(date.end + 1)?, size)?;
    Some(Entry {
        // Devices have a major and a minor number there, NetPresenz counts a folder's entries.
        size: size.filter(|_| mode.kind != EntryKind::Other && !is_folder(before)),
        modified: date.at,
        permissions: Some(mode.permissions.to_vec()),
        owner: owner.map(<[u8]>::to_vec),
        group: group.map(<[u8]>::to_vec),
        target: target.map(<[u8]>::to_vec),
        ..Entry::new(name, mode.kind)
    })
}

/// What a line of `ls -l` begins with, after inode and blocks if these are listed.
struct Mode<'a> {
    kind: EntryKind,
    permissions: &'a [u8],
    style: Style,
    /// Index of the word that follows.
    next: usize,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Style {
    /// `-rw-r--r--`, perhaps with a mark for SELinux, an ACL or extended attributes.
    Unix,
    /// `-[RWCEAFMS]` of Hellsoft's server for NetWare.
    Hellsoft,
    /// `- [RWCEAFMS]` of Novell's own: rights, and no count of links.
    NetWare,
}

impl<'a> Mode<'a> {
    fn read(row: &Row<'a>) -> Option<Self> {
        // `ls -is` has two numbers before.
        let at = row.words.iter().take(2).take_while(|word| number(word.text).is_some()).count();
        let text = row.text(at)?;
        let (letter, permissions) = text.split_first()?;
        let kind = kind_of(*letter)?;
        if let Some(rights) = rights(permissions) {
            return Some(Self { kind, permissions: rights, style: Style::Hellsoft, next: at + 1 });
        }
        if permissions.is_empty() {
            let rights = rights(row.text(at + 1)?)?;
            return Some(Self { kind, permissions: rights, style: Style::NetWare, next: at + 2 });
        }
        let (bits, mark) = permissions.split_at_checked(9)?;
        let is_mode = bits.iter().all(|bit| b"rwxsStTlL-?".contains(bit))
            && matches!(mark, [] | [b'.' | b'+' | b'@' | b'*']);
        is_mode.then_some(Self { kind, permissions: text, style: Style::Unix, next: at + 1 })
    }

    /// Owner and group in what stands between mode and size.
    fn owners(
        &self,
        row: &Row<'a>,
        before: &[Word<'a>],
        size: Option<u64>,
    ) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        if is_folder(before) || self.is_fork_sizes(before, size) {
            return (None, None);
        }
        let names = match before {
            [links, names @ ..] if self.style != Style::NetWare && is_number(links) => names,
            names => names,
        };
        // A device's major number.
        let names = match names {
            [names @ .., major] if major.text.ends_with(b",") => names,
            names => names,
        };
        let split = wide_gap(names).unwrap_or(1).min(names.len());
        let Some((owner, group)) = names.split_at_checked(split) else { return (None, None) };
        (row.span(owner), row.span(group))
    }

    /// `-------r--  326  1391972  1392298` of NetPresenz and other servers of the Macintosh:
    /// the sizes of a file's two forks, and their sum.
    fn is_fork_sizes(&self, before: &[Word<'_>], size: Option<u64>) -> bool {
        let [resource, data] = before else { return false };
        let sum = number(resource.text).zip(number(data.text)).and_then(|(a, b)| a.checked_add(b));
        self.permissions.starts_with(b"-------") && sum.is_some() && sum == size
    }

    /// The name, and where a link leads.
    fn name(&self, text: &'a [u8], size: Option<u64>) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        // NetWare has names in a column of their own, and none that begin with a blank.
        let text = if self.style == Style::Unix { text } else { without_indent(text) };
        let (name, target) = match self.kind {
            EntryKind::Link => split_link(text, size),
            EntryKind::Directory => (without_slash(text), None),
            _ => (text, None),
        };
        (!name.is_empty()).then_some((name, target))
    }
}

/// `-????????? ? ? ? ?            ? name`: ls knows the name, but was not allowed the rest.
fn parse_unreadable(row: &Row<'_>, mode: &Mode<'_>) -> Option<Entry> {
    let facts = row.words.get(mode.next..mode.next + 5)?;
    if !facts.iter().all(|word| word.text == b"?") {
        return None;
    }
    let (name, target) = mode.name(row.rest(facts.last()?.end + 1)?, None)?;
    Some(Entry { target: target.map(<[u8]>::to_vec), ..Entry::new(name, mode.kind) })
}

/// The first date that a size stands before, and its index.
///
/// At least one word is expected between mode and size, so that `1 jan 12 2048 Feb 29 2024` has
/// an owner named jan; only without a date there the size may follow the mode.
fn find_date(row: &Row<'_>, next: usize) -> Option<(usize, Dated)> {
    (next + 2..row.words.len()).chain([next + 1]).find_map(|at| {
        let before = row.text(at.checked_sub(1)?)?;
        is_like_size(before).then(|| Dated::read(row.words.get(at..)?)).flatten().map(|d| (at, d))
    })
}

/// `531`, also `4.0K` of `ls -h`, `0x3000002` of a device, or with a long group glued to it.
fn is_like_size(text: &[u8]) -> bool {
    match text {
        [.., last] if last.is_ascii_digit() => true,
        [first, .., last] => first.is_ascii_digit() && b"KMGTPEB".contains(last),
        _ => false,
    }
}

fn kind_of(letter: u8) -> Option<EntryKind> {
    match letter {
        b'-' => Some(EntryKind::File),
        b'd' => Some(EntryKind::Directory),
        b'l' => Some(EntryKind::Link),
        // Devices, pipes, sockets, doors, whiteouts, semaphores, event ports.
        b'b' | b'c' | b'p' | b's' | b'D' | b'w' | b'n' | b'P' => Some(EntryKind::Other),
        _ => None,
    }
}

/// What is in the brackets of `[RWCEAFMS]`.
fn rights(text: &[u8]) -> Option<&[u8]> {
    let rights = text.strip_prefix(b"[")?.strip_suffix(b"]")?;
    rights.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'-').then_some(rights)
}

fn is_number(word: &Word<'_>) -> bool {
    number(word.text).is_some()
}

/// `drwxrwxr-x  folder  2 May 10 1996 network` of NetPresenz: the word says only what it is.
fn is_folder(before: &[Word<'_>]) -> bool {
    matches!(before, [only] if only.text == b"folder")
}

/// Where a column ends: names with blanks in them have single ones.
fn wide_gap(names: &[Word<'_>]) -> Option<usize> {
    let gap = names.windows(2).position(|pair| match pair {
        [left, right] => right.start > left.end + 1,
        _ => false,
    });
    gap.map(|left| left + 1)
}

/// `name -> target`. A name may have an arrow itself; the size of a link is the length of its
/// target (POSIX, `lstat`), so it tells which arrow is meant.
fn split_link(text: &[u8], size: Option<u64>) -> (&[u8], Option<&[u8]>) {
    let by_size = size.and_then(|size| text.len().checked_sub(usize::try_from(size).ok()?));
    let first = || text.windows(ARROW.len()).position(|four| four == ARROW);
    by_size
        .and_then(|at| split_arrow(text, at.checked_sub(ARROW.len())?))
        .or_else(|| split_arrow(text, first()?))
        .map_or((text, None), |(name, target)| (name, Some(target).filter(|t| !t.is_empty())))
}

fn split_arrow(text: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    let (name, rest) = text.split_at_checked(at)?;
    Some((name, rest.strip_prefix(ARROW)?))
}

/// `ls -p` and `ls -F` mark directories; no name has a slash, but `/` itself does.
fn without_slash(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"/").filter(|name| !name.is_empty()).unwrap_or(name)
}

const ARROW: &[u8] = b" -> ";
