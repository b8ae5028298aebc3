//! How fast captures are read: `cargo bench`. The captures are made here, in a temporary
//! directory, and removed; `FTPSCOPE_BENCH_MB` sets their size (256 by default).

#[path = "common/generate.rs"]
mod generate;

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ftpscope::analysis::Keeper;
use ftpscope::analyzer::{AnalysisOptions, analyze};
use ftpscope::capture::{Capture, ReadOptions, Source};
use ftpscope::decode::{Decoded, Decoder};
use ftpscope::limits::Limits;
use ftpscope::report::document::DocumentOptions;
use ftpscope::report::json;
use generate::Written;

/// What is timed: the first floor, the first two, and all of them.
const WORK: [(&str, Work); 3] = [("read", read), ("decode", read_and_decode), ("json", document)];

type Work = fn(&Path);

/// Runs of each; the median counts.
const RUNS: usize = 5;

fn main() -> io::Result<()> {
    // `cargo test --benches` only asks whether it builds.
    if std::env::args().any(|arg| arg == "--test") {
        return Ok(());
    }
    let megabytes = std::env::var("FTPSCOPE_BENCH_MB").ok().and_then(|mb| mb.parse().ok());
    let bytes = megabytes.unwrap_or(256) << 20;
    let directory = std::env::temp_dir().join(format!("ftpscope-bench-{}", std::process::id()));
    fs::create_dir(&directory)?;
    println!("{:32} {:>12} {:>10} {:>10} {:>9}", "", "packets/s", "MB/s", "ns/packet", "seconds");
    let measured = measure_all(&directory, bytes);
    fs::remove_dir_all(&directory)?;
    measured
}

fn measure_all(directory: &Path, bytes: u64) -> io::Result<()> {
    let path = |name: &str| directory.join(name);
    let make = |path: &PathBuf| File::create(path);
    // A session of `many` is some 2,800 bytes.
    let captures = [
        ("mix: little FTP in much else", path("mix"), generate::mix(make(&path("mix"))?, bytes)?),
        ("bulk: 16 downloads", path("bulk"), generate::bulk(make(&path("bulk"))?, bytes)?),
        ("many: small sessions", path("many"), generate::many(make(&path("many"))?, bytes / 2800)?),
    ];
    for (name, path, written) in captures {
        println!("{name}");
        for (work, run) in WORK {
            report(work, &written, median(|| run(&path)));
        }
    }
    Ok(())
}

fn report(work: &str, written: &Written, took: Duration) {
    let seconds = took.as_secs_f64();
    let (packets, bytes) = (written.packets as f64, written.capture_bytes as f64);
    println!(
        "  {work:30} {:12.0} {:10.0} {:10.1} {seconds:9.3}",
        packets / seconds,
        bytes / seconds / 1e6,
        seconds / packets * 1e9
    );
}

fn median(run: impl Fn()) -> Duration {
    run();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

fn open(path: &Path) -> Capture {
    let sources = [Source::File(path.to_owned())];
    Capture::open(&sources, ReadOptions::default()).expect("the capture was just written")
}

fn read(path: &Path) {
    let mut bytes = 0;
    open(path).for_each(|frame| {
        bytes += frame.bytes.len();
        ControlFlow::Continue(())
    });
    assert!(bytes > 0);
}

fn read_and_decode(path: &Path) {
    let mut payload = 0;
    let mut decoder = Decoder::new(&Limits::default());
    open(path).for_each(|frame| {
        if let Decoded::Tcp(segment) = decoder.decode(&frame) {
            payload += segment.payload.len();
        }
        ControlFlow::Continue(())
    });
    assert!(payload > 0);
}

fn document(path: &Path) {
    let mut keeper = Keeper::new(Limits::default());
    let mut capture = open(path);
    let facts = analyze(&mut capture, &AnalysisOptions::default(), None, &mut keeper);
    let analysis = keeper.finish(facts, capture.finish());
    json::write(&analysis, DocumentOptions::default(), 1, &mut io::sink())
        .expect("a sink takes all");
}
