//! Rows in another order.

use std::cmp::Reverse;

use super::app::{Screen, State};
use super::list::List;
use super::row::{FileRow, SessionRow};

/// Columns sessions can be sorted by.
pub(super) const SESSION_SORTS: [&str; 9] =
    ["start", "length", "client", "server", "user", "files", "failed", "bytes", "findings"];
pub(super) const FILE_SORTS: [&str; 5] = ["command", "path", "size", "outcome", "session"];

/// Rows come in the order of the first column; while the capture is read, as they are found.
pub(super) const AS_THEY_COME: (usize, bool) = (0, false);

/// How rows are ordered, in words.
pub(super) fn order((column, is_reversed): (usize, bool), sorts: &[&str], is_read: bool) -> String {
    if !is_read && (column, is_reversed) == AS_THEY_COME {
        return "as found".to_owned();
    }
    let reversed = if is_reversed { " reversed" } else { "" };
    format!("by {}{reversed}", sorts.get(column).copied().unwrap_or_default())
}

impl State {
    pub(super) fn sort(&mut self) {
        if self.screen == Screen::Files {
            self.file_sort = ((self.file_sort.0 + 1) % FILE_SORTS.len(), false);
        } else {
            self.session_sort = ((self.session_sort.0 + 1) % SESSION_SORTS.len(), false);
        }
        self.resort();
    }

    pub(super) fn reverse(&mut self) {
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

    /// Puts new rows where they belong.
    pub(super) fn sort_new(&mut self, sessions: bool, files: bool) {
        if sessions && self.session_sort != AS_THEY_COME {
            self.sort_sessions();
        }
        if files && self.file_sort != AS_THEY_COME {
            self.sort_files();
        }
    }

    fn sort_sessions(&mut self) {
        let ready = self.ready.clone();
        let rows = ready.as_ref().map_or(&self.found[..], |ready| &ready.sessions);
        sessions(&mut self.sessions, rows, self.session_sort);
    }

    fn sort_files(&mut self) {
        let ready = self.ready.clone();
        let rows = ready.as_ref().map_or(&self.found_files[..], |ready| &ready.files);
        files(&mut self.files, rows, self.file_sort);
    }
}

fn sessions(list: &mut List, rows: &[SessionRow], (column, is_reversed): (usize, bool)) {
    let row = |at: usize| rows.get(at);
    match SESSION_SORTS.get(column).copied().unwrap_or_default() {
        "length" => list.sort_by_key(|at| row(at).map(|row| row.nanos), is_reversed),
        "client" => list.sort_by_key(|at| row(at).map(|row| row.client), is_reversed),
        "server" => list.sort_by_key(|at| row(at).map(|row| row.server), is_reversed),
        "user" => list.sort_by_key(|at| row(at).map(|row| of_text(&row.user)), is_reversed),
        "files" => list.sort_by_key(
            |at| row(at).map(|row| Reverse(row.tally.done + row.tally.failed)),
            is_reversed,
        ),
        "failed" => {
            list.sort_by_key(|at| row(at).map(|row| Reverse(row.tally.failed)), is_reversed)
        }
        "bytes" => list.sort_by_key(
            |at| row(at).map(|row| Reverse(u128::from(row.tally.down) + u128::from(row.tally.up))),
            is_reversed,
        ),
        "findings" => list
            .sort_by_key(|at| row(at).map(|row| Reverse((row.worst, row.findings))), is_reversed),
        _ => list.sort_by_key(|at| row(at).map(|row| (row.start, row.id)), is_reversed),
    }
}

/// A text, behind a number of its beginning: mostly that decides, without a look at the text.
fn of_text(text: &str) -> (u128, &str) {
    let mut beginning = [0; 16];
    for (to, from) in beginning.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    (u128::from_be_bytes(beginning), text)
}

fn files(list: &mut List, rows: &[FileRow], (column, is_reversed): (usize, bool)) {
    let row = |at: usize| rows.get(at);
    match FILE_SORTS.get(column).copied().unwrap_or_default() {
        "path" => list.sort_by_key(|at| row(at).map(|row| of_text(&row.path)), is_reversed),
        "size" => list.sort_by_key(|at| row(at).map(|row| Reverse(row.bytes)), is_reversed),
        "outcome" => list.sort_by_key(|at| row(at).map(|row| row.fate), is_reversed),
        "session" => list.sort_by_key(|at| row(at).map(|row| row.session), is_reversed),
        _ => list.sort_by_key(|at| at, is_reversed),
    }
}
