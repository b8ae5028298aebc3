//! A dialogue as a well-formed capture, mutated in what is said and in what the capture did to it.

#![no_main]

use std::sync::{Arc, Mutex};

use ftpscope::limits::Limits;
use ftpscope::session::DataId;
use ftpscope::tcp::Dir;
use ftpscope::transfer::{ByteSink, Face, Sinks};
use ftpscope_fuzz::story::Story;
use ftpscope_fuzz::{examine, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let story = Story::read(text);
    let path = scratch(0, &story.capture());
    let mut files = Files::default();
    let document = examine(&path, &Limits::default(), Some(&mut files)).expect("it is a capture");
    // With hardly any room for anything, all the same holds of what is left.
    let little = examine(&path, &small(), None).expect("it still is one");
    if story.is_hostile {
        return;
    }
    for document in [document, little] {
        for transfer in document["transfers"].as_array().expect("transfers") {
            let sha256 = transfer["hashes"]["sha256"].as_str().unwrap_or_default();
            let is_true = transfer["outcome"] != "complete" || story.is_true(sha256);
            assert!(is_true, "complete, and nobody sent it: {transfer:#}");
        }
    }
    let files = files.0.lock().unwrap();
    for (of, pieces) in files.iter() {
        // Where octets stand for others, those on the wire are what was sent.
        let (data, dir, face) = *of;
        let is_made =
            face == Face::File && files.iter().any(|(of, _)| *of == (data, dir, Face::Wire));
        let is_sent = || story.streams().any(|stream| is_of(stream, pieces));
        assert!(is_made || is_sent(), "nobody sent {pieces:?}");
    }
});

/// Whether all pieces are of this stream, of which the beginning may not be in the capture.
fn is_of(stream: &[u8], pieces: &Pieces) -> bool {
    let is_at = |start: usize, (at, bytes): &(u64, Vec<u8>)| {
        stream.get(start + *at as usize..).is_some_and(|rest| rest.starts_with(bytes))
    };
    (0..=stream.len()).any(|start| pieces.iter().all(|piece| is_at(start, piece)))
}

/// Pieces of a file with their offsets.
type Pieces = Vec<(u64, Vec<u8>)>;

/// Every file, in memory.
#[derive(Default)]
struct Files(Arc<Mutex<Vec<(Of, Pieces)>>>);

/// Whose bytes they are.
type Of = (DataId, Dir, Face);

struct InMemory {
    files: Arc<Mutex<Vec<(Of, Pieces)>>>,
    nth: usize,
}

impl Sinks for Files {
    fn open(&mut self, data: DataId, dir: Dir, face: Face) -> Option<Box<dyn ByteSink>> {
        let mut files = self.0.lock().unwrap();
        files.push(((data, dir, face), Vec::new()));
        Some(Box::new(InMemory { files: Arc::clone(&self.0), nth: files.len() - 1 }))
    }
}

impl ByteSink for InMemory {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.files.lock().unwrap()[self.nth].1.push((offset, bytes.to_vec()));
    }
}

fn small() -> Limits {
    Limits {
        connections: 3,
        early_bytes_each: 600,
        early_bytes_all: 1000,
        remembered_bytes: 8,
        compared_bytes: 16,
        compared: 1,
        anomalies: 1,
        unclear_bytes_each: 16,
        unclear_bytes_all: 32,
        not_ftp: 1,
        servers: 1,
        host_pairs: 1,
        line_bytes: 24,
        reply_bytes: 64,
        replies: 2,
        malformed_lines: 1,
        pending_commands: 2,
        open_transfers: 2,
        setups: 2,
        text_bytes: 512,
        document_bytes: 4096,
        sessions: 2,
        empty_sessions: 1,
        exchanges: 3,
        transfers: 2,
        promises: 2,
        promises_each: 1,
        orphans: 1,
        listing_bytes: 32,
        sizes: 1,
        ranges: 1,
        carried_bytes: 64,
        ..Limits::default()
    }
}
