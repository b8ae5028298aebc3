//! Programs, and what hides that it is one.

use super::super::moved::{File, is_any, split_extension};
use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, counted, were};
use crate::hash::hex;
use crate::transfer::{Content, Mark, Program};

pub(super) const EXECUTABLE: Rule = Rule {
    id: "executable-transfer",
    kind: Kind::Security { attack: &["T1105"] },
    help: "A program was moved, by its content.",
    meaning: "Tools of an attacker come in as programs. What is fetched from outside to inside weighs \
              more than what is moved otherwise, and a script less than a program.",
    evidence: "The first octets of the file: a PE, ELF or Mach-O that can be run, a DEX, JAR, MSI or \
               LNK, or #! and an interpreter. Its name does not matter.",
    false_positives: "Software depots, updates, deployments.",
    fix: "Check whether this client is meant to move programs here; compare the file's hash with those \
          of known software.",
    check: Check::Session(executable),
};

fn executable(case: &Case<'_>, found: &mut Found) {
    for file in File::all(case) {
        let Some(Mark::Program(program)) = file.mark() else { continue };
        if is_known(case, file) {
            continue;
        }
        let is_fetched_in = !file.is_upload() && file.comes_in(case.policy);
        let severity = match (program, is_fetched_in) {
            (Program::Script, false) => Severity::Info,
            (Program::Script, true) | (_, false) => Severity::Warning,
            (_, true) => Severity::Error,
        };
        let what = words(program);
        let name = case.name(file.transfer);
        let way = if is_fetched_in { ", from outside to inside" } else { "" };
        let draft = file
            .draft(severity, Certainty::High, format!("{}: {name}.", file.told(what)))
            .explained(format!(
                "The file begins as {what} does. {} of it {} moved{way}.",
                counted(file.bytes(), "byte"),
                were(file.bytes())
            ))
            .with("kind", what)
            .with("sha256", sha256(file))
            .cause(file.cause(what));
        found.add(case, file.seen(draft));
    }
}

/// Whether nothing is to be said of what a file is or that it is moved.
fn is_known(case: &Case<'_>, file: File<'_>) -> bool {
    let (client, server) = (case.session.client.ip.addr, case.session.server.ip.addr);
    case.policy.is_allowed(client, server) || file.is_in(&case.policy.harmless)
}

fn words(program: Program) -> &'static str {
    match program {
        Program::Windows => "a Windows program (PE)",
        Program::Elf => "a Unix program (ELF)",
        Program::MachO => "a macOS program (Mach-O)",
        Program::Script => "a script (#!)",
        Program::Android => "Android code (DEX)",
        Program::Java => "a Java archive (JAR)",
        Program::Installer => "a Windows installer (MSI)",
        Program::Shortcut => "a Windows shortcut (LNK)",
    }
}

fn sha256(file: File<'_>) -> String {
    file.content().map(|content| hex(&content.file_hashes().digests().sha256)).unwrap_or_default()
}

pub(super) const MISMATCH: Rule = Rule {
    id: "type-mismatch",
    kind: Kind::Security { attack: &["T1036.008"] },
    help: "A file is a program or an archive by its content and something harmless by its name.",
    meaning: "Names are changed so that filters and people take a file for a picture, a text or a \
              document.",
    evidence: "The mark of a program or of a ZIP, RAR or 7z archive at the beginning of the file, and \
               an extension of another class. Unknown extensions and texts are not judged.",
    false_positives: "Files that were renamed by mistake, and formats that are archives by another \
                      name.",
    fix: "Look into the file, not at its name; ask who renamed it.",
    check: Check::Session(mismatch),
};

fn mismatch(case: &Case<'_>, found: &mut Found) {
    for file in File::all(case) {
        let Some((_, extension)) = split_extension(file.name()) else { continue };
        let Some(shown) = file.content().and_then(|content| Shown::of(file, content)) else {
            continue;
        };
        let hides = match shown {
            Shown::Program(_) => is_any(extension, PLAIN) || is_any(extension, PACKED),
            Shown::Archive => is_any(extension, PLAIN),
        };
        if !hides || file.is_in(&case.policy.harmless) {
            continue;
        }
        let (severity, what) = match shown {
            Shown::Program(program) => (Severity::Error, words(program)),
            Shown::Archive => (Severity::Warning, "an archive"),
        };
        let name = case.name(file.transfer);
        let title = format!("{name} is {what} by its content.");
        let draft = file
            .draft(severity, Certainty::High, title)
            .explained(format!(
                "{}; by its extension, {}, it is something else. A file that is damaged or cut does \
                 not come to look like this by chance.",
                file.told("the file"),
                case.text(extension)
            ))
            .with("content", what)
            .with("sha256", sha256(file))
            .cause(file.cause(what));
        found.add(case, file.seen(draft));
    }
}

/// Content that its mark alone tells for certain.
enum Shown {
    Program(Program),
    Archive,
}

impl Shown {
    fn of(file: File<'_>, content: &Content) -> Option<Self> {
        match file.mark() {
            // Scripts are texts, and texts have many names.
            Some(Mark::Program(Program::Script)) => None,
            Some(Mark::Program(Program::Java)) => Some(Self::Archive),
            Some(Mark::Program(program)) => Some(Self::Program(program)),
            Some(Mark::EncryptedArchive) => Some(Self::Archive),
            _ => {
                let media = content.media_type.as_deref().filter(|_| file.begins())?;
                ARCHIVES.contains(&media).then_some(Self::Archive)
            }
        }
    }
}

/// Media types of archives that nothing else is called by its own name. Gzip is none: pages and
/// logs are sent packed.
const ARCHIVES: &[&str] =
    &["application/zip", "application/vnd.rar", "application/x-7z-compressed"];

/// Extensions of what is neither program nor archive.
const PLAIN: &[&str] = &[
    "txt", "csv", "log", "md", "ini", "htm", "html", "css", "xml", "json", "rtf", "pdf", "jpg",
    "jpeg", "png", "gif", "bmp", "tif", "tiff", "webp", "svg", "mp3", "mp4", "m4a", "avi", "mov",
    "mkv", "wav", "flac", "ogg", "mpg", "mpeg",
];

/// Of what is an archive, or may be one.
const PACKED: &[&str] = &[
    "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "zip", "rar", "7z", "gz",
    "tgz", "bz2", "xz", "tar", "epub",
];

pub(super) const KNOWN_BAD: Rule = Rule {
    id: "known-bad-hash",
    kind: Kind::Security { attack: &["T1105"] },
    help: "A file was moved whose hash is in a list of bad ones.",
    meaning: "It is the file that whoever made the list means, to the last octet.",
    evidence: "The SHA-256, SHA-1 or MD5 of what was moved, as it was on the wire or as the file is, \
               in a file given with --hash-list.",
    false_positives: "As many as the list has; MD5 and SHA-1 can be forged.",
    fix: "Take the receiving host off the network and look for the file there.",
    check: Check::Session(known_bad),
};

fn known_bad(case: &Case<'_>, found: &mut Found) {
    if case.policy.bad.is_empty() {
        return;
    }
    for file in File::all(case).filter(|file| file.is_in(&case.policy.bad)) {
        let name = case.name(file.transfer);
        let title = format!("{}: {name}.", file.told("a file of the list of bad hashes"));
        let draft: Draft = file
            .draft(Severity::Critical, Certainty::High, title)
            .explained("Its hash is in the list that was given.".to_owned())
            .with("sha256", sha256(file));
        found.add(case, file.seen(draft));
    }
}
