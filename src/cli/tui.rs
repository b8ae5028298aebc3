//! Starts the terminal interface: with its keys from the terminal even where the capture comes from
//! standard input, which is written to a private file to be read again.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::args::TuiArgs;
use super::run::{Exit, analysis_options};
use crate::analyzer::AnalysisOptions;
use crate::capture::{End, Marks, Progress, ReadAhead, ReadOptions, Source};
use crate::limits::Limits;
use crate::tui::{Options, Theme, Work, restore, run};

pub(super) fn start(args: &TuiArgs) -> Result<Exit> {
    if !io::stdout().is_terminal() {
        bail!("tui needs a terminal; `report` and `json` do not");
    }
    let ends = Arc::<AtomicBool>::default();
    let spool = Arc::<Mutex<Option<TempDir>>>::default();
    end_on_signals(&ends, &spool)?;
    let limits = Limits::default();
    let progress = Progress::default();
    let mut sources = Vec::new();
    for file in &args.input.files {
        sources.push(match Source::from_arg(file.clone()) {
            Source::Stdin if !args.no_spool => {
                let (dir, source) = spooled(limits.spool_bytes, progress.clone())?;
                *lock(&spool) = Some(dir);
                source
            }
            Source::File(path) if args.follow => {
                Source::Growing { name: path.clone(), path, end: End::default() }
            }
            other => other,
        });
    }
    let can_reread = !sources.iter().any(|source| matches!(source, Source::Stdin));
    let names: Vec<_> = args.input.files.iter().map(|file| file.to_string_lossy()).collect();
    let title = crate::report::escape::escape(&names.join(" ")).into_owned();
    let threads = args.input.threads();
    let reading = ReadOptions {
        limits,
        progress,
        ahead: ReadAhead::new(threads),
        marks: Some(Marks::default()),
        ..ReadOptions::default()
    };
    let policy = args.policy.policy()?;
    let analysis = AnalysisOptions { hashes: policy.hashes(), ..analysis_options(&args.input) };
    let work = Work { sources, analysis, reading, policy };
    let has_colour = std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let theme = Theme::new(has_colour, args.ascii);
    let options = Options { title, work, theme, output: args.output.clone(), can_reread };
    let ran = run(options, &ends);
    // The private file goes away with it.
    drop(lock(&spool).take());
    ran?;
    Ok(Exit::Done)
}

/// `kill`, or a terminal that was closed, ends it; Ctrl-C is a key there. Who waits for the keys of a
/// terminal that is gone may wait for ever, so it is ended the hard way after a moment.
fn end_on_signals(ends: &Arc<AtomicBool>, spool: &Arc<Mutex<Option<TempDir>>>) -> Result<()> {
    let (ends, spool) = (Arc::clone(ends), Arc::clone(spool));
    ctrlc::set_handler(move || {
        ends.store(true, Ordering::Relaxed);
        thread::sleep(GRACE);
        drop(lock(&spool).take());
        restore();
        std::process::exit(1);
    })
    .context("cannot listen for signals")
}

const GRACE: Duration = Duration::from_secs(2);

fn lock(spool: &Mutex<Option<TempDir>>) -> MutexGuard<'_, Option<TempDir>> {
    spool.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Standard input, copied to a file that only its owner can read and that goes away with the
/// program. Where there is no more room for it the copy ends, and so does the capture.
fn spooled(most: u64, progress: Progress) -> Result<(TempDir, Source)> {
    let dir = tempfile::Builder::new().prefix("ftpscope-").tempdir();
    let dir = dir.context("cannot make a private directory for what comes in")?;
    let path = dir.path().join("capture");
    let mut file = File::create_new(&path).context("cannot write what comes in")?;
    let end = End::default();
    let over = end.clone();
    thread::spawn(move || {
        let mut left = most;
        let mut buffer = vec![0; 256 << 10];
        while !progress.is_stopped() {
            let read = match io::stdin().read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            if read as u64 > left || file.write_all(bytes).is_err() {
                over.cut();
                break;
            }
            left -= read as u64;
        }
        over.set();
    });
    Ok((dir, Source::Growing { name: PathBuf::from("-"), path, end }))
}
