//! What `y` and `w` copy.

use super::app::{Effect, Screen, State};
use super::overview::Item;
use super::row::FileKey;
use super::session::SessionView;
use crate::analysis::Finding;
use crate::decode::Endpoint;
use crate::report::wireshark;
use crate::session::{SessionId, TransferId};

/// The two ends of a connection.
type Ends = (Endpoint, Endpoint);

impl State {
    /// The hash, path, address or line that is chosen.
    pub(super) fn copy(&mut self) -> Effect {
        let text = match self.screen {
            Screen::Overview => match self.overview.get(self.overview_at) {
                Some(Item::Finding(nth)) => self.finding_rows().get(*nth).map(told),
                item => item.map(Item::text),
            },
            Screen::Sessions => {
                let row = self.chosen_row();
                row.map(|row| format!("{} {} {}", row.client, row.server, row.user))
            }
            Screen::Session => self.session.as_deref().and_then(SessionView::chosen_text),
            Screen::Files => {
                let key = self.chosen_file();
                let row = key.and_then(|key| self.file_rows().iter().find(|row| row.key == key));
                row.map(|row| match row.hash.is_empty() {
                    true => row.path.clone(),
                    false => format!("{}  {}", row.hash, row.path),
                })
            }
            Screen::Findings => self.chosen_finding().map(told),
        };
        text.map_or(Effect::None, Effect::Copy)
    }

    /// A filter for the connections of what is chosen.
    pub(super) fn copy_filter(&mut self) -> Effect {
        let ends = match self.screen {
            Screen::Session => {
                let line = self.session.as_ref().and_then(|view| view.chosen_line());
                line.map(|line| line.connections.clone()).unwrap_or_default()
            }
            Screen::Files => self.chosen_file().map(|key| self.of_file(key)).unwrap_or_default(),
            Screen::Sessions => {
                self.chosen_row().map(|row| vec![(row.client, row.server)]).unwrap_or_default()
            }
            Screen::Findings => {
                self.chosen_finding().map(|finding| self.of_finding(finding)).unwrap_or_default()
            }
            Screen::Overview => match self.overview.get(self.overview_at) {
                Some(Item::Finding(nth)) => {
                    let finding = self.finding_rows().get(*nth);
                    finding.map(|finding| self.of_finding(finding)).unwrap_or_default()
                }
                _ => Vec::new(),
            },
        };
        if ends.is_empty() {
            self.say("A filter is of a session, a line in it, a file or a finding.");
            return Effect::None;
        }
        Effect::Copy(wireshark::filter(&ends, None))
    }

    fn control(&self, id: SessionId) -> Option<Ends> {
        let row = self.session_rows().get(self.row_of(id)?)?;
        Some((row.client, row.server))
    }

    fn data(&self, id: TransferId) -> Option<Ends> {
        let data = self.transfer(id)?.data.as_ref()?;
        Some((data.originator, data.responder))
    }

    /// The data connections of a file, or the control connection on which it was asked for.
    fn of_file(&self, key: FileKey) -> Vec<Ends> {
        let data: Vec<Ends> = match key {
            FileKey::Transfer(id) => self.data(id).into_iter().collect(),
            FileKey::File(_) => {
                let pieces = self.file_of(key).map_or(&[][..], |(_, file)| &file.pieces);
                pieces.iter().filter_map(|piece| self.data(piece.transfer)).collect()
            }
        };
        if !data.is_empty() {
            return data;
        }
        let row = self.file_rows().iter().find(|row| row.key == key);
        row.and_then(|row| self.control(row.session)).into_iter().collect()
    }

    fn of_finding(&self, finding: &Finding) -> Vec<Ends> {
        let control = finding.session.and_then(|id| self.control(id));
        let data = finding.transfer.and_then(|id| self.data(id));
        control.into_iter().chain(data).collect()
    }
}

fn told(finding: &Finding) -> String {
    format!("{} {}", finding.rule.id, finding.title)
}
