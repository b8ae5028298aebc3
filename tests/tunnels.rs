//! The same FTP in every wrapping is the same FTP.

mod common;

use common::document::Document;
use common::program::{ftpscope_fed, noise};
use common::script::{From, FtpScript};
use common::told::{carry, dial, log_in, pasv, quit};
use serde_json::{Value, json};

/// A session with a download, an upload and a listing.
fn story(content: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for (nth, command, from, bytes) in [
        (0, "RETR down", From::Responder, content),
        (1, "STOR up", From::Originator, &content[..content.len() / 2]),
        (2, "LIST", From::Responder, b"-rw-r--r-- 1 a b 7 Jan 1 00:00 x\r\n"),
    ] {
        pasv(&mut script, control, 30000 + nth);
        let data = dial(&mut script, 41000 + nth, 30000 + nth);
        script.dialogue(control, &[&format!("> {command}"), "< 150 here it comes"]);
        carry(&mut script, data, from, bytes);
        script.dialogue(control, &["< 226 done"]);
    }
    quit(&mut script, control);
    script
}

/// Frames with their times, as a capture of this link type.
fn capture<'a>(link: u32, frames: impl IntoIterator<Item = (u32, &'a [u8])>) -> Vec<u8> {
    let header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x4_0000, link];
    let mut file: Vec<u8> = header.map(u32::to_le_bytes).concat();
    for (millis, bytes) in frames {
        let len = bytes.len() as u32;
        let record = [1_767_323_045 + millis / 1000, millis % 1000 * 1000, len, len];
        file.extend(record.map(u32::to_le_bytes).concat());
        file.extend(bytes);
    }
    file
}

fn document(file: &[u8]) -> Document {
    Document(ftpscope_fed(&["json", "-"], file).exits(0).json())
}

/// What must not depend on the wrapping.
fn said(document: &Document) -> Value {
    let transfers: Vec<_> = document
        .list("transfers")
        .iter()
        .map(|moved| json!([moved["path"], moved["outcome"], moved["bytes"], moved["hashes"]]))
        .collect();
    let sessions: Vec<_> = document
        .list("sessions")
        .iter()
        .map(|session| {
            json!([
                session["client"],
                session["server"],
                session["user"],
                session["community_id"],
                session["tcp"],
                session["exchanges"].as_array().map(Vec::len)
            ])
        })
        .collect();
    json!([sessions, transfers])
}

fn ether(kind: u16, packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), packet].concat()
}

/// An IPv4 packet (RFC 791 §3.1) between 192.0.2.1 and 192.0.2.2.
fn outer(protocol: u8, back: bool, payload: &[u8]) -> Vec<u8> {
    let len = (20 + payload.len() as u16).to_be_bytes();
    let (from, to) = if back { (2, 1) } else { (1, 2) };
    let header = [0x45, 0, len[0], len[1], 0, 1, 0, 0, 64, protocol, 0, 0];
    [&header[..], &[192, 0, 2, from], &[192, 0, 2, to], payload].concat()
}

/// A VXLAN frame (RFC 7348 §5).
fn vxlan(vni: u8, back: bool, frame: &[u8]) -> Vec<u8> {
    let len = (16 + frame.len() as u16).to_be_bytes();
    let header = [0xc0, 1, 0x12, 0xb5, len[0], len[1], 0, 0, 8, 0, 0, 0, 0, 0, vni, 0];
    ether(0x0800, &outer(17, back, &[&header, frame].concat()))
}

type Wrap = fn(&[u8], bool) -> Vec<u8>;

#[test]
fn a_session_is_the_same_in_every_wrapping() {
    let script = story(&noise(7, 40_000));
    let plain = document(&script.pcap());
    assert_eq!(plain.session(0)["tunnel"], Value::Null);
    let wrappings: &[(u32, Value, Wrap)] = &[
        (1, json!("vxlan 42"), |frame, back| vxlan(42, back, frame)),
        (1, json!("gre 192.0.2.1 192.0.2.2"), |frame, back| {
            ether(0x0800, &outer(47, back, &[&[0, 0, 8, 0], &frame[14..]].concat()))
        }),
        (1, json!("ipip 192.0.2.1 192.0.2.2"), |frame, back| {
            ether(0x0800, &outer(4, back, &frame[14..]))
        }),
        (1, json!("pppoe 9"), |frame, _| {
            ether(0x8864, &[&[0x11, 0, 0, 9, 0, 0, 0, 0x21], &frame[14..]].concat())
        }),
        (1, Value::Null, |frame, back| {
            let label = [0, 6, if back { 0x41 } else { 0x31 }, 64];
            ether(0x8847, &[&label, &frame[14..]].concat())
        }),
        (1, Value::Null, |frame, _| {
            ether(0x8847, &[&[0, 6, 0x41, 64, 0, 0, 0, 0], frame].concat())
        }),
        (9, Value::Null, |frame, _| [&[0xff, 3, 0, 0x21], &frame[14..]].concat()),
        (104, Value::Null, |frame, _| [&[0x0f, 0, 8, 0], &frame[14..]].concat()),
        (127, Value::Null, |frame, _| {
            let wlan = [&[0, 0, 8, 0, 0, 0, 0, 0, 0x88, 1][..], &[0; 24]].concat();
            [&wlan, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &frame[14..]].concat()
        }),
        (1, json!("gre 192.0.2.1 192.0.2.2 / vxlan 3"), |frame, back| {
            let inner = vxlan(3, back, frame);
            ether(0x0800, &outer(47, back, &[&[0, 0, 8, 0], &inner[14..]].concat()))
        }),
    ];
    for (link, tunnel, wrap) in wrappings {
        let frames: Vec<_> = script
            .packets()
            .iter()
            .map(|packet| wrap(&packet.bytes, packet.bytes[29] == 2))
            .collect();
        let wrapped = document(&capture(*link, (0..).zip(frames.iter().map(Vec::as_slice))));
        assert_eq!(said(&wrapped), said(&plain), "{link} {tunnel}");
        assert_eq!(wrapped.session(0)["tunnel"], *tunnel);
    }
}

/// Every IPv4 packet in fragments of `size` octets, in the order `shuffle` gives them.
fn fragmented(script: &FtpScript, size: usize, shuffle: fn(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let mut frames = Vec::new();
    for (millis, packet) in (0..).zip(script.packets()) {
        let (header, payload) = packet.bytes[14..].split_at(20);
        let count = payload.len().div_ceil(size);
        let mut pieces = Vec::new();
        for (nth, piece) in payload.chunks(size).enumerate() {
            let mut header = header.to_vec();
            header[2..4].copy_from_slice(&(20 + piece.len() as u16).to_be_bytes());
            header[4..6].copy_from_slice(&(millis as u16).to_be_bytes());
            let more = if nth + 1 < count { 0x2000 } else { 0 };
            header[6..8].copy_from_slice(&((nth * size / 8) as u16 | more).to_be_bytes());
            header[10..12].fill(0);
            let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
            let sum: u32 = words.sum();
            let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            pieces.push(ether(0x0800, &[&header, piece].concat()));
        }
        shuffle(&mut pieces);
        frames.extend(pieces.into_iter().map(|piece| (millis, piece)));
    }
    capture(1, frames.iter().map(|(millis, piece)| (*millis, piece.as_slice())))
}

#[test]
fn a_session_in_fragments_is_the_same() {
    let script = story(&noise(8, 20_000));
    let plain = document(&script.pcap());
    assert_eq!(plain.0["capture"]["fragments"], Value::Null);
    for shuffle in [|_: &mut Vec<_>| {}, |pieces: &mut Vec<_>| pieces.reverse()] {
        let document = document(&fragmented(&script, 256, shuffle));
        assert_eq!(said(&document), said(&plain));
        let fragments = &document.0["capture"]["fragments"];
        assert_eq!((&fragments["incomplete"], &fragments["invalid"]), (&json!(0), &json!(0)));
        assert!(fragments["datagrams"].as_u64() > Some(10));
    }
}

#[test]
fn a_lost_fragment_is_a_gap_and_no_segment() {
    let content = noise(9, 20_000);
    let script = story(&content);
    let document = document(&fragmented(&script, 256, |pieces| {
        // The packet of content that begins with its fifth segment.
        let marker = noise(9, 20_000)[1460 * 4..1460 * 4 + 100].to_vec();
        if pieces[0].windows(100).any(|window| window == marker) {
            pieces.pop();
        }
    }));
    let moved = document.transfer("down");
    moved.ends("gaps");
    assert_eq!(moved.missing(), [(Some(1460 * 4), Some(1460))]);
    let fragments = &document.0["capture"]["fragments"];
    assert_eq!((&fragments["incomplete"], &fragments["incomplete_tcp"]), (&json!(2), &json!(2)));
    assert_eq!(document.0["capture"]["skipped"]["ip_fragment"], fragments["incomplete_frames"]);
}

#[test]
fn two_customers_with_the_same_addresses_are_two_sessions() {
    let contents = [noise(1, 9000), noise(2, 9000)];
    let scripts = [story(&contents[0]), story(&contents[1])];
    let mut frames = Vec::new();
    for (vni, script) in (1..).zip(&scripts) {
        let wrapped =
            script.packets().iter().map(|packet| vxlan(vni, packet.bytes[29] == 2, &packet.bytes));
        frames
            .extend((0..).zip(wrapped).map(|(millis, bytes)| (2 * millis + u32::from(vni), bytes)));
    }
    frames.sort_by_key(|(millis, _)| *millis);
    let file = capture(1, frames.iter().map(|(millis, bytes)| (*millis, bytes.as_slice())));
    let document = document(&file);
    let tunnels: Vec<_> =
        document.list("sessions").iter().map(|session| session["tunnel"].clone()).collect();
    assert_eq!(tunnels, [json!("vxlan 1"), json!("vxlan 2")]);
    for (session, content) in ["s1", "s2"].into_iter().zip(&contents) {
        let of = |moved: &common::document::Moved<'_>| moved.0["session"] == session;
        let moved: Vec<_> = document.transfers().filter(of).collect();
        assert_eq!(moved.len(), 3);
        moved[0].is_whole(content);
        moved[1].is_whole(&content[..4500]);
    }
    // The same in records written one by one.
    let lines = ftpscope_fed(&["json", "--lines", "-"], &file).exits(0).json_lines();
    let told = lines.iter().filter(|line| line["record"] == "session");
    assert_eq!(told.map(|line| line["tunnel"].clone()).collect::<Vec<_>>(), tunnels);
}
