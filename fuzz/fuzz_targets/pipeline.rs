//! Any bytes as a capture, through the whole program.

#![no_main]

use ftpscope::limits::Limits;
use ftpscope_fuzz::{examine, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = Limits { unpacked_bytes: 1 << 20, decoder_bytes: 16 << 20, ..Limits::default() };
    examine(&scratch(0, data), &limits, None);
});
