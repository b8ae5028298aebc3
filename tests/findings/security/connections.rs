//! Data connections that go where they should not: bounces, copies between servers, theft.

use super::super::common::document::{Document, analysed, analysed_with};
use super::super::common::program::Scratch;
use super::super::common::script::{Conn, From, FtpScript, flag};
use super::super::common::told::{CONTROL, carry, dial, fetch, log_in, log_in_as, pasv, quit};
use super::super::{Scenario, of, only, rules_of};

use From::{Originator, Responder};

pub(in super::super) const SCENARIOS: &[Scenario] = &[
    ("bounce-attempt", || asked_for("10,0,0,3,0,25"), || asked_for("10,0,0,1,0,25")),
    ("bounce-scan", || scanned(5), || scanned(4)),
    ("site-to-site-transfer", copied, own_data),
    ("passive-connection-stolen", || taken("10.0.0.9", true), || taken("10.0.0.1", true)),
    ("tcp-overlap-evasion", || sent_twice(b"xxxx"), || sent_twice(b"data")),
];

/// A PORT that the server accepts, and nothing more.
fn asked_for(port: &str) -> FtpScript {
    between(CONTROL, port, "200 ok")
}

fn between(ends: [&str; 2], port: &str, reply: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ends);
    script.dialogue(control, &[&format!("> PORT {port}"), &format!("< {reply}")]);
    quit(&mut script, control);
    script
}

#[test]
fn a_bounce_is_graded_by_what_came_of_it() {
    let severity = |script: &FtpScript| {
        let document = analysed(script);
        let finding = only(&document, "bounce-attempt");
        (finding["severity"].clone(), finding["grade"].clone())
    };
    let refused = between(CONTROL, "10,0,0,3,0,25", "500 Illegal PORT command.");
    assert_eq!(severity(&refused), ("warning".into(), "attempted".into()));
    assert_eq!(severity(&asked_for("10,0,0,3,0,25")), ("error".into(), "accepted".into()));
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> PORT 10,0,0,3,0,25", "< 200 ok", "> LIST"]);
    let data = script.connect("10.0.0.2:20", "10.0.0.3:25");
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, Originator, b"-rw-r--r-- 1 a a 1 Jan  1 00:00 mail\r\n");
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    assert_eq!(severity(&script), ("critical".into(), "effect".into()));
}

/// A private address of a public client, its outside address, another host of a pool.
#[test]
fn what_translation_explains_is_no_bounce() {
    let public = ["203.0.113.9:40000", "198.51.100.2:21"];
    let inside = ["10.0.0.1:40000", "198.51.100.2:21"];
    for (ends, port, reply) in [
        (public, "192,168,1,5,156,64", "500 Illegal PORT command."),
        (public, "192,168,1,5,156,64", "200 ok"),
        (public, "203,0,113,77,156,64", "200 ok"),
        (inside, "203,0,113,77,156,64", "200 ok"),
        (inside, "127,0,0,1,156,64", "500 no"),
        (inside, "192,168,9,9,156,64", "500 no"),
    ] {
        let document = analysed(&between(ends, port, reply));
        assert!(of(&document, "bounce-attempt").is_empty(), "{port} {:?}", rules_of(&document));
    }
    // The server does not see the client there, so it is not its outside address.
    let document = analysed(&between(inside, "203,0,113,77,156,64", "501 Foreign address."));
    assert_eq!(only(&document, "bounce-attempt")["severity"], "warning");
}

/// No client listens at the port of a service, whatever address it takes for its own.
#[test]
fn the_port_of_a_service_is_a_bounce_at_any_address() {
    let public = ["203.0.113.9:40000", "198.51.100.2:21"];
    for (ends, port, whom) in [
        (public, "192,168,1,5,0,25", "another host"),
        (CONTROL, "127,0,0,1,0,25", "the server itself"),
        (CONTROL, "10,0,0,2,0,22", "the server itself"),
        (CONTROL, "10,0,0,3,0,22", "another host"),
    ] {
        let document = analysed(&between(ends, port, "200 ok"));
        let text = only(&document, "bounce-attempt")["explanation"].as_str().unwrap();
        assert!(text.contains(whom), "{port} {text}");
    }
}

#[test]
fn what_a_server_announced_is_no_bounce() {
    let mut script = FtpScript::new();
    let other = log_in_as(&mut script, ["10.0.0.1:41000", "10.0.0.3:21"]);
    script.dialogue(other, &["> PASV", "< 227 Entering Passive Mode (10,0,0,3,117,48)."]);
    let control = log_in(&mut script);
    script.dialogue(control, &["> PORT 10,0,0,3,117,48", "< 500 Illegal PORT command."]);
    quit(&mut script, control);
    quit(&mut script, other);
    assert!(of(&analysed(&script), "bounce-attempt").is_empty());
}

/// Where `server` is one that is meant to be used.
fn where_allowed(script: &FtpScript, servers: &str) -> Document {
    let scratch = Scratch::new();
    let text = format!("allowed_servers = [{servers}]\n");
    let file = scratch.file("ftpscope.toml", text.as_bytes());
    analysed_with(script, &["--config", &file])
}

#[test]
fn where_data_may_go_nothing_is_said() {
    let document = where_allowed(&asked_for("10,0,0,3,0,25"), "\"10.0.0.3\"");
    assert!(of(&document, "bounce-attempt").is_empty());
    let document = where_allowed(&copied(), "\"10.0.0.2\", \"10.0.0.3\"");
    assert!(of(&document, "site-to-site-transfer").is_empty());
    // What is only meant to be fetched from is not to be copied from.
    only(&where_allowed(&copied(), "\"10.0.0.2\""), "site-to-site-transfer");
}

/// So many ports of a third host, two in three of which are closed.
fn scanned(ports: u16) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for port in 0..ports {
        let [high, low] = (8000 + port).to_be_bytes();
        let setup = format!("> PORT 10,0,0,3,{high},{low}");
        script.dialogue(control, &[&setup, "< 200 ok", "> LIST"]);
        script.refused(&format!("10.0.0.2:{}", 20000 + port), &format!("10.0.0.3:{}", 8000 + port));
        script.dialogue(control, &["< 425 Failed to establish connection."]);
    }
    quit(&mut script, control);
    script
}

#[test]
fn a_scan_is_one_finding_and_an_active_client_is_none() {
    let document = analysed(&scanned(40));
    let finding = only(&document, "bounce-scan");
    assert_eq!((&finding["grade"], &finding["count"]), (&"accepted".into(), &40.into()));
    assert_eq!(only(&document, "bounce-attempt")["count"], 40);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for port in 0..20 {
        let setup = format!("> PORT 10,0,0,1,100,{port}");
        script.dialogue(control, &[&setup, "< 200 ok", "> LIST", "< 425 no"]);
    }
    quit(&mut script, control);
    let document = analysed(&script);
    assert!(of(&document, "bounce-scan").is_empty() && of(&document, "bounce-attempt").is_empty());
}

/// 10.0.0.1 tells 10.0.0.2 to send a file to where 10.0.0.3 listens.
fn copied() -> FtpScript {
    let mut script = FtpScript::new();
    let source = log_in(&mut script);
    let target = log_in_as(&mut script, ["10.0.0.1:41000", "10.0.0.3:21"]);
    script.dialogue(target, &["> PASV", "< 227 Entering Passive Mode (10,0,0,3,117,48)."]);
    script.dialogue(source, &["> PORT 10,0,0,3,117,48", "< 200 ok"]);
    script.dialogue(target, &["> STOR g"]);
    script.dialogue(source, &["> RETR f"]);
    let data = script.connect("10.0.0.2:20", "10.0.0.3:30000");
    script.dialogue(source, &["< 150 here it comes"]);
    script.dialogue(target, &["< 150 go on"]);
    carry(&mut script, data, Originator, b"hello");
    script.dialogue(source, &["< 226 done"]);
    script.dialogue(target, &["< 226 done"]);
    quit(&mut script, source);
    quit(&mut script, target);
    script
}

fn own_data() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR f", [40001, 30000], b"hello");
    quit(&mut script, control);
    script
}

#[test]
fn a_copy_is_told_once() {
    let document = analysed(&copied());
    let finding = only(&document, "site-to-site-transfer");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"warning".into(), &"effect".into()));
    assert_eq!(finding["count"], 1);
    assert!(of(&document, "bounce-attempt").is_empty());
}

/// Another host is first at the passive port, and gets the file or not.
fn taken(by: &str, has_data: bool) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let thief = script.connect(&format!("{by}:50000"), "10.0.0.2:30000");
    let own = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    let (with, without) = if has_data { (thief, own) } else { (own, thief) };
    script.reset(without, Responder);
    carry(&mut script, with, Responder, b"the payroll");
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script
}

#[test]
fn theft_is_worse_with_data_and_nothing_without_the_client() {
    let document = analysed(&taken("10.0.0.9", true));
    let finding = only(&document, "passive-connection-stolen");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"critical".into(), &"effect".into()));
    let document = analysed(&taken("10.0.0.9", false));
    let finding = only(&document, "passive-connection-stolen");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"error".into(), &"attempted".into()));
    // A client whose data leaves by another address.
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = script.connect("10.0.0.9:50000", "10.0.0.2:30000");
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    carry(&mut script, data, Responder, b"hello");
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    assert!(of(&analysed(&script), "passive-connection-stolen").is_empty());
}

/// One that is turned away has not connected.
#[test]
fn a_passive_port_that_was_only_tried_is_not_stolen() {
    for is_answered in [true, false] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30000);
        match is_answered {
            true => script.refused("10.0.0.9:50000", "10.0.0.2:30000"),
            false => script.syn_only("10.0.0.9:50000", "10.0.0.2:30000", 0),
        };
        let own = dial(&mut script, 40001, 30000);
        script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
        carry(&mut script, own, Responder, b"hello");
        script.dialogue(control, &["< 226 done"]);
        quit(&mut script, control);
        for finding in of(&analysed(&script), "passive-connection-stolen") {
            let title = finding["title"].as_str().unwrap();
            assert!(title.contains("tried to connect to"), "{title}");
            assert_eq!(finding["severity"], "info");
        }
    }
}

/// A second copy of four octets of a download, before the receiver can have read them.
fn sent_twice(again: &[u8]) -> FtpScript {
    told_twice(|script, data| {
        script.segment(data, Responder, 0, flag::ACK, b"data");
        script.segment(data, Responder, 0, flag::ACK, again);
        script.ack(data, Originator);
    })
}

fn told_twice(tell: impl FnOnce(&mut FtpScript, Conn)) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    tell(&mut script, data);
    script.close(data, Responder);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script
}

/// Of two copies of a PORT one was rewritten by a box between.
#[test]
fn a_rewritten_address_is_no_evasion() {
    let twice = |one: &[u8], other: &[u8]| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        let at = script.sent(control, Originator);
        script.segment(control, Originator, at, flag::ACK | flag::PSH, one);
        script.segment(control, Originator, at, flag::ACK | flag::PSH, other);
        script.ack(control, Responder);
        script.server(control, "200 ok\r\n");
        quit(&mut script, control);
        analysed(&script)
    };
    let document = twice(b"PORT 10,0,0,1,4,5\r\n", b"PORT 10,0,0,1,6,7\r\n");
    assert!(of(&document, "tcp-overlap-evasion").is_empty());
    let document = twice(b"DELE aaaaaaaa\r\n", b"DELE bbbbbbbb\r\n");
    assert_eq!(only(&document, "tcp-overlap-evasion")["severity"], "error");
}
