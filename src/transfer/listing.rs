//! File sizes in the text of a listing. What cannot be read is passed over: a size is only a
//! check on a later transfer.

use crate::ftp::Verb;

/// Names of plain files, each with its size.
pub type Sizes = Vec<(Vec<u8>, u64)>;

/// Names and sizes of the plain files a listing shows. Unless the text `is_all` of it, what stands
/// behind its last line end may be the beginning of a longer line.
pub fn sizes(verb: Verb, text: &[u8], is_all: bool) -> Sizes {
    let parse = match verb {
        Verb::Mlsd => mlsd_line,
        Verb::List => list_line,
        _ => return Vec::new(),
    };
    let last_end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let text = if is_all { text } else { text.get(..last_end).unwrap_or_default() };
    let lines = text.split(|byte| *byte == b'\n');
    lines.filter_map(|line| parse(line.strip_suffix(b"\r").unwrap_or(line))).collect()
}

/// `type=file;size=12;… name` (RFC 3659 §7.2).
fn mlsd_line(line: &[u8]) -> Option<(Vec<u8>, u64)> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (facts, name) = (line.get(..space)?, line.get(space + 1..)?);
    let size = facts.split(|byte| *byte == b';').find_map(|fact| {
        let (key, value) = fact.split_at_checked(5)?;
        if key.eq_ignore_ascii_case(b"size=") { number(value) } else { None }
    })?;
    Some((name.to_vec(), size))
}

/// `-rw-r--r-- 1 owner group 12 Jan  2 03:04 name`, or `01-02-26  03:04AM  12 name` of DOS.
fn list_line(line: &[u8]) -> Option<(Vec<u8>, u64)> {
    let words = words(line);
    if line.first() == Some(&b'-') {
        // Owner and group may be missing or have spaces: the month is the landmark.
        let month = (3..words.len()).find(|at| {
            let word = |at: usize| words.get(at).map_or(&[][..], |(_, word)| *word);
            is_month(word(*at)) && number(word(at - 1)).is_some() && number(word(at + 1)).is_some()
        })?;
        let size = number(words.get(month - 1)?.1)?;
        let (start, time) = words.get(month + 2)?;
        let name = line.get(start + time.len() + 1..)?;
        return Some((name.to_vec(), size));
    }
    let [(_, date), (_, _), (start, size), ..] = words[..] else { return None };
    let is_date = date.first()?.is_ascii_digit() && date.contains(&b'-');
    let name = line.get(start + size.len() + 1..)?;
    Some((name.to_vec(), number(size).filter(|_| is_date)?))
}

fn is_month(word: &[u8]) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.iter().any(|month| month.as_bytes() == word)
}

/// Words with their offsets in the line.
fn words(line: &[u8]) -> Vec<(usize, &[u8])> {
    let mut at = 0;
    let mut found = Vec::new();
    for word in line.split(u8::is_ascii_whitespace) {
        if !word.is_empty() {
            found.push((at, word));
        }
        at += word.len() + 1;
    }
    found
}

fn number(word: &[u8]) -> Option<u64> {
    let digits = word.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(word).ok().filter(|_| digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_the_usual_listings() {
        for (verb, line, wanted) in [
            (
                Verb::List,
                "-rw-r--r--    1 0    0     1234 Jan  2 03:04 a b.txt\r\n",
                Some(("a b.txt", 1234)),
            ),
            (Verb::List, "-rw-r--r--+ 1 two words staff 7 Feb 29  2024 x\n", Some(("x", 7))),
            (Verb::List, "-rw-r--r-- 1 owner 7 Feb 29  2024  y\n", Some((" y", 7))),
            (Verb::List, "drwxr-xr-x 2 0 0 4096 Jan 2 03:04 sub\n", None),
            (
                Verb::List,
                "01-02-26  03:04AM                 99 setup.exe\n",
                Some(("setup.exe", 99)),
            ),
            (Verb::List, "01-02-26  03:04AM       <DIR>        sub\n", None),
            (Verb::List, "total 12\n", None),
            (Verb::Mlsd, "Type=file;Size=12;Perm=r; a b\r\n", Some(("a b", 12))),
            (Verb::Mlsd, "type=dir;perm=el; sub\r\n", None),
            (Verb::Nlst, "a 12\r\n", None),
        ] {
            let found = sizes(verb, line.as_bytes(), false);
            let wanted: Vec<_> =
                wanted.into_iter().map(|(name, size)| (name.as_bytes().to_vec(), size)).collect();
            assert_eq!(found, wanted, "{line}");
        }
    }
}
