//! Floor 9: the results on a terminal, while they are found and after.
//!
//! `app` holds what is on the screen and changes it (`update`, which says what else is to be
//! done), `view` draws it, `keys` is the one table of keys. Here they are joined to a terminal,
//! to the thread that reads (`load`) and to the one that reads again (`content`).

mod app;
mod content;
mod filter;
mod keys;
mod list;
mod load;
mod overview;
mod row;
mod session;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod tree;
mod view;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyEventKind, MouseButton, MouseEventKind};
use ratatui::style::Style;

use self::app::{Content, Effect, Screen, State};
use self::content::{Done, Reader, Task};
use self::load::Loading;
pub use self::load::Work;
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
        // All that is there: a wheel sends dozens.
        loop {
            needs_drawing = true;
            if app.take(&event::read()?, &mut terminal)? {
                return Ok(());
            }
            if !event::poll(Duration::ZERO)? {
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
    reader: Option<Reader>,
    work: Work,
    output: PathBuf,
    can_reread: bool,
    started: Instant,
    /// Of files that are being written when it is to quit.
    was_warned: bool,
}

impl App {
    fn new(options: Options, size: (u16, u16)) -> Self {
        let Options { title, work, theme, output, can_reread } = options;
        let loading = Some(Loading::start(work.clone()));
        let (state, started) = (State::new(title, size), Instant::now());
        let (reader, was_warned) = (None, false);
        Self { state, theme, loading, reader, work, output, can_reread, started, was_warned }
    }

    fn is_busy(&self) -> bool {
        self.loading.is_some() || self.reader.as_ref().is_some_and(Reader::is_busy)
    }

    /// Looks at what the threads have done; true if there is something new to draw.
    fn poll(&mut self) -> Result<bool, TuiError> {
        let mut is_new = self.state.look();
        is_new |= self.poll_loading()?;
        is_new |= self.poll_reader();
        is_new |= self.want_preview();
        Ok(is_new)
    }

    fn poll_loading(&mut self) -> Result<bool, TuiError> {
        let Some(loading) = &mut self.loading else { return Ok(false) };
        match loading.poll() {
            None => {
                let progress = &loading.progress;
                self.state.reading = Some(app::Reading {
                    bytes: progress.read_bytes(),
                    total: progress.total(),
                    seconds: self.started.elapsed().as_secs_f64(),
                });
                let found = loading.found();
                let known = self.state.found.len();
                self.state.found.extend(found.sessions.iter().skip(known).cloned());
                self.state.found_transfers = found.transfers;
                drop(found);
                self.state.look();
                Ok(true)
            }
            Some(Ok(ready)) => {
                self.loading = None;
                self.state.take(ready);
                let ready = self.state.ready.clone();
                self.reader = ready
                    .filter(|_| self.can_reread)
                    .map(|ready| Reader::start(ready, self.work.clone(), self.output.clone()));
                Ok(true)
            }
            Some(Err(error)) => Err(error.into()),
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
        let Some(id) = self.state.chosen_file().filter(|_| self.state.screen == Screen::Files)
        else {
            return false;
        };
        if self.state.contents.contains_key(&id) {
            return false;
        }
        let Some(reader) = &mut self.reader else {
            if self.state.ready.is_some() {
                let why = "what came from a pipe is not kept (--no-spool)".to_owned();
                self.state.contents.insert(id, Content::Failed(why));
                return true;
            }
            return false;
        };
        if reader.is_busy() {
            return false;
        }
        reader.ask(Task::Preview(id));
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
            Effect::Extract(files) => match &mut self.reader {
                Some(reader) => {
                    let count = files.len();
                    reader.ask(Task::Extract(files));
                    self.state.say(&format!("extracting {count} …"));
                }
                None => self.state.say("What was read cannot be read again."),
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
