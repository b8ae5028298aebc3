//! FTP over TLS.

use std::time::Duration;

use serde_json::json;

use super::common::document::analysed;
use super::common::script::{Conn, From, FtpScript};
use super::common::tls::{
    ENDS, begin, client_hello, handshake, record, sealed, server_hello, shake_hands,
};
use super::common::told::{CONTROL, dial, fetch, log_in, pasv, quit};
use super::{Scenario, of, only};

pub(super) const SCENARIOS: &[Scenario] = &[
    ("tls-session-reuse-required", unused_twice, unused_and_used),
    ("tls-session-reuse-required", reuse_said, ccc),
    ("tls-required", || demanded("530 Non-anonymous sessions must use encryption."), refused),
    ("tls-required", || demanded("550 SSL/TLS required on the control channel"), auth_refused),
    ("tls-required", || demanded("421 Sorry, cleartext sessions are not accepted."), named_so),
    ("data-protection-mismatch", bare, protected),
    ("data-protection-mismatch", hello_unanswered, hello_refused),
    ("tls-handshake-failed", || alerted(2), || alerted(1)),
    ("tls-handshake-failed", alerted_on_data, encrypted_alert),
    ("tls-not-closed", || upload(false, "426 TLS not closed"), || upload(true, "426 no")),
    ("tls-not-closed", || upload(false, "426 TLS not closed"), || upload(false, "226 done")),
    ("implicit-explicit-mismatch", implicit_to_clear, explicit),
    ("implicit-explicit-mismatch", clear_on_990, implicit),
    ("implicit-explicit-mismatch", silent_on_990, probed_990),
];

/// An alert as it is once it is encrypted.
fn sealed_alert() -> Vec<u8> {
    record(0x15, &[0; 26])
}

/// A data connection that the server ends as soon as keys are agreed on.
fn unused(script: &mut FtpScript, ports: [u16; 2]) {
    let data = dial(script, ports[0], ports[1]);
    shake_hands(script, data, ENDS);
    script.send(data, From::Responder, &sealed_alert());
    script.close(data, From::Originator);
}

fn unused_twice() -> FtpScript {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    unused(&mut script, [40001, 30000]);
    unused(&mut script, [40002, 30001]);
    script.close(control, From::Originator);
    script
}

/// An empty directory, and a file.
fn unused_and_used() -> FtpScript {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    unused(&mut script, [40001, 30000]);
    let data = dial(&mut script, 40002, 30001);
    shake_hands(&mut script, data, ENDS);
    script.send(data, From::Responder, &sealed(1000));
    script.send(data, From::Responder, &sealed_alert());
    script.close(data, From::Responder);
    script.close(control, From::Originator);
    script
}

/// A session whose dialogue is in clear text again, with PROT P.
fn in_clear_again() -> (FtpScript, Conn) {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    script.dialogue(control, &["> TYPE I", "< 200 binary", "> PBSZ 0", "< 200 ok"]);
    script.dialogue(control, &["> PROT P", "< 200 private"]);
    (script, control)
}

fn reuse_said() -> FtpScript {
    let (mut script, control) = in_clear_again();
    pasv(&mut script, control, 30000);
    script.dialogue(control, &["> LIST"]);
    let said = "< 522 SSL connection failed: session reuse required: see require_ssl_reuse option";
    script.dialogue(control, &[said]);
    quit(&mut script, control);
    script
}

fn ccc() -> FtpScript {
    let (mut script, control) = in_clear_again();
    quit(&mut script, control);
    script
}

fn demanded(reply: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> USER bob", &format!("< {reply}")]);
    script.close(control, From::Responder);
    script
}

fn refused() -> FtpScript {
    let mut script = demanded("331 password");
    let control = script.connect("10.0.0.1:40010", "10.0.0.2:21");
    script.dialogue(control, &["< 220 TLS required here", "> USER bob", "< 530 no such user"]);
    script.close(control, From::Responder);
    script
}

/// IIS without a certificate; FileZilla Server.
fn auth_refused() -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    let no = "< 534 Local policy on server does not allow TLS secure connections.";
    script.dialogue(control, &["< 220 ready", "> AUTH TLS", no]);
    script.dialogue(control, &["> PBSZ 0", "< 503 Use AUTH first."]);
    script.close(control, From::Responder);
    script
}

fn named_so() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let name = "why TLS is required.txt";
    let no = format!("< 550 {name}: No such file");
    script.dialogue(control, &[&format!("> RETR {name}"), &no]);
    quit(&mut script, control);
    script
}

/// PROT P, and data in clear text.
fn bare() -> FtpScript {
    let (mut script, control) = in_clear_again();
    fetch(&mut script, control, "RETR a.txt", [40001, 30000], b"in clear text");
    quit(&mut script, control);
    script
}

fn protected() -> FtpScript {
    upload(true, "226 done")
}

fn hello_unanswered() -> FtpScript {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    let data = dial(&mut script, 40001, 30000);
    script.send(data, From::Originator, &client_hello(b"ftp.example.org"));
    script.wait(Duration::from_secs(20));
    script.close(data, From::Originator);
    script.close(control, From::Originator);
    script
}

/// The command was refused: the server closes what the client began to protect.
fn hello_refused() -> FtpScript {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    let data = dial(&mut script, 40001, 30000);
    script.send(data, From::Originator, &client_hello(b"ftp.example.org"));
    script.close(data, From::Responder);
    script.close(control, From::Originator);
    script
}

/// The client does not like the server's certificate; `level` 2 is fatal.
fn alerted(level: u8) -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> AUTH TLS", "< 234 go on"]);
    script.send(control, From::Originator, &client_hello(b"ftp.example.org"));
    script.send(control, From::Responder, &[server_hello(), handshake(14, b"")].concat());
    script.send(control, From::Originator, &record(0x15, &[level, 48]));
    script.close(control, From::Originator);
    script
}

fn alerted_on_data() -> FtpScript {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    let data = dial(&mut script, 40001, 30000);
    script.send(data, From::Originator, &client_hello(b"ftp.example.org"));
    script.send(data, From::Responder, &record(0x15, &[2, 40]));
    script.close(data, From::Responder);
    script.close(control, From::Originator);
    script
}

fn encrypted_alert() -> FtpScript {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    script.send(control, From::Originator, &sealed_alert());
    script.close(control, From::Originator);
    script
}

/// A protected STOR, with or without the end of TLS.
fn upload(is_closed: bool, reply: &str) -> FtpScript {
    let (mut script, control) = in_clear_again();
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> STOR f", "< 150 go on"]);
    shake_hands(&mut script, data, ENDS);
    script.send(data, From::Originator, &sealed(1000));
    if is_closed {
        script.send(data, From::Originator, &sealed_alert());
    }
    script.close(data, From::Originator);
    script.dialogue(control, &[&format!("< {reply}")]);
    quit(&mut script, control);
    script
}

fn implicit_to_clear() -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready"]);
    script.send(control, From::Originator, &client_hello(b"ftp.example.org"));
    script.reset(control, From::Originator);
    script
}

fn explicit() -> FtpScript {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    script.close(control, From::Originator);
    script
}

const IMPLICIT: [&str; 2] = ["10.0.0.1:40000", "10.0.0.2:990"];

fn clear_on_990() -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(IMPLICIT[0], IMPLICIT[1]);
    script.send(control, From::Originator, &client_hello(b"ftp.example.org"));
    script.dialogue(control, &["< 220 ready"]);
    script.close(control, From::Originator);
    script
}

fn implicit() -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(IMPLICIT[0], IMPLICIT[1]);
    shake_hands(&mut script, control, ENDS);
    script.send(control, From::Responder, &sealed(60));
    script.close(control, From::Originator);
    script
}

fn silent(time: Duration) -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(IMPLICIT[0], IMPLICIT[1]);
    script.wait(time);
    script.close(control, From::Originator);
    script
}

fn silent_on_990() -> FtpScript {
    silent(Duration::from_secs(20))
}

fn probed_990() -> FtpScript {
    silent(Duration::from_millis(5))
}

#[test]
fn one_unused_connection_is_a_guess_and_two_are_more() {
    let two = analysed(&unused_twice());
    let two = only(&two, "tls-session-reuse-required");
    assert_eq!((&two["confidence"], &two["severity"]), (&json!("medium"), &json!("error")));
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    unused(&mut script, [40001, 30000]);
    script.close(control, From::Originator);
    let one = analysed(&script);
    let one = only(&one, "tls-session-reuse-required");
    assert_eq!((&one["confidence"], &one["severity"]), (&json!("low"), &json!("warning")));
}

#[test]
fn an_alert_is_named_and_the_cure_is_of_who_sent_it() {
    let document = analysed(&alerted(2));
    let finding = only(&document, "tls-handshake-failed");
    assert_eq!(finding["evidence"]["alert_name"], "unknown_ca");
    assert_eq!(finding["evidence"]["sent_by"], "client");
    assert!(finding["fix"].as_str().unwrap().contains("authority that the client trusts"));
    let document = analysed(&alerted_on_data());
    let finding = only(&document, "tls-handshake-failed");
    assert_eq!(finding["evidence"]["alert_name"], "handshake_failure");
    assert_eq!(finding["evidence"]["sent_by"], "server");
}

/// A client that meets clear text often says so by an alert; that is not another problem.
#[test]
fn a_mismatch_is_told_once() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready"]);
    script.send(control, From::Originator, &client_hello(b"ftp.example.org"));
    script.send(control, From::Originator, &record(0x15, &[2, 70]));
    script.close(control, From::Originator);
    let document = analysed(&script);
    assert_eq!(of(&document, "tls-handshake-failed").len(), 0);
    only(&document, "implicit-explicit-mismatch");
}
