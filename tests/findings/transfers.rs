//! What became of files.

use std::time::Duration;

use super::common::document::analysed;
use super::common::script::{Conn, From, FtpScript, Segment, flag};
use super::common::told::{carry, dial, download, fetch, log_in, log_in_as, pasv, port, quit};
use super::{Scenario, of, only};

use From::{Originator, Responder};

pub(super) const SCENARIOS: &[Scenario] = &[
    ("transfer-aborted-by-peer", client_closes_early, cancelled),
    ("transfer-cancelled", cancelled, client_closes_early),
    ("transfer-short", || said_to_have(6000), || said_to_have(5000)),
    ("upload-cut-but-accepted", || upload(true), || upload(false)),
    ("completion-missing", || unanswered(true), || unanswered(false)),
    ("transfer-went-silent", || silent_for(15), || silent_for(5)),
    ("stalled-zero-window", || closed_window(4000), || closed_window(100)),
    ("stalled-loss", || sent_again(3000), || sent_again(200)),
    ("window-limited", || paced(8192), || paced(64000)),
    ("mtu-black-hole", || stuck(1460), || stuck(100)),
    ("ascii-corruption", || as_type("A"), || as_type("I")),
    ("resume-ignored", || resumed(5000), || resumed(2000)),
    ("storage-full", || refused_upload("452 Quota exceeded."), || refused_upload("550 No.")),
    // 550 is also what ProFTPD says to one that is not encrypted.
    (
        "file-unavailable",
        || refused("RETR f", "550 No such file."),
        || refused("RETR f", "550 SSL/TLS required on the data channel."),
    ),
    ("name-not-allowed", || refused_upload("553 Bad name."), || refused_upload("550 No.")),
    ("concurrent-write", || side_by_side("bob"), || side_by_side("eve")),
    ("latency-bound", || small_files(true), || small_files(false)),
    ("slow-data-open", || opened_after(5), || opened_after(1)),
];

const CONTENT: [u8; 5000] = [b'x'; 5000];

/// A download whose client closes in the middle, unless `tell` says otherwise.
fn begun(command: &str, tell: impl FnOnce(&mut FtpScript, Conn, Conn)) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &[&format!("> {command}"), "< 150 here it comes"]);
    tell(&mut script, control, data);
    quit(&mut script, control);
    script
}

fn client_closes_early() -> FtpScript {
    begun("RETR f", |script, control, data| {
        script.send(data, Responder, &CONTENT);
        script.segment(data, Originator, 0, flag::FIN | flag::ACK, b"");
        script.ack(data, Responder);
        script.reset(data, Responder);
        script.dialogue(control, &["< 426 Failure writing network stream."]);
    })
}

fn cancelled() -> FtpScript {
    begun("RETR f", |script, control, data| {
        script.send(data, Responder, &CONTENT);
        script.dialogue(control, &["> ABOR"]);
        script.reset(data, Responder);
        script.dialogue(control, &["< 426 aborted", "< 226 ABOR done"]);
    })
}

/// A download of 5000 bytes.
fn said_to_have(bytes: usize) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    let promise = format!("< 150 Opening BINARY mode data connection for f ({bytes} bytes).");
    script.dialogue(control, &["> RETR f", &promise]);
    carry(&mut script, data, Responder, &CONTENT);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script
}

fn upload(is_reset: bool) -> FtpScript {
    begun("STOR f", |script, control, data| {
        script.send(data, Originator, &CONTENT);
        match is_reset {
            true => script.reset(data, Originator),
            false => script.close(data, Originator),
        }
        script.dialogue(control, &["< 226 done"]);
    })
}

/// Without a final reply: the control connection ends, or the capture.
fn unanswered(is_over: bool) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    carry(&mut script, data, Responder, &CONTENT);
    script.wait(Duration::from_secs(20));
    if is_over {
        script.close(control, Originator);
    }
    script
}

/// A download of which nothing more comes, so many seconds before the client gives up.
fn silent_for(seconds: u64) -> FtpScript {
    begun("RETR f", |script, _, data| {
        script.send(data, Responder, &CONTENT);
        script.ack(data, Originator);
        script.wait(Duration::from_secs(seconds));
    })
}

/// The client has no room for so many milliseconds.
fn closed_window(millis: u64) -> FtpScript {
    download(|script, data| {
        script.send(data, Responder, &CONTENT);
        script.put(data, Originator, Segment { window: 0, ..Segment::default() });
        script.wait(Duration::from_millis(millis));
        script.ack(data, Originator);
        carry(script, data, Responder, &CONTENT);
    })
}

/// A segment that is acknowledged when it is sent again so many milliseconds later.
fn sent_again(millis: u64) -> FtpScript {
    download(|script, data| {
        script.send(data, Responder, &CONTENT);
        let at = script.sent(data, Responder);
        script.segment(data, Responder, at, flag::ACK, &CONTENT[..1000]);
        script.wait(Duration::from_millis(millis));
        script.segment(data, Responder, at, flag::ACK, &CONTENT[..1000]);
        script.ack(data, Originator);
        carry(script, data, Responder, &CONTENT);
    })
}

/// 2 MiB over a path of 20 ms, 8 KiB in each round trip, to a client that offers `window`.
fn paced(window: u16) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = script.syn_only("10.0.0.1:40001", "10.0.0.2:30000", 0);
    script.wait(Duration::from_millis(18));
    script.segment(data, Responder, -1, flag::SYN | flag::ACK, b"");
    script.put(data, Originator, Segment { window, ..Segment::default() });
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    for _ in 0..256 {
        for _ in 0..8 {
            let at = script.sent(data, Responder);
            script.segment(data, Responder, at, flag::ACK, &CONTENT[..1024]);
        }
        script.put(data, Originator, Segment { window, ..Segment::default() });
        script.wait(Duration::from_millis(12));
    }
    let fin = Segment { window, flags: flag::FIN | flag::ACK, ..Segment::default() };
    script.put(data, Responder, Segment { offset: script.sent(data, Responder), ..fin });
    script.put(data, Originator, fin);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script
}

/// A segment of `len` bytes that is sent over and over, until the client gives up.
fn stuck(len: usize) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.send(data, Responder, &CONTENT[..200]);
    for _ in 0..5 {
        script.segment(data, Responder, 200, flag::ACK, &CONTENT[..len]);
        script.wait(Duration::from_secs(2));
    }
    let end = Segment { acked: Some(200), flags: flag::FIN | flag::ACK, ..Segment::default() };
    script.put(data, Originator, end);
    script.ack(data, Responder);
    script.close(control, Originator);
    script
}

fn as_type(kind: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &[&format!("> TYPE {kind}"), "< 200 ok"]);
    let image =
        b"\x89PNG\r\r\n\x1a\r\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
    fetch(&mut script, control, "RETR dot.png", [40001, 30000], image);
    quit(&mut script, control);
    script
}

/// A file of 5000 bytes, resumed at 3000.
fn resumed(bytes: usize) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> SIZE f", "< 213 5000", "> REST 3000", "< 350 ok"]);
    fetch(&mut script, control, "RETR f", [40001, 30000], &CONTENT[..bytes]);
    quit(&mut script, control);
    script
}

fn refused_upload(reply: &str) -> FtpScript {
    refused("STOR up.bin", reply)
}

fn refused(command: &str, reply: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &[&format!("> {command}"), &format!("< {reply}")]);
    script.close(data, Originator);
    quit(&mut script, control);
    script
}

/// bob and `other` upload /same.bin at the same time.
fn side_by_side(other: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let one = log_in(&mut script);
    let two = script.connect("10.0.0.3:41000", "10.0.0.2:21");
    let user = format!("> USER {other}");
    script.dialogue(two, &["< 220 ready", &user, "< 331 password", "> PASS x", "< 230 in"]);
    script.dialogue(two, &["> TYPE I", "< 200 ok"]);
    pasv(&mut script, one, 30000);
    pasv(&mut script, two, 30001);
    let first = dial(&mut script, 40001, 30000);
    let second = script.connect("10.0.0.3:41001", "10.0.0.2:30001");
    for (control, data) in [(one, first), (two, second)] {
        script.dialogue(control, &["> STOR /same.bin", "< 150 go on"]);
        script.send(data, Originator, &CONTENT);
    }
    for (control, data) in [(one, first), (two, second)] {
        carry(&mut script, data, Originator, &CONTENT);
        script.dialogue(control, &["< 226 done"]);
        quit(&mut script, control);
    }
    script
}

/// Thirty files, over a path of 60 ms or in one room.
fn small_files(is_far: bool) -> FtpScript {
    let half = Duration::from_millis(if is_far { 60 } else { 0 });
    let mut script = FtpScript::new();
    let control = script.syn_only("10.0.0.1:40000", "10.0.0.2:21", 0);
    script.wait(half);
    script.segment(control, Responder, -1, flag::SYN | flag::ACK, b"");
    script.ack(control, Originator);
    script.dialogue(control, &["< 220 ready", "> USER bob", "< 230 in", "> TYPE I", "< 200 ok"]);
    for nth in 0..30 {
        pasv(&mut script, control, 30000 + nth);
        script.wait(half * 2);
        let data = dial(&mut script, 40001 + nth, 30000 + nth);
        script.wait(half);
        script.dialogue(control, &[&format!("> RETR f{nth}"), "< 150 here it comes"]);
        carry(&mut script, data, Responder, &CONTENT[..100]);
        script.wait(half);
        script.dialogue(control, &["< 226 done"]);
    }
    quit(&mut script, control);
    script
}

fn opened_after(seconds: u64) -> FtpScript {
    download(|script, data| {
        script.wait(Duration::from_secs(seconds));
        carry(script, data, Responder, &CONTENT);
    })
}

#[test]
fn who_closed_first_is_named_with_what_came_before() {
    let document = analysed(&client_closes_early());
    let finding = only(&document, "transfer-aborted-by-peer");
    let text = finding["explanation"].as_str().unwrap();
    assert!(text.starts_with("The client 10.0.0.1:40001 was the first to close"), "{text}");
    assert!(text.contains("carried 5000 bytes"), "{text}");
    assert!(text.ends_with("426 Failure writing network stream."), "{text}");
}

#[test]
fn what_the_capture_lost_is_not_short() {
    let mut script = said_to_have(5000);
    let middle = script.frame_of([b'x'; 1460]);
    script.lose(middle);
    let document = analysed(&script);
    for rule in ["transfer-short", "transfer-aborted-by-peer", "upload-cut-but-accepted"] {
        assert!(of(&document, rule).is_empty(), "{rule}");
    }
}

#[test]
fn a_transfer_that_was_given_up_while_nothing_got_through_was_aborted() {
    let document = analysed(&stuck(1460));
    assert_eq!(document.outcomes(), ["f aborted"]);
    assert!(of(&document, "transfer-aborted-by-peer").is_empty(), "it is told by its cause");
    assert!(of(&document, "stalled-loss").is_empty(), "it is told by its cause");
}

#[test]
fn a_small_segment_that_never_gets_through_is_loss() {
    let document = analysed(&stuck(100));
    only(&document, "stalled-loss");
}

#[test]
fn a_crawlers_refusals_are_one_finding_for_each_reason() {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ["10.0.0.1:40000", "10.0.0.2:21"]);
    for nth in 0..50 {
        script.dialogue(control, &[&format!("> CWD d{nth}"), "< 550 No such directory."]);
    }
    script.dialogue(control, &["> DELE x", "< 550 Permission denied."]);
    quit(&mut script, control);
    let document = analysed(&script);
    let found = of(&document, "file-unavailable");
    let counts: Vec<_> = found.iter().map(|finding| finding["count"].as_u64()).collect();
    assert_eq!(counts, [Some(50), Some(1)]);
}

/// The words of a name, and those that mean something else, say nothing of room.
#[test]
fn only_what_speaks_of_room_is_a_full_disk() {
    for (command, reply) in [
        ("STOR quota exceeded.xls", "553 quota exceeded.xls: bad file name"),
        ("STOR /up/disk full", "550 disk full: bad file name"),
        ("STOR a", "550 Insufficient access rights"),
        ("STOR a", "550 File exists; overwriting is off (insufficient trust)"),
        ("STOR a", "552 Virus found, file rejected"),
        ("STOR a", "552 Permission denied"),
    ] {
        let document = analysed(&refused(command, reply));
        assert!(of(&document, "storage-full").is_empty(), "{reply}");
    }
    for (reply, confidence) in [
        ("552 Requested file action aborted.", "medium"),
        ("451 Failure writing to local file.", "medium"),
        ("452 Insufficient storage space in system.", "high"),
        ("550 a: No space left on device", "high"),
    ] {
        let document = analysed(&refused("STOR a", reply));
        assert_eq!(only(&document, "storage-full")["confidence"], confidence, "{reply}");
    }
}

#[test]
fn a_file_is_unavailable_for_what_the_server_says_not_for_its_name() {
    for (command, reply, reason) in [
        ("RETR not found.txt", "550 Access is denied: not found.txt", "permission"),
        ("RETR s", "550 s: No such file", "not-found"),
    ] {
        let document = analysed(&refused(command, reply));
        let finding = only(&document, "file-unavailable");
        assert_eq!(finding["evidence"]["reason"], reason, "{reply}");
    }
    let document = analysed(&refused("RETR f", "550 Data channel timed out"));
    assert!(of(&document, "file-unavailable").is_empty());
}

/// In active mode the server has no data connection before it dials one.
#[test]
fn a_server_that_dials_late_is_told_so() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    port(&mut script, control, 51201);
    script.client(control, "RETR f\r\n");
    script.wait(Duration::from_secs(10));
    let data = script.connect("10.0.0.2:20", "10.0.0.1:51201");
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, Originator, &CONTENT);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    let document = analysed(&script);
    let finding = only(&document, "slow-data-open");
    assert_eq!(finding["confidence"], "medium");
    assert!(finding["explanation"].as_str().unwrap().contains("dialled only"), "{finding:#}");
}

#[test]
fn a_reset_after_which_the_server_confirms_is_no_error() {
    let document = analysed(&begun("RETR f", |script, control, data| {
        script.send(data, Responder, &CONTENT);
        script.reset(data, Responder);
        script.dialogue(control, &["< 226 done"]);
    }));
    assert_eq!(only(&document, "transfer-aborted-by-peer")["severity"], "warning");
}

#[test]
fn an_upload_whose_size_agrees_afterwards_was_not_cut() {
    let asked = |size: &str| {
        begun("STOR f", |script, control, data| {
            script.send(data, Originator, &CONTENT);
            script.reset(data, Originator);
            script.dialogue(control, &["< 226 done", "> SIZE f", size]);
        })
    };
    assert!(of(&analysed(&asked("< 213 5000")), "upload-cut-but-accepted").is_empty());
    only(&analysed(&asked("< 213 4000")), "upload-cut-but-accepted");
}

#[test]
fn an_idle_time_out_that_ends_a_transfer_is_told_once() {
    let document = analysed(&begun("RETR f", |script, control, data| {
        script.wait(Duration::from_secs(300));
        script.send(data, Responder, &CONTENT);
        script.reset(data, Responder);
        script.dialogue(control, &["< 421 Timeout."]);
    }));
    only(&document, "control-idle-timeout");
    assert!(of(&document, "transfer-aborted-by-peer").is_empty());
}
