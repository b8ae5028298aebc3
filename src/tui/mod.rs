//! Floor 9: the results on a terminal, while they are found and after.
//!
//! `app` holds what is on the screen and changes it (`update`, which says what else is to be
//! done; `open`, `sort`, `typed` and `copy` are parts of it), `view` draws it, `keys` is the one
//! table of keys. Here they are joined to a terminal, to the threads that read (`load`) and to the
//! one that reads again (`content`). What takes longer than a key may, they do, and it comes back as
//! a message: no key waits for a lock.

mod app;
mod content;
mod copy;
mod filter;
mod keys;
mod list;
mod load;
mod open;
mod overview;
mod row;
mod session;
mod sort;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod tree;
mod typed;
mod view;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use crossterm::event::{self, Event, KeyEventKind, MouseButton, MouseEventKind};
use ratatui::style::Style;

use self::app::{Content, Effect, Screen, State};
use self::content::{Done, Reader, Task};
pub use self::load::Work;
use self::load::{Loading, Told, Wanted};
use self::terminal::Terminal;
pub use self::terminal::restore;
pub use self::theme::Theme;
use crate::analysis::{Finding, Severity};
use crate::capture::CaptureError;

/// What it is started with.
pub struct Options {
    /// Whose captures they are, for the first line.
    pub title: String,
    pub work: Work,
    pub theme: Theme,
    /// Where files are extracted to.
    pub output: PathBuf,
    /// Whether what was read can be read again.
    pub can_reread: bool,
}

/// What can go wrong that is not the screen's to tell.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    #[error("cannot use the terminal")]
    Terminal(#[from] std::io::Error),
    #[error(transparent)]
    Capture(#[from] CaptureError),
}

/// Nothing is drawn more often than this, and a key waits no longer.
const FRAME: Duration = Duration::from_millis(16);
/// How long more events are waited for before all of them are drawn: with no time at all, crossterm
/// does not even look at those it has read.
const MOMENT: Duration = Duration::from_millis(1);
/// How often the screen is looked at when nothing happens.
const IDLE: Duration = Duration::from_millis(250);

/// Runs until it is quit, or `ends` is set.
pub fn run(options: Options, ends: &Arc<AtomicBool>) -> Result<(), TuiError> {
    let mut terminal = Terminal::enter()?;
    let size = terminal.size()?;
    let mut app = App::new(options, size);
    let mut needs_drawing = true;
    while !ends.load(Ordering::Relaxed) {
        if needs_drawing {
            terminal.draw(|frame| view::draw(&app.state, app.theme, frame))?;
        }
        needs_drawing = app.poll()?;
        let wait = if app.is_busy() || needs_drawing { FRAME } else { IDLE };
        if !event::poll(wait)? {
            continue;
        }
        // All that is there, as a wheel sends dozens; a mouse that never rests is drawn, too.
        let since = Instant::now();
        loop {
            needs_drawing = true;
            if app.take(&event::read()?, &mut terminal)? {
                return Ok(());
            }
            if since.elapsed() >= FRAME || !event::poll(MOMENT)? {
                break;
            }
        }
    }
    Ok(())
}

/// The state, and who works for it.
struct App {
    state: State,
    theme: Theme,
    loading: Option<Loading>,
    /// None, if what was read cannot be read again.
    reader: Option<Reader>,
    /// What was asked for and has not come yet.
    asked: Option<Wanted>,
    told: (Sender<Told>, Receiver<Told>),
    started: Instant,
    /// When a session that goes on was asked for again.
    renewed: Instant,
    /// Of files that are being written when it is to quit.
    was_warned: bool,
}

/// How often more of a session that goes on is asked for.
const RENEW: Duration = Duration::from_millis(500);

impl App {
    fn new(options: Options, size: (u16, u16)) -> Self {
        let Options { title, work, theme, output, can_reread } = options;
        let reader = can_reread.then(|| Reader::start(work.clone(), output));
        Self {
            state: State::new(title, size),
            theme,
            loading: Some(Loading::start(work)),
            reader,
            asked: None,
            told: unbounded(),
            started: Instant::now(),
            renewed: Instant::now(),
            was_warned: false,
        }
    }

    fn is_busy(&self) -> bool {
        let is_reading = self.reader.as_ref().is_some_and(Reader::is_busy);
        self.loading.is_some() || self.asked.is_some() || is_reading
    }

    /// Looks at what the threads have done; true if there is something new to draw.
    fn poll(&mut self) -> Result<bool, TuiError> {
        let mut is_new = self.state.look();
        is_new |= self.poll_loading()?;
        is_new |= self.poll_told();
        is_new |= self.poll_reader();
        is_new |= self.want_preview();
        self.fetch();
        Ok(is_new)
    }

    fn poll_loading(&mut self) -> Result<bool, TuiError> {
        let Some(loading) = &mut self.loading else { return Ok(false) };
        // Asked before what was told is heard: the last of it comes before the end.
        let over = loading.poll();
        let told: Vec<Told> = loading.told().collect();
        told.into_iter().for_each(|told| self.hear(told));
        match over {
            None => self.follow(),
            Some(Ok(ready)) => {
                self.loading = None;
                // Who did not answer any more.
                self.state.wanted = self.asked.take().or(self.state.wanted);
                self.state.take(ready);
            }
            Some(Err(error)) => return Err(error.into()),
        }
        Ok(true)
    }

    /// Shows how far reading is, and more of what goes on.
    fn follow(&mut self) {
        let Some(loading) = &self.loading else { return };
        let progress = &loading.progress;
        self.state.reading = Some(app::Reading {
            bytes: progress.read_bytes(),
            total: progress.total(),
            seconds: self.started.elapsed().as_secs_f64(),
        });
        if self.renewed.elapsed() >= RENEW {
            self.renewed = Instant::now();
            self.state.look_again();
            let shown =
                self.state.session.as_ref().filter(|_| self.state.screen == Screen::Session);
            if shown.is_some_and(|view| view.is_open) && self.asked.is_none() {
                self.state.renew_session();
            }
        }
    }

    fn poll_told(&mut self) -> bool {
        let told: Vec<Told> = self.told.1.try_iter().collect();
        let is_new = !told.is_empty();
        told.into_iter().for_each(|told| self.hear(told));
        is_new
    }

    fn hear(&mut self, told: Told) {
        if matches!(told, Told::Session(..) | Told::Tree(_)) {
            self.asked = None;
        }
        match told {
            Told::Transfer(id, transfer) => match (transfer, &mut self.reader) {
                (Some(transfer), Some(reader)) => reader.ask(Task::Preview(transfer)),
                _ => {
                    let why = Content::Failed("that transfer is not kept".to_owned());
                    self.state.contents.insert(id, why);
                }
            },
            told => self.state.hear(told),
        }
    }

    /// Has somebody put together what is wanted.
    fn fetch(&mut self) {
        if let Some(wanted) = self.state.wanted.take() {
            self.asked = Some(wanted);
            self.ask(wanted);
        }
    }

    fn ask(&self, wanted: Wanted) {
        match (&self.loading, &self.state.ready) {
            (Some(loading), _) => loading.ask(wanted),
            (None, Some(ready)) => {
                let (ready, tell) = (Arc::clone(ready), self.told.0.clone());
                // Who does not listen any more has quit.
                thread::spawn(move || drop(tell.send(ready.tell(wanted))));
            }
            (None, None) => {}
        }
    }

    fn poll_reader(&mut self) -> bool {
        let Some(reader) = &mut self.reader else { return false };
        let mut is_new = false;
        while let Some(done) = reader.poll() {
            is_new = true;
            match done {
                Done::Preview(id, content) => {
                    if self.state.contents.len() >= PREVIEWS {
                        self.state.contents.clear();
                    }
                    self.state.contents.insert(id, content);
                }
                Done::Extracting(written, all) => {
                    self.state.say(&format!("extracting: {written} of {all} written"));
                }
                Done::Extracted(told) => self.state.say(&told),
            }
        }
        is_new
    }

    /// Asks for the beginning of the chosen file, if it is not known.
    fn want_preview(&mut self) -> bool {
        let chosen = self.state.chosen_file().filter(|_| self.state.screen == Screen::Files);
        let wanted = chosen.and_then(|key| self.state.previewed(key));
        let Some(id) = wanted.filter(|id| !self.state.contents.contains_key(id)) else {
            return false;
        };
        let Some(reader) = &self.reader else {
            let why = "what came from a pipe is not kept (--no-spool)".to_owned();
            self.state.contents.insert(id, Content::Failed(why));
            return true;
        };
        if reader.is_busy() {
            return false;
        }
        self.ask(Wanted::Transfer(id));
        self.state.contents.insert(id, Content::Reading);
        true
    }

    /// Takes an event of the terminal; true to quit.
    fn take(&mut self, event: &Event, terminal: &mut Terminal) -> Result<bool, TuiError> {
        let effect = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.state.press(*key),
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => {
                    self.state.click(mouse.column, mouse.row)
                }
                MouseEventKind::ScrollDown => self.state.update(keys::Action::Down),
                MouseEventKind::ScrollUp => self.state.update(keys::Action::Up),
                _ => Effect::None,
            },
            Event::Resize(width, height) => {
                self.state.resize((*width, *height));
                Effect::None
            }
            _ => Effect::None,
        };
        match effect {
            Effect::None => {}
            Effect::Quit => {
                let is_writing = self.reader.as_ref().is_some_and(|reader| reader.is_extracting);
                if !is_writing || std::mem::replace(&mut self.was_warned, true) {
                    return Ok(true);
                }
                self.state.say("Files are being written; q once more quits.");
            }
            Effect::StopReading => {
                if let Some(loading) = &self.loading {
                    loading.progress.stop();
                }
            }
            Effect::Extract(files) => match (&mut self.reader, &self.state.ready) {
                (Some(reader), Some(ready)) => {
                    let count = files.len();
                    reader.ask(Task::Extract(Arc::clone(ready), files));
                    self.state.say(&format!("extracting {count} …"));
                }
                (None, _) => self.state.say("What was read cannot be read again."),
                (_, None) => self.state.say("Files are extracted once the capture is read."),
            },
            Effect::Copy(text) => {
                terminal.copy(&text)?;
                self.state.say("Copied, if the terminal allows it (OSC 52).");
            }
        }
        Ok(false)
    }
}

/// Beginnings of files kept at one time, of 64 KiB at most.
const PREVIEWS: usize = 256;

/// How a severity looks.
fn severity_mark(severity: Severity, theme: Theme) -> (Style, &'static str) {
    match severity {
        Severity::Critical | Severity::Error => (theme.bad(), "✗"),
        Severity::Warning => (theme.doubtful(), "!"),
        Severity::Info => (Style::new(), "·"),
    }
}

fn findings_mark(finding: &Finding, theme: Theme) -> (Style, &'static str) {
    match finding.suppressed {
        Some(_) => (theme.dim(), "-"),
        None => severity_mark(finding.severity, theme),
    }
}
