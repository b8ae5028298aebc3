//! Compressed files that unpack without end.

use std::io::{self, Cursor, Read, Write};

use super::build::{LITTLE, pcap_of};
use super::{read, read_from, shown};
use crate::capture::{DamageKind, InputFacts, ReadOptions};
use crate::limits::Limits;

/// Bounds a test can reach in no time.
fn bounds(unpacked_bytes: u64, unpack_ratio: u64) -> ReadOptions {
    let limits = Limits { unpacked_bytes, unpack_ratio, ..Limits::default() };
    ReadOptions { limits, ..ReadOptions::default() }
}

/// A pcapng of empty custom blocks without end.
fn blocks() -> impl Read {
    let start = [LITTLE.section(), LITTLE.interface(1, 0, &[])].concat();
    Cursor::new(start).chain(Again(LITTLE.block(0xbad, &[0; 100_000]), 0))
}

/// Ordinary packets, each the same, without end.
fn packets() -> impl Read {
    let header = LITTLE.pcap(0xa1b2_c3d4, 0, 1);
    Cursor::new(header).chain(Again(LITTLE.record(1_767_323_045, 0, &[0; 1500]), 0))
}

#[test]
fn blocks_without_a_packet_end_where_the_bound_is() {
    for pack in [gzip, zstd, xz] {
        let packed = pack(&mut blocks().take(20 << 20));
        let (kept, facts) = read_from(Cursor::new(packed), &bounds(4 << 20, 1 << 40));
        assert!(kept.is_empty());
        assert!(matches!(facts.damage[0].what, DamageKind::Barren { .. }), "{:?}", shown(&facts));
        assert!((4 << 20..5 << 20).contains(&facts.damage[0].offset), "{:?}", shown(&facts));
        assert!(shown(&facts)[0].contains("unpacked to 4194304 bytes without a packet at byte"));
        assert_eq!(facts.limits_reached.get("unpacked_bytes"), Some(&1));
    }
}

#[test]
fn packets_are_read_however_many_up_to_the_ratio() {
    let packed = zstd(&mut packets().take(32 << 20));
    let whole = (32 << 20) / 1516;
    let (kept, facts) = read_from(Cursor::new(packed.clone()), &bounds(1 << 20, 1 << 40));
    assert_eq!((kept.len(), facts.damage[0].what.clone()), (whole, DamageKind::Cut));
    let (kept, facts) = read_from(Cursor::new(packed), &bounds(1 << 20, 100));
    assert!((600..whole).contains(&kept.len()), "{}", kept.len());
    assert!(matches!(facts.damage[0].what, DamageKind::Bomb { ratio: 100, .. }));
    assert_eq!(facts.limits_reached.get("unpack_ratio"), Some(&1));
    assert_eq!((facts.damage_count, facts.packets), (1, kept.len() as u64));
}

#[test]
fn a_small_file_may_have_any_ratio() {
    let packed = zstd(&mut packets().take(1516 * 200 + 24));
    let (kept, facts) = read_from(Cursor::new(packed), &bounds(1 << 20, 1));
    assert_eq!((kept.len(), facts.damage_count), (200, 0));
}

/// The default bounds, met by what anyone can make: zeros behind a header.
#[test]
fn zeros_behind_a_header_end_at_once() {
    let header = LITTLE.pcap(0xa1b2_c3d4, 0, 1);
    let packed = gzip(&mut Cursor::new(header).chain(io::repeat(0).take(100 << 20)));
    let (kept, facts) = read(&packed);
    assert_eq!(kept.len(), 0);
    let said = "reading ends: no record can begin here, or later at byte 24, after 0 packets";
    assert_eq!(shown(&facts), [said]);
}

#[test]
fn compression_is_taken_off_once() {
    let twice = gzip(&mut Cursor::new(gzip(&mut Cursor::new(pcap_of(&[(1, 1)])))));
    assert_eq!(
        refused(&read(&twice).1),
        "not a capture: gzip inside gzip; only one is taken off, unpack it once"
    );
    let nothing = gzip(&mut io::empty());
    assert_eq!(refused(&read(&nothing).1), "not a capture: nothing packed in a stream");
}

#[test]
fn a_decoder_that_wants_more_memory_than_allowed_is_no_corrupt_file() {
    let mut small = bounds(1 << 30, 1 << 30);
    small.limits.decoder_bytes = 1 << 17;
    let packed = xz(&mut packets().take(1 << 20));
    let (_, facts) = read_from(Cursor::new(packed), &small);
    let wanted = "unpacking the xz stream takes more than 131072 bytes of memory";
    assert_eq!(refused(&facts), wanted);
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(24).unwrap();
    io::copy(&mut packets().take(40 << 20), &mut encoder).unwrap();
    let (_, facts) = read_from(Cursor::new(encoder.finish().unwrap()), &small);
    assert_eq!(refused(&facts), wanted.replace("xz", "zstd"));
}

/// Frames without content, of which each decoder may take megabytes: no time, no memory.
#[test]
fn a_million_empty_frames_are_nothing() {
    let frame = lz4_flex::frame::FrameEncoder::new(Vec::new()).finish().unwrap();
    let empty = [frame.repeat(100_000), gzip(&mut io::empty()).repeat(100_000)];
    for packed in empty {
        assert_eq!(refused(&read(&packed).1), "not a capture: nothing packed in a stream");
    }
}

fn refused(facts: &InputFacts) -> String {
    facts.error.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// The same bytes again and again.
struct Again(Vec<u8>, usize);

impl Read for Again {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = (&self.0[self.1..]).read(into)?;
        self.1 = (self.1 + count) % self.0.len();
        Ok(count)
    }
}

fn gzip(bytes: &mut dyn Read) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    io::copy(bytes, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &mut dyn Read) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    io::copy(bytes, &mut encoder).unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &mut dyn Read) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    io::copy(bytes, &mut encoder).unwrap();
    encoder.finish().unwrap()
}
