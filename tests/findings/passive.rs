//! Passive mode.

use std::time::Duration;

use etherparse::PacketBuilder;

use super::Scenario;
use super::common::document::{analysed, analysed_with};
use super::common::script::{Conn, From, FtpScript, Packet};
use super::common::told::{carry, dial, fetch, log_in, log_in_as, pasv, quit};
use super::{of, only};

pub(super) const SCENARIOS: &[Scenario] = &[
    ("passive-data-filtered", filtered, works),
    ("passive-data-refused", refused, refused_after_550),
    ("passive-data-unreachable", unreachable, filtered),
    ("epsv-blocked", epsv_blocked, epsv_filtered),
    ("passive-peer-rejected", peer_rejected, works),
    ("passive-accept-timeout", too_late, refused),
    ("passive-never-dialed", never_dialed, refused_by_name),
    ("passive-address-private", private, private_inside),
    ("passive-address-overridden", overridden, private_inside),
    ("passive-address-unusable", unusable, works),
    ("passive-reply-malformed", malformed, works),
    ("epsv-rejected", epsv_rejected, epsv_before_login),
    ("pasv-on-ipv6", pasv_on_ipv6, epsv_on_ipv6),
    ("setup-reply-mismatch", mismatch, epsv_on_ipv6),
    ("passive-ports-exhausted", exhausted, epsv_rejected),
];

const CLIENT: &str = "10.0.0.1:40001";
const LISTENS: &str = "10.0.0.2:30000";

/// A session across the net, from a client with a public address.
const OUTSIDE: [&str; 2] = ["198.51.100.7:40000", "203.0.113.21:21"];

const NO_DATA: &str = "425 Failed to establish connection.\r\n";

/// A session in which LIST is asked for after PASV; `tell` tells what comes of it.
fn list(tell: impl FnOnce(&mut FtpScript, Conn)) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    script.client(control, "LIST\r\n");
    tell(&mut script, control);
    quit(&mut script, control);
    script
}

fn works() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR a.txt", [40001, 30000], b"hello");
    quit(&mut script, control);
    script
}

fn filtered() -> FtpScript {
    list(|script, control| {
        script.syn_only(CLIENT, LISTENS, 3);
        script.server(control, NO_DATA);
    })
}

fn refused() -> FtpScript {
    list(|script, control| {
        script.refused(CLIENT, LISTENS);
        script.server(control, NO_DATA);
    })
}

/// The server refuses the command and closes its port before the client dials it.
fn refused_after_550() -> FtpScript {
    list(|script, control| {
        script.server(control, "550 No such directory.\r\n");
        script.refused(CLIENT, LISTENS);
    })
}

fn refused_by_name() -> FtpScript {
    list(|script, control| script.server(control, "550 No such directory.\r\n"))
}

fn unreachable() -> FtpScript {
    list(|script, control| {
        script.syn_only(CLIENT, LISTENS, 0);
        icmp(script, [10, 0, 0, 254], 13);
        script.server(control, NO_DATA);
    })
}

/// A router says of the last packet that it cannot be delivered.
fn icmp(script: &mut FtpScript, from: [u8; 4], code: u8) {
    let last = script.packets().last().unwrap().clone();
    let ip = &last.bytes[14..];
    let to = [ip[12], ip[13], ip[14], ip[15]];
    let builder =
        PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64).icmpv4_raw(3, code, [0; 4]);
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &ip[..28]).unwrap();
    let (wire_len, time) = (bytes.len(), last.time + Duration::from_micros(300));
    script.packets_mut().push(Packet { time, bytes, wire_len, sender: last.sender });
}

const EPSV: [&str; 2] = ["> EPSV", "< 229 Entering Extended Passive Mode (|||30000|)."];

fn epsv_filtered() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &EPSV);
    script.syn_only(CLIENT, LISTENS, 2);
    quit(&mut script, control);
    script
}

fn epsv_blocked() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &EPSV);
    script.syn_only(CLIENT, LISTENS, 2);
    fetch(&mut script, control, "RETR a.txt", [40002, 30001], b"hello");
    quit(&mut script, control);
    script
}

#[test]
fn epsv_is_blocked_where_pasv_works_in_another_session() {
    let mut script = epsv_filtered();
    let control = log_in_as(&mut script, ["10.0.0.1:40010", "10.0.0.2:21"]);
    fetch(&mut script, control, "RETR a.txt", [40011, 30001], b"hello");
    quit(&mut script, control);
    let document = analysed(&script);
    assert_eq!(only(&document, "epsv-blocked")["confidence"], "medium");
    assert!(of(&document, "passive-data-filtered").is_empty());
}

#[test]
fn epsv_that_works_once_is_not_blocked() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &EPSV);
    script.syn_only(CLIENT, LISTENS, 2);
    fetch(&mut script, control, "RETR a.txt", [40002, 30001], b"hello");
    script.dialogue(control, &["> EPSV", "< 229 Extended (|||30002|)", "> RETR b"]);
    let data = dial(&mut script, 40003, 30002);
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, From::Responder, b"hello");
    script.dialogue(control, &["< 226 done"]);
    let document = analysed(&script);
    assert!(of(&document, "epsv-blocked").is_empty());
    assert_eq!(of(&document, "passive-data-filtered").len(), 1);
}

fn peer_rejected() -> FtpScript {
    list(|script, control| {
        let data = script.connect("10.0.0.3:40001", LISTENS);
        script.server(control, "425 Security: Bad IP connecting.\r\n");
        script.close(data, From::Responder);
    })
}

fn too_late() -> FtpScript {
    list(|script, control| {
        script.wait(Duration::from_secs(60));
        script.server(control, NO_DATA);
        script.wait(Duration::from_secs(2));
        script.refused(CLIENT, LISTENS);
    })
}

fn never_dialed() -> FtpScript {
    list(|script, control| {
        script.wait(Duration::from_secs(60));
        script.server(control, NO_DATA);
    })
}

#[test]
fn a_port_that_was_waited_for_in_vain_is_a_hint_only() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    script.wait(Duration::from_secs(30));
    quit(&mut script, control);
    let document = analysed(&script);
    let finding = only(&document, "passive-never-dialed");
    assert_eq!((&finding["severity"], &finding["confidence"]), (&"warning".into(), &"low".into()));
}

#[test]
fn one_syn_at_the_end_of_the_capture_is_not_filtered() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    script.syn_only(CLIENT, LISTENS, 0);
    assert!(of(&analysed(&script), "passive-data-filtered").is_empty());
}

/// The server at 203.0.113.21 says that it listens at this address, and LIST is asked for.
fn announces(ends: [&str; 2], said: &str) -> (FtpScript, Conn) {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ends);
    let reply = format!("< 227 Entering Passive Mode ({said},117,48).");
    script.dialogue(control, &["> PASV", &reply, "> LIST"]);
    (script, control)
}

fn private() -> FtpScript {
    let (mut script, control) = announces(OUTSIDE, "192,168,77,5");
    script.syn_only("198.51.100.7:40001", "192.168.77.5:30000", 3);
    script.server(control, NO_DATA);
    script
}

/// Both ends and the address are of the inside: routes may lead there.
fn private_inside() -> FtpScript {
    let (mut script, control) = announces(["10.0.0.1:40000", "172.16.0.2:21"], "192,168,77,5");
    script.syn_only("10.0.0.1:40001", "192.168.77.5:30000", 3);
    script.server(control, NO_DATA);
    script
}

#[test]
fn a_private_address_is_said_once_and_without_a_filter() {
    let document = analysed(&private());
    let finding = only(&document, "passive-address-private");
    let text = finding["explanation"].as_str().unwrap();
    assert!(text.contains("192,168,77,5") && text.contains("4 SYNs, no answer"), "{text}");
    assert!(of(&document, "passive-data-filtered").is_empty());
    assert_eq!(of(&analysed(&private_inside()), "passive-data-filtered").len(), 1);
}

#[test]
fn a_network_that_is_home_is_inside() {
    let home = ["--home", "198.51.100.0/24", "--home", "203.0.113.0/24"];
    let document = analysed_with(&private(), &home);
    assert!(of(&document, "passive-address-private").is_empty());
}

#[test]
fn seen_at_the_server_nothing_dials_a_private_address() {
    let (mut script, control) = announces(OUTSIDE, "192,168,77,5");
    script.wait(Duration::from_secs(60));
    script.server(control, NO_DATA);
    let document = analysed(&script);
    assert_eq!(only(&document, "passive-address-private")["confidence"], "medium");
    assert!(of(&document, "passive-never-dialed").is_empty());
}

fn overridden() -> FtpScript {
    let (mut script, control) = announces(OUTSIDE, "192,168,77,5");
    let data = script.connect("198.51.100.7:40001", "203.0.113.21:30000");
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, From::Responder, b"-rw-r--r-- 1 a a 5 Jan 1 00:00 x\r\n");
    script.dialogue(control, &["< 226 done"]);
    script
}

#[test]
fn a_private_address_that_can_be_reached_is_right() {
    let (mut script, control) = announces(OUTSIDE, "192,168,77,5");
    let data = script.connect("198.51.100.7:40001", "192.168.77.5:30000");
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, From::Responder, b"-rw-r--r-- 1 a a 5 Jan 1 00:00 x\r\n");
    script.dialogue(control, &["< 226 done"]);
    let document = analysed(&script);
    let passive = super::rules_of(&document).into_iter().find(|rule| rule.starts_with("passive"));
    assert_eq!(passive, None);
}

#[test]
fn a_data_connection_that_is_elsewhere_was_not_missed_by_the_client() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for outcome in ["< 226 done", "< 425 Failed to establish connection."] {
        pasv(&mut script, control, 30000);
        script.dialogue(control, &["> LIST", "< 150 here it comes", outcome]);
    }
    assert!(of(&analysed(&script), "passive-never-dialed").is_empty());
}

fn unusable() -> FtpScript {
    let (mut script, control) = announces(OUTSIDE, "0,0,0,0");
    script.wait(Duration::from_secs(60));
    script.server(control, NO_DATA);
    script
}

fn malformed() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> PASV", "< 227 Entering Passive Mode (10,0,0,2,300,1)."]);
    quit(&mut script, control);
    script
}

fn epsv_rejected() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> EPSV", "< 500 EPSV not understood."]);
    fetch(&mut script, control, "RETR a.txt", [40001, 30000], b"hello");
    quit(&mut script, control);
    script
}

fn epsv_before_login() -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["< 220 hi", "> EPSV", "< 530 Please log in."]);
    script
}

const OVER_IPV6: [&str; 2] = ["[2001:db8::1]:40000", "[2001:db8::2]:21"];

fn pasv_on_ipv6() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, OVER_IPV6);
    script.dialogue(control, &["> PASV", "< 425 You cannot use PASV on IPv6 connections."]);
    quit(&mut script, control);
    script
}

fn epsv_on_ipv6() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, OVER_IPV6);
    script.dialogue(control, &EPSV);
    script.dialogue(control, &["> RETR a"]);
    let data = script.connect("[2001:db8::1]:40001", "[2001:db8::2]:30000");
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, From::Responder, b"hello");
    script.dialogue(control, &["< 226 done"]);
    script
}

fn mismatch() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> PASV", "< 229 Entering Extended Passive Mode (|||30000|)."]);
    quit(&mut script, control);
    script
}

fn exhausted() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> EPSV", "< 425 All reserved TCP ports are busy"]);
    quit(&mut script, control);
    script
}

/// 150 promises the connection and 426 says that it broke off: it was there, and past the capture.
#[test]
fn a_capture_of_the_control_port_alone_blames_nobody() {
    for reply in ["426 Failure writing network stream.", "451 Read error.", "550 Broken."] {
        let script = list(|script, control| {
            script.dialogue(control, &["< 150 here it comes", &format!("< {reply}")]);
        });
        let document = analysed(&script);
        assert_eq!(document.outcomes(), ["- not_captured"], "{reply}");
        assert!(of(&document, "passive-never-dialed").is_empty(), "{reply}");
    }
    let text = only(&analysed(&never_dialed()), "passive-never-dialed")["explanation"].clone();
    assert!(text.as_str().unwrap().contains("holds no data connection at all"), "{text}");
}

#[test]
fn a_lone_syn_says_little() {
    let tried = |retries, reply: &str| {
        list(|script, control| {
            script.syn_only(CLIENT, LISTENS, retries);
            script.wait(Duration::from_secs(20));
            script.dialogue(control, &[&format!("< {reply}")]);
        })
    };
    for (retries, confidence) in [(0, "low"), (1, "medium"), (2, "high")] {
        let document = analysed(&tried(retries, "425 No."));
        let finding = only(&document, "passive-data-filtered");
        assert_eq!(finding["confidence"], confidence, "{retries}");
    }
    let refused = analysed(&tried(2, "425 Connection refused."));
    assert!(of(&refused, "passive-data-filtered").is_empty());
    // What is not there cannot be fetched, whatever the port does.
    let missing = analysed(&tried(1, "550 No such file."));
    assert!(of(&missing, "passive-data-filtered").is_empty());
    let missing = analysed(&tried(3, "550 No such file."));
    assert_eq!(only(&missing, "passive-data-filtered")["severity"], "warning");
}

#[test]
fn one_reset_of_the_server_is_no_sure_block_of_epsv() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &EPSV);
    script.refused(CLIENT, LISTENS);
    fetch(&mut script, control, "RETR a.txt", [40002, 30001], b"hello");
    quit(&mut script, control);
    assert_eq!(only(&analysed(&script), "epsv-blocked")["confidence"], "low");
}

/// Two of one cause: the texts are those of the one that is told.
#[test]
fn the_worst_of_one_cause_is_told_in_its_own_words() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    script.syn_only(CLIENT, LISTENS, 0);
    script.wait(Duration::from_secs(20));
    pasv(&mut script, control, 30001);
    script.client(control, "LIST\r\n");
    script.syn_only("10.0.0.1:40002", "10.0.0.2:30001", 3);
    script.server(control, NO_DATA);
    quit(&mut script, control);
    let document = analysed(&script);
    let finding = only(&document, "passive-data-filtered");
    assert_eq!((&finding["confidence"], &finding["count"]), (&"high".into(), &2.into()));
    let text = finding["explanation"].as_str().unwrap();
    assert!(text.contains("4 SYNs"), "{text}");
    assert_eq!(finding["evidence"]["syn_count"], 4);
}
