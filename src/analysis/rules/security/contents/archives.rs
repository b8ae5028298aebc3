//! Archives that leave.

use super::super::moved::{File, is_any, split_extension};
use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Severity};
use crate::transfer::Mark;

pub(super) const ARCHIVE: Rule = Rule {
    id: "archive-upload",
    kind: Kind::Security { attack: &["T1560.001"] },
    help: "An archive was sent from inside to outside.",
    meaning: "What is collected in a network is packed before it is taken away, encrypted so that \
              nobody sees what it is, and in parts so that no single file is large.",
    evidence: "An upload from inside to outside of an archive, by its content or its name; the bits of \
               a ZIP or RAR that say it is encrypted, or a name of a volume. 7z says only at its end \
               whether it is encrypted, which is not looked at.",
    false_positives: "Backups to a server outside, and whoever sends a customer something large.",
    fix: "Ask who sent it; where it is meant to go there, name the server in `allowed_servers` of `--config`.",
    check: Check::Session(archive),
};

fn archive(case: &Case<'_>, found: &mut Found) {
    let (client, server) = (case.session.client.ip.addr, case.session.server.ip.addr);
    if case.transfers.is_empty() || case.policy.is_allowed(client, server) {
        return;
    }
    for file in File::all(case).filter(|file| file.is_upload() && file.goes_out(case.policy)) {
        let Some(kind) = Archive::of(file) else { continue };
        if file.is_in(&case.policy.harmless) {
            continue;
        }
        let (severity, what) = match kind {
            Archive::Encrypted => (Severity::Error, "an encrypted archive"),
            Archive::Volume => (Severity::Warning, "a part of an archive"),
            Archive::Plain => (Severity::Info, "an archive"),
        };
        let media = file.content().and_then(|content| content.media_type.as_deref());
        let title = format!("{}: {}.", file.told(what), case.name(file.transfer));
        let draft = file
            .draft(severity, Certainty::High, title)
            .explained(format!(
                "It was to go from inside to outside; by {} it is {what}. {}",
                if matches!(kind, Archive::Volume) { "its name" } else { "its content or name" },
                file.amount()
            ))
            .with("kind", what)
            .with("media_type", media.unwrap_or("unknown"))
            .cause(file.cause(what));
        found.add(case, file.seen(draft));
    }
}

#[derive(Clone, Copy)]
enum Archive {
    Encrypted,
    Volume,
    Plain,
}

impl Archive {
    fn of(file: File<'_>) -> Option<Self> {
        if file.mark() == Some(Mark::EncryptedArchive) {
            return Some(Self::Encrypted);
        }
        let name = file.name();
        if is_volume(name) {
            return Some(Self::Volume);
        }
        let media = file.content().and_then(|content| content.media_type.as_deref());
        // What is a ZIP inside is an archive only if it is called one.
        let is_archive = match media.filter(|media| *media != "application/zip") {
            Some("application/vnd.rar" | "application/x-7z-compressed") => true,
            Some(media) if media.starts_with("text/") => false,
            _ => split_extension(name).is_some_and(|(_, extension)| is_any(extension, ARCHIVES)),
        };
        is_archive.then_some(Self::Plain)
    }
}

/// `x.7z.001`, `x.part1.rar`, `x.r00`, `x.z01`.
fn is_volume(name: &[u8]) -> bool {
    let Some((stem, extension)) = split_extension(name) else { return false };
    let before = split_extension(stem).map_or(&b""[..], |(_, before)| before);
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    match extension {
        [_, _, _] if is_number(extension) => is_any(before, ARCHIVES),
        [b'r' | b'R' | b'z' | b'Z', rest @ ..] if rest.len() == 2 && is_number(rest) => true,
        _ if is_any(extension, &["rar"]) => {
            let number = before.get(4..).unwrap_or_default();
            before.get(..4).is_some_and(|part| part.eq_ignore_ascii_case(b"part"))
                && is_number(number)
        }
        _ => false,
    }
}

const ARCHIVES: &[&str] = &[
    "zip", "rar", "7z", "tar", "gz", "tgz", "bz2", "tbz2", "xz", "txz", "zst", "lz4", "cab", "arj",
    "ace",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_known_by_their_names() {
        for name in ["x.7z.001", "x.zip.012", "x.part1.rar", "x.PART02.RAR", "x.r00", "x.z01"] {
            assert!(is_volume(name.as_bytes()), "{name}");
        }
        for name in ["x.7z", "x.001", "x.log.123", "x.rar", "x.party.rar", "x.zip", "x.r1a", ""] {
            assert!(!is_volume(name.as_bytes()), "{name}");
        }
    }
}
