//! The terminal interface in a terminal: a pseudo-terminal, and an emulator that knows what is on
//! its screen.

mod common;

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::program::{Scratch, ftpscope, sha256};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// The program in a terminal of its own.
struct Screen {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    bytes: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Everything that was written to the terminal.
    raw: Vec<u8>,
}

/// A screen that was waited for so long does not come.
const PATIENCE: Duration = Duration::from_secs(20);

impl Screen {
    fn open(args: &[&str], folder: &Scratch) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_ftpscope"));
        command.args(args);
        command.cwd(folder.path());
        command.env("TERM", "xterm-256color");
        let child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (tell, bytes) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if tell.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pty.master.take_writer().unwrap();
        let parser = vt100::Parser::new(lines(24), lines(80), 0);
        Self { master: pty.master, child, keys, bytes, parser, raw: Vec::new() }
    }

    fn text(&self) -> String {
        self.parser.screen().contents()
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Waits until the screen shows something.
    #[track_caller]
    fn shows(&mut self, wanted: &str) -> &mut Self {
        let until = Instant::now() + PATIENCE;
        while !self.text().contains(wanted) {
            assert!(Instant::now() < until, "no {wanted:?} in:\n{}", self.text());
            self.take(Duration::from_millis(50));
        }
        self
    }

    /// Waits until the screen does not show something any more.
    #[track_caller]
    fn hides(&mut self, unwanted: &str) -> &mut Self {
        let until = Instant::now() + PATIENCE;
        while self.text().contains(unwanted) {
            assert!(Instant::now() < until, "{unwanted:?} in:\n{}", self.text());
            self.take(Duration::from_millis(50));
        }
        self
    }

    fn take(&mut self, wait: Duration) {
        if let Ok(bytes) = self.bytes.recv_timeout(wait) {
            self.parser.process(&bytes);
            self.raw.extend(bytes);
        }
    }

    /// Waits for the end of the program; what it wrote last is taken, too.
    fn ends(&mut self) -> u32 {
        let status = self.child.wait().unwrap();
        for _ in 0..20 {
            self.take(Duration::from_millis(10));
        }
        status.exit_code()
    }

    /// The terminal is as it was: the other screen is left, the cursor shown, the mouse free.
    #[track_caller]
    fn is_sane(&self) {
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}

fn lines(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("no screen is empty")
}

fn sample(name: &str) -> String {
    format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_file_is_found_looked_at_and_extracted() {
    let scratch = Scratch::new();
    let capture = sample("passive.pcap");
    let mut screen = Screen::open(&["tui", &capture, "-o", "out"], &scratch);
    screen.shows("findings,").press("4").shows("outcome");
    screen.press("/hello").shows("filter: hello").press("\r").shows("1 of");
    screen.press("e").shows("out/t2_hello.txt");
    screen.press("\r").shows("RETR hello.txt");
    screen.press("q");
    assert_eq!(screen.ends(), 0);
    screen.is_sane();
    let written: Vec<_> =
        std::fs::read_dir(scratch.path().join("out")).unwrap().flatten().collect();
    let [file] = &written[..] else { panic!("not one file: {written:?}") };
    let bytes = std::fs::read(file.path()).unwrap();
    let document = ftpscope(&["json", &capture]).exits(0).json();
    let transfers = document["transfers"].as_array().unwrap();
    let hello = transfers.iter().find(|transfer| transfer["name"] == "hello.txt").unwrap();
    assert_eq!(hello["hashes"]["sha256"], sha256(bytes));
}

#[test]
fn a_window_that_changes_and_a_signal_leave_no_mess() {
    let scratch = Scratch::new();
    let mut screen = Screen::open(&["tui", &sample("mirror.pcap")], &scratch);
    screen.shows("findings,").press("2").shows("labuser");
    let size = PtySize { rows: 40, cols: 140, pixel_width: 0, pixel_height: 0 };
    screen.parser.screen_mut().set_size(lines(40), lines(140));
    screen.master.resize(size).unwrap();
    screen.shows("login accepted");
    // A key that is pressed while the window changes is not left waiting for the next one.
    for width in (100..140).cycle().take(100) {
        let size = PtySize { cols: width, ..size };
        screen.parser.screen_mut().set_size(lines(40), lines(width));
        // While it is drawing, so that both are there when it looks again.
        screen.press("s");
        screen.master.resize(size).unwrap();
        screen.press("?").shows("Keys of Sessions");
        screen.press("?").hides("Keys of Sessions");
    }
    screen.press("?").shows("Keys of Sessions");
    let pid = screen.child.process_id().unwrap();
    let status = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status();
    assert!(status.unwrap().success());
    assert_eq!(screen.ends(), 0);
    screen.is_sane();
}

#[test]
fn what_cannot_be_read_is_said_on_a_sane_terminal() {
    let scratch = Scratch::new();
    let path = scratch.file("text", b"no capture at all\n");
    let mut screen = Screen::open(&["tui", &path], &scratch);
    assert_eq!(screen.ends(), 3);
    screen.is_sane();
    assert!(screen.text().contains("not"), "{}", screen.text());
}

#[test]
fn without_a_terminal_it_says_so() {
    let ran = ftpscope(&["tui", &sample("passive.pcap")]);
    assert!(ran.code != Some(0) && ran.stderr.contains("terminal"), "{}", ran.stderr);
}

#[test]
fn a_session_that_goes_on_is_opened_and_followed() {
    let scratch = Scratch::new();
    let capture = std::fs::read(sample("upload.pcap")).unwrap();
    let path = scratch.file("growing.pcap", &capture[..3000]);
    let mut screen = Screen::open(&["tui", "--follow", &path], &scratch);
    screen.shows("1 session").press("2").shows("open").shows("goes on");
    screen.press("\r").shows("220 ").press("G");
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    file.write_all(&capture[3000..]).unwrap();
    // Who stands at the end stays there.
    screen.shows("QUIT").press("4").shows("complete");
    screen.press("2").hides("goes on");
    screen.press("q");
    assert_eq!(screen.ends(), 0);
    screen.is_sane();
}

#[test]
fn a_file_of_several_pieces_is_put_together() {
    let scratch = Scratch::new();
    let capture = sample("resume-elsewhere.pcap");
    let mut screen = Screen::open(&["tui", &capture, "-o", "out"], &scratch);
    screen.shows("findings,").press("4").shows("whole").press("e").shows("out/file1_big.bin");
    screen.press("q");
    assert_eq!(screen.ends(), 0);
    let other = scratch.at("other");
    ftpscope(&["extract", &capture, "-o", &other]).exits(0);
    let [ours, theirs] = ["out", "other"]
        .map(|folder| std::fs::read(scratch.path().join(folder).join("file1_big.bin")).unwrap());
    assert!(ours.len() == 70_000 && ours == theirs);
}

#[test]
fn keys_are_answered_while_a_large_capture_is_read() {
    let scratch = Scratch::new();
    let capture = std::fs::read(sample("mirror.pcap")).unwrap();
    let path = scratch.at("large.pcap");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&capture[..24]).unwrap();
    for _ in 0..(64 << 20) / capture.len() {
        file.write_all(&capture[24..]).unwrap();
    }
    // It has no end, so reading goes on whatever this machine can do.
    let mut screen = Screen::open(&["tui", "--follow", &path], &scratch);
    screen.shows("reading");
    let mut waits = Vec::new();
    for (key, wanted) in [("2", " client"), ("4", "outcome"), ("1", "so far")].repeat(10) {
        let started = Instant::now();
        screen.press(key).shows(wanted);
        waits.push(started.elapsed());
    }
    screen.shows("/s").press("q");
    assert_eq!(screen.ends(), 0);
    // A frame is 16 ms; the rest is for a machine that is busy with other tests, which may well
    // take a whole second from one key but not from most of them.
    waits.sort();
    assert!(waits[waits.len() / 2] < Duration::from_millis(200), "{waits:?}");
}
