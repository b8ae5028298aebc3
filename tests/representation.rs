//! Bytes on the data connection are not yet the file: what they mean, and whether it is what the
//! session says it is.

mod common;

use std::fs;
use std::io::Write;

use common::document::{Document, analysed, analysed_with};
use common::program::{Scratch, ftpscope, noise, sha256};
use common::script::FtpScript;
use common::told::{fetch, log_in, quit};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};

/// One transfer of `wire` behind what `before` says.
fn moved(before: &[&str], command: &str, wire: &[u8], after: &[&str]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, before);
    fetch(&mut script, control, command, [40_001, 30_001], wire);
    script.dialogue(control, after);
    quit(&mut script, control);
    script
}

/// The names and the content of the files that are extracted.
fn extracted(script: &FtpScript, more: &[&str]) -> Vec<(String, Vec<u8>)> {
    let dir = Scratch::new();
    let (capture, out) = (dir.file("capture.pcap", &script.pcap()), dir.at("out"));
    ftpscope(&[&["extract", "-q", "-o", &out, &capture][..], more].concat()).exits(0);
    let manifest: Value =
        serde_json::from_slice(&fs::read(format!("{out}/manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap().iter();
    let read = |file: &Value| {
        let name = file["file"].as_str().unwrap().to_owned();
        let bytes = fs::read(format!("{out}/{name}")).unwrap();
        assert_eq!(file["hashes"]["sha256"], sha256(&bytes), "{file:#}");
        (name, bytes)
    };
    files.map(read).collect()
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

const MODE_Z: [&str; 2] = ["> MODE Z", "< 200 deflate it is"];

#[test]
fn a_deflated_file_is_unpacked_checked_and_extracted() {
    let content = b"one line like the others\n".repeat(4000);
    let wire = deflated(&content);
    let size = format!("< 213 {}", content.len());
    let script = moved(&[&MODE_Z[..], &["> SIZE f", &size]].concat(), "RETR f", &wire, &[]);
    let document = analysed(&script);
    let transfer = document.only().0;
    assert_eq!(transfer["outcome"], "complete", "{transfer:#}");
    assert_eq!(transfer["hashes"]["sha256"], sha256(&wire), "of what was on the wire");
    let decoded = &transfer["decoded"];
    assert_eq!(decoded["how"], json!(["deflate"]));
    assert_eq!(decoded["hashes"]["sha256"], sha256(&content));
    assert_eq!((&decoded["bytes"], &decoded["whole"]), (&content.len().into(), &true.into()));
    assert_eq!(transfer["checks"][0]["agrees"], true);
    assert_eq!(extracted(&script, &[]), [("t1_f".to_owned(), content.clone())]);
    let both = extracted(&script, &["--wire"]);
    assert!(both.contains(&("t1_f".to_owned(), content)));
    assert!(both.contains(&("t1_f.wire".to_owned(), wire)));
}

#[test]
fn what_could_not_be_unpacked_at_all_is_extracted_as_it_came() {
    let content = b"sent as it is, whatever was agreed\n".to_vec();
    let script = moved(&MODE_Z, "RETR f", &content, &[]);
    let document = analysed(&script);
    assert_eq!(document.only().outcome(), "unconfirmed");
    assert_eq!(document.only().0["decoded"]["likely"], false);
    assert!(document.list("files")[0]["hashes"].is_null());
    assert_eq!(extracted_incomplete(&script), [("t1_f.incomplete".to_owned(), content)]);
    // Nothing but the head of a packed file is no empty file.
    let script = moved(&MODE_Z, "RETR f", b"\x78\x9c", &[]);
    assert_eq!(analysed(&script).only().outcome(), "unconfirmed");
}

#[test]
fn a_hash_of_a_part_says_nothing_of_the_file() {
    let of = |range: &str, value: &[u8]| {
        let told = format!("< 213 SHA-256 {range} {} f", sha256(value));
        let script = moved(&["> TYPE I", "< 200 ok"], "RETR f", b"content", &["> HASH f", &told]);
        analysed(&script).only().0["checks"][0]["agrees"].clone()
    };
    assert_eq!(of("0-6", b"content"), true);
    assert_eq!(of("0-7", b"another"), false);
    assert_eq!(of("0-3", b"cont"), Value::Null);
}

#[test]
fn a_deflated_file_that_is_cut_is_not_complete() {
    let content = noise(1, 20_000);
    let wire = deflated(&content);
    let script = moved(&MODE_Z, "RETR f", &wire[..15_000], &[]);
    let document = analysed(&script);
    let transfer = document.only().0;
    assert_eq!(transfer["outcome"], "unconfirmed", "{transfer:#}");
    assert_eq!(transfer["decoded"]["whole"], false);
    let [(name, bytes)] = &extracted_incomplete(&script)[..] else { panic!("one file") };
    assert_eq!(name, "t1_f.incomplete");
    assert!(!bytes.is_empty() && content.starts_with(bytes));
}

fn extracted_incomplete(script: &FtpScript) -> Vec<(String, Vec<u8>)> {
    let dir = Scratch::new();
    let (capture, out) = (dir.file("capture.pcap", &script.pcap()), dir.at("out"));
    ftpscope(&["extract", "-q", "-o", &out, &capture]).exits(0);
    let names = fs::read_dir(&out).unwrap().flatten().map(|file| file.file_name());
    let names = names.filter_map(|name| name.into_string().ok());
    let files = names.filter(|name| name.starts_with('t'));
    files.map(|name| (name.clone(), fs::read(format!("{out}/{name}")).unwrap())).collect()
}

#[test]
fn a_listing_that_is_deflated_is_read() {
    let listing = "-rw-r--r-- 1 bob users 17 Feb 29 2024 a\r\n";
    // Without the line end the last line is whole too: the listing is.
    for listing in [listing, listing.trim_end()] {
        let script = moved(&MODE_Z, "LIST", &deflated(listing.as_bytes()), &[]);
        let document = analysed(&script);
        assert_eq!(document.only().0["entries"][0]["size"], 17, "{:#}", document.only().0);
    }
}

#[test]
fn block_mode_and_records_are_undone() {
    // Two records of z/OS: "one", end of record; "two", end of record and of file.
    let blocks = b"\x80\x00\x03one\xc0\x00\x03two";
    let before = ["> TYPE A", "< 200 ok", "> MODE B", "< 200 ok"];
    let script = moved(&before, "RETR f", blocks, &[]);
    let document = analysed(&script);
    let transfer = document.only().0;
    assert_eq!(transfer["outcome"], "complete", "{transfer:#}");
    assert_eq!(transfer["decoded"]["how"], json!(["block", "ascii"]));
    assert_eq!(extracted(&script, &[]), [("t1_f".to_owned(), b"one\ntwo\n".to_vec())]);

    let script = moved(&["> STRU R", "< 200 ok"], "RETR f", b"a\xff\x01b\xff\xff\xff\x03", &[]);
    assert_eq!(extracted(&script, &[]), [("t1_f".to_owned(), b"a\nb\xff\n".to_vec())]);
}

const TYPE_A: [&str; 2] = ["> TYPE A", "< 200 ascii"];

#[test]
fn text_has_the_line_ends_of_this_system() {
    let script = moved(&TYPE_A, "RETR f", b"one\r\ntwo\r\n", &[]);
    assert_eq!(extracted(&script, &[]), [("t1_f".to_owned(), b"one\ntwo\n".to_vec())]);
    let document = analysed(&script);
    assert_eq!(document.only().0["decoded"]["line_ends"]["crlf"], 2);
    assert_eq!(document.only().0["binary_as_text"], Value::Null);
}

#[test]
fn what_a_sender_did_not_convert_is_extracted_as_it_came() {
    let content = [&b"\x7fELF\x02\x01\x01\0"[..], &noise(2, 3000)].concat();
    let script = moved(&TYPE_A, "RETR f", &content, &[]);
    let document = analysed(&script);
    let transfer = document.only().0;
    assert_eq!(transfer["decoded"]["likely"], false);
    assert_eq!(transfer["binary_as_text"], true);
    assert_eq!(extracted(&script, &[]), [("t1_f".to_owned(), content)]);
}

fn checks(document: &Document) -> Vec<(String, Value)> {
    let checks = document.only().0["checks"].as_array().into_iter().flatten();
    checks
        .map(|check| (check["source"].as_str().unwrap().to_owned(), check["agrees"].clone()))
        .collect()
}

fn told(source: &str, agrees: impl Into<Value>) -> (String, Value) {
    (source.to_owned(), agrees.into())
}

#[test]
fn a_hash_that_the_server_states_is_verified() {
    let content = noise(3, 5000);
    let right = format!("< 250 {}", sha256(&content).to_uppercase());
    let wrong = format!("< 213 SHA-256 0-4999 {} f", sha256(b"something else"));
    let script = moved(
        &["> XSHA256 f", &right],
        "RETR f",
        &content,
        &["> HASH f", &wrong, "> XCRC f", "< 250 12345678", "> XMD5 other", "< 250 00"],
    );
    let wanted = [told("hash", true), told("hash", false), told("hash", Value::Null)];
    assert_eq!(checks(&analysed(&script)), wanted);
    let md5 = analysed_with(&script, &["--hash", "md5"]);
    assert_eq!(checks(&md5), wanted, "a CRC is not made");
}

#[test]
fn a_short_transfer_that_the_server_calls_complete_is_caught() {
    let before =
        ["> SIZE f", "< 213 5000", "> MLST f", "< 250-Facts\r\n Size=5000;Type=file; f\r\n250 End"];
    let script = moved(&before, "RETR f", &noise(4, 4000), &["> SIZE f", "< 213 5000"]);
    let document = analysed(&script);
    assert_eq!(document.only().0["outcome"], "unconfirmed");
    let wanted = [told("SIZE", false), told("MLST", false), told("SIZE", false)];
    assert_eq!(checks(&document), wanted);
}

#[test]
fn what_is_said_of_an_upload_before_it_is_said_of_another_file() {
    let content = noise(5, 3000);
    let script = moved(
        &["> SIZE f", "< 213 77", "> ALLO 3000", "< 200 ok"],
        "STOR f",
        &content,
        &["> SIZE f", "< 213 3000", "> XSHA256 f", &format!("< 250 {}", sha256(&content))],
    );
    let wanted = [told("ALLO", true), told("SIZE", true), told("hash", true)];
    assert_eq!(checks(&analysed(&script)), wanted);
}

#[test]
fn the_times_of_a_transfer_are_facts() {
    let script = moved(&[], "RETR f", &noise(6, 30_000), &[]);
    let document = analysed(&script);
    let timing = &document.only().0["timing"];
    let get = |field: &str| timing[field].as_i64().unwrap_or_else(|| panic!("{field} {timing:#}"));
    assert!(get("command_to_connection_ns") < 0, "passive: opened before");
    assert!(get("connection_to_first_byte_ns") > 0);
    assert!(get("duration_ns") > 0 && get("rtt_ns") > 0);
    assert_eq!(get("bytes_per_second"), 30_000 * 1_000_000_000 / get("duration_ns"));
    assert_eq!((get("retransmissions"), get("zero_window_ns")), (0, 0));
}

#[test]
fn times_are_held_against_those_of_facts() {
    let facts = "< 250-Facts\r\n Modify=20240229120005;Size=100;Type=file; f\r\n250 End";
    let before = ["> MLST f", facts, "> MDTM f", "< 213 20240229120005"];
    let script = moved(&before, "RETR f", &[1; 100], &["> MDTM f", "< 213 20240301000000"]);
    let wanted = [told("MLST", true), told("MDTM", true), told("MDTM", false)];
    assert_eq!(checks(&analysed(&script)), wanted);
    let script = moved(&["> MDTM f", "< 213 20240229120005"], "RETR f", &[1; 100], &[]);
    assert_eq!(checks(&analysed(&script)), [told("MDTM", Value::Null)], "nothing to compare with");
}

#[test]
fn listings_of_iis_are_read_and_paths_of_windows_are_joined() {
    let listing = b"02-29-24  12:00PM                 3000 report.pdf\r\n\
        02-29-24  12:00PM       <DIR>          old things\r\n";
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let says =
        ["> SYST", "< 215 Windows_NT", "> CWD C:\\inetpub\\ftproot", "< 250 CWD successful."];
    script.dialogue(control, &says);
    fetch(&mut script, control, "LIST", [40_001, 30_001], listing);
    fetch(&mut script, control, "RETR sub\\..\\report.pdf", [40_002, 30_002], &noise(7, 3000));
    quit(&mut script, control);
    let document = analysed(&script);
    let transfers = document.list("transfers");
    assert_eq!(transfers[0]["entries"][1]["kind"], "directory");
    assert_eq!(transfers[0]["entries"][0]["modified"], "2024-02-29T12:00");
    assert_eq!(transfers[1]["path"], "C:/inetpub/ftproot/report.pdf");
    assert_eq!(
        transfers[1]["checks"],
        json!([
            {"source": "LIST", "frame": transfers[1]["checks"][0]["frame"], "bytes": 3000, "agrees": true},
        ])
    );
}
