//! One session, line by line or as a ladder, and the chosen line in full.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{list_and_detail, panel, rows, wrapped};
use crate::analysis::Party;
use crate::report::escape::{cut, width};
use crate::report::text::{Ladder, lost};
use crate::tui::app::State;
use crate::tui::session::{LineKind, SessionLine, SessionView};
use crate::tui::theme::Theme;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let Some(view) = &state.session else {
        let text = "Choose a session in 2 Sessions and press Enter.";
        return frame.render_widget(Paragraph::new(text), area);
    };
    let [list, detail] = list_and_detail(state.size, area);
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(list);
    let room = usize::from(body.width).saturating_sub(1);
    let title = match &view.ladder {
        Some(ladder) => ladder_head(view, ladder, room),
        None => view.head.join("   "),
    };
    frame.render_widget(
        Line::styled(format!(" {}", theme.plain(&cut(&title, room))), theme.strong()),
        head,
    );
    let shown = view.lines.iter().enumerate().skip(view.top).take(usize::from(body.height));
    rows(
        theme,
        frame,
        body,
        shown.map(|(place, line)| {
            let text = match &view.ladder {
                Some(ladder) => rung(view, ladder, line, room),
                None => told(view, line, room),
            };
            (place == view.chosen, style(&line.kind, theme), text)
        }),
    );
    let inner =
        panel(theme, &format!("{} of {}", view.chosen + 1, view.lines.len()), frame, detail);
    let mut text = Vec::new();
    if let Some(line) = view.chosen_line() {
        text.push(format!("{} {}", line.time, line.frame));
        let told = match line.detail.is_empty() {
            true => vec![line.told()],
            false => line.detail.clone(),
        };
        text.extend(told.iter().flat_map(|line| wrapped(line, usize::from(inner.width))));
    }
    if let Some(password) = view.password.as_ref().filter(|_| state.shows_secrets) {
        text.push(format!("password: {password}"));
    }
    let lines: Vec<Line<'_>> = text.iter().map(|text| Line::raw(theme.plain(text))).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn style(kind: &LineKind, theme: Theme) -> Style {
    match kind {
        kind if kind.is_bad() => theme.bad(),
        LineKind::Step(step) if step.from == Party::Client => theme.strong(),
        LineKind::Step(_) => Style::new(),
        LineKind::Moved { .. } => theme.good(),
        LineKind::Finding => theme.doubtful(),
    }
}

/// `+0.812    #38  → PASV`.
fn told(view: &SessionView, line: &SessionLine, room: usize) -> String {
    let mark = match &line.kind {
        LineKind::Step(step) if lost(step).is_some() => "✗",
        LineKind::Step(step) if step.from == Party::Client => "→",
        LineKind::Step(_) => "←",
        LineKind::Moved { .. } => " ",
        LineKind::Finding => "!",
    };
    cut(&format!("{}{mark} {}", left(view, line), line.told()), room).into_owned()
}

/// When, and in which frame.
fn left(view: &SessionView, line: &SessionLine) -> String {
    let (time, frame) = view.widths;
    format!("{:time$} {:>frame$}  ", line.time, line.frame)
}

/// Columns for ` :65535`.
const PORT: usize = 7;

fn ladder_head(view: &SessionView, ladder: &Ladder, room: usize) -> String {
    let (time, frame) = view.widths;
    let left = time + 1 + frame + 2;
    format!("{}{}", " ".repeat(left), ladder.head(room.saturating_sub(left + 2 + PORT)))
}

/// `+0.812    #38  │ PASV ────────→ │ :21`.
fn rung(view: &SessionView, ladder: &Ladder, line: &SessionLine, room: usize) -> String {
    let left = left(view, line);
    let inner = room.saturating_sub(width(&left) + 2 + PORT);
    match &line.kind {
        LineKind::Step(step) => {
            format!("{left}│{}│ :{}", ladder.rung(step, &line.text, inner), step.port)
        }
        _ => format!("{left}│{}│", ladder.told(&line.text, inner)),
    }
}
