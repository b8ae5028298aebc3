//! How much is moved, how often, and where to.

use std::time::Duration;

use super::super::common::document::{analysed, analysed_with};
use super::super::common::program::Scratch;
use super::super::common::script::From::{Originator, Responder};
use super::super::common::script::FtpScript;
use super::super::common::told::{carry, fetch, log_in, log_in_as, quit};
use super::super::{Scenario, of, only};

pub(in super::super) const SCENARIOS: &[Scenario] = &[
    ("mass-download", || downloads(50, 0), || downloads(49, 0)),
    ("upload-volume", || outward(&[510]), || outward(&[10])),
    ("beaconing-upload", || calls(OUTSIDE, &[60; 4]), || calls(OUTSIDE, &[60, 20, 90, 5])),
    ("infostealer-name", || report(STOLEN_NAME, b"x"), || report("PW_2024.html", b"x")),
    ("infostealer-content", || report("a", STOLEN), || report("a", b"Time: 1<br>Host: b")),
];

const INSIDE: &str = "10.0.0.2";
const OUTSIDE: &str = "198.51.100.2";

const STOLEN_NAME: &str = "PW_user-HOST_2024_12_04_17_05_41.html";
const STOLEN: &[u8] = b"Time: 12/04/2024 17:05:41<br>User Name: u<br>Computer Name: H<br>";

/// So many files are fetched in one session, so many seconds apart.
fn downloads(files: u16, seconds: u64) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..files {
        let command = format!("RETR f{nth}");
        fetch(&mut script, control, &command, [40001 + nth, 30000 + nth], b"x");
        script.wait(Duration::from_secs(seconds));
    }
    quit(&mut script, control);
    script
}

/// A transfer of a client inside with another host, in a session of its own.
fn session(script: &mut FtpScript, server: &str, nth: u16, command: &str, content: &[u8]) {
    let control =
        log_in_as(script, [&format!("10.0.0.1:{}", 41000 + nth), &format!("{server}:21")]);
    let [high, low] = (30000 + nth).to_be_bytes();
    let host = server.replace('.', ",");
    let announced = format!("< 227 Entering Passive Mode ({host},{high},{low}).");
    script.dialogue(control, &["> PASV", &announced]);
    let data =
        script.connect(&format!("10.0.0.1:{}", 42000 + nth), &format!("{server}:{}", 30000 + nth));
    script.dialogue(control, &[&format!("> {command}"), "< 150 here it comes"]);
    carry(script, data, if command.starts_with("RETR") { Responder } else { Originator }, content);
    script.dialogue(control, &["< 226 done"]);
    quit(script, control);
}

/// Uploads of so many tenths of a megabyte, half an hour apart.
fn outward(tenths: &[usize]) -> FtpScript {
    let mut script = FtpScript::new();
    for (nth, tenths) in (0..).zip(tenths) {
        session(&mut script, OUTSIDE, nth, "STOR data", &vec![7; tenths * 100_000]);
        script.wait(Duration::from_secs(1800));
    }
    script
}

/// One session with a small upload, and one more after each of so many seconds.
fn calls(server: &str, seconds: &[u64]) -> FtpScript {
    let mut script = FtpScript::new();
    session(&mut script, server, 0, "STOR f0", b"x");
    for (nth, seconds) in (1..).zip(seconds) {
        script.wait(Duration::from_secs(*seconds));
        session(&mut script, server, nth, &format!("STOR f{nth}"), b"x");
    }
    script
}

fn report(name: &str, content: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    session(&mut script, OUTSIDE, 0, &format!("STOR {name}"), content);
    script
}

/// With megabytes that a test has time for.
const SMALL: [&str; 2] = ["--threshold", "upload-mb-per-hour=1"];

#[test]
fn files_over_a_long_time_are_no_mass() {
    assert!(of(&analysed(&downloads(50, 120)), "mass-download").is_empty());
    let document = analysed(&downloads(60, 0));
    let finding = only(&document, "mass-download");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"warning".into(), &"effect".into()));
    assert_eq!(finding["evidence"]["files"], 60);
    let scratch = Scratch::new();
    let document = analysed_with(&downloads(60, 0), &["--config", &allowing(&scratch, INSIDE)]);
    assert!(of(&document, "mass-download").is_empty());
}

/// A file by which a server is meant to be used.
fn allowing(scratch: &Scratch, server: &str) -> String {
    scratch.file("allowed.toml", format!("allowed_servers = [\"{server}\"]\n").as_bytes())
}

#[test]
fn one_file_again_and_again_is_no_mass() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..60 {
        fetch(&mut script, control, "RETR state", [40001 + nth, 30000 + nth], b"x");
    }
    quit(&mut script, control);
    assert!(of(&analysed(&script), "mass-download").is_empty());
}

/// Of a listing of so many files so many are fetched.
fn listed(all: u16, fetched: u16) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let line = |nth| format!("-rw-r--r--    1 0        0               1 Jan 01 00:00 f{nth}\r\n");
    let listing: String = (0..all).map(line).collect();
    fetch(&mut script, control, "LIST", [39000, 29000], listing.as_bytes());
    for nth in 0..fetched {
        let command = format!("RETR f{nth}");
        fetch(&mut script, control, &command, [40001 + nth, 30000 + nth], b"x");
    }
    quit(&mut script, control);
    script
}

#[test]
fn nearly_all_that_was_listed_is_much() {
    assert_eq!(of(&analysed(&listed(20, 19)), "mass-download").len(), 1);
    assert!(of(&analysed(&listed(20, 18)), "mass-download").is_empty());
    assert!(of(&analysed(&listed(19, 19)), "mass-download").is_empty());
}

#[test]
fn what_is_sent_out_is_summed_over_an_hour() {
    let volume = |script: &FtpScript| {
        let document = analysed_with(script, &SMALL);
        of(&document, "upload-volume").first().map(|finding| finding["evidence"]["sent"].clone())
    };
    assert_eq!(volume(&outward(&[6, 6])), Some(1_200_000.into()));
    // Half an hour apart, and a little.
    assert_eq!(volume(&outward(&[4, 4, 4])), None);
    assert_eq!(volume(&outward(&[10])), None);
    let mut both = FtpScript::new();
    session(&mut both, OUTSIDE, 0, "RETR data", &vec![7; 300_000]);
    session(&mut both, OUTSIDE, 1, "STOR data", &vec![7; 1_200_000]);
    assert_eq!(volume(&both), None);
    let mut inside = FtpScript::new();
    session(&mut inside, INSIDE, 0, "STOR data", &vec![7; 1_200_000]);
    assert_eq!(volume(&inside), None);
    let scratch = Scratch::new();
    let config = allowing(&scratch, OUTSIDE);
    let options = [&SMALL[..], &["--config", &config]].concat();
    assert!(of(&analysed_with(&outward(&[12]), &options), "upload-volume").is_empty());
}

#[test]
fn calls_by_the_clock_weigh_by_where_they_go() {
    for (server, severity) in [(OUTSIDE, "error"), (INSIDE, "info")] {
        let document = analysed(&calls(server, &[60, 58, 62, 60, 60]));
        let finding = only(&document, "beaconing-upload");
        assert_eq!((&finding["severity"], &finding["grade"]), (&severity.into(), &"effect".into()));
        assert_eq!(finding["evidence"]["sessions"], 6);
        assert_eq!(finding["sessions"].as_array().unwrap().len(), 6);
    }
    // A clock that is kept after a start that is not.
    let document = analysed(&calls(OUTSIDE, &[5, 300, 60, 60, 60, 60]));
    assert_eq!(only(&document, "beaconing-upload")["evidence"]["sessions"], 5);
    // A job that sends one file after another is no clock.
    assert!(of(&analysed(&calls(OUTSIDE, &[0; 8])), "beaconing-upload").is_empty());
    assert!(of(&analysed(&calls(OUTSIDE, &[60; 3])), "beaconing-upload").is_empty());
}

#[test]
fn stealers_are_graded() {
    let document = analysed(&report(STOLEN_NAME, STOLEN));
    for (rule, severity) in [("infostealer-name", "error"), ("infostealer-content", "critical")] {
        let finding = only(&document, rule);
        assert_eq!((&finding["severity"], &finding["grade"]), (&severity.into(), &"effect".into()));
    }
}
