//! What targets share: a file to read from, and what must hold of every document.

mod document;
#[path = "../../tests/common/script/mod.rs"]
mod script;
pub mod story;

use std::fs;
use std::path::{Path, PathBuf};

use ftpscope::analysis::Keeper;
use ftpscope::analyzer::{AnalysisOptions, analyze};
use ftpscope::capture::{Capture, Progress, ReadOptions, Source};
use ftpscope::limits::Limits;
use ftpscope::report::document::DocumentOptions;
use ftpscope::report::{json, text};
use ftpscope::transfer::Sinks;
use serde_json::Value;

/// Writes a file, in memory where the system has such a place; the same one each time.
pub fn scratch(nth: usize, bytes: &[u8]) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let path = place.join(format!("ftpscope-fuzz-{}-{nth}", std::process::id()));
    fs::write(&path, bytes).expect("room for a capture");
    path
}

/// Reads a capture in every way that prints, and holds the documents against each other and
/// against what a document must be. `None` if it is no capture.
pub fn examine(path: &Path, limits: &Limits, sinks: Option<&mut dyn Sinks>) -> Option<Value> {
    let first = document(path, limits, None, true)?;
    let second = document(path, limits, sinks, false)?;
    assert!(first == second, "the same twice");
    let value = serde_json::from_slice(&first).expect("the document is JSON");
    document::check(&value);
    let lines = lines(path, limits)?;
    document::check_lines(&value, &lines);
    Some(value)
}

fn document(
    path: &Path,
    limits: &Limits,
    sinks: Option<&mut dyn Sinks>,
    is_first: bool,
) -> Option<Vec<u8>> {
    let mut capture = open(path, limits)?;
    let mut keeper = Keeper::new(limits.clone());
    // Not for longer than the keeper.
    let sinks = sinks.map(|sinks| sinks as &mut dyn Sinks);
    let facts = analyze(&mut capture, &options(limits), sinks, &mut keeper);
    let analysis = keeper.finish(facts, capture.finish());
    let mut document = Vec::new();
    json::write(&analysis, None, DocumentOptions::default(), 2, &mut document)
        .expect("memory takes it");
    if is_first {
        visible(&document);
        let mut report = Vec::new();
        let style = text::Style { colour: false, width: 80, show_secrets: true };
        text::write(&analysis, &style, &mut report).expect("memory takes it");
        visible(&report);
    }
    Some(document)
}

fn lines(path: &Path, limits: &Limits) -> Option<Vec<Value>> {
    let mut capture = open(path, limits)?;
    let mut out = Vec::new();
    let mut lines = json::Lines::new(&mut out, DocumentOptions::default(), Progress::default());
    let facts = analyze(&mut capture, &options(limits), None, &mut lines);
    lines.finish(&facts, &capture.finish()).expect("memory takes it");
    visible(&out);
    let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Some(lines.map(|line| serde_json::from_slice(line).expect("a line is JSON")).collect())
}

fn open(path: &Path, limits: &Limits) -> Option<Capture> {
    let options = ReadOptions { limits: limits.clone(), ..ReadOptions::default() };
    Capture::open(&[Source::File(path.to_owned())], options).ok()
}

fn options(limits: &Limits) -> AnalysisOptions {
    AnalysisOptions { limits: limits.clone(), ..AnalysisOptions::default() }
}

/// Nothing that acts on a terminal or turns the writing direction.
fn visible(out: &[u8]) {
    let text = std::str::from_utf8(out).expect("all output is UTF-8");
    let turns = |c| matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let hidden = text.chars().find(|c| *c != '\n' && (c.is_control() || turns(*c)));
    assert_eq!(hidden, None);
}
