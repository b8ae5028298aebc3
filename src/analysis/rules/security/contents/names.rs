//! Names that look like other names.

use super::super::by_answer;
use super::super::moved::{File, is_any, parts, split_extension};
use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::ftp::Verb;

pub(super) const DECEPTIVE: Rule = Rule {
    id: "deceptive-name",
    kind: Kind::Security { attack: &["T1036.007", "T1036.002", "T1036.006"] },
    help: "A file's name hides that it is a program.",
    meaning: "Who sees invoice.pdf.exe with its extension hidden, or with the direction of writing \
              turned, takes it for a document and opens it.",
    evidence: "Of a file that was moved or renamed: an extension of a program behind that of a \
               document, blanks or a dot around it, or U+202E or U+202D, which turn the direction of \
               writing.",
    false_positives: "Self-extracting archives that are called after what is in them.",
    fix: "Do not open the file; look at who sent it and who fetched it since.",
    check: Check::Session(deceptive),
};

fn deceptive(case: &Case<'_>, found: &mut Found) {
    for file in File::all(case) {
        let Some(trick) = Trick::of(file.name()) else { continue };
        if file.is_in(&case.policy.harmless) {
            continue;
        }
        let title = format!("{} {}.", case.name(file.transfer), trick.words());
        let draft = file
            .draft(Severity::Error, trick.certainty(), title)
            .explained(format!("{}. {}", file.told("the file"), trick.effect()))
            .with("trick", trick.words());
        found.add(case, file.seen(draft));
    }
    if case.looks.verbs.contains(Verb::Rnto) {
        renamed(case, found);
    }
}

fn renamed(case: &Case<'_>, found: &mut Found) {
    for exchange in &case.session.exchanges {
        let Some(sent) = exchange.sent.as_ref().filter(|sent| sent.command.verb == Verb::Rnto)
        else {
            continue;
        };
        let name = parts(sent.command.arg()).next_back().unwrap_or_default();
        let Some(trick) = Trick::of(name) else { continue };
        let title = format!("{} {}.", case.spell(exchange), trick.words());
        let draft = Draft::new(Severity::Error, trick.certainty(), title)
            .frames([sent.stamp])
            .frames(exchange.final_reply().map(|last| last.stamp))
            .explained(format!(
                "{} used this name for a file of {}. {}",
                case.session.client.ip,
                case.session.server.ip,
                trick.effect()
            ))
            .with("trick", trick.words());
        found.add(case, by_answer(draft, exchange.final_reply()));
    }
}

/// How a name deceives.
#[derive(Clone, Copy)]
enum Trick {
    Double,
    Blanks,
    Turned,
    End,
}

impl Trick {
    fn of(name: &[u8]) -> Option<Self> {
        if name.windows(3).any(|three| matches!(three, [0xe2, 0x80, 0xad | 0xae])) {
            return Some(Self::Turned);
        }
        let end = name.trim_ascii_end();
        let end = end.strip_suffix(b".").unwrap_or(end);
        let (stem, extension) = split_extension(end)?;
        if !is_any(extension, RUNS) {
            return None;
        }
        if end.len() < name.len() {
            return Some(Self::End);
        }
        if stem.ends_with(b"   ") {
            return Some(Self::Blanks);
        }
        let (_, before) = split_extension(stem.trim_ascii_end())?;
        is_any(before, DOCUMENTS).then_some(Self::Double)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Double => "has the extension of a document and then that of a program",
            Self::Blanks => "has blanks before the extension of a program",
            Self::Turned => "turns the direction of writing",
            Self::End => "ends behind the extension of a program",
        }
    }

    fn effect(self) -> &'static str {
        match self {
            Self::Double => "Where extensions are hidden only the document is seen.",
            Self::Blanks => "The extension is out of sight where the column is too narrow for it.",
            Self::Turned => {
                "From that character on (U+202E or U+202D) the name is shown in another order than \
                 it has."
            }
            Self::End => "Windows drops a dot or a blank at the end, and filters may not.",
        }
    }

    /// Names in languages that are written from right to left may hold such characters.
    fn certainty(self) -> Certainty {
        match self {
            Self::Turned | Self::End => Certainty::Medium,
            Self::Double | Self::Blanks => Certainty::High,
        }
    }
}

/// Extensions of what Windows runs when it is opened. `js` is none: pages of documents have names
/// like `viewer.pdf.js`.
const RUNS: &[&str] = &[
    "exe", "scr", "com", "pif", "bat", "cmd", "vbs", "vbe", "jse", "wsf", "hta", "lnk", "ps1",
    "msi", "cpl",
];

const DOCUMENTS: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "odt", "ods", "txt", "csv", "jpg",
    "jpeg", "png", "gif", "mp3", "mp4", "avi", "htm", "html", "zip", "rar",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_deceive_only_where_a_program_hides() {
        for (name, wanted) in [
            ("invoice.pdf.exe", Some("Double")),
            ("photo.JPG   .scr", Some("Blanks")),
            ("invoice          .exe", Some("Blanks")),
            ("invoice_\u{202e}fdp.exe", Some("Turned")),
            ("setup.exe.", Some("End")),
            ("setup.exe ", Some("End")),
            ("site.tar.gz", None),
            ("app.min.js", None),
            ("viewer.pdf.js", None),
            ("report.2026.01.02.pdf", None),
            ("backup.sql.2026-01-02", None),
            ("setup-1.2.exe", None),
            ("Smith Jr.", None),
            (".exe", None),
            ("", None),
        ] {
            let found = Trick::of(name.as_bytes());
            let found = found.map(|trick| match trick {
                Trick::Double => "Double",
                Trick::Blanks => "Blanks",
                Trick::Turned => "Turned",
                Trick::End => "End",
            });
            assert_eq!(found, wanted, "{name}");
        }
    }
}
