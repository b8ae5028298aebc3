//! The built program, run as its users run it.

// Every test target uses its own part of this file; a target is a crate nobody imports.
#![allow(dead_code, unreachable_pub)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, thread};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Runs `ftpscope` with nothing on standard input.
pub fn ftpscope(args: &[&str]) -> Ran {
    ftpscope_fed(args, b"")
}

/// Runs `ftpscope` with `input` on standard input.
pub fn ftpscope_fed(args: &[&str], input: &[u8]) -> Ran {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it was piped");
    let output = thread::scope(|scope| {
        // A program that needs no input closes it early.
        scope.spawn(move || stdin.write_all(input).unwrap_or_default());
        child.wait_with_output().expect("the program ends")
    });
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ran { code: output.status.code(), stdout: output.stdout, stderr }
}

/// The command itself, for tests that want its pipes.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ftpscope"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

impl Ran {
    /// Holds the exit code against `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "standard error: {}", self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| {
            panic!("{error} in:\n{}\n{}", self.text(), self.stderr);
        })
    }

    /// One JSON value a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let lines = self.text();
        lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// A place of its own on the disk, gone at the end.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a directory for the test");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of `name` in here, as an argument.
    pub fn at(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path of UTF-8").to_owned()
    }

    /// Writes a file in here; returns its path as an argument.
    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.0.join(name), bytes).expect("room for a test's file");
        self.at(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays lies in the build directory.
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `len` bytes in which no two stretches of a segment's length are alike.
pub fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = u64::from(seed) << 32 | 0x9e37_79b9;
    let bytes = std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (state >> 56) as u8
    });
    bytes.take(len).collect()
}
