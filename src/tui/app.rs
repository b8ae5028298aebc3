//! What is on the screen, and how keys change it. Nothing here knows a terminal, reads a file or
//! waits.

use std::collections::HashMap;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use nucleo_matcher::Matcher;
use tui_input::{Input, InputRequest};

use super::filter::{self, Filter};
use super::keys::{Action, action_for};
use super::list::List;
use super::load::Ready;
use super::overview::{self, Item};
use super::row::{Fields, FileRow, SessionRow};
use super::session::SessionView;
use super::tree::TreeView;
use crate::analysis::{Finding, LogicalFile};
use crate::report::wireshark;
use crate::session::{SessionId, TransferId};
use crate::transfer::{self, Listing};

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
    Extract(Vec<TransferId>),
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

/// Columns sessions can be sorted by.
pub(super) const SESSION_SORTS: [&str; 9] =
    ["start", "length", "client", "server", "user", "files", "failed", "bytes", "findings"];
pub(super) const FILE_SORTS: [&str; 5] = ["command", "path", "size", "outcome", "session"];

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
    pub(super) found_transfers: u64,
    pub(super) reading: Option<Reading>,
    pub(super) overview: Vec<Item>,
    pub(super) overview_at: usize,
    pub(super) sessions: List,
    pub(super) session_sort: (usize, bool),
    pub(super) session: Option<SessionView>,
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
    matcher: Matcher,
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
            found_transfers: 0,
            reading: Some(Reading::default()),
            overview: Vec::new(),
            overview_at: 0,
            sessions: List::default(),
            session_sort: (0, false),
            session: None,
            files: List::default(),
            file_sort: (0, false),
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
        let chosen = self.chosen_session();
        self.overview = overview::items(&ready);
        self.ready = Some(Arc::new(ready));
        (self.reading, self.found) = (None, Vec::new());
        for list in [&mut self.sessions, &mut self.files, &mut self.findings] {
            list.restart();
        }
        self.look();
        self.sort_sessions();
        if let Some(id) = chosen {
            self.choose_session(id);
        }
    }

    pub(super) fn session_rows(&self) -> &[SessionRow] {
        self.ready.as_ref().map_or(&self.found, |ready| &ready.sessions)
    }

    pub(super) fn file_rows(&self) -> &[FileRow] {
        self.ready.as_ref().map_or(&[], |ready| &ready.files)
    }

    /// What a listing shows, if the transfer is one.
    pub(super) fn listing(&self, id: TransferId) -> Option<&Listing> {
        let transfers = &self.ready.as_ref()?.analysis.transfers;
        transfers.get(transfer::place_of(id, transfers)?)?.listing.as_deref()
    }

    /// The file that a transfer moved a part of, if others moved parts of it, too; with its number.
    pub(super) fn file_of_pieces(&self, id: TransferId) -> Option<(usize, &LogicalFile)> {
        let files = self.ready.as_ref()?.analysis.files.iter().enumerate();
        let mut joined = files.filter(|(_, file)| file.is_of_pieces());
        joined.find(|(_, file)| file.pieces.iter().any(|piece| piece.transfer == id))
    }

    pub(super) fn finding_rows(&self) -> &[Finding] {
        self.ready.as_ref().map_or(&[], |ready| &ready.analysis.findings)
    }

    /// Lets filters look at more rows, and puts them in order; true if there were any.
    pub(super) fn look(&mut self) -> bool {
        let ready = self.ready.clone();
        let matcher = &mut self.matcher;
        let Some(ready) = ready else { return self.sessions.look(&self.found, matcher) };
        let sessions = self.sessions.look(&ready.sessions, matcher);
        let files = self.files.look(&ready.files, matcher);
        let findings = self.findings.look(&ready.analysis.findings, matcher);
        // They come in the order of the first columns.
        if sessions && self.session_sort != (0, false) {
            self.sort_sessions();
        }
        if files && self.file_sort != (0, false) {
            self.sort_files();
        }
        sessions || files || findings
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
        self.message = None;
        match action {
            Action::Quit => return Effect::Quit,
            Action::Help => self.is_help = true,
            Action::Go(screen) => self.go(screen),
            Action::NextScreen => self.turn(1),
            Action::PreviousScreen => self.turn(4),
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
            Action::NextMatch => self.next_finding(1),
            Action::PreviousMatch => self.next_finding(-1),
            Action::Sort => self.sort(),
            Action::Reverse => self.reverse(),
            Action::Ladder => {
                if let Some(session) = &mut self.session {
                    session.is_ladder = !session.is_ladder;
                }
            }
            Action::Tree => self.toggle_tree(),
            Action::Hex => self.is_hex = !self.is_hex,
            Action::Extract => return self.extract(self.chosen_file().into_iter().collect()),
            Action::ExtractAll => {
                let rows = self.files.all_shown().filter_map(|row| self.file_rows().get(row));
                return self.extract(rows.map(|row| row.id).collect());
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
        if let Some(place) = super::view::row_at(self, column, row) {
            if self.place() == Some(place) {
                self.open();
            } else {
                self.choose_place(place);
            }
        }
        Effect::None
    }

    /// The transfer that is chosen, on the screens that have one.
    pub(super) fn chosen_file(&self) -> Option<TransferId> {
        match self.screen {
            Screen::Files if self.tree.is_some() => self.tree.as_ref()?.chosen_transfer(),
            Screen::Files => Some(self.file_rows().get(self.files.chosen()?)?.id),
            Screen::Session => self.session.as_ref()?.chosen_transfer(),
            _ => None,
        }
    }

    fn chosen_session(&self) -> Option<SessionId> {
        Some(self.session_rows().get(self.sessions.chosen()?)?.id)
    }

    fn choose_session(&mut self, id: SessionId) {
        if let Some(row) = self.session_rows().iter().position(|row| row.id == id) {
            self.sessions.choose_row(row);
        }
    }

    fn go(&mut self, screen: Screen) {
        if screen == Screen::Session && self.session.is_none() {
            match self.chosen_session() {
                Some(id) => return self.open_session(id),
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
                let over = (next + if by == 1 { 1 } else { 4 }) % Screen::ALL.len();
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

    fn list(&mut self) -> Option<&mut List> {
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

    fn step(&mut self, by: isize) {
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

    fn open(&mut self) {
        match self.screen {
            Screen::Overview => self.open_item(),
            Screen::Sessions => {
                if let Some(id) = self.chosen_session() {
                    self.open_session(id);
                }
            }
            Screen::Files => {
                let id = self.chosen_file();
                let session = id.and_then(|id| self.file_rows().iter().find(|row| row.id == id));
                if let Some((session, id)) = session.map(|row| (row.session, row.id)) {
                    self.open_session(session);
                    let height = super::view::list_height(self);
                    if let Some(view) = &mut self.session {
                        view.choose_transfer(id);
                        view.follow(height);
                    }
                }
            }
            Screen::Findings => {
                let finding = self.findings.chosen().and_then(|row| self.finding_rows().get(row));
                let place = finding.map(|finding| (finding.session, finding.frames.clone()));
                match place {
                    Some((Some(session), frames)) => {
                        self.open_session(session);
                        let height = super::view::list_height(self);
                        if let Some(view) = &mut self.session {
                            view.choose_frame(&frames);
                            view.follow(height);
                        }
                    }
                    Some((None, _)) => self.say("This is of the capture, not of one session."),
                    None => {}
                }
            }
            Screen::Session => {
                if let Some(id) = self.session.as_ref().and_then(SessionView::chosen_transfer) {
                    let row = self.file_rows().iter().position(|row| row.id == id);
                    self.go(Screen::Files);
                    self.tree = None;
                    if let Some(row) = row {
                        self.files.choose_row(row);
                        self.files.follow(super::view::list_height(self));
                    }
                }
            }
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

    fn open_session(&mut self, id: SessionId) {
        let Some(ready) = self.ready.clone() else {
            return self.say("What was said is shown once the capture is read.");
        };
        match SessionView::new(&ready.analysis, id) {
            Some(view) => {
                self.session = Some(view);
                self.choose_session(id);
                self.go(Screen::Session);
            }
            None => self.say("That session is not kept."),
        }
    }

    fn toggle_tree(&mut self) {
        let Some(ready) = self.ready.clone() else { return };
        self.tree = match self.tree {
            Some(_) => None,
            None => Some(TreeView::new(&ready.analysis)),
        };
    }

    fn next_finding(&mut self, by: isize) {
        if self.screen == Screen::Session
            && let Some(session) = &mut self.session
        {
            let height = super::view::list_height_of(self.size);
            if !session.next_finding(by, height) {
                self.say("No finding further on.");
            }
            return;
        }
        self.step(by);
    }

    fn ask(&mut self, asking: Asking) {
        self.asking = Some((asking, Input::default()));
    }

    /// A key while something is typed.
    fn type_in(&mut self, event: KeyEvent) -> Effect {
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
        self.resort();
    }

    fn sort(&mut self) {
        if self.screen == Screen::Files {
            self.file_sort = ((self.file_sort.0 + 1) % FILE_SORTS.len(), false);
        } else {
            self.session_sort = ((self.session_sort.0 + 1) % SESSION_SORTS.len(), false);
        }
        self.resort();
    }

    fn reverse(&mut self) {
        let sort =
            if self.screen == Screen::Files { &mut self.file_sort } else { &mut self.session_sort };
        sort.1 = !sort.1;
        self.resort();
    }

    pub(super) fn resort(&mut self) {
        match self.screen {
            Screen::Sessions => self.sort_sessions(),
            Screen::Files => self.sort_files(),
            _ => {}
        }
    }

    fn sort_sessions(&mut self) {
        let (column, is_reversed) = self.session_sort;
        let ready = self.ready.clone();
        let rows = ready.as_ref().map_or(&self.found[..], |ready| &ready.sessions);
        let number = |row: usize, of: fn(&SessionRow) -> i128| rows.get(row).map(of);
        let list = &mut self.sessions;
        match SESSION_SORTS.get(column).copied().unwrap_or_default() {
            "length" => list.sort_by_key(|row| number(row, |row| row.nanos.into()), is_reversed),
            "client" => list.sort_by_key(|row| rows.get(row).map(|row| row.client), is_reversed),
            "server" => list.sort_by_key(|row| rows.get(row).map(|row| row.server), is_reversed),
            "user" => {
                list.sort_by_key(|row| rows.get(row).map(|row| row.user.clone()), is_reversed)
            }
            "files" => list.sort_by_key(
                |row| number(row, |row| -i128::from(row.tally.done + row.tally.failed)),
                is_reversed,
            ),
            "failed" => {
                list.sort_by_key(
                    |row| number(row, |row| -i128::from(row.tally.failed)),
                    is_reversed,
                );
            }
            "bytes" => list.sort_by_key(
                |row| number(row, |row| -i128::from(row.tally.down) - i128::from(row.tally.up)),
                is_reversed,
            ),
            "findings" => list.sort_by_key(
                |row| rows.get(row).map(|row| std::cmp::Reverse((row.worst, row.findings))),
                is_reversed,
            ),
            _ => list.sort_by_key(|row| rows.get(row).map(|row| (row.start, row.id)), is_reversed),
        }
    }

    fn sort_files(&mut self) {
        let (column, is_reversed) = self.file_sort;
        let ready = self.ready.clone();
        let rows = ready.as_ref().map_or(&[][..], |ready| &ready.files[..]);
        let list = &mut self.files;
        match FILE_SORTS.get(column).copied().unwrap_or_default() {
            "path" => {
                list.sort_by_key(|row| rows.get(row).map(|row| row.path.clone()), is_reversed)
            }
            "size" => list.sort_by_key(
                |row| rows.get(row).map(|row| std::cmp::Reverse(row.bytes)),
                is_reversed,
            ),
            "outcome" => list.sort_by_key(|row| rows.get(row).map(|row| row.outcome), is_reversed),
            "session" => list.sort_by_key(|row| rows.get(row).map(|row| row.session), is_reversed),
            _ => list.sort_by_key(|row| row, is_reversed),
        }
    }

    fn extract(&mut self, transfers: Vec<TransferId>) -> Effect {
        if transfers.is_empty() {
            self.say("No file is chosen.");
            return Effect::None;
        }
        Effect::Extract(transfers)
    }

    /// The hash, path, address or line that is chosen.
    fn copy(&mut self) -> Effect {
        let text = match self.screen {
            Screen::Overview => self.overview.get(self.overview_at).map(Item::text),
            Screen::Sessions => {
                let row = self.sessions.chosen().and_then(|row| self.session_rows().get(row));
                row.map(|row| format!("{} {} {}", row.client, row.server, row.user))
            }
            Screen::Session => self.session.as_ref().and_then(SessionView::chosen_text),
            Screen::Files => {
                let row = self.files.chosen().and_then(|row| self.file_rows().get(row));
                row.map(|row| match row.hash.is_empty() {
                    true => row.path.clone(),
                    false => format!("{}  {}", row.hash, row.path),
                })
            }
            Screen::Findings => {
                let finding = self.findings.chosen().and_then(|row| self.finding_rows().get(row));
                finding.map(|finding| format!("{} {}", finding.rule.id, finding.title))
            }
        };
        text.map_or(Effect::None, Effect::Copy)
    }

    /// A filter for the connections of what is chosen.
    fn copy_filter(&mut self) -> Effect {
        let Some(ready) = self.ready.clone() else { return Effect::None };
        let session = match self.screen {
            Screen::Session => self.session.as_ref().map(|view| view.id),
            Screen::Files => {
                let id = self.chosen_file();
                let transfer = ready.analysis.transfers.iter();
                let data = transfer
                    .clone()
                    .find(|transfer| Some(transfer.request.id) == id)
                    .and_then(|transfer| transfer.data.as_ref());
                if let Some(data) = data {
                    let ends = [(data.originator, data.responder)];
                    return Effect::Copy(wireshark::filter(&ends, None));
                }
                None
            }
            Screen::Findings => {
                let finding = self.findings.chosen().and_then(|row| self.finding_rows().get(row));
                finding.and_then(|finding| finding.session)
            }
            _ => self.chosen_session(),
        };
        let session = session.and_then(|id| ready.sessions.iter().find(|row| row.id == id));
        match session {
            Some(row) => Effect::Copy(wireshark::filter(&[(row.client, row.server)], None)),
            None => Effect::None,
        }
    }

    pub(super) fn say(&mut self, message: &str) {
        self.message = Some(message.to_owned());
    }
}
