//! From one thing to another: what Enter leads to, and what `n` and `N` do.

use super::app::{Screen, State};
use super::filter::Filter;
use super::list::Hit;
use super::load::Wanted;
use super::overview::Item;
use super::row::{Fields, FileKey, FileRow, SessionRow};
use super::session::SessionView;
use super::view;
use crate::session::{SessionId, TransferId};
use crate::time::Stamp;

/// Where to look in a session, once it is put together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Aim {
    Session,
    Transfer(TransferId),
    Frames(Vec<Stamp>),
}

impl State {
    /// Opens what is chosen.
    pub(super) fn open(&mut self) {
        match self.screen {
            Screen::Overview => self.open_item(),
            Screen::Sessions => {
                if let Some(id) = self.chosen_session() {
                    self.open_session(id, Aim::Session);
                }
            }
            Screen::Files => self.open_file(),
            Screen::Findings => {
                let finding = self.chosen_finding();
                match finding.map(|finding| (finding.session, finding.frames.clone())) {
                    Some((Some(session), frames)) => {
                        self.open_session(session, Aim::Frames(frames));
                    }
                    Some((None, _)) => self.say("This is of the capture, not of one session."),
                    None => {}
                }
            }
            Screen::Session => {
                if let Some(id) = self.session.as_deref().and_then(SessionView::chosen_transfer) {
                    self.open_transfer(id);
                }
            }
        }
    }

    fn open_file(&mut self) {
        let id = match self.chosen_file() {
            Some(FileKey::Transfer(id)) => Some(id),
            // A file of several: where its last part was moved.
            Some(key) => self.file_of(key).and_then(|(_, file)| Some(file.pieces.last()?.transfer)),
            None => None,
        };
        let Some(id) = id else { return };
        let row = self.file_rows().iter().find(|row| row.key == FileKey::Transfer(id));
        if let Some(session) = row.map(|row| row.session) {
            self.open_session(session, Aim::Transfer(id));
        }
    }

    /// From its line in a session to the list of files.
    fn open_transfer(&mut self, id: TransferId) {
        let row = self.file_rows().iter().position(|row| row.key == FileKey::Transfer(id));
        self.go(Screen::Files);
        self.tree = None;
        if let Some(row) = row {
            self.files.choose_row(row);
            self.files.follow(view::list_height(self));
        }
    }

    fn open_item(&mut self) {
        let Some(item) = self.overview.get(self.overview_at).cloned() else { return };
        match item {
            Item::Finding(number) => {
                self.go(Screen::Findings);
                self.findings.choose_row(number);
            }
            Item::Sessions { filter, .. } => {
                self.go(Screen::Sessions);
                self.sessions.set_filter(Filter::parse(&filter, SessionRow::NAMES));
                self.look();
                self.resort();
            }
            Item::Files { filter, .. } => {
                self.go(Screen::Files);
                self.tree = None;
                self.files.set_filter(Filter::parse(&filter, FileRow::NAMES));
                self.look();
                self.resort();
            }
        }
    }

    pub(super) fn open_session(&mut self, id: SessionId, aim: Aim) {
        self.wanted = Some(Wanted::Session { id, is_ladder: false });
        self.aim = Some(aim);
    }

    /// Asks for the session that is shown again: there may be more of it.
    pub(super) fn renew_session(&mut self) {
        if let (Some(view), None) = (&self.session, self.wanted) {
            let (id, is_ladder) = (view.id, view.ladder.is_some());
            self.wanted = Some(Wanted::Session { id, is_ladder });
        }
    }

    pub(super) fn toggle_ladder(&mut self) {
        if let Some(view) = &self.session {
            let (id, is_ladder) = (view.id, view.ladder.is_none());
            self.wanted = Some(Wanted::Session { id, is_ladder });
        }
    }

    /// A session was put together: one that was opened, or more of the one that is shown.
    pub(super) fn show_session(&mut self, id: SessionId, view: Option<Box<SessionView>>) {
        let Some(mut view) = view else {
            if self.aim.take().is_some() {
                self.say("That session is not kept.");
            }
            return;
        };
        let height = view::list_height(self);
        let aim = self.aim.take();
        match (&aim, self.session.take()) {
            (Some(Aim::Transfer(id)), _) => view.choose_transfer(*id),
            (Some(Aim::Frames(frames)), _) => view.choose_frame(frames),
            (Some(Aim::Session), _) => {}
            (None, Some(before)) if before.id == id => view.follow_on(*before),
            // Somebody went elsewhere meanwhile.
            (None, other) => return self.session = other,
        }
        view.follow(height);
        self.session = Some(view);
        if aim.is_some() {
            self.choose_session(id);
            self.go(Screen::Session);
        }
    }

    pub(super) fn toggle_tree(&mut self) {
        if self.ready.is_none() {
            self.say("The tree is put together once the capture is read.");
        } else if self.tree.take().is_none() {
            self.wanted = Some(Wanted::Tree);
        }
    }

    /// To the next row that is looked for.
    pub(super) fn next_match(&mut self, by: isize) {
        let height = view::list_height(self);
        let ready = self.ready.clone();
        let matcher = &mut self.matcher;
        let hit = match self.screen {
            Screen::Overview => return self.step(by),
            Screen::Session => match &mut self.session {
                Some(session) => session.next(by, height, matcher),
                None => return,
            },
            Screen::Sessions => {
                let rows = ready.as_ref().map_or(&self.found[..], |ready| &ready.sessions);
                self.sessions.next(rows, by, matcher)
            }
            Screen::Files => match &mut self.tree {
                Some(tree) => tree.next(by, height, matcher),
                None => {
                    let rows = ready.as_ref().map_or(&self.found_files[..], |ready| &ready.files);
                    self.files.next(rows, by, matcher)
                }
            },
            Screen::Findings => {
                let rows = ready.as_ref().map_or(&[][..], |ready| &ready.analysis.findings);
                self.findings.next(rows, by, matcher)
            }
        };
        if let Some(list) = self.list() {
            list.follow(height);
        }
        match hit {
            Hit::Found => {}
            Hit::None => self.say("Nothing further on."),
            Hit::NothingSought => self.say("/ looks for something; n and N go on."),
            Hit::Unfinished => self.say("Nothing among these; n goes on looking."),
        }
    }
}
