//! The keys of a screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::tui::app::State;
use crate::tui::keys::KEYS;
use crate::tui::theme::Theme;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let mut lines: Vec<(String, &str)> = Vec::new();
    for key in KEYS.iter().filter(|key| key.works_on(state.screen)) {
        // Keys that do the same stand together.
        match lines.last_mut().filter(|(_, help)| *help == key.help) {
            Some((names, _)) => *names = format!("{names} {}", key.name()),
            None => lines.push((key.name(), key.help)),
        }
    }
    let wide = lines.iter().map(|(names, help)| 14 + names.len().max(10) + help.len()).max();
    let width = (wide.unwrap_or(40) as u16).min(area.width.saturating_sub(2));
    // In two columns where one is too long.
    let room = usize::from(area.height.saturating_sub(4)).max(1);
    let height = (lines.len().min(room) as u16) + 2;
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height.saturating_sub(height)) / 2,
        width,
        height,
    };
    let shown: Vec<Line<'_>> = lines
        .iter()
        .take(room)
        .map(|(names, help)| Line::raw(format!(" {names:10}  {help}")))
        .collect();
    let title = format!(" Keys of {} ", state.screen.title());
    let block = if theme.is_ascii { Block::new() } else { Block::bordered() };
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(shown).block(block.title(title)), place);
}
