//! The program as it is called: exit codes, inputs, outputs, secrets, and the shape of the JSON.

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use common::program::{Scratch, command, ftpscope, ftpscope_fed, noise};
use common::sample::{Sample, borrowed, samples};
use common::script::FtpScript;
use common::told::{fetch, log_in, quit};
use serde_json::Value;

const PASSIVE: &str = "samples/passive.pcap";

/// A session of some transfers, as a capture.
fn capture() -> Vec<u8> {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let commands = ["RETR a.pdf", "STOR b.txt", "APPE c.TXT", "LIST", "RETR d.bin"];
    for (nth, command) in (0..).zip(commands) {
        fetch(&mut script, control, command, [40001 + nth, 30000 + nth], &noise(nth.into(), 5000));
    }
    quit(&mut script, control);
    script.pcap()
}

fn cut() -> Vec<u8> {
    let mut bytes = capture();
    bytes.truncate(bytes.len() - 20);
    bytes
}

#[test]
fn the_exit_code_tells_what_happened() {
    let scratch = Scratch::new();
    let file = |name: &str, bytes: &[u8]| scratch.file(name, bytes);
    let (good, cut) = (file("good", &capture()), file("cut", &cut()));
    let (text, empty) = (file("text", b"no capture at all\n"), file("empty", b""));
    let missing = scratch.at("missing");
    let folder = scratch.at(".");
    for (args, wanted) in [
        (&["json", &good][..], 0),
        (&["json", "--lines", &good], 0),
        (&["report", &good], 0),
        (&[&good], 0),
        (&["schema"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        (&[], 2),
        (&["json"], 2),
        (&["json", "--no-such-flag", &good], 2),
        (&["json", "--hash", "sha3", &good], 2),
        (&["extract", &good], 2),
        (&["extract", &good, "-o", &scratch.at("o1"), "--only", "size=3"], 2),
        (&["json", &missing], 3),
        (&["json", &text], 3),
        (&["json", &empty], 3),
        (&["json", &folder], 3),
        (&["json", "--lines", &text], 3),
        (&["extract", &text, "-o", &scratch.at("o2")], 3),
        (&["json", &cut], 4),
        (&["json", "--lines", &cut], 4),
        (&["report", &cut], 4),
        (&["extract", &cut, "-o", &scratch.at("o3")], 4),
        (&["json", &good, &text], 4),
        (&["json", &missing, &good], 4),
        (&["json", &missing, &text], 3),
    ] {
        let ran = ftpscope(args);
        assert_eq!(ran.code, Some(wanted), "{args:?}: {}", ran.stderr);
        let complains = !ran.stderr.is_empty();
        assert!(complains || ![2, 3].contains(&wanted), "{args:?} fails without a word");
    }
}

#[test]
fn an_error_names_the_file_it_is_about() {
    let scratch = Scratch::new();
    for file in [scratch.at("missing.pcap"), scratch.file("text.pcap", b"just text")] {
        let ran = ftpscope(&["json", &file]).exits(3);
        assert!(ran.stderr.contains(&file), "{}", ran.stderr);
        assert!(ran.stdout.is_empty());
    }
}

#[test]
fn a_cut_capture_gives_everything_before_the_cut_and_says_where() {
    let cut = cut();
    let document = ftpscope_fed(&["json", "-"], &cut).exits(4).json();
    let damage = &document["inputs"][0]["damage"];
    assert_eq!(damage["count"], 1);
    let offset = damage["places"][0]["offset"].as_u64().unwrap();
    assert!((cut.len() as u64 - 100..=cut.len() as u64).contains(&offset), "{damage:#}");
    assert_eq!(document["transfers"].as_array().unwrap().len(), 5);
    assert!(!document["warnings"].as_array().unwrap().is_empty());
}

#[test]
fn one_bad_input_does_not_stop_the_others() {
    let scratch = Scratch::new();
    let (good, bad) = (scratch.file("good", &capture()), scratch.file("bad", b"text"));
    let document = ftpscope(&["json", &bad, &good]).exits(4).json();
    assert_eq!(document["transfers"].as_array().unwrap().len(), 5);
    assert!(document["inputs"][0]["error"].is_string());
    assert!(document["inputs"][1]["error"].is_null());
}

#[test]
fn standard_input_may_come_in_drops() {
    let bytes = capture();
    let whole = ftpscope_fed(&["json", "-"], &bytes).exits(0).stdout;
    let mut child =
        command(&["json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for drop in bytes.chunks(777) {
        stdin.write_all(drop).unwrap();
        stdin.flush().unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout == whole);
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let big = Sample::named("mirror").files().remove(0);
    for args in [&["json", &big[..]][..], &["json", "--lines", &big], &["schema"], &["man"]] {
        let mut child =
            command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::with_capacity(16, child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
        assert!(output.stderr.is_empty() && !first.is_empty(), "{args:?}: {stderr}");
    }
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The names of the extracted files, apart from the two that are always there.
fn extracted(more: &[&str]) -> Vec<String> {
    let scratch = Scratch::new();
    let out = scratch.at("out");
    let args = [&["extract", "-", "-o", &out], more].concat();
    ftpscope_fed(&args, &capture()).exits(0);
    let mut names = names_in(&out);
    names.retain(|name| !["SHA256SUMS", "manifest.json"].contains(&&name[..]));
    names
}

#[test]
fn only_what_matches_is_extracted() {
    for (more, wanted) in [
        (&[][..], &["t1_a.pdf", "t2_b.txt", "t3_c.TXT", "t5_d.bin"][..]),
        (&["--listings"], &["t1_a.pdf", "t2_b.txt", "t3_c.TXT", "t4", "t5_d.bin"]),
        (&["--only", "direction=download"], &["t1_a.pdf", "t5_d.bin"]),
        (&["--only", "direction=upload"], &["t2_b.txt"]),
        (&["--only", "direction=append"], &["t3_c.TXT"]),
        (&["--only", "direction=site_to_site"], &[]),
        (&["--only", "direction=upload", "--only", "direction=append"], &["t2_b.txt", "t3_c.TXT"]),
        (&["--only", "name=*.txt"], &["t2_b.txt", "t3_c.TXT"]),
        (&["--only", "name=?.pdf", "--only", "name=*.bin"], &["t1_a.pdf", "t5_d.bin"]),
        (&["--only", "name=*.txt", "--only", "direction=upload"], &["t2_b.txt"]),
        (&["--only", "session=s1", "--only", "name=a*"], &["t1_a.pdf"]),
        (&["--only", "session=s2"], &[]),
        (&["--only", "outcome=complete"], &["t1_a.pdf", "t2_b.txt", "t3_c.TXT", "t5_d.bin"]),
        (&["--only", "outcome=gaps"], &[]),
    ] {
        assert_eq!(extracted(more), wanted, "{more:?}");
    }
}

#[test]
fn a_value_that_only_cannot_have_is_wrong_usage() {
    for only in ["direction=sideways", "outcome=fine", "session=one"] {
        let scratch = Scratch::new();
        let ran =
            ftpscope_fed(&["extract", "-", "-o", &scratch.at("out"), "--only", only], &capture());
        assert_eq!(ran.code, Some(2), "{only}");
    }
}

#[test]
fn a_directory_that_is_not_empty_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.at("out")).unwrap();
    scratch.file("out/precious", b"mine");
    let ran = ftpscope_fed(&["extract", "-", "-o", &scratch.at("out")], &capture()).exits(2);
    assert!(ran.stderr.contains("not empty"), "{}", ran.stderr);
    assert_eq!(names_in(&scratch.at("out")), ["precious"]);
}

#[test]
fn an_empty_directory_is_taken() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.at("out")).unwrap();
    ftpscope_fed(&["extract", "-", "-o", &scratch.at("out")], &capture()).exits(0);
    assert_eq!(names_in(&scratch.at("out")).len(), 6);
}

#[test]
fn a_file_in_the_place_of_the_directory_is_wrong_usage() {
    let scratch = Scratch::new();
    let file = scratch.file("out", b"a file");
    ftpscope_fed(&["extract", "-", "-o", &file], &capture()).exits(2);
    assert_eq!(fs::read(file).unwrap(), b"a file");
}

#[test]
fn an_input_that_is_none_leaves_an_empty_directory() {
    let scratch = Scratch::new();
    ftpscope_fed(&["extract", "-", "-o", &scratch.at("out")], b"no capture").exits(3);
    assert!(names_in(&scratch.at("out")).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_said() {
    for args in [&["json", PASSIVE][..], &["json", "--lines", PASSIVE], &["schema"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = command(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(5), "{args:?}: {stderr}");
        assert!(stderr.contains("No space left"), "{args:?}: {stderr}");
    }
}

#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_leaves_a_valid_manifest_where_it_can() {
    // A limit on the size of files stands for the full disk; it needs no rights.
    let scratch = Scratch::new();
    let capture = scratch.file("in.pcap", &capture());
    let out = scratch.at("out");
    let program = env!("CARGO_BIN_EXE_ftpscope");
    let line =
        format!("trap '' XFSZ; ulimit -f 8; exec '{program}' extract '{capture}' -o '{out}'");
    let ran = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
    let stderr = String::from_utf8_lossy(&ran.stderr);
    // Units of ulimit differ (512 or 1024 bytes): all the files fit, the manifest does not.
    assert_eq!(ran.status.code(), Some(5), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(names_in(&out).contains(&"SHA256SUMS".to_owned()));
}

/// Every output that is read by people or programs, with these arguments more.
fn everything(more: &[&str]) -> Vec<(String, String)> {
    let scratch = Scratch::new();
    let out = scratch.at("out");
    let mut told = Vec::new();
    for args in [
        &["json", "-"][..],
        &["json", "--lines", "-"],
        &["report", "-"],
        &["extract", "-", "-o", &out],
    ] {
        // What extract writes never has a password in it.
        let more = if args[0] == "extract" { &[] } else { more };
        let ran = ftpscope_fed(&[args, more].concat(), &echoing()).exits(0);
        told.push((args.join(" "), ran.text() + &ran.stderr));
    }
    for name in ["manifest.json", "SHA256SUMS"] {
        let text = fs::read(format!("{out}/{name}")).unwrap();
        told.push((name.to_owned(), String::from_utf8(text).unwrap()));
    }
    told
}

/// Secrets in `PASS` and `ACCT`, and servers that repeat them.
fn echoing() -> Vec<u8> {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(
        control,
        &[
            "> USER eve",
            "< 331 password",
            "> pass secret-word",
            "< 530 secret-word is wrong",
            "> ACCT secret-word",
            "< 230-Hello secret-word",
            "< 230 in",
        ],
    );
    fetch(&mut script, control, "RETR f", [40001, 30000], b"content");
    quit(&mut script, control);
    script.pcap()
}

#[test]
fn a_password_appears_nowhere() {
    for (what, text) in everything(&[]) {
        assert!(!text.contains("secret-word"), "{what} tells it:\n{text}");
        assert!(!text.contains("7365637265742d776f7264"), "{what} tells it in hex:\n{text}");
    }
}

#[test]
fn a_password_is_shown_when_asked_for() {
    let told = everything(&["--show-secrets"]);
    for (what, text) in &told[..2] {
        assert!(text.contains("secret-word"), "{what}:\n{text}");
    }
    let document: Value = serde_json::from_str(&told[0].1).unwrap();
    let password = &document["sessions"][0]["password"];
    assert_eq!(*password, serde_json::json!({"masked": false, "text": "secret-word"}));
}

#[test]
fn a_masked_password_tells_its_length() {
    let document = ftpscope_fed(&["json", "-"], &capture()).exits(0).json();
    let masked = serde_json::json!({"masked": true, "length": 11});
    assert_eq!(document["sessions"][0]["password"], masked);
    let exchanges = document["sessions"][0]["exchanges"].as_array().unwrap();
    let pass = exchanges.iter().find(|said| said["command"] == "PASS").unwrap();
    assert_eq!(pass["argument"], masked);
}

#[test]
fn the_password_of_every_sample_is_masked() {
    for sample in samples() {
        for more in [&[][..], &["--lines"]] {
            let text = ftpscope(&borrowed(&sample.args(&["json"], more))).exits(0).text();
            assert!(!text.contains("lab-secret"), "{} {more:?}", sample.name);
        }
    }
}

#[test]
fn more_hashes_are_made_when_asked_for() {
    let hashes = |more: &[&str]| {
        let args = [&["json", "samples/textbook.pcap"], more].concat();
        let document = ftpscope(&args).exits(0).json();
        document["transfers"][0]["hashes"].as_object().unwrap().clone()
    };
    assert_eq!(hashes(&[]).keys().collect::<Vec<_>>(), ["sha256"]);
    assert_eq!(hashes(&["--hash", "md5"]).keys().collect::<Vec<_>>(), ["md5", "sha256"]);
    let all = hashes(&["--hash", "sha1,md5"]);
    let lens: Vec<usize> = all.values().map(|hash| hash.as_str().unwrap().len()).collect();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["md5", "sha1", "sha256"]);
    assert_eq!(lens, [32, 40, 64]);
}

#[test]
fn the_hashes_are_those_of_the_content() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR f", [40001, 30000], b"abc");
    let ran = ftpscope_fed(&["json", "-", "--hash", "sha1,md5"], &script.pcap()).exits(0);
    let hashes = &ran.json()["transfers"][0]["hashes"];
    assert_eq!(hashes["md5"], "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(hashes["sha1"], "a9993e364706816aba3e25717850c26c9cd0d89d");
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hashes["sha256"], sha256);
}

#[test]
fn the_schema_names_every_field_of_the_document() {
    let schema = ftpscope(&["schema"]).exits(0).json();
    let document = ftpscope(&["json", PASSIVE]).exits(0).json();
    let properties = schema["properties"].as_object().expect("properties");
    for key in document.as_object().unwrap().keys() {
        assert!(properties.contains_key(key), "{key}");
    }
    assert!(schema["$schema"].is_string());
    assert_eq!(misfit(&schema, &schema, &document), None);
    let audited = ftpscope(&["json", "--audit", "--hash", "md5", PASSIVE]).exits(0).json();
    assert_eq!(misfit(&schema, &schema, &audited), None);
    let mut less = document;
    less["sessions"][0].as_object_mut().unwrap().remove("client");
    assert_eq!(misfit(&schema, &schema, &less), Some("no client".to_owned()));
}

/// Why a value is none of this schema: a field that is required and not there, or another type.
fn misfit(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(path) = schema["$ref"].as_str() {
        return misfit(root, root.pointer(&path[1..]).expect(path), value);
    }
    if let Some(any) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        let misfits: Vec<_> = any.iter().map(|schema| misfit(root, schema, value)).collect();
        return misfits
            .iter()
            .all(Option::is_some)
            .then(|| misfits.into_iter().flatten().collect());
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_of = |wanted: &Value| match wanted {
        Value::Array(any) => any.iter().any(|one| one == kind),
        Value::Null => true,
        one => one == kind,
    };
    if !is_of(&schema["type"]) {
        return Some(format!("{value} is no {}", schema["type"]));
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(absent) = required.into_iter().find(|name| value.get(name).is_none()) {
        return Some(format!("no {absent}"));
    }
    let items = value.as_array().into_iter().flatten();
    let mut fields = value.as_object().into_iter().flatten();
    items
        .map(|item| misfit(root, &schema["items"], item))
        .chain(
            fields.by_ref().map(|(name, field)| misfit(root, &schema["properties"][name], field)),
        )
        .find_map(|misfit| misfit)
}

#[test]
fn helpers_print_what_they_should() {
    for (args, wanted) in [
        (&["completions", "bash"][..], "_ftpscope"),
        (&["completions", "zsh"], "#compdef ftpscope"),
        (&["completions", "fish"], "complete -c ftpscope"),
        (&["man"], ".TH ftpscope"),
        (&["--version"], concat!("ftpscope ", env!("CARGO_PKG_VERSION"))),
        (&["--help"], "Exit codes"),
        (&["--help"], "--show-secrets"),
        (&["json", "--help"], "--lines"),
        (&["extract", "--help"], "--only"),
        (&["report", "--help"], "FILE"),
        (&["schema", "--help"], "JSON Schema"),
    ] {
        let ran = ftpscope(args).exits(0);
        assert!(ran.text().contains(wanted), "{args:?} without {wanted}:\n{}", ran.text());
        assert!(ran.stderr.is_empty(), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn help_fits_a_terminal() {
    for args in [&["--help"][..], &["json", "--help"], &["extract", "--help"], &["-h"]] {
        for line in ftpscope(args).exits(0).text().lines() {
            assert!(line.chars().count() <= 80, "{args:?}: {line}");
        }
    }
}

/// A path in a record and what stands there: `s`tring, `n`umber, `b`oolean, `t`ime, `l`ist,
/// `o`bject, or one of several words; `?` allows `null`. Below a `null` nothing is looked for.
type Shape = [(&'static str, &'static str)];

const DOCUMENT: &Shape = &[
    ("/schema/name", "ftpscope"),
    ("/schema/version", "n"),
    ("/tool/name", "ftpscope"),
    ("/tool/version", "s"),
    ("/inputs", "l"),
    ("/capture", "o"),
    ("/sessions", "l"),
    ("/transfers", "l"),
    ("/orphans", "l"),
    ("/findings", "l"),
    ("/warnings", "l"),
];
const INPUT: &Shape = &[
    ("/path", "s"),
    ("/format", "s?"),
    ("/compression", "s?"),
    ("/bytes", "n"),
    ("/packets", "n"),
    ("/link_types", "l"),
    ("/first_time", "t?"),
    ("/last_time", "t?"),
    ("/time_steps_back", "o?"),
    ("/time_steps_back/count", "n"),
    ("/time_steps_back/largest_ns", "n"),
    ("/time_steps_back/first_frame", "n"),
    ("/time_steps_back/largest_frame", "n"),
    ("/time_jumps_ahead", "o?"),
    ("/packets_without_time", "n"),
    ("/snaplen_cut_packets", "n"),
    ("/damage", "o?"),
    ("/changed", "grew|shrank|modified|replaced?"),
];
const CAPTURE: &Shape =
    &[("/packets", "n"), ("/tcp_connections", "n"), ("/skipped", "o"), ("/limits_reached", "l")];
const SESSION: &Shape = &[
    ("/id", "s"),
    ("/client/ip", "s"),
    ("/client/port", "n"),
    ("/server/ip", "s"),
    ("/server/port", "n"),
    ("/community_id", "s"),
    ("/first_frame", "n"),
    ("/last_frame", "n"),
    ("/start", "t"),
    ("/end", "t"),
    ("/tcp/handshake", "complete|unanswered|refused|unreachable|half|not_captured"),
    ("/tcp/close", "fin|reset|open|timeout"),
    ("/tcp/rtt_ns", "n?"),
    ("/tcp/client/bytes", "n"),
    ("/tcp/client/missing_bytes", "n"),
    ("/tcp/client/retransmissions", "n"),
    ("/tcp/server/bytes", "n"),
    ("/tcp/server/missing_bytes", "n"),
    ("/tcp/server/retransmissions", "n"),
    ("/banner", "s?"),
    ("/server_system", "s?"),
    ("/client_software", "s?"),
    ("/user", "s?"),
    ("/password", "o?"),
    ("/password/masked", "b"),
    ("/login", "accepted|refused|incomplete|none|unknown|encrypted"),
    ("/encryption/kind", "none|explicit|implicit|gssapi"),
    ("/encryption/since_frame", "n?"),
    ("/encryption/data_protection", "clear|private|unknown"),
    ("/tls", "o?"),
    ("/tls/version", "s?"),
    ("/tls/server_name", "s?"),
    ("/tls/cipher", "s?"),
    ("/tls/alpn", "s?"),
    ("/tls/ja3", "s?"),
    ("/tls/ja4", "s?"),
    ("/tls/resumed", "b?"),
    ("/tls/certificate", "o?"),
    ("/tls/certificate/subject", "s"),
    ("/tls/certificate/issuer", "s"),
    ("/tls/certificate/not_before", "s?"),
    ("/tls/certificate/not_after", "s?"),
    ("/tls/certificate/names", "l"),
    ("/tls/certificate/sha256", "s"),
    ("/tls/certificate/self_signed", "b"),
    ("/transfers", "l"),
];
const EXCHANGE: &Shape = &[
    ("/command", "s?"),
    ("/frame", "n"),
    ("/time", "t"),
    ("/replies", "l"),
    ("/cwd", "s?"),
    ("/transfer", "s?"),
];
const REPLY: &Shape = &[("/code", "n"), ("/text", "l"), ("/frame", "n"), ("/time", "t")];
const TRANSFER: &Shape = &[
    ("/id", "s"),
    ("/session", "s"),
    ("/command", "RETR|STOR|STOU|APPE|LIST|NLST|MLSD"),
    ("/direction", "download|upload|append|listing|site_to_site"),
    ("/name", "s?"),
    ("/path", "s?"),
    ("/type", "s?"),
    ("/mode", "s?"),
    ("/structure", "s?"),
    ("/rest_offset", "n"),
    ("/setup/method", "active|passive|default|unknown"),
    ("/setup/command", "s?"),
    ("/setup/announced", "o?"),
    ("/setup/announced/ip", "s"),
    ("/setup/announced/port", "n"),
    ("/setup/frame", "n?"),
    ("/data", "o?"),
    ("/data/client/ip", "s"),
    ("/data/client/port", "n"),
    ("/data/server/ip", "s"),
    ("/data/server/port", "n"),
    ("/data/opened_by", "client|server?"),
    ("/data/first_frame", "n"),
    ("/data/last_frame", "n"),
    ("/data/start", "t"),
    ("/data/end", "t"),
    ("/data/link/how", "announced|announced_port|default_port|time_order|late_announcement"),
    ("/data/link/confidence", "certain|likely|guess"),
    ("/data/encrypted", "b"),
    ("/data/tls", "o?"),
    ("/data/community_id", "s"),
    ("/bytes", "n?"),
    ("/estimated_bytes", "o?"),
    ("/estimated_bytes/least", "n"),
    ("/estimated_bytes/most", "n"),
    ("/expected", "o?"),
    ("/expected/bytes", "n"),
    ("/expected/source", "150|SIZE|MLST|MLSD|LIST"),
    ("/missing", "l"),
    (
        "/outcome",
        "complete|unconfirmed|gaps|aborted|in_progress|refused|no_connection|not_captured|encrypted",
    ),
    ("/final_code", "n?"),
    ("/hashes", "o?"),
    ("/hashes/sha256", "s"),
    ("/media_type", "s?"),
];
const ORPHAN: &Shape = &[
    ("/client/ip", "s"),
    ("/client/port", "n"),
    ("/server/ip", "s"),
    ("/server/port", "n"),
    ("/opened_by", "client|server?"),
    ("/first_frame", "n"),
    ("/last_frame", "n"),
    ("/bytes/from_client", "n"),
    ("/bytes/from_server", "n"),
    ("/encrypted", "b"),
    ("/tls", "o?"),
    ("/tls/version", "s?"),
    ("/inferred", "o?"),
    ("/inferred/session", "s"),
    ("/inferred/direction", "download|upload"),
    ("/inferred/protected_bytes", "n"),
    ("/inferred/estimated_bytes", "o?"),
    ("/inferred/estimated_bytes/least", "n"),
    ("/inferred/estimated_bytes/most", "n"),
    ("/inferred/confidence", "likely|guess"),
    ("/why", "s"),
    ("/hashes/sha256", "s"),
    ("/media_type", "s?"),
];

#[track_caller]
fn assert_shape(record: &Value, shape: &Shape) {
    for (path, wanted) in shape {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        if above.skip(1).any(|above| record.pointer(above).is_some_and(Value::is_null)) {
            continue;
        }
        let value = record.pointer(path);
        let value = value.unwrap_or_else(|| panic!("no {path} in {record:#}"));
        assert!(fits(value, wanted), "{path} is {value}, not {wanted}");
    }
}

fn fits(value: &Value, wanted: &str) -> bool {
    if let Some(wanted) = wanted.strip_suffix('?') {
        return value.is_null() || fits(value, wanted);
    }
    match wanted {
        "s" => value.is_string(),
        "n" => value.is_u64(),
        "b" => value.is_boolean(),
        "l" => value.is_array(),
        "o" => value.is_object(),
        "t" => value.as_str().is_some_and(is_time),
        words => value.as_str().is_some_and(|word| words.split('|').any(|one| one == word)),
    }
}

/// RFC 3339, UTC, nine digits.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00T00:00:00.000000000Z";
    text.len() == form.len()
        && text.chars().zip(form.chars()).all(|(seen, wanted)| match wanted {
            '0' => seen.is_ascii_digit(),
            mark => seen == mark,
        })
}

fn assert_exchange(record: &Value) {
    assert_shape(record, EXCHANGE);
    let argument = &record["argument"];
    assert!(argument.is_null() || argument.is_string() || argument["masked"] == true);
    for reply in record["replies"].as_array().unwrap() {
        assert_shape(reply, REPLY);
    }
}

fn each<'a>(record: &'a Value, list: &str) -> &'a [Value] {
    record[list].as_array().unwrap()
}

#[test]
fn every_document_has_the_promised_fields_types_and_words() {
    for sample in samples() {
        let document = ftpscope(&borrowed(&sample.args(&["json"], &[]))).exits(0).json();
        assert_shape(&document, DOCUMENT);
        assert_shape(&document["capture"], CAPTURE);
        for (list, shape) in
            [("inputs", INPUT), ("sessions", SESSION), ("transfers", TRANSFER), ("orphans", ORPHAN)]
        {
            each(&document, list).iter().for_each(|record| assert_shape(record, shape));
        }
        for session in each(&document, "sessions") {
            each(session, "exchanges").iter().for_each(assert_exchange);
        }
    }
}

#[test]
fn every_line_has_the_promised_fields_types_and_words() {
    for sample in samples() {
        let args = sample.args(&["json"], &["--lines"]);
        for line in ftpscope(&borrowed(&args)).exits(0).json_lines() {
            match line["record"].as_str().unwrap() {
                "input" => assert_shape(&line, INPUT),
                "session" => assert_shape(&line, SESSION),
                "exchange" => assert_exchange(&line),
                "transfer" => assert_shape(&line, TRANSFER),
                "capture" => assert_shape(&line, CAPTURE),
                "orphan" => assert_shape(&line, ORPHAN),
                other => panic!("{}: {other}", sample.name),
            }
        }
    }
}

#[test]
fn references_between_records_lead_somewhere() {
    for sample in samples() {
        let document = ftpscope(&borrowed(&sample.args(&["json"], &[]))).exits(0).json();
        let ids: Vec<&Value> = each(&document, "transfers").iter().map(|t| &t["id"]).collect();
        let sessions = each(&document, "sessions");
        let of_sessions = sessions.iter().flat_map(|session| each(session, "transfers"));
        let mut listed: Vec<String> = of_sessions.map(Value::to_string).collect();
        let mut known: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
        listed.sort();
        known.sort();
        assert_eq!(listed, known, "{}", sample.name);
        for transfer in each(&document, "transfers") {
            let owner = sessions.iter().find(|session| session["id"] == transfer["session"]);
            assert!(owner.is_some(), "{}: {transfer:#}", sample.name);
        }
        let firsts: Vec<_> =
            sessions.iter().map(|session| session["first_frame"].as_u64()).collect();
        assert!(firsts.is_sorted() || sample.files().len() > 1, "{}", sample.name);
    }
}

#[test]
fn nothing_on_standard_error_is_progress_when_it_is_no_terminal() {
    for more in [&[][..], &["--quiet"]] {
        let ran = ftpscope(&[&["json", PASSIVE], more].concat()).exits(0);
        assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    }
}

#[test]
fn a_command_behind_options_or_files_is_no_file() {
    for args in [&["--home", "10.0.0.0/8", "json", "-"][..], &["-", "json"]] {
        let ran = ftpscope_fed(args, &capture()).exits(2);
        assert!(ran.stderr.contains("ftpscope json …"), "{}", ran.stderr);
    }
}
