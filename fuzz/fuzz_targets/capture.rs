//! The reader: any bytes as a capture file, plain or compressed.

#![no_main]

use std::ops::ControlFlow;

use ftpscope::capture::{Capture, InputFacts, ReadOptions, Source};
use ftpscope::limits::Limits;
use ftpscope_fuzz::scratch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((frames, facts)) = read(data) else { return };
    // A packet of an unknown interface has a number and no more.
    assert!(frames.len() as u64 == facts.packets || facts.damage_count > 0);
    assert!(frames.len() as u64 <= facts.packets);
    assert_eq!(facts.bytes.min(data.len() as u64), facts.bytes);
    assert!(facts.damage_count >= facts.damage.len() as u64);
    assert!(facts.damage.is_sorted_by_key(|damage| damage.offset));
    assert!(facts.damage.iter().all(|damage| damage.after_packet <= facts.packets));
    let (again, same) = read(data).expect("it could be read");
    assert!(frames == again && format!("{facts:?}") == format!("{same:?}"), "the same twice");
    // What is whole tells, up to where it is cut, what it told before.
    let is_plain = facts.compression.is_none() && facts.damage_count == 0;
    if is_plain && let Some((fewer, _)) = read(&data[..data.len() / 2]) {
        assert!(frames.starts_with(&fewer));
    }
});

/// Every frame, as text, and what is known of the file.
fn read(data: &[u8]) -> Option<(Vec<String>, InputFacts)> {
    // Bombs need not be large to be bombs.
    let limits = Limits { unpacked_bytes: 1 << 20, decoder_bytes: 16 << 20, ..Limits::default() };
    let options = ReadOptions { limits, hash_inputs: true, ..ReadOptions::default() };
    let mut capture = Capture::open(&[Source::File(scratch(0, data))], options).ok()?;
    let mut frames = Vec::new();
    capture.for_each(|frame| {
        assert!(frame.wire_len as usize >= frame.bytes.len());
        assert_eq!(frame.stamp.input(), 0);
        let told =
            (frame.stamp, frame.link, frame.wire_len, frame.bytes.get(..64), frame.bytes.len());
        frames.push(format!("{told:?}"));
        ControlFlow::Continue(())
    });
    let [facts] = <[InputFacts; 1]>::try_from(capture.finish()).expect("one input");
    Some((frames, facts))
}
