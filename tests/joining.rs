//! One file out of several transfers: whatever the pieces, wherever they were moved.

mod common;

use std::fs;

use common::document::{Document, analysed, analysed_from_file};
use common::program::{Scratch, ftpscope, noise, sha256};
use common::script::{Conn, From, FtpScript};
use common::told::{carry, fetch, log_in_as, quit};
use serde_json::Value;

/// Each piece in a session of its own: from the octet, and how many.
fn in_pieces(content: &[u8], pieces: &[(usize, usize)]) -> FtpScript {
    let mut script = FtpScript::new();
    for (nth, (start, len)) in pieces.iter().enumerate() {
        let client = format!("10.0.1.{}:40000", nth + 1);
        let control = log_in_as(&mut script, [&client, "10.0.0.2:21"]);
        let size = format!("< 213 {}", content.len());
        script.dialogue(control, &["> SIZE f", &size]);
        if *start > 0 {
            script.dialogue(control, &[&format!("> REST {start}"), "< 350 go on"]);
        }
        let port = 26_000 + nth as u16;
        let [high, low] = port.to_be_bytes();
        let announced = format!("< 227 Entering Passive Mode (10,0,0,2,{high},{low}).");
        script.dialogue(control, &["> PASV", &announced]);
        let data =
            script.connect(&format!("10.0.1.{}:40001", nth + 1), &format!("10.0.0.2:{port}"));
        script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
        let end = start + len;
        script.send(data, From::Responder, &content[*start..end]);
        if end == content.len() {
            script.close(data, From::Responder);
            script.dialogue(control, &["< 226 done"]);
            quit(&mut script, control);
        } else {
            script.reset(data, From::Originator);
            script.dialogue(control, &["< 426 broken off"]);
        }
    }
    script
}

/// What `extract` put together: the record of the manifest, and the octets.
fn joined(script: &FtpScript) -> Vec<(Value, Vec<u8>)> {
    let dir = Scratch::new();
    let (capture, out) = (dir.file("capture.pcap", &script.pcap()), dir.at("out"));
    ftpscope(&["extract", "-q", "-o", &out, &capture]).exits(0);
    let manifest = fs::read(format!("{out}/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let sums = fs::read_to_string(format!("{out}/SHA256SUMS")).unwrap();
    let records = manifest["joined"].as_array().unwrap().iter();
    records
        .map(|record| {
            let name = record["file"].as_str().unwrap();
            let bytes = fs::read(format!("{out}/{name}")).unwrap();
            assert!(sums.contains(&format!("{}  {name}\n", sha256(&bytes))), "{sums}");
            (record.clone(), bytes)
        })
        .collect()
}

fn fetch_from(script: &mut FtpScript, control: Conn, content: &[u8]) {
    script.dialogue(control, &["> PASV", "< 227 Entering Passive Mode (10,0,0,2,120,9)."]);
    let data = script.connect("10.0.1.9:40001", "10.0.0.2:30729");
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    carry(script, data, From::Responder, content);
    script.dialogue(control, &["< 226 done"]);
    quit(script, control);
}

fn file(document: &Document) -> Value {
    let files = document.0["files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{files:#?}");
    files[0].clone()
}

#[test]
fn a_download_that_another_client_resumed_is_one_file() {
    let content = noise(1, 90_000);
    // The first client had taken less than the capture saw.
    let script = in_pieces(&content, &[(0, 40_960), (32_768, 57_232)]);
    let told = file(&analysed(&script));
    assert_eq!((&told["size"], &told["whole"]), (&90_000.into(), &true.into()), "{told:#}");
    assert_eq!(told["holes"], Value::Array(vec![]));
    assert_eq!(told["overlaps"][0]["start"], 32_768);
    assert_eq!(told["overlaps"][0]["agree"], Value::Null, "not compared while reading");
    let [(record, bytes)] = &joined(&script)[..] else { panic!("one file") };
    assert_eq!(*bytes, content);
    assert_eq!(record["hashes"]["sha256"], sha256(&content));
    assert_eq!(record["whole"], true);
    assert_eq!(record["overlaps"][0]["agree"], true);
}

#[test]
fn pieces_that_differ_where_they_overlap_are_not_passed_off_as_whole() {
    let mut content = noise(2, 50_000);
    let script = in_pieces(&content, &[(0, 30_000)]);
    content[25_000] ^= 1;
    let script = resumed_at_20000(script, &content);
    let [(record, bytes)] = &joined(&script)[..] else { panic!("one file") };
    assert_eq!(record["whole"], false, "{record:#}");
    assert_eq!(record["overlaps"][0]["agree"], false);
    assert!(record["file"].as_str().unwrap().ends_with(".incomplete"));
    assert_eq!(bytes.len(), 50_000);
}

/// The script, and after it a session that goes on at octet 20,000.
fn resumed_at_20000(mut script: FtpScript, content: &[u8]) -> FtpScript {
    let control = log_in_as(&mut script, ["10.0.1.9:40000", "10.0.0.2:21"]);
    script.dialogue(control, &["> REST 20000", "< 350 go on"]);
    fetch_from(&mut script, control, &content[20_000..]);
    script
}

/// Any cut of a file into pieces, in any order, some of them twice or overlapping, gives the file
/// back, as long as every octet is in one.
#[test]
fn any_pieces_in_any_order_give_the_file_back() {
    let mut state = 0x5eed_u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 33) as usize % bound
    };
    for round in 0..12 {
        let content = noise(round, 20_000 + below(30_000));
        let mut cuts: Vec<usize> =
            (0..1 + below(5)).map(|_| 1 + below(content.len() - 1)).collect();
        cuts.extend([0, content.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut pieces: Vec<(usize, usize)> = cuts
            .windows(2)
            .map(|pair| {
                let start = pair[0].saturating_sub(below(3000));
                (start, (pair[1] - start + below(3000)).min(content.len() - start))
            })
            .collect();
        for at in (1..pieces.len()).rev() {
            pieces.swap(at, below(at + 1));
        }
        let script = in_pieces(&content, &pieces);
        let told = file(&analysed(&script));
        assert_eq!(told["whole"], true, "{pieces:?} {told:#}");
        match &joined(&script)[..] {
            [(record, bytes)] => {
                assert!(*bytes == content, "{pieces:?}");
                assert_eq!(record["hashes"]["sha256"], sha256(&content), "{record:#}");
            }
            // One of the pieces was all of it.
            others => assert!(others.is_empty() && told["hashes"].is_object(), "{pieces:?}"),
        }
    }
}

#[test]
fn a_hole_between_the_pieces_is_listed_and_left_in_the_file() {
    let content = noise(3, 60_000);
    let script = in_pieces(&content, &[(0, 20_000), (30_000, 30_000)]);
    let told = file(&analysed(&script));
    assert_eq!(told["whole"], false);
    assert_eq!(told["holes"], serde_json::json!([{"start": 20_000, "end": 30_000}]));
    let [(record, bytes)] = &joined(&script)[..] else { panic!("one file") };
    assert_eq!(record["hashes"], Value::Null);
    assert_eq!(record["holes"], told["holes"]);
    assert_eq!(bytes.len(), 60_000);
    assert!(bytes[20_000..30_000].iter().all(|octet| *octet == 0));
    assert_eq!(bytes[30_000..], content[30_000..]);
}

#[test]
fn a_hole_of_any_size_is_not_made_and_the_bound_is_told() {
    let content = noise(7, 3000);
    let mut script = in_pieces(&content, &[(0, 1000), (1500, 1000)]);
    let control = log_in_as(&mut script, ["10.0.1.9:40000", "10.0.0.2:21"]);
    script.dialogue(control, &["> SIZE f", "< 213 3000"]);
    script.dialogue(control, &["> REST 900000000000", "< 350 go on"]);
    fetch_from(&mut script, control, b"far away");
    let dir = Scratch::new();
    let (capture, out) = (dir.file("capture.pcap", &script.pcap()), dir.at("out"));
    ftpscope(&["extract", "-q", "-o", &out, &capture]).exits(0);
    let manifest = fs::read(format!("{out}/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["joined"], Value::Array(vec![]));
    let reached = &manifest["capture"]["limits_reached"];
    assert!(reached.to_string().contains("hole_bytes"), "{reached:#}");
}

/// A download that was broken off again and again, each time a little later.
#[test]
fn pieces_that_overlap_over_and_over_are_compared_and_not_all_listed() {
    let content = noise(8, 3000);
    let mut pieces: Vec<(usize, usize)> = (1..200).map(|nth| (0, nth * 10)).collect();
    pieces.push((1900, 1100));
    let [(record, bytes)] = &joined(&in_pieces(&content, &pieces))[..] else { panic!("one file") };
    assert_eq!(*bytes, content);
    assert_eq!(record["whole"], true);
    assert_eq!(record["overlaps"].as_array().unwrap().len(), 64);
}

#[test]
fn append_goes_on_where_the_file_ended_and_a_new_upload_begins_anew() {
    let (mut script, content) = (FtpScript::new(), noise(4, 3000));
    let control = log_in_as(&mut script, ["10.0.0.1:40000", "10.0.0.2:21"]);
    fetch(&mut script, control, "STOR f", [40_001, 30_001], &content[..1000]);
    fetch(&mut script, control, "APPE f", [40_002, 30_002], &content[1000..]);
    script.dialogue(control, &["> RNFR f", "< 350 go on", "> RNTO g", "< 250 done"]);
    fetch(&mut script, control, "STOR f", [40_003, 30_003], b"another");
    fetch(&mut script, control, "RETR g", [40_004, 30_004], &content);
    script.dialogue(control, &["> DELE g", "< 250 done"]);
    quit(&mut script, control);
    let document = analysed(&script);
    let files = document.0["files"].as_array().unwrap();
    assert_eq!(files.len(), 2, "{files:#?}");
    assert_eq!(files[0]["path"], "/home/bob/g");
    assert_eq!(files[0]["former_paths"][0], "/home/bob/f");
    let pieces: Vec<_> = files[0]["pieces"].as_array().unwrap().iter().collect();
    let ranges: Vec<_> = pieces.iter().map(|piece| (&piece["start"], &piece["end"])).collect();
    let wanted =
        [(0, 1000), (1000, 3000), (0, 3000)].map(|(s, e)| (Value::from(s), Value::from(e)));
    assert_eq!(ranges, wanted.each_ref().map(|(start, end)| (start, end)));
    assert_eq!(files[0]["hashes"]["sha256"], sha256(&content));
    assert!(files[0]["deleted"]["frame"].is_u64());
    assert_eq!((&files[1]["path"], &files[1]["size"]), (&"/home/bob/f".into(), &7.into()));
}

#[test]
fn the_same_content_under_two_names_is_said() {
    let (mut script, content) = (FtpScript::new(), noise(5, 3000));
    let control = log_in_as(&mut script, ["10.0.0.1:40000", "10.0.0.2:21"]);
    fetch(&mut script, control, "RETR f", [40_001, 30_001], &content);
    fetch(&mut script, control, "RETR g", [40_002, 30_002], &content);
    quit(&mut script, control);
    let document = analysed(&script);
    assert_eq!(document.0["files"][1]["same_as"], document.0["files"][0]["id"]);
}

#[test]
fn a_rest_that_the_server_ignored_is_seen_by_the_numbers() {
    let (mut script, content) = (FtpScript::new(), noise(6, 3000));
    let control = log_in_as(&mut script, ["10.0.0.1:40000", "10.0.0.2:21"]);
    script.dialogue(control, &["> SIZE f", "< 213 3000", "> REST 1000", "< 350 go on"]);
    fetch(&mut script, control, "RETR f", [40_001, 30_001], &content);
    quit(&mut script, control);
    let document = analysed(&script);
    let transfer = &document.0["transfers"][0];
    assert_eq!(transfer["rest_ignored"], true, "{transfer:#}");
    assert_eq!(document.0["files"][0]["pieces"][0]["start"], 0);
    assert_eq!(document.0["files"][0]["whole"], true);
}

#[test]
fn pieces_that_follow_each_other_are_hashed_together_in_a_second_reading() {
    let content = noise(3, 50_000);
    let whole = Value::from(sha256(&content));
    for (pieces, common) in [
        (&[(0, 20_000), (20_000, 30_000)][..], 0),
        // What the first client had not written down yet came twice.
        (&[(0, 20_000), (16_384, 33_616)], 1),
        (&[(0, 10_000), (10_000, 1), (10_001, 30_000), (39_000, 11_000)], 1),
    ] {
        let script = in_pieces(&content, pieces);
        let known = file(&analysed_from_file(&script));
        assert_eq!(known["hashes"]["sha256"], whole, "{pieces:?}: {known:#}");
        let overlaps = known["overlaps"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(overlaps.len(), common, "{pieces:?}: {known:#}");
        assert!(overlaps.iter().all(|overlap| overlap["agree"] == true), "{known:#}");
        // A pipe is read once.
        assert!(file(&analysed(&script))["hashes"].is_null(), "{pieces:?}");
    }
}

#[test]
fn pieces_that_differ_or_come_in_another_order_have_no_hash_together() {
    let content = noise(3, 50_000);
    let backwards = in_pieces(&content, &[(20_000, 30_000), (0, 20_000)]);
    assert!(file(&analysed_from_file(&backwards))["hashes"].is_null());
    let mut other = content.clone();
    other[17_000] ^= 1;
    let mut script = in_pieces(&content, &[(0, 20_000)]);
    let control = log_in_as(&mut script, ["10.0.1.9:40000", "10.0.0.2:21"]);
    script.dialogue(control, &["> REST 16384", "< 350 go on"]);
    fetch_from(&mut script, control, &other[16_384..]);
    let differing = file(&analysed_from_file(&script));
    assert!(differing["hashes"].is_null(), "{differing:#}");
    assert_eq!(differing["overlaps"][0]["agree"], false, "{differing:#}");
}
