//! Active mode.

use std::time::Duration;

use super::Scenario;
use super::common::document::analysed;
use super::common::script::{Conn, From, FtpScript};
use super::common::told::{carry, fetch, log_in, log_in_as, port, quit};
use super::{of, only};

pub(super) const SCENARIOS: &[Scenario] = &[
    ("active-data-filtered", filtered, works),
    ("active-data-refused", refused, filtered),
    ("active-address-private", private, private_inside),
    ("active-refused-by-server", port_refused, private),
    ("active-port-low", low_port, port_refused),
    ("active-source-port-not-20", from_another_port, works),
    ("active-never-dialed", never_dialed, refused_by_name),
    ("eprt-rejected", eprt_rejected, port_refused),
    ("no-data-setup", no_setup, refused_by_name),
];

const SERVER: &str = "10.0.0.2:20";
const LISTENS: &str = "10.0.0.1:40001";

const NO_DATA: &str = "425 Failed to establish connection.\r\n";

/// A session in which LIST is asked for after PORT; `tell` tells what comes of it.
fn list(tell: impl FnOnce(&mut FtpScript, Conn)) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    port(&mut script, control, 40001);
    script.client(control, "LIST\r\n");
    tell(&mut script, control);
    quit(&mut script, control);
    script
}

fn served_from(server: &'static str) -> FtpScript {
    list(|script, control| {
        let data = script.connect(server, LISTENS);
        script.dialogue(control, &["< 150 here it comes"]);
        carry(script, data, From::Originator, b"-rw-r--r-- 1 a a 5 Jan 1 00:00 x\r\n");
        script.dialogue(control, &["< 226 done"]);
    })
}

fn works() -> FtpScript {
    served_from(SERVER)
}

fn from_another_port() -> FtpScript {
    served_from("10.0.0.2:51234")
}

#[test]
fn where_control_is_not_on_21_no_port_is_wrong() {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ["10.0.0.1:40000", "10.0.0.2:2121"]);
    port(&mut script, control, 40001);
    script.client(control, "LIST\r\n");
    let data = script.connect("10.0.0.2:51234", LISTENS);
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, From::Originator, b"x\r\n");
    script.dialogue(control, &["< 226 done"]);
    assert!(of(&analysed(&script), "active-source-port-not-20").is_empty());
}

fn filtered() -> FtpScript {
    list(|script, control| {
        script.syn_only(SERVER, LISTENS, 3);
        script.server(control, NO_DATA);
    })
}

fn refused() -> FtpScript {
    list(|script, control| {
        script.refused(SERVER, LISTENS);
        script.server(control, NO_DATA);
    })
}

fn never_dialed() -> FtpScript {
    list(|script, control| {
        script.wait(Duration::from_secs(30));
        script.server(control, NO_DATA);
    })
}

fn refused_by_name() -> FtpScript {
    list(|script, control| script.server(control, "550 No such directory.\r\n"))
}

/// A client that tells 192.168.1.5; LIST is asked for and the server dials it in vain.
fn told_192(ends: [&str; 2]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ends);
    script.dialogue(control, &["> PORT 192,168,1,5,156,65", "< 200 ok", "> LIST"]);
    let from = ends[1].replace(":21", ":20");
    script.syn_only(&from, "192.168.1.5:40001", 3);
    script.server(control, NO_DATA);
    script
}

fn private() -> FtpScript {
    told_192(["198.51.100.7:40000", "203.0.113.21:21"])
}

fn private_inside() -> FtpScript {
    told_192(["10.0.0.1:40000", "10.0.0.2:21"])
}

#[test]
fn a_private_address_is_said_once_however_it_fails() {
    let document = analysed(&private());
    let text = only(&document, "active-address-private")["explanation"].as_str().unwrap();
    assert!(text.contains("4 SYNs, no answer"), "{text}");
    assert!(of(&document, "active-data-filtered").is_empty());
    assert_eq!(of(&analysed(&private_inside()), "active-data-filtered").len(), 1);

    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ["198.51.100.7:40000", "203.0.113.21:21"]);
    let refusal = "< 500 Illegal PORT command.";
    script.dialogue(control, &["> PORT 192,168,1,5,156,65", refusal]);
    script.dialogue(control, &["> LIST", "< 425 Use PORT or PASV first."]);
    let document = analysed(&script);
    let text = only(&document, "active-address-private")["explanation"].as_str().unwrap();
    assert!(text.contains("The server refused it: 500 Illegal PORT command."), "{text}");
    assert!(of(&document, "active-refused-by-server").is_empty());
    assert!(of(&document, "no-data-setup").is_empty());
}

fn port_refused() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let refusal = "< 500 Illegal PORT command.";
    script.dialogue(control, &["> PORT 10,0,0,1,156,65", refusal]);
    quit(&mut script, control);
    script
}

#[test]
fn a_refused_port_is_not_so_bad_where_passive_mode_follows() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> PORT 10,0,0,1,156,65", "< 500 Illegal PORT command."]);
    fetch(&mut script, control, "RETR a.txt", [40001, 30000], b"hello");
    let document = analysed(&script);
    assert_eq!(only(&document, "active-refused-by-server")["severity"], "warning");
}

fn low_port() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let refusal = "< 501 PORT against the privileged port \"25\" refused.";
    script.dialogue(control, &["> PORT 10,0,0,1,0,25", refusal]);
    quit(&mut script, control);
    script
}

fn eprt_rejected() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> EPRT |1|10.0.0.1|40001|", "< 500 Unknown command."]);
    fetch(&mut script, control, "RETR a.txt", [40002, 30000], b"hello");
    quit(&mut script, control);
    script
}

fn no_setup() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> LIST", "< 425 Use PORT or PASV first."]);
    quit(&mut script, control);
    script
}

#[test]
fn a_copy_between_servers_may_pass_by_the_capture() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> PORT 203,0,113,9,156,65", "< 200 ok", "> RETR a"]);
    script.wait(Duration::from_secs(30));
    script.server(control, NO_DATA);
    assert_eq!(only(&analysed(&script), "active-never-dialed")["confidence"], "low");
}

#[test]
fn an_unknown_eprt_says_nothing_about_the_address() {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ["198.51.100.7:40000", "203.0.113.21:21"]);
    script.dialogue(control, &["> EPRT |1|192.168.1.5|40001|", "< 500 Unknown command."]);
    let document = analysed(&script);
    assert_eq!(of(&document, "eprt-rejected").len(), 1);
    assert!(of(&document, "active-address-private").is_empty());
}

#[test]
fn a_transfer_before_the_login_is_not_about_its_setup() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["< 220 hi", "> LIST", "< 503 Login with USER first."]);
    assert!(of(&analysed(&script), "no-data-setup").is_empty());
}

/// A server that has its answer before a SYN would be sent again was not filtered.
#[test]
fn an_answer_within_a_second_is_no_filter() {
    let script = list(|script, control| {
        script.syn_only(SERVER, LISTENS, 0);
        script.server(control, "425 Connection refused.\r\n");
    });
    assert!(of(&analysed(&script), "active-data-filtered").is_empty());
}

#[test]
fn a_port_that_is_not_known_at_all_is_not_too_low() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> PORT 10,0,0,1,3,1", "< 502 PORT not implemented."]);
    let document = analysed(&script);
    assert!(of(&document, "active-port-low").is_empty());
    only(&document, "active-refused-by-server");
}
