//! Every sample, damaged in every usual way: no panic, a valid document, and nothing but truth.

mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use common::document::Document;
use common::program::Scratch;
use common::sample::{Sample, samples};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use ftpscope::analysis::{Audit, Keeper, Policy};
use ftpscope::analyzer::{AnalysisOptions, analyze};
use ftpscope::capture::{Capture, ReadOptions, Source};
use ftpscope::limits::Limits;
use ftpscope::report::document::DocumentOptions;
use ftpscope::report::json;

/// A capture taken apart: what stands before the packets, and each packet's record.
#[derive(Clone)]
struct Records {
    head: Vec<u8>,
    list: Vec<Vec<u8>>,
    /// Where a record keeps its time, and its header's length.
    time: std::ops::Range<usize>,
    header: usize,
}

/// A sample's captures, uncompressed, and what is true of them.
struct Subject {
    name: String,
    captures: Vec<Records>,
    /// Undamaged, as `command name outcome hash`.
    whole: Vec<String>,
    /// What a complete transfer may be, as `command name hash`.
    true_files: BTreeSet<String>,
    scratch: Scratch,
    complaints: RefCell<Vec<String>>,
}

impl Subject {
    fn new(sample: &Sample) -> Self {
        let captures: Vec<Records> = sample.files().iter().map(|file| Records::of(file)).collect();
        let mut subject = Self {
            name: sample.name.clone(),
            captures,
            whole: Vec::new(),
            true_files: BTreeSet::new(),
            scratch: Scratch::new(),
            complaints: RefCell::default(),
        };
        let files: Vec<_> = subject.captures.iter().map(Records::join).collect();
        let document = subject.read(&files).expect("a sample is readable");
        subject.whole = told(&document);
        // Held against the truth by tests/samples.rs, as far as there is one beside the capture.
        subject.true_files.extend(complete(&document));
        if sample.name == "attack-overlap" {
            // Where the command is missing, the decoy after it is all there is.
            let decoy = |file: &String| file.replace("payroll.csv", "weather.csv");
            let decoys: Vec<_> = subject.true_files.iter().map(decoy).collect();
            subject.true_files.extend(decoys);
        }
        subject
    }

    /// What the pipeline makes of these files; `None` if none can be read.
    fn read(&self, files: &[Vec<u8>]) -> Option<Document> {
        let paths = files.iter().enumerate();
        let paths = paths.map(|(nth, bytes)| self.scratch.file(&format!("{nth}.pcap"), bytes));
        let sources: Vec<Source> = paths.map(|path| Source::File(path.into())).collect();
        let mut capture = Capture::open(&sources, ReadOptions::default()).ok()?;
        let mut keeper = Keeper::new(Limits::default());
        let facts = analyze(&mut capture, &AnalysisOptions::default(), None, &mut keeper);
        let mut analysis = keeper.finish(facts, capture.finish());
        let policy = Policy::default();
        analysis.judge(&policy, &Limits::default(), 2);
        let audit = Audit::new(&analysis, &policy);
        let mut text = Vec::new();
        json::write(&analysis, Some(&audit), DocumentOptions::default(), 2, &mut text)
            .expect("memory takes it");
        Some(Document(serde_json::from_slice(&text).expect("the document is JSON")))
    }

    /// Damages one of the captures and reads them all.
    fn damaged(&self, what: &str, damage: impl Fn(&Records) -> Vec<u8>) -> Option<Document> {
        let mut files: Vec<_> = self.captures.iter().map(Records::join).collect();
        let last = files.len() - 1;
        files[last] = damage(&self.captures[last]);
        let read = catch_unwind(AssertUnwindSafe(|| self.read(&files)));
        read.unwrap_or_else(|_| panic!("{} with {what}", self.name))
    }

    /// Nothing that is called complete is anything but what was transferred.
    fn assert_true(&self, what: &str, document: Option<&Document>) {
        let files = document.map(complete).unwrap_or_default();
        // A name that is not known is no claim.
        let nameless = self.true_files.iter().filter_map(|file| {
            let (command, hash) = (file.split_once(' ')?.0, file.rsplit_once(' ')?.1);
            Some(format!("{command} - {hash}"))
        });
        let nameless: BTreeSet<_> = nameless.collect();
        for file in files.difference(&self.true_files).filter(|file| !nameless.contains(*file)) {
            self.complain(format!("{} with {what}: complete {file}", self.name));
        }
    }

    /// The damage changed no transfer.
    fn assert_same(&self, what: &str, document: Option<&Document>) {
        let seen = document.map(told).unwrap_or_default();
        if seen.len() != self.whole.len() {
            self.complain(format!("{} with {what}: {} transfers", self.name, seen.len()));
        }
        let sorted = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        if sorted(&seen) == sorted(&self.whole) {
            // Commands of two sessions that changed places.
            return;
        }
        for (seen, whole) in
            seen.iter().zip(&self.whole).filter(|(seen, whole)| !agree(seen, whole))
        {
            self.complain(format!("{} with {what}: {seen}, not {whole}", self.name));
        }
    }

    fn complain(&self, complaint: String) {
        self.complaints.borrow_mut().push(complaint);
    }
}

/// Whether two transfers are told alike. How much of an aborted one is captured depends on the
/// place of the reset; and a third host's connection that was turned away is known only if it
/// stands behind its announcement.
fn agree(seen: &str, whole: &str) -> bool {
    let parts = [seen, whole].map(|told| told.rsplit_once(' ').unwrap_or_default());
    let ends = |word: &str| parts.iter().all(|(told, _)| told.ends_with(word));
    let is_vague = ends(" aborted") || ends(" no_connection");
    seen == whole || is_vague && parts[0].0 == parts[1].0
}

/// Every transfer as `command name outcome hash`.
fn told(document: &Document) -> Vec<String> {
    let told = document.transfers().map(|moved| {
        let words = ["/command", "/name", "/outcome", "/hashes/sha256"];
        words
            .map(|path| moved.0.pointer(path).and_then(|word| word.as_str()).unwrap_or("-"))
            .join(" ")
    });
    told.collect()
}

/// What is called complete, as `command name hash`.
fn complete(document: &Document) -> BTreeSet<String> {
    let complete = document.transfers().filter(|moved| moved.outcome() == "complete");
    let file = complete.map(|moved| {
        let [command, hash] = ["/command", "/hashes/sha256"]
            .map(|path| moved.0.pointer(path).and_then(|word| word.as_str()).unwrap_or("-"));
        // The reply that names it may be lost.
        let name = if command == "STOU" { "-" } else { moved.name() };
        format!("{command} {name} {hash}")
    });
    file.collect()
}

impl Records {
    fn of(file: &str) -> Self {
        let mut bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        if file.ends_with(".gz") {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
            bytes = plain;
        }
        if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            Self::blocks(&bytes)
        } else {
            Self::classic(&bytes)
        }
    }

    fn classic(bytes: &[u8]) -> Self {
        let (head, rest) = bytes.split_at(24);
        let list = pieces(rest, |rest| 16 + word(rest, 8));
        Self { head: head.to_vec(), list, time: 0..8, header: 16 }
    }

    /// The section header and the interfaces are the head; all other blocks are records.
    fn blocks(bytes: &[u8]) -> Self {
        let blocks = pieces(bytes, |rest| word(rest, 4));
        let first = blocks.iter().position(|block| block[0] == 6).expect("a packet block");
        let (head, list) = blocks.split_at(first);
        Self { head: head.concat(), list: list.to_vec(), time: 12..20, header: 28 }
    }

    fn join(&self) -> Vec<u8> {
        [&self.head[..], &self.list.concat()].concat()
    }

    fn is_packet(&self, at: usize) -> bool {
        self.header == 16 || self.list[at][0] == 6
    }

    /// Two packets in each other's place, the times in order.
    fn swap(&mut self, at: usize) {
        if at + 1 >= self.list.len() || !self.is_packet(at) || !self.is_packet(at + 1) {
            return;
        }
        self.list.swap(at, at + 1);
        let (before, after) = self.list.split_at_mut(at + 1);
        let time = self.time.clone();
        before[at][time.clone()].swap_with_slice(&mut after[0][time]);
    }

    /// Cuts what was captured of every packet, as a snap length does; classic captures only.
    fn snap(&self, most: usize) -> Vec<u8> {
        let records = self.list.iter().map(|record| {
            let mut record = record[..record.len().min(16 + most)].to_vec();
            let captured = (record.len() - 16) as u32;
            record[8..12].copy_from_slice(&captured.to_le_bytes());
            record
        });
        [&self.head[..], &records.collect::<Vec<_>>().concat()].concat()
    }
}

fn pieces(mut rest: &[u8], len: impl Fn(&[u8]) -> usize) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(len(rest));
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Numbers that a seed decides (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    /// Some of `0..bound`: one in `rarity`, at least one, in falling order.
    fn some(&mut self, bound: usize, rarity: usize) -> Vec<usize> {
        let mut some: Vec<usize> = (0..bound).filter(|_| self.below(rarity) == 0).collect();
        if some.is_empty() && bound > 0 {
            some.push(self.below(bound));
        }
        some.reverse();
        some
    }
}

/// Runs `check` on every sample, and fails with all it complains of.
fn each(check: impl Fn(&Subject)) {
    let complaints = samples().into_iter().flat_map(|sample| {
        let subject = Subject::new(&sample);
        check(&subject);
        subject.complaints.take()
    });
    let complaints: Vec<String> = complaints.collect();
    let first = complaints.iter().take(40).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(complaints.is_empty(), "{} complaints:\n{first}", complaints.len());
}

#[test]
fn a_capture_cut_anywhere_tells_nothing_false() {
    each(|subject| {
        let len = subject.captures.last().unwrap().join().len();
        for step in 0..60 {
            let cut = len * step / 60 + step % 3;
            let what = format!("{cut} of {len} bytes");
            let document = subject.damaged(&what, |records| records.join()[..cut].to_vec());
            subject.assert_true(&what, document.as_ref());
        }
    });
}

#[test]
fn bits_flipped_anywhere_are_survived() {
    each(|subject| {
        for seed in 0..30 {
            let what = format!("bits flipped by seed {seed}");
            subject.damaged(&what, |records| {
                let (mut bytes, mut dice) = (records.join(), Dice(seed));
                for _ in 0..1 + dice.below(20) {
                    let at = dice.below(bytes.len());
                    bytes[at] ^= 1 << dice.below(8);
                }
                bytes
            });
        }
    });
}

/// Where the checksums are those of the wire, no octet that counts can change unnoticed.
#[test]
fn bits_flipped_in_packets_with_checksums_tell_nothing_false() {
    each(|subject| {
        if subject.captures.iter().any(|records| records.head[20..24] != [1, 0, 0, 0]) {
            return;
        }
        for seed in 0..60 {
            let what = format!("bits of packets flipped by seed {seed}");
            let document = subject.damaged(&what, |records| {
                let (mut damaged, mut dice) = (records.clone(), Dice(seed));
                damaged.list.iter_mut().for_each(|record| sum_up(&mut record[16..]));
                // If every packet of a direction is damaged, nothing tells damage from checksums
                // that a network card was to fill in.
                for _ in 0..1 + dice.below((damaged.list.len() / 20).max(1)) {
                    let record = dice.below(damaged.list.len());
                    let at = 16 + dice.below(damaged.list[record].len() - 16);
                    damaged.list[record][at] ^= 1 << dice.below(8);
                }
                damaged.join()
            });
            subject.assert_true(&what, document.as_ref());
        }
    });
}

/// Gives an Ethernet frame the TCP checksum that a network card would have.
fn sum_up(frame: &mut [u8]) {
    if let Some((at, sum)) = checksum(frame) {
        frame[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// Where the checksum stands, and what it is to be.
fn checksum(frame: &[u8]) -> Option<(usize, u16)> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { return None };
    let at = tcp.slice().as_ptr() as usize - frame.as_ptr() as usize + 16;
    let sum = match packet.net? {
        NetSlice::Ipv4(ip) => {
            tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination())
        }
        NetSlice::Ipv6(ip) => {
            tcp.calc_checksum_ipv6(ip.header().source(), ip.header().destination())
        }
        NetSlice::Arp(_) => return None,
    };
    Some((at, sum.ok()?))
}

#[test]
fn bits_flipped_in_the_headers_of_records_tell_nothing_false() {
    each(|subject| {
        for seed in 0..30 {
            let what = format!("headers damaged by seed {seed}");
            let document = subject.damaged(&what, |records| {
                let (mut damaged, mut dice) = (records.clone(), Dice(seed));
                for _ in 0..1 + dice.below(5) {
                    let record = dice.below(damaged.list.len());
                    let at = dice.below(damaged.header.min(damaged.list[record].len()));
                    damaged.list[record][at] ^= 1 << dice.below(8);
                }
                damaged.join()
            });
            subject.assert_true(&what, document.as_ref());
        }
    });
}

#[test]
fn dropped_packets_are_never_hidden() {
    each(|subject| {
        for (seed, rarity) in [3, 10, 30, 100].into_iter().cycle().enumerate().take(40) {
            let what = format!("one in {rarity} packets dropped by seed {seed}");
            let document = subject.damaged(&what, |records| {
                let mut damaged = records.clone();
                for at in Dice(seed as u64).some(records.list.len(), rarity) {
                    damaged.list.remove(at);
                }
                damaged.join()
            });
            subject.assert_true(&what, document.as_ref());
        }
    });
}

#[test]
fn each_single_packet_can_be_missing() {
    each(|subject| {
        let count = subject.captures.last().unwrap().list.len();
        // All of a small capture, some of a large one.
        for at in (0..count).step_by(count.div_ceil(80)) {
            let what = format!("packet {at} dropped");
            let document = subject.damaged(&what, |records| {
                let mut damaged = records.clone();
                damaged.list.remove(at);
                damaged.join()
            });
            subject.assert_true(&what, document.as_ref());
        }
    });
}

#[test]
fn doubled_packets_change_nothing() {
    each(|subject| {
        for (seed, rarity) in [1, 3, 30].into_iter().cycle().enumerate().take(9) {
            let what = format!("one in {rarity} packets doubled by seed {seed}");
            let document = subject.damaged(&what, |records| {
                let mut damaged = records.clone();
                for at in Dice(seed as u64).some(records.list.len(), rarity) {
                    if records.is_packet(at) {
                        damaged.list.insert(at, records.list[at].clone());
                    }
                }
                damaged.join()
            });
            subject.assert_same(&what, document.as_ref());
        }
    });
}

#[test]
fn swapped_packets_change_nothing() {
    each(|subject| {
        // A stranger's connection is known only if it stands behind its announcement.
        if subject.name.starts_with("attack-steal") {
            return;
        }
        for (seed, rarity) in [5, 20, 100].into_iter().cycle().enumerate().take(15) {
            let what = format!("one in {rarity} packets swapped by seed {seed}");
            let document = subject.damaged(&what, |records| {
                let mut damaged = records.clone();
                // No packet moves twice.
                let mut last = usize::MAX;
                for at in Dice(seed as u64).some(records.list.len(), rarity) {
                    if last == usize::MAX || at + 1 < last {
                        damaged.swap(at);
                        last = at;
                    }
                }
                damaged.join()
            });
            subject.assert_same(&what, document.as_ref());
        }
    });
}

#[test]
fn a_snap_length_hides_no_loss() {
    each(|subject| {
        if subject.captures.iter().any(|records| records.header != 16) {
            return;
        }
        for most in [60, 66, 68, 80, 96, 100, 128, 150, 200, 256, 400, 600, 800, 1000, 1400, 1500] {
            let what = format!("a snap length of {most}");
            let document = subject.damaged(&what, |records| records.snap(most));
            subject.assert_true(&what, document.as_ref());
        }
    });
}
