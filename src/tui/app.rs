//! What is on the screen, and how keys change it. Nothing here knows a terminal, reads a file or
//! waits.

use std::collections::HashMap;
use std::sync::Arc;

use crossterm::event::KeyEvent;
use nucleo_matcher::Matcher;
use tui_input::Input;

use super::filter::{self, Filter};
use super::keys::{Action, action_for};
use super::list::List;
use super::load::{Ready, Told, Wanted};
use super::open::Aim;
use super::overview::{self, Item};
use super::row::{FileKey, FileRow, SessionRow};
use super::session::SessionView;
use super::sort::AS_THEY_COME;
use super::tree::TreeView;
use crate::analysis::{Finding, LogicalFile, Piece};
use crate::session::{SessionId, TransferId};
use crate::transfer::{Listing, Transfer};

/// What there is to look at.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(super) enum Screen {
    #[default]
    Overview,
    Sessions,
    Session,
    Files,
    Findings,
}

impl Screen {
    pub(super) const ALL: [Self; 5] =
        [Self::Overview, Self::Sessions, Self::Session, Self::Files, Self::Findings];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Sessions => "Sessions",
            Self::Session => "Session",
            Self::Files => "Files",
            Self::Findings => "Findings",
        }
    }
}

/// What is to be done that is not of the screen.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Effect {
    None,
    Quit,
    /// Reading is to end; what is known stays.
    StopReading,
    Extract(Vec<FileKey>),
    Copy(String),
}

/// What is typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asking {
    Filter,
    Frame,
    Secrets,
}

/// How far reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) bytes: u64,
    pub(super) total: Option<u64>,
    pub(super) seconds: f64,
}

/// What is known of the content of a file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Reading,
    Failed(String),
    Here(Arc<Preview>),
}

/// The beginning of a file.
#[derive(Debug, Default)]
pub(super) struct Preview {
    pub(super) bytes: Vec<u8>,
    /// Where octets are missing that the capture does not have, and how many.
    pub(super) holes: Vec<(u64, u64)>,
}

/// Everything that is on the screen.
pub(super) struct State {
    pub(super) size: (u16, u16),
    pub(super) screen: Screen,
    /// Where Esc leads, the last one last.
    back: Vec<Screen>,
    pub(super) title: String,
    pub(super) ready: Option<Arc<Ready>>,
    /// Until everything is read, the sessions found so far.
    pub(super) found: Vec<SessionRow>,
    found_at: HashMap<SessionId, usize>,
    pub(super) found_files: Vec<FileRow>,
    /// Rows that were found before have changed, and filter and order were not asked again.
    pub(super) is_stale: bool,
    /// What is to be put together, elsewhere, and what of it is to be looked at.
    pub(super) wanted: Option<Wanted>,
    pub(super) aim: Option<Aim>,
    pub(super) reading: Option<Reading>,
    pub(super) overview: Vec<Item>,
    pub(super) overview_at: usize,
    pub(super) sessions: List,
    pub(super) session_sort: (usize, bool),
    pub(super) session: Option<Box<SessionView>>,
    pub(super) files: List,
    pub(super) file_sort: (usize, bool),
    pub(super) tree: Option<TreeView>,
    pub(super) findings: List,
    pub(super) contents: HashMap<TransferId, Content>,
    pub(super) is_hex: bool,
    pub(super) asking: Option<(Asking, Input)>,
    pub(super) is_help: bool,
    pub(super) shows_secrets: bool,
    /// What came of the last thing asked for.
    pub(super) message: Option<String>,
    pub(super) matcher: Matcher,
}

impl State {
    pub(super) fn new(title: String, size: (u16, u16)) -> Self {
        Self {
            size,
            screen: Screen::Overview,
            back: Vec::new(),
            title,
            ready: None,
            found: Vec::new(),
            found_at: HashMap::new(),
            found_files: Vec::new(),
            is_stale: false,
            wanted: None,
            aim: None,
            reading: Some(Reading::default()),
            overview: Vec::new(),
            overview_at: 0,
            sessions: List::default(),
            session_sort: AS_THEY_COME,
            session: None,
            files: List::default(),
            file_sort: AS_THEY_COME,
            tree: None,
            findings: List::default(),
            contents: HashMap::new(),
            is_hex: false,
            asking: None,
            is_help: false,
            shows_secrets: false,
            message: None,
            matcher: filter::matcher(),
        }
    }

    /// Everything is read.
    pub(super) fn take(&mut self, ready: Ready) {
        // Who has not moved from the first row stays there, whatever that is now.
        let session = self.chosen_session().filter(|_| self.sessions.place() > 0);
        let session = session.and_then(|id| ready.place_of(id));
        let file = self.files.chosen().filter(|_| self.files.place() > 0);
        let file = file.and_then(|row| self.found_files.get(row));
        let file = file.and_then(|old| ready.file_place(old.key));
        self.overview = overview::items(&ready);
        self.ready = Some(Arc::new(ready));
        self.reading = None;
        (self.found, self.found_at) = (Vec::new(), HashMap::new());
        (self.found_files, self.is_stale) = (Vec::new(), false);
        self.sessions.restart_at(session);
        self.files.restart_at(file);
        self.findings.restart();
        self.contents.retain(|_, content| matches!(content, Content::Here(_)));
        self.look();
        // What was shown of a session so far is not all.
        self.renew_session();
    }

    /// What was found, or put together.
    pub(super) fn hear(&mut self, told: Told) {
        match told {
            Told::Row(row) => self.found_session(row),
            Told::File(row) => self.found_files.push(row),
            Told::Session(id, view) => self.show_session(id, view),
            Told::Tree(tree) => self.tree = Some(tree),
            // Not for the screen.
            Told::Transfer(..) => {}
        }
    }

    fn found_session(&mut self, row: SessionRow) {
        match self.found_at.get(&row.id).and_then(|at| self.found.get_mut(*at)) {
            // What is over does not go on, however late that is told.
            Some(known) if row.is_open && !known.is_open => {}
            Some(known) => {
                *known = row;
                self.is_stale = true;
            }
            None => {
                self.found_at.insert(row.id, self.found.len());
                self.found.push(row);
            }
        }
    }

    pub(super) fn session_rows(&self) -> &[SessionRow] {
        self.ready.as_ref().map_or(&self.found, |ready| &ready.sessions)
    }

    pub(super) fn file_rows(&self) -> &[FileRow] {
        self.ready.as_ref().map_or(&self.found_files, |ready| &ready.files)
    }

    pub(super) fn row_of(&self, id: SessionId) -> Option<usize> {
        match &self.ready {
            Some(ready) => ready.place_of(id),
            None => self.found_at.get(&id).copied(),
        }
    }

    pub(super) fn transfer(&self, id: TransferId) -> Option<&Transfer> {
        self.ready.as_ref()?.transfer(id)
    }

    /// What a listing shows, if the transfer is one.
    pub(super) fn listing(&self, id: TransferId) -> Option<&Listing> {
        self.transfer(id)?.listing.as_deref()
    }

    /// The file of several pieces that is chosen, or of which the chosen one is a piece.
    pub(super) fn file_of(&self, key: FileKey) -> Option<(usize, &LogicalFile)> {
        let ready = self.ready.as_ref()?;
        let place = match key {
            FileKey::File(place) => place,
            FileKey::Transfer(id) => ready.file_of(id)?,
        };
        Some((place, ready.file(place)?))
    }

    /// The transfer whose beginning is shown for what is chosen: of a file of several pieces, that of
    /// its first octets.
    pub(super) fn previewed(&self, key: FileKey) -> Option<TransferId> {
        match key {
            FileKey::Transfer(id) => Some(id),
            FileKey::File(_) => {
                let pieces = self.file_of(key)?.1.pieces.iter();
                let start = |piece: &&Piece| piece.range.map_or(u64::MAX, |range| range.start);
                pieces.min_by_key(start).map(|piece| piece.transfer)
            }
        }
    }

    pub(super) fn finding_rows(&self) -> &[Finding] {
        self.ready.as_ref().map_or(&[], |ready| &ready.analysis.findings)
    }

    /// Lets filters look at more rows, and puts them in order; true if there were any.
    pub(super) fn look(&mut self) -> bool {
        let ready = self.ready.clone();
        let matcher = &mut self.matcher;
        let rows = ready.as_ref().map_or(&self.found[..], |ready| &ready.sessions);
        let sessions = self.sessions.look(rows, matcher);
        let rows = ready.as_ref().map_or(&self.found_files[..], |ready| &ready.files);
        let files = self.files.look(rows, matcher);
        let findings = ready.as_ref().map_or(&[][..], |ready| &ready.analysis.findings);
        let findings = self.findings.look(findings, matcher);
        self.sort_new(sessions, files);
        // A row that was chosen before may be among them.
        let height = super::view::list_height(self);
        let lists = [&mut self.sessions, &mut self.files, &mut self.findings];
        for (list, is_new) in lists.into_iter().zip([sessions, files, findings]) {
            if is_new {
                list.follow(height);
            }
        }
        sessions || files || findings
    }

    /// Asks filter and order again, if rows have changed that they know.
    pub(super) fn look_again(&mut self) {
        let is_asked = !self.sessions.filter.is_empty() || self.session_sort != AS_THEY_COME;
        if std::mem::take(&mut self.is_stale) && is_asked {
            self.sessions.look_again();
            self.look();
        }
    }

    pub(super) fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        let height = super::view::list_height(self);
        for list in [&mut self.sessions, &mut self.files, &mut self.findings] {
            list.follow(height);
        }
        if let Some(session) = &mut self.session {
            session.follow(height);
        }
    }

    /// Takes a key.
    pub(super) fn press(&mut self, event: KeyEvent) -> Effect {
        if self.asking.is_some() {
            return self.type_in(event);
        }
        if self.is_help {
            // Any key will do.
            self.is_help = false;
            return Effect::None;
        }
        match action_for(event, self.screen) {
            Some(action) => self.update(action),
            None => Effect::None,
        }
    }

    /// Changes what is on the screen, and says what is to be done besides.
    pub(super) fn update(&mut self, action: Action) -> Effect {
        (self.message, self.aim) = (None, None);
        match action {
            Action::Quit => return Effect::Quit,
            Action::Help => self.is_help = true,
            Action::Go(screen) => self.go(screen),
            Action::NextScreen => self.turn(1),
            Action::PreviousScreen => self.turn(Screen::ALL.len() - 1),
            Action::Back => return self.go_back(),
            Action::Down => self.step(1),
            Action::Up => self.step(-1),
            Action::PageDown => self.step(self.page()),
            Action::PageUp => self.step(-self.page()),
            Action::First => self.step(isize::MIN / 2),
            Action::Last => self.step(isize::MAX / 2),
            Action::Open => self.open(),
            Action::Filter => self.ask(Asking::Filter),
            Action::Frame => self.ask(Asking::Frame),
            Action::Secrets if self.shows_secrets => self.shows_secrets = false,
            Action::Secrets => self.ask(Asking::Secrets),
            Action::NextMatch => self.next_match(1),
            Action::PreviousMatch => self.next_match(-1),
            Action::Sort => self.sort(),
            Action::Reverse => self.reverse(),
            Action::Ladder => self.toggle_ladder(),
            Action::Tree => self.toggle_tree(),
            Action::Hex => self.is_hex = !self.is_hex,
            Action::Extract => return self.extract(self.chosen_file().into_iter().collect()),
            Action::ExtractAll => {
                let rows = self.files.all_shown().filter_map(|row| self.file_rows().get(row));
                return self.extract(rows.map(|row| row.key).collect());
            }
            Action::Copy => return self.copy(),
            Action::Wireshark => return self.copy_filter(),
        }
        Effect::None
    }

    /// A click at a place of the screen.
    pub(super) fn click(&mut self, column: u16, row: u16) -> Effect {
        if self.asking.is_some() || self.is_help {
            return Effect::None;
        }
        if row == 0 {
            if let Some(screen) = super::view::tab_at(self, column) {
                self.go(screen);
            }
            return Effect::None;
        }
        if let Some(place) = super::view::row_at(self, row) {
            if self.place() == Some(place) {
                self.open();
            } else {
                self.choose_place(place);
            }
        }
        Effect::None
    }

    /// The transfer or file that is chosen, on the screens that have one.
    pub(super) fn chosen_file(&self) -> Option<FileKey> {
        match self.screen {
            Screen::Files if self.tree.is_some() => {
                self.tree.as_ref()?.chosen_transfer().map(FileKey::Transfer)
            }
            Screen::Files => Some(self.file_rows().get(self.files.chosen()?)?.key),
            Screen::Session => self.session.as_ref()?.chosen_transfer().map(FileKey::Transfer),
            _ => None,
        }
    }

    pub(super) fn chosen_row(&self) -> Option<&SessionRow> {
        self.session_rows().get(self.sessions.chosen()?)
    }

    pub(super) fn chosen_session(&self) -> Option<SessionId> {
        self.chosen_row().map(|row| row.id)
    }

    pub(super) fn chosen_finding(&self) -> Option<&Finding> {
        self.finding_rows().get(self.findings.chosen()?)
    }

    pub(super) fn choose_session(&mut self, id: SessionId) {
        if let Some(row) = self.row_of(id) {
            self.sessions.choose_row(row);
        }
    }

    pub(super) fn go(&mut self, screen: Screen) {
        if screen == Screen::Session && self.session.is_none() {
            match self.chosen_session() {
                Some(id) => return self.open_session(id, Aim::Session),
                None => return self.say("No session is chosen yet."),
            }
        }
        if screen != self.screen {
            self.back.push(self.screen);
            self.screen = screen;
        }
    }

    fn turn(&mut self, by: usize) {
        let at = Screen::ALL.iter().position(|screen| *screen == self.screen).unwrap_or(0);
        let next = (at + by) % Screen::ALL.len();
        if let Some(screen) = Screen::ALL.get(next) {
            // A session cannot be shown before there is one.
            if *screen == Screen::Session
                && self.session.is_none()
                && self.chosen_session().is_none()
            {
                let over = (next + by) % Screen::ALL.len();
                return self.go(Screen::ALL.get(over).copied().unwrap_or_default());
            }
            self.go(*screen);
        }
    }

    fn go_back(&mut self) -> Effect {
        if let Some(list) = self.list().filter(|list| !list.filter.is_empty()) {
            list.set_filter(Filter::default());
            self.look();
            self.resort();
            return Effect::None;
        }
        if self.screen == Screen::Files && self.tree.take().is_some() {
            return Effect::None;
        }
        if self.back.is_empty() && self.reading.is_some() {
            self.say("Reading was stopped; this is what was known by then.");
            return Effect::StopReading;
        }
        self.screen = self.back.pop().unwrap_or_default();
        Effect::None
    }

    pub(super) fn list(&mut self) -> Option<&mut List> {
        match self.screen {
            Screen::Sessions => Some(&mut self.sessions),
            Screen::Files if self.tree.is_none() => Some(&mut self.files),
            Screen::Findings => Some(&mut self.findings),
            _ => None,
        }
    }

    fn page(&self) -> isize {
        isize::from(self.size.1.cast_signed()).saturating_sub(8).max(1)
    }

    pub(super) fn step(&mut self, by: isize) {
        let height = super::view::list_height(self);
        match self.screen {
            Screen::Overview => {
                let most = self.overview.len().saturating_sub(1);
                self.overview_at = self.overview_at.saturating_add_signed(by).min(most);
            }
            Screen::Session => {
                if let Some(session) = &mut self.session {
                    session.step(by, height);
                }
            }
            Screen::Files if self.tree.is_some() => {
                if let Some(tree) = &mut self.tree {
                    tree.step(by, height);
                }
            }
            _ => {
                if let Some(list) = self.list() {
                    list.step(by);
                    list.follow(height);
                }
            }
        }
    }

    fn place(&self) -> Option<usize> {
        match self.screen {
            Screen::Overview => Some(self.overview_at),
            Screen::Sessions => Some(self.sessions.place()),
            Screen::Session => self.session.as_ref().map(|session| session.chosen),
            Screen::Files => match &self.tree {
                Some(tree) => Some(tree.chosen),
                None => Some(self.files.place()),
            },
            Screen::Findings => Some(self.findings.place()),
        }
    }

    fn choose_place(&mut self, place: usize) {
        let at = self.place().unwrap_or(0);
        self.step(place.cast_signed() - at.cast_signed());
    }

    fn extract(&mut self, files: Vec<FileKey>) -> Effect {
        if files.is_empty() {
            self.say("No file is chosen.");
            return Effect::None;
        }
        Effect::Extract(files)
    }

    pub(super) fn say(&mut self, message: &str) {
        self.message = Some(message.to_owned());
    }
}
