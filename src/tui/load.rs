//! The capture being read, in a thread of its own, and one beside it that tells what is known so
//! far: neither is waited for while a key is answered.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::row::{FileKey, FileRow, SessionRow, rows};
use super::session::{Manner, SessionView};
use super::tree::TreeView;
use crate::analysis::{Analysis, Collector, Keeper, LogicalFile, Overview, Policy, Tally};
use crate::analyzer::{AnalysisOptions, Analyzer, verify};
use crate::capture::{Capture, CaptureError, Progress, ReadOptions, Source};
use crate::session::{Session, SessionId, TransferId};
use crate::transfer::{Attempt, Orphan, Transfer};

/// How the capture is to be read.
#[derive(Clone, Debug)]
pub struct Work {
    pub sources: Vec<Source>,
    pub analysis: AnalysisOptions,
    pub reading: ReadOptions,
    pub policy: Policy,
}

/// Everything, once it is read.
pub(super) struct Ready {
    pub(super) analysis: Analysis,
    pub(super) overview: Overview,
    pub(super) sessions: Vec<SessionRow>,
    pub(super) files: Vec<FileRow>,
    /// Where a session is among the sessions and their rows.
    places: HashMap<SessionId, usize>,
    /// Where a file is among the files' rows.
    file_places: HashMap<FileKey, usize>,
    /// The file that a transfer moved a part of, if others moved parts of it, too.
    pieces: HashMap<TransferId, usize>,
}

/// What takes longer to put together than a key may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    Session { id: SessionId, is_ladder: bool },
    Transfer(TransferId),
    Tree,
}

/// What was put together, or found.
pub(super) enum Told {
    /// A session that was found, or more of one.
    Row(SessionRow),
    File(FileRow),
    /// `None` if it is not kept.
    Session(SessionId, Option<Box<SessionView>>),
    Transfer(TransferId, Option<Box<Transfer>>),
    Tree(TreeView),
}

/// A capture being read.
pub(super) struct Loading {
    pub(super) progress: Progress,
    asks: Sender<Ask>,
    told: Receiver<Told>,
    thread: Option<JoinHandle<Result<Ready, CaptureError>>>,
}

enum Ask {
    For(Wanted),
    /// Everything is read.
    End,
}

impl Loading {
    pub(super) fn start(work: Work) -> Self {
        let progress = work.reading.progress.clone();
        let (asks, asked) = unbounded();
        let (tell, told) = unbounded();
        let end = asks.clone();
        let thread = thread::spawn(move || read(&work, tell, asked, &end));
        Self { progress, asks, told, thread: Some(thread) }
    }

    pub(super) fn ask(&self, wanted: Wanted) {
        // Who does not listen any more has read everything.
        let _ = self.asks.send(Ask::For(wanted));
    }

    /// What was told since, of much not all at once.
    pub(super) fn told(&self) -> impl Iterator<Item = Told> {
        self.told.try_iter().take(AT_ONCE)
    }

    /// What came of it, once it is over.
    pub(super) fn poll(&mut self) -> Option<Result<Ready, CaptureError>> {
        if !self.thread.as_ref()?.is_finished() {
            return None;
        }
        match self.thread.take()?.join() {
            Ok(read) => Some(read),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Rows taken before the screen is drawn again.
const AT_ONCE: usize = 10_000;

impl Ready {
    pub(super) fn new(analysis: Analysis) -> Self {
        let (sessions, files) = rows(&analysis);
        let places = analysis.sessions.iter().enumerate();
        let places = places.map(|(place, session)| (session.id, place)).collect();
        let file_places = files.iter().enumerate().map(|(place, row)| (row.key, place)).collect();
        let joined = analysis.files.iter().enumerate().filter(|(_, file)| file.is_of_pieces());
        let pieces = joined
            .flat_map(|(place, file)| file.pieces.iter().map(move |piece| (piece.transfer, place)));
        let pieces = pieces.collect();
        let overview = Overview::of(&analysis, TOP);
        Self { overview, analysis, sessions, files, places, file_places, pieces }
    }

    pub(super) fn place_of(&self, id: SessionId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    pub(super) fn file_place(&self, key: FileKey) -> Option<usize> {
        self.file_places.get(&key).copied()
    }

    pub(super) fn transfer(&self, id: TransferId) -> Option<&Transfer> {
        self.analysis.transfer(id)
    }

    pub(super) fn file(&self, place: usize) -> Option<&LogicalFile> {
        self.analysis.files.get(place)
    }

    /// The file of pieces that a transfer moved one of.
    pub(super) fn file_of(&self, id: TransferId) -> Option<usize> {
        self.pieces.get(&id).copied()
    }

    /// Puts together what is wanted.
    pub(super) fn tell(&self, wanted: Wanted) -> Told {
        match wanted {
            Wanted::Session { id, is_ladder } => {
                let several = self.analysis.inputs.len() > 1;
                let manner = Manner { is_ladder, several, is_open: false };
                Told::Session(id, SessionView::new(&self.analysis, id, manner).map(Box::new))
            }
            Wanted::Transfer(id) => Told::Transfer(id, self.transfer(id).cloned().map(Box::new)),
            Wanted::Tree => Told::Tree(TreeView::new(&self.analysis)),
        }
    }
}

/// Servers, clients and users told of.
const TOP: usize = 5;

/// Tells the teller that reading is over.
struct Ending<'a>(&'a Sender<Ask>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(Ask::End);
    }
}

fn read(
    work: &Work,
    tell: Sender<Told>,
    asked: Receiver<Ask>,
    end: &Sender<Ask>,
) -> Result<Ready, CaptureError> {
    let limits = work.reading.limits.clone();
    let progress = work.reading.progress.clone();
    let mut capture = Capture::open(&work.sources, work.reading.clone())?;
    let kept = Mutex::new(Kept { keeper: Keeper::new(limits.clone()), tallies: HashMap::new() });
    let mut feed = Feed { kept: &kept, tell: tell.clone() };
    let between = Between {
        analyzer: Mutex::new(Analyzer::new(&work.analysis, None, &mut feed)),
        is_wanted: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        // It listens until it is told this; also where reading panics, or nobody would be told.
        let _ending = Ending(end);
        let teller =
            Teller { between: &between, kept: &kept, tell, several: work.sources.len() > 1 };
        scope.spawn(move || teller.run(&asked));
        capture.for_each(|frame| {
            between.turn().push(&frame);
            ControlFlow::Continue(())
        });
    });
    let analyzer = between.analyzer.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut facts = analyzer.finish();
    facts.is_interrupted = progress.is_stopped();
    let inputs = capture.finish();
    facts.add_limits_of(&inputs);
    let is_cut = |source: &&Source| matches!(source, Source::Growing { end, .. } if end.is_cut());
    let cut = work.sources.iter().filter(is_cut).count() as u64;
    if cut > 0 {
        facts.limits_reached.insert("spool_bytes", cut);
    }
    let Kept { keeper, .. } = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut analysis = keeper.finish(facts, inputs);
    verify(&mut analysis, &work.analysis, || {
        let can_be = work.sources.iter().all(Source::can_be_read_again);
        progress.begin_again();
        can_be.then(|| Capture::open(&work.sources, work.reading.clone()).ok()).flatten()
    });
    analysis.judge(&work.policy, &limits, work.analysis.threads);
    Ok(Ready::new(analysis))
}

/// A capture that is read here and now.
#[cfg(test)]
pub(super) fn read_all(work: &Work) -> Result<Ready, CaptureError> {
    let (asks, asked) = unbounded();
    read(work, unbounded().0, asked, &asks)
}

/// The analyzer between two frames: the reading thread has it for one frame at a time, so that
/// another may have a look even while the source keeps silent.
struct Between<'a> {
    analyzer: Mutex<Analyzer<'a>>,
    /// Somebody waits for a look: who comes for every frame would never let him.
    is_wanted: AtomicBool,
}

impl<'a> Between<'a> {
    fn turn(&self) -> MutexGuard<'_, Analyzer<'a>> {
        while self.is_wanted.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        lock(&self.analyzer)
    }

    fn look<R>(&self, look: impl FnOnce(&mut Analyzer<'a>) -> R) -> R {
        self.is_wanted.store(true, Ordering::Relaxed);
        let mut analyzer = lock(&self.analyzer);
        self.is_wanted.store(false, Ordering::Relaxed);
        look(&mut analyzer)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is over.
struct Kept {
    keeper: Keeper,
    /// Of the transfers so far of sessions that go on.
    tallies: HashMap<SessionId, Tally>,
}

/// Keeps everything, and tells of it as it is found.
struct Feed<'a> {
    kept: &'a Mutex<Kept>,
    tell: Sender<Told>,
}

impl Feed<'_> {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(self.kept)
    }

    fn tell(&self, told: Told) {
        // Who does not listen any more has quit.
        let _ = self.tell.send(told);
    }
}

impl Collector for Feed<'_> {
    fn transfer(&mut self, transfer: Transfer) {
        self.tell(Told::File(FileRow::new(&transfer, None)));
        let mut kept = self.kept();
        kept.tallies.entry(transfer.session).or_default().add(&transfer);
        kept.keeper.transfer(transfer);
    }

    fn session(&mut self, session: Session) {
        let mut kept = self.kept();
        let tally = kept.tallies.remove(&session.id).unwrap_or_default();
        self.tell(Told::Row(SessionRow::new(&session, tally)));
        kept.keeper.session(session);
    }

    fn orphan(&mut self, orphan: Orphan) {
        self.kept().keeper.orphan(orphan);
    }

    fn attempt(&mut self, attempt: Attempt) {
        self.kept().keeper.attempt(attempt);
    }
}

/// Tells what is known while the capture is read.
struct Teller<'a, 'b> {
    between: &'a Between<'b>,
    kept: &'a Mutex<Kept>,
    tell: Sender<Told>,
    several: bool,
}

/// How often sessions that go on are told of, at most.
const EVERY: Duration = Duration::from_millis(500);
/// Telling of them may take this part of the time.
const SHARE: u32 = 20;

impl Teller<'_, '_> {
    fn run(&self, asked: &Receiver<Ask>) {
        let mut next = Instant::now() + EVERY;
        loop {
            match asked.recv_deadline(next) {
                Ok(Ask::For(wanted)) => self.answer(wanted),
                Ok(Ask::End) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    let begun = Instant::now();
                    self.tell_open();
                    next = begun + EVERY.max(begun.elapsed() * SHARE);
                }
            }
        }
    }

    /// Tells of the sessions that go on.
    fn tell_open(&self) {
        for id in self.between.look(|analyzer| analyzer.open_sessions()) {
            let session = self.between.look(|analyzer| analyzer.open_session(id, false));
            let Some(session) = session else { continue };
            let tally = lock(self.kept).tallies.get(&id).copied().unwrap_or_default();
            let row = SessionRow { is_open: true, ..SessionRow::new(&session, tally) };
            let _ = self.tell.send(Told::Row(row));
        }
    }

    fn answer(&self, wanted: Wanted) {
        let told = match wanted {
            // Copies are joined when all is read.
            Wanted::Session { id, is_ladder } => {
                Told::Session(id, self.session(id, is_ladder).map(Box::new))
            }
            Wanted::Transfer(id) => {
                let kept = lock(self.kept);
                Told::Transfer(id, kept.keeper.transfer_of(id).cloned().map(Box::new))
            }
            // Asked for only when all is read.
            Wanted::Tree => return,
        };
        let _ = self.tell.send(told);
    }

    fn session(&self, id: SessionId, is_ladder: bool) -> Option<SessionView> {
        let open = self.between.look(|analyzer| analyzer.open_session(id, true));
        let kept = lock(self.kept);
        let (session, is_open) = match open {
            Some(session) => (session, true),
            None => (kept.keeper.session_of(id)?.clone(), false),
        };
        let analysis = kept.keeper.so_far(session);
        drop(kept);
        SessionView::new(&analysis, id, Manner { is_ladder, is_open, several: self.several })
    }
}
