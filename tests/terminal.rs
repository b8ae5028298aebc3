//! Nothing from the wire, and no name of a file, acts on who looks at the output.

mod common;

use std::fs;

use common::program::{Ran, Scratch, command, ftpscope, ftpscope_fed};
use common::script::{From, FtpScript};
use common::told::{carry, dial, pasv};
use serde_json::Value;

/// What a terminal, or the eye, could be led astray by.
const TRICKS: &[&str] = &[
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil\x1b\\link",
    "\x1bP$q\x1b\\",
    "\x1b[2J\x1b[H",
    "\x07\x08\x0b\x0c\x0e\x7f",
    "\u{9b}31m\u{85}\u{90}\u{9d}0;t\u{9c}",
    "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}",
    "\u{2066}\u{2067}\u{2068}\u{2069}",
    "\u{200e}\u{200f}\u{61c}",
    "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}",
    "\u{2028}\u{2029}\u{a0}\u{3000}",
    "\u{3164}\u{fe0f}\u{e0041}",
    "over\rwritten",
    "=cmd|' /C calc'!A1<script>alert(1)</script>",
];

/// Whether a terminal shows it as what it is: the standard's lists of controls (Cc), formats
/// (Cf), separators (Zl, Zp) and the rest that shows as nothing, written out here anew.
fn is_shown(c: char) -> bool {
    !matches!(u32::from(c),
        0..=0x09 | 0x0b..=0x1f | 0x7f..=0xa0 | 0xad | 0x61c | 0x180e | 0x200b..=0x200f
        | 0x2028..=0x202f | 0x205f..=0x206f | 0x3000 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff
        | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

#[track_caller]
fn assert_shown(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_shown(*c)) {
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        panic!("{what} shows {:?}: {:?}", c, text[start..].lines().next());
    }
}

/// Sessions whose every text is a trick: banner, user, password, commands, replies, names,
/// listing, content.
fn tricky() -> FtpScript {
    let mut script = FtpScript::new();
    for (nth, trick) in (0..).zip(TRICKS) {
        let control = script.connect(&format!("10.0.0.1:{}", 41_000 + nth), "10.0.0.2:21");
        let line = |text: &str| format!("{text}\r\n");
        script.server(control, line(&format!("220-{trick}\r\n {trick}\r\n220 {trick}")));
        script.client(control, line(&format!("USER {trick}")));
        script.server(control, line(&format!("331 {trick}")));
        script.client(control, line(&format!("PASS {trick}")));
        script.server(control, line(&format!("230 {trick}")));
        script.client(control, line("SYST"));
        script.server(control, line(&format!("215 {trick}")));
        script.client(control, line(&format!("CLNT {trick}")));
        script.server(control, line("200 ok"));
        script.client(control, line("PWD"));
        script.server(control, line(&format!("257 \"/{trick}\" {trick}")));
        script.client(control, line(&format!("{trick} {trick}")));
        script.server(control, line(&format!("500 {trick}")));
        script.server(control, line(trick));
        for (verb, from, port) in [
            ("RETR", From::Responder, 30_000),
            ("STOR", From::Originator, 31_000),
            ("LIST", From::Responder, 32_000),
        ] {
            pasv(&mut script, control, port + nth);
            let data = dial(&mut script, port + nth, port + nth);
            script.client(control, line(&format!("{verb} {trick}")));
            script.server(control, line(&format!("150 {trick}")));
            carry(&mut script, data, from, format!("{trick}\r\n").as_bytes());
            script.server(control, line(&format!("226 {trick}")));
        }
        script.client(control, line(&format!("CWD {trick}")));
        script.server(control, line(&format!("550 {trick}")));
        script.close(control, From::Responder);
    }
    script
}

/// All that a run gives, on both ways out.
#[track_caller]
fn assert_ran_shown(what: &str, ran: &Ran) {
    assert_shown(&format!("{what}, standard output"), &ran.stdout);
    assert_shown(&format!("{what}, standard error"), ran.stderr.as_bytes());
    assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "{what} says nothing");
}

#[test]
fn no_output_shows_what_the_wire_would_have_it_do() {
    let (scratch, bytes) = (Scratch::new(), tricky().pcap());
    let out = scratch.at("out");
    for args in [
        &["report", "-"][..],
        &["report", "-", "--show-secrets"],
        &["-"],
        &["json", "-"],
        &["json", "-", "--show-secrets"],
        &["json", "-", "--lines"],
        &["json", "-", "--lines", "--show-secrets"],
        &["extract", "-", "-o", &out, "--listings", "--hash", "sha1,md5"],
    ] {
        let ran = ftpscope_fed(args, &bytes).exits(0);
        assert_ran_shown(&args.join(" "), &ran);
    }
    for name in ["manifest.json", "SHA256SUMS"] {
        assert_shown(name, &fs::read(scratch.path().join("out").join(name)).unwrap());
    }
    let names = fs::read_dir(&out).unwrap().flatten();
    for name in names.map(|entry| entry.file_name().into_string().unwrap()) {
        assert_shown("a name on disk", name.as_bytes());
    }
}

#[test]
fn what_is_spelled_out_in_json_is_the_same_text_when_it_is_parsed() {
    let document = ftpscope_fed(&["json", "-", "--show-secrets"], &tricky().pcap()).exits(0).json();
    // A bare CR ends no line; the rest comes through as it was sent.
    for (nth, trick) in TRICKS.iter().enumerate() {
        let session = &document["sessions"][nth];
        assert_eq!(session["user"], *trick, "{nth}");
        assert_eq!(session["password"]["text"], *trick, "{nth}");
        assert_eq!(document["transfers"][3 * nth]["name"], *trick, "{nth}");
    }
}

/// Names that a stranger may have given to a capture.
const FILES: &[&str] = &[
    "\x1b]0;owned\x07.pcap",
    "a\u{202e}pcap.exe",
    "\u{9b}2J\u{200b}.pcap",
    "new\nline\rback.pcap",
    "--\x1b[31mflag",
    "--\u{202e}galf=x",
];

#[test]
fn a_path_acts_on_nobody_either() {
    let scratch = Scratch::new();
    let mut cut = tricky().pcap();
    cut.truncate(cut.len() - 20);
    for (nth, name) in FILES.iter().enumerate() {
        let (good, text) = (scratch.file(name, &cut), scratch.file(&format!("{nth}-{name}"), b"x"));
        let (missing, out) = (scratch.at(&format!("no-{name}")), scratch.at(&format!("o{name}")));
        let full = scratch.file(&format!("file-{name}"), b"x");
        for args in [
            &["report", &good][..],
            &["report", &good, &text],
            &["report", &text, &missing],
            &["json", &good, &text],
            &["json", &good, &missing, "--lines"],
            &["json", &missing],
            &["extract", &good, "-o", &out],
            &["extract", &good, "-o", &out],
            &["extract", &good, "-o", &full],
            &["json", name],
            &[name],
            &["json", "--port", name, &good],
            &["extract", "--only", name, "-o", &out, &good],
            &["extract", "--max-file", name, "-o", &out, &good],
            &["json", "--hash", name, &good],
            &["completions", name],
        ] {
            assert_ran_shown(&format!("{args:?}"), &ftpscope(args));
        }
    }
}

#[test]
fn colours_are_the_only_sequences_there_are() {
    // A pseudo-terminal is not to be had here; clap's own help is asked for its colours instead.
    let ran = command(&["--help"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    for sequence in text.split('\x1b').skip(1) {
        let end = sequence.find(|c: char| c.is_ascii_alphabetic()).unwrap();
        assert!(sequence.starts_with('[') && sequence[..=end].ends_with('m'), "{sequence:?}");
    }
}

#[test]
fn warnings_say_the_path_as_it_is() {
    let scratch = Scratch::new();
    let mut cut = tricky().pcap();
    cut.truncate(cut.len() - 20);
    let path = scratch.file("a\u{202e}b.pcap", &cut);
    let document: Value = ftpscope(&["json", &path]).exits(4).json();
    assert_eq!(document["inputs"][0]["path"], path);
    assert!(document["warnings"][0].as_str().unwrap().starts_with(&path));
}
