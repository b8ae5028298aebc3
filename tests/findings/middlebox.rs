//! What boxes between client and server do to FTP.

use std::time::Duration;

use super::Scenario;
use super::common::script::{Conn, From, FtpScript, Segment, flag};
use super::common::tls;
use super::common::told::{CONTROL, LOGIN, carry, dial, log_in, log_in_as, pasv, port, quit};

pub(super) const SCENARIOS: &[Scenario] = &[
    ("nat-helper-rewrote", rewritten, not_rewritten),
    ("nat-helper-broke-sequence", broken, rewritten),
    ("announcement-split", split, in_one),
    ("nat-helper-port-not-covered", port_2121, port_21),
    ("ftps-blinds-nat-helper", blind, sees),
    ("double-nat", both_inside, server_inside),
    ("asymmetric-path", one_direction, both_directions),
    ("inspection-dropped-command", blotted, refused),
    ("auth-tls-stripped", stripped, not_offered),
];

/// An encrypted session whose data connections are dialled in vain.
fn blind() -> FtpScript {
    let mut script = FtpScript::new();
    let control = tls::begin(&mut script, CONTROL);
    for port in [30000, 30001] {
        script.send(control, From::Originator, &tls::sealed(30));
        script.syn_only(&format!("10.0.0.1:{}", port + 10_000), &format!("10.0.0.2:{port}"), 3);
    }
    script.close(control, From::Originator);
    script
}

/// The same, and the second comes up.
fn sees() -> FtpScript {
    let mut script = FtpScript::new();
    let control = tls::begin(&mut script, CONTROL);
    script.syn_only("10.0.0.1:40001", "10.0.0.2:30000", 2);
    let data = dial(&mut script, 40002, 30001);
    tls::shake_hands(&mut script, data, tls::ENDS);
    script.send(data, From::Responder, &tls::sealed(3000));
    script.close(data, From::Responder);
    script.close(control, From::Originator);
    script
}

/// One session on both sides of a box.
struct Twice {
    script: FtpScript,
    inside: Conn,
    outside: Conn,
}

impl Twice {
    fn logged_in() -> Self {
        let mut script = FtpScript::new();
        let server = "203.0.113.21:21";
        let inside = script.connect_from("10.0.0.5:40000", server, [700, 900]);
        let outside = script.connect_from("198.51.100.1:40000", server, [700, 900]);
        let mut twice = Self { script, inside, outside };
        LOGIN.into_iter().for_each(|line| twice.say(line, line));
        twice
    }

    /// A line as it is said on each side. Each passes the side it comes from first.
    fn say(&mut self, inside: &str, outside: &str) {
        let mut sides = [(self.inside, inside), (self.outside, outside)];
        if inside.starts_with("< ") {
            sides.reverse();
        }
        for (side, line) in sides {
            self.script.dialogue(side, &[line]);
        }
    }
}

/// A session with the PORT as it is said on each side.
fn seen_twice(ports: [&str; 2]) -> FtpScript {
    let mut twice = Twice::logged_in();
    twice.say(ports[0], ports[1]);
    for line in ["< 200 ok", "> QUIT", "< 221 bye"] {
        twice.say(line, line);
    }
    let Twice { mut script, inside, outside } = twice;
    script.close(outside, From::Responder);
    script.close(inside, From::Responder);
    script
}

fn rewritten() -> FtpScript {
    seen_twice(["> PORT 10,0,0,5,200,10", "> PORT 198,51,100,1,200,10"])
}

fn not_rewritten() -> FtpScript {
    seen_twice(["> PORT 10,0,0,5,200,10", "> PORT 10,0,0,5,200,10"])
}

/// The server acknowledges the longer line it got, which the client does not understand: it never
/// takes the answer.
fn broken() -> FtpScript {
    let mut twice = Twice::logged_in();
    twice.say("> PORT 10,0,0,5,200,10", "> PORT 198,51,100,1,200,10");
    let Twice { mut script, inside, outside } = twice;
    let offset = script.sent(outside, From::Responder);
    let acked = Some(script.sent(outside, From::Originator));
    for wait in [1, 2, 4, 8, 16] {
        for side in [outside, inside] {
            let (flags, payload) = (flag::ACK | flag::PSH, b"200 ok\r\n");
            let segment = Segment { offset, acked, flags, payload, ..Segment::default() };
            script.put(side, From::Responder, segment);
        }
        script.wait(Duration::from_secs(wait));
    }
    for side in [inside, outside] {
        let offset = script.sent(side, From::Originator);
        script.segment(side, From::Originator, offset, flag::RST, b"");
    }
    script
}

/// Active mode in vain, the PORT in segments of `octets`.
fn port_in(octets: usize) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.mss(octets);
    port(&mut script, control, 51210);
    script.mss(1460);
    script.client(control, "LIST\r\n");
    script.syn_only("10.0.0.2:20", "10.0.0.1:51210", 3);
    script.server(control, "425 Failed to establish connection.\r\n");
    quit(&mut script, control);
    script
}

fn split() -> FtpScript {
    port_in(10)
}

fn in_one() -> FtpScript {
    port_in(1460)
}

const CLIENT: &str = "192.0.2.1:40000";

fn port_in_vain(script: &mut FtpScript, control: Conn) {
    let lines = ["> PORT 10,0,0,1,200,10", "< 200 ok", "> LIST", "< 425 Cannot connect."];
    script.dialogue(control, &lines);
}

fn active_to(server: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, [CLIENT, server]);
    port_in_vain(&mut script, control);
    quit(&mut script, control);
    script
}

fn port_2121() -> FtpScript {
    active_to("203.0.113.5:2121")
}

fn port_21() -> FtpScript {
    active_to("203.0.113.5:21")
}

fn pasv_in_vain(script: &mut FtpScript, control: Conn) {
    script.dialogue(
        control,
        &["> PASV", "< 227 Entering Passive Mode (192,168,1,5,117,48).", "> LIST"],
    );
    script.syn_only("192.0.2.1:40001", "192.168.1.5:30000", 3);
    script.server(control, "425 Failed to establish connection.\r\n");
}

fn both_inside() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, [CLIENT, "203.0.113.5:21"]);
    port_in_vain(&mut script, control);
    pasv_in_vain(&mut script, control);
    quit(&mut script, control);
    script
}

/// Captured on the client's side its inside address is the one it is seen with.
#[test]
fn double_translation_shows_on_the_client_s_side_too() {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ["10.0.0.1:40000", "203.0.113.5:21"]);
    port_in_vain(&mut script, control);
    let told = "< 227 Entering Passive Mode (192,168,1,5,117,48).";
    script.dialogue(control, &["> PASV", told, "> LIST"]);
    script.syn_only("10.0.0.1:40001", "192.168.1.5:30000", 3);
    script.server(control, "425 Failed to establish connection.\r\n");
    quit(&mut script, control);
    let document = super::analysed(&script);
    assert_eq!(super::only(&document, "double-nat")["confidence"], "medium");
}

fn server_inside() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, [CLIENT, "203.0.113.5:21"]);
    pasv_in_vain(&mut script, control);
    quit(&mut script, control);
    script
}

/// A download, and its data connection.
fn fetched() -> (FtpScript, Conn) {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    carry(&mut script, data, From::Responder, b"content");
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    (script, data)
}

fn one_direction() -> FtpScript {
    let (mut script, data) = fetched();
    script.drop_direction(data, From::Originator);
    script
}

fn both_directions() -> FtpScript {
    fetched().0
}

fn told(lines: &[&str]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, lines);
    quit(&mut script, control);
    script
}

fn blotted() -> FtpScript {
    told(&["> EPSV", "< 500 'XXXX': command not understood."])
}

fn refused() -> FtpScript {
    told(&["> EPSV", "< 500 'EPSV': command not understood."])
}

fn stripped() -> FtpScript {
    let features = "< 211-Features:\r\n AUTH TLS\r\n UTF8\r\n211 End";
    told(&["> FEAT", features, "> AUTH TLS", "< 502 Command not implemented."])
}

fn not_offered() -> FtpScript {
    let features = "< 211-Features:\r\n UTF8\r\n211 End";
    told(&["> FEAT", features, "> AUTH TLS", "< 502 Command not implemented."])
}

/// It is not the command's fault that the server never answers when that was heard at the server.
#[test]
fn a_command_that_is_never_answered_may_have_been_dropped() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.client(control, "EPSV\r\n");
    script.wait(Duration::from_secs(30));
    script.close(control, From::Originator);
    let document = super::analysed(&script);
    assert_eq!(super::only(&document, "inspection-dropped-command")["confidence"], "low");
}

/// What another session of the same server was offered counts, too.
#[test]
fn tls_that_others_got_is_offered() {
    let mut script = told(&["> AUTH TLS", "< 502 Command not implemented."]);
    let other = script.connect("10.0.0.3:40000", "10.0.0.2:21");
    script.dialogue(other, &["< 220 ready", "> AUTH TLS", "< 234 go ahead"]);
    let document = super::analysed(&script);
    assert_eq!(super::only(&document, "auth-tls-stripped")["confidence"], "medium");
}

/// A run of X is a blotted command only where servers repeat what they do not know.
#[test]
fn other_runs_of_x_are_no_blotted_command() {
    for reply in ["500 Unknown command; XXXX is not used here", "500 'XXX': not understood."] {
        let document = super::analysed(&told(&["> EPSV", &format!("< {reply}")]));
        assert!(super::of(&document, "inspection-dropped-command").is_empty(), "{reply}");
    }
    let document = super::analysed(&told(&["> EPSV", "< 500 XXXX not understood."]));
    super::only(&document, "inspection-dropped-command");
}
