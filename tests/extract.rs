//! What `ftpscope extract` leaves on the disk: bounds, holes, and many connections at one time.

mod common;

use std::fs;
use std::path::Path;
use std::time::Instant;

use common::program::{Ran, Scratch, ftpscope_fed, noise, sha256};
use common::script::{Conn, From, FtpScript, flag};
use common::told::{dial, fetch, log_in, pasv, quit};
use ftpscope::analysis::Keeper;
use ftpscope::analyzer::{AnalysisOptions, analyze};
use ftpscope::capture::{Capture, ReadOptions, Source};
use ftpscope::limits::Limits;
use ftpscope::report::files;
use serde_json::Value;

/// What is in the directory after a run, all of it.
struct Extracted {
    scratch: Scratch,
    ran: Ran,
    manifest: Value,
}

impl Extracted {
    fn of(script: &FtpScript, more: &[&str]) -> Self {
        let scratch = Scratch::new();
        let out = scratch.at("out");
        let args = [&["extract", "-", "-o", &out], more].concat();
        let ran = ftpscope_fed(&args, &script.pcap()).exits(0);
        let manifest = fs::read(scratch.at("out/manifest.json")).unwrap();
        let manifest = serde_json::from_slice(&manifest).unwrap();
        let extracted = Self { scratch, ran, manifest };
        extracted.agrees_with_the_disk();
        extracted
    }

    fn files(&self) -> &[Value] {
        self.manifest["files"].as_array().unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.scratch.path().join("out").join(name)).unwrap()
    }

    /// The record and the bytes of the file of this transfer.
    fn file(&self, transfer: &str) -> (&Value, Vec<u8>) {
        let mut of = self.files().iter().filter(|file| file["transfer"]["id"] == transfer);
        let file = of.next().unwrap_or_else(|| panic!("no {transfer}: {:#}", self.manifest));
        (file, self.read(file["file"].as_str().unwrap()))
    }

    fn limits(&self) -> Vec<(&str, u64)> {
        let reached = self.manifest["capture"]["limits_reached"].as_array().unwrap();
        let pair = |limit: &'_ Value| limit["count"].as_u64().unwrap();
        reached.iter().map(|limit| (limit["name"].as_str().unwrap(), pair(limit))).collect()
    }

    /// Every file is listed with its length and a hash it has, and nothing else is there.
    fn agrees_with_the_disk(&self) {
        let sums = String::from_utf8(self.read("SHA256SUMS")).unwrap();
        let mut listed = vec!["SHA256SUMS".to_owned(), "manifest.json".to_owned()];
        for file in self.files() {
            let name = file["file"].as_str().unwrap();
            let path = self.scratch.path().join("out").join(name);
            assert_eq!(file["bytes"], fs::symlink_metadata(path).unwrap().len(), "{file:#}");
            let hashes =
                if file["hashes"].is_null() { &file["disk_hashes"] } else { &file["hashes"] };
            match hashes["sha256"].as_str() {
                Some(sum) => {
                    assert_eq!(sum, sha256(self.read(name)));
                    assert!(sums.contains(&format!("{sum}  {name}\n")), "{name}: {sums}");
                }
                None => assert!(!sums.contains(name), "{name}: {sums}"),
            }
            listed.push(name.to_owned());
        }
        listed.sort();
        assert_eq!(names_in(&self.scratch.path().join("out")), listed);
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Three downloads of 5,000 bytes each.
fn three() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..3 {
        let command = format!("RETR f{nth}.bin");
        fetch(&mut script, control, &command, [40001 + nth, 30000 + nth], &noise(nth.into(), 5000));
    }
    quit(&mut script, control);
    script
}

/// A download of `pieces`, with `hole` octets between them that the capture missed.
fn holed(script: &mut FtpScript, control: Conn, ports: [u16; 2], pieces: &[&[u8]], hole: i64) {
    pasv(script, control, ports[1]);
    let data = dial(script, ports[0], ports[1]);
    script.dialogue(control, &[&format!("> RETR f{}", ports[1]), "< 150 here it comes"]);
    let mut offset = 0;
    for piece in pieces {
        script.segment(data, From::Responder, offset, flag::ACK, piece);
        script.ack(data, From::Originator);
        offset += piece.len() as i64 + hole;
    }
    script.close(data, From::Responder);
    script.dialogue(control, &["< 226 done"]);
}

#[test]
fn a_bound_on_each_file_cuts_it_there_and_says_so() {
    let script = three();
    let extracted = Extracted::of(&script, &["--max-file", "3K"]);
    for nth in 0..3 {
        let whole = noise(nth, 5000);
        let (file, bytes) = extracted.file(&format!("t{}", nth + 1));
        assert_eq!(bytes, whole[..3000]);
        assert_eq!(file["truncated_at"], 3000, "{file:#}");
        assert_eq!(file["truncated_by"], "--max-file");
        assert!(file["hashes"].is_null(), "{file:#}");
        assert_eq!(file["disk_hashes"]["sha256"], sha256(&whole[..3000]));
        // What is said of the transfer is true of the transfer.
        assert_eq!(file["transfer"]["bytes"], 5000);
        assert_eq!(file["transfer"]["outcome"], "complete");
        assert_eq!(file["transfer"]["hashes"]["sha256"], sha256(&whole));
        assert!(file["file"].as_str().unwrap().ends_with(".incomplete"), "{file:#}");
    }
    assert_eq!(extracted.limits(), [("file_bytes", 3)]);
    let said = extracted.ran.text();
    assert!(said.contains("3 cut short by --max-file"), "{said}");
}

#[test]
fn a_bound_that_is_just_large_enough_cuts_nothing() {
    let extracted = Extracted::of(&three(), &["--max-file", "5000", "--max-total", "15K"]);
    for file in extracted.files() {
        assert!(file["hashes"]["sha256"].is_string() && file.get("disk_hashes").is_none());
        assert!(file.get("truncated_at").is_none(), "{file:#}");
    }
    assert!(extracted.limits().is_empty() && !extracted.ran.text().contains("cut"));
}

#[test]
fn a_bound_on_all_files_cuts_the_one_that_passes_it_and_those_behind_it() {
    let extracted = Extracted::of(&three(), &["--max-total", "7000"]);
    let lens = ["t1", "t2", "t3"].map(|id| extracted.file(id).1.len());
    assert_eq!(lens, [5000, 2000, 0]);
    let (whole, cut) = (extracted.file("t1").0, extracted.file("t2").0);
    assert_eq!(whole["hashes"]["sha256"], sha256(noise(0, 5000)));
    assert_eq!((&cut["truncated_at"], &cut["truncated_by"]), (&2000.into(), &"--max-total".into()));
    assert_eq!(extracted.limits(), [("total_bytes", 2)]);
}

#[test]
fn what_is_not_chosen_does_not_use_up_the_bound_on_all_files() {
    let more = ["--max-total", "5000", "--only", "name=f2*"];
    let extracted = Extracted::of(&three(), &more);
    let (file, bytes) = extracted.file("t3");
    assert_eq!(bytes, noise(2, 5000));
    assert!(file.get("truncated_at").is_none() && extracted.limits().is_empty(), "{file:#}");
}

#[test]
fn a_file_with_a_hole_has_no_hash_that_could_be_taken_for_its_own() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    holed(&mut script, control, [40001, 30000], &[b"before", b"after"], 1000);
    let extracted = Extracted::of(&script, &[]);
    let (file, bytes) = extracted.file("t1");
    let wanted = [&b"before"[..], &[0; 1000], b"after"].concat();
    assert_eq!(bytes, wanted);
    assert!(file["hashes"].is_null(), "{file:#}");
    assert_eq!(file["disk_hashes"]["sha256"], sha256(&wanted));
    let missing = serde_json::json!([{"offset": 6, "bytes": 1000}]);
    assert_eq!(file["transfer"]["missing"], missing);
    assert!(file.get("truncated_at").is_none() && extracted.limits().is_empty());
}

#[test]
fn many_huge_holes_cost_neither_time_nor_disk() {
    // 40 files with holes of 900 MB: hashed or written out they would take a minute and 36 GB.
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..40 {
        holed(&mut script, control, [40001 + nth, 30000 + nth], &[b"a", b"b"], 900_000_000);
    }
    let (scratch, began) = (Scratch::new(), Instant::now());
    let out = scratch.at("out");
    ftpscope_fed(&["extract", "-", "-o", &out], &script.pcap()).exits(0);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    let manifest: Value =
        serde_json::from_slice(&fs::read(format!("{out}/manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), 40);
    assert!(files.iter().all(|file| file["bytes"] == 900_000_002_u64), "{manifest:#}");
    // 1 GiB of zeros is hashed, and what is not is said.
    let hashed = files.iter().filter(|file| file["disk_hashes"]["sha256"].is_string()).count();
    assert_eq!(hashed, 1);
    let sums = fs::read_to_string(format!("{out}/SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), hashed);
    let limit = serde_json::json!([{"name": "hole_bytes_hashed", "count": 39}]);
    assert_eq!(manifest["capture"]["limits_reached"], limit);
    #[cfg(target_os = "linux")]
    for file in files {
        use std::os::unix::fs::MetadataExt;
        let path = format!("{out}/{}", file["file"].as_str().unwrap());
        let blocks = fs::metadata(path).unwrap().blocks();
        assert!(blocks * 512 <= 64 << 10, "{blocks} blocks");
    }
}

#[test]
fn a_bound_on_holes_cuts_at_the_hole_and_keeps_what_is_before_it() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    holed(&mut script, control, [40001, 30000], &[b"before", b"between", b"after"], 1000);
    // The six octets before the first hole allow for six more.
    for (bound, len, cut) in
        [("993", 6, true), ("994", 1013, true), ("1987", 2018, false), ("2K", 2018, false)]
    {
        let extracted = Extracted::of(&script, &["--max-holes", bound]);
        let (file, bytes) = extracted.file("t1");
        assert_eq!(bytes.len(), len, "{bound}");
        assert!(bytes.starts_with(b"before"));
        assert_eq!(file.get("truncated_at").is_some(), cut, "{bound}: {file:#}");
        assert_eq!(extracted.limits().len(), usize::from(cut));
        if cut {
            assert_eq!(file["truncated_at"], len);
            assert_eq!(file["truncated_by"], "--max-holes");
        }
    }
    let extracted = Extracted::of(&script, &["--max-file", "1010"]);
    assert_eq!(extracted.file("t1").1.len(), 1010, "holes count as length");
    let extracted = Extracted::of(&script, &["--max-file", "500"]);
    assert_eq!(extracted.file("t1").1, b"before", "nothing captured lies beyond");
}

/// A download whose beginning was not captured, of a file of `size`.
fn late(size: u64, captured: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> SIZE f", &format!("< 213 {size}")]);
    pasv(&mut script, control, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    let data = script.midstream("10.0.0.1:40001", "10.0.0.2:30000", [1000, 1000]);
    script.send(data, From::Responder, captured);
    script.close(data, From::Responder);
    script.dialogue(control, &["< 226 done"]);
    script
}

#[test]
fn a_beginning_that_is_missing_is_a_hole_unless_it_is_absurd() {
    let captured = noise(1, 3000);
    let extracted = Extracted::of(&late(10_000, &captured), &[]);
    let (file, bytes) = extracted.file("t1");
    assert_eq!(bytes, [&vec![0; 7000], &captured[..]].concat(), "{file:#}");
    assert!(file.get("starts_at").is_none() && file["hashes"].is_null(), "{file:#}");
    // A server may say what it likes; what was captured is not lost for it.
    for size in [100 << 30, u64::MAX / 2, u64::MAX] {
        let extracted = Extracted::of(&late(size, &captured), &[]);
        let (file, bytes) = extracted.file("t1");
        assert_eq!(bytes, captured, "{size}");
        assert_eq!(file["starts_at"], size - 3000, "{file:#}");
        assert!(file["hashes"].is_null(), "{file:#}");
        assert_eq!(extracted.limits(), [("hole_bytes", 1)]);
    }
}

/// Passive downloads that are all open at one time, and go on by turns.
fn crowd(count: u16, rounds: usize) -> FtpScript {
    let mut script = FtpScript::new();
    let mut open = Vec::new();
    for nth in 0..count {
        let (client, server) = (format!("10.0.{}.{}", 1 + nth / 200, 1 + nth % 200), "10.9.9.9");
        let isn = u32::from(nth) << 16;
        let control =
            script.connect_from(&format!("{client}:40000"), &format!("{server}:21"), [isn; 2]);
        let [high, low] = (10_000 + nth).to_be_bytes();
        let announced = format!("< 227 Entering Passive Mode (10,9,9,9,{high},{low}).");
        script.dialogue(control, &["< 220 hi", "> USER a", "< 230 in", "> PASV", &announced]);
        let data = script.connect_from(
            &format!("{client}:40001"),
            &format!("{server}:{}", 10_000 + nth),
            [isn; 2],
        );
        script.dialogue(control, &[&format!("> RETR f{nth}"), "< 150 here it comes"]);
        open.push((control, data));
    }
    for round in 0..rounds {
        for (nth, (_, data)) in open.iter().enumerate() {
            script.server(*data, piece(nth, round));
        }
    }
    for (control, data) in open {
        script.close(data, From::Responder);
        script.dialogue(control, &["< 226 done"]);
    }
    script
}

fn piece(nth: usize, round: usize) -> String {
    format!("file {nth}, piece {round}\n")
}

#[test]
fn thousands_of_files_at_one_time_are_all_written() {
    let script = crowd(3000, 3);
    let extracted = Extracted::of(&script, &[]);
    assert_eq!(extracted.files().len(), 3000);
    for (nth, file) in extracted.files().iter().enumerate() {
        let wanted: String = (0..3).map(|round| piece(nth, round)).collect();
        assert_eq!(file["hashes"]["sha256"], sha256(&wanted), "{file:#}");
        assert_eq!(file["transfer"]["name"], format!("f{nth}"));
        assert_eq!(file["transfer"]["outcome"], "complete");
        assert_eq!(file["user"], "a");
    }
}

#[cfg(unix)]
#[test]
fn few_file_descriptors_are_enough() {
    let scratch = Scratch::new();
    let capture = scratch.file("in.pcap", &crowd(300, 3).pcap());
    let (out, program) = (scratch.at("out"), env!("CARGO_BIN_EXE_ftpscope"));
    for allowed in [16, 64] {
        let line = format!(
            "ulimit -n {allowed}; exec '{program}' extract '{capture}' -o '{out}-{allowed}'"
        );
        let ran = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(0), "{allowed}: {stderr}");
        assert_eq!(names_in(Path::new(&format!("{out}-{allowed}"))).len(), 302);
        let sums = fs::read_to_string(format!("{out}-{allowed}/SHA256SUMS")).unwrap();
        for nth in 0..300 {
            let wanted: String = (0..3).map(|round| piece(nth, round)).collect();
            let line = format!("{}  t{}_f{nth}\n", sha256(wanted), nth + 1);
            assert!(sums.contains(&line), "{allowed}: no {line}");
        }
    }
}

#[test]
fn a_size_that_is_none_is_wrong_usage() {
    for more in [["--max-file", "0"], ["--max-total", "1.5G"], ["--max-holes", "-1"]] {
        let scratch = Scratch::new();
        let out = scratch.at("out");
        let args = [&["extract", "-", "-o", &out], &more[..]].concat();
        ftpscope_fed(&args, &three().pcap()).exits(2);
        assert!(!scratch.path().join("out").exists());
    }
}

#[test]
fn files_beyond_the_bound_on_names_are_listed_and_not_written() {
    let scratch = Scratch::new();
    let capture = Source::from_arg(scratch.file("in.pcap", &three().pcap()).into());
    let limits = Limits { files: 2, waiting_files: 1, open_files: 1, ..Limits::default() };
    let out = scratch.path().join("out");
    let (mut parts, mut manifest) =
        files::create(&out, files::Only::default(), &limits, false).unwrap();
    let reading = ReadOptions { limits: limits.clone(), ..ReadOptions::default() };
    let mut capture = Capture::open(&[capture], reading).unwrap();
    let options = AnalysisOptions { limits, ..AnalysisOptions::default() };
    let facts = analyze(&mut capture, &options, Some(&mut parts), &mut manifest);
    let analysis = Keeper::new(Limits::default()).finish(facts, capture.finish());
    let summary = manifest.finish(&analysis).unwrap().to_string();
    assert!(summary.contains("1 beyond the limit on files"), "{summary}");

    let names = ["SHA256SUMS", "manifest.json", "t1_f0.bin", "t2_f1.bin"];
    assert_eq!(names_in(&out), names);
    let manifest: Value =
        serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let not_written =
        serde_json::json!([{"transfer": "t3", "outcome": "complete", "limit": "files"}]);
    assert_eq!(manifest["not_written"], not_written);
    let limits = serde_json::json!([
        {"name": "files", "count": 1},
        {"name": "waiting_files", "count": 2},
    ]);
    assert_eq!(manifest["capture"]["limits_reached"], limits);
    // Who waits too long is listed without what the end of the session would tell.
    let first = &manifest["files"][0];
    assert!(first["control_client"].is_null() && first["hashes"].is_object());
    assert!(first["user"].is_string());
}
