//! Floor 7: everything known of a capture, in one place.

mod audit;
mod by_id;
mod case;
mod charset;
mod checks;
mod files;
mod finding;
mod handoff;
mod hash_list;
mod legs;
mod overview;
mod policy;
pub mod rules;
pub mod secret;
mod sites;
mod story;
mod strength;
mod tee;
mod tree;
mod vantage;

use std::collections::{BTreeMap, HashMap};
use std::error::Error;

pub use self::audit::{Audit, Logins, Moved, Password, Suspect, Unseen, Way, What as UnseenWhat};
pub use self::by_id::ById;
pub use self::case::{Case, Fate, Opening};
pub use self::charset::Charset;
pub use self::files::{LogicalFile, Overlap, Piece, Range};
pub use self::finding::{Certainty, Finding, Grade, Severity, Value};
pub use self::handoff::collect_beside;
pub use self::hash_list::HashList;
pub use self::legs::Legs;
pub use self::overview::{Overview, Tally, Top, activity, tallies};
pub use self::policy::{Allowed, Policy, Suppression, THRESHOLDS, Threshold};
pub use self::story::{Party, Step, Stories, Story, What};
pub use self::strength::Strength;
pub use self::tee::Tee;
pub use self::tree::{Node, ServerTree};
pub use self::vantage::Vantage;

use self::finding::{counted, counted_were, times};
use self::rules::Judged;
use crate::capture::{Change, ClockSteps, InputFacts};
use crate::decode::{Endpoint, FragmentFacts, Net, Tunnel, Tunnels};
use crate::hash::Hashes;
use crate::limits::Limits;
use crate::session::{Exchange, Protocol, Session, SessionId, TransferId, Weight};
use crate::tcp::Handshake;
use crate::time::Stamp;
use crate::transfer::{self, Attempt, Orphan, Transfer};

/// Everything found in a capture.
#[derive(Debug, Default)]
pub struct Analysis {
    pub inputs: Vec<InputFacts>,
    pub capture: CaptureFacts,
    /// In the order of their first frames.
    pub sessions: Vec<Session>,
    /// In the order of their commands.
    pub transfers: Vec<Transfer>,
    /// In the order of their first frames.
    pub orphans: Vec<Orphan>,
    /// Data connections that led to no transfer, in the order of their first frames.
    pub attempts: Vec<Attempt>,
    /// Put together from the transfers, in the order of their first ones.
    pub files: Vec<LogicalFile>,
    /// What the rules say, the worst first; those that are suppressed last.
    pub findings: Vec<Finding>,
    /// Sessions with a security finding that is not suppressed, and the worst severity of those; in
    /// the order of their numbers.
    pub risks: Vec<(SessionId, Severity)>,
    /// Transfers that failed and of which no rule says why.
    pub unexplained: Vec<TransferId>,
    /// Of sessions whose names are not UTF-8.
    charsets: HashMap<SessionId, Charset>,
}

impl Analysis {
    /// Asks the rules, with so many threads; what they say is the same with any number.
    pub fn judge(&mut self, policy: &Policy, limits: &Limits, threads: usize) {
        let Judged { findings, dropped, explained, risks } =
            rules::judge(self, policy, limits.findings, threads);
        let failed = self.transfers.iter().filter(|transfer| transfer.outcome.is_failed());
        let failed = failed.map(|transfer| transfer.request.id);
        self.unexplained = failed.filter(|id| !explained.contains(id)).collect();
        self.findings = findings;
        self.risks = risks;
        if dropped > 0 {
            *self.capture.limits_reached.entry("findings").or_default() += dropped;
        }
    }

    fn keep(&mut self, session: Session) {
        let charset = Charset::of(&session);
        if !charset.is_utf8() {
            self.charsets.insert(session.id, charset);
        }
        self.sessions.push(session);
    }

    /// Takes what hashing the pieces of a file together has shown: its hashes if it is one, and
    /// whether what two pieces have is the same.
    pub fn join(&mut self, file: usize, hashes: Option<Hashes>, compared: &[(Range, bool)]) {
        if let Some(file) = self.files.get_mut(file) {
            file.join(hashes, compared);
        }
    }

    /// Tells of each file which was the first of the same content.
    pub fn find_same(&mut self) {
        files::find_same(&mut self.files, &self.transfers);
    }

    pub fn transfer(&self, id: TransferId) -> Option<&Transfer> {
        transfer::find(id, &self.transfers)
    }

    /// What the names of a session are written in.
    pub fn charset(&self, session: SessionId) -> Charset {
        self.charsets.get(&session).copied().unwrap_or_default()
    }

    /// In the order of their commands.
    pub fn transfers_of(&self, session: &Session) -> impl Iterator<Item = &Transfer> {
        session.transfers.iter().filter_map(|id| self.transfer(*id))
    }

    /// What a reader should know before believing the rest.
    pub fn warnings(&self) -> Vec<String> {
        warnings(&self.inputs, &self.capture)
    }
}

/// What a reader should know before believing the rest, one sentence each.
pub fn warnings(inputs: &[InputFacts], capture: &CaptureFacts) -> Vec<String> {
    let mut warnings = Vec::new();
    for input in inputs {
        let path = input.path.display();
        if let Some(error) = &input.error {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            warnings.push(format!("{path}: {error}{cause}"));
        }
        warnings.extend(input.damage.iter().map(|damage| format!("{path}: {damage}")));
        let more = input.damage_count - input.damage.len() as u64;
        if more > 0 {
            warnings.push(format!("{path}: damaged in {}", counted(more, "more place")));
        }
        warnings.extend(input.changed.map(|change| format!("{path}: {}", became(change))));
        warnings.extend(clock(input).map(|what| format!("{path}: {what}")));
        if input.snaplen_cut_packets > 0 {
            let cut = counted_were(input.snaplen_cut_packets, "packet");
            warnings.push(format!("{path}: {cut} cut by the snap length"));
        }
    }
    for other in &capture.not_ftp {
        let (from, to, name) = (other.originator, other.responder, other.protocol.name());
        let frame = other.first.frame();
        let file = inputs.get(usize::from(other.first.input())).filter(|_| inputs.len() > 1);
        let of = file.map(|input| format!(" of {}", input.path.display())).unwrap_or_default();
        let what = match (other.protocol, other.opener_known) {
            (Protocol::Tls, false) => {
                "is encrypted since before the capture: perhaps FTPS".to_owned()
            }
            _ => format!("is not FTP: {name}"),
        };
        warnings.push(format!("{from} to {to} (frame {frame}{of}) {what}"));
    }
    if let Some(fragments) = &capture.fragments {
        warnings.extend(fragment_warnings(fragments));
    }
    for (name, count) in &capture.limits_reached {
        let name = name.replace('_', " ");
        warnings.push(format!("the limit on {name} was reached {}", times(*count)));
    }
    if capture.is_interrupted {
        warnings.push("reading was interrupted: this is what was known by then".to_owned());
    }
    warnings
}

fn became(change: Change) -> &'static str {
    match change {
        Change::Grew => "grew while it was read; what was added is not here",
        Change::Shrank => "became shorter while it was read; what was cut off may be missing here",
        Change::Modified => "was written to while it was read; this may be a mixture",
        Change::Replaced => "was replaced by another file while it was read",
    }
}

/// What a clock did that makes times doubtful. Steps back of less than a second are ordinary where
/// packets of several queues or interfaces meet; those are facts only.
fn clock(input: &InputFacts) -> impl Iterator<Item = String> {
    let told = |steps: ClockSteps| {
        let (largest, frame) = (steps.largest_ns / (SECOND / 10), steps.largest_frame);
        let largest = format!("{}.{} s", largest / 10, largest % 10);
        match steps.count {
            1 => format!("by {largest} at frame {frame}"),
            count => format!("{count} times, by {largest} at most (frame {frame})"),
        }
    };
    let back = input.time_steps_back.filter(|steps| steps.largest_ns >= SECOND);
    let back = back.map(|steps| {
        format!("the clock steps back {}; packets stay in the order of the file", told(steps))
    });
    let ahead = input.time_jumps_ahead.map(|steps| {
        format!("the clock jumps ahead {}: nothing was captured, or it was set", told(steps))
    });
    let unknown = Some(input.packets_without_time).filter(|count| *count > 0);
    let unknown = unknown.map(|count| match count {
        1 => "1 packet tells no time".to_owned(),
        count => format!("{count} packets tell no time"),
    });
    back.into_iter().chain(ahead).chain(unknown)
}

const SECOND: u64 = 1_000_000_000;

fn fragment_warnings(fragments: &FragmentFacts) -> impl Iterator<Item = String> {
    let FragmentFacts { incomplete, incomplete_frames, incomplete_tcp, conflicts, .. } = fragments;
    let incomplete = (*incomplete > 0).then(|| {
        format!(
            "fragmented IP datagrams that are not whole in the capture: {incomplete}, of which \
             {incomplete_tcp} with the beginning of a TCP segment ({}, not read)",
            counted(*incomplete_frames, "fragment")
        )
    });
    let frames = fragments.conflict_frames.iter().map(|stamp| stamp.frame().to_string());
    let frames = frames.take(FRAMES_TOLD).collect::<Vec<_>>().join(", ");
    let conflicts = (*conflicts > 0).then(|| {
        format!(
            "IP fragments that repeat octets of others differently: {conflicts} (the first in frames \
             {frames}); the first copy was read"
        )
    });
    incomplete.into_iter().chain(conflicts)
}

/// Frames named in a warning; the document lists more.
const FRAMES_TOLD: usize = 5;

/// What was read and what was not understood.
#[derive(Clone, Debug, Default)]
pub struct CaptureFacts {
    pub packets: u64,
    pub tcp_connections: u64,
    /// Frames that were not decoded to TCP, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The first frame of each reason.
    pub first_skipped: BTreeMap<String, Stamp>,
    /// Bounds that were reached, and how often.
    pub limits_reached: BTreeMap<&'static str, u64>,
    /// Connections on a port of FTP that speak something else.
    pub not_ftp: Vec<NotFtp>,
    /// Connections to ports that attacks on FTP servers open, and that no session announced; in the
    /// order in which they ended.
    pub watched: Vec<Watched>,
    /// The networks of addresses.
    pub tunnels: Tunnels,
    /// `None` if there were no IP fragments.
    pub fragments: Option<FragmentFacts>,
    /// Reading was stopped before the end.
    pub is_interrupted: bool,
}

impl CaptureFacts {
    /// Adds the bounds that were reached in reading the inputs.
    pub fn add_limits_of(&mut self, inputs: &[InputFacts]) {
        for (name, count) in inputs.iter().flat_map(|input| &input.limits_reached) {
            *self.limits_reached.entry(name).or_default() += count;
        }
    }
}

/// A connection on a port of FTP that is none.
#[derive(Clone, Copy, Debug)]
pub struct NotFtp {
    /// Without a SYN the end whose port is not that of FTP.
    pub originator: Endpoint,
    pub responder: Endpoint,
    /// Whether a SYN told who opened it.
    pub opener_known: bool,
    pub protocol: Protocol,
    pub first: Stamp,
}

/// A connection to a port that an attack on an FTP server opens.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    pub originator: Endpoint,
    pub responder: Endpoint,
    pub first: Stamp,
    pub handshake: Handshake,
    /// What answered the SYN.
    pub answered: Option<Stamp>,
    /// Octets that the responder sent, as far as the connection was followed.
    pub said: u64,
}

/// Takes results as they become final.
pub trait Collector: Send {
    /// Whether exchanges are wanted one by one; otherwise they come with their session.
    fn wants_exchanges(&self) -> bool {
        false
    }

    /// Whether it [looks](Transfer::look) at transfers itself, as one does that hands them on to
    /// another thread: before that nothing tells what kind of file was moved.
    fn looks(&self) -> bool {
        false
    }

    /// An exchange to which nothing will be added.
    fn exchange(&mut self, _session: SessionId, _exchange: Exchange) {}

    /// A tunnel not met before, in the network `outer`: the next of [`CaptureFacts::tunnels`].
    fn tunnel(&mut self, _outer: Net, _tunnel: Tunnel) {}

    /// Comes before the session it belongs to.
    fn transfer(&mut self, transfer: Transfer);

    /// A session that is over.
    fn session(&mut self, session: Session);

    /// A data connection no command could be found for.
    fn orphan(&mut self, orphan: Orphan);

    /// A data connection that was tried and led to no transfer.
    fn attempt(&mut self, _attempt: Attempt) {}
}

/// Keeps everything, within `limits`.
#[derive(Debug, Default)]
pub struct Keeper {
    analysis: Analysis,
    limits: Limits,
    /// What the bound on bytes is called.
    bound: &'static str,
    /// Of sessions that go on: what those say of them is not known yet.
    open: HashMap<SessionId, Vec<Transfer>>,
    /// How many are kept, those of sessions that go on too.
    kept_transfers: usize,
    /// Of what is kept.
    bytes: usize,
    /// Sessions on which no byte was seen.
    empty: usize,
    /// Of each bound, what was not kept for it.
    dropped: BTreeMap<&'static str, u64>,
}

impl Keeper {
    /// For a document.
    pub fn new(limits: Limits) -> Self {
        Self { limits, bound: "document_bytes", ..Self::default() }
    }

    /// For what belongs together in files that are extracted.
    pub fn joining(mut limits: Limits) -> Self {
        limits.document_bytes = limits.joining_bytes;
        Self { limits, bound: "joining_bytes", ..Self::default() }
    }

    /// All of it, in order.
    pub fn finish(self, capture: CaptureFacts, inputs: Vec<InputFacts>) -> Analysis {
        let mut analysis = Analysis { inputs, capture, ..self.analysis };
        // Of sessions that were never told.
        analysis.transfers.extend(self.open.into_values().flatten());
        for (name, count) in self.dropped {
            *analysis.capture.limits_reached.entry(name).or_default() += count;
        }
        let time_of = |stamp: Stamp| (stamp.at, stamp.place);
        let one_input = analysis.inputs.len() == 1;
        // By their keys first: each of them is moved once.
        analysis.sessions.sort_by_cached_key(|session| {
            let first = session.tcp.link.first;
            // One file is in its own order, whatever its clock says.
            (if one_input { None } else { Some(time_of(first)) }, first.frame(), session.id)
        });
        analysis.transfers.sort_by_cached_key(|transfer| transfer.request.id);
        analysis.attempts.sort_by_key(|attempt| attempt.connection.link.first.place);
        sites::pair(&analysis.sessions, &mut analysis.transfers);
        analysis.files = files::files(&analysis);
        analysis
    }
}

impl Keeper {
    /// A session that is kept.
    pub fn session_of(&self, id: SessionId) -> Option<&Session> {
        self.analysis.sessions.iter().find(|session| session.id == id)
    }

    fn all_transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.analysis.transfers.iter().chain(self.open.values().flatten())
    }

    /// A transfer that is kept.
    pub fn transfer_of(&self, id: TransferId) -> Option<&Transfer> {
        self.all_transfers().find(|transfer| transfer.request.id == id)
    }

    /// What is known so far of a session, as an analysis of its own.
    pub fn so_far(&self, session: Session) -> Analysis {
        let id = session.id;
        let mut transfers: Vec<_> =
            self.all_transfers().filter(|transfer| transfer.session == id).cloned().collect();
        transfers.sort_unstable_by_key(|transfer| transfer.request.id);
        checks::check(&session, &mut transfers);
        let attempts = self.analysis.attempts.iter();
        let attempts = attempts.filter(|attempt| attempt.sessions.contains(&id)).cloned();
        let attempts = attempts.collect();
        let mut analysis = Analysis { transfers, attempts, ..Analysis::default() };
        analysis.keep(session);
        analysis
    }

    /// Whether something of `bytes` is kept, one more beside `kept` of at most `most`.
    fn admits(&mut self, name: &'static str, kept: usize, most: usize, bytes: usize) -> bool {
        let has_room = self.bytes + bytes <= self.limits.document_bytes;
        let reached = match (kept < most, has_room) {
            (true, true) => {
                self.bytes += bytes;
                return true;
            }
            (true, false) => self.bound,
            (false, _) => name,
        };
        *self.dropped.entry(reached).or_default() += 1;
        false
    }
}

impl Collector for Keeper {
    fn transfer(&mut self, transfer: Transfer) {
        let (kept, most) = (self.kept_transfers, self.limits.transfers);
        if self.admits("transfers", kept, most, transfer.weight()) {
            self.kept_transfers += 1;
            // Most sessions move one file.
            let own = self.open.entry(transfer.session).or_insert_with(|| Vec::with_capacity(1));
            own.push(transfer);
        }
    }

    fn session(&mut self, session: Session) {
        if let Some(mut transfers) = self.open.remove(&session.id) {
            transfers.sort_unstable_by_key(|transfer| transfer.request.id);
            checks::check(&session, &mut transfers);
            self.analysis.transfers.append(&mut transfers);
        }
        let weight = session.weight();
        if session.tcp.is_empty() {
            let most = self.limits.empty_sessions;
            if !self.admits("empty_sessions", self.empty, most, 0) {
                return;
            }
            self.empty += 1;
        }
        let (kept, most) = (self.analysis.sessions.len(), self.limits.sessions);
        if self.admits("sessions", kept, most, weight) {
            self.analysis.keep(session);
        }
    }

    fn orphan(&mut self, orphan: Orphan) {
        let (kept, most) = (self.analysis.orphans.len(), self.limits.orphans);
        if self.admits("orphans", kept, most, orphan.weight()) {
            self.analysis.orphans.push(orphan);
        }
    }

    fn attempt(&mut self, attempt: Attempt) {
        let (kept, most) = (self.analysis.attempts.len(), self.limits.attempts);
        if self.admits("attempts", kept, most, size_of::<Attempt>()) {
            self.analysis.attempts.push(attempt);
        }
    }
}
