//! The report of every sample: as a person reads it, and as a terminal obeys it.

#[path = "common/script/mod.rs"]
mod script;

use std::fs;
use std::path::{Path, PathBuf};

use ftpscope::analysis::{Analysis, Keeper};
use ftpscope::analyzer::{AnalysisOptions, analyze};
use ftpscope::capture::{Capture, ReadOptions, Source};
use ftpscope::report::text::{self, Style};
use script::{From, FtpScript};
use unicode_width::UnicodeWidthStr;

const PLAIN: Style = Style { colour: false, width: 80, show_secrets: false };

/// Each shows something the others do not.
const GOLDEN: &[&str] = &[
    "textbook",
    "passive",
    "active",
    "mirror",
    "private227",
    "aborted",
    "loss",
    "failed-login",
    "passive-filtered-eager",
    "ftps-explicit",
    "names",
    "rotated",
];

fn analysis(paths: &[PathBuf]) -> Analysis {
    let sources: Vec<Source> = paths.iter().cloned().map(Source::from_arg).collect();
    let mut capture = Capture::open(&sources, ReadOptions::default()).unwrap();
    let options = AnalysisOptions::default();
    let mut keeper = Keeper::new(options.limits.clone());
    let facts = analyze(&mut capture, &options, None, &mut keeper);
    keeper.finish(facts, capture.finish())
}

fn render(analysis: &Analysis, style: Style) -> String {
    let mut out = Vec::new();
    text::write(analysis, &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Every sample by its name, with its files; the parts of a rotated capture are one.
fn samples() -> Vec<(String, Vec<PathBuf>)> {
    let mut samples: Vec<(String, Vec<PathBuf>)> = Vec::new();
    let mut paths: Vec<PathBuf> =
        fs::read_dir("samples").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some((name, _)) = file.split_once(".pcap") else { continue };
        let name = name.trim_end_matches("-1").trim_end_matches("-2");
        match samples.last_mut().filter(|(last, _)| last == name) {
            Some((_, paths)) => paths.push(path),
            None => samples.push((name.to_owned(), vec![path])),
        }
    }
    assert!(samples.len() > 30);
    samples
}

fn assert_golden(name: &str, report: &str) {
    let path = Path::new("tests/golden").join(name).with_extension("txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all("tests/golden").unwrap();
        fs::write(&path, report).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        report == wanted,
        "{} differs; UPDATE_GOLDEN=1 writes it anew. It is now:\n{report}",
        path.display()
    );
}

fn assert_terminal_safe(name: &str, report: &str, width: usize) {
    for line in report.lines() {
        assert!(line.width() <= width, "{name} is too wide: {line}");
        assert!(!line.ends_with(' '), "{name} ends in a blank: {line}");
        assert!(!line.chars().any(char::is_control), "{name}: {}", line.escape_debug());
        assert!(!line.contains(HIDDEN), "{name}: {}", line.escape_debug());
    }
}

const HIDDEN: [char; 6] = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{2028}', '\u{feff}', '\u{61c}'];

#[test]
fn reports_of_samples_are_the_recorded_ones() {
    let samples = samples();
    for name in GOLDEN {
        let (_, paths) = samples.iter().find(|(sample, _)| sample == name).unwrap();
        assert_golden(name, &render(&analysis(paths), PLAIN));
    }
}

#[test]
fn every_report_fits_the_terminal_and_keeps_the_password_to_itself() {
    for (name, paths) in samples() {
        let analysis = analysis(&paths);
        let report = render(&analysis, PLAIN);
        assert_terminal_safe(&name, &report, 80);
        assert!(!report.contains("lab-secret-1"), "{name}");
        let wide = render(&analysis, Style { width: 132, ..PLAIN });
        assert_terminal_safe(&name, &wide, 132);
        let coloured = render(&analysis, Style { colour: true, ..PLAIN });
        assert_eq!(without_colour(&coloured), report, "{name}");
    }
}

/// Takes off the codes we write, and only those.
fn without_colour(report: &str) -> String {
    let codes = ["0", "1", "2", "31", "32", "33"].map(|code| format!("\x1b[{code}m"));
    codes.iter().fold(report.to_owned(), |report, code| report.replace(code, ""))
}

#[test]
fn secrets_are_shown_only_when_asked_for() {
    let paths = [PathBuf::from("samples/textbook.pcap")];
    let report = render(&analysis(&paths), Style { show_secrets: true, ..PLAIN });
    assert!(report.contains("PASS lab-secret-1"));
    assert!(!report.contains("masked"));
}

#[test]
fn nothing_a_hostile_dialogue_says_reaches_the_terminal_raw() {
    let evil = "\x1b]0;owned\x07\x1b[2J\u{9b}31m\u{202e}gpj\u{2066}\u{200b}\u{2028}\u{feff}\u{61c}";
    let marks = "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}".repeat(40);
    let wide = "履歴書".repeat(60);
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.server(control, format!("220 {evil}{marks}\r\n"));
    script.client(control, format!("USER {evil}{wide}\r\n"));
    script.server(control, format!("331-{evil}\r\n{wide}\r\n331 {marks}\r\n"));
    script.client(control, "PASS hunter2-secret\r\n");
    script.server(control, "230 hunter2-secret is right, hunter2-secret!\r\n");
    script.client(control, format!("{evil} {evil}\r\n"));
    script.server(control, format!("{evil} no reply at all\r\n502 {evil}\r\n"));
    script.client(control, "PASV\r\n");
    script.server(control, "227 ok (10,0,0,2,8,74)\r\n");
    let data = script.connect("10.0.0.1:40001", "10.0.0.2:2122");
    script.client(control, format!("RETR {evil}{wide}{marks}\r\n"));
    script.server(control, format!("150 {evil} (5 bytes)\r\n"));
    script.send(data, From::Responder, b"abc");
    script.close(data, From::Responder);
    script.server(control, format!("226 {evil}\r\n"));
    let path = std::env::temp_dir().join(format!("ftpscope-hostile-{}.pcap", std::process::id()));
    fs::write(&path, script.pcap()).unwrap();
    let analysis = analysis(std::slice::from_ref(&path));
    fs::remove_file(&path).unwrap();
    let report = render(&analysis, PLAIN);
    assert_terminal_safe("hostile", &report, 80);
    assert!(report.contains("\\x1b]0;owned\\x07\\x1b[2J"), "{report}");
    assert!(!report.contains("hunter2"), "{report}");
    assert!(report.contains("*** is right, ***!"), "{report}");
    assert!(report.contains("not a reply:"), "{report}");
    let coloured = render(&analysis, Style { colour: true, ..PLAIN });
    assert_eq!(without_colour(&coloured), report);
}

/// The report of a capture told packet by packet.
fn told(name: &str, script: &FtpScript) -> String {
    let file = format!("ftpscope-{name}-{}.pcap", std::process::id());
    let path = std::env::temp_dir().join(file);
    fs::write(&path, script.pcap()).unwrap();
    let report = render(&analysis(std::slice::from_ref(&path)), PLAIN);
    fs::remove_file(&path).unwrap();
    assert_terminal_safe(name, &report, 80);
    report
}

#[test]
fn what_never_became_a_session_is_told_in_one_line() {
    let mut script = FtpScript::new();
    script.syn_only("10.0.0.1:40000", "10.0.0.2:21", 3);
    script.refused("10.0.0.1:40001", "10.0.0.2:21");
    let report = told("no-session", &script);
    for wanted in ["no answer to 4 SYNs", "refused: nothing listens there (RST)"] {
        assert!(report.contains(wanted), "{report}");
    }
}

#[test]
fn a_capture_without_ftp_says_so_and_what_is_there_instead() {
    let mut script = FtpScript::new();
    let ssh = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.server(ssh, "SSH-2.0-OpenSSH_9.6\r\n");
    script.client(ssh, "SSH-2.0-x\r\n");
    let report = told("no-ftp", &script);
    assert!(report.contains("No FTP was found in "), "{report}");
    assert!(report.contains("is not FTP: ssh"), "{report}");
}

#[test]
fn what_was_not_answered_is_said() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["< 220 hi", "> USER me", "< 331 who", "> PASS x", "< 230 in"]);
    script.client(control, "RETR a\r\n");
    script.server(control, "150 soon\r\n");
    script.client(control, "NOOP\r\n");
    let report = told("unanswered", &script);
    assert!(report.contains("no final reply in the capture"), "{report}");
    assert!(report.contains("no reply in the capture"), "{report}");
    assert!(report.contains("The capture ends while it is under way."), "{report}");
}
