//! What a session's commands and replies mean.

use std::collections::BTreeMap;

use super::context::Context;
use super::exchanges::Exchanges;
use super::links::Waiting;
use super::login::{Encryption, EncryptionKind, Protection};
use super::pairing::{Pairing, Pending, ReplyPlace};
use super::promise::{DataId, Link};
use super::request::{Agreement, Expected, Method, Request, Setup, SizeSource, name_in};
use super::setups::Setups;
use super::sizes::Sizes;
use super::weight::Weight;
use super::{Exchange, Received, Sent, Session, TransferId};
use crate::decode::{Endpoint, Host};
use crate::ftp::{self, Announced, Command, Directory, Line, Paths, Reply, Verb, parse_number};
use crate::limits::Limits;
use crate::tcp::Mark;
use crate::time::Stamp;

/// A session as it unfolds: what was said so far, and what is still open.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) session: Session,
    pub(super) exchanges: Exchanges,
    pub(super) open: BTreeMap<TransferId, OpenRequest>,
    /// The connection ended.
    pub(super) is_over: bool,
    pairing: Pairing,
    setups: Setups,
    context: Context,
    sizes: Sizes,
    /// What an `AUTH` that is not answered yet asks for.
    auth: Option<EncryptionKind>,
    /// After a 234, until the client sends the first TLS record or something else: how the session
    /// was protected before.
    agreed: Option<Encryption>,
    /// The last reply nobody had asked for: the exchange that holds it, and its place.
    stray: Option<(usize, ReplyPlace)>,
    /// Lines of the client of which not all was kept.
    pub(super) cut_lines: u64,
    open_kept: usize,
    open_bytes: usize,
    open_dropped: u64,
    /// Transfers that the session's own list has no room for.
    unlisted: u64,
    transfers_kept: usize,
    /// Sessions hold as much text as they may: only what is needed is kept.
    pub(super) is_rationed: bool,
}

/// What sessions have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) next_transfer: u32,
    /// Transfers of all sessions that are not handed over yet.
    pub(super) open: usize,
    pub(super) most_open: usize,
}

/// What the reading of one event asks the tracker to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// Someone listens at this address now.
    Announce { setup: u32, method: Method, address: Endpoint, stamp: Stamp },
    /// Nobody does any more.
    Withdraw { setup: u32 },
    /// A connection that was made for no transfer.
    Abandon { data: DataId },
    /// A transfer began, and has no connection yet.
    Wait { transfer: TransferId, waiting: Waiting },
    /// A transfer needs no connection any more.
    StopWaiting { transfer: TransferId },
    /// Something became final.
    Settled,
}

/// What a link did: the transfer that has its connection now, and the attempt it had before.
#[derive(Debug)]
pub(super) struct Linked {
    /// The setup is still there.
    pub(super) is_found: bool,
    pub(super) transfer: Option<TransferId>,
    pub(super) replaced: Option<DataId>,
}

/// A transfer that is not handed over yet.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) request: Request,
    pub(super) setup: u32,
    /// The exchange of the `REST` before it.
    rest: Option<usize>,
}

impl Story {
    pub(super) fn new(session: Session, from_start: bool, limits: &Limits) -> Self {
        Self {
            session,
            exchanges: Exchanges::new(limits),
            open: BTreeMap::new(),
            is_over: false,
            pairing: Pairing::new(limits.pending_commands),
            setups: Setups::new(limits.setups),
            context: Context::new(from_start, limits.setups),
            sizes: Sizes::new(limits.sizes),
            auth: None,
            agreed: None,
            stray: None,
            cut_lines: 0,
            open_kept: limits.pending_commands,
            open_bytes: 0,
            open_dropped: 0,
            unlisted: 0,
            transfers_kept: limits.exchanges,
            is_rationed: false,
        }
    }

    /// Whether what follows can be read. GSSAPI seals commands, but in lines.
    pub(super) fn is_clear(&self) -> bool {
        let encryption = &self.session.encryption;
        matches!(encryption.kind, EncryptionKind::None | EncryptionKind::Gssapi)
            || encryption.until.is_some()
            || self.agreed.is_some()
    }

    /// Whether TLS is to begin with what the client sends next.
    pub(super) fn has_agreed_on_tls(&self) -> bool {
        self.agreed.is_some()
    }

    /// It does. What was sent ahead of it is not answered in clear text any more.
    pub(super) fn start_tls(&mut self) {
        if self.agreed.take().is_some() {
            self.pairing.clear();
        }
    }

    /// A 234, and no TLS after it: whoever looks at the capture must not be blinded by three digits.
    pub(super) fn undo_tls(&mut self) {
        if let Some(before) = self.agreed.take() {
            self.session.encryption = before;
        }
    }

    /// TLS began although no 234 was captured.
    pub(super) fn begin_tls(&mut self, stamp: Stamp) {
        self.encrypt(self.auth.unwrap_or(EncryptionKind::Explicit), stamp);
    }

    /// Clear text came back in one direction. What was said meanwhile is not known; when it comes
    /// back in the other, too, something was said in the clear already.
    pub(super) fn end_tls(&mut self, stamp: Stamp) {
        if self.session.encryption.until.is_none() {
            self.session.encryption.until = Some(stamp);
            self.context.forget();
        }
    }

    /// `len` octets of the server were not captured.
    pub(super) fn handle_server_gap(&mut self, offset: u64, len: u64) {
        self.pairing.handle_gap(offset, len);
    }

    /// Octets of the client before `end` were not captured.
    pub(super) fn handle_client_gap(&mut self, end: u64) {
        self.pairing.handle_client_gap(end);
        self.context.forget();
    }

    /// The connection is over.
    pub(super) fn finish(&mut self, was_clear: bool, effects: &mut Vec<Effect>) {
        let was_sealed =
            !was_clear || self.session.encryption.until.is_some() || self.agreed.is_some();
        self.session.login.settle(self.context.from_start, was_sealed);
        self.setups.finish(effects);
        for open in self.open.values() {
            let address = open.request.setup.announced;
            effects.extend(address.map(|_| Effect::Withdraw { setup: open.setup }));
        }
        self.is_over = true;
        effects.push(Effect::Settled);
    }

    /// Writes down the connection that fulfils a setup.
    pub(super) fn link(&mut self, setup: u32, link: Link) -> Linked {
        let known = self.setups.link(setup, link);
        let (is_found, replaced) = (known.is_some(), known.flatten());
        let mut linked = Linked { is_found, transfer: None, replaced };
        if let Some((transfer, open)) = self.open.iter_mut().find(|(_, open)| open.setup == setup) {
            linked.is_found = true;
            linked.transfer = Some(*transfer);
            linked.replaced = open.request.setup.give(link);
        }
        linked
    }

    /// Sizes that a listing showed, relative to the directory it lists.
    pub(super) fn note_sizes(
        &mut self,
        directory: &[u8],
        entries: impl IntoIterator<Item = (Vec<u8>, u64)>,
        source: SizeSource,
    ) {
        let directory = Directory::of(directory, self.context.directory.paths());
        for (name, bytes) in entries {
            self.note_size(directory.join(&name), Expected { bytes, source });
        }
    }

    /// Takes a transfer off the open ones, with what is known of its size.
    pub(super) fn take(&mut self, transfer: TransferId) -> Option<Request> {
        let mut request = self.open.remove(&transfer)?.request;
        self.open_bytes = self.open_bytes.saturating_sub(request.weight());
        if request.expected.is_none()
            && !request.verb.is_listing()
            && let Some(path) = &request.path
        {
            request.expected = self.sizes.of(path);
        }
        // What was uploaded now has another size.
        if matches!(request.verb, Verb::Stor | Verb::Appe)
            && let Some(path) = &request.path
        {
            request.replaces = self.sizes.of(path).map(|known| known.bytes);
            self.sizes.forget(path);
            request.expected = None;
        }
        Some(request)
    }

    /// What is agreed for this connection: by the command it was made for, or, before that comes,
    /// by what is in force.
    pub(super) fn agreement(&self, data: DataId) -> Agreement {
        let over =
            |open: &&OpenRequest| open.request.setup.link.is_some_and(|link| link.data == data);
        match self.open.values().find(over) {
            Some(open) => open.request.agreement(),
            None => Agreement {
                is_listing: false,
                representation: self.context.representation,
                protection: self.session.encryption.data,
            },
        }
    }

    /// Exchanges to which nothing will be added.
    pub(super) fn final_exchanges(&mut self) -> impl Iterator<Item = Exchange> + use<> {
        let until = if self.is_over { None } else { self.pairing.oldest_exchange() };
        self.exchanges.take_before(until.unwrap_or(usize::MAX)).into_iter()
    }

    /// Bounds that were reached, by name.
    pub(super) fn overflows(&self) -> [(&'static str, u64); 9] {
        [
            ("exchanges", self.exchanges.dropped),
            ("text_bytes", self.exchanges.shed),
            ("replies", self.exchanges.replies_dropped),
            ("malformed_lines", self.exchanges.malformed_dropped),
            ("pending_commands", self.pairing.overflows),
            ("open_transfers", self.open_dropped),
            ("session_transfers", self.unlisted),
            ("setups", self.setups.overflows + self.context.overflows),
            ("sizes", self.sizes.dropped),
        ]
    }

    /// Bytes it holds.
    pub(super) fn weight(&self) -> usize {
        self.session.text_weight() + self.exchanges.bytes() + self.open_bytes + self.sizes.weight()
    }

    /// The client sent a line.
    pub(super) fn handle_command(
        &mut self,
        line: &Line<'_, Mark>,
        shared: &mut Shared,
        effects: &mut Vec<Effect>,
    ) {
        self.cut_lines += u64::from(line.dropped > 0);
        let command = Command::parse(line.bytes);
        let stamp = line.last.stamp;
        let is_partial = line.torn || line.after_gap || line.dropped > 0;
        self.session.login.handle_command(&command);
        let is_split = line.first.stamp.frame() != stamp.frame();
        let iacs = u32::try_from(line.iacs).unwrap_or(u32::MAX);
        let sent = Sent { stamp, command, is_partial, is_headless: line.after_gap, is_split, iacs };
        let command = &sent.command;
        if let Some((index, reply)) = self.answered_already(line) {
            self.understand_command(index, command, stamp, shared, effects);
            let transfer = self.exchanges.at(index).and_then(|exchange| exchange.transfer);
            let Received { stamp, reply, .. } = reply;
            self.understand_reply(index, command, transfer, &reply, stamp, effects);
            self.exchanges.set_sent(index, sent);
            return effects.push(Effect::Settled);
        }
        let index = self.exchanges.begin(self.context.directory.path());
        // Servers pass over an empty line, or answer it with 500 as they would a word of nonsense.
        let is_empty = line.bytes.is_empty();
        self.pairing.handle_command(Pending {
            exchange: index,
            verb: command.verb,
            end: line.end,
            had: line.first.acked,
            is_under_way: false,
            lost_before: None,
            is_doubtful: is_empty || line.after_gap && command.verb == Verb::Other,
        });
        self.understand_command(index, command, stamp, shared, effects);
        self.exchanges.set_sent(index, sent);
        effects.push(Effect::Settled);
    }

    /// The exchange and the reply of a command whose reply came first: at the very beginning of a
    /// capture nothing tells yet that the command is still to come.
    fn answered_already(&mut self, line: &Line<'_, Mark>) -> Option<(usize, Received)> {
        let (index, place) = self.stray.take()?;
        let fits = line.first.acked <= place.start && line.end <= place.had;
        let exchange = self.exchanges.at(index).filter(|_| fits)?;
        Some((index, exchange.final_reply()?.clone()))
    }

    /// The server sent a line that is no reply.
    pub(super) fn keep_malformed(&mut self, line: &Line<'_, Mark>) {
        let index = self.pairing.oldest_exchange();
        let index = index.unwrap_or_else(|| self.exchanges.begin(self.context.directory.path()));
        self.exchanges.add_malformed(index, line.last.stamp, line.bytes);
    }

    /// The server sent a reply.
    pub(super) fn handle_reply(
        &mut self,
        received: Received,
        place: ReplyPlace,
        effects: &mut Vec<Effect>,
    ) {
        let Received { stamp, ref reply, .. } = received;
        // The first thing a server says answers nothing, even if an eager client spoke first.
        let is_greeting = place.start == 0
            && self.context.from_start
            && can_greet(reply)
            && !self.exchanges.any_reply();
        let asked = match is_greeting {
            true => None,
            false => self.pairing.handle_reply(reply, place),
        };
        if reply.code == 220 && self.session.banner.is_none() && asked.is_none() {
            self.session.banner = Some(reply.text.clone());
        }
        if asked.is_none() {
            self.session.login.handle_unasked(reply);
        }
        let index = match asked {
            Some(index) => index,
            None => self.exchanges.begin(self.context.directory.path()),
        };
        let is_stray = asked.is_none() && !self.context.from_start;
        self.stray = is_stray.then_some((index, place));
        let Some(transfer) = self.exchanges.at(index).map(|exchange| exchange.transfer) else {
            return;
        };
        self.exchanges.set_cwd(index, self.context.directory.path());
        if let Some(sent) = self.exchanges.lend_sent(index) {
            self.understand_reply(index, &sent.command, transfer, reply, stamp, effects);
            self.exchanges.give_back(index, sent);
        }
        self.exchanges.add_reply(index, received);
        effects.push(Effect::Settled);
    }

    fn understand_command(
        &mut self,
        index: usize,
        command: &Command,
        stamp: Stamp,
        shared: &mut Shared,
        effects: &mut Vec<Effect>,
    ) {
        match command.verb {
            Verb::Port | Verb::Eprt | Verb::Lprt => {
                self.begin_setup(index, command, command.announced(), stamp, effects);
            }
            // EPSV ALL (RFC 2428 §4) announces nothing.
            Verb::Epsv if command.arg().eq_ignore_ascii_case(b"ALL") => {}
            Verb::Pasv | Verb::Epsv | Verb::Lpsv => {
                self.begin_setup(index, command, None, stamp, effects);
            }
            Verb::Type | Verb::Mode | Verb::Stru => self.context.set(index, command),
            Verb::Rest => {
                self.context.rest = Some((index, parse_number(command.arg()).unwrap_or(0)));
            }
            Verb::Auth => self.auth = Some(Encryption::kind_of(command.arg())),
            Verb::Clnt => self.session.software.client = Some(command.arg().to_vec()),
            Verb::Abor => {
                for open in self.open.values_mut() {
                    open.request.is_abandoned |= !open.request.is_answered();
                }
            }
            verb if verb.is_transfer() => {
                self.begin_transfer(index, command, stamp, shared, effects)
            }
            _ => {}
        }
    }

    fn begin_setup(
        &mut self,
        index: usize,
        command: &Command,
        announced: Option<Announced>,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        let transfers = &self.open;
        let is_waited_for = |transfer| {
            let open = transfers.get(&transfer);
            open.is_some_and(|open: &OpenRequest| !open.request.is_answered())
        };
        self.setups.begin(index, command, stamp, is_waited_for, effects);
        if let Some(announced) = announced {
            self.announce(index, announced, stamp, effects);
        }
    }

    /// The address of the setup that exchange `index` asked for is known.
    fn announce(
        &mut self,
        index: usize,
        announced: Announced,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        // An address on the wire means one in the network of its session.
        let server = self.session.server.ip;
        let ip = announced.ip.map_or(server, |addr| Host { addr, ..server });
        let address = Endpoint { ip, port: announced.port };
        let Some(open) = self.setups.announce(index, address, stamp) else { return };
        effects.push(Effect::Announce {
            setup: open.id,
            method: open.setup.method,
            address,
            stamp,
        });
        if let Some(taken) = open.taken_by.and_then(|transfer| self.open.get_mut(&transfer)) {
            let setup = &mut taken.request.setup;
            (setup.announced, setup.stamp) = (Some(address), Some(stamp));
        }
    }

    fn begin_transfer(
        &mut self,
        index: usize,
        command: &Command,
        asked: Stamp,
        shared: &mut Shared,
        effects: &mut Vec<Effect>,
    ) {
        let rest = self.context.rest.take();
        if self.open.len() >= self.open_kept || shared.open >= shared.most_open {
            self.open_dropped += 1;
            return;
        }
        shared.open += 1;
        shared.next_transfer += 1;
        let id = TransferId(shared.next_transfer);
        let name = name_in(command);
        let request = Request {
            id,
            verb: command.verb,
            command: command.known_name().unwrap_or_default(),
            asked,
            user: self.session.login.user.clone(),
            path: self.context.path_of(command.verb, name.as_deref()),
            name,
            representation: self.context.representation,
            rest_offset: rest.map_or(0, |(_, offset)| offset),
            protection: self.session.encryption.data,
            setup: Setup::none(Method::Default),
            expected: None,
            replaces: None,
            preliminary: None,
            answered: None,
            is_abandoned: false,
        };
        let from_start = self.context.from_start;
        let (setup, chosen) = self.setups.choose(id, from_start, effects);
        let is_linked = chosen.link.is_some();
        let request = Request { setup: chosen, ..request };
        self.open_bytes += request.weight();
        self.open.insert(id, OpenRequest { request, setup, rest: rest.map(|(index, _)| index) });
        if self.session.transfers.len() < self.transfers_kept {
            self.session.transfers.push(id);
        } else {
            self.unlisted += 1;
        }
        self.exchanges.set_transfer(index, id);
        if !is_linked {
            let (session, client) = (self.session.id, self.session.client);
            let since =
                self.open.get(&id).and_then(|open| open.request.setup.stamp).unwrap_or(asked);
            let waiting = Waiting { session, setup, client, server: self.session.server, since };
            effects.push(Effect::Wait { transfer: id, waiting });
        }
    }

    fn understand_reply(
        &mut self,
        index: usize,
        command: &Command,
        transfer: Option<TransferId>,
        reply: &Reply,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        self.session.login.handle_reply(command.verb, reply);
        if let Some(open) = transfer.and_then(|transfer| self.open.get_mut(&transfer)) {
            let before = open.request.weight();
            open.request.handle_reply(stamp, reply);
            if open.request.is_answered() {
                effects.push(Effect::StopWaiting { transfer: open.request.id });
            }
            if open.request.is_refused() && self.setups.release(open.request.id) {
                open.request.setup.link = None;
            }
            let name = open.request.name.as_deref();
            open.request.path = self.context.path_of(command.verb, name);
            self.open_bytes = (self.open_bytes + open.request.weight()).saturating_sub(before);
        }
        match (command.verb, reply.code) {
            // Some servers answer the one with the other's reply.
            (Verb::Pasv | Verb::Epsv | Verb::Lpsv, 227..=229) => {
                if let Some(announced) = reply.announced() {
                    self.announce(index, announced, stamp, effects);
                }
            }
            (Verb::Auth, 234) => {
                let kind = Encryption::kind_of(command.arg());
                self.agreed =
                    Some(self.session.encryption).filter(|_| kind == EncryptionKind::Explicit);
                self.encrypt(kind, stamp);
            }
            (Verb::Adat, 235) => self.encrypt(EncryptionKind::Gssapi, stamp),
            (Verb::Prot, 200) => {
                let clear = command.arg().eq_ignore_ascii_case(b"C");
                let data = if clear { Protection::Clear } else { Protection::Private };
                self.session.encryption.data = data;
            }
            (Verb::Opts, code) if names_utf8(command.arg()) => {
                let is_off = command.arg().to_ascii_uppercase().ends_with(b" OFF");
                // Where it may not be turned off it stays as it was.
                if code / 100 == 2 || !is_off {
                    self.session.software.utf8 = Some(!is_off && code / 100 == 2);
                }
            }
            (Verb::Feat, 211) if reply.lines().any(|line| names_utf8(line.trim_ascii())) => {
                self.session.software.utf8.get_or_insert(true);
            }
            (Verb::Syst, 215) => {
                self.context.directory.set_paths(Paths::of(Some(reply.first_line())));
                self.session.software.server_system = Some(reply.first_line().to_vec());
            }
            (Verb::Size, 213) => {
                self.note_size_of(command, parse_number(reply.first_line()), SizeSource::Size)
            }
            (Verb::Mlst, 250) => {
                let entry = reply.lines().find_map(ftp::parse_facts);
                self.note_size_of(command, entry.and_then(|entry| entry.size), SizeSource::Mlst);
            }
            (Verb::Rest, code) if code >= 400 => self.refuse_rest(index),
            (Verb::Rein, 220) => self.context.reset(),
            (_, code) if code >= 400 => self.refuse(index, effects),
            (verb, 200..300) => self.context.move_to(verb, command.arg(), reply),
            _ => {}
        }
        if !reply.is_preliminary() {
            self.context.answer(index, reply.is_refusal());
        }
    }

    /// A setup that was refused is none; a transfer that was pipelined behind it has to do with
    /// what stood before.
    fn refuse(&mut self, index: usize, effects: &mut Vec<Effect>) {
        let taken_by = self.setups.refuse(index, effects);
        if let Some(open) = taken_by.and_then(|transfer| self.open.get_mut(&transfer)) {
            open.request.setup = Setup::none(Method::Default);
        }
    }

    /// A restart that was refused is none; a transfer may have been pipelined behind it.
    fn refuse_rest(&mut self, index: usize) {
        self.context.rest = self.context.rest.filter(|(rest, _)| *rest != index);
        for open in self.open.values_mut().filter(|open| open.rest == Some(index)) {
            open.request.rest_offset = 0;
        }
    }

    fn encrypt(&mut self, kind: EncryptionKind, stamp: Stamp) {
        self.session.encryption.begin(kind, stamp);
        if !self.is_clear() {
            self.pairing.clear();
        }
    }

    fn note_size_of(&mut self, command: &Command, bytes: Option<u64>, source: SizeSource) {
        if let Some(bytes) = bytes {
            let path = self.context.directory.join(command.arg());
            self.note_size(path, Expected { bytes, source });
        }
    }

    fn note_size(&mut self, path: Vec<u8>, expected: Expected) {
        self.sizes.note(path, expected, !self.is_rationed);
    }
}

/// `UTF8`, and `UTF-8` of clients that follow the drafts.
fn names_utf8(text: &[u8]) -> bool {
    let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    word.eq_ignore_ascii_case(b"UTF8") || word.eq_ignore_ascii_case(b"UTF-8")
}

/// Ready, soon ready, or not at all (RFC 959 §5.4). A server without a greeting answers USER
/// first.
fn can_greet(reply: &Reply) -> bool {
    matches!(reply.code, 120 | 220) || reply.is_refusal()
}
