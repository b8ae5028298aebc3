//! What was moved, from whom to whom.

use std::collections::{BTreeMap, HashMap};

use super::super::{Analysis, ById, Policy};
use super::NAMED;
use crate::decode::Host;
use crate::session::Session;
use crate::time::Stamp;
use crate::transfer::{Direction, Orphan, Transfer};

/// Files that one host sent to another, listings aside.
#[derive(Debug)]
pub struct Moved<'a> {
    pub from: Host,
    pub to: Host,
    pub way: Way,
    /// Transfers that moved something, and files of no octets.
    pub files: u64,
    /// Captured octets of them.
    pub bytes: u64,
    /// Of them those that are not whole here.
    pub incomplete: u64,
    /// Under encryption: transfers, and what connections of encrypted sessions probably were.
    pub encrypted_files: u64,
    /// Octets on the wire of those; what encryption adds is among them.
    pub encrypted_bytes: u64,
    /// Media types by content, with the number of files; the commonest first, at most eight.
    pub types: Vec<(&'a str, u64)>,
    /// The first 64 of the files.
    pub transfers: Vec<&'a Transfer>,
    /// The frames of the first and the last.
    pub first: Stamp,
    pub last: Stamp,
}

/// Which way, seen from the inside: home networks, or where none is named, private addresses.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Way {
    /// From the inside to the outside.
    Left,
    CameIn,
    Inside,
    Outside,
}

/// Media types told.
const TYPES: usize = 8;

pub(super) fn moved<'a>(analysis: &'a Analysis, policy: &Policy) -> Vec<Moved<'a>> {
    let sessions = ById::new(&analysis.sessions);
    let mut all = All { policy, rows: Vec::new(), places: HashMap::new() };
    for transfer in &analysis.transfers {
        if let Some(session) = sessions.get(transfer.session) {
            all.take(session, transfer);
        }
    }
    for orphan in &analysis.orphans {
        all.take_inferred(orphan, &sessions);
    }
    let mut rows: Vec<_> = all.rows.into_iter().map(Row::finish).collect();
    rows.sort_by_key(|row| {
        let bytes = row.bytes.saturating_add(row.encrypted_bytes);
        (row.way, std::cmp::Reverse(bytes), row.first.place)
    });
    rows
}

struct All<'a, 'p> {
    policy: &'p Policy,
    rows: Vec<Row<'a>>,
    places: HashMap<(Host, Host), usize>,
}

struct Row<'a> {
    moved: Moved<'a>,
    types: BTreeMap<&'a str, u64>,
}

impl<'a> All<'a, '_> {
    fn take(&mut self, session: &Session, transfer: &'a Transfer) {
        if transfer.direction == Direction::Listing || is_other_half(transfer) {
            return;
        }
        let Some(content) = &transfer.content else { return };
        if content.bytes == 0 && !transfer.may_be_whole() {
            return;
        }
        let [from, to] = transfer.ends(session.client.ip, session.server.ip);
        let asked = transfer.request.asked;
        let Some(Row { moved, types }) = self.row(from, to, asked) else { return };
        if transfer.is_encrypted {
            moved.encrypted_files += 1;
            moved.encrypted_bytes += content.bytes;
            return;
        }
        moved.files += 1;
        moved.bytes += content.bytes;
        if moved.transfers.len() < NAMED {
            moved.transfers.push(transfer);
        }
        moved.incomplete += u64::from(!transfer.may_be_whole());
        if let Some(media) = content.media_type.as_deref() {
            *types.entry(media).or_default() += 1;
        }
    }

    fn take_inferred(&mut self, orphan: &Orphan, sessions: &ById<'_>) {
        let Some(inferred) = &orphan.inferred else { return };
        let Some(session) = sessions.get(inferred.session) else { return };
        let (client, server) = (session.client.ip, session.server.ip);
        let (from, to) = match inferred.direction {
            Direction::Upload | Direction::Append => (client, server),
            _ => (server, client),
        };
        let first = orphan.carried.connection.link.first;
        let Some(Row { moved, .. }) = self.row(from, to, first) else { return };
        moved.encrypted_files += 1;
        moved.encrypted_bytes += inferred.protected_bytes;
    }

    fn row(&mut self, from: Host, to: Host, stamp: Stamp) -> Option<&mut Row<'a>> {
        let (rows, policy) = (&mut self.rows, self.policy);
        let place = *self.places.entry((from, to)).or_insert_with(|| {
            let inside = [from, to].map(|host| policy.is_inside(host.addr));
            let way = match inside {
                [true, false] => Way::Left,
                [false, true] => Way::CameIn,
                [true, true] => Way::Inside,
                [false, false] => Way::Outside,
            };
            rows.push(Row {
                moved: Moved {
                    from,
                    to,
                    way,
                    files: 0,
                    bytes: 0,
                    incomplete: 0,
                    encrypted_files: 0,
                    encrypted_bytes: 0,
                    types: Vec::new(),
                    transfers: Vec::new(),
                    first: stamp,
                    last: stamp,
                },
                types: BTreeMap::new(),
            });
            rows.len() - 1
        });
        let row = rows.get_mut(place)?;
        let Moved { first, last, .. } = &mut row.moved;
        (*first, *last) = (first.earlier(stamp), last.later(stamp));
        Some(row)
    }
}

impl<'a> Row<'a> {
    fn finish(self) -> Moved<'a> {
        let mut types: Vec<_> = self.types.into_iter().collect();
        types.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        types.truncate(TYPES);
        Moved { types, ..self.moved }
    }
}

/// A copy between servers is arranged by two commands: the one that sends tells of it.
fn is_other_half(transfer: &Transfer) -> bool {
    let copy = transfer.site_to_site.as_deref();
    copy.is_some_and(|copy| copy.destination.transfer == transfer.request.id)
}
