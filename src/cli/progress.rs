//! A bar on standard error while a long capture is read.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::capture::Progress;

/// Shows how far reading is, until dropped.
pub(super) struct Bar(Option<(Sender<()>, JoinHandle<()>)>);

/// Work that is over sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(400);

const TICK: Duration = Duration::from_millis(100);

impl Bar {
    /// Shows nothing unless standard error is a terminal.
    pub(super) fn new(progress: Progress, quiet: bool) -> Self {
        if quiet || !io::stderr().is_terminal() {
            return Self(None);
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let waits = move |span| stopped.recv_timeout(span) == Err(RecvTimeoutError::Timeout);
        let thread = thread::spawn(move || {
            if !waits(PATIENCE) {
                return;
            }
            let bar = drawn(progress.total());
            while waits(TICK) {
                bar.set_position(progress.read_bytes());
            }
            bar.finish_and_clear();
        });
        Self(Some((stop, thread)))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // A bar that panicked is no reason to fail.
            let _ = thread.join();
        }
    }
}

fn drawn(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left",
        ),
        None => (ProgressBar::no_length(), "{spinner} {bytes}  {bytes_per_sec}"),
    };
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
