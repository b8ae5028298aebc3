//! What a transfer moved, read from the capture again.

mod common;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use common::sample::samples;
use ftpscope::analysis::{Analysis, Keeper};
use ftpscope::analyzer::{AnalysisOptions, analyze, open_near, replay};
use ftpscope::capture::{Capture, Marks, Progress, ReadOptions, Source};
use ftpscope::limits::Limits;
use ftpscope::transfer::ByteSink;

fn sources(files: &[String]) -> Vec<Source> {
    files.iter().map(|file| Source::File(PathBuf::from(file))).collect()
}

fn open(files: &[String]) -> Capture {
    Capture::open(&sources(files), ReadOptions::default()).unwrap()
}

fn analysed(files: &[String], reading: ReadOptions) -> Analysis {
    let mut capture = Capture::open(&sources(files), reading).unwrap();
    let mut keeper = Keeper::new(Limits::default());
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
        let noted = ReadOptions { marks: Some(Marks::every(1000)), ..ReadOptions::default() };
        for transfer in analysed(&files, noted.clone()).transfers {
            let Some(content) = transfer.content.as_ref().filter(|content| content.bytes > 0)
            else {
                continue;
            };
            let end = Arc::<Mutex<u64>>::default();
            let sink = || -> Box<dyn ByteSink> { Box::new(Counting(Arc::clone(&end))) };
            let mut capture = open_near(&sources(&files), noted.clone(), &transfer).unwrap();
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
    let analysis = analysed(&files, ReadOptions::default());
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

#[test]
fn only_the_range_of_a_data_connection_is_read_again() {
    let files = ["samples/mirror.pcap".to_owned()];
    let marks = Some(Marks::every(4096));
    let noted = ReadOptions { marks, ..ReadOptions::default() };
    let transfers = analysed(&files, noted.clone()).transfers;
    let last = transfers.iter().rfind(|transfer| transfer.has_file()).unwrap();
    let read = |reading: ReadOptions| {
        let reading = ReadOptions { progress: Progress::default(), ..reading };
        let mut capture = open_near(&sources(&files), reading, last).unwrap();
        let sink = || -> Box<dyn ByteSink> { Box::new(Counting(Arc::default())) };
        let again = replay(&mut capture, last, &AnalysisOptions::default(), sink, || false);
        let hash = again.unwrap().hashes.digests().sha256;
        (hash, capture.finish()[0].bytes)
    };
    let ((hash, bytes), (other, all)) = (read(noted), read(ReadOptions::default()));
    assert_eq!(hash, other);
    assert!(bytes * 4 < all, "{bytes} of {all}");
}
