//! What the rules say, at the head of a report.

use std::io;

use super::Report;
use super::page::{Ink, Line, Page};
use crate::analysis::{Certainty, Finding, Grade, Severity};
use crate::report::document::{certainty, finding_id, session_id, severity};
use crate::report::human::number;

pub(super) fn write(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    for (nth, finding) in report.analysis.findings.iter().enumerate() {
        page.blank()?;
        one(report, nth + 1, finding, page)?;
    }
    Ok(())
}

/// `✗ passive-data-filtered  error  s1  #38 #39`, what happened, and what to do.
pub(super) fn one(
    report: &Report<'_>,
    nth: usize,
    finding: &Finding,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let (ink, mark) = mark(finding);
    page.words(Line::inked(ink, mark).and(Ink::Plain, " "), Ink::Strong, &finding.title)?;
    if let Some(reason) = &finding.suppressed {
        return page.words(Line::of("  "), Ink::Dim, &format!("suppressed: {reason}"));
    }
    page.fields(Line::default(), 2, facts(report, nth, finding))?;
    page.words(Line::of("  "), Ink::Plain, &finding.explanation)?;
    page.words(Line::of("  Fix: "), Ink::Plain, &finding.fix)
}

/// What sort of finding it is, and where it can be seen.
pub(super) fn facts(report: &Report<'_>, nth: usize, finding: &Finding) -> Vec<Line> {
    let mut facts = vec![
        Line::inked(Ink::Dim, &finding_id(nth)),
        Line::of(finding.rule.id),
        Line::inked(mark(finding).0, severity(finding.severity)),
    ];
    facts.extend(finding.grade.map(|of| Line::of(graded(of))));
    if finding.certainty < Certainty::High {
        facts.push(Line::of(&format!("{} confidence", certainty(finding.certainty))));
    }
    if !finding.sessions.is_empty() {
        facts.push(Line::of(&sessions(finding)));
    }
    if finding.count > 1 {
        facts.push(Line::of(&format!("{} such", number(finding.count))));
    }
    let frames: Vec<_> =
        finding.frames.iter().take(TOLD).map(|stamp| report.frame(*stamp)).collect();
    let more = if finding.frames.len() > TOLD { " …" } else { "" };
    facts.push(Line::inked(Ink::Dim, &format!("{}{more}", frames.join(" "))));
    facts
}

fn graded(of: Grade) -> &'static str {
    match of {
        Grade::Attempted => "attempted",
        Grade::Accepted => "accepted by the server",
        Grade::Effect => "had an effect",
    }
}

fn sessions(finding: &Finding) -> String {
    let sessions: Vec<_> = finding.sessions.iter().take(TOLD).map(|id| session_id(*id)).collect();
    let more = if finding.sessions.len() > TOLD { " …" } else { "" };
    format!("{}{more}", sessions.join(" "))
}

/// Sessions and frames told of a finding; the document has more.
const TOLD: usize = 8;

pub(super) fn mark(finding: &Finding) -> (Ink, &'static str) {
    match finding.severity {
        _ if finding.suppressed.is_some() => (Ink::Dim, "-"),
        Severity::Critical | Severity::Error => (Ink::Bad, "✗"),
        Severity::Warning => (Ink::Doubtful, "!"),
        Severity::Info => (Ink::Plain, "·"),
    }
}
