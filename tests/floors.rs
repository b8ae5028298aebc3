//! The house's rules that the compiler does not know: who may name which crate, and which floor
//! may look down on which.

use std::fs;
use std::path::{Path, PathBuf};

/// Each crate, and the only places that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("ahash", &["src/analysis/files.rs", "src/decode/", "src/session/", "src/tcp/"]),
    ("anyhow", &["src/cli/", "src/main.rs"]),
    ("base64", &["src/report/", "src/tui/terminal.rs"]),
    ("bzip2", &["src/capture/"]),
    ("chardetng", &["src/analysis/"]),
    ("chrono", &["src/report/human.rs", "src/time.rs"]),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("clap_complete", &["src/cli/"]),
    ("clap_mangen", &["src/cli/"]),
    ("crc32fast", &["src/hash/"]),
    (
        "crossbeam_channel",
        &[
            "src/analysis/",
            "src/capture/",
            "src/hash/",
            "src/report/lists.rs",
            "src/tui/content.rs",
            "src/tui/load.rs",
            "src/tui/mod.rs",
        ],
    ),
    ("crossterm", &["src/tui/"]),
    ("ctrlc", &["src/cli/"]),
    ("encoding_rs", &["src/analysis/"]),
    ("etherparse", &["src/decode/"]),
    ("file_format", &["src/transfer/"]),
    ("flate2", &["src/capture/", "src/transfer/decode/"]),
    ("indicatif", &["src/cli/"]),
    ("ipnet", &["src/analysis/", "src/cli/"]),
    ("liblzma", &["src/capture/"]),
    ("lz4_flex", &["src/capture/"]),
    ("md5", &["src/hash/"]),
    ("mimalloc", &["src/main.rs"]),
    ("nucleo_matcher", &["src/tui/"]),
    ("pcap_parser", &["src/capture/"]),
    ("ratatui", &["src/tui/"]),
    ("schemars", &["src/report/"]),
    ("serde", &["src/cli/policy.rs", "src/report/"]),
    ("serde_json", &["src/report/"]),
    ("sha1", &["src/hash/"]),
    ("sha2", &["src/hash/"]),
    ("tempfile", &["src/cli/tui.rs"]),
    ("tls_parser", &["src/tls/"]),
    ("toml", &["src/cli/"]),
    ("tui_input", &["src/tui/"]),
    ("unicode_width", &["src/report/"]),
    ("x509_parser", &["src/tls/"]),
    ("zstd", &["src/capture/"]),
];

/// The floors, each with those it may use.
const FLOORS: &[(&str, &[&str])] = &[
    ("capture", &["hash", "limits", "time"]),
    ("decode", &["capture", "limits", "time"]),
    ("tcp", &["decode", "time"]),
    ("ftp", &[]),
    ("tls", &["hash"]),
    ("session", &["decode", "ftp", "limits", "tcp", "time", "tls"]),
    ("transfer", &["decode", "ftp", "hash", "limits", "session", "tcp", "time", "tls"]),
    (
        "analysis",
        &[
            "capture", "decode", "ftp", "hash", "limits", "session", "tcp", "time", "tls",
            "transfer",
        ],
    ),
];

#[test]
fn every_crate_has_its_home() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    let names =
        dependencies.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    for name in names.filter(|name| *name != "thiserror") {
        let name = if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") };
        let homes = HOMES.iter().find(|(known, _)| *known == name);
        let (_, homes) = homes.unwrap_or_else(|| panic!("{name} has no home in this list"));
        for (path, text) in sources() {
            let at_home = homes.iter().any(|home| path.starts_with(home));
            let is_named = text.lines().any(|line| names_crate(line, &name));
            assert!(at_home || !is_named, "{path} names {name}");
        }
    }
}

#[test]
fn a_floor_knows_only_what_lies_below_it() {
    for (floor, below) in FLOORS {
        let prefix = format!("src/{floor}/");
        for (path, text) in sources().filter(|(path, _)| path.starts_with(&prefix)) {
            for used in text.split("crate::").skip(1) {
                let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let may = used == *floor || below.contains(&used);
                assert!(may, "{path} uses crate::{used}");
            }
        }
    }
}

/// Whether a line of code, not of a comment, has a path into the crate.
fn names_crate(line: &str, name: &str) -> bool {
    let code = line.trim_start();
    let is_path = |at: usize| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    };
    !code.starts_with("//") && code.match_indices(&format!("{name}::")).any(|(at, _)| is_path(at))
}

fn sources() -> impl Iterator<Item = (String, String)> {
    let mut found = Vec::new();
    collect(Path::new("src"), &mut found);
    found.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.to_str().unwrap().replace('\\', "/"), text)
    })
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}
