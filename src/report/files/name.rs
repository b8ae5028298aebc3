//! Names on disk.

use crate::report::escape::is_visible;

/// A safe name for what the wire calls `wire_name`: the transfer's id, and as much of the last
/// part of the name as cannot do harm anywhere. The id in front makes it unique, keeps it from
/// being hidden, and from being a device (`CON`).
pub(super) fn on_disk(id: &str, wire_name: Option<&str>) -> String {
    let last = wire_name.and_then(|name| name.rsplit(['/', '\\']).find(|part| !part.is_empty()));
    let Some(last) = last else { return id.to_owned() };
    let safe: String = last.chars().map(|c| if is_harmless(c) { c } else { '_' }).collect();
    let safe = safe.trim_matches(['.', ' ', '_']);
    if safe.is_empty() { id.to_owned() } else { format!("{id}_{}", shortened(safe)) }
}

/// Whether `name` matches `pattern`, in which `*` is any text and `?` any character.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on if the last star has to take one character more.
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, n + 1));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((star, next)) => {
                    (p, n) = (star + 1, next);
                    retry = Some((star, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Letters and digits of any script that can be seen, and the few marks that mean nothing to any
/// shell or file system.
fn is_harmless(c: char) -> bool {
    c.is_alphanumeric() && is_visible(c) || matches!(c, '.' | '-' | '_')
}

/// At most [`MOST`] bytes; what is left out is in the middle, so the ending stays.
fn shortened(name: &str) -> String {
    if name.len() <= MOST {
        return name.to_owned();
    }
    let head = name.char_indices().take_while(|(at, c)| at + c.len_utf8() <= MOST / 2).count();
    let tail: Vec<char> = {
        let mut bytes = 0;
        let fits = |c: &char| {
            bytes += c.len_utf8();
            bytes < MOST / 2
        };
        name.chars().rev().take_while(fits).collect()
    };
    name.chars().take(head).chain(['~']).chain(tail.into_iter().rev()).collect()
}

/// Bytes of a name: file systems allow 255, and endings are added to it.
const MOST: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_on_disk_can_do_harm() {
        for (wire, wanted) in [
            (Some("report.pdf"), "t1_report.pdf"),
            (Some("../../etc/passwd"), "t1_passwd"),
            (Some("/abs/x"), "t1_x"),
            (Some("C:\\x.exe"), "t1_x.exe"),
            (Some("C:x"), "t1_C_x"),
            (Some("CON"), "t1_CON"),
            (Some("a\0b\n\u{1b}[31m"), "t1_a_b___31m"),
            (Some("-rf"), "t1_-rf"),
            (Some("..."), "t1"),
            (Some("a b & $(c)"), "t1_a_b_____c"),
            (Some("\u{202e}fdp.exe"), "t1_fdp.exe"),
            (Some("a\u{3164}b"), "t1_a_b"),
            (Some("x.txt. . "), "t1_x.txt"),
            (Some("grün.txt"), "t1_grün.txt"),
            (Some("dir/"), "t1_dir"),
            (Some(""), "t1"),
            (None, "t1"),
        ] {
            assert_eq!(on_disk("t1", wire), wanted, "{wire:?}");
        }
        let long = format!("{}.tar.gz", "é".repeat(5000));
        let short = on_disk("t1", Some(&long));
        assert!(short.len() <= 130 && short.ends_with("é.tar.gz"), "{short}");
    }

    #[test]
    fn patterns_match_whole_names_without_regard_to_case() {
        for (pattern, name, wanted) in [
            ("*.pdf", "Report.PDF", true),
            ("*.pdf", "report.pdf.exe", false),
            ("f?.bin", "f1.bin", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbx", false),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
