//! What client and server said: commands, replies, logins, directories, and where FTP is found.

mod common;

use common::document::{Document, Said, analysed};
use common::program::noise;
use common::script::{Conn, From, FtpScript, Segment, flag};
use common::told::{CONTROL, LOGIN, carry, dial, fetch, log_in, log_in_as, pasv, quit};
use serde_json::Value;

use From::{Originator, Responder};

/// What came of a session of these lines after the login.
fn said(lines: &[&str]) -> Document {
    heard(|script, control| script.dialogue(control, lines))
}

/// What came of a session of which `tell` tells what follows the login.
fn heard(tell: impl FnOnce(&mut FtpScript, Conn)) -> Document {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    tell(&mut script, control);
    analysed(&script)
}

/// The dialogue after the login.
fn after_login(document: &Document) -> Vec<String> {
    document.dialogue().split_off(5)
}

fn lines_of(reply: &Value) -> Vec<&str> {
    reply["text"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

fn malformed(said: Said<'_>) -> Vec<&str> {
    let lines = said.0["malformed"].as_array().map_or(&[][..], Vec::as_slice);
    lines.iter().map(|line| line["text"].as_str().unwrap()).collect()
}

#[test]
fn the_login_is_told_command_by_command() {
    let document = heard(quit);
    let wanted = ["-: 220", "USER bob: 331", "PASS: 230", "TYPE I: 200", "PWD: 257", "QUIT: 221"];
    assert_eq!(document.dialogue(), wanted);
    let session = document.session(0);
    assert_eq!(session["banner"], "ready");
    assert_eq!(session["tcp"]["handshake"], "complete");
    assert_eq!(session["tcp"]["close"], "fin");
    assert_eq!(session["tcp"]["closed_by"], "server");
    assert_eq!(session["password"]["length"], "secret-word".len());
    assert_eq!(session["tcp"]["rtt_ns"], 2_000_000, "two ticks of the script");
}

#[test]
fn every_command_leaves_a_record() {
    let verbs = [
        "FEAT",
        "OPTS UTF8 ON",
        "PBSZ 0",
        "PROT P",
        "MKD x",
        "RMD x",
        "DELE x",
        "RNFR a",
        "RNTO b",
        "SITE CHMOD 644 x",
        "STAT",
        "HELP",
        "NOOP",
        "ALLO 5",
        "SMNT /",
        "MFMT 20200101 x",
        "HASH x",
        "XCRC x",
        "XYZZY nothing happens",
        "MLST f",
        "SYST",
        "CLNT me",
        "MDTM f",
        "ACCT a",
    ];
    let mut lines = Vec::new();
    for verb in verbs {
        lines.extend([format!("> {verb}"), "< 200 fine".to_owned()]);
    }
    let document = said(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let seen = after_login(&document);
    let wanted = verbs.map(|verb| match verb {
        "ACCT a" => "ACCT: 200".to_owned(),
        verb => format!("{verb}: 200"),
    });
    assert_eq!(seen, wanted);
}

#[test]
fn an_unsolicited_reply_answers_no_command() {
    for (lines, wanted) in [
        (&["> RETR f", "< 550 no", "< 221 time is up"][..], &["RETR f: 550", "-: 221"][..]),
        (&["< 421 time is up"], &["-: 421"]),
        (&["> NOOP", "< 200 ok", "< 421 time is up"], &["NOOP: 200", "-: 421"]),
    ] {
        assert_eq!(after_login(&said(lines)), wanted, "{lines:?}");
    }
}

#[test]
fn a_late_goodbye_is_not_the_answer_of_a_retr() {
    // The 221 leaves the server before the RETR reaches it.
    let document = heard(|script, control| {
        let had = script.sent(control, Responder);
        script.segment(control, Responder, had, flag::ACK | flag::PSH, b"221 time is up\r\n");
        let at = script.sent(control, Originator);
        script.put(
            control,
            Originator,
            Segment { offset: at, acked: Some(had), payload: b"RETR f\r\n", ..Segment::default() },
        );
        script.ack(control, Responder);
        script.dialogue(control, &["< 550 no such file"]);
    });
    assert_eq!(document.said("RETR").codes(), [550]);
    document.transfer("f").ends("refused");
}

#[test]
fn an_over_long_command_is_bounded_and_the_replies_stay_in_step() {
    for len in [5000, 20_000, 64 << 10, 1 << 20] {
        let document = heard(|script, control| {
            script.client(control, format!("SITE {}\r\n", "x".repeat(len)));
            let rest = ["< 500 line too long", "> NOOP", "< 200 ok", "> SIZE f", "< 213 5"];
            script.dialogue(control, &rest);
        });
        assert_eq!(document.said("SITE").codes(), [500], "{len}");
        assert_eq!(document.said("NOOP").codes(), [200], "{len}");
        assert_eq!(document.said("SIZE").codes(), [213], "{len}");
        let kept = document.said("SITE").0["argument"].as_str().unwrap().len();
        assert!(kept <= len && kept <= 64 << 10, "{kept} of {len}");
        let partial = document.said("SITE").0["partial"] == true;
        assert_eq!(partial, kept < len, "what is cut says so: {kept} of {len}");
    }
}

#[test]
fn an_over_long_password_is_masked() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> USER bob", "< 331 password"]);
    script.client(control, format!("PASS {}\r\n", "tell-nobody".repeat(6000)));
    script.dialogue(control, &["< 530 no"]);
    let document = analysed(&script);
    assert!(!document.0.to_string().contains("tell-nobody"));
    assert_eq!(document.session(0)["login"], "refused");
}

#[test]
fn malformed_reply_lines_are_kept_and_shift_nothing() {
    let document = heard(|script, control| {
        script
            .dialogue(control, &["> NOOP", "< what?", "< 20 x", "< 200 ok", "> SIZE f", "< 213 5"]);
    });
    assert_eq!(document.said("NOOP").codes(), [200]);
    assert_eq!(malformed(document.said("NOOP")), ["what?", "20 x"]);
    assert_eq!(document.said("SIZE").codes(), [213]);
    assert!(malformed(document.said("SIZE")).is_empty());
}

#[test]
fn a_malformed_reply_does_not_leave_the_one_before_standing() {
    let document = said(&["> NOOP", "< 200 ok", "> RETR f", "< broken", "< 550 no"]);
    assert_eq!(document.said("NOOP").codes(), [200]);
    assert_eq!(document.said("RETR").codes(), [550]);
    assert_eq!(malformed(document.said("RETR")), ["broken"]);
}

#[test]
fn only_the_same_code_and_a_blank_end_a_reply_of_several_lines() {
    let document = heard(|script, control| {
        script.dialogue(control, &["> FEAT", "> NOOP"]);
        let feat =
            "211-Features\r\n SIZE\r\n200 is not the end\r\n211-nor this\r\n2111\r\n211 end\r\n";
        script.server(control, feat);
        script.dialogue(control, &["< 200 ok"]);
    });
    let feat = document.said("FEAT");
    let [reply] = &feat.replies().collect::<Vec<_>>()[..] else { panic!("one reply") };
    let wanted = ["Features", " SIZE", "200 is not the end", "nor this", "2111", "end"];
    assert_eq!(lines_of(reply), wanted);
    assert_eq!(document.said("NOOP").codes(), [200]);
}

#[test]
fn pipelined_commands_pair_with_their_replies_in_order() {
    let document = heard(|script, control| {
        script.client(control, "FEAT\r\nSYST\r\nSIZE f\r\nNOOP\r\nMDTM f\r\n");
        script.server(control, "211-Features\r\n SIZE\r\n211 end\r\n215 UNIX\r\n550 no f\r\n");
        script.server(control, "200 ok\r\n550 still no f\r\n");
    });
    let wanted = ["FEAT: 211", "SYST: 215", "SIZE f: 550", "NOOP: 200", "MDTM f: 550"];
    assert_eq!(after_login(&document), wanted);
    assert_eq!(document.session(0)["server_system"], "UNIX");
}

#[test]
fn several_lines_in_one_segment_and_one_line_over_many() {
    let document = heard(|script, control| {
        for byte in b"SITE who\r\n" {
            script.client(control, [*byte]);
        }
        for byte in b"200 you\r\n" {
            script.server(control, [*byte]);
        }
        script.client(control, "NOOP\r\nNOOP\r\nNO");
        script.client(control, "OP\r\n");
        script.server(control, "200 1\r\n200 2\r\n200 3\r\n");
    });
    assert_eq!(after_login(&document), ["SITE who: 200", "NOOP: 200", "NOOP: 200", "NOOP: 200"]);
}

#[test]
fn a_bare_line_feed_ends_a_line() {
    let document = heard(|script, control| {
        script.client(control, "SIZE f\n");
        script.server(control, "213 5\n");
        script.client(control, "NOOP\n");
        script.server(control, "200-a\n200 b\n");
    });
    assert_eq!(after_login(&document), ["SIZE f: 213", "NOOP: 200"]);
}

#[test]
fn arguments_are_bytes() {
    let document = heard(|script, control| {
        script.client(control, b"DELE \xff\xfe\x01 name\r\n");
        script.server(control, "250 gone\r\n");
        script.client(control, "DELE  two blanks \r\n");
        script.server(control, "250 gone\r\n");
    });
    let exchanges: Vec<_> = document.exchanges().skip(5).collect();
    assert_eq!(exchanges[0].0["argument_hex"], "fffe01206e616d65");
    assert_eq!(exchanges[1].0["argument"], " two blanks ");
}

#[test]
fn telnet_signals_before_an_abor_are_no_part_of_it() {
    for abor in [&b"\xff\xf4\xff\xf2ABOR\r\n"[..], b"\xff\xf4\xf2ABOR\r\n", b"\xf2ABOR\r\n"] {
        let document = heard(|script, control| {
            if abor[0] == 0xf2 {
                let at = script.sent(control, Originator);
                let flags = flag::ACK | flag::URG | flag::PSH;
                script.segment(control, Originator, at, flags, b"\xff\xf4\xff");
            }
            script.client(control, abor);
            script.dialogue(control, &["< 225 nothing to abort"]);
        });
        assert_eq!(after_login(&document), ["ABOR: 225"], "{}", abor.escape_ascii());
    }
}

#[test]
fn a_capture_that_starts_in_the_middle_tells_what_is_left() {
    let content = noise(1, 5000);
    let mut script = FtpScript::new();
    let control = script.midstream(CONTROL[0], CONTROL[1], [0x9000_0000, 0xffff_fff0]);
    script.dialogue(control, &["< 250 from before", "> CWD sub", "< 250 ok"]);
    fetch(&mut script, control, "RETR f", [40001, 30000], &content);
    let document = analysed(&script);
    let session = document.session(0);
    assert_eq!(session["login"], "unknown");
    assert_eq!(session["user"], Value::Null);
    assert_eq!(session["tcp"]["handshake"], "not_captured");
    assert_eq!(session["client"]["port"], 40000);
    assert_eq!(document.dialogue()[..2], ["-: 250", "CWD sub: 250"]);
    let moved = document.only().is_whole(content);
    assert_eq!(moved.path(), Some("sub/f"));
    assert_eq!(moved.0["type"], Value::Null);
}

#[test]
fn a_capture_that_starts_in_the_middle_of_a_line_masks_what_may_be_a_password() {
    let mut script = FtpScript::new();
    let control = script.midstream(CONTROL[0], CONTROL[1], [100, 500]);
    script.dialogue(control, &["> t-secret-word", "< 230 in", "> NOOP", "< 200 ok"]);
    script.client(control, "QUIT\r\n");
    let document = analysed(&script);
    assert!(!document.0.to_string().contains("t-secret-word"), "{:#}", document.0);
}

#[test]
fn logins_are_judged_by_the_reply() {
    for (lines, wanted) in [
        (&[][..], "none"),
        (&["> USER bob"], "incomplete"),
        (&["> USER bob", "< 331 password"], "incomplete"),
        (&["> USER bob", "< 230 no password needed"], "accepted"),
        (&["> USER bob", "< 331 password", "> PASS x", "< 230 in"], "accepted"),
        (&["> USER bob", "< 331 password", "> PASS x", "< 530 no"], "refused"),
        (&["> USER bob", "< 530 no"], "refused"),
        (
            &["> USER bob", "< 331 password", "> PASS x", "< 332 account", "> ACCT y", "< 230 in"],
            "accepted",
        ),
        // Whoever is tried after bob, what was done before was done by him.
        (&["> USER bob", "< 331 p", "> PASS x", "< 230 in", "> USER eve", "< 530 no"], "accepted"),
        (&["> USER bob", "< 331 p", "> PASS x", "< 230 in", "> REIN", "< 220 new"], "accepted"),
        (
            &["> USER bob", "< 331 p", "> PASS x", "< 230 in", "> USER a", "< 230 Already in."],
            "accepted",
        ),
        (&["> USER bob", "< 331 password", "> PASS x", "< 421 too many"], "refused"),
    ] {
        let mut script = FtpScript::new();
        let control = script.connect(CONTROL[0], CONTROL[1]);
        script.dialogue(control, &["< 220 ready"]);
        script.dialogue(control, lines);
        script.close(control, Originator);
        assert_eq!(analysed(&script).session(0)["login"], wanted, "{lines:?}");
    }
}

#[test]
fn a_file_is_of_whom_was_logged_in_when_it_was_asked_for() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> USER bob", "< 331 p", "> PASS x", "< 230 in"]);
    fetch(&mut script, control, "RETR bobs", [4001, 5001], b"1");
    script.dialogue(control, &["> USER eve", "< 331 p", "> PASS y", "< 530 no"]);
    fetch(&mut script, control, "RETR still-bobs", [4002, 5002], b"22");
    script.dialogue(control, &["> USER alice", "< 331 p", "> PASS z", "< 230 in"]);
    fetch(&mut script, control, "RETR alices", [4003, 5003], b"333");
    script.close(control, Originator);
    let document = analysed(&script);
    let users: Vec<_> = (0..3).map(|nth| document.0["files"][nth]["user"].clone()).collect();
    assert_eq!(users, ["bob", "bob", "alice"]);
    assert_eq!(document.session(0)["user"], "alice");
}

#[test]
fn a_234_that_no_tls_follows_hides_nothing() {
    let in_turn = [
        (Originator, "AUTH TLS\r\n"),
        (Responder, "234 go\r\n"),
        (Originator, "\r\nUSER eve\r\n"),
        (Responder, "331 p\r\n"),
        (Originator, "PASS x\r\n"),
        (Responder, "230 in\r\n"),
    ];
    let ahead = [
        (Originator, "AUTH TLS\r\nUSER eve\r\nPASS x\r\n"),
        (Responder, "234 go\r\n331 p\r\n230 in\r\n"),
    ];
    for said in [&in_turn[..], &ahead] {
        let mut script = FtpScript::new();
        let control = script.connect(CONTROL[0], CONTROL[1]);
        script.dialogue(control, &["< 220 ready"]);
        for (from, text) in said {
            script.send(control, *from, text.as_bytes());
        }
        fetch(&mut script, control, "RETR loot", [4001, 5001], b"1");
        script.close(control, Originator);
        let document = analysed(&script);
        let session = document.session(0);
        assert_eq!((&session["user"], &session["login"]), (&"eve".into(), &"accepted".into()));
        assert_eq!(session["encryption"]["kind"], "none");
        assert_eq!(document.0["transfers"][0]["outcome"], "complete");
    }
}

#[test]
fn a_record_of_tls_and_then_text_hides_no_reply() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> AUTH TLS", "< 234 go"]);
    script.send(control, Originator, b"\x15\x03\x01\x00\x02\x01\x00");
    script.dialogue(
        control,
        &["> USER eve", "< 331 p", "> PASS x", "< 230 in", "> QUIT", "< 221 bye"],
    );
    script.close(control, Originator);
    let document = analysed(&script);
    assert_eq!(document.session(0)["login"], "accepted");
}

#[test]
fn directories_are_followed() {
    for (lines, wanted) in [
        (&[][..], "/home/bob/f"),
        (&["> CWD sub", "< 250 ok"], "/home/bob/sub/f"),
        (&["> cwd sub", "< 250 ok"], "/home/bob/sub/f"),
        (&["> XCWD sub", "< 250 ok"], "/home/bob/sub/f"),
        (&["> CWD /srv/a b", "< 250 ok"], "/srv/a b/f"),
        (&["> CWD sub", "< 550 no"], "/home/bob/f"),
        (&["> CWD ..", "< 250 ok"], "/home/f"),
        (&["> CDUP", "< 200 ok"], "/home/f"),
        (&["> CDUP", "< 250 ok", "> CDUP", "< 250 ok", "> CDUP", "< 250 ok"], "/f"),
        (&["> CWD link", "< 250 \"/real/place\" is the current directory"], "/real/place/f"),
        (&["> PWD", "< 257 \"/a \"\"b\"\" c\" is where you are"], "/a \"b\" c/f"),
        (&["> MKD new", "< 257 \"/home/bob/new\" created"], "/home/bob/f"),
        (
            &["> CWD a", "< 250 ok", "> CWD b", "< 250 ok", "> CWD ./c//d/", "< 250 ok"],
            "/home/bob/a/b/c/d/f",
        ),
    ] {
        let document = heard(|script, control| {
            script.dialogue(control, lines);
            fetch(script, control, "RETR f", [40001, 30000], b"x");
        });
        assert_eq!(document.only().path(), Some(wanted), "{lines:?}");
    }
}

#[test]
fn without_a_named_login_directory_paths_have_no_leading_slash() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &LOGIN[..7]);
    script.dialogue(control, &["> CWD sub", "< 250 ok"]);
    fetch(&mut script, control, "RETR f", [40001, 30000], b"x");
    fetch(&mut script, control, "RETR /abs/g", [40002, 30001], b"y");
    let document = analysed(&script);
    assert_eq!(document.transfer("f").path(), Some("sub/f"));
    assert_eq!(document.transfer("/abs/g").path(), Some("/abs/g"));
    assert_eq!(document.said("RETR").0["cwd"], "sub");
}

#[test]
fn each_exchange_tells_its_directory() {
    let document = said(&[
        "> CWD sub",
        "< 250 ok",
        "> NOOP",
        "< 200 ok",
        "> CDUP",
        "< 250 ok",
        "> NOOP",
        "< 200 ok",
    ]);
    let noops = document.exchanges().filter(|said| said.0["command"] == "NOOP");
    let cwds: Vec<_> = noops.map(|said| said.0["cwd"].as_str().unwrap()).collect();
    assert_eq!(cwds, ["/home/bob/sub", "/home/bob"]);
}

#[test]
fn clear_text_ends_with_an_accepted_auth_whatever_its_name() {
    for auth in
        ["AUTH TLS", "AUTH SSL", "AUTH TLS-C", "auth tls-c", "Auth Tls", "auth ssl", "AUTH TLS-P"]
    {
        let mut script = FtpScript::new();
        let control = script.connect(CONTROL[0], CONTROL[1]);
        script.dialogue(control, &["< 220 ready", &format!("> {auth}"), "< 234 go on"]);
        // Some of this looks like lines.
        script.client(control, b"\x16\x03\x01\x02\x00\x01\r\nUSER eve\r\nPASS no\r\n\xff");
        script.server(control, b"\x16\x03\x03\x00\x40\r\n230 in\r\n\x14\x03\x03");
        script.client(control, b"\x17\x03\x03\x00\x20RETR f\r\n");
        script.close(control, Originator);
        let document = analysed(&script);
        assert_eq!(document.list("sessions").len(), 1, "{auth}");
        let session = document.session(0);
        assert_eq!(document.exchanges().count(), 2, "{auth}: {:?}", document.dialogue());
        assert_eq!(session["encryption"]["kind"], "explicit", "{auth}");
        assert_eq!(session["encryption"]["since_frame"], script.frame_of("234"), "{auth}");
        assert_eq!(session["login"], "encrypted", "{auth}");
        assert_eq!(session["user"], Value::Null, "{auth}");
        assert!(document.list("transfers").is_empty(), "{auth}");
    }
}

#[test]
fn a_refused_auth_leaves_the_session_in_clear() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> AUTH TLS", "< 530 no TLS here"]);
    script.dialogue(control, &LOGIN[1..]);
    let document = analysed(&script);
    assert_eq!(document.session(0)["encryption"]["kind"], "none");
    assert_eq!(document.session(0)["login"], "accepted");
}

#[test]
fn ftp_on_any_port_is_found_by_a_login_alone() {
    let mut script = FtpScript::new();
    let control = script.midstream("10.0.0.1:40000", "10.0.0.2:2121", [100, 500]);
    login_without_greeting(&mut script, control);
}

#[test]
fn a_server_that_does_not_greet_is_understood() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:2121");
    login_without_greeting(&mut script, control);
}

fn login_without_greeting(script: &mut FtpScript, control: Conn) {
    let login = ["> USER bob", "< 331 password", "> PASS secret-word", "< 230 in"];
    script.dialogue(control, &login);
    fetch(script, control, "RETR f", [40001, 30000], b"content");
    let document = analysed(script);
    assert_eq!(document.dialogue()[..2], ["USER bob: 331", "PASS: 230"]);
    document.only().carries(b"content");
}

#[test]
fn tls_on_port_990_is_implicit_ftps() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:990");
    script.client(control, b"\x16\x03\x01\x00\x40 client hello \r\n");
    script.server(control, b"\x16\x03\x03\x00\x40 server hello \r\n");
    script.client(control, b"\x17\x03\x03\x00\x20USER bob\r\n");
    script.close(control, Originator);
    let document = analysed(&script);
    let session = document.session(0);
    assert_eq!(session["encryption"]["kind"], "implicit");
    assert_eq!(session["login"], "encrypted");
    assert_eq!(session["server"]["port"], 990);
    assert_eq!(document.exchanges().count(), 0);
}

#[test]
fn private_data_connections_are_called_encrypted() {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &LOGIN);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here"]);
    script.send(data, Originator, b"\x16\x03\x01\x00\x04abcd");
    script.send(data, Responder, b"\x16\x03\x03\x00\x04efgh");
    script.send(data, Originator, b"\x17\x03\x03\x00\x04abcd");
    carry(&mut script, data, Responder, b"\x17\x03\x03\x00\x04efgh");
    script.dialogue(control, &["< 226 done"]);
    let document = analysed(&script);
    assert_eq!(document.only().ends("encrypted").0["data"]["encrypted"], true);
}

#[test]
fn a_file_that_looks_like_tls_is_still_a_file() {
    let document = heard(|script, control| {
        fetch(script, control, "RETR f", [40001, 30000], b"\x16\x03\x01\x00\x04abcd");
    });
    document.only().is_whole(b"\x16\x03\x01\x00\x04abcd");
}

#[test]
fn ftp_is_found_on_any_port_by_what_both_sides_say() {
    let login = &LOGIN[..];
    for (port, lines) in [
        (2121, login),
        (80, login),
        (50021, &["< 220 hi", "> USER bob", "< 331 password", "> PASS secret-word", "< 230 in"]),
        (
            2121,
            &["< 220-hi", "< 220 there", "> AUTH KERBEROS", "< 504 no", "> USER bob", "< 230 in"],
        ),
        (2121, &["< 220 hi", "> FEAT", "< 500 no", "> USER bob", "< 230 in"]),
        (2121, &["< 220 hi", "> user bob", "< 230 in"]),
    ] {
        let content = noise(port, 3000);
        let mut script = FtpScript::new();
        let control = script.connect("10.0.0.1:40000", &format!("10.0.0.2:{port}"));
        script.dialogue(control, lines);
        fetch(&mut script, control, "RETR f", [40001, 30000], &content);
        let document = analysed(&script);
        assert_eq!(document.list("sessions").len(), 1, "{port}: {lines:?}");
        assert_eq!(document.session(0)["server"]["port"], port, "{lines:?}");
        assert_eq!(document.session(0)["user"], "bob", "{lines:?}");
        document.only().carries(content);
    }
}

#[test]
fn something_else_on_port_21_is_said_to_be_that() {
    let (client, server) = (Originator, Responder);
    for (protocol, said) in [
        ("ssh", &[(server, &b"SSH-2.0-OpenSSH_9\r\n"[..]), (client, b"SSH-2.0-x\r\n")][..]),
        ("ssh", &[(client, b"SSH-2.0-OpenSSH_9\r\n")]),
        (
            "tls",
            &[(client, b"\x16\x03\x01\x00\x10 hello \r\n"), (server, b"\x16\x03\x03\x00\x01x")],
        ),
        (
            "http",
            &[(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), (server, b"HTTP/1.1 200 OK\r\n\r\n")],
        ),
    ] {
        assert_is_not_ftp(protocol, said);
    }
}

#[test]
fn a_mail_server_on_port_21_is_said_to_be_one() {
    for (greeting, hello) in [
        ("220 mail ESMTP\r\n", "EHLO me\r\n"),
        ("220 mail\r\n", "HELO me\r\n"),
        ("220 mail\r\n", "ehlo me\r\n"),
    ] {
        let said = [greeting, hello, "250 hi\r\n"].map(str::as_bytes);
        let said = [(Responder, said[0]), (Originator, said[1]), (Responder, said[2])];
        assert_is_not_ftp("smtp", &said);
    }
}

#[track_caller]
fn assert_is_not_ftp(protocol: &str, said: &[(From, &[u8])]) {
    let mut script = FtpScript::new();
    let conn = script.connect(CONTROL[0], CONTROL[1]);
    said.iter().for_each(|(from, bytes)| script.send(conn, *from, bytes));
    script.close(conn, Originator);
    let document = analysed(&script);
    let first = said[0].1.escape_ascii();
    assert!(document.list("sessions").is_empty(), "{protocol} {first}: {:?}", document.dialogue());
    let [other] = document.0["capture"]["not_ftp"].as_array().unwrap().as_slice() else {
        panic!("{protocol} {first}: {:#}", document.0["capture"]);
    };
    assert_eq!(other["protocol"], protocol, "{first}");
    assert_eq!(other["responder"]["port"], 21);
    assert_eq!(other["frame"], 1);
    assert!(document.0["warnings"].to_string().contains(protocol), "{:#}", document.0["warnings"]);
}

#[test]
fn what_only_resembles_ftp_elsewhere_is_no_session() {
    let (client, server) = (Originator, Responder);
    for (port, said) in [
        (
            25,
            &[
                (server, &b"220 mail ESMTP\r\n"[..]),
                (client, b"EHLO me\r\n"),
                (server, b"250-hi\r\n250 AUTH\r\n"),
                (client, b"AUTH LOGIN\r\n"),
            ][..],
        ),
        (25, &[(server, b"220 mail ESMTP\r\n"), (client, b"QUIT\r\n")]),
        (
            25,
            &[
                (server, b"220 ftp.example.org ESMTP Postfix\r\n"),
                (client, b"EHLO me\r\n"),
                (server, b"250 hi\r\n"),
            ],
        ),
        (
            110,
            &[
                (server, b"+OK hi\r\n"),
                (client, b"USER bob\r\n"),
                (server, b"+OK\r\n"),
                (client, b"PASS x\r\n"),
            ],
        ),
        (2121, &[(client, b"GET / HTTP/1.1\r\n\r\n"), (server, b"HTTP/1.1 200 OK\r\n\r\n")]),
        (2121, &[(server, b"SSH-2.0-x\r\n"), (client, b"SSH-2.0-y\r\n")]),
        (119, &[(server, b"200 news\r\n"), (client, b"LIST\r\n"), (server, b"215 list\r\n")]),
    ] {
        let mut script = FtpScript::new();
        let conn = script.connect(CONTROL[0], &format!("10.0.0.2:{port}"));
        said.iter().for_each(|(from, bytes)| script.send(conn, *from, bytes));
        script.close(conn, Originator);
        let document = analysed(&script);
        let first = said[0].1.escape_ascii();
        assert!(document.list("sessions").is_empty(), "{port} {first}: {:?}", document.dialogue());
    }
}

#[test]
fn a_control_connection_of_one_direction_still_tells_its_half() {
    let content = noise(3, 4000);
    let told = |unseen| {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        fetch(&mut script, control, "RETR f", [40001, 30000], &content);
        quit(&mut script, control);
        script.drop_direction(control, unseen);
        analysed(&script)
    };
    let client_only = told(Responder);
    assert_eq!(client_only.session(0)["user"], "bob");
    assert!(client_only.said("RETR").codes().is_empty());
    let moved = client_only.only();
    assert_ne!(moved.outcome(), "complete", "no 226 was seen");
    assert!(["unconfirmed", "not_captured"].contains(&moved.outcome()), "{:#}", moved.0);
    let server_only = told(Originator);
    let codes: Vec<_> = server_only.exchanges().flat_map(Said::codes).collect();
    assert_eq!(codes, [220, 331, 230, 200, 257, 227, 150, 226, 221]);
    assert_eq!(server_only.session(0)["client"]["port"], 40000);
    // Without its command it is nobody's; its bytes are not lost.
    let orphans = server_only.list("orphans");
    assert_eq!(orphans.len() + server_only.list("transfers").len(), 1, "{:#}", server_only.0);
}

#[test]
fn gaps_of_the_control_connection_shift_no_reply() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(
        control,
        &["> SIZE a", "< 213 1", "> SIZE b", "< 213 2", "> SIZE c", "< 550 no c"],
    );
    script.dialogue(control, &["> NOOP", "< 200 ok"]);
    quit(&mut script, control);
    script.lose(script.frame_of("213 2"));
    let document = analysed(&script);
    let wanted = ["SIZE a: 213", "SIZE b: ", "SIZE c: 550", "NOOP: 200", "QUIT: 221"];
    assert_eq!(after_login(&document), wanted);
    assert_eq!(document.session(0)["tcp"]["server"]["missing_bytes"], "213 2\r\n".len());
}

/// A session that lost its second SIZE, and `more` commands after it.
fn with_a_lost_command(more: usize) -> Document {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let sizes = ["> SIZE a", "< 213 1", "> SIZE b", "< 213 2", "> SIZE c", "< 550 no c"];
    script.dialogue(control, &sizes);
    (0..more).for_each(|_| script.dialogue(control, &["> NOOP", "< 200 ok"]));
    quit(&mut script, control);
    script.lose(script.frame_of("SIZE b"));
    analysed(&script)
}

#[test]
fn a_lost_command_leaves_its_reply_alone() {
    for more in [0, 8] {
        let document = with_a_lost_command(more);
        assert_eq!(document.said("QUIT").codes(), [221], "{more}");
        let sizes = document.exchanges().filter(|said| said.0["command"] == "SIZE");
        let sizes: Vec<String> = sizes.map(Said::line).collect();
        assert_eq!(sizes, ["SIZE a: 213", "SIZE c: 550"], "{more}");
    }
}

#[test]
fn exchanges_stand_in_the_order_of_their_frames() {
    let wanted = ["SIZE a: 213", "-: 213", "SIZE c: 550", "QUIT: 221"];
    assert_eq!(after_login(&with_a_lost_command(0)), wanted);
}

#[test]
fn rein_begins_anew() {
    let document = heard(|script, control| {
        let anew = ["> REIN", "< 220 ready again", "> USER eve", "< 230 in"];
        script.dialogue(control, &anew);
        fetch(script, control, "RETR f", [40001, 30000], b"x");
    });
    assert_eq!(document.session(0)["user"], "eve");
    assert_eq!(document.only().0["type"], "A");
    assert_eq!(document.only().path(), Some("f"));
}

#[test]
fn two_servers_of_one_client_are_two_sessions() {
    let mut script = FtpScript::new();
    let one = log_in(&mut script);
    let two = log_in_as(&mut script, ["10.0.0.1:40000", "10.0.0.3:21"]);
    quit(&mut script, two);
    quit(&mut script, one);
    let document = analysed(&script);
    let servers: Vec<_> = document.list("sessions").iter().map(|s| &s["server"]["ip"]).collect();
    assert_eq!(servers, ["10.0.0.2", "10.0.0.3"], "in the order of their first frames");
}

#[test]
fn a_verb_counts_only_at_the_beginning_of_its_line() {
    let document =
        said(&["> SITE RETR f", "< 200 ok", "> HELP STOR", "< 214 ok", "> XRETR f", "< 500 no"]);
    assert!(document.list("transfers").is_empty());
    assert_eq!(after_login(&document), ["SITE RETR f: 200", "HELP STOR: 214", "XRETR f: 500"]);
}

#[test]
fn replies_of_several_lines_do_not_shift_pipelined_commands() {
    let document = heard(|script, control| {
        script.client(control, "STAT\r\nPASV\r\nRETR f\r\n");
        script.server(control, "211-Status\r\n226 not yet\r\n211 end\r\n");
        script.dialogue(control, &["< 227 Entering Passive Mode (10,0,0,2,117,48)."]);
        let data = dial(script, 40001, 30000);
        script.server(control, "150-here\r\n150 it comes\r\n");
        carry(script, data, Responder, b"content");
        script.server(control, "226-done\r\n226 really\r\n");
    });
    assert_eq!(after_login(&document), ["STAT: 211", "PASV: 227", "RETR f: 150 226"]);
    document.only().is_whole(b"content");
}

/// Which of thirty `SIZE n` answered by `213 n` are paired with another's reply, when these
/// packets are missing.
fn mispaired(lost: &[&str]) -> Vec<String> {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 100..130 {
        script.dialogue(control, &[&format!("> SIZE {nth}"), &format!("< 213 {nth}")]);
    }
    quit(&mut script, control);
    lost.iter().for_each(|text| script.lose(script.frame_of(text)));
    let document = analysed(&script);
    let sizes = document.exchanges().filter(|said| said.0["command"] == "SIZE");
    let wrong = sizes.filter(|said| {
        let answers: Vec<_> = said.replies().map(|reply| &reply["text"][0]).collect();
        answers.iter().any(|answer| **answer != said.0["argument"]) || answers.len() > 1
    });
    wrong.map(|said| format!("{:#}", said.0)).collect()
}

#[test]
fn lost_commands_and_replies_mispair_nothing() {
    for lost in [
        &["SIZE 103"][..],
        &["213 103"],
        &["SIZE 103", "213 103"],
        &["SIZE 103", "SIZE 104", "SIZE 105"],
        &["SIZE 103", "213 106"],
        &["213 103", "SIZE 106"],
        &["SIZE 103", "213 104", "SIZE 108", "213 109", "SIZE 120"],
    ] {
        assert_eq!(mispaired(lost), [""; 0], "{lost:?}");
    }
}

#[test]
fn replies_lost_in_a_row_mispair_nothing() {
    for count in 2..10 {
        let lost: Vec<String> = (103..103 + count).map(|nth| format!("213 {nth}")).collect();
        let lost: Vec<&str> = lost.iter().map(String::as_str).collect();
        assert_eq!(mispaired(&lost), [""; 0], "{lost:?}");
    }
    let both = ["213 103", "SIZE 104", "213 108", "SIZE 109", "213 120"];
    assert_eq!(mispaired(&both), [""; 0]);
}

#[test]
fn a_late_start_with_swapped_packets_keeps_the_pairs() {
    let mut script = FtpScript::new();
    let control = script.midstream(CONTROL[0], CONTROL[1], [100, 500]);
    script.dialogue(control, &["< 257 before", "> SIZE a", "< 213 1", "> SIZE b", "< 550 no b"]);
    script.dialogue(control, &["> NOOP", "< 200 ok", "> SIZE c", "< 213 3"]);
    // No packet of the client comes before the 213 of the first SIZE, and then the SIZE.
    script.lose(2);
    let (command, reply) = (script.frame_of("SIZE a"), script.frame_of("213 1"));
    script.swap(command, reply);
    let document = analysed(&script);
    let asked: Vec<String> =
        document.dialogue().into_iter().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(asked, ["SIZE a: 213", "SIZE b: 550", "NOOP: 200", "SIZE c: 213"]);
}
