//! Cuts seeds for the targets from the samples into `corpus/`.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ftpscope::capture::{Capture, Frame, ReadOptions, Source};
use ftpscope::decode::{Decoded, Decoder};
use ftpscope::limits::Limits;

fn main() {
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).expect("the fuzz crate");
    let mut samples: Vec<PathBuf> = fs::read_dir("../samples")
        .expect("the samples")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.to_string_lossy().contains(".pcap"))
        .collect();
    samples.sort();
    for path in samples {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("a sample is readable");
        for target in ["capture", "pipeline"] {
            keep(target, &name, &bytes[..bytes.len().min(MOST)]);
        }
        let mut seeds = Seeds::default();
        let source = [Source::File(path)];
        let mut capture = Capture::open(&source, ReadOptions::default()).expect("a capture");
        let mut decoder = Decoder::new(&Limits::default());
        capture.for_each(|frame| {
            seeds.add(&frame, &mut decoder);
            ControlFlow::Continue(())
        });
        keep("decode", &name, &seeds.frames);
        for (side, said) in ["client", "server"].iter().zip(&seeds.said) {
            // 1,020 bytes of a line are kept, pieces of 7, no gap.
            keep("lines", &format!("{name}-{side}"), &[&[255, 7, 0], said.as_slice()].concat());
        }
        for (nth, line) in seeds.announcing().enumerate() {
            keep("announced", &format!("{name}-{nth}"), line);
        }
    }
    for entry in fs::read_dir("seeds/dialogue").expect("the dialogues") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        keep("dialogue", &name, &fs::read(&path).expect("a dialogue is readable"));
    }
}

/// What one sample gives.
#[derive(Default)]
struct Seeds {
    frames: Vec<u8>,
    /// By clients and by servers, on port 21.
    said: [Vec<u8>; 2],
    listings: Vec<u8>,
}

impl Seeds {
    fn add(&mut self, frame: &Frame<'_>, decoder: &mut Decoder) {
        if self.frames.len() + frame.bytes.len() < MOST {
            let (link, len) = (frame.link.0.to_be_bytes(), frame.bytes.len() as u16);
            let cut = (frame.wire_len as usize - frame.bytes.len()).min(255) as u8;
            self.frames.extend([link[0], link[1], 1]);
            self.frames.extend(len.to_be_bytes());
            self.frames.push(cut);
            self.frames.extend(frame.bytes);
        }
        let Decoded::Tcp(segment) = decoder.decode(frame) else { return };
        let (said, is_control) = match (segment.src.port, segment.dst.port) {
            (_, 21) => (&mut self.said[0], true),
            (21, _) => (&mut self.said[1], true),
            _ => (&mut self.listings, false),
        };
        let is_text = segment.payload.starts_with(b"-rw") || segment.payload.starts_with(b"type=");
        if (is_control || is_text) && said.len() + segment.payload.len() < MOST {
            said.extend(segment.payload);
        }
    }

    /// What announces an address, and the listings.
    fn announcing(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.said.iter().flat_map(|said| said.split(|byte| *byte == b'\n'));
        let words = [&b"227"[..], b"228", b"229", b"PORT", b"EPRT", b"LPRT"];
        let lines = lines.filter(move |line| words.iter().any(|word| line.starts_with(word)));
        // Commands are parsed without their verb.
        let lines =
            lines.map(|line| line.get(5..).filter(|_| !line[0].is_ascii_digit()).unwrap_or(line));
        lines.take(4).chain(Some(&self.listings[..]).filter(|text| !text.is_empty()))
    }
}

fn keep(target: &str, name: &str, seed: &[u8]) {
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder).expect("room for seeds");
    fs::write(folder.join(format!("seed-{name}")), seed).expect("room for seeds");
}

/// Bytes of one seed: libFuzzer is at its best below some kilobytes.
const MOST: usize = 4 << 10;
