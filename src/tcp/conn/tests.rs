use super::*;
use crate::decode::{Checksum, SeqNum};
use crate::time::Timestamp;

/// A segment of a connection between 10.0.0.1:`port` (`from` 21) and 10.0.0.2:21. `from` is the
/// sender's port, `flags` words of `syn ack fin rst`.
pub(in crate::tcp) fn segment<'a>(
    frame: u64,
    port: u16,
    to: u16,
    flags: &str,
    seq: u32,
    ack: u32,
    payload: &'a [u8],
) -> Segment<'a> {
    let client = Endpoint { ip: [10, 0, 0, 1].into(), port: if to == 21 { port } else { to } };
    let server = Endpoint { ip: [10, 0, 0, 2].into(), port: 21 };
    let (src, dst) = if to == 21 { (client, server) } else { (server, client) };
    let bits = flags.split(' ').map(|word| match word {
        "syn" => Flags::SYN.0,
        "ack" => Flags::ACK.0,
        "fin" => Flags::FIN.0,
        "rst" => Flags::RST.0,
        other => panic!("no such flag: {other}"),
    });
    Segment {
        stamp: Stamp::new(Timestamp::from_parts(frame as i64, 0), 0, frame),
        src,
        dst,
        seq: SeqNum(seq),
        ack: SeqNum(ack),
        flags: Flags(bits.fold(0, |all, bit| all | bit)),
        window: 1000,
        ttl: 64,
        ident: None,
        ip_header: &[],
        header: &[],
        payload,
        wire_len: payload.len() as u32,
    }
}

/// Replays segments and writes down the events, one line each.
struct Replay {
    conn: Option<Conn>,
    budget: Budget,
    frame: u64,
    log: Vec<String>,
}

const C: u16 = 21;
const S: u16 = 40000;

impl Replay {
    fn new() -> Self {
        Self { conn: None, budget: Budget::new(100_000, 100_000), frame: 0, log: Vec::new() }
    }

    /// `to` says the direction: [`C`] from the client, [`S`] from the server.
    fn see(&mut self, to: u16, flags: &str, seq: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.see_cut(to, flags, seq, ack, payload, payload.len() as u32)
    }

    fn see_cut(
        &mut self,
        to: u16,
        flags: &str,
        seq: u32,
        ack: u32,
        payload: &[u8],
        wire_len: u32,
    ) -> &mut Self {
        let segment = segment(self.frame + 1, 40000, to, flags, seq, ack, payload);
        self.take(&Segment { wire_len, ..segment })
    }

    /// The frame is numbered here.
    fn take(&mut self, segment: &Segment<'_>) -> &mut Self {
        self.frame += 1;
        let mut segment = *segment;
        segment.stamp = Stamp::new(segment.stamp.at, 0, self.frame);
        let conn = self.conn.get_or_insert_with(|| {
            let mut conn = Conn::new(&segment);
            conn.remember(100);
            conn
        });
        let log = &mut self.log;
        conn.handle(&segment, &mut self.budget, &mut |event| log.push(line(&event)));
        self
    }

    fn handshake(&mut self) -> &mut Self {
        self.see(C, "syn", 99, 0, b"").see(S, "syn ack", 499, 100, b"").see(C, "ack", 100, 500, b"")
    }

    fn finish(&mut self) -> Vec<String> {
        let log = &mut self.log;
        let conn = self.conn.as_mut().unwrap();
        conn.finish(&mut self.budget, &mut |event| log.push(line(&event)));
        for anomaly in &conn.link.anomalies.listed {
            let who = if anomaly.dir == Dir::FromOriginator { 'C' } else { 'S' };
            let mut line = format!("{who} {:?} #{}", anomaly.kind, anomaly.stamp.frame());
            if let (Some(offset), Some(other)) = (anomaly.offset, anomaly.other) {
                line += &format!(" against #{}: {offset}+{}", other.frame(), anomaly.bytes);
            }
            log.push(line);
        }
        std::mem::take(log)
    }

    fn link(&self) -> &Link {
        &self.conn.as_ref().unwrap().link
    }
}

fn line(event: &ConnEvent<'_>) -> String {
    let who = |dir: &Dir| if *dir == Dir::FromOriginator { 'C' } else { 'S' };
    match event {
        ConnEvent::Data { dir, offset, bytes, mark } => {
            format!("{} {offset} {} #{}", who(dir), bytes.escape_ascii(), mark.stamp.frame())
        }
        ConnEvent::Gap { dir, offset, len, .. } => format!("{} gap {offset}+{len}", who(dir)),
        ConnEvent::Fin { dir, .. } => format!("{} fin", who(dir)),
        ConnEvent::Reset { dir, .. } => format!("{} reset", who(dir)),
    }
}

#[test]
fn who_ended_it_is_who_sent_the_first_fin_or_reset() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "ack", 500, 100, b"abc").see(C, "ack fin", 100, 503, b"");
    replay.see(S, "ack", 503, 101, b"def").see(C, "rst", 101, 0, b"");
    replay.finish();
    let link = replay.link();
    assert_eq!(
        link.close,
        Close::Reset { by: Dir::FromOriginator, after_fin: Some(Dir::FromOriginator) }
    );
    assert_eq!(link.ended.map(|stamp| stamp.frame()), Some(5));
    assert_eq!(link.ended_by, Some(Dir::FromOriginator));
}

#[test]
fn an_ordinary_connection_is_told_in_order() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "ack", 500, 100, b"220\n").see(C, "ack", 100, 504, b"QUIT\n");
    replay.see(S, "ack fin", 504, 105, b"221\n").see(C, "ack fin", 105, 509, b"");
    assert_eq!(
        replay.finish(),
        ["S 0 220\\n #4", "C 0 QUIT\\n #5", "S 4 221\\n #6", "S fin", "C fin"]
    );
    assert_eq!(replay.link().handshake, Handshake::Complete);
    assert_eq!(replay.link().close, Close::Fin { by: Dir::FromResponder });
    assert_eq!(replay.link().rtt_ns, Some(2_000_000_000));
}

#[test]
fn a_reply_written_before_its_command_waits_for_it() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "ack", 500, 105, b"331\n").see(C, "ack", 100, 500, b"USER\n");
    assert_eq!(replay.finish(), ["C 0 USER\\n #5", "S 0 331\\n #4"]);
}

#[test]
fn an_acknowledged_hole_is_a_gap_and_the_stream_goes_on() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "ack", 500, 100, b"abc").see(S, "ack", 513, 100, b"xyz");
    replay.see(C, "ack", 100, 516, b"");
    for _ in 0..=PATIENCE {
        replay.see(C, "ack", 100, 516, b"");
    }
    assert_eq!(replay.log, ["S 0 abc #4", "S gap 3+10", "S 13 xyz #5"]);
}

#[test]
fn what_comes_shortly_after_its_acknowledgement_is_no_gap() {
    let mut replay = Replay::new();
    replay.handshake();
    // Each acknowledgement stands one packet before the data it acknowledges, for a long time.
    for at in 0..100 {
        replay.see(C, "ack", 100, 501 + at, b"").see(S, "ack", 500 + at, 100, b"x");
    }
    let log = replay.finish();
    assert_eq!(log.len(), 100);
    assert!(!log.iter().any(|line| line.contains("gap")), "{log:?}");
}

#[test]
fn retransmissions_are_counted_and_a_differing_copy_is_told() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(C, "ack", 100, 500, b"USER bob\n").see(C, "ack", 100, 500, b"USER bob\n");
    replay.see(C, "ack", 105, 500, b"eve\nPASS").see(C, "ack", 108, 500, b"");
    // A keep-alive: one octet before the next, of no meaning.
    replay.see(C, "ack", 112, 500, b"\0");
    let log = replay.finish();
    assert_eq!(log, ["C 0 USER bob\\n #4", "C 9 PASS #6", "C Conflict #6 against #4: 5+3"]);
    assert_eq!(replay.conn.as_ref().unwrap().facts(Dir::FromOriginator).retransmissions, 2);
}

#[test]
fn a_capture_of_one_direction_is_not_held_up_by_the_other() {
    let mut replay = Replay::new();
    replay.see(S, "syn ack", 499, 100, b"").see(S, "ack", 500, 100, b"220\n");
    replay.see(S, "ack", 504, 110, b"331\n");
    assert_eq!(replay.log, ["S 0 220\\n #2", "S 4 331\\n #3"], "nothing waits");
    assert_eq!(replay.finish()[2..], ["C gap 0+10"]);
    assert_eq!(replay.link().handshake, Handshake::Half);
    let facts = replay.conn.as_ref().unwrap().facts(Dir::FromOriginator);
    assert_eq!((facts.bytes, facts.missing_bytes), (0, 10));
}

#[test]
fn offsets_outlive_the_wrap_of_sequence_numbers() {
    let mut replay = Replay::new();
    let near_end = u32::MAX - 4;
    replay.see(C, "syn", near_end.wrapping_sub(1), 0, b"");
    replay.see(C, "ack", near_end, 1, b"12345").see(C, "ack", 0, 1, b"67890");
    assert_eq!(replay.finish(), ["C 0 12345 #2", "C 5 67890 #3"]);
}

#[test]
fn a_cut_packet_leaves_a_gap_of_what_was_cut() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see_cut(S, "ack", 500, 100, b"abc", 10).see_cut(S, "ack fin", 510, 100, b"def", 10);
    assert_eq!(replay.finish(), ["S 0 abc #4", "S gap 3+7", "S 10 def #5", "S gap 13+7", "S fin"]);
}

#[test]
fn a_fin_that_was_acknowledged_but_not_captured_is_not_lost_data() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "ack", 500, 100, b"abc").see(C, "ack fin", 100, 504, b"");
    assert_eq!(replay.finish(), ["S 0 abc #4", "C fin"]);
    assert_eq!(replay.link().close, Close::HalfFin { by: Dir::FromOriginator });
}

#[test]
fn octets_beyond_a_fin_disprove_it() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "ack fin", 500, 100, b"bye").see(S, "ack", 520, 100, b"late");
    assert_eq!(
        replay.finish(),
        ["S 0 bye #4", "S fin", "S gap 3+17", "S 20 late #5", "S FinIgnored #5"]
    );
    replay = Replay::new();
    replay.handshake();
    replay.see(S, "ack fin", 520, 100, b"x").see(S, "ack", 500, 100, b"first");
    assert_eq!(replay.finish(), ["S 0 first #5", "S gap 5+15", "S 20 x #4", "S fin"]);
}

#[test]
fn a_reset_ends_the_connection_unless_it_is_far_out_of_window() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "rst", 1 << 31, 0, b"").see(S, "ack", 500, 100, b"still");
    replay.see(S, "rst", 505, 0, b"").see(C, "ack", 100, 505, b"late");
    assert!(replay.conn.as_ref().unwrap().is_ending());
    assert_eq!(
        replay.finish(),
        ["S 0 still #5", "C 0 late #7", "S reset", "S ResetOutOfWindow #4"]
    );
    assert_eq!(replay.link().close, Close::Reset { by: Dir::FromResponder, after_fin: None });
}

#[test]
fn a_reset_does_not_end_what_goes_on() {
    // Its sender goes on itself.
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "rst", 500, 0, b"").see(S, "ack", 500, 100, b"more");
    assert_eq!(replay.finish(), ["S 0 more #5", "S ResetIgnored #4"]);
    assert_eq!(replay.link().close, Close::Open);
    // Its receiver takes what its sender sends after it.
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(C, "rst", 100, 0, b"").see(S, "ack", 500, 109, b"331");
    assert_eq!(replay.finish(), ["C gap 0+9", "S 0 331 #5", "C ResetIgnored #4"]);
    // Its sender takes what came after it.
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(C, "rst", 100, 0, b"").see(S, "ack", 500, 100, b"220").see(C, "ack", 100, 503, b"");
    assert_eq!(replay.finish(), ["S 0 220 #5", "C ResetIgnored #4"]);
}

#[test]
fn a_reset_without_the_expected_number_does_not_end_it_soon() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "rst", 700, 0, b"");
    assert!(!replay.conn.as_ref().unwrap().is_ending());
    assert_eq!(replay.finish(), ["S reset"]);
}

#[test]
fn a_segment_with_a_wrong_checksum_is_not_read_where_checksums_are_right() {
    let right = |at, payload| summed(at, payload, 0);
    let forged = |at, payload| summed(at, payload, 1);
    let mut replay = Replay::new();
    replay.take(&right(100, b"USER ")).take(&forged(105, b"eve")).take(&right(105, b"bob"));
    assert_eq!(replay.finish(), ["C 0 USER  #1", "C 5 bob #3", "C WrongChecksum #2"]);
    // Nothing says that this sender sums up before the packets are captured.
    let mut replay = Replay::new();
    replay.take(&forged(100, b"USER ")).take(&forged(105, b"bob"));
    assert_eq!(replay.finish(), ["C 0 USER  #1", "C 5 bob #2"]);
}

#[test]
fn the_number_of_a_syn_that_is_not_the_one_answered_is_not_believed() {
    let mut replay = Replay::new();
    replay
        .see(C, "syn", 35, 0, b"")
        .see(S, "syn ack", 499, 100, b"")
        .see(C, "ack", 100, 500, b"USER");
    assert_eq!(replay.finish(), ["C 0 USER #3"]);
    assert!(!replay.conn.as_ref().unwrap().facts(Dir::FromOriginator).from_start);
}

/// A segment of the client with its checksum, `off` by so much.
fn summed(at: u32, payload: &'static [u8], off: u16) -> Segment<'static> {
    let mut header = [0; 20];
    let bare = segment(0, 40000, 21, "ack", at, 0, payload);
    for sum in 1..=u16::MAX {
        header[16..18].copy_from_slice(&sum.to_be_bytes());
        if (Segment { header: &header, ..bare }).checksum() == Checksum::Right {
            header[16..18].copy_from_slice(&sum.wrapping_add(off).to_be_bytes());
            break;
        }
    }
    Segment { header: Box::leak(Box::new(header)), ..bare }
}

#[test]
fn a_segment_that_expires_on_its_way_is_not_read() {
    let mut replay = Replay::new();
    replay.see(C, "syn", 99, 0, b"");
    let server = Segment { ttl: 50, ..segment(1, 40000, 40000, "ack", 500, 100, b"220\n") };
    let client =
        |at, ttl, payload| Segment { ttl, ..segment(0, 40000, 21, "ack", at, 504, payload) };
    replay.take(&server).take(&client(100, 64, b"USER "));
    // The server is 14 hops away.
    replay.take(&client(105, 13, b"eve")).take(&client(105, 64, b"bob"));
    // Routes change, and this one arrives.
    replay.take(&client(108, 20, b"\n"));
    let wanted = ["S 0 220\\n #2", "C 0 USER  #3", "C 5 bob #5", "C 8 \\n #6", "C TtlTooSmall #4"];
    assert_eq!(replay.finish(), wanted);
}

#[test]
fn a_packet_captured_twice_is_no_retransmission() {
    let packet = |ident, seconds, at| Segment {
        ident: Some(ident),
        stamp: Stamp::new(Timestamp::from_parts(seconds, 0), 0, 0),
        ..segment(0, 40000, 21, "ack", at, 500, b"USER bob\n")
    };
    let mut replay = Replay::new();
    replay.handshake().take(&packet(7, 10, 100)).take(&packet(7, 10, 100));
    replay.take(&packet(8, 10, 100)).take(&packet(7, 11, 100));
    replay.finish();
    let facts = replay.conn.as_ref().unwrap().facts(Dir::FromOriginator);
    assert_eq!((facts.duplicates, facts.retransmissions), (1, 2));
}

#[test]
fn a_syn_in_the_middle_begins_a_new_connection_only_if_it_is_answered() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(C, "ack", 100, 500, b"USER");
    let conn = replay.conn.as_mut().unwrap();
    let syn = segment(5, 40000, 21, "syn", 70_000, 0, b"");
    assert!(!conn.is_replaced_by(&syn));
    assert!(!conn.is_replaced_by(&segment(6, 40000, 21, "ack", 104, 500, b" bob")));
    assert!(conn.is_replaced_by(&segment(7, 40000, 40000, "syn ack", 9_000, 70_001, b"")));
    assert!(!conn.is_replaced_by(&segment(7, 40000, 21, "ack", 70_001, 9_001, b"USER")));
    assert!(!conn.is_replaced_by(&segment(7, 21, 40000, "ack", 500, 104, b"331")), "the open one");
    replay.take(&syn);
    assert_eq!(replay.finish(), ["C 0 USER #4", "C SynIgnored #5"]);
}

#[test]
fn a_refused_connection_is_told_from_an_unanswered_one() {
    let mut replay = Replay::new();
    replay.see(C, "syn", 99, 0, b"").see(C, "syn", 99, 0, b"");
    assert_eq!((replay.link().handshake, replay.link().syns), (Handshake::Unanswered, 2));
    replay.see(S, "rst ack", 0, 100, b"");
    assert_eq!(replay.link().handshake, Handshake::Refused);
    assert!(replay.conn.as_ref().unwrap().is_ending());
}

#[test]
fn data_before_its_syn_in_the_file_still_starts_at_zero() {
    let mut replay = Replay::new();
    replay.see(C, "ack", 100, 500, b"USER").see(C, "syn", 99, 0, b"");
    assert_eq!(replay.finish(), ["C 0 USER #1"]);
    let facts = replay.conn.as_ref().unwrap().facts(Dir::FromOriginator);
    assert!(facts.from_start);
    assert_eq!(replay.frame, 2);
}

#[test]
fn a_zero_window_probe_is_data_once() {
    let mut replay = Replay::new();
    replay.handshake();
    replay.see(S, "ack", 500, 100, b"a").see(S, "ack", 500, 100, b"abc");
    assert_eq!(replay.finish(), ["S 0 a #4", "S 1 bc #5"]);
}

#[test]
fn data_with_the_syn_starts_at_zero() {
    let mut replay = Replay::new();
    replay.see(C, "syn", 99, 0, b"early").see(C, "ack", 105, 500, b"next");
    assert_eq!(replay.finish(), ["C 0 early #1", "C 5 next #2"]);
}

fn icmp(code: u8, frame: u64) -> crate::decode::IcmpError {
    let end = |ip: [u8; 4], port| Endpoint { ip: ip.into(), port };
    crate::decode::IcmpError {
        stamp: Stamp::new(Timestamp::from_parts(frame as i64, 0), 0, frame),
        from: [10, 0, 0, 9].into(),
        kind: crate::decode::IcmpKind::Unreachable { code, v6: false },
        src: end([10, 0, 0, 1], 40000),
        dst: end([10, 0, 0, 2], 21),
    }
}

#[test]
fn every_syn_is_kept_and_an_icmp_error_says_what_became_of_them() {
    let mut replay = Replay::new();
    replay.see(C, "syn", 99, 0, b"").see(C, "syn", 99, 0, b"").see(C, "syn", 99, 0, b"");
    replay.conn.as_mut().unwrap().note_icmp(icmp(13, 4));
    replay.finish();
    let link = replay.link();
    assert_eq!(link.tries().map(|stamp| stamp.frame()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((link.handshake, link.icmp().len()), (Handshake::Unreachable, 1));
    assert_eq!(link.answered.map(|stamp| stamp.frame()), Some(4));
}

#[test]
fn an_icmp_error_does_not_end_what_is_answered_after_all() {
    let mut replay = Replay::new();
    replay.see(C, "syn", 99, 0, b"");
    replay.conn.as_mut().unwrap().note_icmp(icmp(1, 1));
    replay.see(S, "syn ack", 499, 100, b"").see(C, "ack", 100, 500, b"");
    replay.finish();
    assert_eq!(replay.link().handshake, Handshake::Complete);
    // Frames are a second apart.
    assert_eq!(replay.link().answer_ns(), Some(1_000_000_000));
}

#[test]
fn a_segment_sent_over_and_over_is_stuck_until_it_is_acknowledged() {
    let mut replay = Replay::new();
    replay.handshake().see(S, "ack", 500, 100, b"small").see(C, "ack", 100, 505, b"");
    for _ in 0..4 {
        replay.see(S, "ack", 505, 100, &[7; 1000]);
    }
    replay.finish();
    let loss = replay.link().loss(Dir::FromResponder);
    let stuck = loss.stuck.unwrap();
    assert_eq!((stuck.len, stuck.times, stuck.largest_acked), (1000, 3, 5));
    assert_eq!(replay.link().loss(Dir::FromOriginator), Loss::default());

    replay.see(C, "ack", 100, 1505, b"");
    replay.finish();
    let loss = replay.link().loss(Dir::FromResponder);
    // Sent first in frame 6, acknowledged in frame 10.
    let longest = loss.longest.map(|stall| (stall.nanos, stall.until.frame()));
    assert_eq!((loss.stuck, loss.stalls, longest), (None, 1, Some((4_000_000_000, 10))));
}

#[test]
fn waiting_without_loss_is_no_stall_and_nor_is_what_the_capture_missed() {
    let mut replay = Replay::new();
    replay.handshake().see(S, "ack", 500, 100, b"one").see(C, "ack", 100, 503, b"");
    replay.see(C, "ack", 100, 503, b"").see(S, "ack", 503, 100, b"two");
    replay.see(C, "ack", 100, 506, b"").see(S, "ack", 510, 100, b"four");
    replay.see(C, "ack", 100, 514, b"").see(S, "ack fin", 514, 100, b"");
    replay.finish();
    assert_eq!(replay.conn.as_ref().unwrap().facts(Dir::FromResponder).missing_bytes, 4);
    assert!(replay.link().trouble.is_none(), "{:?}", replay.link().trouble);
}

#[test]
fn a_direction_that_was_not_captured_is_told_from_one_that_was_silent() {
    let speaks = DirFacts { ttl: 64, bytes: 5, ..DirFacts::default() };
    let is_silent = DirFacts { ttl: 64, ..DirFacts::default() };
    let unseen = DirFacts::default();
    assert!(unseen.is_unseen_beside(&speaks));
    assert!(!is_silent.is_unseen_beside(&speaks));
    assert!(!unseen.is_unseen_beside(&is_silent), "an unanswered SYN");
}
