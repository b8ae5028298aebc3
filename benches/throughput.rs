//! How fast each floor is, and how often it asks for memory: `cargo bench --bench throughput`.
//! The captures are made here, in a temporary directory, and removed; `FTPSCOPE_BENCH_MB` sets
//! their size (256 by default). Memory is the system's, counted; the program's own allocator is
//! faster.

#[path = "common/generate.rs"]
mod generate;

use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ftpscope::analysis::{Keeper, collect_beside};
use ftpscope::analyzer::{AnalysisOptions, analyze};
use ftpscope::capture::{Capture, ReadAhead, ReadOptions, Source};
use ftpscope::decode::{Decoded, Decoder, Segment};
use ftpscope::ftp::{Command, LineSplitter, ReplyJoiner};
use ftpscope::limits::Limits;
use ftpscope::report::document::DocumentOptions;
use ftpscope::report::json;
use ftpscope::tcp::{Assembler, Budget, ConnTable, Found, Mark, StreamEvent};
use generate::Written;

/// What is timed, each with all below it.
const WORK: [(&str, Work); 6] = [
    ("reader", read),
    ("  + decoder", |path| decode(path, |_| {})),
    ("  + table, all left alone", |path| look_up(path, false)),
    ("  + table and streams of all", |path| look_up(path, true)),
    ("document, one thread", |path| document(path, 1)),
    ("document, two threads", |path| document(path, 2)),
];

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
    println!(
        "{:34} {:>10} {:>8} {:>9} {:>12}",
        "", "packets/s", "MB/s", "ns/packet", "allocations"
    );
    println!("{:34} {:>10} {:>8} {:>9} {:>12}", "", "", "", "", "per packet");
    measure_lines();
    measure_assembler();
    let measured = measure_captures(&directory, bytes);
    fs::remove_dir_all(&directory)?;
    measured
}

fn measure_captures(directory: &Path, bytes: u64) -> io::Result<()> {
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
            report(work, &written, || run(&path));
        }
    }
    Ok(())
}

/// The lines of control connections alone; a packet is a line here.
fn measure_lines() {
    println!("lines in memory");
    let commands = b"USER someone\r\nPASS something\r\nCWD /a/directory\r\nTYPE I\r\nRETR f\r\n";
    let replies = b"331 go on\r\n230-welcome\r\n230 in\r\n250 done\r\n200 binary\r\n";
    let lines = 5 * 100_000;
    let written = |text: &[u8]| Written {
        packets: lines,
        capture_bytes: text.len() as u64 * lines / 5,
        ..Written::default()
    };
    report("splitter and commands", &written(commands), || {
        let mut splitter = LineSplitter::new(1 << 14, true);
        for _ in 0..lines / 5 {
            splitter.push(0, commands, (), |line| drop(black_box(Command::parse(line.bytes))));
        }
    });
    report("splitter and replies", &written(replies), || {
        let (mut splitter, mut joiner) =
            (LineSplitter::new(1 << 14, true), ReplyJoiner::new(1 << 18));
        for _ in 0..lines / 5 {
            splitter.push(0, replies, (), |line| drop(black_box(joiner.push(line.bytes))));
        }
    });
}

/// One direction of one connection, in memory.
fn measure_assembler() {
    println!("segments in memory");
    let segment = [7; 1460];
    let packets = 500_000;
    let written = Written { packets, capture_bytes: packets * 1460, ..Written::default() };
    let mark = Mark {
        stamp: ftpscope::time::Stamp::new(ftpscope::time::Timestamp::UNKNOWN, 0, 1),
        acked: 0,
    };
    for (name, apart) in [("assembler, in order", 0), ("assembler, each pair swapped", 1)] {
        report(name, &written, || {
            let (mut assembler, mut budget) =
                (Assembler::default(), Budget::new(1 << 24, usize::MAX));
            let mut bytes = 0;
            let mut count = |event: StreamEvent<'_>| {
                if let StreamEvent::Data { bytes: some, .. } = event {
                    bytes += some.len();
                }
            };
            for nth in 0..packets {
                let offset = (nth ^ apart) * 1460;
                assembler.push(offset, &segment, mark, true, &mut budget, &mut count);
                assembler.drain(u64::MAX, &mut budget, &mut count);
            }
            assert_eq!(bytes as u64, written.capture_bytes);
        });
    }
}

fn report(work: &str, written: &Written, run: impl Fn()) {
    let seconds = median(&run).as_secs_f64();
    // Of this thread: what others do in parallel is not counted.
    let allocations = allocation_counter::measure(&run).count_total;
    let (packets, bytes) = (written.packets as f64, written.capture_bytes as f64);
    println!(
        "  {work:32} {:10.0} {:8.0} {:9.1} {:12.4}",
        packets / seconds,
        bytes / seconds / 1e6,
        seconds / packets * 1e9,
        allocations as f64 / packets
    );
}

fn median(run: &impl Fn()) -> Duration {
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

fn open(path: &Path, threads: usize) -> Capture {
    let sources = [Source::File(path.to_owned())];
    let options = ReadOptions { ahead: ReadAhead::new(threads), ..ReadOptions::default() };
    Capture::open(&sources, options).expect("the capture was just written")
}

fn read(path: &Path) {
    let mut bytes = 0;
    open(path, 1).for_each(|frame| {
        bytes += frame.bytes.len();
        ControlFlow::Continue(())
    });
    assert!(bytes > 0);
}

fn decode(path: &Path, mut take: impl FnMut(&Segment<'_>)) {
    let mut segments = 0;
    let mut decoder = Decoder::new(&Limits::default());
    open(path, 1).for_each(|frame| {
        if let Decoded::Tcp(segment) = decoder.decode(&frame) {
            segments += 1;
            take(&segment);
        }
        ControlFlow::Continue(())
    });
    assert!(segments > 0);
}

/// Finds the connection of each segment, and puts in order what is said on all of them or none.
fn look_up(path: &Path, follows: bool) {
    let limits = Limits::default();
    let mut table = ConnTable::new(limits.connections, limits.ignored_connections);
    let mut budget = Budget::new(limits.early_bytes_each, limits.early_bytes_all);
    let mut bytes = 0;
    decode(path, |segment| {
        let slot = match table.find(segment, drop) {
            Found::Nothing => return,
            Found::Known(slot) => slot,
            Found::New => {
                if table.is_full() {
                    table.sweep(segment.stamp.at, drop);
                }
                table.follow(segment, |_| ())
            }
        };
        if !follows {
            return drop(table.forget(segment, false));
        }
        slot.conn.handle(segment, &mut budget, &mut |event| {
            if let ftpscope::tcp::ConnEvent::Data { bytes: some, .. } = event {
                bytes += some.len();
            }
        });
        if slot.conn.is_closed() {
            drop(table.forget(segment, true));
        }
    });
    assert!(bytes > 0 || !follows);
}

fn document(path: &Path, threads: usize) {
    let mut keeper = Keeper::new(Limits::default());
    let mut capture = open(path, threads);
    let options = AnalysisOptions { threads, ..AnalysisOptions::default() };
    let facts = match threads {
        1 => analyze(&mut capture, &options, None, &mut keeper),
        _ => collect_beside(&mut keeper, |out| analyze(&mut capture, &options, None, out)),
    };
    let analysis = keeper.finish(facts, capture.finish());
    json::write(&analysis, None, DocumentOptions::default(), threads, &mut io::sink())
        .expect("a sink takes all");
}
