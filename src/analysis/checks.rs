//! What sessions say of files, held against what was moved.

use std::collections::{HashMap, HashSet};

use crate::ftp::{self, Command, Entry, Modified, Reply, Verb};
use crate::session::{Exchange, Session};
use crate::time::Stamp;
use crate::transfer::{self, CheckSource, Direction, Outcome, Stated, Transfer};

/// Adds to the transfers of a session what it says of their files, before and after. `transfers`
/// are sorted by their numbers.
pub(super) fn check(session: &Session, transfers: &mut [Transfer]) {
    let mut reader = Reader::new(session, transfers);
    for exchange in &session.exchanges {
        reader.read(exchange);
    }
    for (place, said) in reader.said.0 {
        if let Some(transfer) = transfers.get_mut(place) {
            // Collected, they would keep the room of what was said, which is more.
            let mut checks = Vec::with_capacity(said.len());
            checks.extend(said.into_iter().map(|said| {
                let Said { source, stamp, stated } = said;
                transfer.check(source, stamp, stated)
            }));
            transfer.checks = checks;
        }
    }
}

/// Checks of one transfer.
const MOST: usize = 64;

/// Reads a session and finds what is said of files that were moved in it.
struct Reader<'a> {
    session: &'a Session,
    transfers: &'a [Transfer],
    /// Paths of files that were moved.
    paths: HashSet<&'a [u8]>,
    files: HashMap<Vec<u8>, File>,
    /// When the files were modified, as MLSD and MLST say.
    listed: HashMap<Vec<u8>, Modified>,
    /// Octets the client said it would send, until it does.
    allo: Option<(Stamp, u64)>,
    renamed: Option<Vec<u8>>,
    said: SaidOf,
}

/// What is said of transfers, [`MOST`] of each: who asks for one file over and over and fetches it as
/// often must not get the product of both.
#[derive(Default)]
struct SaidOf(HashMap<usize, Vec<Said>>);

/// A file as it is until it is written to or goes away: what is said of it in that time concerns
/// every transfer of it in that time.
#[derive(Default)]
struct File {
    said: Vec<Said>,
    moved: Vec<usize>,
}

#[derive(Clone)]
struct Said {
    source: CheckSource,
    stamp: Stamp,
    stated: Stated,
}

impl<'a> Reader<'a> {
    fn new(session: &'a Session, transfers: &'a [Transfer]) -> Self {
        let own = session.transfers.iter().filter_map(|id| transfer::find(*id, transfers));
        let moved = own.filter(|transfer| transfer.direction != Direction::Listing);
        Self {
            session,
            transfers,
            paths: moved.filter_map(|transfer| transfer.request.path.as_deref()).collect(),
            files: HashMap::new(),
            listed: HashMap::new(),
            allo: None,
            renamed: None,
            said: SaidOf::default(),
        }
    }

    fn read(&mut self, exchange: &Exchange) {
        let Some(sent) = &exchange.sent else { return };
        let transfer = exchange.transfer.and_then(|id| transfer::place_of(id, self.transfers));
        if let Some(place) = transfer {
            return self.read_transfer(place, exchange);
        }
        let Some(answer) = exchange.final_reply() else { return };
        let (command, reply) = (&sent.command, &answer.reply);
        // RNFR is answered 350 (RFC 959 §5.4).
        if command.verb == Verb::Rnfr && reply.code == 350 {
            self.renamed = Some(self.session.path_of(exchange));
        } else if reply.is_success() {
            self.read_answer(exchange, command, reply, answer.stamp);
        }
    }

    fn read_answer(&mut self, exchange: &Exchange, command: &Command, reply: &Reply, at: Stamp) {
        let bytes = |bytes| Stated::Bytes(bytes);
        match command.verb {
            Verb::Size => {
                let stated = ftp::parse_number(reply.first_line()).map(bytes);
                self.say(&self.session.path_of(exchange), CheckSource::Size, at, stated);
            }
            Verb::Mlst => {
                let entry = reply.lines().find_map(ftp::parse_facts);
                let path = self.session.path_of(exchange);
                self.note_time(&path, entry.as_ref());
                let stated = entry.and_then(|entry| entry.size).map(bytes);
                self.say(&path, CheckSource::Mlst, at, stated);
            }
            Verb::Mdtm | Verb::Mfmt => {
                let path = self.session.path_of(exchange);
                let source = match command.verb {
                    Verb::Mdtm => CheckSource::Mdtm,
                    _ => CheckSource::Mfmt,
                };
                let listed = self.listed.get(&path).copied();
                let stated = ftp::parse_time(reply.first_line());
                let stated = stated.map(|stated| Stated::Time { stated, listed });
                self.say(&path, source, at, stated);
            }
            Verb::Hash => {
                let Some((name, value, end)) = ftp::parse_hash(command, reply) else { return };
                let file = self.session.directory(&exchange.cwd).join(&ftp::hashed_name(command));
                self.say(&file, CheckSource::Hash, at, Some(Stated::Hash { name, value, end }));
            }
            Verb::Allo => {
                let count = command.arg().split(|byte| *byte == b' ').next();
                self.allo = count.and_then(ftp::parse_number).map(|count| (at, count));
            }
            Verb::Dele => drop(self.files.remove(&self.session.path_of(exchange))),
            Verb::Rnto => {
                let file = self.renamed.take().and_then(|old| self.files.remove(&old));
                let new = self.session.path_of(exchange);
                self.files.insert(new, file.unwrap_or_default());
            }
            _ => {}
        }
    }

    fn read_transfer(&mut self, place: usize, exchange: &Exchange) {
        let Some(transfer) = self.transfers.get(place) else { return };
        if transfer.direction == Direction::Listing {
            return self.read_listing(transfer);
        }
        for answer in &exchange.replies {
            let (source, stated) = match answer.reply.is_preliminary() {
                true => (CheckSource::Preliminary, answer.reply.size_in_brackets()),
                false => (CheckSource::Final, answer.reply.counted_bytes()),
            };
            let stated = stated.map(Stated::Bytes);
            if let Some(stated) = stated {
                self.said.add(place, &Said { source, stamp: answer.stamp, stated });
            }
        }
        let writes = matches!(transfer.request.verb, Verb::Stor | Verb::Stou | Verb::Appe);
        if writes && let Some((stamp, count)) = self.allo.take() {
            let stated = Stated::Bytes(count);
            self.said.add(place, &Said { source: CheckSource::Allo, stamp, stated });
        }
        let Some(path) = &transfer.request.path else { return };
        if transfer.outcome == Outcome::Refused {
            return;
        }
        let file = self.files.entry(path.clone()).or_default();
        if writes {
            *file = File::default();
        }
        file.said.iter().for_each(|said| self.said.add(place, said));
        file.moved.push(place);
    }

    fn read_listing(&mut self, transfer: &Transfer) {
        let (Some(listing), Some(at)) = (&transfer.listing, transfer.request.answered) else {
            return;
        };
        let source = match transfer.request.verb {
            Verb::Mlsd => CheckSource::Mlsd,
            _ => CheckSource::List,
        };
        let directory = self.session.directory(transfer.request.path.as_deref().unwrap_or(b""));
        for entry in &listing.entries {
            let path = directory.join(&entry.name);
            self.note_time(&path, Some(entry));
            self.say(&path, source, at.0, entry.size.map(Stated::Bytes));
        }
    }

    /// Of times without a zone nothing can be said.
    fn note_time(&mut self, path: &[u8], entry: Option<&Entry>) {
        let modified = entry.and_then(|entry| entry.modified).filter(|time| time.is_utc);
        if let Some(modified) = modified.filter(|_| self.paths.contains(path)) {
            self.listed.insert(path.to_vec(), modified);
        }
    }

    /// Something is said of a file; what is said of others is of no use.
    fn say(&mut self, path: &[u8], source: CheckSource, stamp: Stamp, stated: Option<Stated>) {
        let is_known = self.paths.contains(path) || self.files.contains_key(path);
        let Some(stated) = stated.filter(|_| is_known) else { return };
        let said = Said { source, stamp, stated };
        let file = self.files.entry(path.to_vec()).or_default();
        file.moved.retain(|place| {
            self.said.add(*place, &said);
            self.said.has_room(*place)
        });
        if file.said.len() < MOST {
            file.said.push(said);
        }
    }
}

impl SaidOf {
    fn add(&mut self, place: usize, said: &Said) {
        if self.has_room(place) {
            self.0.entry(place).or_default().push(said.clone());
        }
    }

    fn has_room(&self, place: usize) -> bool {
        self.0.get(&place).is_none_or(|said| said.len() < MOST)
    }
}
