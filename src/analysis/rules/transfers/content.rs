//! What arrives and is not the file.

use std::collections::HashMap;

use super::{Check, Found, Kind, Moved, Rule};
use crate::analysis::case::{Case, Opening};
use crate::analysis::finding::{Certainty, Draft, LONGEST_TEXT, Severity, counted, cut};
use crate::analysis::rules::heard::says;
use crate::analysis::{Analysis, Policy};
use crate::decode::Host;
use crate::ftp::Verb;
use crate::time::Stamp;
use crate::transfer::{Direction, LineEnds, Transfer};

pub(super) const ASCII_CORRUPTION: Rule = Rule {
    id: "ascii-corruption",
    kind: Kind::Diagnosis,
    help: "A file that is no text was moved in TYPE A, which changes line ends.",
    meaning: "Each byte that looks like a line end is rewritten on the way: archives, images and \
              programs are damaged, often without an error.",
    evidence: "TYPE A, which is also what a session begins with (RFC 959 §5.1), and content that is no \
               text; or the server's own words of bare linefeeds.",
    false_positives: "Where neither end converts line ends, the file arrives as it was.",
    fix: "Send TYPE I before the transfer (\"binary\" in command-line clients) and move the file again.",
    check: Check::Session(ascii_corruption),
};

fn ascii_corruption(case: &Case<'_>, found: &mut Found) {
    for opening in &case.openings {
        let Some(moved) = opening.transfer.and_then(Moved::of) else { continue };
        let kind = moved.transfer.request.representation.kind.as_deref();
        let is_listing = moved.transfer.direction == Direction::Listing;
        if is_listing || !kind.is_some_and(|kind| kind.starts_with(b"A")) {
            continue;
        }
        let Some(harm) = Harm::of(moved, opening) else { continue };
        found.add(case, harm.told(case, opening, moved));
    }
}

/// What TYPE A did to a file.
enum Harm {
    /// What left the sender had its line ends rewritten.
    Converted(LineEnds),
    /// It went as it was, as far as that shows; the receiver may rewrite it.
    Doubtful(LineEnds),
    /// The server complains of the line ends of a text: wu-ftpd and its kin, `226 WARNING! 3 bare
    /// linefeeds received in ASCII mode`.
    Complaint,
}

impl Harm {
    fn of(moved: Moved<'_>, opening: &Opening<'_>) -> Option<Self> {
        let complains = opening
            .outcome()
            .is_some_and(|last| says(&last.reply.text, &["bare linefeed", "bare line feed"]));
        if !moved.transfer.is_binary_as_text() {
            return complains.then_some(Self::Complaint);
        }
        let ends = moved.content.decoded.as_ref().map(|decoded| decoded.finished.line_ends)?;
        match ends {
            LineEnds { crlf: 0, lf: 0, cr: 0 } => None,
            // Of line ends that came about by chance, few are both.
            LineEnds { crlf: 2.., lf: 0, .. } => Some(Self::Converted(ends)),
            _ => Some(Self::Doubtful(ends)),
        }
    }

    fn told(&self, case: &Case<'_>, opening: &Opening<'_>, moved: Moved<'_>) -> Draft {
        let request = &moved.transfer.request;
        let name = case.name(moved.transfer);
        let reply = opening.used_by.zip(opening.outcome());
        let reply = reply.map_or_else(String::new, |(used, last)| case.quote(used, last));
        let media = moved.content.media_type.as_deref().unwrap_or("unknown");
        let (severity, certainty, title, text) = match self {
            Self::Converted(ends) => (
                Severity::Error,
                Certainty::High,
                format!("{name} was damaged: it is no text and was moved as text (TYPE A)."),
                format!(
                    "The content is {media}, and each of the {} in it came as CR LF: {} rewrote \
                     them. {} has a file that is longer, or, if it converts back, one without the \
                     CRs that belong to it.",
                    counted(ends.crlf, "LF byte"),
                    moved.role(moved.dir),
                    super::capitalized(moved.role(moved.dir.reversed()))
                ),
            ),
            Self::Doubtful(ends) => (
                Severity::Warning,
                Certainty::Medium,
                format!("{name} may be damaged: it is no text and was moved as text (TYPE A)."),
                format!(
                    "The content is {media} and went over the network with {} CR LF, {} LF and {} CR \
                     alone. If {} converts line ends, its file is another.",
                    ends.crlf,
                    ends.lf,
                    ends.cr,
                    moved.role(moved.dir.reversed())
                ),
            ),
            Self::Complaint => (
                Severity::Warning,
                Certainty::Medium,
                format!("{name} was moved as text (TYPE A) with line ends that are none."),
                format!("The server complains: \"{reply}\"."),
            ),
        };
        Draft::new(severity, certainty, title)
            .transfer(Some(request.id))
            .frames([request.asked])
            .frames(moved.content.first)
            .frames(request.answered.map(|(stamp, _)| stamp))
            .explained(text)
            .with("bytes", moved.content.bytes)
            .with("media_type", media)
    }
}

pub(super) const RESUME_IGNORED: Rule = Rule {
    id: "resume-ignored",
    kind: Kind::Diagnosis,
    help: "The server accepted a REST and sent the file from its beginning all the same.",
    meaning: "The client writes what comes behind what it has, so its file has its beginning twice.",
    evidence: "REST answered 350, and as many bytes moved as the whole file is said to have.",
    false_positives: "A size that was said of another state of the file.",
    fix: "Fetch the file anew, from its beginning; do not resume from this server.",
    check: Check::Session(resume_ignored),
};

fn resume_ignored(case: &Case<'_>, found: &mut Found) {
    let ignored = case.transfers.iter().filter(|transfer| {
        // What a client sends behind a REST is its own choice.
        transfer.request.rest_offset > 0
            && transfer.direction == Direction::Download
            && transfer.is_rest_ignored()
    });
    for transfer in ignored {
        let rest = transfer.request.rest_offset;
        let bytes = transfer.content.as_ref().map_or(0, |content| content.bytes);
        let draft = Draft::new(
            Severity::Error,
            Certainty::High,
            format!("{} was not resumed.", case.name(transfer)),
        )
        .transfer(Some(transfer.request.id))
        .frames([transfer.request.asked])
        .frames(transfer.request.answered.map(|(stamp, _)| stamp))
        .explained(format!(
            "The client asked {} for the file from byte {rest} on and the server agreed, but sent \
             {bytes} bytes: all of it. The client's file is now {rest} bytes too long if it wrote \
             them behind what it had.",
            case.session.server
        ))
        .with("rest_offset", rest)
        .with("bytes", bytes);
        found.add(case, draft);
    }
}

pub(super) const CONCURRENT_WRITE: Rule = Rule {
    id: "concurrent-write",
    kind: Kind::Diagnosis,
    help: "Two uploads wrote the same file of a server at the same time.",
    meaning: "Which of them the file is afterwards, or which mixture, is a matter of chance.",
    evidence: "Two data connections of STOR or APPE to one absolute path of one server, by the same \
               user, that overlap in time.",
    false_positives: "Servers that write to a temporary file of each session and rename it: the last \
                      one wins then.",
    fix: "Upload under names of one's own and rename, or see to it that one job runs at a time.",
    check: Check::Capture(concurrent_write),
};

/// An upload, and when it was under way.
struct Write<'a> {
    transfer: &'a Transfer,
    from: Stamp,
    to: Stamp,
}

fn concurrent_write(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let mut by_path: HashMap<(Host, &[u8]), Vec<Write<'_>>> = HashMap::new();
    for transfer in &analysis.transfers {
        if let Some((key, write)) = write_of(transfer) {
            by_path.entry(key).or_default().push(write);
        }
    }
    by_path.retain(|_, writes| writes.len() > 1);
    let mut paths: Vec<_> = by_path.into_iter().collect();
    if paths.is_empty() {
        return;
    }
    paths.sort_unstable_by_key(|(key, _)| *key);
    for ((server, path), mut writes) in paths {
        writes.sort_unstable_by_key(|write| (write.from.at, write.from.place));
        let mut last: Option<&Write<'_>> = None;
        for write in &writes {
            if let Some(other) = last.filter(|last| write.from.is_before(last.to))
                && is_one_file(other, write)
            {
                found.add_of_capture(told_of_overlap(server, path, other, write));
            }
            last = last.filter(|last| write.to.is_before(last.to)).or(Some(write));
        }
    }
}

/// Only where what was named is one file whatever the working directory is. STOU names a new one.
fn write_of(transfer: &Transfer) -> Option<((Host, &[u8]), Write<'_>)> {
    let is_upload = matches!(transfer.direction, Direction::Upload | Direction::Append);
    if !is_upload || transfer.request.verb == Verb::Stou {
        return None;
    }
    let moved = Moved::of(transfer)?;
    let path = transfer.request.path.as_deref().filter(|path| path.starts_with(b"/"))?;
    let (from, to) = moved.content.first.zip(moved.content.last)?;
    let server = moved.end(moved.dir.reversed()).ip;
    Some(((server, path), Write { transfer, from, to }))
}

/// Two users may have two files of one path: each sees a root of its own. Pieces of one file may be
/// sent side by side, each to its place.
fn is_one_file(one: &Write<'_>, other: &Write<'_>) -> bool {
    let [ours, theirs] = [one, other].map(|write| &write.transfer.request.user);
    ours.is_some()
        && ours == theirs
        && one.transfer.request.rest_offset == other.transfer.request.rest_offset
}

fn told_of_overlap(server: Host, path: &[u8], one: &Write<'_>, other: &Write<'_>) -> Draft {
    let path = String::from_utf8_lossy(path);
    let path = cut(&path, LONGEST_TEXT);
    let [first, second] = [one, other].map(|write| {
        let moved = Moved::of(write.transfer);
        let client = moved.map(|moved| moved.end(moved.dir).to_string()).unwrap_or_default();
        (client, write.from.frame(), write.to.frame())
    });
    Draft::new(
        Severity::Warning,
        Certainty::Medium,
        format!("{path} was written by two uploads at the same time."),
    )
    .transfer(Some(other.transfer.request.id))
    .frames([one.transfer.request.asked, one.from, one.to])
    .frames([other.transfer.request.asked, other.from, other.to])
    .explained(format!(
        "{} sent it to {server} in frames {} to {}, and {} in frames {} to {}.",
        first.0, first.1, first.2, second.0, second.1, second.2
    ))
    .with("path", path.into_owned())
    .cause(format!(
        "{server} {}",
        other.transfer.request.path.as_deref().unwrap_or_default().escape_ascii()
    ))
}
