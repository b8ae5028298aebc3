//! What is typed at the foot of the screen: a filter, a frame, a confirmation.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::{Input, InputRequest};

use super::app::{Asking, Effect, Screen, State};
use super::filter::Filter;
use super::row::{Fields, FileRow, SessionRow};
use super::session::SessionLine;
use super::tree::TreeLine;
use crate::analysis::Finding;

impl State {
    pub(super) fn ask(&mut self, asking: Asking) {
        self.asking = Some((asking, Input::default()));
    }

    /// A key while something is typed.
    pub(super) fn type_in(&mut self, event: KeyEvent) -> Effect {
        let Some((asking, input)) = &mut self.asking else { return Effect::None };
        let (asking, is_over) = (*asking, matches!(event.code, KeyCode::Enter | KeyCode::Esc));
        if is_over {
            let text = input.value().to_owned();
            self.asking = None;
            if event.code == KeyCode::Enter {
                self.answer(asking, &text);
            } else if asking == Asking::Filter {
                self.refilter("");
            }
            return Effect::None;
        }
        let request = match event.code {
            KeyCode::Char(c) => InputRequest::InsertChar(c),
            KeyCode::Backspace => InputRequest::DeletePrevChar,
            KeyCode::Delete => InputRequest::DeleteNextChar,
            KeyCode::Left => InputRequest::GoToPrevChar,
            KeyCode::Right => InputRequest::GoToNextChar,
            KeyCode::Home => InputRequest::GoToStart,
            KeyCode::End => InputRequest::GoToEnd,
            _ => return Effect::None,
        };
        input.handle(request);
        let text = input.value().to_owned();
        if asking == Asking::Filter {
            self.refilter(&text);
        }
        Effect::None
    }

    fn answer(&mut self, asking: Asking, text: &str) {
        match asking {
            Asking::Filter => self.refilter(text),
            Asking::Frame => {
                let frame = text.trim().trim_start_matches('#').parse::<u64>();
                let height = super::view::list_height(self);
                match (frame, &mut self.session) {
                    (Ok(frame), Some(session)) => session.jump(frame, height),
                    _ => self.say("A frame number is expected."),
                }
            }
            Asking::Secrets => {
                self.shows_secrets = text.eq_ignore_ascii_case("yes");
                if !self.shows_secrets {
                    self.say("Passwords stay masked.");
                }
            }
        }
    }

    fn refilter(&mut self, text: &str) {
        let height = super::view::list_height(self);
        let matcher = &mut self.matcher;
        match (self.screen, &mut self.session, &mut self.tree) {
            (Screen::Session, Some(session), _) => {
                session.seek(Filter::parse(text, SessionLine::NAMES), height, matcher);
            }
            (Screen::Files, _, Some(tree)) => {
                tree.seek(Filter::parse(text, TreeLine::NAMES), height, matcher);
            }
            _ => {
                let names = match self.screen {
                    Screen::Sessions => SessionRow::NAMES,
                    Screen::Files => FileRow::NAMES,
                    _ => Finding::NAMES,
                };
                let filter = Filter::parse(text, names);
                if let Some(list) = self.list() {
                    list.set_filter(filter);
                }
                self.look();
            }
        }
    }
}
