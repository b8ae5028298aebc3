//! What the rules say, the worst first, and the chosen one in full.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{cells, list_and_detail, panel, rows, wrapped};
use crate::analysis::{Finding, Value};
use crate::report::document::{certainty, grade, session_id, severity};
use crate::report::escape::escape;
use crate::report::human;
use crate::tui::app::State;
use crate::tui::findings_mark;
use crate::tui::theme::Theme;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let [list, detail] = list_and_detail(state.size, area);
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(list);
    let room = usize::from(list.width).saturating_sub(1);
    let titles = columns(["", "rule", "session", "what happened"].map(str::to_owned));
    frame.render_widget(Line::styled(format!(" {}", cells(&titles, room)), theme.strong()), head);
    let shown = state.findings.visible(usize::from(body.height)).filter_map(|(place, number)| {
        let finding = state.finding_rows().get(number)?;
        let (style, mark) = findings_mark(finding, theme);
        let session = finding.session.map(session_id).unwrap_or_default();
        let times =
            if finding.count > 1 { format!(" ({} such)", finding.count) } else { String::new() };
        let title = format!("{}{times}", escape(&finding.title));
        let cell = columns([mark.to_owned(), finding.rule.id.to_owned(), session, title]);
        Some((place == state.findings.place(), style, cells(&cell, room)))
    });
    rows(theme, frame, body, shown);
    if state.findings.len() == 0 {
        let text = if state.ready.is_some() {
            " Nothing found."
        } else {
            " Rules speak once the capture is read."
        };
        frame.render_widget(Line::raw(text), body);
    }
    let chosen = state.findings.chosen().and_then(|number| state.finding_rows().get(number));
    let title = chosen.map_or("", |finding| finding.rule.id);
    let inner = panel(theme, title, frame, detail);
    let several = state.ready.as_ref().is_some_and(|ready| ready.analysis.inputs.len() > 1);
    let text =
        chosen.map(|finding| told(finding, several, usize::from(inner.width))).unwrap_or_default();
    let lines: Vec<Line<'_>> = text.iter().map(|text| Line::raw(theme.plain(text))).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn columns([mark, rule, session, title]: [String; 4]) -> Vec<(usize, String)> {
    vec![(1, mark), (24, rule), (7, session), (0, title)]
}

fn told(finding: &Finding, several: bool, room: usize) -> Vec<String> {
    let came = finding.grade.map(|of| format!(", {}", grade(of))).unwrap_or_default();
    let mut lines = vec![format!(
        "{}{came}, {} confidence",
        severity(finding.severity),
        certainty(finding.certainty)
    )];
    let reason = finding.suppressed.as_ref().map(|reason| format!("suppressed: {reason}"));
    let texts = [Some(finding.explanation.clone()), Some(format!("Fix: {}", finding.fix)), reason];
    for text in texts.into_iter().flatten() {
        lines.extend(wrapped(&escape(&text), room));
    }
    let frames: Vec<String> = finding.frames.iter().map(|at| human::frame(*at, several)).collect();
    lines.extend(wrapped(&frames.join(" "), room));
    for (name, value) in &finding.evidence {
        let value = match value {
            Value::Text(text) => escape(text).into_owned(),
            Value::Number(number) => number.to_string(),
        };
        lines.push(format!("{name}: {value}"));
    }
    lines
}
