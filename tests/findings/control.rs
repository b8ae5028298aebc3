//! The control connection.

use std::time::Duration;

use etherparse::{PacketBuilder, icmpv4};

use super::Scenario;
use super::common::script::{From, FtpScript, Packet, Segment, flag};
use super::common::told::{CONTROL, carry, dial, download, log_in, pasv, quit};

pub(super) const SCENARIOS: &[Scenario] = &[
    ("control-unanswered", unanswered, in_order),
    ("control-refused", refused, in_order),
    ("control-unreachable", unreachable, unanswered),
    ("banner-delay", slow_banner, in_order),
    ("too-many-connections", too_many, not_available),
    ("not-ftp-on-control-port", ssh, in_order),
    ("login-refused", wrong_password, in_order),
    ("control-idle-dropped", forgotten, long_transfer),
    ("control-idle-timeout", idle, not_available),
    ("reply-desync", took_noop_for_end, waits_for_both),
    ("encoding-mismatch", latin_name, utf8_name),
];

fn in_order() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    quit(&mut script, control);
    script
}

fn unanswered() -> FtpScript {
    let mut script = FtpScript::new();
    script.syn_only(CONTROL[0], CONTROL[1], 3);
    script
}

fn refused() -> FtpScript {
    let mut script = FtpScript::new();
    script.refused(CONTROL[0], CONTROL[1]);
    script
}

/// The router says that there is no such host.
fn unreachable() -> FtpScript {
    let mut script = FtpScript::new();
    script.syn_only(CONTROL[0], CONTROL[1], 0);
    let syn = script.packets()[0].clone();
    let kind = etherparse::Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::Host);
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 9], [2, 0, 0, 0, 0, 1])
        .ipv4([10, 0, 0, 254], [10, 0, 0, 1], 64)
        .icmpv4(kind);
    let quoted = &syn.bytes[14..];
    let mut bytes = Vec::new();
    builder.write(&mut bytes, quoted).unwrap();
    let time = syn.time + Duration::from_millis(1);
    let wire_len = bytes.len();
    script.packets_mut().push(Packet { time, bytes, wire_len, sender: syn.sender });
    script
}

fn slow_banner() -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.wait(Duration::from_secs(5));
    script.dialogue(control, &["< 220 ready"]);
    quit(&mut script, control);
    script
}

fn sent_away(reply: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &[reply]);
    script.close(control, From::Responder);
    script
}

fn too_many() -> FtpScript {
    sent_away("< 421 There are too many connected users, please try later.")
}

fn not_available() -> FtpScript {
    sent_away("< 421 Service not available.")
}

fn ssh() -> FtpScript {
    sent_away("< SSH-2.0-OpenSSH_9.2p1")
}

fn wrong_password() -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    let lines =
        ["< 220 ready", "> USER bob", "< 331 password", "> PASS x", "< 530 Login incorrect."];
    script.dialogue(control, &lines);
    quit(&mut script, control);
    script
}

/// A download of an hour; `end` is what comes of the control connection then.
fn long(end: impl FnOnce(&mut FtpScript, super::common::script::Conn)) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.send(data, From::Responder, b"begin");
    script.wait(Duration::from_secs(3600));
    carry(&mut script, data, From::Responder, b"end");
    end(&mut script, control);
    script
}

/// The 226 is sent over and over.
fn forgotten() -> FtpScript {
    long(|script, control| {
        let offset = script.sent(control, From::Responder);
        for wait in [1, 2, 4, 8, 16] {
            script.segment(
                control,
                From::Responder,
                offset,
                flag::ACK | flag::PSH,
                b"226 done\r\n",
            );
            script.wait(Duration::from_secs(wait));
        }
        let reset = Segment { offset, flags: flag::RST, ..Segment::default() };
        script.put(control, From::Responder, reset);
    })
}

fn long_transfer() -> FtpScript {
    long(|script, control| {
        script.dialogue(control, &["< 226 done"]);
        quit(script, control);
    })
}

fn idle() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.wait(Duration::from_secs(300));
    script.dialogue(control, &["< 421 Timeout."]);
    script.close(control, From::Responder);
    script
}

/// A download with a NOOP in it, and what is said after the answer to that.
fn with_noop(after: &[&str]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes", "> NOOP", "< 200 fine"]);
    script.send(data, From::Responder, b"content");
    script.dialogue(control, after);
    script.close(data, From::Responder);
    quit(&mut script, control);
    script
}

fn took_noop_for_end() -> FtpScript {
    with_noop(&["> SIZE g", "< 226 done", "< 213 5"])
}

fn waits_for_both() -> FtpScript {
    with_noop(&["< 226 done", "> SIZE g", "< 213 5"])
}

fn named(name: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> OPTS UTF8 ON", "< 200 always in UTF-8"]);
    script.client(control, [b"SIZE ", name, b"\r\n"].concat());
    script.dialogue(control, &["< 550 no such file"]);
    quit(&mut script, control);
    script
}

fn latin_name() -> FtpScript {
    named(b"\xe9t\xe9.txt")
}

fn utf8_name() -> FtpScript {
    named("été.txt".as_bytes())
}

/// Each text stands for one reason.
#[test]
fn a_refused_login_tells_its_reason() {
    for (user, reply, reason) in [
        ("bob", "530 Login incorrect.", "wrong-password"),
        ("ssl", "530 User ssl cannot log in.", "wrong-password"),
        ("bob", "530 User cannot log in, home directory inaccessible.", "home-directory-missing"),
        (
            "bob",
            "500 OOPS: vsftpd: refusing to run with writable root inside chroot()",
            "chroot-writable",
        ),
        ("anonymous", "530 Login incorrect.", "anonymous-refused"),
        ("anonymous", "530 Sorry, no ANONYMOUS access allowed.", "anonymous-not-allowed"),
        ("bob", "530 Login incorrect; anonymous only after 6pm?", "wrong-password"),
        ("bob", "530 Too many attempts; user disconnected", "too-many-failures"),
        ("bob", "530 Maximum password age exceeded, user must change password", "password-expired"),
        ("bob", "530 User must change password; requires tls cert first", "password-expired"),
        ("maximum", "530 User maximum cannot log in from this client", "wrong-password"),
        ("bob", "530 This FTP server is anonymous only.", "anonymous-only"),
        ("bob", "530 Account disabled.", "account-disabled"),
        ("bob", "530 Permission denied.", "access-denied"),
        ("bob", "421 Maximum login attempts (3) exceeded, connection refused", "too-many-failures"),
    ] {
        let mut script = FtpScript::new();
        let control = script.connect(CONTROL[0], CONTROL[1]);
        let (user, reply) = (format!("> USER {user}"), format!("< {reply}"));
        script.dialogue(control, &["< 220 ready", &user, "< 331 password", "> PASS x", &reply]);
        let document = super::analysed(&script);
        let finding = super::only(&document, "login-refused");
        assert_eq!(finding["evidence"]["reason"], reason, "{reply}");
    }
}

/// Encryption that is missing is no matter of the login.
#[test]
fn a_login_without_the_tls_it_needs_is_not_wrong() {
    for reply in ["< 530 Non-anonymous sessions must use encryption.", "< 550 SSL/TLS required"] {
        let mut script = FtpScript::new();
        let control = script.connect(CONTROL[0], CONTROL[1]);
        script.dialogue(control, &["< 220 ready", "> USER bob", reply]);
        assert!(super::of(&super::analysed(&script), "login-refused").is_empty(), "{reply}");
    }
}

#[test]
fn an_idle_timeout_during_a_transfer_is_an_error() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    script.wait(Duration::from_secs(300));
    script.send(data, From::Responder, b"begin");
    script.dialogue(control, &["< 421 Timeout."]);
    script.reset(data, From::Responder);
    let document = super::analysed(&script);
    assert_eq!(super::only(&document, "control-idle-timeout")["severity"], "error");
    let whole = super::analysed(&download(|script, data| {
        carry(script, data, From::Responder, b"content");
    }));
    assert!(super::of(&whole, "control-idle-timeout").is_empty());
}

/// Only what servers say of it is a limit on connections, and whose it is the reply tells.
#[test]
fn a_limit_is_told_as_the_server_tells_it() {
    for (reply, limit) in [
        ("421 There are too many connected users, please try later.", "not-told"),
        ("421 There are too many connections from your internet address.", "per-address"),
        (
            "530 Sorry, the maximum number of clients (3) for this user are already connected.",
            "per-user",
        ),
    ] {
        let document = super::analysed(&sent_away(&format!("< {reply}")));
        let finding = super::only(&document, "too-many-connections");
        assert_eq!(finding["evidence"]["limit"], limit, "{reply}");
    }
    for reply in [
        "530 Maximum password age exceeded, user must change password",
        "421 Maximum session time (3600 s) reached, goodbye",
        "530 User maximum cannot log in from this client: not logged in",
        "421 Too many data connections for this user",
    ] {
        let document = super::analysed(&sent_away(&format!("< {reply}")));
        assert!(super::of(&document, "too-many-connections").is_empty(), "{reply}");
    }
}

/// A session in which a NOOP gets no answer but a reset, 70 s after the last word.
#[test]
fn a_reset_after_a_silence_may_have_other_reasons() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.wait(Duration::from_secs(70));
    script.client(control, "NOOP\r\n");
    script.reset(control, From::Responder);
    let document = super::analysed(&script);
    let finding = super::only(&document, "control-idle-dropped");
    assert_eq!((&finding["severity"], &finding["confidence"]), (&"warning".into(), &"low".into()));
    assert!(finding["explanation"].as_str().unwrap().contains("may have"), "{finding:#}");
}

/// Keep-alives that were acknowledged until just before show that no box had forgotten anything.
#[test]
fn a_connection_that_was_kept_alive_is_not_surely_forgotten() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for _ in 0..5 {
        script.wait(Duration::from_secs(30));
        let before = script.sent(control, From::Originator) - 1;
        script.segment(control, From::Originator, before, flag::ACK, b"");
        script.ack(control, From::Responder);
    }
    script.wait(Duration::from_secs(5));
    let offset = script.sent(control, From::Originator);
    for wait in [1, 2, 4, 8, 16] {
        script.segment(control, From::Originator, offset, flag::ACK | flag::PSH, b"NOOP\r\n");
        script.wait(Duration::from_secs(wait));
    }
    let document = super::analysed(&script);
    for finding in super::of(&document, "control-idle-dropped") {
        assert_eq!(finding["confidence"], "low");
    }
}

/// Without a silence, or by a clock that does not count it, no silence ended the session.
#[test]
fn a_timeout_is_of_a_silence_only_after_one() {
    for (wait, reply) in [
        (0, "421 Timeout."),
        (1, "421 Service shutting down; inactivity of the admin"),
        (60, "421 Transfer timeout: no transfers for 600 s"),
    ] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        script.wait(Duration::from_secs(wait));
        script.dialogue(control, &[&format!("< {reply}")]);
        script.close(control, From::Responder);
        let document = super::analysed(&script);
        assert!(super::of(&document, "control-idle-timeout").is_empty(), "{reply}");
    }
}

/// A client that sent NOOP while it transferred was not silent.
#[test]
fn noops_during_a_transfer_are_no_silence() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    for _ in 0..30 {
        script.wait(Duration::from_secs(10));
        script.send(data, From::Responder, b"some");
        script.client(control, "NOOP\r\n");
    }
    script.dialogue(control, &["< 421 Timeout."]);
    script.reset(data, From::Responder);
    let document = super::analysed(&script);
    assert!(super::of(&document, "control-idle-timeout").is_empty());
}

/// Until the client's own acknowledgement the server has no connection to greet on.
#[test]
fn a_greeting_is_late_after_the_whole_handshake_only() {
    let mut script = FtpScript::new();
    let control = script.syn_only(CONTROL[0], CONTROL[1], 0);
    script.segment(control, From::Responder, -1, flag::SYN | flag::ACK, b"");
    script.wait(Duration::from_secs(4));
    script.ack(control, From::Originator);
    script.dialogue(control, &["< 220 ready"]);
    quit(&mut script, control);
    assert!(super::of(&super::analysed(&script), "banner-delay").is_empty());
}

/// A client that only sends ahead does the same.
#[test]
fn a_desync_is_never_certain() {
    let document = super::analysed(&took_noop_for_end());
    assert_eq!(super::only(&document, "reply-desync")["confidence"], "low");
}

/// TLS in the middle may be FTPS after AUTH TLS, and the end with the port of FTP is the server,
/// whoever is heard first.
#[test]
fn encryption_without_its_beginning_may_be_ftps() {
    let record = [&b"\x17\x03\x03\x00\x20"[..], &[0xa5; 32]].concat();
    for (originator, responder, first) in [
        (CONTROL[0], CONTROL[1], From::Responder),
        (CONTROL[1], CONTROL[0], From::Originator),
        (CONTROL[0], CONTROL[1], From::Originator),
    ] {
        let mut script = FtpScript::new();
        let control = script.midstream(originator, responder, [700, 900]);
        script.send(control, first, &record);
        script.send(control, first.other(), &record);
        let document = super::analysed(&script);
        let finding = super::only(&document, "not-ftp-on-control-port");
        assert_eq!((&finding["severity"], &finding["confidence"]), (&"info".into(), &"low".into()));
        assert_eq!(finding["evidence"]["server"], CONTROL[1]);
    }
}
