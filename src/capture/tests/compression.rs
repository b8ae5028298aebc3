//! Packed captures, whole, in pieces and cut.

use std::io::{Cursor, Read, Write};

use super::build::{LITTLE, pcap_of};
use super::{Dribble, payloads, read, read_from, shown};
use crate::capture::{Compression, DamageKind, ReadOptions};

/// Packs `bytes` as one member, frame or stream.
type Pack = fn(&[u8]) -> Vec<u8>;

const PACKERS: [(Compression, &str, Pack); 5] = [
    (Compression::Gzip, "gzip", gzip),
    (Compression::Zstd, "zstd", zstd),
    (Compression::Lz4, "lz4", lz4),
    (Compression::Bzip2, "bzip2", bzip2),
    (Compression::Xz, "xz", xz),
];

#[test]
fn every_compression_is_recognised_in_one_piece_and_in_many() {
    let file = sample(300);
    let (plain, _) = read(&file);
    for (compression, name, pack) in PACKERS {
        let many: Vec<u8> = file.chunks(5000).flat_map(pack).collect();
        for packed in [pack(&file), many] {
            let (kept, facts) = read(&packed);
            assert_eq!(facts.compression, Some(compression));
            assert_eq!(facts.compression.map(Compression::name), Some(name));
            assert!(kept == plain && facts.damage.is_empty(), "{name} {:?}", shown(&facts));
            assert_eq!(facts.bytes, packed.len() as u64, "{name}");
            let (kept, _) = read_from(Dribble(Cursor::new(packed)), &ReadOptions::default());
            assert!(kept == plain, "{name} one byte a read");
        }
    }
}

#[test]
fn zero_padding_after_gzip_is_no_damage_but_rubbish_is() {
    let packed = gzip(&pcap_of(&[(1, 1), (2, 2)]));
    let (kept, facts) = read(&[&packed[..], &[0; 700]].concat());
    assert_eq!((kept.len(), facts.damage_count), (2, 0));
    let (kept, facts) = read(&[&packed[..], b"rubbish"].concat());
    assert_eq!((kept.len(), facts.damage_count), (2, 1));
}

/// A cut stream gives a beginning of the packets, and is called cut, at every length.
#[test]
fn a_cut_stream_gives_what_was_before() {
    let file = sample(40);
    let (plain, _) = read(&file);
    for (compression, name, pack) in PACKERS {
        let two = [pack(&file[..1000]), pack(&file[1000..])].concat();
        for packed in [pack(&file), two] {
            for len in 6..packed.len() {
                let (kept, facts) = read(&packed[..len]);
                assert!(plain.starts_with(&kept), "{name} cut at {len}");
                let cut = DamageKind::StreamCut(compression);
                let said = facts.damage.first().map(|damage| damage.what.clone());
                let is_said =
                    facts.error.is_some() || said == Some(cut) || said == Some(DamageKind::Cut);
                assert!(is_said, "{name} cut at {len} of {}: {:?}", packed.len(), shown(&facts));
            }
        }
    }
}

#[test]
fn packets_before_a_cut_or_corrupt_place_are_delivered() {
    let file = sample(3000);
    for (compression, name, pack) in PACKERS {
        let packed: Vec<u8> = file.chunks(30_000).flat_map(pack).collect();
        let (kept, facts) = read(&packed[..packed.len() - 20]);
        assert!(kept.len() > 2500, "{name}: {}", kept.len());
        assert_eq!(facts.damage[0].what, DamageKind::StreamCut(compression));
        let said = format!("the {name} stream is cut at byte ");
        assert!(shown(&facts)[0].starts_with(&said), "{:?}", shown(&facts));

        let mut corrupt = packed.clone();
        let at = corrupt.len() * 3 / 4;
        corrupt[at..at + 40].fill(0xaa);
        let (kept, facts) = read(&corrupt);
        assert!(kept.len() > 1000, "{name}: {}", kept.len());
        assert!(facts.damage_count > 0, "{name}");
    }
}

#[test]
fn a_packed_pcapng_and_a_packed_text_are_seen_through() {
    let ng = [LITTLE.section(), LITTLE.interface(1, 0, &[]), LITTLE.enhanced(0, 0, b"x")].concat();
    for (_, name, pack) in PACKERS {
        assert_eq!(payloads(&read(&pack(&ng)).0), [b"x"], "{name}");
        let (_, facts) = read(&pack(b"only text"));
        let error = facts.error.map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("not a capture: a text file"), "{name}");
    }
}

/// A pcap whose packets do not pack to nothing.
fn sample(packets: u32) -> Vec<u8> {
    let mut file = LITTLE.pcap(0xa1b2_c3d4, 0, 1);
    let mut noise = 7_u32;
    for nth in 0..packets {
        let packet: Vec<u8> = (0..80)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            })
            .collect();
        file.extend(LITTLE.record(nth, 0, &packet));
    }
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let checked = lz4_flex::frame::FrameInfo::new().content_checksum(true);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(checked, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let level = bzip2::Compression::fast();
    bzip2::read::BzEncoder::new(bytes, level).read_to_end(&mut packed).unwrap();
    packed
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    liblzma::read::XzEncoder::new(bytes, 0).read_to_end(&mut packed).unwrap();
    packed
}
