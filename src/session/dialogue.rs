//! One control connection, read line by line.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::login::{Encryption, EncryptionKind, Protection};
use super::pairing::{Pairing, Pending, ReplyPlace};
use super::promise::{DataId, Link, Waiting};
use super::request::{Expected, Method, Representation, Request, Setup, SizeSource, name_in};
use super::{Exchange, Received, Sent, Session, TransferId};
use crate::decode::Endpoint;
use crate::ftp::{
    self, Announced, Command, Directory, Joined, Line, LineSplitter, Reply, ReplyJoiner, Verb,
};
use crate::limits::Limits;
use crate::tcp::Mark;
use crate::time::Stamp;

/// A control connection being read: what was said so far, and what is still open.
#[derive(Debug)]
pub(super) struct Dialogue {
    pub(super) session: Session,
    pub(super) exchanges: Exchanges,
    pub(super) open: BTreeMap<TransferId, OpenRequest>,
    /// The connection ended.
    pub(super) is_over: bool,
    text: Text,
    pairing: Pairing,
    setups: Vec<OpenSetup>,
    next_setup: u32,
    context: Context,
    sizes: HashMap<Vec<u8>, Expected>,
    limits: Limits,
}

/// What the reading of one event asks the tracker to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// Someone listens at this address now.
    Announce { setup: u32, method: Method, address: Endpoint, stamp: Stamp },
    /// Nobody does any more.
    Withdraw { setup: u32, port: u16 },
    /// A connection that was made for no transfer.
    Abandon { data: DataId },
    /// A transfer began, and has no connection yet.
    Wait { transfer: TransferId, waiting: Waiting },
    /// Something became final.
    Settled,
}

/// What a link did: the transfer that has its connection now, and the attempt it had before.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) transfer: Option<TransferId>,
    pub(super) replaced: Option<DataId>,
}

/// A transfer that is not handed over yet.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) request: Request,
    pub(super) setup: u32,
}

/// Exchanges by their number in the session; those at the front may have left already.
#[derive(Debug)]
pub(super) struct Exchanges {
    list: VecDeque<Exchange>,
    base: usize,
    most: usize,
    pub(super) dropped: u64,
}

/// Bytes of both directions on their way to lines and replies.
#[derive(Debug)]
struct Text {
    client: LineSplitter<Mark>,
    server: LineSplitter<Mark>,
    joiner: ReplyJoiner,
    /// Where the reply that is open began.
    opened: Option<ReplyPlace>,
    /// False from the first byte that is not clear text.
    is_clear: bool,
    auth: Option<EncryptionKind>,
    malformed: u64,
}

/// What the next command is understood by.
#[derive(Debug)]
struct Context {
    directory: Directory,
    representation: Representation,
    /// The field, and what it was, of a TYPE, MODE or STRU not answered yet.
    before: Vec<(usize, Verb, Option<Vec<u8>>)>,
    rest_offset: u64,
    from_start: bool,
}

#[derive(Debug)]
struct OpenSetup {
    id: u32,
    exchange: usize,
    setup: Setup,
    taken_by: Option<TransferId>,
}

/// Lines that are no replies, kept of one exchange.
const MALFORMED_KEPT: usize = 64;

impl Dialogue {
    pub(super) fn new(session: Session, from_start: bool, limits: &Limits) -> Self {
        let representation =
            if from_start { Representation::initial() } else { Representation::default() };
        Self {
            session,
            exchanges: Exchanges::new(limits.exchanges),
            open: BTreeMap::new(),
            is_over: false,
            text: Text {
                client: LineSplitter::new(limits.line_bytes),
                server: LineSplitter::new(limits.line_bytes),
                joiner: ReplyJoiner::new(limits.reply_bytes),
                opened: None,
                is_clear: true,
                auth: None,
                malformed: 0,
            },
            pairing: Pairing::new(limits.pending_commands),
            setups: Vec::new(),
            next_setup: 0,
            context: Context {
                directory: Directory::default(),
                representation,
                before: Vec::new(),
                rest_offset: 0,
                from_start,
            },
            sizes: HashMap::new(),
            limits: limits.clone(),
        }
    }

    /// The client said something. `next` numbers transfers.
    pub(super) fn handle_client(
        &mut self,
        offset: u64,
        bytes: &[u8],
        mark: Mark,
        next: &mut u32,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_tls(self.text.client.is_between_lines(), bytes, mark.stamp) {
            return;
        }
        let mut lines = self.text.take_client();
        lines.push(offset, bytes, mark, |line| self.handle_command_line(&line, next, effects));
        self.text.client = lines;
    }

    /// The server said something.
    pub(super) fn handle_server(
        &mut self,
        offset: u64,
        bytes: &[u8],
        mark: Mark,
        effects: &mut Vec<Effect>,
    ) {
        if self.is_tls(self.text.server.is_between_lines(), bytes, mark.stamp) {
            return;
        }
        let mut lines = self.text.take_server();
        lines.push(offset, bytes, mark, |line| self.handle_reply_line(&line, effects));
        self.text.server = lines;
    }

    /// Octets of the client were not captured.
    pub(super) fn handle_client_gap(
        &mut self,
        offset: u64,
        mark: Mark,
        next: &mut u32,
        effects: &mut Vec<Effect>,
    ) {
        let mut lines = self.text.take_client();
        lines.gap(offset, mark, |line| self.handle_command_line(&line, next, effects));
        self.text.client = lines;
    }

    /// Octets of the server were not captured.
    pub(super) fn handle_server_gap(
        &mut self,
        offset: u64,
        len: u64,
        mark: Mark,
        effects: &mut Vec<Effect>,
    ) {
        let mut lines = self.text.take_server();
        lines.gap(offset, mark, |line| self.handle_reply_line(&line, effects));
        self.text.server = lines;
        self.tear_reply(mark, effects);
        self.pairing.handle_gap(offset, len);
    }

    /// The connection is over: what is half said stays half said.
    pub(super) fn finish(&mut self, mark: Mark, next: &mut u32, effects: &mut Vec<Effect>) {
        let mut lines = self.text.take_client();
        lines.end(u64::MAX, mark, |line| self.handle_command_line(&line, next, effects));
        let mut lines = self.text.take_server();
        lines.end(u64::MAX, mark, |line| self.handle_reply_line(&line, effects));
        self.tear_reply(mark, effects);
        self.session.login.settle(self.context.from_start, !self.text.is_clear);
        for setup in std::mem::take(&mut self.setups) {
            effects.extend(setup.withdrawal());
        }
        for open in self.open.values() {
            let setup = &open.request.setup;
            effects.extend(withdrawal(open.setup, setup));
        }
        self.is_over = true;
        effects.push(Effect::Settled);
    }

    /// It is inside TLS from its first byte.
    pub(super) fn begin_implicit_tls(&mut self, since: Stamp) {
        self.session.encryption.begin(EncryptionKind::Implicit, since);
        self.text.is_clear = false;
    }

    /// Writes down the connection that fulfils a setup.
    pub(super) fn link(&mut self, setup: u32, link: Link) -> Linked {
        let mut linked = Linked { transfer: None, replaced: None };
        if let Some(open) = self.setups.iter_mut().find(|open| open.id == setup) {
            linked.replaced = open.setup.link.replace(link).map(|link| link.data);
        }
        if let Some((transfer, open)) = self.open.iter_mut().find(|(_, open)| open.setup == setup) {
            linked.transfer = Some(*transfer);
            linked.replaced = open.request.setup.link.replace(link).map(|link| link.data);
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
        let directory = Directory::named_as_is(directory);
        for (name, bytes) in entries {
            self.note_size(directory.join(&name), Expected { bytes, source });
        }
    }

    /// Takes a transfer off the open ones, with what is known of its size.
    pub(super) fn take(&mut self, transfer: TransferId) -> Option<Request> {
        let mut request = self.open.remove(&transfer)?.request;
        if request.expected.is_none()
            && !request.verb.is_listing()
            && let Some(path) = &request.path
        {
            request.expected = self.sizes.get(path).copied();
        }
        // What was uploaded now has another size.
        if matches!(request.verb, Verb::Stor | Verb::Appe)
            && let Some(path) = &request.path
        {
            self.sizes.remove(path);
            request.expected = None;
        }
        Some(request)
    }

    /// Whether a listing goes over this connection.
    pub(super) fn lists_over(&self, data: DataId) -> bool {
        let over =
            |open: &OpenRequest| open.request.setup.link.is_some_and(|link| link.data == data);
        self.open.values().any(|open| open.request.verb.is_listing() && over(open))
    }

    /// Exchanges to which nothing will be added.
    pub(super) fn final_exchanges(&mut self) -> impl Iterator<Item = Exchange> {
        let until = if self.is_over { None } else { self.pairing.oldest_exchange() };
        self.exchanges.take_before(until.unwrap_or(usize::MAX))
    }

    /// Bounds that were reached, by name.
    pub(super) fn overflows(&self) -> [(&'static str, u64); 3] {
        [
            ("exchanges", self.exchanges.dropped),
            ("pending_commands", self.pairing.overflows),
            ("malformed_lines", self.text.malformed),
        ]
    }

    /// Whether these bytes are not clear text. A 234 that was not captured is made up for by the
    /// ClientHello that follows it.
    fn is_tls(&mut self, between_lines: bool, bytes: &[u8], stamp: Stamp) -> bool {
        if self.text.is_clear && between_lines && matches!(bytes, [0x14..=0x17, 3, 0..=4, ..]) {
            let kind = self.text.auth.unwrap_or(EncryptionKind::Explicit);
            self.begin_tls(kind, stamp);
        }
        !self.text.is_clear
    }

    fn begin_tls(&mut self, kind: EncryptionKind, stamp: Stamp) {
        self.session.encryption.begin(kind, stamp);
        if kind != EncryptionKind::Gssapi {
            self.text.is_clear = false;
            self.pairing.clear();
        }
    }

    fn handle_command_line(
        &mut self,
        line: &Line<'_, Mark>,
        next: &mut u32,
        effects: &mut Vec<Effect>,
    ) {
        if !self.text.is_clear {
            return;
        }
        let command = Command::parse(line.bytes);
        let stamp = line.last.stamp;
        let is_partial = line.torn || line.after_gap || line.dropped > 0;
        self.session.login.handle_command(&command);
        let index = self.exchanges.add(Exchange {
            sent: Some(Sent { stamp, command: command.clone(), is_partial }),
            replies: Vec::new(),
            malformed: Vec::new(),
            cwd: self.context.directory.path().to_vec(),
            transfer: None,
        });
        self.pairing.handle_command(Pending {
            exchange: index,
            verb: command.verb,
            end: line.end,
            had: line.first.acked,
            is_under_way: false,
            lost_before: None,
        });
        self.understand_command(index, &command, stamp, next, effects);
        effects.push(Effect::Settled);
    }

    fn understand_command(
        &mut self,
        index: usize,
        command: &Command,
        stamp: Stamp,
        next: &mut u32,
        effects: &mut Vec<Effect>,
    ) {
        match command.verb {
            Verb::Port => {
                self.begin_setup(index, command, ftp::parse_port(&command.arg), stamp, effects)
            }
            Verb::Eprt => {
                self.begin_setup(index, command, ftp::parse_eprt(&command.arg), stamp, effects)
            }
            Verb::Lprt => {
                self.begin_setup(index, command, ftp::parse_lprt(&command.arg), stamp, effects)
            }
            // EPSV ALL (RFC 2428 §4) announces nothing.
            Verb::Epsv if command.arg.eq_ignore_ascii_case(b"ALL") => {}
            Verb::Pasv | Verb::Epsv | Verb::Lpsv => {
                self.begin_setup(index, command, None, stamp, effects);
            }
            Verb::Type | Verb::Mode | Verb::Stru => self.context.set(index, command),
            Verb::Rest => self.context.rest_offset = parse_number(&command.arg).unwrap_or(0),
            Verb::Auth => self.text.auth = Some(Encryption::kind_of(&command.arg)),
            Verb::Clnt => self.session.software.client = Some(command.arg.clone()),
            Verb::Abor => {
                for open in self.open.values_mut() {
                    open.request.is_abandoned |= !open.request.is_answered();
                }
            }
            verb if verb.is_transfer() => self.begin_transfer(index, command, stamp, next, effects),
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
        // A pipelined command may still wait for the one it took; the others are replaced.
        let transfers = &self.open;
        let is_done = |open: &mut OpenSetup| {
            let taken = open.taken_by.and_then(|transfer| transfers.get(&transfer));
            taken.is_none_or(|taken| taken.request.is_answered())
        };
        for done in self.setups.extract_if(.., is_done) {
            effects.extend(done.withdrawal());
        }
        while self.setups.len() >= SETUPS_KEPT {
            self.setups.remove(0);
        }
        let method = match command.verb {
            Verb::Port | Verb::Eprt | Verb::Lprt => Method::Active,
            _ => Method::Passive,
        };
        let setup =
            Setup { command: Some(command.name()), stamp: Some(stamp), ..Setup::none(method) };
        let id = self.number_setup();
        self.setups.push(OpenSetup { id, exchange: index, setup, taken_by: None });
        if let Some(announced) = announced {
            self.announce(index, announced, stamp, effects);
        }
    }

    fn number_setup(&mut self) -> u32 {
        self.next_setup += 1;
        self.next_setup
    }

    /// The address of the setup that exchange `index` asked for is known.
    fn announce(
        &mut self,
        index: usize,
        announced: Announced,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        let server = self.session.server.ip;
        let Some(open) = self.setups.iter_mut().find(|open| open.exchange == index) else { return };
        let address = Endpoint { ip: announced.ip.unwrap_or(server), port: announced.port };
        open.setup.announced = Some(address);
        open.setup.stamp = Some(stamp);
        let (setup, method, taken_by) = (open.id, open.setup.method, open.taken_by);
        if let Some(request) = taken_by.and_then(|transfer| self.open.get_mut(&transfer)) {
            let request = &mut request.request.setup;
            (request.announced, request.stamp) = (Some(address), Some(stamp));
        }
        effects.push(Effect::Announce { setup, method, address, stamp });
    }

    fn begin_transfer(
        &mut self,
        index: usize,
        command: &Command,
        asked: Stamp,
        next: &mut u32,
        effects: &mut Vec<Effect>,
    ) {
        *next += 1;
        let id = TransferId(*next);
        let name = name_in(command);
        let request = Request {
            id,
            verb: command.verb,
            command: command.name(),
            asked,
            path: self.context.path_of(command.verb, name.as_deref()),
            name,
            representation: self.context.representation.clone(),
            rest_offset: std::mem::take(&mut self.context.rest_offset),
            protection: self.session.encryption.data,
            setup: Setup::none(Method::Default),
            expected: None,
            preliminary: None,
            answered: None,
            is_abandoned: false,
        };
        let (setup, chosen) = self.choose_setup(id, effects);
        let is_linked = chosen.link.is_some();
        let request = Request { setup: chosen, ..request };
        self.open.insert(id, OpenRequest { request, setup });
        self.session.transfers.push(id);
        if let Some(exchange) = self.exchanges.at(index) {
            exchange.transfer = Some(id);
        }
        if !is_linked {
            let (session, client) = (self.session.id, self.session.client);
            let waiting = Waiting { session, setup, client, server: self.session.server, asked };
            effects.push(Effect::Wait { transfer: id, waiting });
        }
    }

    /// The setup a new transfer uses: the last one asked for, if no other transfer has used it.
    /// A PORT stays in force until another (RFC 959 §3.2).
    fn choose_setup(&mut self, transfer: TransferId, effects: &mut Vec<Effect>) -> (u32, Setup) {
        if let Some(open) = self.setups.last_mut().filter(|open| open.taken_by.is_none()) {
            open.taken_by = Some(transfer);
            return (open.id, open.setup.clone());
        }
        let id = self.number_setup();
        let standing = self.setups.last().filter(|open| open.setup.method == Method::Active);
        if let Some(standing) = standing
            && let (Some(address), Some(stamp)) = (standing.setup.announced, standing.setup.stamp)
        {
            let again = Setup { link: None, ..standing.setup.clone() };
            let method = again.method;
            let exchange = standing.exchange;
            effects.extend(standing.withdrawal());
            let taken_by = Some(transfer);
            self.setups.push(OpenSetup { id, exchange, setup: again.clone(), taken_by });
            effects.push(Effect::Announce { setup: id, method, address, stamp });
            return (id, again);
        }
        let from_start = self.context.from_start || !self.setups.is_empty();
        (id, Setup::none(if from_start { Method::Default } else { Method::Unknown }))
    }

    fn handle_reply_line(&mut self, line: &Line<'_, Mark>, effects: &mut Vec<Effect>) {
        if !self.text.is_clear {
            return;
        }
        let here = ReplyPlace { start: line.start, had: line.first.acked };
        match self.text.joiner.push(line.bytes) {
            Joined::More => {
                self.text.opened.get_or_insert(here);
            }
            Joined::Reply(mut reply) => {
                reply.torn |= line.torn;
                reply.dropped += line.dropped;
                let place = self.text.opened.take().unwrap_or(here);
                self.handle_reply(reply, place, line.last.stamp, effects);
            }
            Joined::Malformed => self.keep_malformed(line),
        }
    }

    fn tear_reply(&mut self, mark: Mark, effects: &mut Vec<Effect>) {
        if let (Some(reply), Some(place)) = (self.text.joiner.tear(), self.text.opened.take()) {
            self.handle_reply(reply, place, mark.stamp, effects);
        }
    }

    fn keep_malformed(&mut self, line: &Line<'_, Mark>) {
        let index = self.pairing.oldest_exchange();
        let index = index.unwrap_or_else(|| self.exchanges.unasked(self.context.directory.path()));
        let Some(exchange) = self.exchanges.at(index) else { return };
        if exchange.malformed.len() < MALFORMED_KEPT {
            exchange.malformed.push((line.last.stamp, line.bytes.to_vec()));
        } else {
            self.text.malformed += 1;
        }
    }

    fn handle_reply(
        &mut self,
        reply: Reply,
        place: ReplyPlace,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        // The first thing a server says answers nothing, even if an eager client spoke first.
        let is_greeting = place.start == 0 && self.context.from_start && !self.has_greeted();
        let asked = match is_greeting {
            true => None,
            false => self.pairing.handle_reply(&reply, place),
        };
        if reply.code == 220 && self.session.banner.is_none() && asked.is_none() {
            self.session.banner = Some(reply.lines.join(&b'\n'));
        }
        let index = match asked {
            Some(index) => index,
            None => self.exchanges.unasked(self.context.directory.path()),
        };
        let Some(exchange) = self.exchanges.at(index) else { return };
        exchange.cwd = self.context.directory.path().to_vec();
        let (command, transfer) =
            (exchange.sent.as_ref().map(|sent| sent.command.clone()), exchange.transfer);
        if let Some(command) = command {
            self.understand_reply(index, &command, transfer, &reply, stamp, effects);
        }
        if let Some(exchange) = self.exchanges.at(index) {
            exchange.replies.push(Received { stamp, reply });
        }
        effects.push(Effect::Settled);
    }

    fn has_greeted(&self) -> bool {
        self.exchanges.any_reply()
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
            open.request.handle_reply(stamp, reply);
            if open.request.is_refused() {
                // What was set up for it is still there for the next.
                let taken = self.setups.iter_mut().filter(|setup| setup.taken_by == transfer);
                taken.for_each(|setup| setup.taken_by = None);
            }
            let name = open.request.name.as_deref();
            open.request.path = self.context.path_of(command.verb, name);
        }
        match (command.verb, reply.code) {
            (Verb::Pasv, 227) => {
                self.announce_found(index, reply, ftp::find_host_port, stamp, effects)
            }
            (Verb::Epsv, 229) => self.announce_found(index, reply, ftp::parse_229, stamp, effects),
            (Verb::Lpsv, 228) => {
                self.announce_found(index, reply, ftp::find_long_host_port, stamp, effects);
            }
            // Some servers answer the one with the other's reply.
            (Verb::Pasv, 229) => self.announce_found(index, reply, ftp::parse_229, stamp, effects),
            (Verb::Epsv, 227) => {
                self.announce_found(index, reply, ftp::find_host_port, stamp, effects)
            }
            (Verb::Auth, 234) => self.begin_tls(Encryption::kind_of(&command.arg), stamp),
            (Verb::Adat, 235) => self.begin_tls(EncryptionKind::Gssapi, stamp),
            (Verb::Prot, 200) => {
                let clear = command.arg.eq_ignore_ascii_case(b"C");
                let data = if clear { Protection::Clear } else { Protection::Private };
                self.session.encryption.data = data;
            }
            (Verb::Syst, 215) => self.session.software.server_system = Some(reply.text().to_vec()),
            (Verb::Size, 213) => {
                self.note_size_of(command, parse_number(reply.text()), SizeSource::Size)
            }
            (Verb::Mlst, 250) => self.note_size_of(command, mlst_size(reply), SizeSource::Mlst),
            (Verb::Rest, code) if code >= 400 => self.context.rest_offset = 0,
            (Verb::Rein, 220) => self.context.reset(),
            (verb, code) if code >= 400 => self.refuse(index, verb, effects),
            (verb, 200..300) => self.context.move_to(verb, &command.arg, reply),
            _ => {}
        }
        if !reply.is_preliminary() {
            self.context.before.retain(|(exchange, ..)| *exchange != index);
        }
    }

    fn announce_found(
        &mut self,
        index: usize,
        reply: &Reply,
        find: impl Fn(&[u8]) -> Option<Announced>,
        stamp: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(announced) = reply.lines.iter().find_map(|line| find(line)) {
            self.announce(index, announced, stamp, effects);
        }
    }

    /// A setup that was refused is none; a transfer that was pipelined behind it has to do with
    /// what stood before.
    fn refuse(&mut self, index: usize, verb: Verb, effects: &mut Vec<Effect>) {
        if let Some(at) = self.setups.iter().position(|open| open.exchange == index) {
            let refused = self.setups.remove(at);
            effects.extend(refused.withdrawal());
            if let Some(open) = refused.taken_by.and_then(|transfer| self.open.get_mut(&transfer)) {
                open.request.setup = Setup::none(Method::Default);
            }
        }
        if let Some(at) = self.context.before.iter().position(|(exchange, ..)| *exchange == index) {
            let (_, _, value) = self.context.before.swap_remove(at);
            if let Some(field) = self.context.representation.field(verb) {
                *field = value;
            }
        }
    }

    fn note_size_of(&mut self, command: &Command, bytes: Option<u64>, source: SizeSource) {
        if let Some(bytes) = bytes {
            let path = self.context.directory.join(&command.arg);
            self.note_size(path, Expected { bytes, source });
        }
    }

    fn note_size(&mut self, path: Vec<u8>, expected: Expected) {
        if self.sizes.len() < self.limits.sizes || self.sizes.contains_key(&path) {
            let known = self.sizes.entry(path).or_insert(expected);
            if known.source <= expected.source {
                *known = expected;
            }
        }
    }
}

/// Setups of one session that are remembered: the last one, and those that pipelined commands
/// took.
const SETUPS_KEPT: usize = 64;

impl Text {
    /// The splitter, out of the way while its lines are handled; one stands in for it.
    fn take_client(&mut self) -> LineSplitter<Mark> {
        std::mem::replace(&mut self.client, LineSplitter::new(0))
    }

    fn take_server(&mut self) -> LineSplitter<Mark> {
        std::mem::replace(&mut self.server, LineSplitter::new(0))
    }
}

impl OpenSetup {
    fn withdrawal(&self) -> impl Iterator<Item = Effect> + use<> {
        let unused = self.setup.link.filter(|_| self.taken_by.is_none());
        let abandon = unused.map(|link| Effect::Abandon { data: link.data });
        withdrawal(self.id, &self.setup).into_iter().chain(abandon)
    }
}

fn withdrawal(id: u32, setup: &Setup) -> Option<Effect> {
    setup.announced.map(|address| Effect::Withdraw { setup: id, port: address.port })
}

impl Context {
    /// Takes a TYPE, MODE or STRU at its word until it is refused: a transfer may be pipelined
    /// behind it.
    fn set(&mut self, index: usize, command: &Command) {
        let value = command.arg.trim_ascii().to_ascii_uppercase();
        if let Some(field) = self.representation.field(command.verb) {
            let before = field.replace(value);
            if self.before.len() < SETUPS_KEPT {
                self.before.push((index, command.verb, before));
            }
        }
    }

    fn path_of(&self, verb: Verb, name: Option<&[u8]>) -> Option<Vec<u8>> {
        match name {
            Some(name) => Some(self.directory.join(name)),
            // A listing without a name is of the working directory, as far as that is known.
            None if verb.is_listing() => {
                Some(self.directory.path().to_vec()).filter(|path| !path.is_empty())
            }
            None => None,
        }
    }

    /// Follows the working directory through an accepted command.
    fn move_to(&mut self, verb: Verb, arg: &[u8], reply: &Reply) {
        let named = ftp::quoted_path(reply.text()).filter(|path| path.starts_with(b"/"));
        self.directory = match (verb, named) {
            (Verb::Pwd | Verb::Cwd | Verb::Cdup, Some(path)) => Directory::named(&path),
            (Verb::Cwd, None) => self.directory.enter(arg),
            (Verb::Cdup, None) => self.directory.enter(b".."),
            _ => return,
        };
    }

    /// `REIN` (RFC 959 §4.1.1): as after the greeting.
    fn reset(&mut self) {
        self.directory = Directory::default();
        self.representation = Representation::initial();
        self.rest_offset = 0;
    }
}

impl Exchanges {
    fn new(most: usize) -> Self {
        Self { list: VecDeque::new(), base: 0, most, dropped: 0 }
    }

    fn add(&mut self, exchange: Exchange) -> usize {
        if self.list.len() >= self.most {
            self.list.pop_front();
            self.base += 1;
            self.dropped += 1;
        }
        self.list.push_back(exchange);
        self.base + self.list.len() - 1
    }

    /// One that no command began.
    fn unasked(&mut self, cwd: &[u8]) -> usize {
        let (replies, malformed) = (Vec::new(), Vec::new());
        self.add(Exchange { sent: None, replies, malformed, cwd: cwd.to_vec(), transfer: None })
    }

    fn at(&mut self, index: usize) -> Option<&mut Exchange> {
        self.list.get_mut(index.checked_sub(self.base)?)
    }

    fn any_reply(&self) -> bool {
        self.base > 0 || self.list.iter().any(|exchange| !exchange.replies.is_empty())
    }

    fn take_before(&mut self, index: usize) -> impl Iterator<Item = Exchange> {
        let count = index.saturating_sub(self.base).min(self.list.len());
        self.base += count;
        self.list.drain(..count)
    }

    pub(super) fn into_list(self) -> Vec<Exchange> {
        self.list.into()
    }
}

fn parse_number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// The `size` fact of an MLST reply (RFC 3659 §7.2), whose fact line begins with a space.
fn mlst_size(reply: &Reply) -> Option<u64> {
    let line = reply.lines.iter().find(|line| line.starts_with(b" "))?;
    let facts = line.get(1..)?.split(|byte| *byte == b' ').next()?;
    facts.split(|byte| *byte == b';').find_map(|fact| {
        let (name, value) = fact.split_at_checked(5)?;
        if name.eq_ignore_ascii_case(b"size=") { parse_number(value) } else { None }
    })
}
