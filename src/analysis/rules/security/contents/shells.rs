//! Pages that run what a visitor sends.

use super::super::moved::{File, is_any, parts, split_extension};
use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Severity};
use crate::transfer::{Content, Mark};

pub(super) const WEB_SHELL: Rule = Rule {
    id: "web-shell-upload",
    kind: Kind::Security { attack: &["T1505.003"] },
    help: "A page that a web server runs was put where it may be run, and looks like a web shell.",
    meaning: "Whoever can call a web shell runs commands on the server, for as long as the file is \
              there.",
    evidence: "A page of PHP, ASP or JSP that is sent and in its first 4096 octets takes something of \
               a request and runs commands or code, or runs code that is hidden; or a single script \
               put into a web server's folder under the name of a known web shell, a name of two \
               extensions, or among pictures and uploads. A single script without these is told as \
               information.",
    false_positives: "Tools for administrators do what web shells do. A site that is put up by its \
                      usual client has many files; a script among them is not told.",
    fix: "Read the file, see the web server's log for requests of it, and find out whose login it was.",
    check: Check::Session(web_shell),
};

fn web_shell(case: &Case<'_>, found: &mut Found) {
    if case.transfers.is_empty() {
        return;
    }
    let mut is_deployment = None;
    for file in File::all(case).filter(|file| file.is_upload()) {
        let is_shell = file.mark() == Some(Mark::WebShell);
        let is_script = is_script(file.name());
        let is_one = is_shell || is_script && is_in_web_root(file.path());
        if !is_one || file.is_in(&case.policy.harmless) {
            continue;
        }
        let is_deployed = *is_deployment.get_or_insert_with(|| puts_up_a_site(case));
        let odd_name = oddity(file.name());
        let odd = odd_name.or_else(|| misplaced(file.path()));
        let is_placed = is_script || is_in_web_root(file.path()) && !is_text(file.name());
        let (severity, certainty) = match (is_shell && is_placed, is_deployed) {
            (true, false) => (Severity::Error, Certainty::High),
            (true, true) => (Severity::Warning, Certainty::Low),
            // What a web server does not run does nothing.
            (false, _) if is_shell => (Severity::Info, Certainty::Low),
            (false, true) => continue,
            (false, false) if odd.is_some() => (Severity::Warning, Certainty::Medium),
            (false, false) => (Severity::Info, Certainty::Low),
        };
        let name = case.name(file.transfer);
        let (what, why) = match (is_shell, odd) {
            (true, _) => (
                "a web shell, a page that runs what its visitors send,",
                "At its beginning it runs something that it takes from a web request, or code that it \
                 hides",
            ),
            (false, Some(odd)) => ("a script for a web server", odd),
            (false, None) => (
                "a script for a web server",
                "It is a script of its kind by its name, and alone; somebody who changes one page \
                 does the same",
            ),
        };
        let site = if is_deployed { ", among the many files of a site" } else { "" };
        let draft = file
            .draft(severity, certainty, format!("{}: {name}.", file.told(what)))
            .explained(format!("{why}{site}. The path is {}.", case.text(file.path())))
            .with("path", case.text(file.path()))
            .with("content", if is_shell { "runs what visitors send" } else { "not seen to" });
        // What is told as information does not get worse by being there, nor does what is only in
        // an odd place and was seen to run nothing.
        let is_tame = !is_shell && odd_name.is_none() && is_read(file);
        let is_worse = severity > Severity::Info && !is_tame;
        let draft = if is_worse { file.graded(draft) } else { file.seen(draft) };
        found.add(case, draft);
    }
}

/// Whether so many files of a site are sent that this is what the session is for.
fn puts_up_a_site(case: &Case<'_>) -> bool {
    let of_site = File::all(case).filter(|file| {
        let extension = split_extension(file.name()).map(|(_, extension)| extension);
        file.is_upload()
            && (is_script(file.name())
                || extension.is_some_and(|extension| is_any(extension, OF_SITES)))
    });
    of_site.take(SITE).count() >= SITE
}

/// Files of a site from which on they are one.
const SITE: usize = 5;

/// Whether a web server runs a file of this name: by its last extension, or, before that of a
/// picture, by the one that some configurations of Apache take.
fn is_script(name: &[u8]) -> bool {
    let Some((stem, extension)) = split_extension(name) else { return false };
    let before = split_extension(stem).map(|(_, before)| before);
    let is_anywhere = before.is_some_and(|before| is_any(before, RUN_ANYWHERE));
    is_any(extension, SCRIPTS) || is_any(extension, PICTURES) && is_anywhere
}

fn is_in_web_root(path: &[u8]) -> bool {
    let mut folders = parts(path).rev().skip(1);
    folders.any(|folder| is_any(folder, WEB_ROOTS))
}

/// Whether it is a text about something by its name.
fn is_text(name: &[u8]) -> bool {
    split_extension(name).is_some_and(|(_, extension)| is_any(extension, &["txt", "md", "rst"]))
}

/// Whether its beginning was looked at, as a web server would read it.
fn is_read(file: File<'_>) -> bool {
    let is_there =
        |content: &Content| content.from_start && content.media_type.is_some() && !content.is_tls;
    file.begins() && file.content().is_some_and(is_there)
}

/// Why the name of a single script is odd.
fn oddity(name: &[u8]) -> Option<&'static str> {
    let (stem, extension) = split_extension(name)?;
    if is_any(extension, PICTURES) {
        return Some("The extension of a script stands before that of a picture");
    }
    if split_extension(stem).is_some_and(|(_, before)| is_any(before, PICTURES)) {
        return Some("The extension of a picture stands before that of a script");
    }
    is_any(stem, SHELLS).then_some("Web shells have this name")
}

/// Why its place is.
fn misplaced(path: &[u8]) -> Option<&'static str> {
    let mut folders = parts(path).rev().skip(1);
    folders
        .any(|folder| is_any(folder, NO_SCRIPTS))
        .then_some("It lies where a site has pictures or what its visitors send, and no scripts")
}

const SCRIPTS: &[&str] = &[
    "php", "php3", "php4", "php5", "php7", "phtml", "phar", "asp", "aspx", "ashx", "asmx", "asa",
    "cer", "jsp", "jspx", "jspf", "jsw", "jsv", "cfm", "cfml", "cgi", "shtml",
];

/// Of those, what runs wherever in a name it stands, where handlers are set by AddHandler.
const RUN_ANYWHERE: &[&str] = &["php", "php3", "php4", "php5", "php7", "phtml", "cgi", "shtml"];

/// What else is a site's.
const OF_SITES: &[&str] = &[
    "html", "htm", "css", "js", "json", "xml", "png", "jpg", "jpeg", "gif", "svg", "webp", "ico",
    "woff", "woff2", "ttf", "map", "txt",
];

const PICTURES: &[&str] = &["jpg", "jpeg", "png", "gif", "bmp", "ico", "svg"];

/// Names of web shells that are handed around.
const SHELLS: &[&str] = &["shell", "webshell", "c99", "c99shell", "r57", "r57shell", "b374k"];

/// Folders that web servers publish.
const WEB_ROOTS: &[&str] =
    &["htdocs", "www", "public_html", "wwwroot", "html", "webroot", "httpdocs", "webapps"];

const NO_SCRIPTS: &[&str] = &["uploads", "upload", "images", "image", "img", "pictures", "tmp"];
