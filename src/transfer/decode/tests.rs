use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

#[test]
fn what_an_obvious_encoder_sent_is_decoded_again() {
    for form in all_forms() {
        let mut rng = Lcg(0x5eed);
        for round in 0..200 {
            let sent = Sent::random(&form, &mut rng);
            let (got, finished) = decode(&form, UNBOUNDED, &cut(&sent.wire, &mut rng));
            assert_eq!(got, sent.file, "{form:?}, round {round}: {}", sent.wire.escape_ascii());
            assert_eq!(finished.error, None, "{form:?}, round {round}");
            assert_eq!(finished.records, sent.records, "{form:?}, round {round}");
            assert_eq!(finished.markers.count, sent.markers, "{form:?}, round {round}");
            assert_eq!(finished.decoded, sent.file.len() as u64);
            assert!(finished.ended, "{form:?}, round {round}: {}", sent.wire.escape_ascii());
        }
    }
}

#[test]
fn no_bytes_panic_or_exceed_the_bounds_or_depend_on_where_they_are_cut() {
    let bounds = Bounds { bytes: 64, ratio: 3 };
    for form in all_forms() {
        let mut rng = Lcg(0xbad);
        for _ in 0..500 {
            let wire = damaged(&form, &mut rng);
            let cut = cut(&wire, &mut rng);
            let whole = decode(&form, UNBOUNDED, &[&wire]);
            assert_eq!(decode(&form, UNBOUNDED, &cut), whole, "{form:?} {}", wire.escape_ascii());

            let (got, _) = decode(&form, bounds, &cut);
            // A record end is no unpacked byte, and takes more room on the wire than in the file.
            assert!(got.len() <= 64.max(3 * wire.len()) + wire.len(), "{form:?}");
            let mut decoder = Decoder::new(&form, bounds);
            for piece in cut {
                decoder.push(piece, &mut |_| {});
                decoder.gap(&mut |_| {});
            }
            let _ = decoder.finish(&mut |_| {});
        }
    }
}

#[test]
fn the_words_say_what_is_undone_in_order() {
    let form = |kind, structure, mode| Form { kind, structure, mode };
    for (form, words) in [
        (form(Kind::Image, Structure::File, Mode::Stream), &[][..]),
        (form(Kind::Image, Structure::File, Mode::Deflate), &["deflate"]),
        (form(Kind::Ascii, Structure::Record, Mode::Block), &["block", "record", "ascii"]),
        (form(Kind::Ebcdic, Structure::Page, Mode::Compressed), &["compressed", "page", "ebcdic"]),
    ] {
        assert_eq!(form.how().collect::<Vec<_>>(), words);
        assert_eq!(form.is_plain(), words.is_empty());
    }
}

#[test]
fn the_types_and_structures_meet_in_the_modes() {
    let form = |kind, structure, mode| Form { kind, structure, mode };
    for (form, sent, wanted, records) in [
        // A CR at the end of a record is data and no half of a line end.
        (form(Kind::Ascii, Structure::Record, Mode::Stream), &b"a\r\xff\x03"[..], &b"a\r\n"[..], 1),
        (form(Kind::Ascii, Structure::Record, Mode::Block), b"\xc0\x00\x04a\r\nb", b"a\nb\n", 1),
        (
            form(Kind::Image, Structure::Record, Mode::Stream),
            b"\x00\xff\xff\xff\x03",
            b"\0\xff\n",
            1,
        ),
        // In block mode 0xFF is a byte like another.
        (
            form(Kind::Image, Structure::Record, Mode::Block),
            b"\xc0\x00\x02\xff\x01",
            b"\xff\x01\n",
            1,
        ),
        // z/OS: `TYPE E`, `MODE B`, and the records of a transfer that was to have none.
        (
            form(Kind::Ebcdic, Structure::File, Mode::Block),
            b"\x80\x00\x02\xc1\xc2\x40\x00\x02\xc3\xc4",
            b"AB\nCD",
            1,
        ),
        (form(Kind::Image, Structure::File, Mode::Block), b"\xc0\x00\x02ab", b"ab", 1),
        (
            form(Kind::Ebcdic, Structure::File, Mode::Compressed),
            b"\x01\xc1\xc2\x00\x40\x01\xf1",
            b"A  1",
            0,
        ),
    ] {
        let (got, finished) = decode(&form, UNBOUNDED, &[sent]);
        assert_eq!(got, wanted, "{form:?}: {}", sent.escape_ascii());
        assert_eq!((finished.ended, finished.error), (true, None), "{form:?}");
        assert_eq!(finished.records, records, "{form:?}");
    }
}

#[test]
fn markers_stand_where_they_were_in_the_decoded_file() {
    let form = Form { kind: Kind::Ascii, structure: Structure::File, mode: Mode::Block };
    let mut sent = b"\x00\x00\x04a\r\nb\x10\x00\x032:1\x00\x00\x01c".to_vec();
    sent.extend(b"\x10\x00\x01x".repeat(9));
    let (_, finished) = decode(&form, UNBOUNDED, &[&sent]);
    assert_eq!(finished.markers.count, 10);
    assert_eq!(finished.markers.first.len(), 8);
    assert_eq!(finished.markers.first[0], Marker { at: 3, text: b"2:1".to_vec() });
    assert_eq!(finished.markers.first[7], Marker { at: 4, text: b"x".to_vec() });
}

#[test]
fn a_gap_stops_what_depends_on_the_bytes_before() {
    for form in all_forms() {
        let mut decoder = Decoder::new(&form, UNBOUNDED);
        decoder.gap(&mut |_| {});
        let goes_on = form.mode == Mode::Stream && form.structure == Structure::File;
        let wanted = (!goes_on).then_some(DecodeError::OutOfStep { at: 0 });
        let finished = decoder.finish(&mut |_| {});
        assert_eq!(finished.error, wanted, "{form:?}");
        assert_eq!(finished.ended, goes_on, "{form:?}");
    }
}

#[test]
fn a_cr_in_front_of_a_gap_is_on_its_side_of_it() {
    let form = Form { kind: Kind::Ascii, ..Form::default() };
    let mut decoder = Decoder::new(&form, UNBOUNDED);
    let (mut before, mut behind) = (Vec::new(), Vec::new());
    decoder.push(b"a\r", &mut |bytes| before.extend_from_slice(bytes));
    decoder.gap(&mut |bytes| before.extend_from_slice(bytes));
    decoder.push(b"\nb", &mut |bytes| behind.extend_from_slice(bytes));
    let finished = decoder.finish(&mut |_| {});
    assert_eq!((&before[..], &behind[..]), (&b"a\r"[..], &b"\nb"[..]));
    assert_eq!(finished.line_ends, LineEnds { crlf: 0, lf: 1, cr: 1 });
}

#[test]
fn bytes_missing_behind_the_end_do_not_make_the_file_incomplete() {
    let form = Form { kind: Kind::Image, structure: Structure::File, mode: Mode::Block };
    let mut decoder = Decoder::new(&form, UNBOUNDED);
    decoder.push(b"\x40\x00\x01a", &mut |_| {});
    decoder.gap(&mut |_| {});
    let finished = decoder.finish(&mut |_| {});
    assert_eq!((finished.ended, finished.error), (true, Some(DecodeError::AfterEnd { at: 4 })));
}

#[test]
fn pages_are_not_decoded() {
    let form = Form { kind: Kind::Image, structure: Structure::Page, mode: Mode::Stream };
    let (got, finished) = decode(&form, UNBOUNDED, &[b"\x04\x00\x01\x01a"]);
    assert_eq!((&got[..], finished.ended), (&b""[..], false));
    assert_eq!(finished.error, Some(DecodeError::PageStructure));
}

#[test]
fn what_compressed_mode_unpacks_to_is_bounded() {
    let form = Form { kind: Kind::Image, structure: Structure::File, mode: Mode::Compressed };
    let (got, finished) =
        decode(&form, Bounds { bytes: 100, ratio: 10 }, &[&[0xFF; 1], &[0xFF; 9]]);
    assert_eq!(got, [0; 100]);
    assert_eq!(finished.error, Some(DecodeError::Bound { at: 2 }));
}

/// Decodes the pieces.
fn decode(form: &Form, bounds: Bounds, pieces: &[&[u8]]) -> (Vec<u8>, Finished) {
    let (mut decoder, mut got) = (Decoder::new(form, bounds), Vec::new());
    for piece in pieces {
        decoder.push(piece, &mut |bytes| {
            assert!(!bytes.is_empty() && bytes.len() <= PIECE_BYTES.max(piece.len()));
            got.extend_from_slice(bytes);
        });
    }
    let finished = decoder.finish(&mut |bytes| got.extend_from_slice(bytes));
    (got, finished)
}

fn all_forms() -> impl Iterator<Item = Form> {
    let modes = [Mode::Stream, Mode::Block, Mode::Compressed, Mode::Deflate];
    modes.into_iter().flat_map(|mode| {
        [Structure::File, Structure::Record].into_iter().flat_map(move |structure| {
            [Kind::Image, Kind::Ascii, Kind::Ebcdic]
                .map(|kind| Form { kind, structure, mode })
                .into_iter()
        })
    })
}

/// A transfer made up, and the file it stands for.
struct Sent {
    wire: Vec<u8>,
    file: Vec<u8>,
    records: u64,
    markers: u64,
}

impl Sent {
    /// A file of a few records, or of one piece that is none.
    fn random(form: &Form, rng: &mut Lcg) -> Self {
        let has_records = form.structure == Structure::Record;
        let count = if has_records { rng.below(5) } else { 1 };
        let parts: Vec<Vec<u8>> = (0..count).map(|_| random_text(form.kind, rng)).collect();
        let typed: Vec<Vec<u8>> = parts.iter().map(|part| typed(form.kind, part)).collect();
        let mut file = Vec::new();
        for part in &parts {
            file.extend_from_slice(part);
            file.extend_from_slice(if has_records { b"\n" } else { b"" });
        }
        let mut markers = 0;
        let wire = match form.mode {
            Mode::Stream => streamed(has_records, &typed),
            Mode::Deflate => zlib(&streamed(has_records, &typed)),
            Mode::Block => blocks(has_records, &typed, &mut markers, rng),
            Mode::Compressed => packed(form.kind, has_records, &typed, &mut markers, rng),
        };
        Self { wire, file, records: if has_records { count as u64 } else { 0 }, markers }
    }
}

/// Bytes with many of those that mean something to somebody, and with runs.
fn random_text(kind: Kind, rng: &mut Lcg) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..rng.below(30) {
        let byte = match kind {
            Kind::Ebcdic => EBCDIC[rng.below(EBCDIC.len())].0,
            Kind::Image | Kind::Ascii if rng.below(2) == 0 => rng.below(256) as u8,
            Kind::Image | Kind::Ascii => b"\r\n\0\xff\x01\x02\x03 "[rng.below(8)],
        };
        let times = if rng.below(4) == 0 { rng.below(200) } else { 1 };
        text.extend(std::iter::repeat_n(byte, times));
    }
    text
}

/// Text as its type sends it; a CR that ends no line as Telnet does.
fn typed(kind: Kind, text: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for byte in text {
        match (kind, byte) {
            (Kind::Ascii, b'\n') => wire.extend(b"\r\n"),
            (Kind::Ascii, b'\r') => wire.extend(b"\r\0"),
            (Kind::Ebcdic, byte) => {
                wire.extend(EBCDIC.iter().find(|pair| pair.0 == *byte).map(|pair| pair.1))
            }
            (_, byte) => wire.push(*byte),
        }
    }
    wire
}

fn streamed(has_records: bool, parts: &[Vec<u8>]) -> Vec<u8> {
    if !has_records {
        return parts.concat();
    }
    let mut wire = Vec::new();
    for part in parts {
        for byte in part {
            wire.push(*byte);
            wire.extend((*byte == 0xFF).then_some(0xFF));
        }
        wire.extend(b"\xff\x01");
    }
    wire.extend(b"\xff\x02");
    wire
}

fn blocks(has_records: bool, parts: &[Vec<u8>], markers: &mut u64, rng: &mut Lcg) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut block = |flags: u8, data: &[u8]| {
        wire.push(flags);
        wire.extend((data.len() as u16).to_be_bytes());
        wire.extend(data);
    };
    for part in parts {
        for piece in cut(part, rng) {
            if rng.below(5) == 0 {
                block(16, b"marker");
                *markers += 1;
            }
            block(0, piece);
        }
        block(if has_records { 128 } else { 0 }, b"");
    }
    block(64, b"");
    wire
}

/// Strings of all kinds; a record ends with the last, perhaps empty, of them.
fn packed(
    kind: Kind,
    has_records: bool,
    parts: &[Vec<u8>],
    markers: &mut u64,
    rng: &mut Lcg,
) -> Vec<u8> {
    let filler = match kind {
        Kind::Image => 0,
        Kind::Ascii => b' ',
        Kind::Ebcdic => 0x40,
    };
    let mut wire = Vec::new();
    for part in parts {
        let mut left = &part[..];
        while let Some(first) = left.first() {
            let run = left.iter().take(63).take_while(|byte| *byte == first).count();
            if rng.below(9) == 0 {
                wire.extend(b"\x00\x10\x06marker");
                *markers += 1;
            }
            let last = if *first == filler && rng.below(4) > 0 {
                wire.push(0xC0 | run as u8);
                run
            } else if rng.below(2) == 0 {
                wire.extend([0x80 | run as u8, *first]);
                run
            } else {
                let len = (1 + rng.below(127)).min(left.len());
                wire.push(len as u8);
                wire.extend(&left[..len]);
                len
            };
            left = &left[last..];
        }
        if has_records {
            wire.extend(b"\x00\x80\xc0");
        }
    }
    wire.extend(b"\x00\x40\xc0");
    wire
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A transfer with a few bytes changed, or no transfer at all.
fn damaged(form: &Form, rng: &mut Lcg) -> Vec<u8> {
    let mut wire = Sent::random(form, rng).wire;
    if rng.below(3) == 0 {
        return random_text(Kind::Image, rng);
    }
    for _ in 0..rng.below(4) {
        let at = rng.below(wire.len().max(1));
        if let Some(byte) = wire.get_mut(at) {
            *byte = rng.below(256) as u8;
        }
    }
    wire
}

/// Cuts at random places.
fn cut<'a>(mut bytes: &'a [u8], rng: &mut Lcg) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let most = if rng.below(2) == 0 { 3 } else { 400 };
        let (piece, rest) = bytes.split_at(rng.below(most).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// Seeded, so that a failure happens again.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// Characters of Latin-1 and their codes, from IBM's reference card and not from the table.
const EBCDIC: &[(u8, u8)] = &[
    (b'A', 0xC1),
    (b'I', 0xC9),
    (b'J', 0xD1),
    (b'S', 0xE2),
    (b'z', 0xA9),
    (b'0', 0xF0),
    (b'9', 0xF9),
    (b' ', 0x40),
    (b'.', 0x4B),
    (b'\n', 0x15),
    (b'\0', 0x00),
    (0xFF, 0xDF),
];

const UNBOUNDED: Bounds = Bounds { bytes: u64::MAX, ratio: 0 };
