//! The trees of servers, as far as clients saw them.

use std::collections::BTreeMap;

use super::Analysis;
use crate::decode::Endpoint;
use crate::ftp::{self, Command, Directory, Entry, EntryKind, Listed, ListingKind, Reply, Verb};
use crate::session::{Exchange, Session, SessionId, TransferId};
use crate::time::Stamp;
use crate::transfer::{self, Direction, Transfer};

/// What one user saw of a server in listings, and what was done to it.
#[derive(Debug)]
pub struct ServerTree<'a> {
    pub server: Endpoint,
    pub user: Option<&'a [u8]>,
    /// The first session it was seen in.
    pub session: SessionId,
    /// By their paths.
    pub nodes: BTreeMap<Vec<u8>, Node>,
    /// How often something was seen or done for which there was no room.
    pub unlisted: u64,
    /// What an RNFR named that is not answered by an RNTO yet.
    renaming: Option<Vec<u8>>,
    /// Bytes of paths that may still be kept, of all trees; lent to the one that grows.
    room: usize,
}

/// Bytes of the paths of all trees: each entry has that of its directory, so listings of a directory
/// with a long path hold many times their own bytes.
const PATH_BYTES: usize = 64 << 20;

/// A file or a directory of a server.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// As it was seen last; `None` if it was only moved or deleted.
    pub entry: Option<Entry>,
    /// Where it was seen last.
    pub seen: Option<Stamp>,
    pub fetched: Vec<TransferId>,
    /// Written, or written over.
    pub stored: Vec<TransferId>,
    pub deleted: Option<Stamp>,
}

impl Analysis {
    /// The trees that listings show, by server and user. Servers of which no listing was seen have
    /// none.
    pub fn server_trees(&self) -> Vec<ServerTree<'_>> {
        let mut trees: BTreeMap<(Endpoint, Option<&[u8]>), ServerTree<'_>> = BTreeMap::new();
        for session in self.sessions.iter().filter(|session| lists(session)) {
            let user = session.login.user.as_deref();
            trees.entry((session.server, user)).or_insert_with(|| ServerTree {
                server: session.server,
                user,
                session: session.id,
                nodes: BTreeMap::new(),
                unlisted: 0,
                renaming: None,
                room: 0,
            });
        }
        let mut room = PATH_BYTES;
        for session in &self.sessions {
            let key = (session.server, session.login.user.as_deref());
            let Some(tree) = trees.get_mut(&key) else { continue };
            tree.room = room;
            for exchange in &session.exchanges {
                tree.take(session, exchange, &self.transfers);
            }
            room = tree.room;
        }
        let has_seen = |tree: &ServerTree<'_>| tree.nodes.values().any(|node| node.seen.is_some());
        trees.into_values().filter(has_seen).collect()
    }
}

/// Whether something in a session may show a tree.
fn lists(session: &Session) -> bool {
    let verbs = session.exchanges.iter().filter_map(|exchange| exchange.sent.as_ref());
    let mut verbs = verbs.map(|sent| sent.command.verb);
    verbs.any(|verb| verb.is_listing() || matches!(verb, Verb::Mlst | Verb::Stat))
}

impl ServerTree<'_> {
    fn take(&mut self, session: &Session, exchange: &Exchange, transfers: &[Transfer]) {
        if let Some(transfer) = exchange.transfer.and_then(|id| transfer::find(id, transfers)) {
            return self.take_transfer(session, transfer);
        }
        let (Some(sent), Some(answer)) = (&exchange.sent, exchange.final_reply()) else { return };
        // RNFR is answered 350 (RFC 959 §5.4).
        if sent.command.verb == Verb::Rnfr {
            self.renaming = Some(session.path_of(exchange)).filter(|_| answer.reply.code == 350);
        } else if answer.reply.is_success() {
            let path = session.path_of(exchange);
            self.take_answer(session, path, &sent.command, &answer.reply, answer.stamp);
        }
    }

    fn take_transfer(&mut self, session: &Session, transfer: &Transfer) {
        let request = &transfer.request;
        if let Some(listing) = &transfer.listing {
            let at = request.answered.map_or(request.asked, |(stamp, _)| stamp);
            // Of a directory that is not known names are relative to it.
            let directory = session.directory(request.path.as_deref().unwrap_or_default());
            return listing.entries.iter().for_each(|entry| self.see(&directory, entry, at));
        }
        let Some(path) = request.path.as_deref() else { return };
        let has_moved = transfer.has_file() || transfer.site_to_site.is_some();
        if transfer.direction == Direction::Listing || !has_moved {
            return;
        }
        let Some(node) = self.node(path.to_vec()) else { return };
        match request.verb {
            Verb::Retr => node.fetched.push(request.id),
            _ => {
                node.stored.push(request.id);
                node.deleted = None;
            }
        }
    }

    fn take_answer(
        &mut self,
        session: &Session,
        path: Vec<u8>,
        command: &Command,
        reply: &Reply,
        at: Stamp,
    ) {
        match command.verb {
            Verb::Mlst => {
                let entry = reply.lines().find_map(ftp::parse_facts);
                entry.into_iter().for_each(|entry| self.note(path.clone(), &entry, at));
            }
            // 212 and 213 list a directory or a file (RFC 959 §4.2).
            Verb::Stat if !command.arg().is_empty() && matches!(reply.code, 212 | 213) => {
                let directory = session.directory(&path);
                let text = reply.text.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
                for listed in ftp::parse_listing(ListingKind::List, text, true) {
                    if let Listed::Entry(entry) = listed {
                        self.see(&directory, &entry, at);
                    }
                }
            }
            Verb::Dele => {
                if let Some(node) = self.node(path) {
                    node.deleted = Some(at);
                }
            }
            Verb::Rnto => {
                let from = self.renaming.take().and_then(|from| self.nodes.remove(&from));
                if let Some(known) = from
                    && let Some(node) = self.node(path)
                {
                    *node = known;
                }
            }
            _ => {}
        }
    }

    /// An entry of a listing of `directory`.
    fn see(&mut self, directory: &Directory, entry: &Entry, at: Stamp) {
        // The directory itself and the one above it.
        if matches!(&entry.name[..], b"." | b"..") {
            return;
        }
        self.note(directory.join(&entry.name), entry, at);
    }

    /// The node of a path, if there is room for it.
    fn node(&mut self, path: Vec<u8>) -> Option<&mut Node> {
        if !self.nodes.contains_key(&path) {
            let left = self.room.checked_sub(path.len()).filter(|_| path.len() <= ftp::MOST_PATH);
            let Some(left) = left else {
                self.unlisted += 1;
                return None;
            };
            self.room = left;
        }
        Some(self.nodes.entry(path).or_default())
    }

    fn note(&mut self, path: Vec<u8>, entry: &Entry, at: Stamp) {
        let Some(node) = self.node(path) else { return };
        let knows_more = node.entry.as_ref().is_some_and(|known| known.kind != EntryKind::Unknown);
        // A name alone says less than what was seen before.
        if !(entry.kind == EntryKind::Unknown && knows_more) {
            node.entry = Some(entry.clone());
        }
        node.seen = Some(at);
    }
}
