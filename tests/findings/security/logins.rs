//! Who gets in, with what.

use std::time::Duration;

use super::super::common::document::{Document, analysed};
use super::super::common::script::{Conn, From, FtpScript};
use super::super::common::told::{fetch, log_in, pasv, quit};
use super::super::{Scenario, of, only, rules_of};

pub(in super::super) const SCENARIOS: &[Scenario] = &[
    ("password-guessing", || guessed(10, false), || guessed(9, false)),
    ("password-spraying", || sprayed(5), || sprayed(4)),
    ("login-after-failures", || guessed(4, true), || guessed(3, true)),
    ("anonymous-login", || logged_in("anonymous", "me@", "230 in"), || refused("anonymous", "me@")),
    ("anonymous-write", || changed("anonymous", "250 done"), || changed("anonymous", "550 no")),
    ("weak-credentials", || logged_in("bob", "bob", "230 in"), || refused("bob", "bob")),
    ("privileged-login", || logged_in("root", "Xy7-q", "230 in"), || refused("root", "Xy7-q")),
    ("cleartext-credentials", || logged_in("bob", "Xy7-q", "230 in"), || refused("bob", "Xy7-q")),
    (
        "tls-downgrade",
        || without_tls("211-Features:\r\n AUTH TLS\r\n211 End"),
        || without_tls("211-Features:\r\n MDTM\r\n211 End"),
    ),
    ("protection-dropped", || sealed(b"in clear text"), || sealed(TLS)),
];

/// What begins like a TLS record of application data.
const TLS: &[u8] = b"\x17\x03\x03\x00\x08abcdefgh";

fn greeted(script: &mut FtpScript, client: &str, server: &str) -> Conn {
    let control = script.connect(client, server);
    script.dialogue(control, &["< 220 ready"]);
    control
}

fn try_as(script: &mut FtpScript, control: Conn, user: &str, password: &str, reply: &str) {
    let lines = [format!("> USER {user}"), format!("> PASS {password}"), format!("< {reply}")];
    script.dialogue(control, &[&lines[0], "< 331 password", &lines[1], &lines[2]]);
}

/// One after the other on one connection, and then the right one or not.
fn guessed(times: usize, is_right_at_last: bool) -> FtpScript {
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.9:40000", "10.0.0.2:21");
    for nth in 0..times {
        try_as(&mut script, control, "bob", &format!("guess-{nth}"), "530 Login incorrect.");
    }
    if is_right_at_last {
        try_as(&mut script, control, "bob", "the-right-one", "230 in");
    }
    quit(&mut script, control);
    script
}

fn sprayed(users: usize) -> FtpScript {
    let mut script = FtpScript::new();
    for nth in 0..users {
        let client = format!("10.0.0.9:{}", 40000 + nth);
        let control = greeted(&mut script, &client, "10.0.0.2:21");
        try_as(&mut script, control, &format!("user{nth}"), "Summer2025", "530 no");
        quit(&mut script, control);
    }
    script
}

fn logged_in(user: &str, password: &str, reply: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
    try_as(&mut script, control, user, password, reply);
    quit(&mut script, control);
    script
}

fn refused(user: &str, password: &str) -> FtpScript {
    logged_in(user, password, "530 Login incorrect.")
}

fn changed(user: &str, reply: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
    try_as(&mut script, control, user, "me@", "230 in");
    script.dialogue(control, &["> DELE f", &format!("< {reply}")]);
    quit(&mut script, control);
    script
}

/// A login in clear text by a client that asked for the features.
fn without_tls(features: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["> FEAT", &format!("< {features}")]);
    try_as(&mut script, control, "bob", "Xy7-q", "230 in");
    quit(&mut script, control);
    script
}

/// A session that is encrypted, and a data connection beside it.
fn sealed(data: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["> AUTH TLS", "< 234 go on"]);
    for from in [From::Originator, From::Responder] {
        script.send(control, from, b"\x16\x03\x03\x00\x04\x01\x00\x00\x00");
        script.send(control, from, TLS);
    }
    let conn = script.connect("10.0.0.1:40001", "10.0.0.2:30000");
    script.send(conn, From::Responder, data);
    script.close(conn, From::Responder);
    script.send(control, From::Originator, TLS);
    script.close(control, From::Originator);
    script
}

fn graded(document: &Document, rule: &str) -> [String; 2] {
    let finding = only(document, rule);
    ["severity", "grade"].map(|name| finding[name].as_str().unwrap_or_default().to_owned())
}

#[test]
fn guesses_are_worse_if_one_is_right() {
    let document = analysed(&guessed(12, false));
    assert_eq!(graded(&document, "password-guessing"), ["warning", "attempted"]);
    assert_eq!(only(&document, "password-guessing")["count"], 12);
    assert!(of(&document, "login-after-failures").is_empty());
    let document = analysed(&guessed(12, true));
    assert_eq!(graded(&document, "password-guessing"), ["error", "accepted"]);
    assert_eq!(graded(&document, "login-after-failures"), ["error", "accepted"]);
    let all = document.0["findings"].to_string();
    assert!(!all.contains("guess-") && !all.contains("the-right-one"), "{all}");
}

#[test]
fn an_old_password_is_no_guess_and_slow_failures_are_none() {
    let mut script = FtpScript::new();
    for nth in 0..20 {
        let client = format!("10.0.0.9:{}", 40000 + nth);
        let control = greeted(&mut script, &client, "10.0.0.2:21");
        try_as(&mut script, control, "job", "old-password", "530 no");
        quit(&mut script, control);
    }
    let document = analysed(&script);
    assert_eq!(graded(&document, "password-guessing"), ["info", "attempted"]);
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.9:40000", "10.0.0.2:21");
    for nth in 0..20 {
        try_as(&mut script, control, "bob", &format!("guess-{nth}"), "530 no");
        script.wait(Duration::from_secs(120));
    }
    quit(&mut script, control);
    assert!(of(&analysed(&script), "password-guessing").is_empty());
}

/// What is refused for want of TLS, or before USER, says nothing of the password.
#[test]
fn refusals_of_something_else_are_no_guesses() {
    for reply in [
        "530 Non-anonymous sessions must use encryption.",
        "503 Login with USER first.",
        "530 Sorry, the maximum number of clients (5) from your host are already connected.",
        "530 Too many users are connected.",
        "421 Try again later.",
    ] {
        let mut script = FtpScript::new();
        let control = greeted(&mut script, "10.0.0.9:40000", "10.0.0.2:21");
        for nth in 0..12 {
            try_as(&mut script, control, "bob", &format!("guess-{nth}"), reply);
        }
        quit(&mut script, control);
        assert!(of(&analysed(&script), "password-guessing").is_empty(), "{reply}");
    }
}

/// Whoever is let in with what was refused before had the right password all along.
#[test]
fn a_right_password_that_was_refused_is_no_failure() {
    let tried = |passwords: [&str; 4]| {
        let mut script = FtpScript::new();
        let replies = ["530 no", "530 no", "530 no", "230 in"];
        for (nth, (password, reply)) in passwords.into_iter().zip(replies).enumerate() {
            let client = format!("10.0.0.9:{}", 40000 + nth);
            let control = greeted(&mut script, &client, "10.0.0.2:21");
            try_as(&mut script, control, "bob", password, reply);
            quit(&mut script, control);
            script.wait(Duration::from_secs(60));
        }
        of(&analysed(&script), "login-after-failures").len()
    };
    assert_eq!(tried(["right", "right", "right", "right"]), 0);
    assert_eq!(tried(["one", "two", "three", "right"]), 1);
}

#[test]
fn a_right_one_among_those_that_were_sprayed_is_an_error() {
    let mut script = FtpScript::new();
    for (nth, reply) in
        ["530 no", "530 no", "230 in", "530 no", "530 no", "530 no"].iter().enumerate()
    {
        let client = format!("10.0.0.9:{}", 40000 + nth);
        let control = greeted(&mut script, &client, "10.0.0.2:21");
        try_as(&mut script, control, &format!("user{nth}"), "Summer2025", reply);
        quit(&mut script, control);
    }
    let document = analysed(&script);
    assert_eq!(graded(&document, "password-spraying"), ["error", "accepted"]);
    assert!(only(&document, "password-spraying").to_string().contains("user2"));
    let all = document.0["findings"].to_string();
    assert!(!all.contains("Summer2025"), "{all}");
}

#[test]
fn who_mistypes_slowly_is_told_and_who_does_so_quickly_is_not() {
    let tried = |pause: u64| {
        let mut script = FtpScript::new();
        let control = greeted(&mut script, "10.0.0.9:40000", "10.0.0.2:21");
        for nth in 0..3 {
            try_as(&mut script, control, "bob", &format!("guess-{nth}"), "530 no");
            script.wait(Duration::from_secs(pause));
        }
        try_as(&mut script, control, "bob", "right", "230 in");
        quit(&mut script, control);
        of(&analysed(&script), "login-after-failures").len()
    };
    assert_eq!(tried(5), 0);
    assert_eq!(tried(60), 1);
}

#[test]
fn logins_of_one_server_are_one_finding() {
    let mut script = FtpScript::new();
    for (client, user) in [(1, "anonymous"), (3, "ftp"), (1, "bob"), (3, "eve"), (1, "bob")] {
        let client = format!("10.0.0.{client}:{}", 40000 + script.last_frame());
        let control = greeted(&mut script, &client, "10.0.0.2:21");
        try_as(&mut script, control, user, "Xy7-q", "230 in");
        quit(&mut script, control);
    }
    let document = analysed(&script);
    assert_eq!(only(&document, "anonymous-login")["count"], 2);
    assert_eq!(graded(&document, "anonymous-login"), ["info", "accepted"]);
    let finding = only(&document, "cleartext-credentials");
    assert_eq!((&finding["count"], &finding["evidence"]["clients"]), (&3.into(), &2.into()));
}

#[test]
fn what_an_anonymous_user_wrote_counts_more_with_its_bytes() {
    let document = analysed(&changed("anonymous", "250 done"));
    assert_eq!(graded(&document, "anonymous-write"), ["error", "accepted"]);
    let stored = |user: &str| {
        let mut script = FtpScript::new();
        let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
        try_as(&mut script, control, user, "me@", "230 in");
        fetch(&mut script, control, "STOR f", [40001, 30000], b"hello");
        quit(&mut script, control);
        analysed(&script)
    };
    assert_eq!(graded(&stored("ftp"), "anonymous-write"), ["critical", "effect"]);
    assert!(of(&stored("bob"), "anonymous-write").is_empty());
    // Another user of the same session is not the anonymous one.
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
    try_as(&mut script, control, "anonymous", "me@", "230 in");
    try_as(&mut script, control, "bob", "Xy7-q", "230 in");
    script.dialogue(control, &["> DELE f", "< 250 done"]);
    quit(&mut script, control);
    assert!(of(&analysed(&script), "anonymous-write").is_empty());
}

/// Neither which kind of weakness it is nor the password is told.
#[test]
fn a_weak_password_is_not_told() {
    for (user, password, is_weak) in [
        ("admin", "1234", true),
        ("bob", "", true),
        ("Bob", "bOB", true),
        ("bob", "9999", false),
        ("anonymous", "", false),
        ("ftp", "ftp", false),
    ] {
        let document = analysed(&logged_in(user, password, "230 in"));
        let found = of(&document, "weak-credentials");
        assert_eq!(found.len(), usize::from(is_weak), "{user} {password}");
        for finding in found {
            assert_eq!(
                (&finding["severity"], &finding["grade"]),
                (&"warning".into(), &"accepted".into())
            );
            assert!(!finding.to_string().contains("1234"), "{finding:#}");
        }
    }
}

#[test]
fn administrators_have_many_names() {
    for (user, is_one) in [
        ("Administrator", true),
        ("CORP\\administrator", true),
        ("admin@corp.example", true),
        ("site|Administrator", true),
        ("badmin", false),
        ("rooty", false),
    ] {
        let document = analysed(&logged_in(user, "Xy7-q", "230 in"));
        assert_eq!(of(&document, "privileged-login").len(), usize::from(is_one), "{user}");
    }
}

#[test]
fn a_downgrade_is_worse_the_more_shows_that_tls_was_to_be_had() {
    let document = analysed(&without_tls("211-Features:\r\n AUTH TLS\r\n211 End"));
    assert_eq!(graded(&document, "tls-downgrade"), ["info", "accepted"]);
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["> FEAT", "< 211-Features:\r\n AUTH TLS\r\n211 End"]);
    script.dialogue(control, &["> AUTH TLS", "< 500 AUTH not understood"]);
    try_as(&mut script, control, "bob", "Xy7-q", "230 in");
    quit(&mut script, control);
    assert_eq!(graded(&analysed(&script), "tls-downgrade"), ["error", "accepted"]);
    let mut script = sealed(TLS);
    let control = greeted(&mut script, "10.0.0.1:40100", "10.0.0.2:21");
    try_as(&mut script, control, "bob", "Xy7-q", "530 no");
    quit(&mut script, control);
    assert_eq!(graded(&analysed(&script), "tls-downgrade"), ["warning", "attempted"]);
}

#[test]
fn data_in_clear_beside_an_encrypted_session_was_seen_to_move() {
    let document = analysed(&sealed(b"in clear text"));
    assert_eq!(graded(&document, "protection-dropped"), ["error", "effect"]);
    // A session in clear text has nothing to drop.
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    fetch(&mut script, control, "RETR f", [40001, 30000], b"hello");
    quit(&mut script, control);
    let document = analysed(&script);
    assert!(of(&document, "protection-dropped").is_empty(), "{:?}", rules_of(&document));
}

#[test]
fn one_s_own_login_first_hides_no_guesses() {
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
    try_as(&mut script, control, "bob", "bobs-own", "230 in");
    for nth in 0..12 {
        try_as(&mut script, control, "root", &format!("guess-{nth}"), "530 no");
    }
    quit(&mut script, control);
    let document = analysed(&script);
    assert_eq!(only(&document, "password-guessing")["count"], 12);
    assert_eq!(document.session(0)["user"], "bob");
}

#[test]
fn a_password_after_an_agreement_on_tls_that_came_to_nothing_is_a_downgrade() {
    let mut script = FtpScript::new();
    let control = greeted(&mut script, "10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["> AUTH TLS", "< 234 go on"]);
    try_as(&mut script, control, "bob", "Xy7-q", "230 in");
    quit(&mut script, control);
    assert_eq!(graded(&analysed(&script), "tls-downgrade"), ["error", "accepted"]);
}
