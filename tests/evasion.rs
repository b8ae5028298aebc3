//! Segments that someone injected so that a capture tells something else than the ends saw: the
//! bytes reported are those the receiver took, and each trick is a fact with its frame.

mod common;

use common::document::{Document, Moved, analysed, analysed_with};
use common::program::noise;
use common::script::{Conn, From, FtpScript, Segment, flag};
use common::told::{carry, dial, download, log_in, pasv, quit};
use etherparse::Ipv4HeaderSlice;
use serde_json::Value;

use From::{Originator, Responder};

/// Ethernet and IPv4 without options.
const IP: usize = 14;
const TCP: usize = IP + 20;

/// The packet told last was injected with a wrong checksum.
fn spoil_checksum(script: &mut FtpScript) -> u64 {
    let packet = script.packets_mut().last_mut().unwrap();
    packet.bytes[TCP + 16] ^= 0x55;
    script.last_frame()
}

fn set_ttl(script: &mut FtpScript, frame: u64, ttl: u8) {
    let bytes = &mut script.packets_mut()[frame as usize - 1].bytes;
    bytes[IP + 8] = ttl;
    let header = Ipv4HeaderSlice::from_slice(&bytes[IP..]).unwrap().to_header();
    bytes[IP + 10..IP + 12].copy_from_slice(&header.calc_header_checksum().to_be_bytes());
}

/// Anomalies as `kind from #frame`.
fn odd(value: &Value) -> Vec<String> {
    let list = value["anomalies"].as_array().map_or(&[][..], Vec::as_slice);
    let told = |odd: &Value| {
        let word = |name: &str| odd[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} #{}", word("kind"), word("from"), odd["frame"])
    };
    list.iter().map(told).collect()
}

fn odd_data(moved: Moved<'_>) -> Vec<String> {
    odd(&moved.0["data"])
}

fn odd_control(document: &Document) -> Vec<String> {
    odd(&document.session(0)["tcp"])
}

#[test]
fn data_with_a_wrong_checksum_is_not_part_of_the_file() {
    let content = noise(1, 8000);
    let mut injected = 0;
    let script = download(|script, data| {
        script.send(data, Responder, &content[..2920]);
        let at = script.sent(data, Responder);
        script.segment(data, Responder, at, flag::ACK, &[b'X'; 1460]);
        injected = spoil_checksum(script);
        script.segment(data, Responder, at, flag::ACK, &content[2920..4380]);
        carry(script, data, Responder, &content[4380..]);
    });
    let document = analysed(&script);
    let moved = document.only().is_whole(&content);
    assert_eq!(odd_data(moved), [format!("wrong_checksum server #{injected}")]);
}

#[test]
fn a_command_with_a_wrong_checksum_was_never_given() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let at = script.sent(control, Originator);
    script.segment(control, Originator, at, flag::ACK | flag::PSH, b"DELE /etc/passwd\r\n");
    let injected = spoil_checksum(&mut script);
    // The true sender goes on from where it was.
    let line = b"PWD\r\n";
    script.segment(control, Originator, at, flag::ACK | flag::PSH, line);
    script.put(
        control,
        Responder,
        Segment {
            offset: script.sent(control, Responder),
            acked: Some(at + line.len() as i64),
            flags: flag::ACK,
            payload: b"257 \"/\"\r\n",
            ..Segment::default()
        },
    );
    let document = analysed(&script);
    assert!(!document.dialogue().iter().any(|line| line.contains("DELE")));
    assert_eq!(document.said("PWD").codes(), [257]);
    assert_eq!(odd_control(&document), [format!("wrong_checksum client #{injected}")]);
}

#[test]
fn checksums_of_a_sender_that_leaves_them_to_its_card_prove_nothing() {
    let content = noise(2, 8000);
    let mut script = download(|script, data| carry(script, data, Responder, &content));
    for packet in script.packets_mut() {
        packet.bytes[TCP + 16..TCP + 18].copy_from_slice(&[0x12, 0x34]);
    }
    let document = analysed(&script);
    assert!(odd_data(document.only().is_whole(&content)).is_empty());
}

#[test]
fn what_expires_before_its_receiver_is_not_part_of_the_file() {
    let content = noise(3, 8000);
    let mut injected = 0;
    let mut script = download(|script, data| {
        script.send(data, Responder, &content[..2920]);
        let at = script.sent(data, Responder);
        script.segment(data, Responder, at, flag::ACK, &[b'X'; 1460]);
        injected = script.last_frame();
        script.segment(data, Responder, at, flag::ACK, &content[2920..4380]);
        carry(script, data, Responder, &content[4380..]);
    });
    // Captured close to the server: the client is eleven routers away.
    for frame in 1..=script.last_frame() {
        if script.packets()[frame as usize - 1].sender.1 == Originator {
            set_ttl(&mut script, frame, 53);
        }
    }
    set_ttl(&mut script, injected, 4);
    let document = analysed(&script);
    let moved = document.only().is_whole(&content);
    assert_eq!(odd_data(moved), [format!("ttl_too_small server #{injected}")]);
}

#[test]
fn forged_resets_do_not_end_what_goes_on() {
    let content = noise(4, 20_000);
    // By the number that is expected, within the window, and out of it.
    for (ahead, kind) in
        [(0, "reset_ignored"), (5000, "reset_ignored"), (900_000_000, "reset_out_of_window")]
    {
        for from in [Originator, Responder] {
            let mut injected = 0;
            let script = download(|script, data| {
                script.send(data, Responder, &content[..2920]);
                let at = script.sent(data, from) + ahead;
                let reset = Segment { offset: at, flags: flag::RST, ..Segment::default() };
                script.put(data, from, reset);
                injected = script.last_frame();
                script.segment(data, Responder, 2920, flag::ACK, &content[2920..4380]);
                let acked = Some(4380);
                script.put(
                    data,
                    Originator,
                    Segment { acked, flags: flag::ACK, ..Segment::default() },
                );
                let mut at = 4380;
                for piece in content[4380..].chunks(1460) {
                    script.segment(data, Responder, at, flag::ACK, piece);
                    at += piece.len() as i64;
                }
                let end =
                    Segment { offset: at, flags: flag::FIN | flag::ACK, ..Segment::default() };
                script.put(data, Responder, end);
                let acked = Some(at + 1);
                let flags = flag::FIN | flag::ACK;
                script.put(data, Originator, Segment { acked, flags, ..Segment::default() });
            });
            let document = analysed(&script);
            let moved = document.only().is_whole(&content);
            let who = if from == Originator { "client" } else { "server" };
            assert_eq!(odd_data(moved), [format!("{kind} {who} #{injected}")], "{ahead}");
        }
    }
}

#[test]
fn forged_fins_do_not_end_what_goes_on() {
    let content = noise(5, 20_000);
    let mut injected = 0;
    let script = download(|script, data| {
        script.segment(data, Responder, 0, flag::ACK, &content[..1460]);
        let fin = flag::FIN | flag::ACK;
        script.put(data, Responder, Segment { offset: 1460, flags: fin, ..Segment::default() });
        injected = script.last_frame();
        let acked = Some(1460);
        script.put(data, Originator, Segment { flags: fin, acked, ..Segment::default() });
        let mut at = 1460;
        for piece in content[1460..].chunks(1460) {
            script.segment(data, Responder, at, flag::ACK, piece);
            at += piece.len() as i64;
            let acked = Some(at);
            script.put(data, Originator, Segment { flags: flag::ACK, acked, ..Segment::default() });
        }
        script.put(data, Responder, Segment { offset: at, flags: fin, ..Segment::default() });
        let (offset, acked) = (0, Some(at + 1));
        script.put(data, Originator, Segment { offset, flags: fin, acked, ..Segment::default() });
    });
    let document = analysed(&script);
    let moved = document.only().is_whole(&content);
    assert_eq!(odd_data(moved), [format!("fin_ignored server #{}", injected + 2)]);
}

#[test]
fn a_forged_syn_does_not_begin_another_connection() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let offset = 400_000_000;
    script.put(control, Originator, Segment { offset, flags: flag::SYN, ..Segment::default() });
    // As if the SYN had not moved the stream on.
    let injected = script.last_frame();
    let mut rest = FtpScript::new();
    let same = log_in(&mut rest);
    let told = rest.last_frame() as usize;
    rest.dialogue(same, &["> PWD", "< 257 \"/\""]);
    quit(&mut rest, same);
    let after = rest.packets()[told..].to_vec();
    script.packets_mut().extend(after);
    let document = analysed(&script);
    assert_eq!(document.list("sessions").len(), 1);
    assert_eq!(document.said("PWD").codes(), [257]);
    assert_eq!(odd_control(&document), [format!("syn_ignored client #{injected}")]);
}

#[test]
fn addresses_used_again_without_an_end_in_between_are_another_connection() {
    let mut script = FtpScript::new();
    let ends = ["10.0.0.1:40000", "10.0.0.2:21"];
    for (isns, name) in [([1000, 2000], "first"), ([900_000_000, 7000], "second")] {
        let control = script.connect_from(ends[0], ends[1], isns);
        script.dialogue(control, &["< 220 hi", &format!("> USER {name}"), "< 331 password"]);
    }
    let document = analysed(&script);
    let users = |session: &Value| session["user"].as_str().unwrap().to_owned();
    let users: Vec<_> = document.list("sessions").iter().map(users).collect();
    assert_eq!(users, ["first", "second"]);
    for session in document.list("sessions") {
        assert_eq!(session["tcp"]["handshake"], "complete");
        assert!(odd(&session["tcp"]).is_empty());
    }
}

#[test]
fn octets_of_no_window_are_told_and_not_read() {
    let content = noise(6, 6000);
    let mut injected = 0;
    let script = download(|script, data| {
        script.segment(data, Responder, 0, flag::ACK, &content[..1460]);
        script.segment(data, Responder, 1_500_000_000, flag::ACK, b"from nowhere");
        injected = script.last_frame();
        let mut at = 1460;
        for piece in content[1460..].chunks(1460) {
            script.segment(data, Responder, at, flag::ACK, piece);
            at += piece.len() as i64;
        }
        let acked = Some(at);
        script.put(data, Originator, Segment { flags: flag::ACK, acked, ..Segment::default() });
        let fin = flag::FIN | flag::ACK;
        script.put(data, Responder, Segment { offset: at, flags: fin, ..Segment::default() });
        let acked = Some(at + 1);
        script.put(data, Originator, Segment { flags: fin, acked, ..Segment::default() });
    });
    let document = analysed(&script);
    let moved = document.only().carries(&content).ends("unconfirmed");
    assert_eq!(odd_data(moved), [format!("out_of_window server #{injected}")]);
}

#[test]
fn of_two_copies_that_wait_the_user_says_which_was_taken() {
    let content = noise(7, 6000);
    let mut other = content.clone();
    other[3000..3500].fill(b'X');
    let script = download(|script, data| {
        script.segment(data, Responder, 2920, flag::ACK, &content[2920..4380]);
        script.segment(data, Responder, 3000, flag::ACK, &[b'X'; 500]);
        script.segment(data, Responder, 0, flag::ACK, &content[..2920]);
        // In order now, and out of anyone's reach.
        script.segment(data, Responder, 0, flag::ACK, &[b'Y'; 1460]);
        script.segment(data, Responder, 4380, flag::ACK, &content[4380..]);
        script.ack(data, Originator);
        script.close(data, Responder);
    });
    let first = script.frame_of(&content[2920..4380]);
    for (option, taken) in [("first", &content), ("last", &other)] {
        let document = analysed_with(&script, &["--overlap", option]);
        let moved = document.only().carries(taken);
        assert_ne!(moved.outcome(), "complete");
        let told = &moved.0["data"]["anomalies"];
        let [waiting, delivered] = &told.as_array().unwrap()[..] else { panic!("{told:#}") };
        assert_eq!(
            (&waiting["frame"], &waiting["other_frame"]),
            (&(first + 1).into(), &first.into())
        );
        assert_eq!((&waiting["offset"], &waiting["bytes"]), (&3000.into(), &500.into()));
        assert_eq!(delivered["frame"], script.frame_of([b'Y'; 1460]));
    }
}

#[test]
fn a_capture_of_both_directions_of_a_port_holds_every_packet_twice() {
    let content = noise(8, 20_000);
    let mut script = download(|script, data| carry(script, data, Responder, &content));
    for frame in (1..=script.last_frame()).rev() {
        script.duplicate(frame);
    }
    // Routed between the two copies: one hop less, and the header's checksum with it.
    for frame in (2..=script.last_frame()).step_by(2) {
        set_ttl(&mut script, frame, 63);
    }
    let document = analysed(&script);
    document.only().is_whole(&content);
    let tcp = &document.session(0)["tcp"];
    for end in ["client", "server"] {
        assert_eq!(tcp[end]["retransmissions"], 0, "{end}");
        assert!(tcp[end]["duplicates"].as_u64() > Some(3), "{end}");
    }
}

/// A forged segment that any receiver ignores, and which must not move the stream on.
fn forge(script: &mut FtpScript, conn: Conn, from: From, segment: Segment<'_>) -> u64 {
    script.put(conn, from, segment);
    script.last_frame()
}

#[test]
fn acknowledgements_with_many_hops_left_do_not_make_honest_segments_expire() {
    let content = noise(9, 20_000);
    let mut forged = Vec::new();
    let mut script = download(|script, data| {
        script.send(data, Responder, &content[..2920]);
        for from in [Originator, Responder] {
            let offset = script.sent(data, from);
            forged.push(forge(script, data, from, Segment { offset, ..Segment::default() }));
        }
        carry(script, data, Responder, &content[2920..]);
    });
    forged.iter().for_each(|frame| set_ttl(&mut script, *frame, 129));
    assert!(odd_data(analysed(&script).only().is_whole(&content)).is_empty());
}

#[test]
fn a_forged_acknowledgement_does_not_lose_what_goes_on() {
    let content = noise(10, 1_000_000);
    let script = download(|script, data| {
        script.send(data, Responder, &content[..2920]);
        let acked = Some(500_000_000);
        forge(script, data, Originator, Segment { acked, ..Segment::default() });
        carry(script, data, Responder, &content[2920..]);
    });
    analysed(&script).only().is_whole(&content);
}

#[test]
fn a_forged_syn_and_what_seems_to_follow_it_end_nothing() {
    // With the number before the next one, so that the true segments follow it; and with any
    // other, followed by a forged segment of its own.
    for far in [None, Some(-1_500_000_000)] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        let offset = far.unwrap_or_else(|| script.sent(control, Originator) - 1);
        let flags = flag::SYN;
        let injected = forge(
            &mut script,
            control,
            Originator,
            Segment { offset, flags, ..Segment::default() },
        );
        if far.is_some() {
            let offset = offset + 1;
            forge(&mut script, control, Originator, Segment { offset, ..Segment::default() });
        }
        script.dialogue(control, &["> DELE f", "< 250 gone"]);
        quit(&mut script, control);
        let document = analysed(&script);
        assert_eq!(document.list("sessions").len(), 1);
        assert_eq!(document.said("DELE").codes(), [250]);
        assert_eq!(odd_control(&document), [format!("syn_ignored client #{injected}")]);
    }
}

#[test]
fn a_second_answer_to_a_syn_shifts_nothing() {
    let flags = flag::SYN | flag::ACK;
    for before in [true, false] {
        let mut script = FtpScript::new();
        let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
        let (offset, acked) =
            if before { (-1_500_000_000, None) } else { (-1, Some(1_500_000_000)) };
        let forged = Segment { offset, acked, flags, ..Segment::default() };
        forge(&mut script, control, Responder, forged);
        if before {
            // Between the SYN and its true answer.
            script.swap(2, 4);
            script.swap(3, 4);
        }
        // The client speaks before anything else confirms the number it was answered with.
        script.dialogue(control, &["> USER bob", "< 220 hi", "< 331 go", "> PASS pw", "< 230 in"]);
        quit(&mut script, control);
        let document = analysed(&script);
        assert_eq!(document.dialogue().iter().filter(|line| line.contains("USER")).count(), 1);
        if !before {
            assert_eq!(odd_control(&document), ["syn_ignored server #4"]);
        }
        assert_eq!(document.session(0)["login"], "accepted");
    }
}

#[test]
fn a_last_octet_that_differs_is_no_keep_alive() {
    let content = noise(11, 1461);
    let script = download(|script, data| {
        script.send(data, Responder, &content[..1460]);
        let at = script.sent(data, Responder);
        script.segment(data, Responder, at, flag::ACK | flag::PSH, &[!content[1460]]);
        script.segment(data, Responder, at, flag::ACK | flag::PSH, &content[1460..]);
        script.ack(data, Originator);
        script.close(data, Responder);
    });
    assert_ne!(analysed(&script).only().outcome(), "complete");
}

#[test]
fn urgent_octets_may_not_be_part_of_the_file() {
    let content = noise(12, 5000);
    let script = download(|script, data| {
        let flags = flag::ACK | flag::URG;
        script.segment(data, Responder, 0, flags, &content[..1460]);
        carry(script, data, Responder, &content[1460..]);
    });
    let document = analysed(&script);
    let moved = document.only().carries(&content).ends("unconfirmed");
    assert_eq!(moved.0["data"]["traffic"]["server"]["urgent"], 1, "{:#}", moved.0["data"]);
}

#[test]
fn what_acknowledges_nothing_was_never_said() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let at = script.sent(control, Originator);
    script.segment(control, Originator, at, flag::PSH, b"DELE f\r\n");
    let injected = script.last_frame();
    // The true sender goes on from where it was.
    script.segment(control, Originator, at, flag::ACK | flag::PSH, b"NOOP x\r\n");
    script.dialogue(control, &["< 200 ok"]);
    quit(&mut script, control);
    let document = analysed(&script);
    assert!(!document.dialogue().iter().any(|line| line.contains("DELE")));
    assert_eq!(document.said("NOOP").codes(), [200]);
    assert_eq!(odd_control(&document), [format!("no_ack client #{injected}")]);
}

#[test]
fn a_session_does_not_hide_behind_what_its_client_says_first() {
    for first in ["EHLO x", "GET / HTTP/1.0", "SSH-2.0-x", "NOOP\0"] {
        let mut script = FtpScript::new();
        let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
        script.dialogue(control, &["< 220 hi", &format!("> {first}"), "< 500 what?"]);
        script.dialogue(control, &["> USER bob", "< 331 go", "> PASS pw", "< 230 in"]);
        quit(&mut script, control);
        let document = analysed(&script);
        assert_eq!(document.list("sessions").len(), 1, "{first}");
        assert_eq!(document.session(0)["login"], "accepted", "{first}");
    }
}

#[test]
fn another_session_that_names_the_address_takes_no_part_in_a_transfer() {
    let content = noise(13, 5000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let rogue = script.connect("192.0.2.6:6666", "192.0.2.7:21");
    script.dialogue(rogue, &["< 220 hi", "> USER eve", "< 230 in"]);
    pasv(&mut script, control, 30000);
    script.dialogue(rogue, &["> PORT 10,0,0,2,117,48", "< 200 ok", "> RETR g", "< 150 go"]);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 go"]);
    carry(&mut script, data, Responder, &content);
    script.dialogue(control, &["< 226 done"]);
    script.dialogue(rogue, &["< 226 done"]);
    let document = analysed(&script);
    let named = |name: &str| document.transfers().find(|moved| moved.0["name"] == name).unwrap();
    let moved = named("f").is_whole(&content);
    assert_eq!(moved.0["direction"], "download");
    assert_eq!(named("g").outcome(), "not_captured");
}

#[test]
fn a_forged_syn_to_the_announced_port_does_not_take_the_place_of_the_client() {
    let content = noise(14, 5000);
    for is_whole in [false, true] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30000);
        // The server answers; the client, who never sent that, resets it.
        let forged = dial(&mut script, 6666, 30000);
        if is_whole {
            script.close(forged, Originator);
        } else {
            script.lose(script.last_frame());
            script.put(forged, Originator, Segment { flags: flag::RST, ..Segment::default() });
        }
        let data = dial(&mut script, 40001, 30000);
        script.dialogue(control, &["> RETR f", "< 150 go"]);
        carry(&mut script, data, Responder, &content);
        script.dialogue(control, &["< 226 done"]);
        quit(&mut script, control);
        analysed(&script).only().is_whole(&content);
    }
}

#[test]
fn of_two_connections_to_the_announced_port_neither_is_certain() {
    let content = noise(15, 5000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    script.dialogue(control, &["> RETR f", "< 150 go"]);
    let forged = dial(&mut script, 6666, 30000);
    script.send(forged, Responder, b"forged");
    let data = dial(&mut script, 40001, 30000);
    carry(&mut script, data, Responder, &content);
    script.close(forged, Responder);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    let document = analysed(&script);
    assert_eq!(document.only().outcome(), "unconfirmed");
    assert_eq!(document.list("orphans").len(), 1);
}
