//! Drawing: from the state alone, so that drawing twice, or not at all, changes nothing.
//!
//! ```text
//!  ftpscope  day3.pcapng   1 Overview  2 Sessions  3 Session  4 Files  5 Findings
//! ──────────────────────────────────────────────────────────────────────────────
//!  the panel of the screen
//! ──────────────────────────────────────────────────────────────────────────────
//!  Enter open   / filter   ? keys                                      messages
//! ```

mod files;
mod findings;
mod help;
mod overview;
mod session;
mod sessions;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph};

use super::app::{Asking, Screen, State};
use super::keys::KEYS;
use super::theme::Theme;
use crate::report::escape::{cut, width};
use crate::report::human::{bytes, duration};

/// Smaller than this nothing can be read.
const LEAST: (u16, u16) = (60, 16);

/// Draws everything.
pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!(
            "{}×{} is too small: at least {}×{}",
            area.width, area.height, LEAST.0, LEAST.1
        );
        return frame.render_widget(Paragraph::new(theme.plain(&text)), area);
    }
    let [tabs, rule, body, lower, foot] = parts(area);
    draw_tabs(state, theme, frame, tabs);
    for line in [rule, lower] {
        let dashes = theme.plain(&"─".repeat(usize::from(line.width)));
        frame.render_widget(Line::styled(dashes, theme.dim()), line);
    }
    match state.screen {
        Screen::Overview => overview::draw(state, theme, frame, body),
        Screen::Sessions => sessions::draw(state, theme, frame, body),
        Screen::Session => session::draw(state, theme, frame, body),
        Screen::Files => files::draw(state, theme, frame, body),
        Screen::Findings => findings::draw(state, theme, frame, body),
    }
    draw_foot(state, theme, frame, foot);
    if state.is_help {
        help::draw(state, theme, frame, area);
    }
}

fn parts(area: Rect) -> [Rect; 5] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area)
}

/// What the tabs say, and where each begins.
fn tabs(state: &State) -> (String, Vec<(usize, String, Screen)>) {
    let room = usize::from(state.size.0);
    let names: Vec<String> = Screen::ALL
        .iter()
        .enumerate()
        .map(|(nth, screen)| format!("{} {}", nth + 1, screen.title()))
        .collect();
    let all: usize = names.iter().map(|name| name.len() + 2).sum();
    let title = format!(" ftpscope  {}", state.title);
    let title = cut(&title, room.saturating_sub(all + 2)).into_owned();
    let mut at = width(&title) + 3;
    let mut places = Vec::new();
    for (name, screen) in names.into_iter().zip(Screen::ALL) {
        let next = at + name.len() + 2;
        places.push((at, name, screen));
        at = next;
    }
    (title, places)
}

/// The screen whose tab stands there.
pub(super) fn tab_at(state: &State, column: u16) -> Option<Screen> {
    let column = usize::from(column);
    let (_, places) = tabs(state);
    let at = places.into_iter().find(|(at, name, _)| (*at..*at + name.len()).contains(&column));
    at.map(|(.., screen)| screen)
}

fn draw_tabs(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let (title, places) = tabs(state);
    let mut spans = vec![Span::styled(theme.plain(&title), theme.strong()), Span::raw("   ")];
    for (_, name, screen) in places {
        let style = if screen == state.screen { theme.chosen() } else { Style::new() };
        spans.extend([Span::styled(name, style), Span::raw("  ")]);
    }
    frame.render_widget(Line::from(spans), area);
}

/// The keys that matter here, and on the right what is going on.
fn draw_foot(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    if let Some((asking, input)) = &state.asking {
        let what = match asking {
            Asking::Filter => "filter: ",
            Asking::Frame => "frame: ",
            Asking::Secrets => "show passwords? type yes: ",
        };
        let column = area.x + 1 + (what.len() + input.visual_cursor()) as u16;
        let line = Line::from(vec![
            Span::raw(" "),
            Span::styled(what, theme.strong()),
            Span::raw(crate::report::escape::escape(input.value()).into_owned()),
        ]);
        frame.render_widget(line, area);
        return frame.set_cursor_position((column.min(area.right().saturating_sub(1)), area.y));
    }
    let keys = KEYS.iter().filter(|key| key.works_on(state.screen));
    let keys = keys.filter_map(|key| Some(format!("{} {}", key.name(), key.foot?)));
    let mut keys: Vec<String> = keys.collect();
    let told = state.message.clone().unwrap_or_else(|| going_on(state));
    let room = usize::from(area.width).saturating_sub(width(&told) + 3);
    while keys.join("   ").chars().count() > room && keys.len() > 1 {
        keys.remove(keys.len() - 2);
    }
    frame.render_widget(Line::styled(format!(" {}", keys.join("   ")), theme.dim()), area);
    let told = cut(&told, usize::from(area.width).saturating_sub(2)).into_owned();
    let line = Line::styled(format!("{} ", theme.plain(&told)), theme.strong());
    frame.render_widget(line.right_aligned(), area);
}

/// How far reading is.
fn going_on(state: &State) -> String {
    let Some(reading) = state.reading else { return String::new() };
    let rate = (reading.seconds > 0.2).then(|| reading.bytes as f64 / reading.seconds);
    let speed = rate.map(|rate| format!("  {}/s", bytes(rate as u64))).unwrap_or_default();
    let Some(total) = reading.total.filter(|total| *total > 0) else {
        return format!("reading {}{speed}", bytes(reading.bytes));
    };
    let part = (reading.bytes as f64 / total as f64).min(1.0);
    let left = rate.filter(|rate| *rate > 0.0).map(|rate| {
        let seconds = total.saturating_sub(reading.bytes) as f64 / rate;
        format!("  {} left", duration((seconds * 1e9) as i64))
    });
    let full = (part * 10.0) as usize;
    let bar = format!("[{}{}]", "#".repeat(full), ".".repeat(10_usize.saturating_sub(full)));
    format!("{bar} {} of {}{speed}{}", bytes(reading.bytes), bytes(total), left.unwrap_or_default())
}

/// The list of a screen, and what stands beside or below it.
fn list_and_detail(size: (u16, u16), body: Rect) -> [Rect; 2] {
    if size.0 >= WIDE {
        return Layout::horizontal([Constraint::Percentage(55), Constraint::Percentage(45)])
            .areas(body);
    }
    Layout::vertical([Constraint::Min(3), Constraint::Length(DETAIL)]).areas(body)
}

/// From here on what is chosen is told beside the list.
const WIDE: u16 = 120;

/// Rows of detail below a list.
const DETAIL: u16 = 8;

/// Rows of the list that are visible: what stands in it, without its heading.
pub(super) fn list_height(state: &State) -> usize {
    let size = state.size;
    let body = size.1.saturating_sub(4);
    let list = if size.0 >= WIDE { body } else { body.saturating_sub(DETAIL) };
    usize::from(list.saturating_sub(1)).max(1)
}

/// The place in the list of the screen that stands in this row.
pub(super) fn row_at(state: &State, row: u16) -> Option<usize> {
    let first = 3;
    let line = usize::from(row).checked_sub(first)?;
    if line >= list_height(state) {
        return None;
    }
    match state.screen {
        Screen::Overview => overview::place_at(state, line),
        Screen::Sessions => Some(state.sessions.top + line).filter(|at| *at < state.sessions.len()),
        Screen::Session => {
            let session = state.session.as_ref()?;
            Some(session.top + line).filter(|at| *at < session.lines.len())
        }
        Screen::Files => match &state.tree {
            Some(tree) => Some(tree.top + line).filter(|at| *at < tree.lines.len()),
            None => Some(state.files.top + line).filter(|at| *at < state.files.len()),
        },
        Screen::Findings => Some(state.findings.top + line).filter(|at| *at < state.findings.len()),
    }
}

/// Cells of a row, each cut to its column; what is left is the last one's.
fn cells(columns: &[(usize, String)], room: usize) -> String {
    let mut text = String::new();
    for (nth, (wide, cell)) in columns.iter().enumerate() {
        let is_last = nth + 1 == columns.len();
        let wide = if is_last { room.saturating_sub(width(&text)) } else { *wide };
        let cell = cut(cell, wide);
        text.push_str(&cell);
        if !is_last {
            text.push_str(&" ".repeat(wide.saturating_sub(width(&cell)) + 1));
        }
    }
    text
}

/// Draws rows, the chosen one marked.
fn rows<'a>(
    theme: Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    lines: impl Iterator<Item = (bool, Style, String)> + 'a,
) {
    let lines = lines.map(|(is_chosen, style, text)| {
        let mark = if is_chosen { "▸" } else { " " };
        let text = format!("{}{text}", theme.plain(mark));
        let fill = usize::from(area.width).saturating_sub(width(&text));
        let style = if is_chosen { style.patch(theme.chosen()) } else { style };
        Line::styled(format!("{}{}", theme.plain(&text), " ".repeat(fill)), style)
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), area);
}

/// Text in words, broken at blanks.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let words = text.split(' ').flat_map(|word| pieces(word, room));
    for word in words {
        let word = word.as_str();
        if !line.is_empty() && width(&line) + 1 + width(word) > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// A word that is longer than a line, in pieces that are not: a hash must be read to its end.
fn pieces(word: &str, room: usize) -> Vec<String> {
    if width(word) <= room || room == 0 {
        return vec![word.to_owned()];
    }
    let chars: Vec<char> = word.chars().collect();
    chars.chunks(room).map(|piece| piece.iter().collect()).collect()
}

/// A frame around what is told of the chosen row.
fn panel(theme: Theme, title: &str, frame: &mut Frame<'_>, area: Rect) -> Rect {
    let borders = if theme.is_ascii { Borders::NONE } else { Borders::TOP | Borders::LEFT };
    let block = Block::new().borders(borders).border_style(theme.dim()).title(format!(" {title} "));
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    inner
}
