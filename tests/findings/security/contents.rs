//! What files are: by content, by name, by hash.

use super::super::common::document::{analysed, analysed_with};
use super::super::common::program::{Scratch, sha256};
use super::super::common::script::FtpScript;
use super::super::common::told::{carry, fetch, host_port, log_in, log_in_as, quit};
use super::super::{Scenario, of, only};

use super::super::common::script::From::{Originator, Responder};

pub(in super::super) const SCENARIOS: &[Scenario] = &[
    ("executable-transfer", || one("RETR setup", &program()), || one("RETR setup", b"MZ is text")),
    ("type-mismatch", || one("RETR a.jpg", &program()), || one("RETR a.jpg", PICTURE)),
    ("deceptive-name", || one("STOR bill.pdf.exe", b"x"), || one("STOR site.tar.gz", b"x")),
    (
        "web-shell-upload",
        || one("STOR htdocs/a.php", SHELL),
        || site(&["htdocs/a.php"; 6], b"<?php require 'db.php'; ?>"),
    ),
    ("sensitive-file", || one("RETR /etc/shadow", b"root:x"), || one("RETR shadow.png", PICTURE)),
    (
        "archive-upload",
        || outward("STOR plans.zip", ZIP),
        // To a server inside.
        || one("STOR plans.zip", ZIP),
    ),
];

const PICTURE: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
const SHELL: &[u8] = b"<?php @eval(base64_decode($_POST['c'])); ?>\n";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
const LOCKED_ZIP: &[u8] = b"PK\x03\x04\x14\0\x01\0\x08\0";

/// The head of a Windows program.
fn program() -> Vec<u8> {
    let mut head = vec![0; 256];
    head[..2].copy_from_slice(b"MZ");
    head[0x3c] = 0x80;
    head[0x80..0x84].copy_from_slice(b"PE\0\0");
    head
}

/// One transfer between hosts inside.
fn one(command: &str, content: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, command, [40001, 30000], content);
    quit(&mut script, control);
    script
}

/// One transfer of a client inside with a server outside.
fn outward(command: &str, content: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ["10.0.0.1:40000", "198.51.100.2:21"]);
    script.dialogue(control, &["> PASV", "< 227 Entering Passive Mode (198,51,100,2,117,48)."]);
    let data = script.connect("10.0.0.1:40001", "198.51.100.2:30000");
    script.dialogue(control, &[&format!("> {command}"), "< 150 here it comes"]);
    carry(
        &mut script,
        data,
        if command.starts_with("RETR") { Responder } else { Originator },
        content,
    );
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script
}

/// Several files are sent in one session.
fn site(names: &[&str], content: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for (nth, name) in (0..).zip(names) {
        let command = format!("STOR {name}");
        fetch(&mut script, control, &command, [40001 + nth, 30000 + nth], content);
    }
    quit(&mut script, control);
    script
}

/// A command that the server refuses.
fn refused(command: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let announced = format!("< 227 Entering Passive Mode ({}).", host_port(2, 30000));
    script.dialogue(control, &["> PASV", &announced, &format!("> {command}"), "< 550 No."]);
    quit(&mut script, control);
    script
}

#[track_caller]
fn expect(script: &FtpScript, rule: &str, severity: &str, grade: &str) {
    let document = analysed(script);
    let finding = only(&document, rule);
    assert_eq!((&finding["severity"], &finding["grade"]), (&severity.into(), &grade.into()));
}

#[test]
fn programs_from_outside_weigh_more() {
    for (script, severity) in [
        (one("RETR setup", &program()), "warning"),
        (one("STOR setup", &program()), "warning"),
        (outward("RETR setup", &program()), "error"),
        (outward("STOR setup", &program()), "warning"),
        (one("RETR run.sh", b"#!/bin/sh\n"), "info"),
        (outward("RETR run.sh", b"#!/bin/sh\n"), "warning"),
    ] {
        expect(&script, "executable-transfer", severity, "effect");
    }
}

#[test]
fn a_file_from_its_middle_on_has_no_beginning() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> REST 100", "< 350 ok"]);
    fetch(&mut script, control, "RETR a.jpg", [40001, 30000], &program());
    quit(&mut script, control);
    let document = analysed(&script);
    for rule in ["executable-transfer", "type-mismatch"] {
        assert!(of(&document, rule).is_empty(), "{rule}");
    }
}

#[test]
fn moved_programs_of_one_pair_are_one_finding() {
    let document = analysed(&site(&["a", "b", "c"], &program()));
    let finding = only(&document, "executable-transfer");
    assert_eq!(finding["count"], 3);
    assert_eq!(finding["transfers"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_allowed_or_harmless_is_no_program() {
    let scratch = Scratch::new();
    let allowed = scratch.file("allowed.toml", b"allowed_servers = [\"10.0.0.2\"]\n");
    let harmless = scratch.file("harmless", sha256(program()).as_bytes());
    let script = one("RETR setup.jpg", &program());
    let document = analysed_with(&script, &["--config", &allowed]);
    assert!(of(&document, "executable-transfer").is_empty());
    // What a file is does not depend on where it goes.
    assert_eq!(of(&document, "type-mismatch").len(), 1);
    let document = analysed_with(&script, &["--allow-list", &harmless]);
    for rule in ["executable-transfer", "type-mismatch"] {
        assert!(of(&document, rule).is_empty(), "{rule}");
    }
}

#[test]
fn names_and_contents_that_differ_for_good_reasons_are_no_mismatch() {
    let gzip = b"\x1f\x8b\x08\0";
    for (name, content) in [
        ("a.png", PICTURE),
        ("a.docx", ZIP),
        ("a.dat", &program()[..]),
        ("a.jar", ZIP),
        ("access.log", gzip),
        ("a.txt", b"#!/bin/sh\n"),
        ("a", &program()),
        ("a.pdf", b"no pdf at all"),
    ] {
        let document = analysed(&one(&format!("RETR {name}"), content));
        assert!(of(&document, "type-mismatch").is_empty(), "{name}");
    }
    expect(&one("RETR a.txt", &program()), "type-mismatch", "error", "effect");
    expect(&one("STOR a.jpg", LOCKED_ZIP), "type-mismatch", "warning", "effect");
}

#[test]
fn deceptive_names_are_graded_by_what_became_of_them() {
    expect(&one("RETR bill.pdf.exe", b"x"), "deceptive-name", "error", "effect");
    expect(&refused("RETR bill.pdf.exe"), "deceptive-name", "warning", "attempted");
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(
        control,
        &["> RNFR bill", "< 350 ok", "> RNTO in/bill.pdf   .exe", "< 250 renamed"],
    );
    quit(&mut script, control);
    expect(&script, "deceptive-name", "error", "accepted");
}

#[test]
fn web_shells_are_told_from_sites() {
    let page = b"<?php require 'db.php'; ?>";
    let at = |severity: &str, script: &FtpScript| {
        expect(script, "web-shell-upload", severity, "effect");
    };
    at("critical", &one("STOR htdocs/a.php", SHELL));
    at("critical", &one("STOR a.php", SHELL));
    // It was read, and runs nothing.
    at("warning", &one("STOR htdocs/uploads/a.php", page));
    at("error", &one("STOR htdocs/logo.php.gif", PICTURE));
    at("error", &one("STOR www/c99.php", page));
    // A page that somebody changes.
    at("info", &one("STOR htdocs/contact.php", page));
    // A text about one.
    at("info", &one("STOR htdocs/notes.md", SHELL));
    // Among others it may be a tool.
    at("error", &site(&["htdocs/a.php"; 6], SHELL));
    for (name, content) in
        [("docs/a.php", &page[..]), ("htdocs/a.html", page), ("www/index.php.bak", page)]
    {
        let document = analysed(&one(&format!("STOR {name}"), content));
        assert!(of(&document, "web-shell-upload").is_empty(), "{name}");
    }
    let document = analysed(&one("RETR htdocs/a.php", SHELL));
    assert!(of(&document, "web-shell-upload").is_empty());
    expect(&refused("STOR htdocs/img/a.php"), "web-shell-upload", "info", "attempted");
}

#[test]
fn a_script_among_pictures_is_worse_where_its_beginning_was_not_seen() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> REST 100", "< 350 ok"]);
    fetch(&mut script, control, "STOR htdocs/uploads/a.php", [40001, 30000], b"echo 1; ?>");
    quit(&mut script, control);
    expect(&script, "web-shell-upload", "error", "effect");
}

#[test]
fn secrets_are_graded_by_what_became_of_them() {
    expect(&one("RETR /etc/shadow", b"root:x"), "sensitive-file", "critical", "effect");
    expect(&one("RETR /etc/sudoers", b"root ALL"), "sensitive-file", "critical", "effect");
    expect(&refused("RETR /etc/shadow"), "sensitive-file", "warning", "attempted");
    expect(&one("RETR htdocs/wp-config.php", b"<?php"), "sensitive-file", "error", "effect");
    let key = b"-----BEGIN OPENSSH PRIVATE KEY-----\n";
    expect(&one("RETR notes", key), "sensitive-file", "critical", "effect");
    expect(&outward("STOR id_ed25519", key), "sensitive-file", "critical", "effect");
    for command in ["STOR id_rsa", "RETR id_rsa.pub", "RETR password.php", "RETR www/config"] {
        let document = analysed(&one(command, b"x"));
        assert!(of(&document, "sensitive-file").is_empty(), "{command}");
    }
}

#[test]
fn how_much_was_moved_is_told_where_it_is_known() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let announced = format!("< 227 Entering Passive Mode ({}).", host_port(2, 30000));
    script.dialogue(control, &["> PASV", &announced, "> RETR /etc/shadow"]);
    script.dialogue(control, &["< 150 here", "< 226 done"]);
    quit(&mut script, control);
    for (script, bytes, said) in [
        (script, None, "not in the capture"),
        (refused("RETR /etc/shadow"), Some(0), "0 bytes"),
        (one("RETR /etc/shadow", b"root:x"), Some(6), "6 bytes"),
    ] {
        let document = analysed(&script);
        let finding = only(&document, "sensitive-file");
        assert_eq!(finding["evidence"]["bytes"].as_u64(), bytes, "{finding:#}");
        assert!(finding["explanation"].as_str().unwrap().contains(said), "{finding:#}");
    }
}

#[test]
fn archives_that_leave_weigh_by_what_they_hide() {
    expect(&outward("STOR a.zip", ZIP), "archive-upload", "info", "effect");
    expect(&outward("STOR a.7z.001", b"x"), "archive-upload", "warning", "effect");
    expect(&outward("STOR a", LOCKED_ZIP), "archive-upload", "error", "effect");
    for script in [outward("STOR a.docx", ZIP), outward("RETR a.zip", LOCKED_ZIP)] {
        assert!(of(&analysed(&script), "archive-upload").is_empty());
    }
    let scratch = Scratch::new();
    let allowed = scratch.file("allowed.toml", b"allowed_servers = [\"198.51.100.2\"]\n");
    let document = analysed_with(&outward("STOR a", LOCKED_ZIP), &["--config", &allowed]);
    assert!(of(&document, "archive-upload").is_empty());
}

#[test]
fn a_file_of_a_list_of_bad_hashes_is_found_wherever_it_goes() {
    let scratch = Scratch::new();
    let list = scratch.file("bad", format!("{}  x\n", sha256(b"bad")).as_bytes());
    let options = ["--hash-list", &list];
    let document = analysed_with(&one("RETR a", b"bad"), &options);
    let finding = only(&document, "known-bad-hash");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"critical".into(), &"effect".into()));
    let document = analysed_with(&one("RETR a", b"good"), &options);
    assert!(of(&document, "known-bad-hash").is_empty());
    // By the wire or by the file: a text with other line ends on the wire.
    let list = scratch.file("text", sha256(b"bad\n").as_bytes());
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> TYPE A", "< 200 ok"]);
    fetch(&mut script, control, "RETR a", [40001, 30000], b"bad\r\n");
    quit(&mut script, control);
    only(&analysed_with(&script, &["--hash-list", &list]), "known-bad-hash");
}
