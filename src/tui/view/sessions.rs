//! All sessions, and the chosen one in a few lines.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{cells, list_and_detail, panel, rows, wrapped};
use crate::report::document::session_id;
use crate::report::human::{bytes, duration, moment, number};
use crate::tui::app::State;
use crate::tui::row::SessionRow;
use crate::tui::severity_mark;
use crate::tui::sort::{SESSION_SORTS, order};
use crate::tui::theme::Theme;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let [list, detail] = list_and_detail(state.size, area);
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(list);
    let room = usize::from(list.width).saturating_sub(1);
    let order = order(state.session_sort, &SESSION_SORTS, state.ready.is_some());
    let all = state.session_rows();
    let counted =
        format!("{} of {} {order}", number(state.sessions.len() as u64), number(all.len() as u64));
    let titles = columns(room, Row::heading());
    frame.render_widget(Line::styled(format!(" {}", cells(&titles, room)), theme.strong()), head);
    let shown = state.sessions.visible(usize::from(body.height)).filter_map(|(place, number)| {
        let row = all.get(number)?;
        let style = match row.worst {
            Some(worst) => severity_mark(worst, theme).0,
            None => Style::new(),
        };
        let text = cells(&columns(room, Row::of(row, theme)), room);
        Some((place == state.sessions.place(), style, text))
    });
    rows(theme, frame, body, shown);
    let inner = panel(theme, &counted, frame, detail);
    let row = state.sessions.chosen().and_then(|number| all.get(number));
    let text = row.map(|row| told(row, usize::from(inner.width))).unwrap_or_default();
    let lines: Vec<Line<'_>> = text.iter().map(|text| Line::raw(theme.plain(text))).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

struct Row {
    start: String,
    client: String,
    server: String,
    user: String,
    files: String,
    bytes: String,
    mark: String,
}

impl Row {
    fn heading() -> Self {
        let own = str::to_owned;
        Self {
            start: own("start"),
            client: own("client"),
            server: own("server"),
            user: own("user"),
            files: own("files"),
            bytes: own("bytes"),
            mark: own("!"),
        }
    }

    fn of(row: &SessionRow, theme: Theme) -> Self {
        let start = moment(row.start);
        let start = start.as_deref().and_then(|text| text.get(11..19)).unwrap_or("?").to_owned();
        let all = row.tally.done + row.tally.failed;
        let mark = match row.worst {
            Some(worst) => format!("{} {}", row.findings, severity_mark(worst, theme).1),
            None if row.is_open => "open".to_owned(),
            None => String::new(),
        };
        Self {
            start,
            client: row.client.ip.to_string(),
            server: row.server.to_string(),
            user: row.user.clone(),
            files: format!("{}/{all}", row.tally.done),
            bytes: bytes(row.tally.down + row.tally.up),
            mark,
        }
    }
}

/// The columns there is room for; names get what is left.
fn columns(room: usize, row: Row) -> Vec<(usize, String)> {
    let fixed = 8 + 1 + 7 + 1 + 8 + 1 + 4;
    let left = room.saturating_sub(fixed + 3);
    let (client, server) = (left * 3 / 10, left * 4 / 10);
    let user = left.saturating_sub(client + server);
    vec![
        (8, row.start),
        (client, row.client),
        (server, row.server),
        (user, row.user),
        (7, row.files),
        (8, row.bytes),
        (4, row.mark),
    ]
}

fn told(row: &SessionRow, room: usize) -> Vec<String> {
    let mut facts = vec![
        format!("{}  {} → {}", session_id(row.id), row.client, row.server),
        format!(
            "{}  {}",
            moment(row.start).unwrap_or_else(|| "time unknown".to_owned()),
            duration(row.nanos)
        ),
    ];
    let user = if row.user.is_empty() { "no user".to_owned() } else { row.user.clone() };
    let words =
        [user, format!("login {}", row.login), row.mode.to_owned(), row.encryption.to_owned()];
    facts.push(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", "));
    let tally = row.tally;
    facts.push(format!(
        "{} done, {} failed   ↓ {}   ↑ {}",
        tally.done,
        tally.failed,
        bytes(tally.down),
        bytes(tally.up)
    ));
    if row.is_open {
        facts.push("goes on".to_owned());
    }
    if row.findings > 0 {
        facts.push(format!("{} findings", row.findings));
    }
    facts.iter().flat_map(|fact| wrapped(fact, room)).collect()
}
