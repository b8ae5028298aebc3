//! Every bound of what was said and moved, reached by a capture: it is named, and what is told
//! beside it stays true. And floods: their time grows with their length, not faster.

mod common;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use common::program::{Scratch, noise};
use common::script::{Conn, From, FtpScript, Segment, flag};
use common::told::{carry, dial, fetch, host_port, log_in, log_in_as, pasv, port, quit};
use ftpscope::analysis::{Analysis, CaptureFacts, Collector, Keeper};
use ftpscope::analyzer::{AnalysisOptions, analyze};
use ftpscope::capture::{Capture, ReadOptions, Source};
use ftpscope::limits::Limits;
use ftpscope::report::text::{self, Style};
use ftpscope::session::{Exchange, Session, SessionId};
use ftpscope::transfer::{Orphan, Outcome, Transfer};

use From::{Originator, Responder};

/// What is made of a script within these limits.
fn read(script: &FtpScript, limits: Limits) -> Analysis {
    let mut keeper = Keeper::new(limits.clone());
    let facts = read_into(script, limits, &mut keeper);
    keeper.finish(facts, Vec::new())
}

fn read_into(script: &FtpScript, limits: Limits, out: &mut dyn Collector) -> CaptureFacts {
    let scratch = Scratch::new();
    let path = scratch.file("capture", &script.pcap());
    let source = Source::File(path.into());
    let mut capture = Capture::open(&[source], ReadOptions::default()).expect("a capture");
    let options = AnalysisOptions { limits, ..AnalysisOptions::default() };
    analyze(&mut capture, &options, None, out)
}

/// The limits, with `change`.
fn with(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// Exactly these bounds were reached, so often.
#[track_caller]
fn assert_reached(analysis: &Analysis, wanted: &[(&str, u64)]) {
    let reached = analysis.capture.limits_reached.iter();
    let reached: Vec<(&str, u64)> = reached.map(|(name, count)| (*name, *count)).collect();
    assert_eq!(reached, wanted);
    let warnings = analysis.warnings();
    for (name, _) in wanted {
        let name = name.replace('_', " ");
        assert!(warnings.iter().any(|warning| warning.contains(&name)), "{warnings:?}");
    }
}

fn outcomes(analysis: &Analysis) -> Vec<Outcome> {
    analysis.transfers.iter().map(|transfer| transfer.outcome).collect()
}

/// A host of its own for each.
fn client(nth: u32) -> String {
    format!("{}:40000", Ipv4Addr::from(0x0a01_0000 + nth))
}

/// The handshake of the `nth` connection of many.
fn open(script: &mut FtpScript, nth: u32, originator: &str, responder: &str) -> Conn {
    script.connect_from(originator, responder, [nth.wrapping_mul(7919), nth.wrapping_mul(104_729)])
}

/// A first segment that nobody answers.
fn syn(script: &mut FtpScript, originator: &str, responder: &str) {
    let conn = script.midstream(originator, responder, [1, 1]);
    script.segment(conn, Originator, -1, flag::SYN, b"");
}

// Connections.

#[test]
fn connections_beyond_the_bound_are_given_up_the_silent_first() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..40 {
        syn(&mut script, &client(nth), "10.0.0.9:21");
    }
    let content = noise(1, 5000);
    fetch(&mut script, control, "RETR f", [40001, 30000], &content);
    quit(&mut script, control);
    let analysis = read(&script, with(|limits| limits.connections = 8));
    let reached = &analysis.capture.limits_reached;
    assert!(reached["connections"] >= 30 && reached.len() == 1, "{reached:?}");
    assert_eq!(outcomes(&analysis), [Outcome::Complete]);
}

#[test]
fn early_bytes_beyond_the_bound_make_a_gap() {
    for each in [true, false] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30000);
        let data = dial(&mut script, 40001, 30000);
        script.dialogue(control, &["> RETR f", "< 150 here"]);
        script.segment(data, Responder, 1000, flag::ACK, &noise(1, 1000));
        script.segment(data, Responder, 2000, flag::ACK, &noise(2, 1000));
        script.segment(data, Responder, 0, flag::ACK, &noise(3, 1000));
        script.close(data, Responder);
        script.dialogue(control, &["< 226 done"]);
        let limits = with(|limits| {
            *(if each { &mut limits.early_bytes_each } else { &mut limits.early_bytes_all }) = 1500;
        });
        let analysis = read(&script, limits);
        assert_reached(&analysis, &[("early_bytes", 1)]);
        assert_eq!(outcomes(&analysis), [Outcome::Gaps]);
    }
}

#[test]
fn a_greeting_without_end_is_no_ftp_on_a_port_that_does_not_say_so() {
    let mut script = FtpScript::new();
    let odd = script.connect("10.0.0.1:40000", "10.0.0.2:2121");
    script.server(odd, [&b"220 "[..], &[b'x'; 5000]].concat());
    script.client(odd, "USER bob\r\n");
    let analysis = read(&script, Limits::default());
    assert_reached(&analysis, &[("unclear_bytes", 1)]);
    assert!(analysis.sessions.is_empty());
}

#[test]
fn with_too_much_unclear_the_port_decides() {
    let mut script = FtpScript::new();
    for nth in 0..4 {
        let conn = open(&mut script, nth, &client(nth), "10.0.0.2:21");
        script.server(conn, "220 ready\r\n");
    }
    let analysis = read(&script, with(|limits| limits.unclear_bytes_all = 200));
    assert!(analysis.capture.limits_reached["unclear_bytes"] >= 1);
    let banners = analysis.sessions.iter().map(|session| session.banner.as_deref());
    assert_eq!(banners.collect::<Vec<_>>(), [Some(&b"ready"[..]); 4]);
}

#[test]
fn what_is_no_ftp_is_named_up_to_the_bound() {
    let mut script = FtpScript::new();
    for nth in 0..3 {
        let conn = open(&mut script, nth, &client(nth), "10.0.0.2:21");
        script.server(conn, "SSH-2.0-x\r\n");
    }
    let analysis = read(&script, with(|limits| limits.not_ftp = 1));
    assert_reached(&analysis, &[("not_ftp", 2)]);
    assert_eq!((analysis.capture.not_ftp.len(), analysis.sessions.len()), (1, 0));
}

#[test]
fn connections_to_watched_ports_are_kept_up_to_the_bound() {
    let mut script = FtpScript::new();
    for nth in 0..3 {
        let conn = open(&mut script, nth, &client(nth), "10.0.0.2:6200");
        script.server(conn, "uid=0(root)\r\n");
        script.close(conn, Originator);
    }
    let analysis = read(&script, with(|limits| limits.watched = 1));
    assert_reached(&analysis, &[("watched", 2)]);
    let [watched] = &analysis.capture.watched[..] else { panic!("{:?}", analysis.capture.watched) };
    assert_eq!((watched.responder.port, watched.said), (6200, 13));
}

#[test]
fn servers_and_pairs_of_hosts_beyond_the_bound_are_not_remembered() {
    let mut script = FtpScript::new();
    for nth in 0..3 {
        let conn = open(&mut script, nth, &client(nth), &format!("10.0.0.2:{}", 2121 + nth));
        script.dialogue(conn, &["< 220 ready", "> USER bob", "< 331 password"]);
        script.close(conn, Originator);
    }
    let limits = with(|limits| (limits.servers, limits.host_pairs) = (1, 2));
    let analysis = read(&script, limits);
    assert_reached(&analysis, &[("host_pairs", 1), ("servers", 2)]);
    assert_eq!(analysis.sessions.len(), 3);
}

// What was said.

#[test]
fn a_control_line_of_16_megabytes_is_cut_and_the_next_survives() {
    let mut script = FtpScript::new();
    script.mss(60_000);
    let control = log_in(&mut script);
    script.client(control, [&b"RETR "[..], &vec![b'a'; 16 << 20], b"\r\n"].concat());
    script.dialogue(control, &["< 500 too long"]);
    script.server(control, [&b"200-"[..], &vec![b'b'; 100_000], b"\r\n"].concat());
    script.dialogue(control, &["< 200 end"]);
    quit(&mut script, control);
    let analysis = read(&script, Limits::default());
    assert_reached(&analysis, &[("line_bytes", 2)]);
    let exchanges = &analysis.sessions[0].exchanges;
    let long = exchanges.iter().filter_map(|exchange| exchange.sent.as_ref());
    let long: Vec<_> = long.filter(|sent| sent.is_partial).collect();
    assert_eq!((long.len(), long[0].command.arg().len()), (1, (16 << 10) - 5));
    assert_eq!(exchanges.last().unwrap().final_reply().unwrap().reply.code, 221);
    assert_eq!(outcomes(&analysis), [Outcome::Refused]);
}

#[test]
fn the_text_of_a_reply_is_cut_and_the_reply_still_ends() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let lines = " a line of help\r\n".repeat(1000);
    script.client(control, "HELP\r\n");
    script.server(control, format!("214-help\r\n{lines}214 end\r\n"));
    quit(&mut script, control);
    let analysis = read(&script, with(|limits| limits.reply_bytes = 1000));
    assert_reached(&analysis, &[("reply_bytes", 1)]);
    let exchanges = &analysis.sessions[0].exchanges;
    let help = exchanges
        .iter()
        .find(|exchange| exchange.sent.as_ref().is_some_and(|sent| sent.command.word() == b"HELP"));
    let reply = &help.unwrap().final_reply().unwrap().reply;
    assert_eq!(reply.code, 214);
    let kept: usize = reply.lines().map(<[u8]>::len).sum();
    assert_eq!(kept as u64 + u64::from(reply.dropped), 4 + 3 + 1000 * 15);
}

#[test]
fn of_too_many_replies_the_final_one_is_kept() {
    let mut script = FtpScript::new();
    let content = noise(1, 5000);
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f"]);
    (0..100).for_each(|_| script.server(control, "150 soon\r\n"));
    carry(&mut script, data, Responder, &content);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    let analysis = read(&script, Limits::default());
    assert_reached(&analysis, &[("replies", 101 - 64)]);
    let retr = analysis.sessions[0].exchanges.iter().find(|one| one.transfer.is_some()).unwrap();
    assert_eq!((retr.replies.len(), retr.final_reply().unwrap().reply.code), (64, 226));
    assert_eq!(outcomes(&analysis), [Outcome::Complete]);
}

#[test]
fn lines_that_are_no_replies_are_kept_up_to_the_bound() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.client(control, "NOOP\r\n");
    script.server(control, "what?\r\n".repeat(100));
    script.server(control, "200 ok\r\n");
    let analysis = read(&script, Limits::default());
    assert_reached(&analysis, &[("malformed_lines", 36)]);
    let noop = analysis.sessions[0].exchanges.last().unwrap();
    assert_eq!((noop.malformed.len(), noop.replies.len()), (64, 1));
}

#[test]
fn of_too_many_pipelined_commands_the_oldest_stay_unanswered() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.client(control, "NOOP\r\n".repeat(6));
    script.server(control, "200 ok\r\n".repeat(6));
    let analysis = read(&script, with(|limits| limits.pending_commands = 4));
    assert_reached(&analysis, &[("pending_commands", 2)]);
    let noops = analysis.sessions[0].exchanges.iter().filter(|exchange| {
        exchange.sent.as_ref().is_some_and(|sent| sent.command.word() == b"NOOP")
    });
    let replied: Vec<usize> = noops.map(|exchange| exchange.replies.len()).collect();
    assert_eq!(replied, [0, 0, 1, 1, 1, 1]);
}

#[test]
fn transfers_beyond_the_open_ones_are_commands_only() {
    for in_all in [true, false] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        script.client(control, "RETR a\r\nRETR b\r\nRETR c\r\n");
        let limits = with(|limits| {
            *(if in_all { &mut limits.open_transfers } else { &mut limits.pending_commands }) = 2;
        });
        let analysis = read(&script, limits);
        let reached = &analysis.capture.limits_reached;
        assert_eq!(reached["open_transfers"], 1, "{reached:?}");
        assert_eq!(analysis.transfers.len(), 2);
        assert!(!outcomes(&analysis).contains(&Outcome::Complete));
    }
}

#[test]
fn setups_and_changes_beyond_the_bound_cannot_be_undone() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.client(control, "TYPE A\r\nTYPE L 8\r\nTYPE E\r\n");
    script.server(control, "501 no\r\n501 no\r\n501 no\r\n");
    script.client(control, "RETR f\r\n");
    let analysis = read(&script, with(|limits| limits.setups = 2));
    assert_reached(&analysis, &[("setups", 1)]);
    let kind = |analysis: &Analysis| analysis.transfers[0].request.representation.kind;
    assert_eq!(kind(&read(&script, Limits::default())).as_deref(), Some(&b"I"[..]));
    // What TYPE I left was forgotten for the changes behind it: it is not told as something else.
    assert_eq!(kind(&analysis), None);

    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    port(&mut script, control, 40001);
    script.client(control, "RETR a\r\nRETR b\r\nRETR c\r\n");
    let analysis = read(&script, with(|limits| limits.setups = 2));
    assert_reached(&analysis, &[("setups", 1)]);
    assert_eq!(analysis.transfers.len(), 3);
}

/// Writes nothing, and takes exchanges as they come.
#[derive(Default)]
struct Streamed {
    exchanges: usize,
    sessions: usize,
}

impl Collector for Streamed {
    fn wants_exchanges(&self) -> bool {
        true
    }
    fn exchange(&mut self, _session: SessionId, _exchange: Exchange) {
        self.exchanges += 1;
    }
    fn transfer(&mut self, _transfer: Transfer) {}
    fn session(&mut self, session: Session) {
        self.exchanges += session.exchanges.len();
        self.sessions += 1;
    }
    fn orphan(&mut self, _orphan: Orphan) {}
}

#[test]
fn sessions_hold_together_no_more_text_than_they_may() {
    let mut script = FtpScript::new();
    for nth in 0..4 {
        let conn = open(&mut script, nth, &client(nth), "10.0.0.2:21");
        script.dialogue(conn, &["< 220 ready", "> USER bob", "< 331 password"]);
        let line = format!("STAT {}\r\n", "x".repeat(990));
        (0..50).for_each(|_| script.client(conn, &line));
        script.dialogue(conn, &["< 211 ok"]);
    }
    let mut streamed = Streamed::default();
    let limits = with(|limits| limits.text_bytes = 20_000);
    let reached = read_into(&script, limits, &mut streamed).limits_reached;
    let shed = usize::try_from(reached["text_bytes"]).unwrap();
    assert_eq!((streamed.sessions, streamed.exchanges + shed), (4, 4 * 52));
    assert!(shed > 100 && reached["line_bytes"] > 0, "{reached:?}");

    let analysis = read(&script, with(|limits| limits.document_bytes = 20_000));
    assert!(analysis.capture.limits_reached["document_bytes"] > 100);
    for exchange in analysis.sessions.iter().flat_map(|session| &session.exchanges) {
        let Some(sent) = &exchange.sent else { continue };
        let is_cut = sent.command.word() == b"STAT" && sent.command.arg().len() < 990;
        assert_eq!(sent.is_partial, is_cut);
    }
}

#[test]
fn a_session_keeps_its_newest_exchanges() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..3 {
        fetch(&mut script, control, "RETR f", [40001 + nth, 30000 + nth], &noise(1, 3000));
    }
    quit(&mut script, control);
    let analysis = read(&script, with(|limits| limits.exchanges = 2));
    assert_reached(&analysis, &[("exchanges", 10), ("session_transfers", 1)]);
    let session = &analysis.sessions[0];
    assert_eq!((session.exchanges.len(), session.transfers.len()), (2, 2));
    assert_eq!(session.login.user.as_deref(), Some(&b"bob"[..]));
    assert_eq!(outcomes(&analysis), [Outcome::Complete; 3]);
}

#[test]
fn a_document_keeps_so_many_sessions_and_transfers() {
    let mut script = FtpScript::new();
    for nth in 0..3 {
        syn(&mut script, &client(nth), "10.0.0.2:21");
    }
    for nth in 0..3 {
        let control = log_in_as(&mut script, [&client(10 + nth), "10.0.0.2:21"]);
        script.dialogue(control, &["> RETR f", "< 550 no"]);
    }
    let limits = with(|limits| {
        (limits.sessions, limits.empty_sessions, limits.transfers) = (3, 2, 1);
    });
    let analysis = read(&script, limits);
    assert_reached(&analysis, &[("empty_sessions", 1), ("sessions", 2), ("transfers", 2)]);
    assert_eq!((analysis.sessions.len(), analysis.transfers.len()), (3, 1));
}

// Data connections.

#[test]
fn announcements_beyond_the_bound_are_not_waited_for() {
    for each in [true, false] {
        let mut script = FtpScript::new();
        let (first, second) =
            (log_in(&mut script), log_in_as(&mut script, ["10.0.0.1:40009", "10.0.0.2:21"]));
        for control in [first, second] {
            pasv(&mut script, control, 30000);
        }
        // Both sessions wait at one address; only one of them is remembered.
        let data = dial(&mut script, 40001, 30000);
        for control in [first, second] {
            script.dialogue(control, &["> RETR f"]);
        }
        script.dialogue(second, &["< 150 here"]);
        carry(&mut script, data, Responder, &noise(1, 5000));
        script.dialogue(second, &["< 226 done"]);
        let limits = with(|limits| {
            *(if each { &mut limits.promises_each } else { &mut limits.promises }) = 1;
        });
        let analysis = read(&script, limits);
        assert_reached(&analysis, &[("promises", 1)]);
        let linked = analysis.transfers.iter().filter(|transfer| transfer.data.is_some()).count();
        assert!(linked <= 1);
        if each {
            assert!(outcomes(&analysis).contains(&Outcome::Complete));
        }
    }
}

#[test]
fn connections_nobody_asks_for_are_kept_up_to_the_bound() {
    // Nothing announced them.
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..4 {
        let data = dial(&mut script, 50_000 + nth, 60_000 + nth);
        carry(&mut script, data, Responder, &noise(1, 500));
    }
    quit(&mut script, control);
    let analysis = read(&script, with(|limits| limits.orphans = 3));
    assert_reached(&analysis, &[("orphans", 1)]);
    assert_eq!((analysis.orphans.len(), analysis.transfers.len()), (3, 0));

    // Announced and made, and never used.
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..6 {
        pasv(&mut script, control, 30_000 + nth);
        let data = dial(&mut script, 50_000 + nth, 30_000 + nth);
        carry(&mut script, data, Responder, &noise(1, 500));
    }
    let content = noise(2, 5000);
    fetch(&mut script, control, "RETR f", [40_001, 31_000], &content);
    quit(&mut script, control);
    let analysis = read(&script, with(|limits| limits.orphans = 3));
    assert_reached(&analysis, &[("orphans", 3)]);
    assert_eq!(analysis.orphans.len(), 3);
    assert_eq!(outcomes(&analysis), [Outcome::Complete]);
}

#[test]
fn connections_older_than_the_capture_are_suspected_up_to_the_bound() {
    let mut script = FtpScript::new();
    for nth in 0..4 {
        let other = script.midstream(&client(nth), "10.0.0.7:5000", [1, 1]);
        script.send(other, Originator, b"\0\x01\x02");
    }
    let analysis = read(&script, with(|limits| limits.orphans = 3));
    assert_reached(&analysis, &[("suspects", 1)]);
}

/// A session that lists a directory and fetches `f` of 5,000 bytes.
fn listed(listing: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "LIST", [40_001, 30_000], listing.as_bytes());
    fetch(&mut script, control, "RETR f", [40_002, 30_001], &noise(1, 5000));
    quit(&mut script, control);
    script
}

fn listing(lines: u32) -> String {
    let line = |nth| format!("-rw-r--r-- 1 0 0 {} Jan  2 03:04 file{nth}\r\n", 10 + nth);
    (0..lines).map(line).collect()
}

#[test]
fn text_of_a_listing_beyond_the_bound_gives_no_sizes() {
    let mut script = listed(&(listing(200) + "-rw-r--r-- 1 0 0 4999 Jan  2 03:04 f\r\n"));
    let analysis = read(&script, Limits::default());
    assert_reached(&analysis, &[]);
    assert_eq!(outcomes(&analysis), [Outcome::Complete, Outcome::Unconfirmed]);
    for name in ["listing_bytes", "carried_bytes"] {
        let limits = with(|limits| {
            let is_each = name == "listing_bytes";
            *(if is_each { &mut limits.listing_bytes } else { &mut limits.carried_bytes }) = 6000;
        });
        let analysis = read(&script, limits);
        assert!(analysis.capture.limits_reached.contains_key(name));
        assert_eq!(analysis.transfers[1].request.expected, None, "{name}");
    }
    // A name cut by the bound is no name: `f` of `foo`.
    script = listed(&(listing(200) + "-rw-r--r-- 1 0 0 4999 Jan  2 03:04 foo\r\n"));
    let cut = listing(200).len() + "-rw-r--r-- 1 0 0 4999 Jan  2 03:04 f".len();
    let analysis = read(&script, with(|limits| limits.listing_bytes = cut));
    assert_reached(&analysis, &[("listing_bytes", 1)]);
    assert_eq!(analysis.transfers[1].request.expected, None);
}

#[test]
fn a_transfer_with_holes_for_whose_list_there_is_no_room_is_not_complete() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR f", [40_001, 30_000], &noise(1, 5 * 1460));
    let lost = noise(1, 5 * 1460)[1460..2 * 1460].to_vec();
    script.lose(script.frame_of(&lost));
    let analysis = read(&script, with(|limits| limits.carried_bytes = 0));
    assert!(analysis.capture.limits_reached["ranges"] > 0);
    let [transfer] = &analysis.transfers[..] else { panic!("one transfer") };
    let content = transfer.content.as_ref().expect("it has content");
    assert_eq!((transfer.outcome, content.bytes), (Outcome::Gaps, 4 * 1460));
    assert_eq!((content.missing.len(), content.missing_unlisted), (0, 1460));
    let style = Style { colour: false, width: 80, show_secrets: false };
    let mut report = Vec::new();
    text::write(&analysis, &style, &mut report).expect("memory takes it");
    let report = String::from_utf8(report).expect("a report is UTF-8");
    assert!(report.contains("Missing: 1,460 B that are not listed"), "{report}");
}

#[test]
fn a_last_line_that_the_capture_cut_gives_no_size() {
    for is_whole in [true, false] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30_000);
        let data = dial(&mut script, 40_001, 30_000);
        script.dialogue(control, &["> LIST", "< 150 here"]);
        script.send(data, Responder, b"-rw-r--r-- 1 0 0 4999 Jan  2 03:04 f");
        if is_whole {
            script.close(data, Responder);
        } else {
            script.reset(data, Responder);
        }
        script.dialogue(control, &["< 226 done"]);
        fetch(&mut script, control, "RETR f", [40_002, 30_001], &noise(1, 5000));
        quit(&mut script, control);
        let analysis = read(&script, Limits::default());
        let expected = analysis.transfers[1].request.expected.map(|expected| expected.bytes);
        assert_eq!(expected, is_whole.then_some(4999));
    }
}

#[test]
fn sizes_beyond_the_bound_are_not_remembered() {
    let mut text = listing(5);
    text += "-rw-r--r-- 1 0 0 4999 Jan  2 03:04 f\r\n";
    let analysis = read(&listed(&text), with(|limits| limits.sizes = 3));
    assert_reached(&analysis, &[("sizes", 3)]);
    assert_eq!(analysis.transfers[1].request.expected, None);
}

#[test]
fn ranges_and_anomalies_beyond_the_bound_are_counted() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30_000);
    let data = dial(&mut script, 40_001, 30_000);
    script.dialogue(control, &["> RETR f", "< 150 here"]);
    for nth in 0..10 {
        script.segment(data, Responder, nth * 200, flag::ACK, &noise(1, 100));
    }
    script.ack(data, Originator);
    script.close(data, Responder);
    script.dialogue(control, &["< 226 done"]);
    let analysis = read(&script, with(|limits| limits.ranges = 4));
    assert_reached(&analysis, &[("ranges", 5)]);
    assert_eq!(outcomes(&analysis), [Outcome::Gaps]);
    let content = analysis.transfers[0].content.as_ref().unwrap();
    assert_eq!((content.missing.len(), content.missing_unlisted), (4, 500));

    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let (said, offset) = (script.sent(control, Originator), 6);
    script.client(control, "NOOP\r\n");
    for _ in 0..5 {
        let payload = b"QUIT\r\n";
        script.put(control, Originator, Segment { offset: said, payload, ..Segment::default() });
    }
    assert_eq!(script.sent(control, Originator), said + offset);
    let analysis = read(&script, with(|limits| limits.anomalies = 2));
    let anomalies = &analysis.sessions[0].tcp.link.anomalies;
    assert_eq!((anomalies.listed.len(), anomalies.unlisted), (2, 3));
}

#[test]
fn a_refused_rest_is_none_for_the_transfer_pipelined_behind_it() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.client(control, "REST 1000\r\nRETR a\r\nREST 500\r\nRETR b\r\n");
    script.server(control, "502 no\r\n550 no\r\n350 ok\r\n550 no\r\n");
    let analysis = read(&script, Limits::default());
    let offsets = analysis.transfers.iter().map(|transfer| transfer.request.rest_offset);
    assert_eq!(offsets.collect::<Vec<_>>(), [0, 500]);
}

// Floods.

/// Four times as much takes some four times as long: with work for each that grows with their
/// number, it is sixteen times. Wide bounds, as other tests run beside it.
#[track_caller]
fn assert_linear(few: u32, flood: impl Fn(u32) -> FtpScript) -> Analysis {
    let (small, large) = (flood(few), flood(few * 4));
    let time = |script: &FtpScript| {
        let times = (0..3).map(|_| {
            let start = Instant::now();
            read(script, Limits::default());
            start.elapsed()
        });
        times.min().unwrap_or_default().max(Duration::from_millis(2))
    };
    let (short, long) = (time(&small), time(&large));
    assert!(long < short * 10, "{short:?} for {few}, {long:?} for four times as many");
    read(&large, Limits::default())
}

#[test]
fn announcements_never_used_take_their_time_only() {
    let analysis = assert_linear(4000, |count| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        // Candidates that may be what an announcement means.
        for nth in 0..4000 {
            let port = 1024 + nth % 8;
            syn(&mut script, &format!("10.0.0.1:{}", 20_000 + nth), &format!("10.0.0.2:{port}"));
        }
        for nth in 0..count {
            pasv(&mut script, control, (1024 + nth % 60_000) as u16);
        }
        script
    });
    assert!(analysis.transfers.is_empty());
}

#[test]
fn connections_to_one_address_that_many_announce_take_their_time_only() {
    let analysis = assert_linear(2000, |count| {
        let mut script = FtpScript::new();
        for nth in 0..count {
            let control = open(&mut script, nth, &client(nth), "10.0.0.2:21");
            script.dialogue(control, &["< 220 ready", "> PASV"]);
            let address = host_port(2, 30_000);
            script.dialogue(control, &[&format!("< 227 ok ({address})")]);
        }
        for nth in 0..count {
            syn(&mut script, &client(1 << 16 | nth), "10.0.0.2:30000");
        }
        script
    });
    assert!(analysis.capture.limits_reached.contains_key("promises"));
}

#[test]
fn transfers_that_wait_for_nothing_take_their_time_only() {
    let analysis = assert_linear(1000, |count| {
        let mut script = FtpScript::new();
        for nth in 0..count {
            let control = open(&mut script, nth, &client(nth), "10.0.0.2:21");
            script.dialogue(control, &["< 220 ready", "> RETR a"]);
        }
        for nth in 0..count {
            syn(&mut script, &client(1 << 16 | nth), "10.0.0.3:20");
        }
        script
    });
    assert!(!outcomes(&analysis).contains(&Outcome::Complete));
}

#[test]
fn attempts_at_one_announced_address_leave_nothing_behind() {
    let analysis = assert_linear(4000, |count| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30_000);
        for nth in 0..count {
            let from = format!("{}:{}", Ipv4Addr::from(0x0b00_0000 + nth), 40_000);
            syn(&mut script, &from, "10.0.0.2:30000");
        }
        let content = noise(1, 5000);
        let data = open(&mut script, count, "10.0.0.1:40001", "10.0.0.2:30000");
        script.dialogue(control, &["> RETR f", "< 150 here"]);
        carry(&mut script, data, Responder, &content);
        script.dialogue(control, &["< 226 done"]);
        quit(&mut script, control);
        script
    });
    assert_eq!(outcomes(&analysis), [Outcome::Complete]);
    assert!(analysis.orphans.is_empty());
}

#[test]
fn commands_and_replies_without_end_take_their_time_only() {
    let analysis = assert_linear(5000, |count| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        (0..count).for_each(|_| script.client(control, "NOOP\r\n"));
        script
    });
    assert!(analysis.capture.limits_reached.contains_key("pending_commands"));
    assert_linear(5000, |count| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        script.client(control, "RETR f\r\n");
        (0..count).for_each(|_| script.server(control, "150 soon\r\n226 done\r\n"));
        script
    });
}

#[test]
fn one_file_moved_and_asked_for_without_end_takes_its_time_only() {
    let fetch_nth = |script: &mut FtpScript, control, nth: u32| {
        let nth = (nth % 30_000) as u16;
        fetch(script, control, "RETR f", [2000 + nth, 32_000 + nth], b"content");
    };
    // The same file, whole each time.
    let analysis = assert_linear(1000, |count| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        for nth in 0..count {
            fetch_nth(&mut script, control, nth);
            script.dialogue(control, &["> SIZE f", "< 213 7"]);
        }
        script
    });
    let checks = analysis.transfers.iter().map(|transfer| transfer.checks.len());
    assert_eq!(checks.max(), Some(64));
    assert_eq!(analysis.files.len(), 1);
    // Pieces of it, none of which meet.
    assert_linear(1000, |count| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        for nth in 0..count {
            script.dialogue(control, &[&format!("> REST {}", 10 + nth * 10), "< 350 ok"]);
            fetch_nth(&mut script, control, nth);
        }
        script
    });
}

#[test]
fn a_deflated_file_that_unpacks_to_too_much_is_cut_and_told() {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &[0; 200_000]).unwrap();
    let wire = packed.finish().unwrap();
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> MODE Z", "< 200 ok"]);
    fetch(&mut script, control, "RETR f", [40_001, 30_000], &wire);
    quit(&mut script, control);
    let bounded = with(|limits| (limits.decoded_bytes, limits.decoded_ratio) = (100_000, 1));
    let analysis = read(&script, bounded);
    assert_reached(&analysis, &[("decoded_bytes", 1)]);
    let content = analysis.transfers[0].content.as_ref().unwrap();
    let decoded = content.decoded.as_ref().unwrap();
    assert!(!decoded.is_whole() && decoded.is_cut());
    assert_eq!(decoded.bytes, 100_000);

    let none = read(&script, with(|limits| limits.decoders = 0));
    assert_reached(&none, &[("decoders", 1)]);
    assert!(none.transfers[0].content.as_ref().unwrap().decoded.is_none());
    assert_ne!(none.transfers[0].outcome, Outcome::Complete);
}
