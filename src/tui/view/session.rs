//! One session, line by line or as a ladder, and the chosen line in full.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{list_and_detail, panel, rows, wrapped};
use crate::report::escape::{cut, width};
use crate::tui::app::State;
use crate::tui::session::{LineKind, SessionLine, SessionView};
use crate::tui::theme::Theme;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let Some(view) = &state.session else {
        let text = "Choose a session in 2 Sessions and press Enter.";
        return frame.render_widget(Paragraph::new(text), area);
    };
    let (list, detail) = list_and_detail(state.size, area, super::DETAIL);
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(list);
    let room = usize::from(body.width).saturating_sub(1);
    let title = match view.is_ladder {
        true => ladder_head(view, room),
        false => view.head.join("   "),
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
            let text = if view.is_ladder { rung(view, line, room) } else { told(view, line, room) };
            (place == view.chosen, style(line.kind, theme), text)
        }),
    );
    if let Some(area) = detail {
        let inner =
            panel(theme, &format!("{} of {}", view.chosen + 1, view.lines.len()), frame, area);
        let mut text = Vec::new();
        if let Some(line) = view.chosen_line() {
            text.push(format!("{} {}", line.time, line.frame));
            text.extend(
                line.detail.iter().flat_map(|line| wrapped(line, usize::from(inner.width))),
            );
        }
        if let Some(password) = view.password.as_ref().filter(|_| state.shows_secrets) {
            text.push(format!("password: {password}"));
        }
        let lines: Vec<Line<'_>> = text.iter().map(|text| Line::raw(theme.plain(text))).collect();
        frame.render_widget(Paragraph::new(lines), inner);
    }
}

fn style(kind: LineKind, theme: Theme) -> Style {
    match kind {
        LineKind::FromClient => theme.strong(),
        LineKind::FromServer | LineKind::FromOther => Style::new(),
        LineKind::Lost => theme.bad(),
        LineKind::Moved { is_bad: true } => theme.bad(),
        LineKind::Moved { is_bad: false } => theme.good(),
        LineKind::Finding => theme.doubtful(),
    }
}

fn columns(view: &SessionView) -> (usize, usize) {
    let lines = || view.lines.iter();
    let time = lines().map(|line| line.time.len()).max().unwrap_or(0);
    (time, lines().map(|line| line.frame.len()).max().unwrap_or(0))
}

/// `+0.812    #38  → PASV`.
fn told(view: &SessionView, line: &SessionLine, room: usize) -> String {
    let (time, frame) = columns(view);
    let mark = match line.kind {
        LineKind::FromClient => "→",
        LineKind::FromServer | LineKind::FromOther => "←",
        LineKind::Lost => "✗",
        LineKind::Moved { .. } => " ",
        LineKind::Finding => "!",
    };
    let text = format!("{:time$} {:>frame$}  {mark} {}", line.time, line.frame, line.text);
    cut(&text, room).into_owned()
}

fn ladder_head(view: &SessionView, room: usize) -> String {
    let (time, frame) = columns(view);
    let left = time + 1 + frame + 2;
    let fill = room.saturating_sub(left + width(&view.client) + width(&view.server) + 7);
    format!("{}{}{}{}", " ".repeat(left), view.client, " ".repeat(fill), view.server)
}

/// `+0.812    #38  │ PASV ────────→ │ :21`.
fn rung(view: &SessionView, line: &SessionLine, room: usize) -> String {
    let (time, frame) = columns(view);
    let left = format!("{:time$} {:>frame$}  ", line.time, line.frame);
    let inner = room.saturating_sub(width(&left) + 2 + 7);
    let text = cut(&line.text, inner.saturating_sub(4)).into_owned();
    let free = inner.saturating_sub(width(&text) + 3);
    let (arrow, port) = match line.kind {
        LineKind::FromClient => (format!(" {text} {}→", "─".repeat(free)), line.port),
        LineKind::FromServer | LineKind::FromOther => {
            (format!("←{} {text} ", "─".repeat(free)), line.port)
        }
        LineKind::Lost => (format!(" {text} {}✗", "─".repeat(free / 2)), line.port),
        LineKind::Moved { .. } | LineKind::Finding => (format!(" {text}"), 0),
    };
    let pad = " ".repeat(inner.saturating_sub(width(&arrow)));
    let port = if port > 0 { format!(" :{port}") } else { String::new() };
    format!("{left}│{arrow}{pad}│{port}")
}
