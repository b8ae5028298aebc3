//! Bytes on the data connection are not yet the file: what they mean, and whether it is what the
//! session says it is.

mod common;

use std::fs;
use std::io::Write;

use common::document::{Document, analysed, analysed_from_file, analysed_with};
use common::program::{Scratch, ftpscope, noise, sha256};
use common::script::{From, FtpScript};
use common::told::{CONTROL, dial, fetch, log_in, log_in_as, pasv, quit};
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
fn a_hash_that_nobody_asked_for_is_made_where_a_server_states_it() {
    let crc_of_abc = ["> XCRC f", "< 250 352441C2"];
    let checked = |before: &[&str], wire: &[u8], after: &[&str]| {
        let document = analysed_from_file(&moved(before, "RETR f", wire, after));
        document.only().0["checks"].as_array().cloned().unwrap_or_default()
    };
    let agree =
        |checks: &[Value]| checks.iter().map(|check| check["agrees"].clone()).collect::<Vec<_>>();
    let octets = ["> TYPE I", "< 200 ok"];
    let of_abc = checked(&octets, b"abc", &crc_of_abc);
    assert_eq!(agree(&of_abc), [true]);
    assert_eq!(
        (&of_abc[0]["algorithm"], &of_abc[0]["hash"]),
        (&"crc32".into(), &"352441c2".into())
    );
    let of_another = checked(&octets, b"abd", &crc_of_abc);
    assert_eq!(agree(&of_another), [false]);
    // Stated before the file was fetched, and after it: it holds both times.
    let before = [&octets[..], &crc_of_abc].concat();
    let md5 = ["> XMD5 f", "< 250 900150983CD24FB0D6963F7D28E17F72"];
    assert_eq!(agree(&checked(&before, b"abc", &md5)), [true, true]);
    // A hash of a part of it is none of the file.
    let part = ["> XCRC \"f\" 0 3", "< 250 352441C2"];
    assert_eq!(agree(&checked(&octets, b"abcdef", &part)), Vec::<Value>::new());
    // What is packed on the wire has the file's hash when it is unpacked.
    let packed = [&octets[..], &MODE_Z].concat();
    assert_eq!(agree(&checked(&packed, &deflated(b"abc"), &crc_of_abc)), [true]);
}

#[test]
fn hashes_of_transfers_that_overlap_in_time_are_not_mixed_up() {
    let crc = |content: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        format!("< 250 {:08X}", crc.sum())
    };
    let contents: Vec<_> = (0..4).map(|seed| noise(seed, 90_000)).collect();
    let mut script = FtpScript::new();
    let begin = |port: u16, script: &mut FtpScript| {
        let control = log_in_as(script, [&format!("10.0.0.1:{}", 41_000 + port), CONTROL[1]]);
        pasv(script, control, 30_001 + port);
        let data = dial(script, 42_000 + port, 30_001 + port);
        script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
        (control, data)
    };
    let open: Vec<_> = (0..4).map(|port| begin(port, &mut script)).collect();
    for at in (0..90_000).step_by(10_000) {
        for ((_, data), content) in open.iter().zip(&contents) {
            script.send(*data, From::Responder, &content[at..at + 10_000]);
        }
    }
    for (nth, ((control, data), content)) in open.iter().zip(&contents).enumerate() {
        script.close(*data, From::Responder);
        let stated = if nth == 2 { "< 250 0BADF00D".to_owned() } else { crc(content) };
        script.dialogue(*control, &["< 226 done", "> XCRC f", &stated]);
        quit(&mut script, *control);
    }
    let document = analysed_from_file(&script);
    let agree = document.transfers().map(|moved| moved.0["checks"][0]["agrees"] == true);
    assert_eq!(agree.collect::<Vec<_>>(), [true, true, false, true]);
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

#[test]
fn the_raw_bytes_stand_beside_every_text_that_is_not_utf8() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    let say = |script: &mut FtpScript, line: &[u8]| {
        let text = [&line[2..], b"\r\n"].concat();
        match line[0] {
            b'>' => script.client(control, text),
            _ => script.server(control, text),
        }
    };
    for line in [
        &b"< 220 caf\xe9"[..],
        b"> USER ren\xe9",
        b"< 331 password",
        b"> PASS secret-\xe9",
        b"< 230 in",
        b"> SYST",
        b"< 215 UNIX \xe9",
        b"> \xe9TAT",
        b"< 500 what is \xe9TAT",
    ] {
        say(&mut script, line);
    }
    pasv(&mut script, control, 30_001);
    let data = dial(&mut script, 40_001, 30_001);
    script.dialogue(control, &["> LIST", "< 150 here it comes"]);
    let line = b"-rw-r--r-- 1 ren\xe9 us\xe9rs 17 Feb 29 2024 a\xe9\r\n\xe9 is no line of ls\r\n";
    script.send(data, From::Responder, line);
    script.close(data, From::Responder);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    let document = analysed_with(&script, &["--show-secrets"]);
    let session = document.session(0);
    let hex = |text: &[u8]| Value::from(common::program::hex(text));
    assert_eq!(session["banner_hex"], hex(b"caf\xe9"), "{session:#}");
    assert_eq!(session["user_hex"], hex(b"ren\xe9"));
    assert_eq!(session["password"]["text_hex"], hex(b"secret-\xe9"));
    assert_eq!(session["server_system_hex"], hex(b"UNIX \xe9"));
    let strange = session["exchanges"].as_array().unwrap().iter();
    let strange = strange.map(|said| &said["command_hex"]).find(|hex| hex.is_string());
    assert_eq!(strange, Some(&hex(b"\xe9TAT")));
    let greeting = &session["exchanges"][0]["replies"][0];
    assert_eq!(greeting["text_hex"], json!([hex(b"caf\xe9")]));
    let listing = document.only().0;
    assert_eq!(listing["entries"][0]["owner_hex"], hex(b"ren\xe9"), "{listing:#}");
    assert_eq!(listing["entries"][0]["group_hex"], hex(b"us\xe9rs"));
    assert_eq!(listing["entries"][0]["name_hex"], hex(b"a\xe9"));
    assert_eq!(listing["unparsed_hex"], json!([hex(b"\xe9 is no line of ls")]));
    let tree = &document.list("server_trees")[0];
    assert_eq!(tree["user_hex"], hex(b"ren\xe9"), "{tree:#}");
    let node = tree["entries"].as_array().unwrap().iter();
    let paths: Vec<_> = node.map(|node| &node["path_hex"]).filter(|hex| hex.is_string()).collect();
    assert_eq!(paths, [&hex(b"a\xe9")]);
}
