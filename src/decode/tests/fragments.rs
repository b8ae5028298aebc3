//! Datagrams in pieces.

use super::*;

const PAYLOAD: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A decoder, and what it made of the frames it was given so far.
struct Bench {
    decoder: Decoder,
    frames: u64,
    seconds: i64,
}

#[derive(Debug, PartialEq)]
enum Seen {
    /// Payload, length on the wire, identification.
    Tcp(Vec<u8>, u32, Option<u16>),
    Waits,
    Skipped(Why),
}

impl Bench {
    fn new(limits: &Limits) -> Self {
        Self { decoder: Decoder::new(limits), frames: 0, seconds: 1 }
    }

    fn see(&mut self, bytes: &[u8]) -> Seen {
        self.see_cut(bytes, bytes.len())
    }

    fn see_cut(&mut self, bytes: &[u8], captured: usize) -> Seen {
        self.frames += 1;
        let stamp = Stamp::new(Timestamp::from_parts(self.seconds, 0), 0, self.frames);
        let (bytes, wire_len) = (&bytes[..captured], bytes.len() as u32);
        let frame = Frame { stamp, link: LinkType(1), bytes, wire_len };
        match self.decoder.decode(&frame) {
            Decoded::Tcp(segment) => {
                assert_eq!(segment.stamp, stamp, "of the frame that completes it");
                Seen::Tcp(segment.payload.to_vec(), segment.wire_len, segment.ident)
            }
            Decoded::Icmp(_) => unreachable!("none of these is ICMP"),
            Decoded::Fragment => Seen::Waits,
            Decoded::Skipped(why) => Seen::Skipped(why),
        }
    }

    fn facts(mut self) -> FragmentFacts {
        self.decoder.finish()
    }
}

fn bench() -> Bench {
    Bench::new(&Limits::default())
}

fn whole() -> Seen {
    Seen::Tcp(PAYLOAD.to_vec(), PAYLOAD.len() as u32, Some(5))
}

/// The TCP header and payload of a datagram: 56 octets.
fn datagram() -> Vec<u8> {
    ipv4(PAYLOAD)[34..].to_vec()
}

/// An IPv4 fragment (RFC 791 §3.1) with identification 5 that carries `bytes`, which lie at
/// `start` of the datagram.
fn piece(start: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    piece_of(5, start, more, bytes)
}

fn piece_of(ident: u16, start: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    let len = (20 + bytes.len() as u16).to_be_bytes();
    let [id_a, id_b] = ident.to_be_bytes();
    let place = ((start as u16 / 8) | if more { 0x2000 } else { 0 }).to_be_bytes();
    let header = [0x45, 0, len[0], len[1], id_a, id_b, place[0], place[1], 64, 6, 0, 0];
    [&[0; 12][..], &[8, 0], &header, &[10, 0, 0, 1], &[10, 0, 0, 2], bytes].concat()
}

/// An IPv6 fragment with a hop-by-hop header in front (RFC 8200 §4.3, §4.5).
fn piece_v6(start: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    let len = (16 + bytes.len() as u16).to_be_bytes();
    let place = (start as u16 | u16::from(more)).to_be_bytes();
    let header = [0x60, 0, 0, 0, len[0], len[1], 0, 64];
    let extensions = [44, 0, 1, 4, 0, 0, 0, 0, 6, 0, place[0], place[1], 0, 0, 0, 9];
    [&[0; 12][..], &[0x86, 0xdd], &header, &[1; 16], &[2; 16], &extensions, bytes].concat()
}

#[test]
fn pieces_are_put_together_in_any_order() {
    let all = datagram();
    let pieces =
        [piece(0, true, &all[..24]), piece(24, true, &all[24..40]), piece(40, false, &all[40..])];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut bench = bench();
        assert_eq!(bench.see(&pieces[order[0]]), Seen::Waits);
        assert_eq!(bench.see(&pieces[order[1]]), Seen::Waits);
        assert_eq!(bench.see(&pieces[order[2]]), whole());
        let facts = bench.facts();
        assert_eq!((facts.frames, facts.datagrams, facts.incomplete), (3, 1, 0));
        assert_eq!(
            (facts.duplicates, facts.overlaps, facts.conflicts, facts.invalid),
            (0, 0, 0, 0)
        );
    }
}

#[test]
fn datagrams_may_be_between_each_other() {
    let all = datagram();
    let first = |ident| piece_of(ident, 0, true, &all[..32]);
    let last = |ident| piece_of(ident, 32, false, &all[32..]);
    let of = |ident| Seen::Tcp(PAYLOAD.to_vec(), PAYLOAD.len() as u32, Some(ident));
    let mut bench = bench();
    assert_eq!(bench.see(&first(1)), Seen::Waits);
    assert_eq!(bench.see(&first(2)), Seen::Waits);
    assert_eq!(bench.see(&last(1)), of(1));
    assert_eq!(bench.see(&first(3)), Seen::Waits);
    assert_eq!(bench.see(&last(2)), of(2));
    assert_eq!(bench.see(&last(3)), of(3));
    assert_eq!(bench.facts().incomplete, 0);
}

#[test]
fn ipv6_pieces_are_put_together() {
    let all = datagram();
    let mut bench = bench();
    assert_eq!(bench.see(&piece_v6(32, false, &all[32..])), Seen::Waits);
    let got = bench.see(&piece_v6(0, true, &all[..32]));
    assert_eq!(got, Seen::Tcp(PAYLOAD.to_vec(), PAYLOAD.len() as u32, None));
    // Not of whole units of eight.
    let odd = bench.see(&piece_v6(0, true, &all[..30]));
    assert_eq!(odd, Seen::Skipped(Why::IpFragmentInvalid));
}

#[test]
fn pieces_of_others_do_not_fit() {
    let all = datagram();
    let (first, last) = (piece(0, true, &all[..32]), piece(32, false, &all[32..]));
    let changed = |at: usize, to: u8| {
        let mut bytes = last.clone();
        bytes[at] = to;
        bytes
    };
    let mut bench = bench();
    assert_eq!(bench.see(&first), Seen::Waits);
    // Another identification, source, destination, protocol.
    for other in [changed(19, 6), changed(29, 9), changed(33, 9), changed(23, 17)] {
        assert_eq!(bench.see(&other), Seen::Waits);
    }
    assert_eq!(bench.see(&last), whole());
    let facts = bench.facts();
    assert_eq!((facts.datagrams, facts.incomplete, facts.incomplete_frames), (1, 4, 4));
}

#[test]
fn frames_captured_twice_are_duplicates_in_either_order() {
    let all = datagram();
    let (first, last) = (piece(0, true, &all[..32]), piece(32, false, &all[32..]));
    let mut one = bench();
    assert_eq!(one.see(&first), Seen::Waits);
    assert_eq!(one.see(&first), Seen::Waits);
    assert_eq!(one.see(&last), whole());
    assert_eq!(one.see(&last), Seen::Waits);
    let facts = one.facts();
    assert_eq!((facts.datagrams, facts.duplicates, facts.incomplete), (1, 2, 0));
    let mut other = bench();
    let seen = [&first, &last, &first, &last].map(|piece| other.see(piece));
    assert_eq!(seen, [Seen::Waits, whole(), Seen::Waits, whole()]);
    assert_eq!(other.facts().incomplete, 0);
}

#[test]
fn the_first_copy_of_an_octet_counts() {
    let all = datagram();
    let mut bench = bench();
    assert_eq!(bench.see(&piece(0, true, &all[..32])), Seen::Waits);
    assert_eq!(bench.see(&piece(24, true, &all[24..40])), Seen::Waits);
    let forged = [&b"XXXXXXXX"[..], &all[40..48]].concat();
    assert_eq!(bench.see(&piece(32, true, &forged)), Seen::Waits);
    assert_eq!(bench.see(&piece(48, false, &all[48..])), whole());
    let facts = bench.facts();
    assert_eq!((facts.overlaps, facts.conflicts), (1, 1));
    assert_eq!(facts.conflict_frames.iter().map(|stamp| stamp.frame()).collect::<Vec<_>>(), [3]);
}

#[test]
fn a_piece_around_others_fills_what_they_left() {
    let all = datagram();
    let mut bench = bench();
    for start in [8, 24, 40] {
        let seen = bench.see(&piece(start, true, &all[start..start + 8]));
        assert_eq!(seen, Seen::Waits);
    }
    assert_eq!(bench.see(&piece(0, true, &all[..48])), Seen::Waits);
    assert_eq!(bench.see(&piece(48, false, &all[48..])), whole());
    assert_eq!(bench.facts().overlaps, 1);
}

#[test]
fn teardrop_and_other_impossible_pieces_are_counted() {
    let all = datagram();
    let mut bench = bench();
    let invalid = Seen::Skipped(Why::IpFragmentInvalid);
    // Empty; of less than a unit; beyond what an IP packet can hold.
    assert_eq!(bench.see(&piece(8, false, b"")), invalid);
    assert_eq!(bench.see(&piece(8, true, b"1234567")), invalid);
    assert_eq!(bench.see(&piece(65_528, false, b"12345678")), invalid);
    // A last piece inside of the first (teardrop): its end is not the datagram's.
    assert_eq!(bench.see(&piece(0, true, &all[..40])), Seen::Waits);
    assert_eq!(bench.see(&piece(24, false, &all[24..28])), invalid);
    assert_eq!(bench.see(&piece(40, false, &all[40..])), whole());
    // Behind the end, and another end.
    assert_eq!(bench.see(&piece_of(6, 40, false, &all[40..])), Seen::Waits);
    assert_eq!(bench.see(&piece_of(6, 56, true, &all[..8])), invalid);
    assert_eq!(bench.see(&piece_of(6, 48, false, &all[40..])), invalid);
    let facts = bench.facts();
    assert_eq!((facts.invalid, facts.datagrams, facts.incomplete), (6, 1, 1));
}

#[test]
fn receivers_take_whole_units_of_an_ipv4_piece() {
    let all = datagram();
    let mut bench = bench();
    assert_eq!(bench.see(&piece(0, true, &all[..35])), Seen::Waits);
    assert_eq!(bench.see(&piece(32, false, &all[32..])), whole());
    assert_eq!(bench.facts().overlaps, 0);
}

#[test]
fn a_first_piece_alone_is_no_segment() {
    let all = datagram();
    let mut bench = bench();
    assert_eq!(bench.see(&piece(0, true, &all[..48])), Seen::Waits);
    assert_eq!(bench.see(&piece_of(6, 0, true, &all[..16])), Seen::Waits);
    let facts = bench.facts();
    assert_eq!((facts.incomplete, facts.incomplete_frames, facts.incomplete_tcp), (2, 2, 1));
}

#[test]
fn a_piece_cut_by_the_snap_length_cuts_the_segment() {
    let all = datagram();
    let (first, last) = (piece(0, true, &all[..40]), piece(40, false, &all[40..]));
    let mut one = bench();
    assert_eq!(one.see_cut(&first, first.len() - 8), Seen::Waits);
    assert_eq!(one.see(&last), Seen::Tcp(PAYLOAD[..12].to_vec(), 36, Some(5)));
    let mut other = bench();
    assert_eq!(other.see_cut(&last, last.len() - 3), Seen::Waits);
    assert_eq!(other.see(&first), Seen::Tcp(PAYLOAD[..33].to_vec(), 36, Some(5)));
}

#[test]
fn ethernet_padding_is_no_part_of_a_piece() {
    let all = datagram();
    let mut bench = bench();
    let mut last = piece(48, false, &all[48..]);
    last.resize(60, 0xee);
    assert_eq!(bench.see(&last), Seen::Waits);
    assert_eq!(bench.see(&piece(0, true, &all[..48])), whole());
}

#[test]
fn what_waits_is_bounded_by_age_count_and_bytes() {
    let all = datagram();
    let last = piece(32, false, &all[32..]);
    let mut old = bench();
    assert_eq!(old.see(&piece(0, true, &all[..32])), Seen::Waits);
    old.seconds += 31;
    assert_eq!(old.see(&last), Seen::Waits);
    assert_eq!(old.facts().incomplete, 2);

    let reached = |bench: &Bench| -> Vec<_> {
        bench.decoder.limits_reached().filter(|(_, count)| *count > 0).collect()
    };
    let mut many = Bench::new(&Limits { fragmented_datagrams: 10, ..Limits::default() });
    for ident in 0..30 {
        assert_eq!(many.see(&piece_of(ident, 0, true, &all[..32])), Seen::Waits);
    }
    assert_eq!(reached(&many), [("fragmented_datagrams", 20)]);
    // The oldest went, the last ten are there.
    assert_eq!(many.see(&piece_of(19, 32, false, &all[32..])), Seen::Waits);
    assert!(matches!(many.see(&piece_of(25, 32, false, &all[32..])), Seen::Tcp(..)));

    let mut large = Bench::new(&Limits { fragment_bytes: 100_000, ..Limits::default() });
    for ident in 0..30 {
        assert_eq!(large.see(&piece_of(ident, 0, true, &[7; 32_000])), Seen::Waits);
    }
    assert_eq!(reached(&large), [("fragment_bytes", 27)]);
}

#[test]
fn the_pieces_of_a_tunnel_and_pieces_in_a_tunnel_are_put_together() {
    let all = datagram();
    let inner = [piece(0, true, &all[..32]), piece(32, false, &all[32..])];
    // IP in IP, the outer packet in two pieces of its own.
    let mut bench = bench();
    let mut seen = Vec::new();
    for (nth, packet) in (1..).zip(&inner) {
        let packet = &packet[14..];
        let mut halves =
            [piece_of(nth, 0, true, &packet[..24]), piece_of(nth, 24, false, &packet[24..])];
        for half in &mut halves {
            half[23] = 4;
            seen.push(bench.see(half));
        }
    }
    assert_eq!(seen, [Seen::Waits, Seen::Waits, Seen::Waits, whole()]);
    assert_eq!(bench.facts().datagrams, 3);
}
