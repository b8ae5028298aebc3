//! The capture being read, in a thread of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::thread::JoinHandle;

use super::row::{FileRow, SessionRow, Tally, rows};
use crate::analysis::{Analysis, Collector, Keeper, Policy};
use crate::analyzer::{AnalysisOptions, analyze, verify};
use crate::capture::{Capture, CaptureError, Progress, ReadOptions, Source};
use crate::session::{Session, SessionId};
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
    pub(super) sessions: Vec<SessionRow>,
    pub(super) files: Vec<FileRow>,
}

/// A capture being read.
pub(super) struct Loading {
    pub(super) progress: Progress,
    found: Arc<Mutex<Found>>,
    thread: Option<JoinHandle<Result<Ready, CaptureError>>>,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) sessions: Vec<SessionRow>,
    pub(super) transfers: u64,
    tallies: HashMap<SessionId, Tally>,
}

impl Loading {
    pub(super) fn start(work: Work) -> Self {
        let progress = work.reading.progress.clone();
        let found = Arc::<Mutex<Found>>::default();
        let shared = Arc::clone(&found);
        let thread = thread::spawn(move || read(&work, &shared));
        Self { progress, found, thread: Some(thread) }
    }

    /// What was found so far; held only as long as rows are copied.
    pub(super) fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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

pub(super) fn read(work: &Work, found: &Mutex<Found>) -> Result<Ready, CaptureError> {
    let progress = work.reading.progress.clone();
    let limits = work.reading.limits.clone();
    let mut capture = Capture::open(&work.sources, work.reading.clone())?;
    let mut keeper = Keeper::new(limits.clone());
    let mut feed = Feed { keeper: &mut keeper, found };
    let mut facts = analyze(&mut capture, &work.analysis, None, &mut feed);
    facts.is_interrupted = progress.is_stopped();
    let inputs = capture.finish();
    facts.add_limits_of(&inputs);
    let is_cut = |source: &&Source| matches!(source, Source::Growing { end, .. } if end.is_cut());
    let cut = work.sources.iter().filter(is_cut).count() as u64;
    if cut > 0 {
        facts.limits_reached.insert("spool_bytes", cut);
    }
    let mut analysis = keeper.finish(facts, inputs);
    verify(&mut analysis, &work.analysis, || {
        let can_be = work.sources.iter().all(Source::can_be_read_again);
        progress.begin_again();
        can_be.then(|| Capture::open(&work.sources, work.reading.clone()).ok()).flatten()
    });
    analysis.judge(&work.policy, &limits, work.analysis.threads);
    let (sessions, files) = rows(&analysis);
    Ok(Ready { analysis, sessions, files })
}

/// Keeps everything, and tells of sessions as they are found.
struct Feed<'a> {
    keeper: &'a mut Keeper,
    found: &'a Mutex<Found>,
}

impl Feed<'_> {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Feed<'_> {
    fn transfer(&mut self, transfer: Transfer) {
        {
            let mut found = self.found();
            found.transfers += 1;
            found.tallies.entry(transfer.session).or_default().add(&transfer);
        }
        self.keeper.transfer(transfer);
    }

    fn session(&mut self, session: Session) {
        {
            let mut found = self.found();
            let tally = found.tallies.remove(&session.id).unwrap_or_default();
            found.sessions.push(SessionRow::new(&session, tally));
        }
        self.keeper.session(session);
    }

    fn orphan(&mut self, orphan: Orphan) {
        self.keeper.orphan(orphan);
    }

    fn attempt(&mut self, attempt: Attempt) {
        self.keeper.attempt(attempt);
    }
}
