mod tables;

use self::tables::{FACTS, HEADINGS, NAMES, OTHERS, UNIX, UNIX_DATES};
use super::*;

/// `kind [name] -> [target] size modified permissions owner group`, a dash for what is not said.
fn spelled(entry: &Entry) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let field = |field: &Option<Vec<u8>>| field.as_deref().map_or_else(|| "-".to_owned(), text);
    let or_dash = |field: Option<String>| field.unwrap_or_else(|| "-".to_owned());
    format!(
        "{} [{}]{} {} {} {} {} {}",
        format!("{:?}", entry.kind).to_lowercase(),
        text(&entry.name),
        entry.target.as_ref().map(|target| format!(" -> [{}]", text(target))).unwrap_or_default(),
        or_dash(entry.size.map(|size| size.to_string())),
        or_dash(entry.modified.map(|modified| modified.to_string())),
        field(&entry.permissions),
        field(&entry.owner),
        field(&entry.group),
    )
}

fn spelled_listed(listed: &Listed) -> String {
    match listed {
        Listed::Entry(entry) => spelled(entry),
        Listed::Heading(line) => format!("# {}", String::from_utf8_lossy(line)),
        Listed::Unparsed(line) => format!("? {}", String::from_utf8_lossy(line)),
    }
}

fn list(text: &[u8]) -> Vec<String> {
    parse_listing(ListingKind::List, text, true).iter().map(spelled_listed).collect()
}

#[track_caller]
fn assert_lines(rows: &[(&str, &str)]) {
    for (line, wanted) in rows {
        assert_eq!(list(line.as_bytes()), [*wanted], "{line}");
    }
}

#[test]
fn ls_is_read_with_whatever_it_leaves_out() {
    assert_lines(UNIX);
}

#[test]
fn ls_is_read_with_dates_of_many_languages() {
    assert_lines(UNIX_DATES);
    let latin = list(b"-rw-r--r-- 1 root root 5 29 f\xe9vr. 12:00 x");
    assert_eq!(latin, ["file [x] 5 --02-29T12:00 -rw-r--r-- root root"]);
    let shift_jis = list(b"-rw-r--r--   1 root sys  8473  4\x8c\x8e 18\x93\xfa 2003\x94\x4e x");
    assert_eq!(shift_jis, ["file [x] 8473 2003-04-18 -rw-r--r-- root sys"]);
}

#[test]
fn the_name_begins_one_blank_after_the_date() {
    assert_lines(NAMES);
}

#[test]
fn formats_of_other_systems_are_read() {
    assert_lines(OTHERS);
}

#[test]
fn lines_about_lines_are_headings_and_the_rest_is_kept() {
    assert_lines(HEADINGS);
}

#[test]
fn facts_are_read_in_any_case_and_order() {
    for (line, wanted) in FACTS {
        let entry = parse_facts(line.as_bytes());
        assert_eq!(entry.map_or_else(|| "none".to_owned(), |e| spelled(&e)), *wanted, "{line}");
    }
}

#[test]
fn a_recursive_listing_keeps_its_sections() {
    let text = b"total 8\r\ndrwxr-xr-x 2 a b 4096 Jan  1 10:00 sub\r\n\r\n./sub:\r\ntotal 0\r\n";
    assert_eq!(
        list(text),
        [
            "# total 8",
            "directory [sub] 4096 --01-01T10:00 drwxr-xr-x a b",
            "# ",
            "# ./sub:",
            "# total 0"
        ]
    );
}

#[test]
fn a_long_name_of_vms_takes_two_lines() {
    let text = b"Directory DISK$A:[B]\r\n\r\n\
        A-LONG-NAME.TXT;12\r\n      213/216  29-JAN-1996 03:33:12  [G,M]  (RWED,RWED,,)\r\n\
        ALONE.TXT;1\r\nSUB.DIR;1  1  8-SEP-1996 16:09 [SYSTEM] (RWE,RWE,RE,RE)\r\n\
        LAST.TXT;1\r\n\r\nTotal of 4 files, 216 blocks.\r\n";
    assert_eq!(
        list(text),
        [
            "# Directory DISK$A:[B]",
            "# ",
            "file [A-LONG-NAME.TXT;12] - 1996-01-29T03:33:12 RWED,RWED,, M G",
            "file [ALONE.TXT;1] - - - - -",
            "directory [SUB.DIR;1] - 1996-09-08T16:09 RWE,RWE,RE,RE SYSTEM -",
            "file [LAST.TXT;1] - - - - -",
            "# ",
            "# Total of 4 files, 216 blocks.",
        ]
    );
}

#[test]
fn bare_rows_of_mvs_are_read_under_their_headings() {
    let text = b"Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname\r\n\
        WYOSPT 3390   **NONE**    1   15  FB      80  6160  PO  ALICE.SOURCE\r\n\
        SESPUS 3380                                        VSAM DDIR.D\r\n\
        Migrated                                                ALICE.OLD.DATA\r\n\
        Pseudo Directory                                        ALICE.PROJECTS\r\n\
        No data sets found.\r\n\
        \x20Name     VV.MM   Created       Changed      Size  Init   Mod   Id\r\n\
        \x20TBSHELF   01.03 2002/09/12 2002/10/11 09:37    11    11     0 KIL001\r\n\
        LOG                                                 \r\n\
        no member\r\n";
    assert_eq!(
        list(text),
        [
            "# Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
            "directory [ALICE.SOURCE] - - - - -",
            "file [DDIR.D] - - - - -",
            "unknown [ALICE.OLD.DATA] - - - - -",
            "directory [ALICE.PROJECTS] - - - - -",
            "? No data sets found.",
            "#  Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
            "file [TBSHELF] - 2002-10-11T09:37 - - -",
            "file [LOG] - - - - -",
            "? no member",
        ]
    );
}

#[test]
fn a_line_without_end_is_read_only_if_the_text_is_all() {
    let text = b"a\r\nb\nc\r";
    for (kind, is_all, wanted) in [
        (ListingKind::Nlst, true, "unknown [c] - - - - -"),
        (ListingKind::Nlst, false, "? c\r"),
        (ListingKind::Mlsd, false, "? c\r"),
        (ListingKind::List, true, "? c"),
    ] {
        let listed = parse_listing(kind, text, is_all);
        assert_eq!(listed.len(), 3, "{kind:?}");
        assert_eq!(listed.last().map(spelled_listed).unwrap(), wanted, "{kind:?}");
    }
    assert_eq!(parse_listing(ListingKind::List, b"", true), []);
    assert_eq!(parse_listing(ListingKind::List, b"a\n", false).len(), 1);
}

#[test]
fn names_alone_are_of_unknown_kind() {
    let listed = parse_listing(ListingKind::Nlst, b" a b \r\n\r\nsub/c\n\xff\n", true);
    let spelled: Vec<_> = listed.iter().map(spelled_listed).collect();
    assert_eq!(
        spelled,
        [
            "unknown [ a b ] - - - - -",
            "# ",
            "unknown [sub/c] - - - - -",
            "unknown [\u{fffd}] - - - - -"
        ]
    );
}

/// Seeded, so that a failure is found again: bytes of chance, and the tables above with some
/// of their bytes changed, moved or left out.
#[test]
fn no_line_is_lost_and_nothing_panics() {
    let mut rng = Lcg(0x5eed);
    let known: Vec<&str> = [UNIX, UNIX_DATES, NAMES, OTHERS, HEADINGS, FACTS]
        .iter()
        .flat_map(|table| table.iter().map(|(line, _)| *line))
        .collect();
    for _ in 0..20_000 {
        let mut text = Vec::new();
        for _ in 0..rng.below(5) {
            match rng.below(3) {
                0 => text.extend((0..rng.below(40)).map(|_| rng.byte())),
                1 => text.extend((0..rng.below(60)).map(|_| LIKELY[rng.below(LIKELY.len())])),
                _ => text.extend(mangled(known[rng.below(known.len())].as_bytes(), &mut rng)),
            }
            text.extend([&b"\r\n"[..], b"\n", b""][rng.below(3)]);
        }
        for kind in [ListingKind::List, ListingKind::Nlst, ListingKind::Mlsd] {
            for is_all in [true, false] {
                assert_whole(kind, &text, is_all);
            }
        }
    }
}

#[test]
fn one_line_of_megabytes_is_read() {
    for part in ["a ", "1 ", "- ", "; ", " [", " -> ", "x;1 ", "Jan 1 10:00 ", "\t", ","] {
        for before in ["", "lrwxrwxrwx 1 a b 5 Jan  1 10:00 ", "type=file;", "+r,"] {
            let text = [before.as_bytes(), &part.as_bytes().repeat(1 << 20)].concat();
            for kind in [ListingKind::List, ListingKind::Mlsd] {
                assert_eq!(parse_listing(kind, &text, true).len(), 1, "{before}{part}");
            }
        }
    }
}

/// Oracle: the lines of the text in order, each of them in exactly one place.
#[track_caller]
fn assert_whole(kind: ListingKind, text: &[u8], is_all: bool) {
    let shown = text.escape_ascii();
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    let last = lines.pop().unwrap_or_default();
    let mut lines: Vec<_> = lines.iter().map(|l| l.strip_suffix(b"\r").unwrap_or(l)).collect();
    if !last.is_empty() {
        lines.push(if is_all { last.strip_suffix(b"\r").unwrap_or(last) } else { last });
    }
    let mut lines = lines.into_iter();
    for listed in parse_listing(kind, text, is_all) {
        let line = lines.next().unwrap_or_else(|| panic!("a line too many: {shown}"));
        match listed {
            Listed::Heading(kept) | Listed::Unparsed(kept) => assert_eq!(kept, line, "{shown}"),
            Listed::Entry(entry) => {
                assert!(!entry.name.is_empty(), "{shown}");
                assert_ne!(entry.target.as_deref(), Some(&b""[..]), "{shown}");
                for part in [Some(&entry.name), entry.target.as_ref()].into_iter().flatten() {
                    assert!(line.windows(part.len()).any(|at| at == part), "{shown}");
                }
                // Nothing but a name, and yet a date: it was in the next line.
                if line.trim_ascii() == entry.name && entry.modified.is_some() {
                    lines.next().unwrap_or_else(|| panic!("half an entry: {shown}"));
                }
            }
        }
    }
    assert_eq!(lines.next(), None, "a line was lost: {shown}");
}

fn mangled(line: &[u8], rng: &mut Lcg) -> Vec<u8> {
    let mut line = line.to_vec();
    for _ in 0..rng.below(4) {
        let at = rng.below(line.len().max(1));
        match rng.below(4) {
            0 => line.truncate(at),
            1 if at < line.len() => line[at] = rng.byte(),
            2 if at < line.len() => drop(line.remove(at)),
            _ => line.insert(at, LIKELY[rng.below(LIKELY.len())]),
        }
    }
    line
}

struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}

const LIKELY: &[u8] = b"    \t\r\n-->:;;,./[]()<>=+%?*019dlrwxJanFeb\xff\xe6";
