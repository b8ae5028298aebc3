//! All files with a preview of the chosen one; or what clients saw of the servers.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{cells, list_and_detail, panel, rows};
use crate::analysis::{LogicalFile, Piece, Range};
use crate::ftp::{Entry, EntryKind};
use crate::report::document::{file_id, session_id, transfer_id};
use crate::report::escape::{cut, cut_front, escape, width};
use crate::report::human::{bytes, number};
use crate::report::text::arrow;
use crate::transfer::{Listing, Outcome};
use crate::tui::app::{Content, Preview, State};
use crate::tui::row::{Fate, FileKey, FileRow};
use crate::tui::sort::{FILE_SORTS, order};
use crate::tui::theme::Theme;
use crate::tui::tree::TreeView;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let [list, detail] = list_and_detail(state.size, area);
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(list);
    let room = usize::from(list.width).saturating_sub(1);
    match &state.tree {
        Some(tree) => draw_tree(tree, theme, frame, head, body),
        None => draw_list(state, theme, frame, [head, body], room),
    }
    let chosen = state.chosen_file();
    let row = match state.tree {
        Some(_) => chosen.and_then(|key| state.file_rows().iter().find(|row| row.key == key)),
        None => state.files.chosen().and_then(|row| state.file_rows().get(row)),
    };
    let order = order(state.file_sort, &FILE_SORTS, state.ready.is_some());
    let title = match state.tree {
        Some(_) => "preview".to_owned(),
        None => format!(
            "{} of {} {order}",
            number(state.files.len() as u64),
            number(state.file_rows().len() as u64)
        ),
    };
    let inner = panel(theme, &title, frame, detail);
    let Some(row) = row else { return };
    let mut lines = vec![format!("{} {}", row.key.id(), row.path)];
    let facts = [row.media.clone(), row.fate.name().replace('_', " "), hash(row)];
    lines.push(facts.into_iter().filter(|fact| !fact.is_empty()).collect::<Vec<_>>().join("  "));
    let width = usize::from(inner.width);
    if let Some((nth, file)) = state.file_of(row.key) {
        lines.extend(together(nth, file, row.key));
    }
    let left = usize::from(inner.height).saturating_sub(lines.len());
    let listing = match row.key {
        FileKey::Transfer(id) => state.listing(id),
        FileKey::File(_) => None,
    };
    match listing.filter(|_| !state.is_hex) {
        Some(listing) => lines.extend(table(listing, left)),
        None => {
            let content = state.previewed(row.key).and_then(|id| state.contents.get(&id));
            lines.extend(preview(content, state.is_hex, width, left));
        }
    }
    let lines: Vec<Line<'_>> =
        lines.iter().map(|line| Line::raw(theme.plain(&cut(line, width)))).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn draw_list(
    state: &State,
    theme: Theme,
    frame: &mut Frame<'_>,
    [head, body]: [Rect; 2],
    room: usize,
) {
    let titles = ["", "session", "file", "size", "outcome"].map(str::to_owned);
    let titles = format!(" {}", cells(&columns(room, titles), room));
    frame.render_widget(Line::styled(titles, theme.strong()), head);
    let shown = state.files.visible(usize::from(body.height)).filter_map(|(place, number)| {
        let row = state.file_rows().get(number)?;
        let arrow = arrow(row.direction);
        let path = cut_front(&row.path, path_room(room)).into_owned();
        let size = row.bytes.map(bytes).unwrap_or_default();
        let cell = [
            arrow.to_owned(),
            session_id(row.session),
            path,
            size,
            row.fate.name().replace('_', " "),
        ];
        Some((
            place == state.files.place(),
            style(row.fate, theme),
            cells(&columns(room, cell), room),
        ))
    });
    rows(theme, frame, body, shown);
}

fn path_room(room: usize) -> usize {
    room.saturating_sub(1 + 7 + 8 + 13 + 4)
}

fn columns(
    room: usize,
    [arrow, session, path, size, outcome]: [String; 5],
) -> Vec<(usize, String)> {
    vec![(1, arrow), (7, session), (path_room(room), path), (8, size), (13, outcome)]
}

fn style(fate: Fate, theme: Theme) -> Style {
    match fate {
        Fate::Transfer(Outcome::Complete) | Fate::Pieces { is_whole: true } => theme.good(),
        Fate::Transfer(outcome) if outcome.is_failed() => theme.bad(),
        Fate::Transfer(Outcome::Encrypted) => Style::new(),
        Fate::Transfer(_) | Fate::Pieces { is_whole: false } => theme.doubtful(),
    }
}

fn hash(row: &FileRow) -> String {
    match row.hash.get(..16) {
        Some(short) => format!("sha256 {short}…"),
        None => String::new(),
    }
}

fn draw_tree(tree: &TreeView, theme: Theme, frame: &mut Frame<'_>, head: Rect, body: Rect) {
    let room = usize::from(body.width).saturating_sub(1);
    let columns = |name: String, size: String, done: String| {
        vec![(room.saturating_sub(8 + 20 + 2), name), (8, size), (20, done)]
    };
    let titles = ["what clients saw", "size", "moved"].map(str::to_owned);
    let [name, size, done] = titles;
    let title = format!(" {}", cells(&columns(name, size, done), room));
    frame.render_widget(Line::styled(title, theme.strong()), head);
    if tree.lines.is_empty() {
        return frame.render_widget(Line::raw(" No listing of a server is in the capture."), body);
    }
    let shown = tree.lines.iter().enumerate().skip(tree.top).take(usize::from(body.height));
    rows(
        theme,
        frame,
        body,
        shown.map(|(place, line)| {
            let style = if line.is_server { theme.strong() } else { Style::new() };
            let cell = columns(line.name.clone(), line.size.clone(), line.done.clone());
            (place == tree.chosen, style, cells(&cell, room))
        }),
    );
}

/// `part of file1: t1 0–32,768  t5 32,768–90,000  whole`; of the file itself its pieces, holes and
/// former names.
fn together(nth: usize, file: &LogicalFile, key: FileKey) -> Vec<String> {
    let span = |range: &Range| format!("{}–{}", number(range.start), number(range.end));
    let piece = |piece: &Piece| {
        let range = piece.range.as_ref().map(span);
        format!("{} {}", transfer_id(piece.transfer), range.as_deref().unwrap_or("?"))
    };
    let pieces: Vec<String> = file.pieces.iter().take(MOST_PIECES).map(piece).collect();
    let pieces = pieces.join("  ");
    let more = file.pieces.len().saturating_sub(MOST_PIECES);
    let more = if more > 0 { format!("  and {more} more") } else { String::new() };
    if key != FileKey::File(nth) {
        let whole = if file.is_whole() { "whole" } else { "not whole" };
        return vec![format!("part of {}: {pieces}{more}  {whole}", file_id(nth))];
    }
    let mut lines = vec![format!("pieces: {pieces}{more}")];
    let holes: Vec<String> = file.holes.iter().take(MOST_PIECES).map(span).collect();
    if !holes.is_empty() {
        lines.push(format!("not in the capture: {}", holes.join("  ")));
    }
    if file.size.is_none() {
        lines.push("nothing shows where it ends".to_owned());
    }
    let former: Vec<_> =
        file.former.iter().take(MOST_PIECES).map(|name| String::from_utf8_lossy(name)).collect();
    if !former.is_empty() {
        lines.push(format!("before that: {}", escape(&former.join("  "))));
    }
    lines
}

/// Pieces, holes and names listed of a file.
const MOST_PIECES: usize = 16;

/// A listing as what it says: `report.pdf  335 B  2024-02-29T12:00  -rw-r--r--`.
fn table(listing: &Listing, height: usize) -> Vec<String> {
    let name = |entry: &Entry| {
        let slash = if entry.kind == EntryKind::Directory { "/" } else { "" };
        format!("{}{slash}", escape(&String::from_utf8_lossy(&entry.name)))
    };
    let shown = || listing.entries.iter().take(height);
    let widest = shown().map(|entry| width(&name(entry))).max().unwrap_or(0).min(40);
    let row = |entry: &Entry| {
        let (name, size) = (name(entry), entry.size.map(bytes).unwrap_or_default());
        let modified = entry.modified.map(|at| at.to_string()).unwrap_or_default();
        let permissions = entry.permissions.as_deref().map(String::from_utf8_lossy);
        let permissions = permissions.map(|text| escape(&text).into_owned()).unwrap_or_default();
        let pad = " ".repeat(widest.saturating_sub(width(&name)));
        format!("{}{pad}  {size:>8}  {modified:16}  {permissions}", cut(&name, widest))
    };
    let unparsed =
        listing.unparsed.iter().map(|line| format!("? {}", escape(&String::from_utf8_lossy(line))));
    shown().map(row).chain(unparsed).take(height).collect()
}

/// The beginning of a file, with its holes.
fn preview(content: Option<&Content>, is_hex: bool, room: usize, height: usize) -> Vec<String> {
    match content {
        None => Vec::new(),
        Some(Content::Reading) => vec!["reading …".to_owned()],
        Some(Content::Failed(why)) => vec![why.clone()],
        Some(Content::Here(preview)) => match is_hex || !is_text(preview) {
            true => hex(preview, room, height),
            false => text(preview, room, height),
        },
    }
}

fn is_text(preview: &Preview) -> bool {
    let odd =
        preview.bytes.iter().filter(|byte| **byte < 32 && !b"\r\n\t\x0c".contains(byte)).count();
    odd == 0
}

fn text(preview: &Preview, room: usize, height: usize) -> Vec<String> {
    let mut at = 0;
    let mut lines = Vec::new();
    for line in preview.bytes.split_inclusive(|byte| *byte == b'\n').take(height) {
        let next = at + line.len() as u64;
        let line_end = line.trim_ascii_end();
        let shown = cut(&escape(&String::from_utf8_lossy(line_end)), room).into_owned();
        lines.extend(holes(preview, at, next));
        lines.push(shown);
        at = next;
    }
    lines
}

/// `00000010  50 4b 03 04 …  PK..`.
fn hex(preview: &Preview, room: usize, height: usize) -> Vec<String> {
    let wide = if room >= 76 { 16 } else { 8 };
    let mut lines = Vec::new();
    for (nth, chunk) in preview.bytes.chunks(wide).take(height).enumerate() {
        let at = (nth * wide) as u64;
        lines.extend(holes(preview, at, at + chunk.len() as u64));
        let octets: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = chunk.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        });
        let text: String = text.collect();
        lines.push(format!("{at:08x}  {:<w$}  {text}", octets.join(" "), w = wide * 3 - 1));
    }
    lines
}

/// What is missing between two places of the preview.
fn holes(preview: &Preview, from: u64, to: u64) -> impl Iterator<Item = String> {
    let here = preview.holes.iter().filter(move |(at, _)| (from..to).contains(at));
    here.map(|(at, len)| format!("--- {len} bytes missing from {at} on: not in the capture ---"))
}
