//! Every sample held against what was really transferred.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use common::document::{Document, Moved, analysed};
use common::program::{Ran, Scratch, ftpscope, ftpscope_fed, noise, sha256};
use common::sample::{Sample, borrowed, samples};
use common::script::{From, FtpScript};
use serde_json::{Value, json};

/// Samples whose truth is in the servers' order, which parallel sessions need not keep.
const IN_NO_ORDER: [&str; 7] = [
    "attack-fxp",
    "attack-hydra",
    "attack-ncrack",
    "attack-nmap-brute",
    "attack-parallel",
    "attack-spraying",
    "mirror",
];

/// With these no hash that a server states has to be made in another reading.
const ALL_HASHES: [&str; 2] = ["--hash", "sha512,sha1,md5,crc32"];

fn document_of(sample: &Sample) -> Document {
    Document(ftpscope(&borrowed(&sample.args(&["json"], &[]))).exits(0).json())
}

/// One fact of every transfer that is no listing.
fn of_each<T>(document: &Document, fact: impl Fn(Moved<'_>) -> T) -> Vec<T> {
    let files = document.transfers().filter(|moved| moved.0["direction"] != "listing");
    files.map(fact).collect()
}

fn truth_of_each<T>(sample: &Sample, fact: impl Fn(&Value) -> T) -> Vec<T> {
    sample.transfers().iter().map(fact).collect()
}

/// Holds a list of facts against the truth, in order where the truth has one.
#[track_caller]
fn agree<T: Ord + std::fmt::Debug>(sample: &Sample, what: &str, seen: Vec<T>, truth: Vec<T>) {
    let ordered = |mut list: Vec<T>| {
        if IN_NO_ORDER.contains(&sample.name.as_str()) {
            list.sort();
        }
        list
    };
    assert_eq!(ordered(seen), ordered(truth), "{what} of {}", sample.name);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

/// The raw bytes of a text of the wire.
fn raw(record: &Value, key: &str) -> String {
    match record[format!("{key}_hex")].as_str() {
        Some(hex) => hex.to_owned(),
        None => record[key]
            .as_str()
            .map_or_else(|| "-".to_owned(), |text| common::program::hex(text.as_bytes())),
    }
}

#[test]
fn every_sample_shows_its_sessions_users_and_logins() {
    for sample in samples() {
        let document = document_of(&sample);
        let truth = sample.truth["sessions"].as_array().unwrap();
        let wanted = |session: &Value| {
            let login = if session["login"] == "unseen" {
                "unknown"
            } else {
                session["login"].as_str().unwrap()
            };
            (text(&session["user"]), login.to_owned())
        };
        let seen = |session: &Value| (text(&session["user"]), text(&session["login"]));
        agree(
            &sample,
            "sessions",
            document.list("sessions").iter().map(seen).collect(),
            truth.iter().map(wanted).collect(),
        );
    }
}

#[test]
fn every_sample_shows_its_transfers_with_direction_and_name() {
    for sample in samples() {
        let document = document_of(&sample);
        let direction = |transfer: &Value| match (&sample.name[..], transfer["command"].as_str()) {
            // Their own test below.
            (name, _) if name.starts_with("fxp") => "-".to_owned(),
            (_, Some("APPE")) => "append".to_owned(),
            _ => text(&transfer["direction"]),
        };
        let wanted = |transfer: &Value| {
            // STOU is named by the server.
            let key = if transfer["command"] == "STOU" { "stored_as" } else { "name" };
            (text(&transfer["command"]), direction(transfer), raw(transfer, key))
        };
        let seen = |moved: Moved<'_>| {
            let direction = moved.0["direction"].as_str();
            let direction = direction.filter(|_| !sample.name.starts_with("fxp"));
            (text(&moved.0["command"]), direction.unwrap_or("-").to_owned(), raw(moved.0, "name"))
        };
        agree(&sample, "transfers", of_each(&document, seen), truth_of_each(&sample, wanted));
    }
}

#[test]
fn copies_between_servers_are_told_from_downloads() {
    for name in ["fxp", "fxp-both", "fxp-unseen"] {
        let document = document_of(&Sample::named(name));
        let directions = of_each(&document, |moved| text(&moved.0["direction"]));
        assert!(directions.len() > 1, "{name}");
        assert!(directions.iter().all(|direction| direction == "site_to_site"), "{name}");
    }
}

#[test]
fn both_halves_of_a_copy_name_source_and_destination() {
    for name in ["fxp-both", "fxp-unseen"] {
        for moved in document_of(&Sample::named(name)).transfers() {
            let copy = &moved.0["site_to_site"];
            let own = if moved.0["command"] == "RETR" { "source" } else { "destination" };
            assert_eq!(copy[own]["transfer"], moved.0["id"], "{name}: {copy:#}");
            assert_eq!(copy[own]["path"], moved.0["path"], "{name}");
            assert_ne!(copy["source"]["server"], copy["destination"]["server"], "{name}");
        }
    }
}

#[test]
fn a_download_resumed_elsewhere_is_put_together_to_the_file_of_the_server() {
    let sample = Sample::named("resume-elsewhere");
    let whole = text(&sample.transfers()[0]["whole_sha256"]);
    let document = document_of(&sample);
    let told = &document.list("files")[0];
    assert_eq!(
        (&told["hashes"]["sha256"], &told["overlaps"][0]["agree"]),
        (&whole.clone().into(), &true.into())
    );
    let extracted = Extracted::of(&sample, &[]);
    let joined = extracted.manifest["joined"].as_array().unwrap();
    assert_eq!(joined.len(), 1, "{joined:#?}");
    assert_eq!(joined[0]["hashes"]["sha256"], whole);
    assert_eq!(sha256(extracted.read(joined[0]["file"].as_str().unwrap())), whole);
    // The first client had taken less than the capture saw: the rest came twice, and is the same.
    assert_eq!(joined[0]["overlaps"][0]["agree"], true);
}

/// What became of each hash that the server of `digests` states, and what is told beside it.
fn stated_hashes(document: &Value) -> Vec<(String, Value, Value)> {
    let transfers = document["transfers"].as_array().unwrap().iter();
    let checks = transfers.flat_map(|transfer| transfer["checks"].as_array().into_iter().flatten());
    let stated = checks.filter(|check| check["source"] == "hash");
    let told = |check: &Value| {
        (text(&check["algorithm"]), check["agrees"].clone(), check["unverified"].clone())
    };
    stated.map(told).collect()
}

#[test]
fn hashes_that_a_server_states_are_verified_whether_they_were_asked_for_or_not() {
    let sample = Sample::named("digests");
    for more in [&[][..], &["--hash", "sha1"], &ALL_HASHES] {
        let document = ftpscope(&borrowed(&sample.args(&["json"], more))).exits(0).json();
        let stated = stated_hashes(&document);
        let names: std::collections::BTreeSet<_> = stated.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), 5, "{stated:#?}");
        assert!(
            stated.iter().all(|(_, agrees, why)| *agrees == true && why.is_null()),
            "{more:?}: {stated:#?}"
        );
    }
    let report = ftpscope(&borrowed(&sample.args(&["report"], &[]))).exits(0).text();
    assert!(report.contains("The server states the same crc32"), "{report}");
}

#[test]
fn a_capture_that_is_read_once_says_which_hashes_are_not_verified() {
    let sample = Sample::named("digests");
    let file = sample.args(&[], &[]).remove(0);
    let from_pipe = |more: &[&str]| {
        let args = [&["json", "-"], more].concat();
        stated_hashes(&ftpscope_fed(&args, &fs::read(&file).unwrap()).exits(0).json())
    };
    let stated = from_pipe(&["--hash", "md5"]);
    assert_eq!(stated.len(), stated_hashes(&document_of(&sample).0).len());
    for (name, agrees, why) in stated {
        let is_made = ["md5", "sha256"].contains(&name.as_str());
        assert_eq!(agrees, if is_made { json!(true) } else { Value::Null }, "{name}");
        assert_eq!(why, if is_made { Value::Null } else { json!("read_once") }, "{name}");
    }
    assert!(
        from_pipe(&["--hash", "crc32,md5,sha1,sha512"])
            .iter()
            .all(|(_, agrees, _)| *agrees == true)
    );
}

#[test]
fn an_upload_to_a_temporary_name_is_one_file_of_both_names() {
    let sample = Sample::named("temporary");
    let document = document_of(&sample);
    for truth in sample.transfers().iter().filter(|one| one["renamed_to"].is_string()) {
        let renamed = truth["renamed_to"].as_str().unwrap().rsplit('/').next().unwrap();
        let named = |file: &&Value| file["path"].as_str().unwrap().ends_with(renamed);
        let file = document.list("files").iter().find(named).expect("a file of that name");
        let before = text(&file["former_paths"][0]);
        assert!(before.ends_with(truth["name"].as_str().unwrap()), "{file:#}");
        assert_eq!(file["hashes"]["sha256"], truth["sha256"], "{file:#}");
    }
}

#[test]
fn every_sample_shows_the_outcome_size_and_hash_of_each_transfer() {
    for sample in samples() {
        let document = document_of(&sample);
        // What a broken transfer carried is looked at below; converted text has no truth here.
        let has_hash =
            |transfer: &Value| transfer["sha256"].is_string() && transfer["outcome"] != "gaps";
        let with = |outcome: String, bytes: &Value, hash: &Value, known: bool| match known {
            true => (outcome, bytes.as_u64(), text(hash)),
            false => (outcome, None, "-".to_owned()),
        };
        let truth: Vec<_> = truth_of_each(&sample, |transfer| {
            let outcome = text(&transfer["outcome"]);
            with(outcome, &transfer["bytes"], &transfer["sha256"], has_hash(transfer))
        });
        let mut known = sample.transfers().iter().map(has_hash).collect::<Vec<_>>().into_iter();
        if IN_NO_ORDER.contains(&sample.name.as_str()) {
            assert!(sample.transfers().iter().all(has_hash), "{} can be sorted", sample.name);
        }
        let records: Vec<Value> = of_each(&document, |moved| moved.0.clone());
        let seen = records.iter().map(|moved| {
            let outcome = text(&moved["outcome"]);
            with(outcome, &moved["bytes"], &moved["hashes"]["sha256"], known.next().unwrap_or(true))
        });
        agree(&sample, "contents", seen.collect(), truth);
    }
}

#[test]
fn every_sample_shows_full_paths_as_far_as_the_capture_tells() {
    for sample in samples() {
        let document = document_of(&sample);
        let seen: Vec<String> = of_each(&document, |moved| raw(moved.0, "path"));
        let truth: Vec<String> = truth_of_each(&sample, |transfer| raw(transfer, "path"));
        // Without its leading slash where the directory of the login was never named.
        let as_far = |seen: &String, truth: String| match truth.strip_prefix("2f") {
            Some(relative) if !seen.starts_with("2f") => relative.to_owned(),
            _ => truth,
        };
        let told = seen.iter().zip(truth.iter().cloned());
        let truth = match IN_NO_ORDER.contains(&sample.name.as_str()) {
            true => truth,
            false => told.map(|(seen, truth)| as_far(seen, truth)).collect(),
        };
        agree(&sample, "paths", seen, truth);
    }
}

#[test]
fn a_path_is_absolute_wherever_the_login_directory_was_named() {
    for sample in samples() {
        let document = document_of(&sample);
        for (index, session) in document.list("sessions").iter().enumerate() {
            let said = document.exchanges_of(index);
            let Some(named) = said
                .filter(|said| matches!(said.0["command"].as_str(), Some("PWD" | "XPWD")))
                .filter(|said| said.codes() == [257])
                .filter_map(|said| said.0["frame"].as_u64())
                .next()
            else {
                continue;
            };
            let id = &session["id"];
            for moved in document.transfers().filter(|moved| moved.0["session"] == *id) {
                if moved.path().is_some() && moved.0["setup"]["frame"].as_u64() > Some(named) {
                    assert!(
                        moved.path().unwrap().starts_with('/'),
                        "{}: {:#}",
                        sample.name,
                        moved.0
                    );
                }
            }
        }
    }
}

#[test]
fn every_sample_shows_its_listings() {
    for sample in samples() {
        let document = document_of(&sample);
        let listings = document.transfers().filter(|moved| moved.0["direction"] == "listing");
        assert_eq!(sample.truth["listings"], listings.count(), "{}", sample.name);
    }
}

#[test]
fn listings_tell_what_lay_on_the_disk_of_the_server() {
    let with_entries = samples().into_iter().filter(|sample| sample.truth["entries"].is_array());
    let mut seen = 0;
    for sample in with_entries {
        let document = document_of(&sample);
        let listings = document.transfers().filter(|moved| moved.0["direction"] == "listing");
        let told = |entry: &Value| {
            let modified = text(&entry["modified"]);
            let minute = modified.get(..16).unwrap_or_default().to_owned();
            (text(&entry["name"]), text(&entry["kind"]), entry["size"].clone(), minute)
        };
        let entries = |list: &Value| list.as_array().unwrap().iter().map(told).collect::<Vec<_>>();
        let wanted: Vec<_> =
            sample.truth["entries"].as_array().unwrap().iter().map(entries).collect();
        let found: Vec<_> = listings.map(|moved| entries(&moved.0["entries"])).collect();
        assert_eq!(found, wanted, "{}", sample.name);
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn resumed_transfers_tell_where_they_went_on() {
    let document = document_of(&Sample::named("resume"));
    let offsets = of_each(&document, |moved| moved.0["rest_offset"].as_u64().unwrap());
    // The fourth is an APPE, which goes on at the end without a REST.
    assert_eq!(offsets, [0, 32768, 20001, 0, 12000]);
}

#[test]
fn lost_packets_are_gaps_of_the_true_length() {
    let sample = Sample::named("loss");
    let document = document_of(&sample);
    let truth = &sample.transfers()[1];
    let moved = document.transfer("noise.bin").ends("gaps");
    let lost: u64 = moved.missing().iter().filter_map(|(_, bytes)| *bytes).sum();
    assert_eq!(truth["lost_bytes"], lost);
    assert_eq!(truth["bytes"], moved.0["bytes"].as_u64().unwrap() + lost);
    assert_eq!(truth["bytes"], moved.0["expected"]["bytes"]);
    assert_eq!(truth["gaps"], moved.missing().len());
    assert!(moved.missing().iter().all(|(offset, _)| offset.is_some()));
}

#[test]
fn packets_cut_by_the_snap_length_are_gaps_of_the_true_length() {
    let sample = Sample::named("snaplen");
    let document = document_of(&sample);
    for truth in sample.transfers() {
        let moved = document.transfer(truth["name"].as_str().unwrap()).ends("gaps");
        let lost: u64 = moved.missing().iter().filter_map(|(_, bytes)| *bytes).sum();
        assert_eq!(truth["bytes"], moved.0["bytes"].as_u64().unwrap() + lost);
    }
    assert!(document.list("inputs")[0]["snaplen_cut_packets"].as_u64() > Some(0));
}

#[test]
fn a_capture_of_the_data_only_is_an_orphan() {
    let sample = Sample::named("late-start-data");
    let document = document_of(&sample);
    let [orphan] = document.list("orphans") else { panic!("one orphan") };
    let bytes = orphan["bytes"]["from_server"].as_u64().unwrap();
    assert!(0 < bytes && bytes < 20_000, "{orphan:#}");
    assert_eq!(orphan["why"], "between the hosts of a session");
}

#[test]
fn encrypted_sessions_have_no_commands_after_the_handshake() {
    for (name, kind) in [("ftps-explicit", "explicit"), ("ftps-implicit", "implicit")] {
        let document = document_of(&Sample::named(name));
        for (index, session) in document.list("sessions").iter().enumerate() {
            assert_eq!(session["encryption"]["kind"], kind, "{name}");
            let mut commands = document.exchanges_of(index).map(|said| text(&said.0["command"]));
            let garbage = commands.find(|word| !["-", "FEAT", "AUTH"].contains(&&word[..]));
            assert_eq!(garbage, None, "{name}");
        }
    }
}

#[test]
fn encrypted_sessions_show_their_tls_and_what_was_probably_moved() {
    for name in ["ftps-explicit", "ftps-implicit"] {
        let sample = Sample::named(name);
        let document = document_of(&sample);
        for session in document.list("sessions") {
            assert_eq!(session["tls"]["version"], "TLS 1.3", "{session:#}");
            assert!(text(&session["tls"]["ja4"]).starts_with("t13"), "{session:#}");
        }
        let orphans = document.list("orphans");
        let is_of = |orphan: &Value, truth: &Value| {
            let (inferred, bytes) = (&orphan["inferred"], truth["bytes"].as_u64());
            let bounds = &inferred["estimated_bytes"];
            inferred["direction"] == truth["direction"]
                && inferred["confidence"] == "likely"
                && bounds["least"].as_u64() <= bytes
                && bytes <= bounds["most"].as_u64()
        };
        let mut left = orphans.iter();
        // In the order in which they were moved; a listing may stand between.
        for truth in sample.truth["hidden_transfers"].as_array().unwrap() {
            assert!(left.any(|orphan| is_of(orphan, truth)), "{truth:#} in {orphans:#?}");
        }
        let listings = sample.truth["hidden_listings"].as_u64().unwrap_or(0);
        let hidden = sample.truth["hidden_transfers"].as_array().unwrap().len() as u64;
        assert_eq!(orphans.len() as u64, hidden + listings, "{name}");
    }
}

/// What `ftpscope extract` wrote.
struct Extracted {
    scratch: Scratch,
    manifest: Value,
}

impl Extracted {
    fn of(sample: &Sample, more: &[&str]) -> Self {
        let scratch = Scratch::new();
        let out = scratch.at("out");
        let args = sample.args(&["extract"], &[&["-o", &out], more].concat());
        ftpscope(&borrowed(&args)).exits(0);
        let manifest = fs::read(scratch.path().join("out/manifest.json")).unwrap();
        Self { manifest: serde_json::from_slice(&manifest).unwrap(), scratch }
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.scratch.path().join("out").join(file)).unwrap()
    }

    fn folder(&self) -> std::path::PathBuf {
        self.scratch.path().join("out")
    }

    fn files(&self) -> &[Value] {
        self.manifest["files"].as_array().unwrap()
    }

    /// The files that came of transfers, in the order of their commands.
    fn transferred(&self) -> impl Iterator<Item = (&Value, Vec<u8>)> {
        let transferred = self.files().iter().filter(|file| file["transfer"].is_object());
        transferred.map(|file| (file, self.read(file["file"].as_str().unwrap())))
    }
}

#[test]
fn extracted_files_are_those_that_were_transferred() {
    for sample in samples() {
        let extracted = Extracted::of(&sample, &[]);
        let is_complete = |transfer: &Value| transfer["outcome"] == "complete";
        let mut truth: Vec<&Value> = sample.transfers().iter().filter(|t| is_complete(t)).collect();
        let mut seen: Vec<(&Value, String)> = extracted
            .transferred()
            .filter(|(file, _)| is_complete(&file["transfer"]))
            .map(|(file, bytes)| (file, sha256(bytes)))
            .collect();
        if IN_NO_ORDER.contains(&sample.name.as_str()) {
            seen.sort_by_key(|(_, hash)| hash.clone());
            truth.sort_by_key(|transfer| text(&transfer["sha256"]));
        }
        assert_eq!(seen.len(), truth.len(), "{}", sample.name);
        for ((file, hash), truth) in seen.iter().zip(truth) {
            assert_eq!(file["hashes"]["sha256"], *hash, "{}: {file:#}", sample.name);
            assert!(!text(&file["file"]).ends_with(".incomplete"), "{file:#}");
            // What the client had, it may have had without converting line ends.
            let wire = &file["transfer"]["hashes"]["sha256"];
            if truth["sha256"].is_string() && file["transfer"]["decoded"].is_null() {
                assert_eq!(truth["sha256"], *hash, "{}: {file:#}", sample.name);
            } else if truth["sha256"].is_string() {
                assert!(
                    [&json!(hash), wire].contains(&&truth["sha256"]),
                    "{}: {file:#}",
                    sample.name
                );
            } else if truth["disk_sha256"].is_string() {
                // A server may convert what its client sent as it was.
                let decoded = &file["transfer"]["decoded"]["hashes"]["sha256"];
                let made = [&json!(hash), decoded];
                assert!(made.contains(&&truth["disk_sha256"]), "{}: {file:#}", sample.name);
            }
        }
    }
}

#[test]
fn extracted_text_is_the_file_that_lies_on_the_disk_and_the_wire_form_is_kept_on_demand() {
    for name in ["ascii", "ascii-vsftpd"] {
        let sample = Sample::named(name);
        let extracted = Extracted::of(&sample, &["--wire"]);
        let (mut on_disk, mut on_wire) = (0, 0);
        for truth in sample.transfers() {
            let name_of = truth["name"].as_str();
            let of_path = |(file, _): &(&Value, Vec<u8>)| {
                file["transfer"]["name"].as_str() == name_of
                    && file["transfer"]["command"] == truth["command"]
            };
            let wanted = ["disk_sha256", "sha256"].map(|field| truth[field].as_str());
            let found: Vec<_> = extracted.transferred().filter(of_path).collect();
            let has = |is_wire: bool, wanted: &str| {
                let faces = found.iter().filter(|(file, _)| (file["wire"] == true) == is_wire);
                faces.clone().any(|(_, bytes)| sha256(bytes) == wanted)
            };
            match wanted {
                [Some(disk), _] => {
                    on_disk += 1;
                    assert!(has(false, disk), "{name}: {truth:#}");
                }
                // A client that keeps CRLF.
                [None, Some(wire)] if found.iter().any(|(file, _)| file["wire"] == true) => {
                    on_wire += 1;
                    assert!(has(true, wire), "{name}: {truth:#}");
                }
                _ => {}
            }
        }
        assert!(on_disk > 1 && on_wire > 0, "{name}: {on_disk} {on_wire}");
    }
}

#[test]
fn an_aborted_file_begins_with_what_the_client_had_taken() {
    for name in ["aborted", "aborted-proftpd", "resume"] {
        let sample = Sample::named(name);
        let extracted = Extracted::of(&sample, &[]);
        let aborted =
            extracted.transferred().filter(|(file, _)| file["transfer"]["outcome"] == "aborted");
        let truth = sample.transfers().iter().filter(|transfer| transfer["outcome"] == "aborted");
        let mut seen = 0;
        for ((file, bytes), truth) in aborted.zip(truth.clone()) {
            assert!(text(&file["file"]).ends_with(".incomplete"), "{file:#}");
            if let Some(len) = truth["disk_bytes"].as_u64() {
                let taken = bytes.get(..len as usize).expect("what the client had was captured");
                assert_eq!(truth["disk_sha256"], sha256(taken), "{name}: {truth:#}");
            }
            seen += 1;
        }
        assert_eq!(seen, truth.count(), "{name}");
    }
}

#[test]
fn a_file_with_gaps_is_incomplete_and_keeps_its_length() {
    for name in ["loss", "snaplen"] {
        let sample = Sample::named(name);
        let extracted = Extracted::of(&sample, &[]);
        for ((file, bytes), truth) in extracted.transferred().zip(sample.transfers()) {
            let has_gaps = truth["outcome"] == "gaps";
            assert_eq!(text(&file["file"]).ends_with(".incomplete"), has_gaps, "{file:#}");
            assert_eq!(truth["bytes"], bytes.len(), "{name}: {file:#}");
            let moved = Moved(&file["transfer"]);
            for (offset, len) in moved.missing() {
                let (offset, len) = (offset.unwrap() as usize, len.unwrap() as usize);
                assert!(
                    bytes[offset..offset + len].iter().all(|byte| *byte == 0),
                    "a hole is zeros"
                );
            }
        }
    }
}

#[test]
fn sums_verify_and_nobody_else_may_read_the_files() {
    for sample in samples() {
        let extracted = Extracted::of(&sample, &["--listings"]);
        let sums = String::from_utf8(extracted.read("SHA256SUMS")).unwrap();
        for line in sums.lines() {
            let (sum, file) = line.split_once("  ").expect("sum, two blanks, name");
            assert_eq!(sum, sha256(extracted.read(file)), "{}: {file}", sample.name);
        }
        let files =
            extracted.files().len() + extracted.manifest["joined"].as_array().unwrap().len();
        assert_eq!(sums.lines().count(), files, "{}", sample.name);
        let on_disk = fs::read_dir(extracted.folder()).unwrap().flatten();
        let names: Vec<_> = on_disk.map(|entry| entry.path()).collect();
        assert_eq!(names.len(), files + 2, "{}: {names:?}", sample.name);
        names.iter().for_each(|path| assert_private(path));
    }
}

#[cfg(unix)]
fn assert_private(path: &Path) {
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).unwrap());
    assert_eq!(mode & 0o777, 0o600, "{}", path.display());
}

#[cfg(not(unix))]
fn assert_private(_: &Path) {}

#[test]
fn the_manifest_names_every_input_with_its_hash() {
    let sample = Sample::named("rotated");
    let extracted = Extracted::of(&sample, &[]);
    for (input, file) in extracted.manifest["inputs"].as_array().unwrap().iter().zip(sample.files())
    {
        let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        assert_eq!(input["path"], file);
        assert_eq!(input["sha256"], sha256(bytes));
    }
}

/// The document without what depends on the form and the name of the file.
fn apart_from_inputs(ran: Ran) -> Value {
    let mut document = ran.exits(0).json();
    let inputs = document.as_object_mut().unwrap().remove("inputs").unwrap();
    let path = text(&inputs[0]["path"]);
    for warning in document["warnings"].as_array_mut().unwrap() {
        *warning = text(warning).replace(&path, "FILE").into();
    }
    document
}

/// The document without what is known of files of several pieces where the capture is read again.
fn read_once(mut document: Value) -> Value {
    for file in document["files"].as_array_mut().unwrap() {
        if file["pieces"].as_array().is_some_and(|pieces| pieces.len() > 1) {
            (file["hashes"], file["same_as"]) = (Value::Null, Value::Null);
            for overlap in file["overlaps"].as_array_mut().into_iter().flatten() {
                overlap["agree"] = Value::Null;
            }
        }
    }
    document
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn a_compressed_or_piped_capture_gives_the_same_document() {
    for sample in samples() {
        let [file] = &sample.files()[..] else { continue };
        let [option, names] = ALL_HASHES;
        let plain = read_once(apart_from_inputs(ftpscope(&["json", file, option, names])));
        let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        for (form, bytes) in
            [("plain", bytes.clone()), ("gzip", gzip(&bytes)), ("zstd", zstd(&bytes))]
        {
            if form == "plain" || !file.ends_with(".gz") {
                let piped = ftpscope_fed(&["json", "-", option, names], &bytes);
                assert!(
                    read_once(apart_from_inputs(piped)) == plain,
                    "{file} by standard input, {form}"
                );
            }
        }
    }
}

fn one_download() -> (FtpScript, Vec<u8>) {
    let mut script = FtpScript::new();
    let content = noise(1, 20_000);
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    let before = [
        "< 220 ready",
        "> USER bob",
        "< 331 password",
        "> PASS secret",
        "< 230 in",
        "> TYPE I",
        "< 200 ok",
    ];
    script.dialogue(control, &before);
    script.dialogue(
        control,
        &["> PASV", "< 227 Entering Passive Mode (10,0,0,2,117,48)", "> RETR f"],
    );
    let data = script.connect("10.0.0.1:40001", "10.0.0.2:30000");
    script.dialogue(control, &["< 150 here it comes"]);
    script.send(data, From::Responder, &content);
    script.close(data, From::Responder);
    script.dialogue(control, &["< 226 done", "> QUIT", "< 221 bye"]);
    script.close(control, From::Responder);
    (script, content)
}

#[test]
fn every_file_format_gives_the_same_document() {
    let (script, content) = one_download();
    analysed(&script).only().is_whole(content);
    let plain = apart_from_inputs(ftpscope_fed(&["json", "-"], &script.pcap()));
    for (format, bytes) in
        [("pcapng", script.pcapng()), ("big-endian nanoseconds", script.pcap_nanos_be())]
    {
        let other = apart_from_inputs(ftpscope_fed(&["json", "-"], &bytes));
        assert_eq!(other, plain, "{format}");
    }
}

#[test]
fn every_link_layer_gives_the_same_document() {
    use common::script::Link;
    let (mut script, _) = one_download();
    let plain = apart_from_inputs(ftpscope_fed(&["json", "-"], &script.pcap()));
    for link in [Link::Vlan(7), Link::RawIp, Link::Null, Link::Cooked, Link::Cooked2] {
        script.on_link(link);
        let other = apart_from_inputs(ftpscope_fed(&["json", "-"], &script.pcap()));
        assert_eq!(other, plain, "{link:?}");
    }
}

#[test]
fn the_same_capture_gives_the_same_bytes_twice() {
    for sample in samples() {
        for more in [&[][..], &["--lines"]] {
            let args = sample.args(&["json"], more);
            let [one, two] = [(); 2].map(|()| ftpscope(&borrowed(&args)).exits(0).stdout);
            assert!(one == two, "{}", sample.name);
        }
    }
}

#[test]
fn lines_and_document_tell_the_same_transfers() {
    for sample in samples() {
        let [option, names] = ALL_HASHES;
        let ran = |more: &[&str]| {
            ftpscope(&borrowed(&sample.args(&["json", option, names], more))).exits(0)
        };
        let document = Document(ran(&[]).json());
        let lines = ran(&["--lines"]).json_lines();
        let mut records = BTreeMap::new();
        for mut line in lines {
            if line["record"] == "transfer" {
                line.as_object_mut().unwrap().remove("record");
                records.insert(text(&line["id"]), line);
            }
        }
        for moved in document.transfers() {
            // What is said later is not known when a line is written.
            let mut wanted = moved.0.clone();
            for later in ["checks", "rest_ignored"] {
                wanted.as_object_mut().unwrap().remove(later);
            }
            let mut line = records.remove(&text(&wanted["id"]));
            if wanted.as_object_mut().unwrap().remove("site_to_site").is_some() {
                line.as_mut().unwrap()["direction"] = "site_to_site".into();
            }
            assert_eq!(line, Some(wanted), "{}", sample.name);
        }
        assert!(records.is_empty(), "{}: {records:#?}", sample.name);
    }
}
