//! The terminal, sane again however this ends.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::execute;
use ratatui::{DefaultTerminal, Frame};

/// The terminal while it is ours.
pub(super) struct Terminal(DefaultTerminal);

impl Terminal {
    /// Takes it over; a panic gives it back before it is told.
    pub(super) fn enter() -> io::Result<Self> {
        let terminal = ratatui::try_init()?;
        let guard = Self(terminal);
        execute!(io::stdout(), EnableMouseCapture)?;
        Ok(guard)
    }

    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.0.size()?;
        Ok((size.width, size.height))
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }

    /// Puts a text on the clipboard, by the control sequence that most terminals know (OSC 52).
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        write!(out, "\x1b]52;c;{}\x07", STANDARD.encode(text))?;
        out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back. Whatever cannot be put back now never can.
pub fn restore() {
    let _ = execute!(io::stdout(), DisableMouseCapture);
    ratatui::restore();
}
