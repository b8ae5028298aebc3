//! What was captured, and what of it is worth a look.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::rows;
use crate::analysis::{Tally, activity};
use crate::report::escape::{cut, escape};
use crate::report::human::{bytes, number, plural, span};
use crate::tui::app::State;
use crate::tui::findings_mark;
use crate::tui::overview::Item;
use crate::tui::theme::Theme;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let facts = facts(state);
    let [above, chart, below] = Layout::vertical([
        Constraint::Length(facts.len() as u16),
        Constraint::Length(2),
        Constraint::Min(3),
    ])
    .areas(area);
    let text: Vec<Line<'_>> = facts.iter().map(|fact| Line::raw(theme.plain(fact))).collect();
    frame.render_widget(Paragraph::new(text), above);
    let bars = bars(state, theme, usize::from(chart.width).saturating_sub(22));
    let line = Line::raw(format!(" sessions over time  {bars}"));
    frame.render_widget(line, chart);
    let (lines, top) = (lines(state), first_line(state));
    let shown = lines.iter().skip(top).take(usize::from(below.height));
    rows(
        theme,
        frame,
        below,
        shown.map(|line| match line {
            Shown::Heading(text) => (false, theme.strong(), (*text).to_owned()),
            Shown::Item(place, item) => {
                let (style, text) = match item {
                    Item::Finding(nth) => match state.finding_rows().get(*nth) {
                        Some(finding) => {
                            let (style, mark) = findings_mark(finding, theme);
                            (style, format!("{mark} {}", escape(&finding.title)))
                        }
                        None => (theme.dim(), String::new()),
                    },
                    other => (ratatui::style::Style::new(), other.text()),
                };
                (
                    *place == state.overview_at,
                    style,
                    format!("  {}", cut(&text, usize::from(below.width) - 4)),
                )
            }
        }),
    );
}

enum Shown<'a> {
    Heading(&'static str),
    Item(usize, &'a Item),
}

/// The items with the headings between them.
fn lines(state: &State) -> Vec<Shown<'_>> {
    let mut lines = Vec::new();
    let mut group = "";
    for (place, item) in state.overview.iter().enumerate() {
        if item.group() != group {
            group = item.group();
            lines.push(Shown::Heading(group));
        }
        lines.push(Shown::Item(place, item));
    }
    lines
}

/// The first line shown, so that the chosen item is seen.
fn first_line(state: &State) -> usize {
    let at = lines(state)
        .iter()
        .position(|line| matches!(line, Shown::Item(place, _) if *place == state.overview_at));
    let room = usize::from(state.size.1.saturating_sub(4 + 2)).saturating_sub(facts(state).len());
    at.map_or(0, |at| (at + 1).saturating_sub(room))
}

/// The item in a line of the panel.
pub(super) fn place_at(state: &State, line: usize) -> Option<usize> {
    let line = (line + 1).checked_sub(facts(state).len() + 2)? + first_line(state);
    match lines(state).get(line)? {
        Shown::Item(place, _) => Some(*place),
        Shown::Heading(_) => None,
    }
}

fn facts(state: &State) -> Vec<String> {
    let Some(ready) = &state.ready else {
        let sessions = plural(state.found.len() as u64, "session");
        let transfers = plural(state.found_files.len() as u64, "transfer");
        return vec![
            format!(" reading: {sessions}, {transfers} so far"),
            " Sessions and files can be opened already; findings come once all is read.".to_owned(),
        ];
    };
    let analysis = &ready.analysis;
    let mut facts = Vec::new();
    for input in analysis.inputs.iter().take(MOST_INPUTS) {
        let name = input.path.to_string_lossy();
        let format = input.format.map(|format| format.name()).unwrap_or("unreadable");
        let packets = plural(input.packets, "packet");
        facts.push(format!(" {}  {format}, {packets}, {}", escape(&name), bytes(input.bytes)));
        facts.extend(span(input.first_time, input.last_time).map(|span| format!("   {span}")));
    }
    let skipped: u64 = analysis.capture.skipped.values().sum();
    if skipped > 0 {
        facts.push(format!("   {} not TCP or not decoded", plural(skipped, "frame")));
    }
    let Tally { down, up, .. } = ready.overview.all;
    let sessions = plural(ready.sessions.len() as u64, "session");
    let transfers = plural(analysis.transfers.len() as u64, "transfer");
    facts.push(format!(" {sessions}, {transfers}   ↓ {}   ↑ {}", bytes(down), bytes(up)));
    let findings = number(analysis.findings.len() as u64);
    let warnings = analysis.warnings();
    facts.push(format!(" {findings} findings, {} warnings", warnings.len()));
    facts.extend(warnings.iter().take(MOST_WARNINGS).map(|text| format!("   {}", escape(text))));
    facts
}

/// Warnings that are told.
const MOST_WARNINGS: usize = 3;
/// Inputs that are named.
const MOST_INPUTS: usize = 3;

/// How many sessions began when, as blocks; digits where those cannot be drawn.
fn bars(state: &State, theme: Theme, parts: usize) -> String {
    let starts = state.session_rows().iter().map(|row| row.start);
    let counts = activity(starts, parts.max(1));
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let levels: Vec<char> = if theme.is_ascii {
        ".123456789".chars().collect()
    } else {
        " ▁▂▃▄▅▆▇█".chars().collect()
    };
    let level = |count: u64| {
        let top = levels.len() as u64 - 1;
        let at = if count == 0 { 0 } else { (count * top).div_ceil(most) };
        levels.get(at as usize).copied().unwrap_or(' ')
    };
    counts.into_iter().map(level).collect()
}
