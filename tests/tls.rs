//! Sessions that end in TLS, and what can still be said of them.

mod common;

use common::document::{Document, analysed};
use common::program::{ftpscope_fed, noise};
use common::script::{Conn, From, FtpScript};
use common::tls::{
    ENDS, begin, client_hello, handshake, record, sealed, server_hello, shake_hands,
};
use common::told::{CONTROL, carry, dial, log_in, log_in_as, pasv, quit};
use serde_json::{Value, json};

/// A protected data connection with that much in it.
fn move_sealed(script: &mut FtpScript, ports: [u16; 2], from: From, octets: usize) -> Conn {
    let data = dial(script, ports[0], ports[1]);
    shake_hands(script, data, ENDS);
    carry(script, data, from, &sealed(octets));
    data
}

fn inferred(document: &Document) -> Vec<Value> {
    document.list("orphans").iter().map(|orphan| orphan["inferred"].clone()).collect()
}

#[test]
fn what_is_moved_in_an_encrypted_session_is_inferred() {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    move_sealed(&mut script, [40001, 30000], From::Responder, 10_000);
    move_sealed(&mut script, [40002, 30001], From::Originator, 7);
    script.close(control, From::Originator);
    let document = analysed(&script);
    let session = &document.session(0)["tls"];
    assert_eq!(session["version"], "TLS 1.2");
    assert_eq!(session["cipher"], "TLS_RSA_WITH_AES_128_GCM_SHA256");
    assert_eq!(session["server_name"], "ftp.example.org");
    assert_eq!(session["resumed"], false);
    let of = |direction: &str, sealed: u64, bytes: u64| {
        json!({
            "session": "s1", "direction": direction, "protected_bytes": sealed,
            "estimated_bytes": {"least": bytes, "most": bytes}, "confidence": "likely",
        })
    };
    assert_eq!(inferred(&document), [of("download", 10_072, 10_000), of("upload", 31, 7)]);
}

#[test]
fn with_two_sessions_open_the_youngest_is_a_guess() {
    let mut script = FtpScript::new();
    let first = begin(&mut script, CONTROL);
    let second = begin(&mut script, ["10.0.0.1:40009", "10.0.0.2:21"]);
    move_sealed(&mut script, [40001, 30000], From::Responder, 100);
    script.close(second, From::Originator);
    move_sealed(&mut script, [40002, 30001], From::Responder, 100);
    script.close(first, From::Originator);
    let document = analysed(&script);
    let told: Vec<_> = inferred(&document)
        .iter()
        .map(|it| format!("{} {}", it["session"], it["confidence"]).replace('"', ""))
        .collect();
    assert_eq!(told, ["s2 guess", "s1 likely"]);
}

#[test]
fn what_begins_when_no_encrypted_session_is_open_is_not_inferred() {
    let mut script = FtpScript::new();
    log_in_as(&mut script, ["10.0.0.1:40009", "10.0.0.2:21"]);
    let control = begin(&mut script, CONTROL);
    script.close(control, From::Originator);
    move_sealed(&mut script, [40001, 30000], From::Responder, 100);
    let document = analysed(&script);
    assert_eq!(inferred(&document), [Value::Null]);
    assert_eq!(document.list("orphans")[0]["encrypted"], true);
}

#[test]
fn clear_data_of_an_encrypted_session_is_what_it_is() {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    let data = dial(&mut script, 40001, 30000);
    carry(&mut script, data, From::Originator, &noise(1, 5000));
    script.close(control, From::Originator);
    let wanted = |confidence: &str| {
        json!({
            "session": "s1", "direction": "upload", "protected_bytes": 0,
            "estimated_bytes": {"least": 5000, "most": 5000}, "confidence": confidence,
        })
    };
    let document = analysed(&script);
    assert_eq!(inferred(&document), [wanted("likely")]);
    assert_eq!(document.list("orphans")[0]["tls"], Value::Null);
    // It may have been asked for there.
    log_in_as(&mut script, ["10.0.0.1:40009", "10.0.0.2:21"]);
    assert_eq!(inferred(&analysed(&script)), [wanted("guess")]);
}

#[test]
fn where_records_are_lost_the_octets_are_the_bound() {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    let before = script.last_frame();
    move_sealed(&mut script, [40001, 30000], From::Responder, 30_000);
    script.close(control, From::Originator);
    // A full segment in the middle, a record's header with it.
    let packets = script.packets();
    let full = (before..script.last_frame()).filter(|frame| {
        packets.get(*frame as usize - 1).is_some_and(|packet| packet.payload().len() >= 1460)
    });
    let lost = full.into_iter().nth(8).unwrap();
    script.lose(lost);
    let document = analysed(&script);
    let [found] = &inferred(&document)[..] else { panic!("one orphan") };
    let bounds = &found["estimated_bytes"];
    assert_eq!(found["direction"], "download");
    assert!(bounds["least"].as_u64().unwrap() < 30_000, "{found:#}");
    assert!(bounds["most"].as_u64().unwrap() > 30_000, "{found:#}");
}

#[test]
fn after_ccc_the_dialogue_is_read_again_and_protected_transfers_are_estimated() {
    let mut script = FtpScript::new();
    let control = begin(&mut script, CONTROL);
    // CCC, its reply, and both ends' close_notify.
    script.send(control, From::Originator, &sealed(5));
    script.send(control, From::Responder, &[sealed(20), record(0x15, &[0; 26])].concat());
    script.send(control, From::Originator, &record(0x15, &[0; 26]));
    script.dialogue(control, &["> REST 5", "< 350 ok"]);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR secret", "< 150 here it comes"]);
    shake_hands(&mut script, data, ENDS);
    carry(&mut script, data, From::Responder, &sealed(12_345));
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    let document = analysed(&script);
    let moved = document.transfer("secret").ends("encrypted").linked("announced", "certain").0;
    assert_eq!(moved["estimated_bytes"], json!({"least": 12_345, "most": 12_345}));
    assert_eq!(moved["data"]["tls"]["version"], "TLS 1.2");
    let session = document.session(0);
    assert_eq!(session["encryption"]["until_frame"], script.frame_of("REST 5\r\n"));
    assert_eq!(moved["rest_offset"], 5);
    assert_eq!(session["login"], "encrypted");
    assert_eq!(session["tls"]["server_name"], "ftp.example.org");
    assert!(document.list("orphans").is_empty());
    let report = ftpscope_fed(&["report", "-"], &script.pcap()).exits(0);
    for told in ["From here on it is clear text again.", "in them 12.3 kB of the"] {
        assert!(report.text().contains(told), "{}", report.text());
    }
}

#[test]
fn a_file_in_clear_that_begins_like_a_record_is_a_file() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    let content = [sealed(100), noise(3, 9000)].concat();
    carry(&mut script, data, From::Responder, &content);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    let document = analysed(&script);
    let moved = document.transfer("f").ends("complete").is_whole(&content).0;
    assert_eq!(moved["estimated_bytes"], Value::Null);
    assert_eq!(moved["data"]["tls"], Value::Null);
}

#[test]
fn names_in_a_hello_do_not_reach_the_terminal_raw() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> AUTH TLS", "< 234 go on"]);
    script.send(control, From::Originator, &client_hello(b"\x1b[31mred\xff"));
    script.send(control, From::Responder, &server_hello());
    script.close(control, From::Responder);
    let report = ftpscope_fed(&["report", "-"], &script.pcap()).exits(0);
    assert!(report.text().contains("to \\x1b[31mred\u{fffd}"), "{}", report.text());
    let document = analysed(&script);
    assert_eq!(document.session(0)["tls"]["server_name_hex"], "1b5b33316d726564ff");
}

#[test]
fn a_certificate_in_clear_text_is_told() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> AUTH TLS", "< 234 go on"]);
    script.send(control, From::Originator, &client_hello(b"ftp.example.org"));
    let digits = |at| u8::from_str_radix(&ISSUED[at..at + 2], 16).unwrap();
    let der: Vec<u8> = (0..ISSUED.len()).step_by(2).map(digits).collect();
    let long = |bytes: &[u8]| {
        let len = (bytes.len() as u32).to_be_bytes();
        [&len[1..], bytes].concat()
    };
    let certificate = handshake(11, &long(&long(&der)));
    script.send(control, From::Responder, &[server_hello(), certificate].concat());
    script.close(control, From::Responder);
    let document = analysed(&script);
    let told = &document.session(0)["tls"]["certificate"];
    assert_eq!(told["issuer"], "CN=Example CA");
    assert_eq!(told["names"], json!(["*.example.org"]));
    assert_eq!(told["not_before"], "2026-11-24T08:09:37Z");
    assert_eq!(told["not_after"], "2126-10-31T08:09:37Z");
    assert_eq!(told["self_signed"], false);
    let report = ftpscope_fed(&["report", "-"], &script.pcap()).exits(0);
    let wanted = "certificate C=DE, O=Grün, Inc., CN=*.example.org, E… until 2126-10-31";
    assert!(report.text().contains(wanted), "{}", report.text());
}

/// A certificate (DER) that a CA issued: `openssl x509 -req` of OpenSSL 3.0.19.
const ISSUED: &str = "\
    308201e73082018da00302010202144c1a3442598b412e51d62a1e55855684bbf55812300a06082a8648ce3d\
    04030230153113301106035504030c0a4578616d706c652043413020170d3236313132343038303933375a18\
    0f32313236313033313038303933375a3059310b300906035504061302444531143012060355040a0c0b4772\
    c3bc6e2c20496e632e3116301406035504030c0d2a2e6578616d706c652e6f7267311c301a06092a864886f7\
    0d010901160d61406578616d706c652e6f72673059301306072a8648ce3d020106082a8648ce3d0301070342\
    0004b27cab8abdb7fba24931b58d50ecc8cb18fa50b7b078efed35e2a2b82d9bd0077033a14bb1c06aec8807\
    6842f3a7a028cb51d25606747c608405f79062300f93a375307330310603551d11042a3028820d2a2e657861\
    6d706c652e6f7267810d61406578616d706c652e6f726786086674703a2f2f782f301d0603551d0e04160414\
    652b6de05c5a3389effab966e27172732c9d9e56301f0603551d230418301680144b154d036c72087401d68a\
    a3e56c46ece64ae5ac300a06082a8648ce3d04030203480030450220524ed5a553729c6e153e480c869a6ee5\
    77354ee196a3c2555f32c81fcce5cea1022100b3e3c3688116e2221d521ec3278af2b1e40482ffe1c12ad490\
    6a6679f74ba185";
