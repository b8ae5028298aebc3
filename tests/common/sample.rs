//! The recorded samples and what was really transferred in them.

// Every test target uses its own part of this file; a target is a crate nobody imports.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One `samples/*.truth.json`.
#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub truth: Value,
}

/// All of them, in the order of their names.
pub fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let entries = fs::read_dir(folder).expect("the samples").flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let names = paths.iter().filter_map(|path| path.file_name()?.to_str());
    let names = names.filter_map(|name| name.strip_suffix(".truth.json"));
    let samples: Vec<Sample> = names.map(Sample::named).collect();
    assert!(samples.len() > 30, "the samples are where they are looked for");
    samples
}

impl Sample {
    pub fn named(name: &str) -> Self {
        let path = format!("{}/samples/{name}.truth.json", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let truth = serde_json::from_slice(&text).expect("a truth file is JSON");
        Self { name: name.to_owned(), truth }
    }

    /// Its captures, as arguments from the package's folder.
    pub fn files(&self) -> Vec<String> {
        let files = self.truth["files"].as_array().expect("files").iter();
        files.map(|file| format!("samples/{}", file.as_str().expect("a name"))).collect()
    }

    /// `command` with its captures and what else is given.
    pub fn args(&self, command: &[&str], more: &[&str]) -> Vec<String> {
        let own = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
        [own(command), self.files(), own(more)].concat()
    }

    pub fn transfers(&self) -> &[Value] {
        self.truth["transfers"].as_array().expect("transfers")
    }

    /// Every hash that is true of something transferred here, told or hidden.
    pub fn hashes(&self) -> Vec<&str> {
        let hidden = self.truth["hidden_transfers"].as_array().map_or(&[][..], Vec::as_slice);
        let all = self.transfers().iter().chain(hidden);
        all.filter_map(|transfer| transfer["sha256"].as_str()).collect()
    }
}

/// Arguments as `&str`, as the runner wants them.
pub fn borrowed(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}
