//! What was moved: every byte, every gap, every outcome.

mod common;

use common::document::{Document, Moved, analysed};
use common::program::noise;
use common::script::{Conn, From, FtpScript, Segment, flag};
use common::told::{carry, dial, download, fetch, log_in, pasv, port, quit};
use serde_json::Value;

use From::{Originator, Responder};

/// A download of `content`, told without disturbance.
fn plain(content: &[u8]) -> FtpScript {
    download(|script, data| carry(script, data, Responder, content))
}

/// Frames that carry `content`, in pieces of one segment.
fn frames_of(script: &FtpScript, content: &[u8]) -> Vec<u64> {
    content.chunks(1460).map(|piece| script.frame_of(piece)).collect()
}

fn without(content: &[u8], start: usize, end: usize) -> Vec<u8> {
    [&content[..start], &content[end..]].concat()
}

/// The `expected` of a transfer as (bytes, source).
fn expected(moved: Moved<'_>) -> (Option<u64>, &str) {
    let expected = &moved.0["expected"];
    (expected["bytes"].as_u64(), expected["source"].as_str().unwrap_or("-"))
}

#[test]
fn data_out_of_order_is_put_in_order() {
    let content = noise(1, 30_000);
    let mut script = plain(&content);
    let frames = frames_of(&script, &content);
    for (one, other) in [(1, 2), (5, 8), (10, 13), (0, 3)] {
        script.swap(frames[one], frames[other]);
    }
    analysed(&script).only().is_whole(content);
}

#[test]
fn retransmitted_data_is_counted_once() {
    let content = noise(2, 20_000);
    let script = download(|script, data| {
        script.send(data, Responder, &content[..10_000]);
        // Once as it was, once in other pieces.
        script.segment(data, Responder, 1460, flag::ACK, &content[1460..2920]);
        script.segment(data, Responder, 3000, flag::ACK, &content[3000..4000]);
        script.ack(data, Originator);
        carry(script, data, Responder, &content[10_000..]);
    });
    analysed(&script).only().is_whole(content);
}

#[test]
fn doubled_frames_change_nothing() {
    let content = noise(2, 20_000);
    let mut script = plain(&content);
    for frame in (1..=script.last_frame()).rev() {
        script.duplicate(frame);
    }
    let document = analysed(&script);
    document.only().is_whole(content);
    assert_eq!(document.list("sessions").len(), 1);
    assert_eq!(document.dialogue().len(), 8, "{:?}", document.dialogue());
}

/// A download of `content` in which octets `at..at + 500` are sent again as X.
fn overlapped(content: &[u8], at: i64, len: usize) -> (FtpScript, Vec<u8>) {
    let other = vec![b'X'; len];
    let script = download(|script, data| {
        script.send(data, Responder, &content[..2920]);
        script.segment(data, Responder, at, flag::ACK, &other);
        carry(script, data, Responder, &content[2920..]);
    });
    (script, other)
}

#[track_caller]
fn assert_conflict(script: &FtpScript, content: &[u8], other: &[u8]) {
    let document = analysed(script);
    let moved = document.only().carries(content);
    let conflicts = moved.0["conflicts"].as_array().map_or(&[][..], Vec::as_slice);
    let [conflict] = conflicts else { panic!("one conflict: {:#}", moved.0) };
    assert_eq!(conflict["frame"], script.frame_of(other));
    assert_ne!(moved.outcome(), "complete", "which copy arrived cannot be told");
}

#[test]
fn of_two_copies_of_a_segment_the_first_wins_and_the_other_is_reported() {
    let content = noise(3, 6000);
    let (script, other) = overlapped(&content, 1460, 1460);
    assert_conflict(&script, &content, &other);
}

#[test]
fn of_overlapping_data_the_first_copy_wins_and_the_other_is_reported() {
    let content = noise(3, 6000);
    for (at, len) in [(2000, 500), (1460, 700), (1000, 1000), (0, 2920), (2000, 920)] {
        let (script, other) = overlapped(&content, at, len);
        assert_conflict(&script, &content, &other);
    }
}

#[test]
fn overlapping_data_never_changes_what_was_first() {
    let content = noise(3, 6000);
    for (at, len) in [(2000, 500), (1460, 700), (1000, 1000), (0, 2920), (2000, 920)] {
        let (script, _) = overlapped(&content, at, len);
        analysed(&script).only().carries(&content);
    }
}

#[test]
fn an_overlap_of_early_data_is_reported_too() {
    let content = noise(3, 6000);
    let script = download(|script, data| {
        script.segment(data, Responder, 2920, flag::ACK, &content[2920..4380]);
        script.segment(data, Responder, 3000, flag::ACK, &[b'X'; 500]);
        script.segment(data, Responder, 0, flag::ACK, &content[..2920]);
        script.ack(data, Originator);
        script.segment(data, Responder, 4380, flag::ACK, &content[4380..]);
        script.ack(data, Originator);
        script.close(data, Responder);
    });
    let document = analysed(&script);
    let moved = document.only().carries(content);
    assert_eq!(moved.0["conflicts"][0]["frame"], script.frame_of([b'X'; 500]));
}

#[test]
fn lost_packets_are_gaps_with_their_offsets_and_lengths() {
    for (lost, wanted) in [
        (&[3][..], &[(4380, 1460)][..]),
        (&[0], &[(0, 1460)]),
        (&[3, 4, 5], &[(4380, 4380)]),
        (&[2, 9], &[(2920, 1460), (13_140, 1460)]),
        (&[13], &[(18_980, 1020)]),
        (&[12, 13], &[(17_520, 2480)]),
    ] {
        let content = noise(4, 20_000);
        let mut script = plain(&content);
        let frames = frames_of(&script, &content);
        lost.iter().rev().for_each(|nth| script.lose(frames[*nth]));
        let document = analysed(&script);
        let moved = document.only().ends("gaps");
        let range = |(offset, len): &(u64, u64)| (Some(*offset), Some(*len));
        assert_eq!(moved.missing(), wanted.iter().map(range).collect::<Vec<_>>(), "{lost:?}");
        let missing: u64 = wanted.iter().map(|(_, len)| len).sum();
        assert_eq!(moved.0["bytes"], 20_000 - missing, "{lost:?}");
        let seen = wanted.iter().rev().fold(content, |left, (offset, len)| {
            without(&left, *offset as usize, (offset + len) as usize)
        });
        moved.carries(seen);
    }
}

#[test]
fn packets_cut_by_the_snap_length_are_gaps() {
    let content = noise(5, 2920);
    let mut script = plain(&content);
    script.snaplen(54 + 100);
    let document = analysed(&script);
    let moved = document.only().ends("gaps");
    let wanted = [(Some(100), Some(1360)), (Some(1560), Some(1360))];
    assert_eq!(moved.missing(), wanted);
    moved.carries([&content[..100], &content[1460..1560]].concat());
    assert_eq!(document.said("RETR").codes(), [150, 226]);
}

#[test]
fn a_data_connection_of_which_only_the_acks_were_captured_is_one_gap() {
    let content = noise(6, 20_000);
    let mut script = plain(&content);
    let data = script.packets()[script.frame_of(&content[..1460]) as usize - 1].sender.0;
    script.drop_direction(data, Responder);
    let document = analysed(&script);
    let moved = document.only();
    assert_eq!(moved.0["bytes"], 0);
    // The first acknowledgement captured need not be the first that was sent.
    assert_eq!(moved.missing(), [(Some(0), None), (None, Some(20_000))]);
    moved.ends("gaps");
}

#[test]
fn a_data_connection_without_its_acks_is_still_the_file() {
    let content = noise(6, 20_000);
    let mut script = plain(&content);
    let data = script.packets()[script.frame_of(&content[..1460]) as usize - 1].sender.0;
    script.drop_direction(data, Originator);
    let document = analysed(&script);
    let moved = document.only().carries(content);
    assert!(moved.missing().is_empty());
    assert!(["complete", "unconfirmed"].contains(&moved.outcome()), "{:#}", moved.0);
}

#[test]
fn loss_without_acks_is_a_gap_all_the_same() {
    let content = noise(6, 20_000);
    let mut script = plain(&content);
    let data = script.packets()[script.frame_of(&content[..1460]) as usize - 1].sender.0;
    script.lose(frames_of(&script, &content)[5]);
    script.drop_direction(data, Originator);
    let document = analysed(&script);
    let moved = document.only().ends("gaps");
    assert_eq!(moved.missing(), [(Some(7300), Some(1460))]);
}

#[test]
fn sequence_numbers_that_wrap_move_the_same_file() {
    let content = noise(7, 50_000);
    for isn in [u32::MAX, u32::MAX - 1, u32::MAX - 20_000, u32::MAX - 49_999, u32::MAX - 50_000] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30000);
        let data = script.connect_from("10.0.0.1:40001", "10.0.0.2:30000", [5, isn]);
        script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
        carry(&mut script, data, Responder, &content);
        script.dialogue(control, &["< 226 done"]);
        let frames = frames_of(&script, &content);
        script.swap(frames[13], frames[14]);
        let document = analysed(&script);
        document.only().is_whole(&content);
        script.lose(frames[14]);
        let document = analysed(&script);
        assert_eq!(document.only().missing().len(), 1, "{isn}");
    }
}

#[test]
fn keep_alives_and_window_probes_are_no_data() {
    let content = noise(8, 8000);
    let script = download(|script, data| {
        script.send(data, Responder, &content[..4000]);
        let at = script.sent(data, Responder);
        // A full window, a probe of the next octet, a keep-alive with and without an octet.
        script.put(data, Originator, Segment { window: 0, ..Segment::default() });
        script.segment(data, Responder, at, flag::ACK, &content[4000..4001]);
        script.put(data, Originator, Segment { window: 0, acked: Some(at), ..Segment::default() });
        script.segment(data, Responder, at - 1, flag::ACK, b"\0");
        script.segment(data, Responder, at - 1, flag::ACK, b"");
        script.ack(data, Originator);
        script.segment(data, Responder, at, flag::ACK, &content[4000..5000]);
        script.ack(data, Originator);
        carry(script, data, Responder, &content[5000..]);
    });
    let document = analysed(&script);
    let moved = document.only().is_whole(content);
    assert!(moved.0.get("conflicts").is_none(), "{:#}", moved.0);
}

#[test]
fn a_broken_off_transfer_is_aborted_and_never_complete() {
    for (reply, resets) in [
        ("426 Connection closed", true),
        ("426 aborted", false),
        ("451 local error", false),
        ("552 disk full", true),
    ] {
        let content = noise(9, 9000);
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30000);
        let data = dial(&mut script, 40001, 30000);
        script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
        script.send(data, Responder, &content);
        match resets {
            true => script.reset(data, Originator),
            false => script.close(data, Responder),
        }
        script.dialogue(control, &[&format!("< {reply}")]);
        quit(&mut script, control);
        let document = analysed(&script);
        let moved = document.only().ends("aborted").carries(&content);
        assert_eq!(moved.0["final_code"].as_u64().unwrap().to_string(), reply[..3]);
        let close = if resets { "reset" } else { "fin" };
        assert_eq!(moved.0["data"]["close"], close, "{reply}");
    }
}

#[test]
fn a_reset_without_a_word_is_aborted() {
    let content = noise(9, 9000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.send(data, Responder, &content);
    script.reset(data, Responder);
    script.reset(control, Responder);
    let document = analysed(&script);
    document.only().ends("aborted").carries(&content);
    assert_eq!(document.session(0)["tcp"]["close"], "reset");
}

#[test]
fn an_abor_aborts_what_is_under_way() {
    let content = noise(9, 9000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.send(data, Responder, &content);
    script.client(control, b"\xff\xf4\xff\xf2ABOR\r\n");
    script.close(data, Responder);
    script.dialogue(control, &["< 426 aborted", "< 226 ABOR done"]);
    fetch(&mut script, control, "RETR g", [40002, 30001], b"next");
    let document = analysed(&script);
    document.transfer("f").ends("aborted").carries(content);
    document.transfer("g").is_whole(b"next");
    assert_eq!(document.said("ABOR").codes(), [226]);
    assert_eq!(document.said("RETR").codes(), [150, 426]);
}

#[test]
fn a_capture_that_ends_first_leaves_a_transfer_in_progress() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.send(data, Responder, b"the beginning");
    let document = analysed(&script);
    document.only().ends("in_progress").carries(b"the beginning");
    assert_eq!(document.only().0["final_code"], Value::Null);
    assert_eq!(document.session(0)["tcp"]["close"], "open");
}

#[test]
fn without_the_226_a_transfer_is_unconfirmed() {
    let content = noise(1, 5000);
    let mut script = plain(&content);
    script.lose(script.frame_of("226 done"));
    analysed(&script).only().ends("unconfirmed").carries(content);
}

#[test]
fn without_the_fin_a_transfer_is_unconfirmed() {
    let content = noise(1, 5000);
    let script = download(|script, data| script.send(data, Responder, &content));
    analysed(&script).only().ends("unconfirmed").carries(content);
}

#[test]
fn files_of_no_bytes_exist_in_both_directions() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR down", [40001, 30000], b"");
    fetch(&mut script, control, "STOR up", [40002, 30001], b"");
    quit(&mut script, control);
    let document = analysed(&script);
    for name in ["down", "up"] {
        let moved = document.transfer(name).is_whole(b"");
        assert_eq!(moved.0["media_type"], Value::Null);
    }
}

#[test]
fn uploads_appends_and_listings_have_their_directions() {
    for (command, direction, name) in [
        ("RETR f", "download", "f"),
        ("STOR f", "upload", "f"),
        ("STOU f", "upload", "f"),
        ("APPE f", "append", "f"),
        ("LIST", "listing", "-"),
        ("LIST -la sub", "listing", "sub"),
        ("NLST sub", "listing", "sub"),
        ("MLSD sub", "listing", "sub"),
        ("mlsd sub", "listing", "sub"),
    ] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        fetch(&mut script, control, command, [40001, 30000], b"some content\r\n");
        let document = analysed(&script);
        let moved = document.only().is_whole(b"some content\r\n");
        assert_eq!(moved.0["direction"], direction, "{command}");
        assert_eq!(moved.0["command"], command[..4].to_uppercase(), "{command}");
        assert_eq!(moved.name(), name, "{command}");
    }
}

#[test]
fn a_listing_without_a_name_is_of_the_working_directory() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> CWD sub", "< 250 ok"]);
    fetch(&mut script, control, "LIST", [40001, 30000], b"total 0\r\n");
    assert_eq!(analysed(&script).only().path(), Some("/home/bob/sub"));
}

#[test]
fn files_of_one_name_are_kept_apart() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let contents = [noise(1, 100), noise(2, 200), noise(1, 100)];
    for (nth, content) in (0..).zip(&contents) {
        fetch(&mut script, control, "RETR same", [40001 + nth, 30000 + nth], content);
    }
    script.dialogue(control, &["> CWD sub", "< 250 ok"]);
    fetch(&mut script, control, "RETR same", [40010, 30010], b"other");
    let document = analysed(&script);
    let moved: Vec<_> = document.transfers().collect();
    for (moved, content) in moved.iter().zip(&contents) {
        moved.is_whole(content);
    }
    assert_eq!(moved[3].is_whole(b"other").path(), Some("/home/bob/sub/same"));
}

#[test]
fn rest_belongs_to_the_next_transfer_only() {
    let content = noise(1, 4000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> REST 1000", "< 350 go on at 1000"]);
    fetch(&mut script, control, "RETR a", [40001, 30000], &content[1000..]);
    fetch(&mut script, control, "RETR b", [40002, 30001], &content);
    script.dialogue(control, &["> REST 500", "< 501 no"]);
    fetch(&mut script, control, "RETR c", [40003, 30002], &content);
    let document = analysed(&script);
    for (name, offset) in [("a", 1000), ("b", 0), ("c", 0)] {
        let moved = document.transfer(name).is_whole(&content[offset..]);
        assert_eq!(moved.0["rest_offset"], offset, "{name}");
    }
}

#[test]
fn the_server_names_what_stou_stored() {
    for (command, opening, closing, wanted) in [
        ("STOU", "150 FILE: up.1", "226 done", "up.1"),
        ("STOU mine", "150 FILE: up.2", "226 done", "up.2"),
        ("STOU", "150 go on", "226 Transfer complete (unique file name:up.3).", "up.3"),
        ("stou", "125 FILE: a b", "250 done", "a b"),
        ("STOU mine", "150 go on", "226 done", "mine"),
        ("STOU", "150 go on", "226 done", "-"),
    ] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30000);
        let data = dial(&mut script, 40001, 30000);
        script.dialogue(control, &[&format!("> {command}"), &format!("< {opening}")]);
        carry(&mut script, data, Originator, b"content");
        script.dialogue(control, &[&format!("< {closing}")]);
        let document = analysed(&script);
        let moved = document.only().is_whole(b"content");
        assert_eq!(moved.name(), wanted, "{opening} / {closing}");
        if wanted != "-" {
            assert_eq!(moved.path(), Some(&format!("/home/bob/{wanted}")[..]));
        }
    }
}

#[test]
fn sizes_the_server_told_are_expected() {
    let list = "-rw-r--r--    1 0    0     3000 Jan  2 03:04 f\r\n";
    let dos = "01-02-26  03:04AM                 3000 f\r\n";
    let mlsd = "type=file;size=3000;modify=20260102030405; f\r\n";
    type Told = fn(&mut FtpScript, Conn, &str);
    let ask: Told = |script, control, text| {
        let lines: Vec<&str> = text.split('|').collect();
        script.dialogue(control, &lines);
    };
    let list_by: Told = |script, control, text| {
        let (command, listing) = text.split_once('|').unwrap();
        fetch(script, control, command, [40100, 30100], listing.as_bytes());
    };
    for (tell, text, source) in [
        (ask, "> SIZE f|< 213 3000".to_owned(), "SIZE"),
        (ask, "> SIZE /home/bob/f|< 213 3000".to_owned(), "SIZE"),
        (ask, "> size f|< 213 3000".to_owned(), "SIZE"),
        (
            ask,
            "> MLST f|< 250-Listing|<  type=file;Size=3000; /home/bob/f|< 250 end".to_owned(),
            "MLST",
        ),
        (list_by, format!("LIST|{list}"), "LIST"),
        (list_by, format!("LIST /home/bob|{dos}"), "LIST"),
        (list_by, format!("MLSD|{mlsd}"), "MLSD"),
    ] {
        for (len, outcome) in [(3000, "complete"), (2999, "unconfirmed"), (3001, "unconfirmed")] {
            let content = noise(len, len as usize);
            let mut script = FtpScript::new();
            let control = log_in(&mut script);
            tell(&mut script, control, &text);
            fetch(&mut script, control, "RETR f", [40001, 30000], &content);
            let document = analysed(&script);
            let moved = document.transfer("f").carries(&content);
            assert_eq!(expected(moved), (Some(3000), source), "{text}");
            assert_eq!(moved.outcome(), outcome, "{text}: {len} bytes");
        }
    }
}

#[test]
fn the_size_in_a_150_is_expected() {
    for (text, size) in [
        ("150 Opening BINARY mode data connection for f (3000 bytes).", Some(3000)),
        ("125 Data connection open (3000 bytes)", Some(3000)),
        ("150 Opening data connection for (7 bytes) (3000 bytes).", Some(3000)),
        ("150-Accepted data connection|150 2.9 kbytes to download", None),
        ("150 here it comes", None),
    ] {
        for (len, agrees) in [(3000, true), (2000, false)] {
            let content = noise(1, len);
            let mut script = FtpScript::new();
            let control = log_in(&mut script);
            pasv(&mut script, control, 30000);
            let data = dial(&mut script, 40001, 30000);
            script.dialogue(control, &["> RETR f"]);
            text.split('|').for_each(|line| script.server(control, format!("{line}\r\n")));
            carry(&mut script, data, Responder, &content);
            script.dialogue(control, &["< 226 done"]);
            let document = analysed(&script);
            let moved = document.only().carries(content);
            assert_eq!(moved.0["expected"]["bytes"].as_u64(), size, "{text}");
            let whole = agrees || size.is_none();
            assert_eq!(moved.outcome() == "complete", whole, "{text}: {len}");
        }
    }
}

#[test]
fn a_size_of_another_file_is_not_expected_of_this_one() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> SIZE f", "< 213 9", "> CWD sub", "< 250 ok"]);
    fetch(&mut script, control, "RETR f", [40001, 30000], b"content");
    fetch(&mut script, control, "STOR g", [40002, 30001], b"1234");
    script.dialogue(control, &["> SIZE g", "< 213 4"]);
    fetch(&mut script, control, "STOR g", [40003, 30002], b"123456");
    fetch(&mut script, control, "RETR g", [40004, 30003], b"123456");
    let document = analysed(&script);
    for moved in document.transfers() {
        assert_eq!(moved.outcome(), "complete", "{:#}", moved.0);
        assert!(moved.0["expected"].is_null(), "{:#}", moved.0);
    }
}

#[test]
fn a_size_is_not_held_against_converted_text() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> SIZE f", "< 213 4", "> TYPE A", "< 200 ok"]);
    fetch(&mut script, control, "RETR f", [40001, 30000], b"a\r\nb\r\n");
    let document = analysed(&script);
    let moved = document.only().is_whole(b"a\r\nb\r\n");
    assert_eq!(moved.0["type"], "A");
}

#[test]
fn resumed_downloads_agree_with_the_whole_size() {
    let content = noise(1, 4000);
    for (rest, told) in [(1000, 4000), (1000, 3000)] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        script.dialogue(control, &[&format!("> REST {rest}"), "< 350 ok"]);
        pasv(&mut script, control, 30000);
        let data = dial(&mut script, 40001, 30000);
        let opening = format!("< 150 Opening connection for f ({told} bytes)");
        script.dialogue(control, &["> RETR f", &opening]);
        carry(&mut script, data, Responder, &content[rest..]);
        script.dialogue(control, &["< 226 done"]);
        analysed(&script).only().is_whole(&content[rest..]);
    }
}

#[test]
fn type_mode_and_structure_are_those_in_force() {
    for (lines, wanted) in [
        (&[][..], ["I", "S", "F"]),
        (&["> TYPE A N", "< 200 ok"], ["A N", "S", "F"]),
        (&["> type a", "< 200 ok", "> MODE b", "< 200 ok"], ["A", "B", "F"]),
        (&["> TYPE A", "< 504 no", "> STRU R", "< 504 no"], ["I", "S", "F"]),
        (&["> TYPE L 8", "< 200 ok", "> STRU R", "< 200 ok"], ["L 8", "S", "R"]),
        (&["> MODE Z", "< 200 ok"], ["I", "Z", "F"]),
    ] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        script.dialogue(control, lines);
        fetch(&mut script, control, "RETR f", [40001, 30000], b"content");
        let document = analysed(&script);
        let seen =
            ["type", "mode", "structure"].map(|key| document.only().0[key].as_str().unwrap());
        assert_eq!(seen, wanted, "{lines:?}");
    }
}

#[test]
fn an_upload_over_an_active_connection_is_what_the_client_sent() {
    let content = noise(1, 9000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    port(&mut script, control, 40001);
    script.dialogue(control, &["> STOR f"]);
    let data = script.connect("10.0.0.2:20", "10.0.0.1:40001");
    script.dialogue(control, &["< 150 go on"]);
    carry(&mut script, data, Responder, &content);
    script.dialogue(control, &["< 226 done"]);
    let document = analysed(&script);
    let moved = document.only().is_whole(content);
    assert_eq!(moved.0["direction"], "upload");
}

#[test]
fn data_with_the_syn_and_with_the_fin_is_data() {
    let content = noise(1, 2000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    port(&mut script, control, 40001);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    let data = script.refused("10.0.0.2:20", "10.0.0.1:40001");
    let before = script.last_frame() as usize - 2;
    script.packets_mut().truncate(before);
    script.segment(data, Originator, -1, flag::SYN, &content[..100]);
    script.segment(data, Responder, -1, flag::SYN | flag::ACK, b"");
    script.segment(data, Originator, 100, flag::ACK, &content[100..1000]);
    script.ack(data, Responder);
    script.segment(data, Originator, 1000, flag::ACK | flag::FIN, &content[1000..]);
    script.segment(data, Responder, 0, flag::ACK | flag::FIN, b"");
    script.ack(data, Originator);
    script.dialogue(control, &["< 226 done"]);
    let document = analysed(&script);
    document.only().carries(content);
}

#[test]
fn every_data_command_is_a_transfer_seen_or_not() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for command in ["RETR a", "STOR b", "STOU c", "APPE d", "LIST e", "NLST g", "MLSD h"] {
        script.dialogue(control, &[&format!("> {command}"), "< 550 no"]);
    }
    quit(&mut script, control);
    let document = analysed(&script);
    let wanted = ["a", "b", "c", "d", "e", "g", "h"].map(|name| format!("{name} refused"));
    assert_eq!(document.outcomes(), wanted);
    let ids = document.session(0)["transfers"].as_array().unwrap();
    let listed: Vec<&Value> = document.transfers().map(|moved| &moved.0["id"]).collect();
    assert_eq!(ids.iter().collect::<Vec<_>>(), listed);
}

#[test]
fn the_name_is_the_argument_as_sent() {
    for name in ["a b.txt", " two", "../../etc/passwd", "/abs/f", "quote\"d", "naïve", "tab\there"]
    {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        fetch(&mut script, control, &format!("RETR {name}"), [40001, 30000], b"x");
        let document = analysed(&script);
        assert_eq!(document.only().name(), name);
    }
}

fn media_type(content: &[u8]) -> Value {
    analysed(&plain(content)).only().0["media_type"].clone()
}

#[test]
fn the_media_type_comes_from_the_content() {
    assert_eq!(media_type(b"%PDF-1.4\n%..."), "application/pdf");
    assert_eq!(media_type(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "image/png");
    assert_eq!(media_type(b"plain words\n"), "text/plain");
}

#[test]
fn a_big_transfer_of_small_segments_is_whole() {
    let content = noise(1, 300_000);
    let mut script = FtpScript::new();
    script.mss(100);
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR f", [40001, 30000], &content);
    let document: Document = analysed(&script);
    document.only().is_whole(content);
}

#[test]
fn sizes_beyond_32_bits_are_kept() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> SIZE f", "< 213 5000000000", "> REST 4999999997", "< 350 ok"]);
    fetch(&mut script, control, "RETR f", [40001, 30000], b"end");
    let document = analysed(&script);
    let moved = document.only().is_whole(b"end");
    assert_eq!(expected(moved), (Some(5_000_000_000), "SIZE"));
    assert_eq!(moved.0["rest_offset"], 4_999_999_997_u64);
}

#[test]
fn a_fin_acknowledged_before_it_is_seen_is_no_gap() {
    let content = noise(1, 5000);
    let mut script = plain(&content);
    let data = script.packets()[script.frame_of(&content[..1460]) as usize - 1].sender.0;
    let last = script.packets().iter().rposition(|packet| packet.sender.0 == data);
    // FIN, the other end's FIN that acknowledges it, and the last ACK.
    let fin = last.unwrap() as u64 + 1 - 2;
    script.swap(fin, fin + 1);
    analysed(&script).only().is_whole(content);
}

#[test]
fn data_behind_the_reset_in_the_file_still_counts() {
    // The client resets; what the server had sent by then passes the reset on its way.
    let content = noise(1, 5840);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.send(data, Responder, &content[..2920]);
    script.reset(data, Originator);
    script.segment(data, Responder, 2920, flag::ACK, &content[2920..]);
    script.dialogue(control, &["< 426 broken"]);
    let document = analysed(&script);
    document.only().ends("aborted").carries(content);
}
