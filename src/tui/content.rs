//! What is in files: read from the capture again when it is asked for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::app::{Content, Preview};
use super::load::{Ready, Work};
use super::row::FileKey;
use crate::analyzer::{open_near, replay};
use crate::capture::{Capture, Progress, ReadOptions};
use crate::report::escape::escape;
use crate::report::files::single;
use crate::report::human::bytes;
use crate::session::TransferId;
use crate::transfer::{ByteSink, Transfer};

/// What is to be read again.
pub(super) enum Task {
    Preview(Box<Transfer>),
    Extract(Arc<Ready>, Vec<FileKey>),
}

/// What came of it.
pub(super) enum Done {
    Preview(TransferId, Content),
    /// So many files of so many are written.
    Extracting(usize, usize),
    /// In words.
    Extracted(String),
}

/// A thread that reads again.
pub(super) struct Reader {
    tasks: Sender<Task>,
    done: Receiver<Done>,
    open: usize,
    /// Files are being written.
    pub(super) is_extracting: bool,
}

/// Octets shown of a file.
const PREVIEW: usize = 64 << 10;

impl Reader {
    pub(super) fn start(work: Work, output: PathBuf) -> Self {
        let (tasks, todo) = unbounded();
        let (tell, done) = unbounded();
        thread::spawn(move || {
            for task in todo {
                let told = match task {
                    Task::Preview(transfer) => {
                        Done::Preview(transfer.request.id, preview(&work, &transfer))
                    }
                    Task::Extract(ready, files) => {
                        let progress = |written| {
                            // Who does not listen any more has quit.
                            let _ = tell.send(Done::Extracting(written, files.len()));
                        };
                        Done::Extracted(extract(&ready, &work, &output, &files, progress))
                    }
                };
                if tell.send(told).is_err() {
                    return;
                }
            }
        });
        Self { tasks, done, open: 0, is_extracting: false }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.open > 0
    }

    pub(super) fn ask(&mut self, task: Task) {
        self.is_extracting |= matches!(task, Task::Extract(..));
        // The thread ends only when this is dropped.
        if self.tasks.send(task).is_ok() {
            self.open += 1;
        }
    }

    pub(super) fn poll(&mut self) -> Option<Done> {
        let done = self.done.try_recv().ok()?;
        if !matches!(done, Done::Extracting(..)) {
            self.open -= 1;
        }
        self.is_extracting &= !matches!(done, Done::Extracted(_));
        Some(done)
    }
}

fn open(work: &Work, transfer: &Transfer) -> Result<Capture, String> {
    // Another progress: this is not what is shown.
    let reading = ReadOptions { progress: Progress::default(), ..work.reading.clone() };
    open_near(&work.sources, reading, transfer).map_err(|error| error.to_string())
}

fn preview(work: &Work, transfer: &Transfer) -> Content {
    match read_beginning(work, transfer) {
        Ok(preview) => Content::Here(Arc::new(preview)),
        Err(why) => Content::Failed(why),
    }
}

fn read_beginning(work: &Work, transfer: &Transfer) -> Result<Preview, String> {
    let content = transfer.content.as_ref().filter(|content| content.bytes > 0);
    content.ok_or("nothing was captured of it")?;
    if transfer.is_encrypted {
        return Err("encrypted".to_owned());
    }
    let kept = Arc::<Mutex<Preview>>::default();
    let mut capture = open(work, transfer)?;
    let is_enough = || lock(&kept).bytes.len() >= PREVIEW;
    let sink = || -> Box<dyn ByteSink> { Box::new(Beginning(Arc::clone(&kept))) };
    replay(&mut capture, transfer, &work.analysis, sink, is_enough);
    let preview = std::mem::take(&mut *lock(&kept));
    Ok(preview)
}

fn lock(kept: &Mutex<Preview>) -> std::sync::MutexGuard<'_, Preview> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the beginning, and where holes are in it.
struct Beginning(Arc<Mutex<Preview>>);

impl ByteSink for Beginning {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut preview = lock(&self.0);
        let expected = preview.bytes.len() as u64
            + preview.holes.iter().map(|(_, missing)| missing).sum::<u64>();
        if offset > expected {
            let at = preview.bytes.len() as u64;
            preview.holes.push((at, offset - expected));
        }
        let room = PREVIEW.saturating_sub(preview.bytes.len());
        preview.bytes.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
}

/// Writes files, and says what came of it.
fn extract(
    ready: &Ready,
    work: &Work,
    output: &Path,
    files: &[FileKey],
    progress: impl Fn(usize),
) -> String {
    let mut written = Vec::new();
    let mut failed = Vec::new();
    for (nth, key) in files.iter().enumerate() {
        progress(nth);
        match extract_one(ready, work, output, *key) {
            Ok(told) => written.push(told),
            Err(why) => failed.push(format!("{}: {why}", key.id())),
        }
    }
    match (&written[..], &failed[..]) {
        ([one], []) => one.clone(),
        (_, []) => format!("{} files written to {}", written.len(), output.display()),
        ([], [first, ..]) => format!("not written: {first}"),
        (_, [first, ..]) => {
            let all = written.len() + failed.len();
            format!("{} of {all} files written; not written: {first}", written.len())
        }
    }
}

fn extract_one(ready: &Ready, work: &Work, output: &Path, key: FileKey) -> Result<String, String> {
    let row = ready.file_place(key).and_then(|place| ready.files.get(place));
    let (id, name) = (key.id(), row.map(|row| row.path.as_str()));
    let read = |transfer: &Transfer, sink: Box<dyn ByteSink>| {
        let mut sink = Some(sink);
        let open_sink = || sink.take().unwrap_or_else(|| Box::new(Nowhere));
        replay(&mut open(work, transfer).ok()?, transfer, &work.analysis, open_sink, || false)
    };
    let told = match key {
        FileKey::Transfer(transfer) => {
            let transfer = ready.transfer(transfer).ok_or("that transfer is not kept")?;
            if !transfer.has_file() {
                return Err("there is nothing of it to write".to_owned());
            }
            single::write(output, &id, name, transfer, |sink| read(transfer, sink))
        }
        FileKey::File(place) => {
            let file = ready.file(place).ok_or("that file is not kept")?;
            let of = (file, &ready.analysis.transfers[..]);
            single::write_joined(output, &id, name, of, &work.analysis.limits, read)
        }
    };
    let written = told.map_err(|error| error.to_string())?;
    let path = written.path.to_string_lossy().into_owned();
    let hash = match written.sha256.get(..16) {
        Some(hash) => format!("sha256 {hash}…"),
        None => "not hashed: too much is missing".to_owned(),
    };
    Ok(format!("{}  {}  {hash}", escape(&path), bytes(written.bytes)))
}

/// For a second direction, which is none of the file's.
struct Nowhere;

impl ByteSink for Nowhere {
    fn write(&mut self, _: u64, _: &[u8]) {}
}
