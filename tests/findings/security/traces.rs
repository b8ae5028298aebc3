//! What is changed on servers: times set, files deleted and overwritten.

use std::time::Duration;

use super::super::common::document::{analysed, analysed_with};
use super::super::common::script::From::Originator;
use super::super::common::script::FtpScript;
use super::super::common::told::{carry, fetch, log_in, log_in_as, quit};
use super::super::{Scenario, of, only};

pub(in super::super) const SCENARIOS: &[Scenario] = &[
    (
        "timestomp",
        || told(&["> MFMT 20190304050607 log.txt", "< 213 Modify=20190304050607; log.txt"]),
        // Refused; near the clock; a question; a file whose name looks like a time.
        || {
            told(&[
                "> MFMT 20190304050607 log.txt",
                "< 500 no",
                "> MFMT 20260102000000 log.txt",
                "< 213 Modify=20260102000000; log.txt",
                "> MDTM log.txt",
                "< 213 20190304050607",
                "> MDTM 20190304050607 log.txt",
                "< 213 20200304050607",
            ])
        },
    ),
    ("mass-delete", || deletes(12, Duration::ZERO), || deletes(12, Duration::from_secs(20))),
    (
        "overwrite",
        || moves(&[("RETR f", b"old"), ("STOR f", b"newer")]),
        // The same content, another file, and more of the same file.
        || moves(&[("RETR f", b"old"), ("STOR f", b"old"), ("STOR g", b"x"), ("APPE f", b"more")]),
    ),
];

/// A session that is logged in and says this.
fn told(lines: &[&str]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, lines);
    quit(&mut script, control);
    script
}

/// So many files deleted, with pauses between them.
fn deletes(count: usize, pause: Duration) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..count {
        script.wait(pause);
        script.dialogue(control, &[&format!("> DELE f{nth}"), "< 250 gone"]);
    }
    quit(&mut script, control);
    script
}

/// A session that moves files.
fn moves(files: &[(&str, &[u8])]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for (nth, (command, content)) in (0..).zip(files) {
        fetch(&mut script, control, command, [41000 + nth, 30000 + nth], content);
    }
    quit(&mut script, control);
    script
}

#[test]
fn times_are_set_in_many_ways() {
    for (command, answer) in [
        ("MDTM 20190304050607 log.txt", "213 File modification time set."),
        ("MDTM 20190304050607 log.txt", "213 20190304050607"),
        ("SITE UTIME 20190304050607 log.txt", "200 SITE UTIME command successful"),
        ("SITE UTIME a log.txt 20190304050607 20190304050607 20190304050607 UTC", "250 UTIME OK"),
        ("MFMT 20990304050607 log.txt", "213 ok"),
    ] {
        let document = analysed(&told(&[&format!("> {command}"), &format!("< {answer}")]));
        let finding = only(&document, "timestomp");
        assert_eq!(
            (&finding["grade"], &finding["severity"]),
            (&"accepted".into(), &"warning".into())
        );
        assert!(finding["title"].as_str().unwrap().contains("log.txt"), "{finding:#}");
    }
}

/// As clients do that keep the times of what they upload.
#[test]
fn times_of_files_that_it_uploaded_are_information() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..5 {
        fetch(&mut script, control, &format!("STOR f{nth}"), [41000 + nth, 30000 + nth], b"x");
        let set = format!("> MFMT 20190304050607 /home/bob/f{nth}");
        script.dialogue(control, &[&set, "< 213 Modify=20190304050607; f"]);
    }
    quit(&mut script, control);
    let document = analysed(&script);
    let finding = only(&document, "timestomp");
    assert_eq!((&finding["severity"], &finding["count"]), (&"info".into(), &5.into()));
}

/// The directory of the upload is not known.
#[test]
fn a_file_that_it_uploaded_is_known_by_its_name() {
    for (set, severity) in [("/home/bob/f", "info"), ("/home/bob/g", "warning")] {
        let mut script = FtpScript::new();
        let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
        script.dialogue(control, &["< 220 ready", "> USER bob", "< 230 in"]);
        fetch(&mut script, control, "STOR f", [41000, 30000], b"x");
        let set = format!("> MFMT 20190304050607 {set}");
        script.dialogue(control, &[&set, "< 213 Modify=20190304050607; f"]);
        quit(&mut script, control);
        assert_eq!(only(&analysed(&script), "timestomp")["severity"], severity);
    }
}

#[test]
fn what_was_uploaded_before_the_capture_is_not_known() {
    let mut script = FtpScript::new();
    let control = script.midstream("10.0.0.1:40000", "10.0.0.2:21", [100, 500]);
    script.dialogue(control, &["> NOOP", "< 200 ok", "> MFMT 20190304050607 f", "< 213 ok"]);
    quit(&mut script, control);
    let document = analysed(&script);
    let finding = only(&document, "timestomp");
    assert_eq!(finding["severity"], "info");
    let text = finding["explanation"].as_str().unwrap();
    assert!(text.contains("No upload of it is in the capture"), "{text}");
}

#[test]
fn what_was_fetched_before_it_was_deleted_is_information() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..12 {
        fetch(&mut script, control, &format!("RETR f{nth}"), [41000 + nth, 30000 + nth], b"x");
        script.dialogue(control, &[&format!("> DELE f{nth}"), "< 250 gone"]);
    }
    quit(&mut script, control);
    assert_eq!(only(&analysed(&script), "mass-delete")["severity"], "info");
    let document = analysed(&deletes(12, Duration::ZERO));
    let finding = only(&document, "mass-delete");
    assert_eq!((&finding["severity"], &finding["count"]), (&"warning".into(), &12.into()));
    let document = analysed_with(&deletes(12, Duration::ZERO), &["--threshold", "mass-delete=13"]);
    assert!(of(&document, "mass-delete").is_empty());
}

/// Only what happens within a minute counts, wherever in the session that is.
#[test]
fn a_minute_slides() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..30 {
        let is_hasty = (15..25).contains(&nth);
        script.wait(Duration::from_secs(if is_hasty { 5 } else { 40 }));
        script.dialogue(control, &[&format!("> DELE f{nth}"), "< 250 gone"]);
    }
    quit(&mut script, control);
    let document = analysed(&script);
    let finding = only(&document, "mass-delete");
    assert_eq!(finding["evidence"]["within_a_minute"], 11);
}

/// A clock that is set back by little ends no burst, one that is set back by more does.
#[test]
fn a_clock_may_be_set_back() {
    for (back, is_one) in [(30, true), (300, false)] {
        let mut script = deletes(12, Duration::from_secs(1));
        let half = script.packets().len() / 2;
        for packet in script.packets_mut().iter_mut().skip(half) {
            packet.time -= Duration::from_secs(back);
        }
        let document = analysed(&script);
        assert_eq!(of(&document, "mass-delete").len(), usize::from(is_one), "{back}");
    }
}

#[test]
fn one_ending_for_many_files_is_worse() {
    let renamed = |ending: &str, count| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        for nth in 0..count {
            let (old, new) = (format!("> RNFR d/f{nth}.doc"), format!("> RNTO d/f{nth}{ending}"));
            script.dialogue(control, &[&old, "< 350 ready", &new, "< 250 renamed"]);
        }
        quit(&mut script, control);
        script
    };
    let document = analysed(&renamed(".doc.locked", 12));
    let finding = only(&document, "mass-delete");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"error".into(), &"accepted".into()));
    assert!(finding["title"].as_str().unwrap().contains(".locked"), "{finding:#}");
    assert!(of(&analysed(&renamed(".doc.locked", 9)), "mass-delete").is_empty());
    assert!(of(&analysed(&renamed(".txt", 12)), "mass-delete").is_empty());
    // As jobs do with what they have read.
    for ending in [".doc.done", ".doc.BAK"] {
        assert_eq!(only(&analysed(&renamed(ending, 12)), "mass-delete")["severity"], "info");
    }
}

#[test]
fn what_a_size_showed_was_there() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> SIZE f", "< 213 7000"]);
    fetch(&mut script, control, "STOR f", [41000, 30000], b"short");
    quit(&mut script, control);
    let document = analysed(&script);
    let finding = only(&document, "overwrite");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"info".into(), &"accepted".into()));
    let evidence = &finding["evidence"];
    assert_eq!((&evidence["bytes_before"], &evidence["bytes"]), (&7000.into(), &5.into()));
}

#[test]
fn who_writes_over_what_is_his_own_is_information() {
    let document = analysed(&moves(&[("STOR f", b"1"), ("STOR f", b"22"), ("STOR f", b"333")]));
    let finding = only(&document, "overwrite");
    assert_eq!((&finding["severity"], &finding["count"]), (&"info".into(), &2.into()));
    assert_eq!(finding["transfers"].as_array().unwrap().len(), 2);
}

#[test]
fn who_writes_over_what_is_of_another_is_not() {
    for command in ["STOR f", "RETR f"] {
        let mut script = moves(&[(command, b"1")]);
        let other = log_in_as(&mut script, ["10.0.0.7:40000", "10.0.0.2:21"]);
        script.dialogue(other, &["> PASV", "< 227 Entering Passive Mode (10,0,0,2,117,49)."]);
        let data = script.connect("10.0.0.7:41000", "10.0.0.2:30001");
        script.dialogue(other, &["> STOR f", "< 150 go"]);
        carry(&mut script, data, Originator, b"22");
        script.dialogue(other, &["< 226 done"]);
        quit(&mut script, other);
        assert_eq!(only(&analysed(&script), "overwrite")["severity"], "warning");
    }
}
