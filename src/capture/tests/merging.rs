//! Several inputs as one, through real files.

use std::fs;
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::build::{LITTLE, pcap_of};
use super::note;
use crate::capture::pipe::Pipe;
use crate::capture::{Capture, CaptureError, Change, InputFacts, Progress, ReadOptions, Source};
use crate::time::Timestamp;

#[test]
fn inputs_are_merged_by_time_and_ties_go_to_the_one_named_first() {
    let dir = Dir::new();
    let sources = [
        dir.file("late", &pcap_of(&[(20, 5), (21, 6)])),
        dir.file("a", &pcap_of(&[(1, 1), (3, 3), (3, 4), (9, 9)])),
        dir.file("b", &pcap_of(&[(2, 2), (3, 3), (1, 8), (10, 10)])),
        dir.file("empty", &pcap_of(&[])),
    ];
    let (seen, facts) = run(&sources, ReadOptions::default());
    let wanted = [(1, 1), (2, 2), (1, 3), (1, 4), (2, 3), (2, 8), (1, 9), (2, 10), (0, 5), (0, 6)];
    assert_eq!(seen, wanted);
    let packets: Vec<_> = facts.iter().map(|facts| facts.packets).collect();
    assert_eq!(packets, [2, 4, 4, 0]);
    assert_eq!(facts[2].first_time, Timestamp::from_parts(1, 0));
}

#[test]
fn packets_without_a_time_stay_behind_the_one_before_them() {
    let dir = Dir::new();
    let ng = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.enhanced(0, 5_000_000, &[5]),
        LITTLE.simple(1, &[55]),
        LITTLE.enhanced(0, 8_000_000, &[8]),
    ]
    .concat();
    let sources = [dir.file("ng", &ng), dir.file("p", &pcap_of(&[(4, 4), (6, 6)]))];
    let (seen, _) = run(&sources, ReadOptions::default());
    assert_eq!(seen, [(1, 4), (0, 5), (0, 55), (1, 6), (0, 8)]);
}

#[test]
fn inputs_that_cannot_be_read_do_not_stop_the_others() {
    let dir = Dir::new();
    let sources = [
        Source::File(dir.0.join("missing")),
        dir.file("text", b"hello there"),
        Source::File(dir.0.clone()),
        dir.file("good", &pcap_of(&[(1, 1)])),
    ];
    let (seen, facts) = run(&sources, hashing());
    assert_eq!(seen, [(3, 1)]);
    assert!(matches!(facts[0].error, Some(CaptureError::Io(_))));
    assert!(matches!(facts[1].error, Some(CaptureError::NotACapture(_))));
    assert!(facts[1].hashes.is_some() && facts[1].bytes == 11);
    assert!(matches!(facts[2].error, Some(CaptureError::Directory)));
    assert!(facts[3].error.is_none());
}

#[test]
fn nothing_readable_is_an_error_that_names_every_input() {
    let dir = Dir::new();
    let sources = [dir.file("empty", b""), Source::File(dir.0.clone())];
    let error = Capture::open(&sources, ReadOptions::default()).err().unwrap().to_string();
    let lines: Vec<_> = error.lines().collect();
    assert!(lines[0].ends_with("empty: not a capture: an empty file"), "{error}");
    assert!(lines[1].ends_with(": is a directory, not a capture"), "{error}");
    assert!(Capture::open(&[], ReadOptions::default()).is_err());
}

#[test]
fn hashes_cover_the_whole_file_whatever_becomes_of_its_packets() {
    let dir = Dir::new();
    let whole = pcap_of(&[(1, 1), (2, 2), (3, 3)]);
    let broken = [&whole[..], &LITTLE.u32s(&[0, 0, u32::MAX, 0]), &vec![9; 2 << 20]].concat();
    let sources = [dir.file("whole", &whole), dir.file("broken", &broken)];
    let mut capture = Capture::open(&sources, hashing()).unwrap();
    capture.for_each(|_| ControlFlow::Break(()));
    for (facts, bytes) in capture.finish().iter().zip([&whole, &broken]) {
        let wanted = sha256(bytes);
        assert_eq!(facts.hashes.as_ref().map(|hashes| hashes.sha256), Some(wanted));
        assert_eq!(facts.bytes, bytes.len() as u64);
    }
}

#[test]
fn progress_counts_raw_bytes_once() {
    let dir = Dir::new();
    let (a, b) = (pcap_of(&[(1, 1), (2, 2)]), pcap_of(&[(3, 1)]));
    let options = ReadOptions::default();
    let progress = options.progress.clone();
    run(&[dir.file("a", &a), dir.file("b", &b)], options);
    let total = (a.len() + b.len()) as u64;
    assert_eq!((progress.total(), progress.read_bytes()), (Some(total), total));
}

#[test]
fn reading_goes_on_after_a_break_where_it_was() {
    let dir = Dir::new();
    let sources = [dir.file("a", &pcap_of(&[(1, 1), (3, 3)])), dir.file("b", &pcap_of(&[(2, 2)]))];
    let mut capture = Capture::open(&sources, ReadOptions::default()).unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        capture.for_each(|frame| {
            seen.push(frame.bytes[0]);
            ControlFlow::Break(())
        });
    }
    assert_eq!(seen, [1, 2, 3]);
}

#[test]
fn a_stop_ends_reading_without_calling_the_file_cut() {
    let dir = Dir::new();
    let options = hashing();
    let progress = options.progress.clone();
    let mut capture =
        Capture::open(&[dir.file("a", &pcap_of(&[(1, 1), (2, 2)]))], options).unwrap();
    let mut seen = 0;
    capture.for_each(|_| {
        seen += 1;
        progress.stop();
        ControlFlow::Continue(())
    });
    let facts = capture.finish();
    assert_eq!((seen, facts[0].damage_count), (1, 0));
    assert!(facts[0].hashes.is_none());
}

/// The reader never speaks; what ends the wait is the flag.
#[test]
fn a_silent_pipe_can_be_stopped() {
    let (silent, keep_open) = std::io::pipe().unwrap();
    let progress = Progress::default();
    let mut pipe = Pipe::start(progress.clone(), || Ok(silent)).unwrap();
    let started = Instant::now();
    progress.stop();
    assert_eq!(std::io::Read::read(&mut pipe, &mut [0; 9]).unwrap(), 0);
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(keep_open);
}

#[test]
fn a_pipe_gives_all_its_bytes_in_order() {
    let bytes = pcap_of(&(0..20_000).map(|nth| (nth, nth as u8)).collect::<Vec<_>>());
    let source = Cursor::new(bytes);
    let pipe = Pipe::start(Progress::default(), || Ok(source)).unwrap();
    let (kept, facts) = super::read_from(pipe, &ReadOptions::default());
    assert_eq!((kept.len(), facts.damage_count), (20_000, 0));
}

/// Between the look and the reading a file may shrink, vanish or become something else.
#[test]
fn files_may_change_after_they_were_looked_at() {
    let dir = Dir::new();
    let sources = [
        dir.file("shrunk", &pcap_of(&[(1, 1), (2, 2)])),
        dir.file("gone", &pcap_of(&[(1, 1)])),
        dir.file("other", &pcap_of(&[(1, 1)])),
    ];
    let mut capture = Capture::open(&sources, ReadOptions::default()).unwrap();
    let shrunk = fs::OpenOptions::new().write(true).open(dir.0.join("shrunk")).unwrap();
    shrunk.set_len(45).unwrap();
    fs::remove_file(dir.0.join("gone")).unwrap();
    fs::write(dir.0.join("other"), "text now").unwrap();
    let mut seen = Vec::new();
    capture.for_each(note(&mut seen));
    let facts = capture.finish();
    assert_eq!((seen, facts[0].damage_count), (vec![(0, 1)], 1));
    assert!(facts[1].error.is_some() && facts[2].error.is_some());
}

/// What is added after the first look is not read, whether there is one input or are two.
#[test]
fn a_file_that_grows_is_read_as_it_was_when_it_was_opened() {
    for beside in [&[][..], &[(2, 9)]] {
        let dir = Dir::new();
        let whole = pcap_of(&[(1, 1), (3, 3)]);
        let mut sources = vec![dir.file("growing", &whole)];
        sources.extend((!beside.is_empty()).then(|| dir.file("beside", &pcap_of(beside))));
        let mut capture = Capture::open(&sources, hashing()).unwrap();
        let path = dir.0.join("growing");
        let mut growing = fs::OpenOptions::new().append(true).open(path).unwrap();
        // Some whole records and the beginning of another.
        growing.write_all(&pcap_of(&[(4, 4), (5, 5), (6, 6)])[24..70]).unwrap();
        let mut seen = Vec::new();
        capture.for_each(note(&mut seen));
        let facts = capture.finish();
        let mut wanted = vec![(0, 1), (1, 9), (0, 3)];
        wanted.retain(|(input, _)| usize::from(*input) < sources.len());
        assert_eq!(seen, wanted);
        assert_eq!((facts[0].changed, facts[0].damage_count), (Some(Change::Grew), 0));
        assert_eq!(facts[0].bytes, whole.len() as u64);
        assert_eq!(facts[0].hashes.as_ref().map(|hashes| hashes.sha256), Some(sha256(&whole)));
    }
}

#[test]
fn what_becomes_of_a_file_is_told() {
    let whole = pcap_of(&[(1, 1), (3, 3)]);
    let change = |change: &dyn Fn(&Path)| {
        let dir = Dir::new();
        let source = dir.file("a", &whole);
        let mut capture = Capture::open(&[source], hashing()).unwrap();
        change(&dir.0.join("a"));
        capture.for_each(|_| ControlFlow::Continue(()));
        capture.finish().remove(0).changed
    };
    let resize = |path: &Path, len| {
        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
    };
    assert_eq!(change(&|_| {}), None);
    assert_eq!(change(&|path| resize(path, 41)), Some(Change::Shrank));
    assert_eq!(change(&|path| resize(path, 999)), Some(Change::Grew));
    let touched = |path: &Path| {
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    assert_eq!(change(&touched), Some(Change::Modified));
    if cfg!(unix) {
        let replaced = |path: &Path| {
            fs::write(path.with_extension("new"), "another").unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        };
        assert_eq!(change(&replaced), Some(Change::Replaced));
    }
}

#[test]
fn a_clock_that_runs_wild_neither_loses_nor_blocks_a_packet() {
    let dir = Dir::new();
    let wild: Vec<_> = (0..200_u32).map(|nth| (nth.wrapping_mul(2_654_435_761), 1)).collect();
    let calm: Vec<_> = (0..200_u32).map(|nth| (nth * 20_000_000, 2)).collect();
    let back: Vec<_> = (0..200_u32).rev().map(|nth| (nth * 20_000_000, 3)).collect();
    let files = [("wild", wild), ("calm", calm), ("back", back)];
    let sources = files.map(|(name, packets)| dir.file(name, &pcap_of(&packets)));
    let (seen, facts) = run(&sources, ReadOptions::default());
    assert_eq!(seen, run(&sources, ReadOptions::default()).0);
    for input in 0..3 {
        assert_eq!(seen.iter().filter(|(of, _)| *of == input).count(), 200);
    }
    assert_eq!(facts[2].time_steps_back.map(|steps| steps.count), Some(199));
    assert!(facts[0].time_steps_back.is_some() && facts[1].time_steps_back.is_none());
}

/// A TUI reads in a thread of its own.
#[test]
fn a_capture_can_be_sent_to_a_thread() {
    fn is_send<T: Send>() {}
    is_send::<Capture>();
}

fn run(sources: &[Source], options: ReadOptions) -> (Vec<(u16, u8)>, Vec<InputFacts>) {
    let mut capture = Capture::open(sources, options).unwrap();
    let mut seen = Vec::new();
    capture.for_each(note(&mut seen));
    (seen, capture.finish())
}

fn hashing() -> ReadOptions {
    ReadOptions { hash_inputs: true, ..ReadOptions::default() }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = crate::hash::Hasher::new(crate::hash::HashSet::default());
    hasher.update(bytes);
    hasher.finish().sha256
}

/// A directory of its own, removed at the end.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ftpscope-capture-{}-{nth}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Source {
        let path = self.0.join(name);
        fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        Source::File(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let path: &Path = &self.0;
        let _ = fs::remove_dir_all(path);
    }
}
