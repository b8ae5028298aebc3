//! The JSON document, asked by the names of FTP.

// Every test target uses its own part of this file; a target is a crate nobody imports.
#![allow(dead_code, unreachable_pub)]

use serde_json::Value;

use super::program::{Scratch, ftpscope, ftpscope_fed, sha256};
use super::script::FtpScript;

/// What `ftpscope json` says of a script.
pub fn analysed(script: &FtpScript) -> Document {
    analysed_with(script, &[])
}

/// The same with more arguments.
pub fn analysed_with(script: &FtpScript, options: &[&str]) -> Document {
    let args = [&["json", "-"], options].concat();
    Document(ftpscope_fed(&args, &script.pcap()).exits(0).json())
}

/// The same of a script in a file, which can be read a second time.
pub fn analysed_from_file(script: &FtpScript) -> Document {
    let dir = Scratch::new();
    let capture = dir.file("capture.pcap", &script.pcap());
    Document(ftpscope(&["json", "-q", &capture]).exits(0).json())
}

#[derive(Clone, Debug, PartialEq)]
pub struct Document(pub Value);

/// One transfer of the document.
#[derive(Clone, Copy, Debug)]
pub struct Moved<'a>(pub &'a Value);

/// One exchange of a session.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a>(pub &'a Value);

impl Document {
    pub fn list(&self, name: &str) -> &[Value] {
        self.0[name].as_array().unwrap_or_else(|| panic!("no list of {name}"))
    }

    pub fn transfers(&self) -> impl Iterator<Item = Moved<'_>> {
        self.list("transfers").iter().map(Moved)
    }

    /// The transfer of this name, if there is exactly one.
    #[track_caller]
    pub fn transfer(&self, name: &str) -> Moved<'_> {
        let named: Vec<_> = self.transfers().filter(|moved| moved.name() == name).collect();
        let [moved] = named[..] else { panic!("not one {name}: {named:#?}") };
        moved
    }

    /// The only transfer.
    #[track_caller]
    pub fn only(&self) -> Moved<'_> {
        let [moved] = self.list("transfers") else {
            panic!("not one transfer: {:#?}", self.list("transfers"));
        };
        Moved(moved)
    }

    /// Every transfer as `name outcome`.
    pub fn outcomes(&self) -> Vec<String> {
        self.transfers().map(|moved| format!("{} {}", moved.name(), moved.outcome())).collect()
    }

    pub fn session(&self, index: usize) -> &Value {
        &self.list("sessions")[index]
    }

    /// The exchanges of the first session.
    pub fn exchanges(&self) -> impl Iterator<Item = Said<'_>> {
        self.exchanges_of(0)
    }

    pub fn exchanges_of(&self, session: usize) -> impl Iterator<Item = Said<'_>> {
        self.session(session)["exchanges"].as_array().expect("exchanges").iter().map(Said)
    }

    /// The first session's exchanges, each as `RETR f: 150 226`; `-` is no command.
    pub fn dialogue(&self) -> Vec<String> {
        self.exchanges().map(|said| said.line()).collect()
    }

    /// The first exchange of this command.
    #[track_caller]
    pub fn said(&self, command: &str) -> Said<'_> {
        let mut found = self.exchanges().filter(|said| said.0["command"] == command);
        found.next().unwrap_or_else(|| panic!("no {command}: {:#?}", self.dialogue()))
    }
}

impl<'a> Moved<'a> {
    pub fn name(self) -> &'a str {
        self.0["name"].as_str().unwrap_or("-")
    }

    pub fn outcome(self) -> &'a str {
        self.0["outcome"].as_str().expect("an outcome")
    }

    pub fn path(self) -> Option<&'a str> {
        self.0["path"].as_str()
    }

    pub fn link(self) -> [&'a str; 2] {
        let link = &self.0["data"]["link"];
        ["how", "confidence"].map(|key| link[key].as_str().unwrap_or("-"))
    }

    /// Missing ranges as (offset, length).
    pub fn missing(self) -> Vec<(Option<u64>, Option<u64>)> {
        let ranges = self.0["missing"].as_array().expect("a list of ranges").iter();
        ranges.map(|range| (range["offset"].as_u64(), range["bytes"].as_u64())).collect()
    }

    /// Size and hash are those of `content`.
    #[track_caller]
    pub fn carries(self, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        assert_eq!(self.0["bytes"], content.len(), "{:#}", self.0);
        assert_eq!(self.0["hashes"]["sha256"], sha256(content), "{:#}", self.0);
        self
    }

    /// It is complete, and its content is this.
    #[track_caller]
    pub fn is_whole(self, content: impl AsRef<[u8]>) -> Self {
        assert_eq!(self.outcome(), "complete", "{:#}", self.0);
        assert!(self.missing().is_empty(), "{:#}", self.0);
        self.carries(content)
    }

    #[track_caller]
    pub fn ends(self, outcome: &str) -> Self {
        assert_eq!(self.outcome(), outcome, "{:#}", self.0);
        self
    }

    #[track_caller]
    pub fn linked(self, how: &str, confidence: &str) -> Self {
        assert_eq!(self.link(), [how, confidence], "{:#}", self.0);
        self
    }
}

impl<'a> Said<'a> {
    pub fn replies(self) -> impl Iterator<Item = &'a Value> {
        self.0["replies"].as_array().expect("replies").iter()
    }

    pub fn codes(self) -> Vec<u64> {
        self.replies().filter_map(|reply| reply["code"].as_u64()).collect()
    }

    pub fn line(self) -> String {
        let words = ["command", "argument"].map(|key| self.0[key].as_str());
        let words: Vec<&str> = words.into_iter().flatten().collect();
        let codes: Vec<String> = self.codes().iter().map(u64::to_string).collect();
        let words = if words.is_empty() { "-".to_owned() } else { words.join(" ") };
        format!("{words}: {}", codes.join(" "))
    }
}
