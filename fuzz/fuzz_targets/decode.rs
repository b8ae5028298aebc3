//! Frames of any link type: link headers, tunnels, IP, fragments, TCP.

#![no_main]

use ftpscope::capture::{Frame, LinkType};
use ftpscope::decode::{Decoded, Decoder};
use ftpscope::limits::Limits;
use ftpscope::time::{Stamp, Timestamp};
use libfuzzer_sys::fuzz_target;

// Frames, each behind its link type (two octets), its seconds, its length (two octets) and how
// many of its octets the snap length cut.
fuzz_target!(|data: &[u8]| {
    let limits = Limits { fragmented_datagrams: 8, fragment_bytes: 4096, ..Limits::default() };
    let frames = frames(data);
    let tell = |limits: &Limits| {
        let mut decoder = Decoder::new(limits);
        let told: Vec<_> = frames.iter().map(|frame| tell(&mut decoder, frame)).collect();
        let facts = decoder.finish();
        assert!(
            facts.incomplete_frames <= facts.frames && facts.frames <= frames.len() as u64 * 10
        );
        (told, format!("{facts:?} {:?}", decoder.limits_reached().collect::<Vec<_>>()))
    };
    let first = tell(&limits);
    assert_eq!(first, tell(&limits), "the same twice");
    tell(&Limits::default());
    for frame in &frames {
        cut(frame);
    }
});

fn tell(decoder: &mut Decoder, frame: &Frame<'_>) -> String {
    let decoded = decoder.decode(frame);
    if let Decoded::Tcp(segment) = &decoded {
        assert!(segment.payload.len() <= segment.wire_len as usize);
        assert!(segment.header.len() >= 20 && segment.header.len() <= 60);
        assert_eq!(segment.stamp, frame.stamp);
        assert_eq!(segment.src.ip.net, segment.dst.ip.net);
    }
    format!("{decoded:?}")
}

/// A snap length hides, and changes nothing.
fn cut(frame: &Frame<'_>) {
    let (mut one, mut other) = (Decoder::new(&Limits::default()), Decoder::new(&Limits::default()));
    let shorter = Frame { bytes: &frame.bytes[..frame.bytes.len() * 3 / 4], ..*frame };
    if let (Decoded::Tcp(whole), Decoded::Tcp(cut)) = (one.decode(frame), other.decode(&shorter)) {
        let numbers =
            [&whole, &cut].map(|it| (it.src, it.dst, it.seq, it.ack, it.flags, it.wire_len));
        assert_eq!(numbers[0], numbers[1]);
        assert!(whole.payload.starts_with(cut.payload));
    }
}

fn frames(mut data: &[u8]) -> Vec<Frame<'_>> {
    let mut frames = Vec::new();
    while let [l1, l2, seconds, n1, n2, cut, rest @ ..] = data {
        let len = usize::from(u16::from_be_bytes([*n1, *n2])).min(rest.len());
        let (bytes, after) = rest.split_at(len);
        let at = Timestamp::from_parts((*seconds).into(), 0);
        frames.push(Frame {
            stamp: Stamp::new(at, 0, frames.len() as u64 + 1),
            link: LinkType(u16::from_be_bytes([*l1, *l2])),
            bytes,
            wire_len: bytes.len() as u32 + u32::from(*cut),
        });
        data = after;
    }
    frames
}
