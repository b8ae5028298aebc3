//! Sessions captured at two places, as on both sides of a NAT: one session, its files once.

mod common;

use std::time::Duration;

use common::document::{Document, analysed};
use common::program::noise;
use common::script::{Conn, FtpScript, Packet, Segment, flag};
use common::told::{carry, quit};
use etherparse::{SlicedPacket, TransportSlice};

use common::script::From::Responder;

const SERVER: &str = "203.0.113.21";

/// One place's view of a session that downloads `f`.
struct View {
    client: &'static str,
    isns: [u32; 2],
    content: Vec<u8>,
    name: &'static str,
}

impl View {
    fn of(client: &'static str) -> Self {
        Self { client, isns: [1_000, 9_000], content: noise(1, 20_000), name: "f" }
    }

    fn script(&self) -> FtpScript {
        let mut script = FtpScript::new();
        let end = |ip: &str, port| format!("{ip}:{port}");
        let control = script.connect_from(&end(self.client, 40000), &end(SERVER, 21), self.isns);
        let retr = format!("> RETR {}", self.name);
        let lines = ["< 220 hi", "> USER bob", "< 331 go", "> PASS pw", "< 230 in"];
        script.dialogue(control, &lines);
        script.dialogue(control, &["> PASV", "< 227 at 203,0,113,21,117,48", &retr, "< 150 here"]);
        let isns = self.isns.map(|isn| isn + 500_000);
        let data = script.connect_from(&end(self.client, 40001), &end(SERVER, 30_000), isns);
        carry(&mut script, data, Responder, &self.content);
        script.dialogue(control, &["< 226 done"]);
        quit(&mut script, control);
        script
    }
}

/// Both in one capture: what the client sends passes the inside first, what the server sends the
/// outside, each some microseconds before the other.
fn both(inside: &FtpScript, outside: &FtpScript) -> FtpScript {
    let packets = |script: &FtpScript, is_inside: bool| -> Vec<Packet> {
        let moved = |packet: &Packet| {
            let mut packet = packet.clone();
            let from_client = is_from_client(&packet);
            packet.time += Duration::from_micros(if from_client == is_inside { 0 } else { 40 });
            packet
        };
        script.packets().iter().map(moved).collect()
    };
    let mut all = [packets(inside, true), packets(outside, false)].concat();
    all.sort_by_key(|packet| packet.time);
    let mut script = FtpScript::new();
    *script.packets_mut() = all;
    script
}

fn is_from_client(packet: &Packet) -> bool {
    let sliced = SlicedPacket::from_ethernet(&packet.bytes).unwrap();
    let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { panic!("TCP only") };
    tcp.source_port() >= 40000
}

#[track_caller]
fn assert_one(document: &Document, how: &str) {
    assert_eq!(document.list("sessions").len(), 1);
    assert_eq!(document.session(0)["client"]["ip"], "10.0.0.5");
    assert_eq!(document.session(0)["legs"][0]["client"]["ip"], "203.0.113.1");
    assert_eq!(document.session(0)["legs"][0]["how"], how);
    assert_eq!(document.list("orphans").len(), 0);
}

#[test]
fn both_sides_of_a_nat_are_one_session() {
    let (inside, outside) = (View::of("10.0.0.5"), View::of("203.0.113.1"));
    let document = analysed(&both(&inside.script(), &outside.script()));
    assert_one(&document, "sequence_numbers");
    let moved = document.only().is_whole(&inside.content);
    assert_eq!(moved.0["session"], "s1");
    assert_eq!(moved.0["other_leg"]["originator"]["ip"], "203.0.113.1");
}

#[test]
fn a_box_that_chooses_new_sequence_numbers_is_seen_through() {
    let inside = View::of("10.0.0.5");
    let outside = View { isns: [77_000, 880_000], ..View::of("203.0.113.1") };
    let document = analysed(&both(&inside.script(), &outside.script()));
    assert_one(&document, "dialogue");
    document.only().is_whole(&inside.content);
}

#[test]
fn what_one_side_lost_is_told_from_the_other() {
    let (inside, outside) = (View::of("10.0.0.5"), View::of("203.0.113.1"));
    for lost_inside in [true, false] {
        let mut scripts = [inside.script(), outside.script()];
        let damaged = &mut scripts[usize::from(!lost_inside)];
        damaged.lose(damaged.frame_of(&inside.content[2920..4380]));
        let document = analysed(&both(&scripts[0], &scripts[1]));
        assert_one(&document, "sequence_numbers");
        document.only().is_whole(&inside.content);
        let transfers = document.session(0)["transfers"].as_array().unwrap();
        assert_eq!(transfers, &[document.only().0["id"].clone()]);
    }
}

#[test]
fn what_only_the_second_side_saw_is_not_lost() {
    let (inside, outside) = (View::of("10.0.0.5"), View::of("203.0.113.1"));
    let mut script = inside.script();
    // The command, its replies and the data connection.
    let first = script.frame_of("RETR f\r\n");
    let last = script.frame_of("226 done") + 1;
    (first..=last).for_each(|_| script.lose(first));
    let document = analysed(&both(&script, &outside.script()));
    assert_one(&document, "sequence_numbers");
    let moved = document.only().is_whole(&inside.content);
    assert_eq!(document.session(0)["transfers"][0], moved.0["id"]);
}

#[test]
fn sessions_with_forged_numbers_that_do_something_else_are_two() {
    let inside = View::of("10.0.0.5");
    for forged in [
        View { content: noise(2, 20_000), ..View::of("203.0.113.1") },
        View { name: "secret", ..View::of("203.0.113.1") },
    ] {
        let document = analysed(&both(&inside.script(), &forged.script()));
        assert_eq!(document.list("sessions").len(), 2);
        assert_eq!(document.outcomes().len(), 2);
        assert!(document.transfers().any(|moved| moved.0["session"] == "s2"));
    }
}

#[test]
fn two_clients_in_step_are_two() {
    let one = View::of("10.0.0.5").script();
    let other = View { isns: [77_000, 880_000], ..View::of("10.0.0.6") }.script();
    // Both in the same order in both directions: no packet of one can be the other's.
    let mut script = FtpScript::new();
    let mut all = one.packets().to_vec();
    for packet in other.packets() {
        let mut packet = packet.clone();
        packet.time += Duration::from_micros(20);
        all.push(packet);
    }
    all.sort_by_key(|packet| packet.time);
    *script.packets_mut() = all;
    let document = analysed(&script);
    assert_eq!(document.list("sessions").len(), 2);
    assert!(document.transfers().all(|moved| moved.outcome() == "complete"));
}

#[test]
fn a_session_of_which_one_side_only_saw_a_syn_keeps_its_files() {
    let (inside, outside) = (View::of("10.0.0.5"), View::of("203.0.113.1"));
    let mut script = outside.script();
    script.packets_mut().truncate(2);
    assert_eq!(script.packets()[0].bytes[47] & flag::SYN, flag::SYN);
    let document = analysed(&both(&inside.script(), &script));
    document.only().is_whole(&inside.content);
}

/// A session of one place whose dialogue is told by `tell`, with the numbers of every other.
fn spoken(client: &str, tell: impl FnOnce(&mut FtpScript, Conn)) -> FtpScript {
    let mut script = FtpScript::new();
    let ends = [format!("{client}:40000"), format!("{SERVER}:21")];
    let control = script.connect_from(&ends[0], &ends[1], [1_000, 9_000]);
    tell(&mut script, control);
    script
}

#[test]
fn a_session_that_says_more_is_not_hidden_behind_its_twin() {
    let opening = ["< 220 hi", "> USER bob", "< 331 go", "> PASS pw", "< 230 in"];
    let more = spoken("203.0.113.1", |script, control| {
        script.dialogue(control, &opening);
        script.dialogue(control, &["> DELE f", "< 250 gone"]);
    });
    let less = spoken("10.0.0.5", |script, control| script.dialogue(control, &opening));
    let lossy = spoken("10.0.0.5", |script, control| {
        script.dialogue(control, &opening[..2]);
        // Four octets acknowledged, and not captured.
        script.put(control, Responder, Segment { acked: Some(14), ..Segment::default() });
    });
    let other = spoken("10.0.0.5", |script, control| {
        script.dialogue(control, &opening);
        script.dialogue(control, &["> SIZE f", "< 550 no"]);
    });
    for first in [less, lossy, other] {
        let document = analysed(&both(&first, &more));
        assert_eq!(document.list("sessions").len(), 2);
    }
}
