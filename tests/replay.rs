//! What a transfer moved, read from the capture again.

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use common::sample::samples;
use ftpscope::analysis::{Analysis, Keeper};
use ftpscope::analyzer::{AnalysisOptions, analyze, replay};
use ftpscope::capture::{Capture, ReadOptions, Source};
use ftpscope::limits::Limits;
use ftpscope::transfer::ByteSink;

fn open(files: &[String]) -> Capture {
    let sources: Vec<_> = files.iter().map(|file| Source::File(PathBuf::from(file))).collect();
    Capture::open(&sources, ReadOptions::default()).unwrap()
}

fn analysed(files: &[String]) -> Analysis {
    let (mut capture, mut keeper) = (open(files), Keeper::new(Limits::default()));
    let facts = analyze(&mut capture, &AnalysisOptions::default(), None, &mut keeper);
    keeper.finish(facts, capture.finish())
}

/// Counts what it is given, in order.
struct Counting(Arc<Mutex<u64>>);

impl ByteSink for Counting {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut end = self.0.lock().unwrap();
        assert!(offset >= *end, "offsets only grow");
        *end = offset + bytes.len() as u64;
    }
}

#[test]
fn every_transfer_of_every_sample_is_the_same_when_read_again() {
    let mut seen = 0;
    for sample in samples() {
        let files = sample.files();
        for transfer in analysed(&files).transfers {
            let Some(content) = transfer.content.as_ref().filter(|content| content.bytes > 0)
            else {
                continue;
            };
            let end = Arc::<Mutex<u64>>::default();
            let sink = || -> Box<dyn ByteSink> { Box::new(Counting(Arc::clone(&end))) };
            let mut capture = open(&files);
            let options = AnalysisOptions::default();
            let again = replay(&mut capture, &transfer, &options, sink, || false);
            let again = again.unwrap_or_else(|| panic!("{}: {transfer:#?}", sample.name));
            assert_eq!(again.bytes, content.bytes, "{}", sample.name);
            let hashes = [&again, content].map(|content| content.hashes.digests());
            assert_eq!(hashes[0], hashes[1], "{}", sample.name);
            let files = [&again, content].map(|content| content.file_hashes().digests());
            assert_eq!(files[0], files[1], "{}", sample.name);
            assert!(*end.lock().unwrap() > 0);
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn reading_again_ends_when_there_is_enough() {
    let files = ["samples/mirror.pcap".to_owned()];
    let analysis = analysed(&files);
    let transfer = analysis
        .transfers
        .iter()
        .max_by_key(|transfer| transfer.content.as_ref().map(|content| content.bytes));
    let transfer = transfer.unwrap();
    let end = Arc::<Mutex<u64>>::default();
    let sink = || -> Box<dyn ByteSink> { Box::new(Counting(Arc::clone(&end))) };
    let is_enough = || *end.lock().unwrap() > 0;
    let options = AnalysisOptions::default();
    assert!(replay(&mut open(&files), transfer, &options, sink, is_enough).is_none());
    let read = *end.lock().unwrap();
    assert!(read > 0 && read < transfer.content.as_ref().unwrap().bytes, "{read}");
}
