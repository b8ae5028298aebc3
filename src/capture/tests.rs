//! Captures made by hand, byte by byte: every layout, every compression, and damage to all.

mod bombs;
mod broken;
mod build;
mod clock;
mod compression;
mod formats;
mod merging;

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::input::Input;
use super::reader::Reader;
use super::{InputFacts, ReadAhead, ReadOptions};
use crate::limits::Limits;

/// A frame that outlives its call: time, frame number, link type, bytes, length on the wire.
type Kept = (String, u64, u16, Vec<u8>, u32);

/// Reads `bytes` as one input of its own.
fn read(bytes: &[u8]) -> (Vec<Kept>, InputFacts) {
    read_from(io::Cursor::new(bytes.to_vec()), &ReadOptions::default())
}

fn read_from(source: impl Read + Send + 'static, options: &ReadOptions) -> (Vec<Kept>, InputFacts) {
    let input = Input::from_reader(source, options);
    let path = PathBuf::from("made");
    let mut reader = match Reader::open(input, 0, 1000, &ReadAhead::default(), options) {
        Ok(reader) => reader,
        Err(error) => {
            return (vec![], InputFacts { error: Some(error), ..InputFacts::unread(path) });
        }
    };
    let mut kept = Vec::new();
    while let Some(record) = reader.next() {
        kept.push(keep(&reader.frame(&record)));
    }
    (kept, reader.finish(path))
}

fn keep(frame: &super::Frame<'_>) -> Kept {
    let at = frame.stamp.at.to_string();
    (at, frame.stamp.frame(), frame.link.0, frame.bytes.to_vec(), frame.wire_len)
}

/// The packets' bytes alone.
fn payloads(kept: &[Kept]) -> Vec<&[u8]> {
    kept.iter().map(|(_, _, _, bytes, _)| bytes.as_slice()).collect()
}

/// All damage as it is shown.
fn shown(facts: &InputFacts) -> Vec<String> {
    facts.damage.iter().map(ToString::to_string).collect()
}

fn small_limits() -> ReadOptions {
    let limits = Limits { record_bytes: 1000, description_bytes: 200, ..Limits::default() };
    ReadOptions { limits, ..ReadOptions::default() }
}

/// Gives one byte a read, as the worst pipe would.
struct Dribble<R>(R);

impl<R: Read> Read for Dribble<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.by_ref().take(1).read(into)
    }
}

/// A sink that keeps `(input, first byte of the packet)`.
fn note(into: &mut Vec<(u16, u8)>) -> impl FnMut(super::Frame<'_>) -> ControlFlow<()> {
    |frame| {
        into.push((frame.stamp.input(), frame.bytes.first().copied().unwrap_or_default()));
        ControlFlow::Continue(())
    }
}
