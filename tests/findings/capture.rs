//! What a capture can show.

use std::time::Duration;

use super::common::document::{Document, analysed};
use super::common::program::{Scratch, ftpscope, ftpscope_fed};
use super::common::script::{From, FtpScript, Segment, flag};
use super::common::told::{
    CONTROL, LOGIN, carry, dial, download, fetch, log_in, log_in_as, pasv, quit,
};
use super::{Scenario, of, only};

pub(super) const SCENARIOS: &[Scenario] = &[
    ("capture-snaplen-cut", cut_short, in_order),
    ("capture-loss", lossy, one_way),
    ("capture-one-way", one_way, unanswered),
    ("capture-starts-late", late, in_order),
    ("capture-ends-early", ends_early, in_order),
    ("capture-duplicates", duplicated, sent_again),
    ("capture-offload", || large(20_000), || large(1460)),
    ("capture-time-disorder", || stepped_back(5), || stepped_back(0)),
    ("capture-both-sides-of-nat", both_sides, in_order),
    ("capture-not-decoded", || with_protocol(50), || with_protocol(17)),
];

fn in_order() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR a.txt", [40001, 30000], &[7; 5000]);
    quit(&mut script, control);
    script
}

fn cut_short() -> FtpScript {
    let mut script = in_order();
    script.snaplen(96);
    script
}

/// Something in the middle of the file is acknowledged and not in the capture.
fn lossy() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    let before = script.last_frame();
    carry(&mut script, data, From::Responder, &[7; 6000]);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script.lose(before + 2);
    script
}

fn one_way() -> FtpScript {
    let mut script = in_order();
    script.packets_mut().retain(|packet| packet.sender.1 == From::Responder);
    script
}

/// Nobody answers: that is no half of a conversation.
fn unanswered() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    script.syn_only("10.0.0.1:40001", "10.0.0.2:30000", 3);
    quit(&mut script, control);
    script
}

fn late() -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.midstream(CONTROL[0], CONTROL[1], [1000, 2000]);
    script.dialogue(control, &["> PWD", "< 257 \"/\" is current"]);
    quit(&mut script, control);
    script
}

fn ends_early() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.send(data, From::Responder, &[7; 3000]);
    script
}

fn duplicated() -> FtpScript {
    let mut script = in_order();
    let frame = script.frame_of("RETR a.txt");
    script.duplicate(frame);
    script
}

/// A retransmission is a packet of its own.
fn sent_again() -> FtpScript {
    download(|script, data| {
        script.send(data, From::Responder, &[7; 100]);
        script.wait(Duration::from_millis(300));
        script.segment(data, From::Responder, 0, flag::ACK | flag::PSH, &[7; 100]);
        script.close(data, From::Responder);
    })
}

/// Both ends say that they take 1460 bytes.
fn large(segment: usize) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    let syns = script.packets().len() as u64 - 3;
    set_mss(&mut script, syns as usize, 1460);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.mss(segment);
    carry(&mut script, data, From::Responder, &[7; 20_000]);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script
}

/// Puts the SYN and the SYN-ACK at `index` again, with an MSS option.
fn set_mss(script: &mut FtpScript, index: usize, mss: u16) {
    let [high, low] = mss.to_be_bytes();
    let options = [2, 4, high, low];
    let conn = script.packets()[index].sender.0;
    let end = script.packets().len();
    for (from, flags) in [(From::Originator, flag::SYN), (From::Responder, flag::SYN | flag::ACK)] {
        let acked = Some(0);
        let syn = Segment { offset: -1, acked, flags, options: &options, ..Segment::default() };
        script.put(conn, from, syn);
    }
    let packets = script.packets_mut();
    let new: Vec<_> = packets.drain(end..).collect();
    for (nth, packet) in new.into_iter().enumerate() {
        let time = packets[index + nth].time;
        packets[index + nth] = packet;
        packets[index + nth].time = time;
    }
}

fn stepped_back(seconds: u64) -> FtpScript {
    let mut script = in_order();
    let from = script.packets().len() / 2;
    for packet in &mut script.packets_mut()[from..] {
        packet.time -= Duration::from_secs(seconds);
    }
    script
}

/// The same session inside and outside of a router, packet by packet.
fn both_sides() -> FtpScript {
    let mut script = FtpScript::new();
    let isns = [0x1111_0000, 0x2222_0000];
    let inside = script.connect_from("192.168.1.5:40000", "203.0.113.7:21", isns);
    let outside = script.connect_from("198.51.100.9:40000", "203.0.113.7:21", isns);
    for line in LOGIN {
        script.dialogue(if line.starts_with('>') { inside } else { outside }, &[line]);
        script.dialogue(if line.starts_with('>') { outside } else { inside }, &[line]);
    }
    script.close(inside, From::Originator);
    script.close(outside, From::Originator);
    script
}

/// One packet more, of another IP protocol: 50 is ESP, 17 UDP.
fn with_protocol(number: u8) -> FtpScript {
    let mut script = in_order();
    let mut packet = script.packets()[0].clone();
    packet.bytes[14 + 9] = number;
    packet.time += Duration::from_secs(1);
    script.packets_mut().push(packet);
    script
}

/// Cut captures end with another code, so they stand here.
#[test]
fn a_damaged_capture_says_so_with_a_frame() {
    let whole = in_order().pcap();
    let ran = ftpscope_fed(&["json", "-"], &whole[..whole.len() - 7]).exits(4);
    let document = Document(ran.json());
    let finding = only(&document, "capture-damaged");
    assert_eq!(finding["severity"], "warning");
    let frames = finding["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 1);
    assert_eq!(finding["evidence"]["places"], 1);
    let whole = Document(ftpscope_fed(&["json", "-"], &whole).exits(0).json());
    assert!(of(&whole, "capture-damaged").is_empty());
}

#[test]
fn packets_without_a_time_are_named() {
    // A simple packet block has no time.
    let script = in_order();
    let mut file = script.pcapng();
    let packet = &script.packets()[0].bytes;
    let mut body = (packet.len() as u32).to_le_bytes().to_vec();
    body.extend(packet);
    body.resize(body.len().next_multiple_of(4), 0);
    let len = (body.len() as u32 + 12).to_le_bytes();
    file.extend([&3u32.to_le_bytes()[..], &len, &body, &len].concat());
    let document = Document(ftpscope_fed(&["json", "-"], &file).exits(0).json());
    let finding = only(&document, "capture-time-disorder");
    assert_eq!(finding["severity"], "warning");
    assert_eq!(finding["frames"][0], script.last_frame() + 1);
}

#[test]
fn what_was_cut_is_not_told_twice_as_loss() {
    let document = analysed(&cut_short());
    assert_eq!(only(&document, "capture-snaplen-cut")["severity"], "warning");
    assert!(of(&document, "capture-loss").is_empty());
    // Of what is no FTP it does no harm.
    let mut script = in_order();
    let end = script.packets().len();
    let other = script.connect("10.0.0.1:50000", "10.0.0.9:80");
    script.client(other, "GET / HTTP/1.0\r\n\r\n");
    script.packets_mut()[end..].iter_mut().for_each(|packet| packet.bytes.truncate(60));
    let document = analysed(&script);
    assert_eq!(only(&document, "capture-snaplen-cut")["severity"], "info");
}

#[test]
fn a_finding_on_the_capture_is_one_for_all_sessions() {
    let mut script = FtpScript::new();
    for port in [40000, 40010, 40020] {
        log_in_as(&mut script, [&format!("10.0.0.1:{port}"), "10.0.0.2:21"]);
    }
    let document = analysed(&script);
    let finding = only(&document, "capture-ends-early");
    assert_eq!(finding["evidence"]["sessions"], 3);
    assert_eq!(finding["frames"].as_array().unwrap().len(), 3);
    assert_eq!(finding["kind"], "capture");
}

#[test]
fn inputs_are_named_where_there_are_several() {
    let scratch = Scratch::new();
    let one = scratch.file("one.pcap", &in_order().pcap());
    let other = scratch.file("other.pcap", &cut_short().pcap());
    let document = Document(ftpscope(&["json", &one, &other]).exits(0).json());
    let finding = only(&document, "capture-snaplen-cut");
    assert_eq!(finding["frame_inputs"][0], 1);
    assert!(finding["explanation"].as_str().unwrap().contains("other.pcap"));
}
