//! The ordinary packet costs no memory: neither one of nobody's business, nor a segment of data
//! that comes in order.

#[path = "../benches/common/generate.rs"]
mod generate;

mod common;

use std::ops::ControlFlow;

use common::program::{Scratch, noise};
use common::script::{From, FtpScript};
use common::told::{download, fetch, log_in};
use ftpscope::analysis::{CaptureFacts, Keeper};
use ftpscope::analyzer::{AnalysisOptions, Analyzer};
use ftpscope::capture::{Capture, Frame, LinkType, ReadOptions, Source};
use ftpscope::limits::Limits;
use ftpscope::time::{Stamp, Timestamp};

/// Allocations made for the frames of a script from `first` to `last`, all others pushed as well.
fn allocations(script: &FtpScript, first: u64, last: u64) -> u64 {
    let mut made = 0;
    analyse(script, &mut Keeper::new(Limits::default()), |number, count| {
        made += if (first..=last).contains(&number) { count } else { 0 };
    });
    made
}

/// Analyses a script; `each` is told the number of every frame and the allocations made for it.
fn analyse(
    script: &FtpScript,
    keeper: &mut Keeper,
    mut each: impl FnMut(u64, u64),
) -> CaptureFacts {
    let mut analyzer = Analyzer::new(&AnalysisOptions::default(), None, keeper);
    for (number, packet) in (1..).zip(script.packets()) {
        let at = Timestamp::from_parts(packet.time.as_secs() as i64, packet.time.subsec_nanos());
        let frame = Frame {
            stamp: Stamp::new(at, 0, number),
            link: LinkType(1),
            bytes: &packet.bytes,
            wire_len: packet.wire_len as u32,
        };
        let pushed = allocation_counter::measure(|| analyzer.push(&frame));
        each(number, pushed.count_total);
    }
    analyzer.finish()
}

#[test]
fn a_packet_of_nobodys_business_allocates_nothing() {
    let mut script = FtpScript::new();
    log_in(&mut script);
    let other = script.connect("10.0.0.8:40000", "10.0.0.9:80");
    script.send(other, From::Originator, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let first = script.last_frame() + 1;
    script.send(other, From::Responder, &noise(1, 3_000_000));
    let last = script.last_frame();
    assert!(last - first > 2000);
    assert_eq!(allocations(&script, first, last), 0);
}

#[test]
fn a_segment_of_data_in_order_allocates_nothing() {
    let (mut first, mut last) = (0, 0);
    let script = download(|script, data| {
        // Its beginning is kept, and its first packets remembered.
        script.send(data, From::Responder, &noise(1, 200_000));
        first = script.last_frame() + 1;
        script.send(data, From::Responder, &noise(2, 3_000_000));
        last = script.last_frame();
        script.close(data, From::Responder);
    });
    assert!(last - first > 2000);
    assert_eq!(allocations(&script, first, last), 0);
}

#[test]
fn a_measure_of_what_does_allocate_is_not_zero() {
    let script = download(|script, data| script.close(data, From::Responder));
    assert!(allocations(&script, 1, script.last_frame()) > 20);
}

#[test]
fn what_is_said_of_a_file_over_and_over_costs_its_own_memory_only() {
    let cost = |count: u16| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        for nth in 0..count {
            fetch(&mut script, control, "RETR f", [2000 + nth, 32_000 + nth], b"content");
            script.dialogue(control, &["> SIZE f", "< 213 7"]);
        }
        let mut keeper = Keeper::new(Limits::default());
        let facts = analyse(&script, &mut keeper, |_, _| ());
        let mut analysis = None;
        let made =
            allocation_counter::measure(|| analysis = Some(keeper.finish(facts, Vec::new())));
        let checks = analysis.unwrap().transfers.iter().map(|one| one.checks.len()).max();
        assert_eq!(checks, Some(64));
        made.bytes_max
    };
    let (few, many) = (cost(500), cost(2000));
    assert!(many < few * 6, "{few} and {many} bytes");
}

#[test]
fn reading_twice_as_much_allocates_as_little() {
    let dir = Scratch::new();
    let read = |bytes: u64| {
        let mut capture = Vec::new();
        generate::mix(&mut capture, bytes).unwrap();
        let sources = [Source::File(dir.file("mix", &capture).into())];
        let mut packets = 0;
        let made = allocation_counter::measure(|| {
            let mut capture = Capture::open(&sources, ReadOptions::default()).unwrap();
            capture.for_each(|_| {
                packets += 1;
                ControlFlow::Continue(())
            });
        });
        (packets, made.count_total)
    };
    let ((few, once), (many, twice)) = (read(4_000_000), read(8_000_000));
    assert!(many > few + 2000);
    assert_eq!(once, twice);
}
