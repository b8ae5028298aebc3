//! `ftpscope diagnose`: why it failed, each with the story that shows it.

use std::io::{self, Write};

use super::page::{Ink, Line, Page};
use super::{Report, Style, capture, findings, ladder, outcome_words, outcomes};
use crate::analysis::rules::Kind;
use crate::analysis::{Analysis, Finding, Severity, Stories, Story};
use crate::report::document::{session_id, transfer_id};
use crate::report::escape::{cut, escape};
use crate::report::human::plural;
use crate::report::wireshark;
use crate::session::Session;

/// Writes what failed, and why.
pub fn write(analysis: &Analysis, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let report = Report::new(analysis);
    let mut page = Page::new(style, out);
    let numbered = analysis.findings.iter().enumerate();
    let numbered: Vec<_> =
        numbered.filter(|(_, finding)| finding.rule.kind.is_of_diagnosis()).collect();
    let (told, minor): (Vec<_>, Vec<_>) =
        numbered.into_iter().partition(|(_, finding)| is_told(finding));
    let (of_capture, failures): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|(_, finding)| finding.rule.kind == Kind::Capture);
    for (nth, finding) in &of_capture {
        findings::one(&report, nth + 1, finding, &mut page)?;
        page.blank()?;
    }
    let stories = Stories::new(analysis);
    for (nth, finding) in &failures {
        failure(&report, &stories, nth + 1, finding, &mut page)?;
        page.blank()?;
    }
    write_unexplained(&report, &mut page)?;
    if failures.is_empty() && analysis.unexplained.is_empty() {
        let sessions = plural(analysis.sessions.len() as u64, "session");
        let transfers = plural(analysis.transfers.len() as u64, "transfer");
        let how = outcomes(analysis.transfers.iter());
        let how = if how.is_empty() { how } else { format!(": {how}") };
        capture::warnings(&report, &mut page)?;
        page.words(
            Line::default(),
            Ink::Good,
            &format!("No failure was recognised in {sessions}, {transfers}{how}."),
        )?;
    }
    if !minor.is_empty() {
        page.line(&Line::inked(Ink::Strong, "To know as well"))?;
    }
    for (nth, finding) in minor {
        let (ink, mark) = findings::mark(finding);
        let line = Line::of("  ").and(ink, mark);
        page.fields(
            line.and(Ink::Plain, &format!(" {}", finding.title)),
            4,
            findings::facts(&report, nth + 1, finding),
        )?;
    }
    Ok(())
}

/// Whether it is told at length.
fn is_told(finding: &Finding) -> bool {
    finding.suppressed.is_none() && finding.severity >= Severity::Warning
}

/// One failure: whose it is, what happened, the story, and where to see it.
fn failure(
    report: &Report<'_>,
    stories: &Stories<'_>,
    nth: usize,
    finding: &Finding,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let story = stories.of(finding);
    if let Some(story) = &story {
        head(report, story, page)?;
    }
    findings::one(report, nth, finding, page)?;
    let Some(story) = story else { return Ok(()) };
    if !story.steps.is_empty() {
        page.blank()?;
        ladder::write(report, &story, page)?;
    }
    let ends = story.steps.first().zip(story.steps.last());
    let ends = ends.map(|(first, last)| (first.stamp, last.until.unwrap_or(last.stamp)));
    let frames = ends.filter(|_| report.analysis.inputs.len() == 1);
    page.words(Line::of("  Wireshark: "), Ink::Dim, &wireshark::filter(&story.connections, frames))
}

/// `s1  10.66.1.2 → 203.0.113.21:21  labuser  captured near the client`.
fn head(report: &Report<'_>, story: &Story<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let Session { id, client, server, login, .. } = story.session;
    let mut fields = vec![Line::of(&format!("{} → {server}", client.ip))];
    if let Some(user) = &login.user {
        let user = report.analysis.charset(*id).decode(user).0;
        fields.push(Line::of(&cut(&escape(&user), NAME)));
    }
    fields.extend(story.vantage.words().map(|words| Line::of(&format!("captured {words}"))));
    page.fields(Line::inked(Ink::Strong, &session_id(*id)), 4, fields)
}

/// Columns for a name that a stranger chose.
const NAME: usize = 40;

fn write_unexplained(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let unexplained = &report.analysis.unexplained;
    if unexplained.is_empty() {
        return Ok(());
    }
    page.line(&Line::inked(Ink::Strong, "Failed, and no rule says why"))?;
    for transfer in unexplained.iter().filter_map(|id| report.analysis.transfer(*id)) {
        let (ink, words) = outcome_words(transfer.outcome);
        let path = report.path(transfer).unwrap_or_else(|| "(no name)".to_owned());
        let mut fields = vec![
            Line::of(&session_id(transfer.session)),
            Line::of(transfer.request.command),
            Line::of(&escape(&path)),
            Line::inked(ink, words),
        ];
        fields.push(Line::inked(Ink::Dim, &report.frame(transfer.request.asked)));
        let id = format!("  {}", transfer_id(transfer.request.id));
        page.fields(Line::of(&id), id.len() + 2, fields)?;
    }
    page.blank()
}
