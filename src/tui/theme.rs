//! Colours by what they mean, out of the sixteen that every terminal has and its user chose. No
//! meaning is in a colour alone.

use ratatui::style::{Color, Modifier, Style};

#[derive(Clone, Copy, Debug)]
pub struct Theme {
    has_colour: bool,
    /// Only characters that every terminal can draw.
    pub is_ascii: bool,
}

impl Theme {
    pub fn new(has_colour: bool, is_ascii: bool) -> Self {
        Self { has_colour, is_ascii }
    }

    fn ink(self, colour: Color) -> Style {
        if self.has_colour { Style::new().fg(colour) } else { Style::new() }
    }

    pub(super) fn bad(self) -> Style {
        self.ink(Color::Red)
    }

    pub(super) fn doubtful(self) -> Style {
        self.ink(Color::Yellow)
    }

    pub(super) fn good(self) -> Style {
        self.ink(Color::Green)
    }

    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Without the characters this program draws with that not every terminal has. Names keep theirs.
    pub(super) fn plain(self, text: &str) -> String {
        if !self.is_ascii {
            return text.to_owned();
        }
        let spelled = |c: char| match c {
            '→' | '▸' => '>',
            '←' => '<',
            '↓' => 'v',
            '↑' => '^',
            '─' => '-',
            '│' => '|',
            '✗' => 'x',
            '≡' => '=',
            '⇄' => '~',
            '…' | '·' => '.',
            '–' => '-',
            '×' => 'x',
            c => c,
        };
        text.chars().map(spelled).collect()
    }
}
