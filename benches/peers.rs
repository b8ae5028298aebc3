//! The whole program beside others on the same captures: `cargo bench --bench peers`.
//!
//! Runs whichever of tcpdump, tcpflow, tshark, openssl and gzip are installed, in turn with ours,
//! and prints medians, ratios and peak memory (that by GNU time, if it is installed) as the table
//! of README. `FTPSCOPE_BENCH_MB` sets the size of the largest capture (2000 by default);
//! `-- --growth` shows instead how time and memory grow from a quarter of that to twice as much,
//! `-- --instructions` how many instructions a packet takes, by valgrind's callgrind: a figure that
//! does not depend on what else the machine does.

#[path = "common/generate.rs"]
mod generate;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs of each command; the medians count.
const RUNS: usize = 5;
/// Where tshark takes minutes, others wait for it this often.
const RUNS_OF_SLOW: usize = 1;

/// One line of the table: ours, and whom it is held against.
struct Row {
    capture: &'static str,
    work: &'static str,
    ours: Vec<String>,
    peer: (&'static str, Vec<String>),
    runs: usize,
}

/// What a run took.
#[derive(Clone, Copy, Debug)]
struct Took {
    seconds: f64,
    /// `None` without GNU time.
    peak_kilobytes: Option<u64>,
}

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` only asks whether it builds.
    if args.iter().any(|arg| arg == "--test") {
        return Ok(());
    }
    let megabytes = std::env::var("FTPSCOPE_BENCH_MB").ok().and_then(|mb| mb.parse().ok());
    let bytes = megabytes.unwrap_or(2000) * 1_000_000;
    let folder = std::env::temp_dir().join(format!("ftpscope-peers-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let wants = |flag: &str| args.iter().any(|arg| arg == flag);
    let measured = match (wants("--growth"), wants("--instructions")) {
        (true, _) => measure_growth(&folder, bytes),
        (_, true) => count_instructions(&folder, bytes / 50),
        (false, false) => measure_all(&folder, bytes),
    };
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure_all(folder: &Path, bytes: u64) -> io::Result<()> {
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let (mix, bulk, many) = (path("mix.pcap"), path("bulk.pcap"), path("many.pcap"));
    let sessions = bytes / 40_000;
    generate::mix(File::create(&mix)?, bytes)?;
    let content = generate::bulk(File::create(&bulk)?, bytes / 2)?.file_bytes;
    generate::many(File::create(&many)?, sessions)?;
    // As many bytes as the downloads have, for whoever only hashes.
    let plain = path("plain");
    io::copy(&mut io::Read::take(File::open(&bulk)?, content), &mut File::create(&plain)?)?;
    let packed = path("mix.pcap.gz");
    if is_installed("gzip") {
        let out = File::create(&packed)?;
        Command::new("gzip").args(["-1", "-c", &mix]).stdout(out).status()?;
    }

    let words = |text: &str| -> Vec<String> {
        let filled = text
            .replace("MIX.gz", &packed)
            .replace("MIX", &mix)
            .replace("BULK", &bulk)
            .replace("MANY", &many)
            .replace("PLAIN", &plain)
            .replace("OUT", &path("out"));
        filled.split(' ').map(|word| word.replace('+', " ")).collect()
    };
    let row = |capture, work, ours: &str, name, peer: &str, runs| {
        let ours = words(&format!("{ours} -q"));
        Row { capture, work, ours, peer: (name, words(peer)), runs }
    };
    let tcpdump = "tcpdump -nr MIX -w /dev/null tcp+port+21";
    let flows = |capture| format!("tcpflow -o OUT -r {capture}");
    let export = |capture| format!("tshark -nr {capture} -Q --export-objects ftp-data,OUT");
    let rows = [
        row("mix", "json --lines", "json --lines MIX", "tcpdump", tcpdump, RUNS),
        row("mix", "json --lines", "json --lines MIX", "tshark", &export("MIX"), RUNS_OF_SLOW),
        row(
            "mix, gzip",
            "json --lines",
            "json --lines MIX.gz",
            "gzip -dc",
            "gzip -dc MIX.gz",
            RUNS,
        ),
        row("bulk", "json", "json BULK", "openssl sha256", "openssl dgst -sha256 PLAIN", RUNS),
        row("bulk", "extract", "extract -o OUT BULK", "tcpflow", &flows("BULK"), RUNS),
        row(
            "bulk",
            "extract, 3 hashes",
            "extract -o OUT --hash sha256,sha1,md5 BULK",
            "openssl md5",
            "openssl dgst -md5 PLAIN",
            RUNS,
        ),
        row("bulk", "extract", "extract -o OUT BULK", "tshark", &export("BULK"), RUNS_OF_SLOW),
        row("many", "json", "json MANY", "tcpflow", &flows("MANY"), RUNS),
        row("many", "json --lines", "json --lines MANY", "tcpflow", &flows("MANY"), RUNS),
        row("many", "extract", "extract -o OUT MANY", "tcpflow", &flows("MANY"), RUNS),
    ];
    println!("mix {bytes} bytes, bulk {} in 16 files, many {sessions} sessions\n", bytes / 2);
    println!("| capture | work | seconds | peak MB | peer | seconds | peak MB | ratio |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in rows {
        row.measure(&folder.join("out"))?;
    }
    Ok(())
}

impl Row {
    fn measure(&self, out: &Path) -> io::Result<()> {
        let (name, peer) = &self.peer;
        let Some(program) = peer.first().filter(|program| is_installed(program)) else {
            println!("| {} | {} | | | {name} (not installed) | | | |", self.capture, self.work);
            return Ok(());
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // The first of each warms the cache.
        for nth in 0..=self.runs {
            let one = run(env!("CARGO_BIN_EXE_ftpscope"), &self.ours, out)?;
            let other = run(program, &peer[1..], out)?;
            if nth > 0 {
                ours.push(one);
                theirs.push(other);
            }
        }
        let pairs = ours.iter().zip(&theirs);
        let ratio = median(pairs.map(|(one, other)| one.seconds / other.seconds).collect());
        println!(
            "| {} | {} | {} | {name} | {} | {ratio:.2} |",
            self.capture,
            self.work,
            told(&ours),
            told(&theirs)
        );
        io::stdout().flush()
    }
}

fn measure_growth(folder: &Path, bytes: u64) -> io::Result<()> {
    println!("| capture | MB | seconds | s/GB | peak MB |");
    println!("|---|---|---|---|---|");
    let path = folder.join("capture");
    let path = path.to_str().expect("UTF-8");
    for (name, make) in MAKERS {
        let command: &[&str] = if name == "bulk" { &["json"] } else { &["json", "--lines"] };
        for bytes in [bytes / 4, bytes / 2, bytes, bytes * 2] {
            let written = make(File::create(path)?, bytes)?;
            let args = [command, &["-q", path]].concat();
            let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
            run(env!("CARGO_BIN_EXE_ftpscope"), &args, folder)?;
            let runs = (0..RUNS).map(|_| run(env!("CARGO_BIN_EXE_ftpscope"), &args, Path::new("")));
            let runs = runs.collect::<io::Result<Vec<_>>>()?;
            let seconds = median(runs.iter().map(|took| took.seconds).collect());
            let (size, peak) = (written.capture_bytes as f64 / 1e6, peak(&runs));
            println!(
                "| {name} | {size:.0} | {seconds:.2} | {:.3} | {peak} |",
                seconds / size * 1e3
            );
        }
    }
    Ok(())
}

/// In one thread, so that waiting is no work.
fn count_instructions(folder: &Path, bytes: u64) -> io::Result<()> {
    println!("| capture | work | packets | instructions per packet |");
    println!("|---|---|---|---|");
    let path = folder.join("capture");
    let path = path.to_str().expect("UTF-8");
    for (name, make) in MAKERS {
        let written = make(File::create(path)?, bytes)?;
        for work in [&["json", "--lines"][..], &["json"]] {
            let mut valgrind = Command::new("valgrind");
            valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
            valgrind.arg(env!("CARGO_BIN_EXE_ftpscope")).args(work);
            valgrind.args(["-q", "--threads", "1", path]).stdout(Stdio::null());
            let told = String::from_utf8_lossy(&valgrind.output()?.stderr).into_owned();
            let collected = told.lines().find_map(|line| line.split_once("Collected :"));
            let all = collected.and_then(|(_, all)| all.trim().parse::<u64>().ok());
            let all = all.ok_or_else(|| io::Error::other(told))?;
            let (packets, work) = (written.packets, work.join(" "));
            println!("| {name} | {work} | {packets} | {} |", all / packets);
        }
    }
    Ok(())
}

type Make = fn(File, u64) -> io::Result<generate::Written>;

/// The captures, by how many bytes they are to have; of the many sessions some 40,000 bytes stand
/// for one.
const MAKERS: [(&str, Make); 3] = [
    ("mix", |out, bytes| generate::mix(out, bytes)),
    ("bulk", |out, bytes| generate::bulk(out, bytes)),
    ("many", |out, bytes| generate::many(out, bytes / 40_000)),
];

/// Runs a command to its end, its output thrown away and `out` removed before.
fn run(program: &str, args: &[String], out: &Path) -> io::Result<Took> {
    if out.exists() && out.ends_with("out") {
        fs::remove_dir_all(out)?;
    }
    if program == "tcpflow" || program == "tshark" {
        fs::create_dir_all(out)?;
    }
    let measures = Path::new(GNU_TIME).exists();
    let peak = std::env::temp_dir().join(format!("ftpscope-peak-{}", std::process::id()));
    let mut command = match measures {
        true => Command::new(GNU_TIME),
        false => Command::new(program),
    };
    if measures {
        command.args(["-f", "%M", "-o"]).arg(&peak).arg(program);
    }
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let took: Duration = start.elapsed();
    assert!(status.success(), "{program} {args:?}: {status}");
    let told = fs::read_to_string(&peak).ok().filter(|_| measures);
    let peak_kilobytes = told.and_then(|text| text.lines().last()?.trim().parse().ok());
    fs::remove_file(peak).unwrap_or_default();
    Ok(Took { seconds: took.as_secs_f64(), peak_kilobytes })
}

/// Median seconds and the highest peak, as two cells.
fn told(runs: &[Took]) -> String {
    let seconds = median(runs.iter().map(|took| took.seconds).collect());
    format!("{seconds:.2} | {}", peak(runs))
}

fn peak(runs: &[Took]) -> String {
    let peak = runs.iter().filter_map(|took| took.peak_kilobytes).max();
    peak.map_or_else(|| "?".to_owned(), |kilobytes| (kilobytes / 1000).to_string())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder: PathBuf| folder.join(program).is_file())
}

const GNU_TIME: &str = "/usr/bin/time";
