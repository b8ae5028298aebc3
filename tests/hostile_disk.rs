//! Names and neighbours that mean harm, held against what is on the disk afterwards.

#![cfg(unix)]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::thread;
use std::time::Duration;

use common::program::{Scratch, command, ftpscope_fed, noise};
use common::script::{Conn, From, FtpScript};
use common::told::{carry, dial, log_in, pasv, quit};
use serde_json::Value;

/// Each name, and what of it must be in the name on disk.
fn names() -> Vec<(Vec<u8>, &'static str)> {
    let long = [&b"n"[..], &[b'x'; 5000], b".txt"].concat();
    [
        (&b"../../etc/passwd"[..], "_passwd"),
        (b"/abs", "_abs"),
        (b"/", ""),
        (b"..", ""),
        (b"....//....//x", "_x"),
        (b"C:\\x", "_x"),
        (b"\\\\host\\share\\y", "_y"),
        (b"CON", "_CON"),
        (b"aux.txt", "_aux.txt"),
        (b"a\0b", "_a_b"),
        (&long, ".txt"),
        (b"Same", "_Same"),
        (b"same", "_same"),
        ("caf\u{e9}".as_bytes(), "_café"),
        ("cafe\u{301}".as_bytes(), "_cafe"),
        (b"dots...", "_dots"),
        (b"blanks   ", "_blanks"),
        (b". . .", ""),
        ("gpj.\u{202e}txt".as_bytes(), "_gpj._txt"),
        ("a\u{2066}b\u{2069}\u{200b}c".as_bytes(), "c"),
        (b"\x1b[2J\x1b]0;owned\x07z", "z"),
        (b"\x9b31mred", "red"),
        (b"tab\there", "_tab_here"),
        (b"cr\rhere", "here"),
        (b"manifest.json", "_manifest.json"),
        (b"SHA256SUMS", "_SHA256SUMS"),
        (b".part-0b", "_part-0b"),
        (b".files", "_files"),
        (b"-rf", "_-rf"),
        (b"$(touch owned);`id`|&", ""),
        (b"%2e%2e%2fx", ""),
        (b"\xff\xfe\xfd", ""),
        ("e\u{301}\u{301}\u{301}\u{301}\u{301}".as_bytes(), "_e"),
        (b"stream.txt:hidden", "_stream.txt_hidden"),
    ]
    .map(|(name, wanted)| (name.to_vec(), wanted))
    .to_vec()
}

/// A session that moves a file of every name, down and up.
fn told(names: &[Vec<u8>]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for (nth, name) in (0..).zip(names) {
        for (verb, from, port) in
            [("RETR", From::Responder, 20_000), ("STOR", From::Originator, 30_000)]
        {
            pasv(&mut script, control, port + nth);
            let data = dial(&mut script, port + nth, port + nth);
            // Telnet doubles the octet 255 (RFC 854).
            let doubled =
                name.iter().flat_map(|octet| vec![*octet; 1 + usize::from(*octet == 255)]);
            let line: Vec<u8> =
                format!("{verb} ").into_bytes().into_iter().chain(doubled).collect();
            script.client(control, [&line[..], b"\r\n"].concat());
            script.dialogue(control, &["< 150 here it comes"]);
            carry(&mut script, data, from, &content(nth, verb));
            script.dialogue(control, &["< 226 done"]);
        }
    }
    quit(&mut script, control);
    script
}

fn content(nth: u16, verb: &str) -> Vec<u8> {
    format!("{verb} {nth}").into_bytes()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn manifest(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn no_name_leaves_the_directory_or_hides_in_it() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.at("a/b/c")).unwrap();
    let (wire, wanted): (Vec<_>, Vec<_>) = names().into_iter().unzip();
    let script = told(&wire);
    let out = scratch.path().join("a/b/c/out");
    ftpscope_fed(&["extract", "-", "-o", out.to_str().unwrap()], &script.pcap()).exits(0);

    // Nothing stands beside the directory.
    for (folder, only) in [("", "a"), ("a", "b"), ("a/b", "c"), ("a/b/c", "out")] {
        assert_eq!(entries(&scratch.path().join(folder)), [only]);
    }
    let on_disk = entries(&out);
    assert_eq!(on_disk.len(), 2 * wire.len() + 2);
    let folded: std::collections::BTreeSet<String> =
        on_disk.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(folded.len(), on_disk.len(), "names that differ only in case");
    for name in &on_disk {
        let found = fs::symlink_metadata(out.join(name)).unwrap();
        assert!(found.is_file() && name.len() <= 160, "{name:?}");
        assert!(!name.starts_with(['.', '-']) && !name.ends_with(['.', ' ']), "{name:?}");
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '~');
        assert!(name.chars().all(is_plain), "{name:?}");
    }
    let manifest = manifest(&out.join("manifest.json"));
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), 2 * wire.len());
    for (at, file) in files.iter().enumerate() {
        let (nth, verb) = (at / 2, ["RETR", "STOR"][at % 2]);
        let name = file["file"].as_str().unwrap();
        assert!(name.starts_with(&format!("t{}", at + 1)), "{name}");
        assert!(name.contains(wanted[nth]), "{name:?} for {:?}", wire[nth].escape_ascii());
        assert_eq!(fs::read(out.join(name)).unwrap(), content(nth as u16, verb), "{name}");
    }
    // The manifest keeps the name itself, but spells out what a terminal would obey.
    assert_eq!(files[0]["transfer"]["name"], "../../etc/passwd");
    let rlo = files.iter().find(|file| file["transfer"]["name"] == "gpj.\u{202e}txt");
    assert!(rlo.is_some(), "the same text after it is parsed");
}

#[test]
fn a_directory_in_which_such_names_stand_is_left_as_it_is() {
    let outside = Scratch::new();
    let victim = outside.file("victim", b"precious");
    type Place = fn(&Path, &str);
    let places: [Place; 4] = [
        |out, victim| symlink(victim, out.join("t1_f")).unwrap(),
        |out, victim| symlink(victim, out.join("manifest.json")).unwrap(),
        |out, victim| fs::hard_link(victim, out.join("SHA256SUMS")).unwrap(),
        |out, _| fs::create_dir(out.join("t1_f")).unwrap(),
    ];
    for place in places {
        let scratch = Scratch::new();
        let out = scratch.path().join("out");
        fs::create_dir(&out).unwrap();
        place(&out, &victim);
        let before = entries(&out);
        let args = ["extract", "-", "-o", out.to_str().unwrap()];
        ftpscope_fed(&args, &told(&[b"f".to_vec()]).pcap()).exits(2);
        assert_eq!(entries(&out), before);
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }
}

#[test]
fn a_link_in_the_place_of_the_directory_leads_nowhere() {
    let scratch = Scratch::new();
    symlink(scratch.path().join("nowhere"), scratch.path().join("out")).unwrap();
    let args = ["extract", "-", "-o", &scratch.at("out")];
    ftpscope_fed(&args, &told(&[b"f".to_vec()]).pcap()).exits(2);
    assert_eq!(entries(scratch.path()), ["out"]);
}

/// The program at work, fed by hand.
struct Running {
    child: Child,
    stdin: ChildStdin,
}

impl Running {
    fn extract(out: &Path) -> Self {
        let mut child = command(&["extract", "-", "-o", out.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { stdin: child.stdin.take().unwrap(), child }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.stdin.write_all(bytes).unwrap();
        self.stdin.flush().unwrap();
    }

    fn ends(self) -> (Option<i32>, String) {
        drop(self.stdin);
        let output = self.child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn wait_for(path: &Path) {
    for _ in 0..600 {
        if path.symlink_metadata().is_ok() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{} never came", path.display());
}

/// `count` downloads that are open at one time, and where in the file their second halves begin.
fn halves(count: u16) -> (Vec<u8>, usize) {
    let mut script = FtpScript::new();
    let mut open: Vec<(Conn, Conn)> = Vec::new();
    for nth in 0..count {
        let client = format!("10.0.1.{}", nth + 1);
        let control = script.connect(&format!("{client}:40000"), "10.0.0.2:21");
        let [high, low] = (30_000 + nth).to_be_bytes();
        let announced = format!("< 227 Entering Passive Mode (10,0,0,2,{high},{low}).");
        script.dialogue(control, &["< 220 hi", "> USER a", "< 230 in", "> PASV", &announced]);
        let data =
            script.connect(&format!("{client}:40001"), &format!("10.0.0.2:{}", 30_000 + nth));
        script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
        script.server(data, noise(nth.into(), 500));
        open.push((control, data));
    }
    let middle = script.pcap().len();
    for (control, data) in open {
        script.server(data, b"second half");
        script.close(data, From::Responder);
        script.dialogue(control, &["< 226 done"]);
    }
    (script.pcap(), middle)
}

#[test]
fn what_another_places_meanwhile_is_not_followed_and_not_overwritten() {
    let (scratch, outside) = (Scratch::new(), Scratch::new());
    let victim = outside.file("victim", b"precious");
    let out = scratch.path().join("out");
    let (capture, middle) = halves(1);
    let mut running = Running::extract(&out);
    running.feed(&capture[..middle]);
    wait_for(&out.join(".part-0b"));
    // The names that are to come are easily guessed.
    symlink(&victim, out.join("t1_f")).unwrap();
    symlink(&victim, out.join("2_t1_f")).unwrap();
    symlink(&victim, out.join("manifest.json")).unwrap();
    fs::write(out.join("SHA256SUMS"), "theirs").unwrap();
    running.feed(&capture[middle..]);
    let (code, stderr) = running.ends();
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(fs::read(out.join("SHA256SUMS")).unwrap(), b"theirs");
    for name in ["t1_f", "2_t1_f", "manifest.json"] {
        assert_eq!(fs::read_link(out.join(name)).unwrap(), Path::new(&victim), "{name}");
    }
    let wanted = [&noise(0, 500)[..], b"second half"].concat();
    assert_eq!(fs::read(out.join("3_t1_f")).unwrap(), wanted);
    let listed = &manifest(&out.join("2_manifest.json"))["files"][0];
    assert_eq!(listed["file"], "3_t1_f");
    let sums = fs::read_to_string(out.join("2_SHA256SUMS")).unwrap();
    assert!(sums.ends_with("  3_t1_f\n"), "{sums}");
}

#[test]
fn a_file_that_another_exchanges_while_it_is_written_is_not_written_to() {
    // So many that the first is closed, and must be opened again for its second half.
    const COUNT: u16 = 100;
    type Exchange = fn(&Path, &Path);
    let exchanges: [Exchange; 4] = [
        |part, victim| symlink(victim, part).unwrap(),
        |part, victim| fs::hard_link(victim, part).unwrap(),
        |part, _| fs::create_dir(part).unwrap(),
        // One that is opened would wait for a reader for ever.
        |part, _| {
            assert!(std::process::Command::new("mkfifo").arg(part).status().unwrap().success())
        },
    ];
    for (nth, exchange) in exchanges.into_iter().enumerate() {
        let (scratch, outside) = (Scratch::new(), Scratch::new());
        let victim = outside.file("victim", b"precious");
        let out = scratch.path().join("out");
        let (capture, middle) = halves(COUNT);
        let mut running = Running::extract(&out);
        running.feed(&capture[..middle]);
        wait_for(&out.join(format!(".part-{}b", COUNT - 2)));
        fs::remove_file(out.join(".part-0b")).unwrap();
        exchange(&out.join(".part-0b"), Path::new(&victim));
        running.feed(&capture[middle..]);
        let (code, stderr) = running.ends();
        assert_eq!(fs::read(&victim).unwrap(), b"precious", "{nth}");
        assert_eq!(code, Some(5), "{nth}: {stderr}");
        assert!(stderr.contains("1 of the files could not be written whole"), "{nth}: {stderr}");
        // The others are all there.
        let files = manifest(&out.join("manifest.json"));
        let files = files["files"].as_array().unwrap();
        assert_eq!(files.len(), usize::from(COUNT) - 1, "{nth}");
        assert!(files.iter().all(|file| file["bytes"] == 511), "{nth}");
    }
}
