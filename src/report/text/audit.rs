//! `ftpscope audit`: one page for whoever must say what happened.

use std::io::{self, Write};

use super::page::{Ink, Line, Page};
use super::tables::short_media;
use super::{Report, Style, capture, findings};
use crate::analysis::{
    Analysis, Audit, Finding, Logins, Moved, Password, Severity, Unseen, UnseenWhat, Way,
};
use crate::report::document::{session_id, severity, shared_id, strength, transfer_id};
use crate::report::escape::{cut, cut_front, escape, width};
use crate::report::human::{bytes, moment, number, plural};
use crate::session::{LoginOutcome, Session, SessionId};
use crate::transfer::Transfer;

/// Writes the page.
pub fn write(
    analysis: &Analysis,
    audit: &Audit<'_>,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let report = Report::new(analysis);
    let mut page = Page::new(style, out);
    capture::write(&report, &mut page)?;
    page.blank()?;
    let told: Vec<_> = analysis.findings.iter().enumerate().filter(is_told).collect();
    headline(audit, &mut page)?;
    suspects(&report, audit, &mut page)?;
    logins(&report, audit, &mut page)?;
    for (way, title) in [
        (Way::Left, "Files that left, from inside to outside"),
        (Way::CameIn, "Files that came in from outside"),
        (Way::Inside, "Files moved inside"),
        (Way::Outside, "Files moved outside, neither end inside"),
    ] {
        let rows: Vec<_> = audit.moved.iter().filter(|moved| moved.way == way).collect();
        moved(&report, title, &rows, &mut page)?;
    }
    if audit.moved.iter().any(|moved| moved.way == Way::Outside) {
        let hint = "Inside are private addresses; --home NETWORK says what is inside instead.";
        page.line(&Line::inked(Ink::Dim, hint))?;
        page.blank()?;
    }
    section("Findings, worst first", told.is_empty(), &mut page)?;
    for (nth, finding) in &told {
        findings::one(&report, nth + 1, finding, &mut page)?;
        page.blank()?;
    }
    section("Risk of each session: its worst finding", audit.risks.is_empty(), &mut page)?;
    risks(audit, &mut page)?;
    unseen(&report, audit, &mut page)?;
    if !style.show_secrets && audit.logins.iter().any(|row| row.passwords > 0) {
        let hint = "Passwords are masked; --show-secrets shows them.";
        page.line(&Line::inked(Ink::Dim, hint))?;
    }
    Ok(())
}

/// Why something does not work is another page's.
fn is_told((_, finding): &(usize, &Finding)) -> bool {
    finding.rule.kind.is_of_audit()
}

/// The title of what follows, if anything does.
fn section(title: &str, is_empty: bool, page: &mut Page<'_>) -> io::Result<()> {
    if is_empty { Ok(()) } else { page.line(&Line::inked(Ink::Strong, title)) }
}

/// `Security findings: 1 critical, 3 error; they concern 7 sessions.`
fn headline(audit: &Audit<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let counts = audit.counts.iter();
    let words: Vec<_> =
        counts.map(|(of, count)| format!("{} {}", number(*count), severity(*of))).collect();
    let (ink, words) = if words.is_empty() {
        (Ink::Good, "No security rule has anything to say of this.".to_owned())
    } else {
        let sessions = plural(audit.risks.len() as u64, "session");
        (Ink::Strong, format!("Security findings: {}; they concern {sessions}.", words.join(", ")))
    };
    page.words(Line::default(), ink, &words)?;
    page.blank()
}

/// Rows told of a list; the document has all.
const ROWS: usize = 40;

fn more(all: usize, page: &mut Page<'_>) -> io::Result<()> {
    let more = all.saturating_sub(ROWS);
    if more == 0 {
        return Ok(());
    }
    let words = format!("  and {} more (json --audit has them all)", number(more as u64));
    page.line(&Line::inked(Ink::Dim, &words))
}

fn logins(report: &Report<'_>, audit: &Audit<'_>, page: &mut Page<'_>) -> io::Result<()> {
    section("Who logged in", audit.logins.is_empty(), page)?;
    let names: Vec<_> = audit.logins.iter().take(ROWS).map(name).collect();
    let widest = names.iter().map(|name| width(name)).max().unwrap_or(0);
    for (row, name) in audit.logins.iter().zip(&names) {
        let mut first = Line::of("  ").and(Ink::Strong, name);
        first.tab(2 + widest);
        let (ink, outcome) = outcome(row.outcome);
        let times = if row.count == 1 {
            outcome.to_owned()
        } else {
            format!("{outcome} {} times", number(row.count))
        };
        let mut fields =
            vec![Line::inked(ink, &times), Line::of(&format!("{} → {}", row.client, row.server))];
        fields.extend(passwords(row, page.style.show_secrets).map(|words| Line::of(&words)));
        fields.push(Line::of(&sessions(&row.sessions)));
        let when = moment(row.first.at).unwrap_or_default();
        let frame = report.frame(row.first);
        fields.push(Line::inked(Ink::Dim, format!("{when} {frame}").trim()));
        page.fields(first, 4, fields)?;
    }
    more(audit.logins.len(), page)?;
    if audit.logins.is_empty() { Ok(()) } else { page.blank() }
}

/// Columns for a name that a stranger chose.
const NAME: usize = 30;

fn name(row: &Logins<'_>) -> String {
    match row.user {
        Some(user) => cut(&escape(&row.charset.decode(user).0), NAME).into_owned(),
        None if row.outcome == LoginOutcome::None => "(nobody)".to_owned(),
        None => "(unknown)".to_owned(),
    }
}

fn outcome(outcome: LoginOutcome) -> (Ink, &'static str) {
    match outcome {
        LoginOutcome::Accepted => (Ink::Plain, "logged in"),
        LoginOutcome::Refused => (Ink::Bad, "refused"),
        LoginOutcome::Incomplete => (Ink::Doubtful, "broken off"),
        LoginOutcome::Unknown => (Ink::Doubtful, "before the capture"),
        LoginOutcome::Encrypted => (Ink::Plain, "encrypted"),
        LoginOutcome::None => (Ink::Doubtful, "without a login"),
    }
}

/// `password ***, fair, used elsewhere too (p1)`.
fn passwords(row: &Logins<'_>, show: bool) -> Option<String> {
    let Some(Password { text, strength: class, shared }) = row.password else {
        let count = row.passwords;
        return (count > 1).then(|| format!("{} different passwords", number(count)));
    };
    let text = match show {
        true => escape(&row.charset.decode(text).0).into_owned(),
        false => "***".to_owned(),
    };
    let shared = shared.map(|number| format!(", used elsewhere too ({})", shared_id(number)));
    Some(format!("password {text}, {}{}", strength(class), shared.unwrap_or_default()))
}

fn sessions(ids: &[SessionId]) -> String {
    let told: Vec<_> = ids.iter().take(NAMED).map(|id| session_id(*id)).collect();
    let more = if ids.len() > NAMED { " …" } else { "" };
    format!("{}{more}", told.join(" "))
}

/// Sessions named in a line.
const NAMED: usize = 6;

fn moved(
    report: &Report<'_>,
    title: &str,
    rows: &[&Moved<'_>],
    page: &mut Page<'_>,
) -> io::Result<()> {
    section(title, rows.is_empty(), page)?;
    for row in rows.iter().take(ROWS) {
        let mut fields = Vec::new();
        if row.files > 0 {
            let amount = format!("{}, {}", plural(row.files, "file"), bytes(row.bytes));
            fields.push(Line::of(&amount));
        }
        if row.incomplete > 0 {
            let incomplete = format!("{} not whole here", number(row.incomplete));
            fields.push(Line::inked(Ink::Doubtful, &incomplete));
        }
        if row.encrypted_files > 0 {
            let count = plural(row.encrypted_files, "encrypted transfer");
            let amount = bytes(row.encrypted_bytes);
            fields.push(Line::of(&format!("{count}, {amount} on the wire")));
        }
        let types = row.types.iter();
        let types: Vec<_> = types
            .map(|(name, count)| format!("{} {}", number(*count), short_media(name)))
            .collect();
        fields.push(Line::of(&types.join(", ")));
        fields.push(Line::of(&names(report, &row.transfers)));
        fields.push(Line::inked(Ink::Dim, &report.frames(row.first, row.last)));
        let ends = format!("  {} → {}", row.from, row.to);
        page.fields(Line::inked(Ink::Plain, &ends), 4, fields)?;
    }
    more(rows.len(), page)?;
    if rows.is_empty() { Ok(()) } else { page.blank() }
}

/// Each with its worst, its rules, whose it is, and what was fetched, sent and deleted.
fn suspects(report: &Report<'_>, audit: &Audit<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let title = "Sessions to look at, in the order of time";
    section(title, audit.suspects.is_empty(), page)?;
    for suspect in audit.suspects.iter().take(ROWS) {
        let Session { id, client, server, login, tcp, .. } = suspect.session;
        let charset = suspect.charset;
        let ink = if suspect.worst >= Severity::Error { Ink::Bad } else { Ink::Doubtful };
        let mut fields =
            vec![Line::inked(ink, severity(suspect.worst)), Line::of(&suspect.rules.join(", "))];
        let before = login.earlier.iter().map(|entry| &entry.user);
        let users = before.chain(&login.user).map(|user| charset.decode(user).0);
        let users: Vec<_> = users.map(|user| cut(&escape(&user), NAME).into_owned()).collect();
        let users =
            if users.is_empty() { String::new() } else { format!(" as {}", users.join(", ")) };
        let server = format!("{} → {}{users}", client.ip, server.ip);
        fields.push(Line::of(&server));
        fields.push(Line::of(&moment(tcp.link.first.at).unwrap_or_default()));
        for (verb, transfers) in [("fetched", &suspect.fetched), ("sent", &suspect.sent)] {
            if !transfers.is_empty() {
                fields.push(Line::of(&format!("{verb} {}", names(report, transfers))));
            }
        }
        if !suspect.deleted.is_empty() {
            let secrets = page.style.hidden(suspect.session);
            let text = |raw: &&[u8]| charset.decode(&secrets.hide(raw, None)).0.into_owned();
            let deleted = listed(suspect.deleted.iter().map(text), suspect.deleted.len());
            fields.push(Line::of(&format!("deleted {deleted}")));
        }
        let first = Line::of("  ").and(Ink::Strong, &session_id(*id));
        page.fields(first, 8, fields)?;
    }
    more(audit.suspects.len(), page)?;
    if audit.suspects.is_empty() { Ok(()) } else { page.blank() }
}

/// The paths of some files.
fn names(report: &Report<'_>, transfers: &[&Transfer]) -> String {
    let paths = transfers
        .iter()
        .map(|transfer| report.path(transfer).unwrap_or_else(|| transfer_id(transfer.request.id)));
    listed(paths, transfers.len())
}

/// The first of some names, and how many more there are.
fn listed(names: impl Iterator<Item = String>, all: usize) -> String {
    let told = names.take(FILES).map(|name| cut_front(&escape(&name), NAME).into_owned());
    let told = told.collect::<Vec<_>>().join(", ");
    match all.saturating_sub(FILES) {
        0 => told,
        more => format!("{told} and {} more", number(more as u64)),
    }
}

/// Files named in a line.
const FILES: usize = 5;

/// The sessions of each severity.
fn risks(audit: &Audit<'_>, page: &mut Page<'_>) -> io::Result<()> {
    for (of, ink) in [
        (Severity::Critical, Ink::Bad),
        (Severity::Error, Ink::Bad),
        (Severity::Warning, Ink::Doubtful),
        (Severity::Info, Ink::Plain),
    ] {
        let risks = audit.risks.iter().filter(|(_, worst)| *worst == of);
        let ids: Vec<_> = risks.map(|(session, _)| *session).collect();
        if ids.is_empty() {
            continue;
        }
        let mut line = Line::of("  ").and(ink, severity(of));
        line.tab(12);
        let told: Vec<_> = ids.iter().take(ROWS).map(|id| session_id(*id)).collect();
        page.words(line, Ink::Plain, &told.join(" "))?;
        more(ids.len(), page)?;
    }
    if audit.risks.is_empty() { Ok(()) } else { page.blank() }
}

fn unseen(report: &Report<'_>, audit: &Audit<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let title = match (audit.unseen.is_empty(), report.analysis.sessions.is_empty()) {
        (true, true) => "No session was found.",
        (true, false) => "Every session that was found was seen whole and in clear text.",
        (false, _) => "What could not be seen",
    };
    page.line(&Line::inked(Ink::Strong, title))?;
    for Unseen { what, count, sessions: ids } in &audit.unseen {
        let (one, words) = unseen_words(*what);
        let mut fields = vec![Line::of(words)];
        fields.push(Line::inked(Ink::Dim, &sessions(ids)));
        let first = Line::of("  ").and(Ink::Doubtful, &plural(*count, one));
        page.fields(first, 4, fields)?;
    }
    Ok(())
}

/// What is counted, and what is the matter with it.
fn unseen_words(what: UnseenWhat) -> (&'static str, &'static str) {
    match what {
        UnseenWhat::EncryptedSessions => ("session", "encrypted"),
        UnseenWhat::DialogueGaps => ("session", "with parts of the dialogue missing"),
        UnseenWhat::OneWay => ("session", "of which one direction alone was captured"),
        UnseenWhat::BegunBefore => ("session", "under way before the capture began"),
        UnseenWhat::NotOver => ("session", "still open when the capture ended"),
        UnseenWhat::TransferGaps => ("transfer", "with octets missing"),
        UnseenWhat::TransferEnds => ("transfer", "whose end was not captured"),
        UnseenWhat::TransfersNotCaptured => ("transfer", "whose data was not captured"),
        UnseenWhat::WithoutCommand => ("data connection", "without a known command"),
        UnseenWhat::Packets => ("packet", "that may hold TCP, not read"),
        UnseenWhat::Damage => ("place", "where the capture is damaged or cut"),
    }
}
