//! `ftpscope audit`: who got in, what was moved where, what could not be seen.

mod common;

use common::document::analysed_with;
use common::program::{Scratch, ftpscope, ftpscope_fed, sha256};
use common::sample::{Sample, borrowed, samples};
use common::script::{Conn, From, FtpScript};
use common::told::{carry, quit};
use serde_json::{Value, json};

/// Greets and logs in, or tries to.
fn try_in(script: &mut FtpScript, ends: [&str; 2], [user, password]: [&str; 2], end: &str) -> Conn {
    let control = script.connect(ends[0], ends[1]);
    let (user, pass) = (format!("> USER {user}"), format!("> PASS {password}"));
    script.dialogue(control, &["< 220 ready", &user, "< 331 password", &pass, end]);
    control
}

/// Moves a file over a passive connection.
fn move_file(script: &mut FtpScript, control: Conn, command: &str, from: From, content: &[u8]) {
    let (client, server) = ("192.168.0.7:50000", "198.51.100.2:30000");
    script.dialogue(control, &["> TYPE I", "< 200 binary", "> PASV"]);
    script.dialogue(control, &["< 227 Entering Passive Mode (198,51,100,2,117,48)."]);
    let data = script.connect(client, server);
    script.dialogue(control, &[&format!("> {command}"), "< 150 here it comes"]);
    carry(script, data, from, content);
    script.dialogue(control, &["< 226 done"]);
}

const ENDS: [&str; 2] = ["192.168.0.7:40000", "198.51.100.2:21"];

fn audit(script: &FtpScript, options: &[&str]) -> Value {
    let document = analysed_with(script, &[&["--audit"], options].concat());
    document.0["audit"].clone()
}

#[test]
fn logins_are_counted_by_user_ends_and_outcome() {
    let mut script = FtpScript::new();
    for (nth, password) in ["one", "two", "two"].into_iter().enumerate() {
        let client = format!("192.168.0.7:{}", 40000 + nth);
        let control =
            try_in(&mut script, [&client, ENDS[1]], ["bob", password], "< 530 Login incorrect.");
        quit(&mut script, control);
    }
    let control = try_in(
        &mut script,
        ["192.168.0.7:40009", ENDS[1]],
        ["bob", "Zebra-7-crossing"],
        "< 230 in",
    );
    quit(&mut script, control);
    let control = script.connect("192.168.0.8:40000", ENDS[1]);
    script.dialogue(control, &["< 220 ready"]);
    quit(&mut script, control);
    let audit = audit(&script, &[]);
    let [accepted, refused, nobody] = &audit["logins"].as_array().unwrap()[..] else {
        panic!("{audit:#}");
    };
    assert_eq!((&nobody["outcome"], &nobody["count"]), (&json!("none"), &json!(1)));
    assert!(nobody["user"].is_null());
    assert_eq!(accepted["outcome"], "accepted");
    assert_eq!(accepted["password"], json!({"masked": true, "length": 16}));
    assert_eq!(accepted["strength"], "strong");
    assert_eq!(accepted["sessions"], json!(["s4"]));
    assert_eq!((&refused["user"], &refused["outcome"]), (&json!("bob"), &json!("refused")));
    assert_eq!((&refused["count"], &refused["passwords"]), (&json!(3), &json!(2)));
    assert!(refused["password"].is_null() && refused["strength"].is_null());
}

/// Several tries in one session, as guessing tools have them.
#[test]
fn each_try_of_a_session_counts() {
    let mut script = FtpScript::new();
    let control = try_in(&mut script, ENDS, ["bob", "a"], "< 530 no");
    for (pass, end) in [("b", "< 530 no"), ("c", "< 230 in")] {
        let pass = format!("> PASS {pass}");
        script.dialogue(control, &["> USER bob", "< 331 password", &pass, end]);
    }
    quit(&mut script, control);
    let audit = audit(&script, &[]);
    let rows = audit["logins"].as_array().unwrap();
    let counts: Vec<_> =
        rows.iter().map(|row| (row["outcome"].clone(), row["count"].clone())).collect();
    assert_eq!(counts, [(json!("accepted"), json!(1)), (json!("refused"), json!(2))]);
}

#[test]
fn equal_passwords_are_told_without_telling_them() {
    let mut script = FtpScript::new();
    for (nth, (user, password)) in [
        ("bob", "Same-Word-9"),
        ("eve", "Same-Word-9"),
        ("joe", "Other-Word-8"),
        ("anonymous", "a@b"),
    ]
    .into_iter()
    .enumerate()
    {
        let client = format!("192.168.0.7:{}", 40000 + nth);
        let control = try_in(&mut script, [&client, ENDS[1]], [user, password], "< 230 in");
        quit(&mut script, control);
    }
    let told = audit(&script, &[]);
    let shared: Vec<_> =
        told["logins"].as_array().unwrap().iter().map(|row| &row["shared_password"]).collect();
    assert_eq!(shared, [&json!("p1"), &json!("p1"), &Value::Null, &Value::Null]);
    let page = ftpscope_fed(&["audit", "-"], &script.pcap()).exits(0).text();
    for text in [told.to_string(), page] {
        assert!(!text.contains("Same-Word-9") && !text.contains("Other-Word-8"), "{text}");
    }
    let document = analysed_with(&script, &["--audit", "--show-secrets"]);
    assert_eq!(document.0["secrets"], "shown");
    assert_eq!(document.0["audit"]["logins"][0]["password"]["text"], "Same-Word-9");
    let page = ftpscope_fed(&["audit", "-", "--show-secrets"], &script.pcap()).exits(0).text();
    assert!(page.contains("Same-Word-9"), "{page}");
    assert_eq!(analysed_with(&script, &[]).0["secrets"], "masked");
}

#[test]
fn what_was_moved_is_told_by_sender_and_way() {
    let mut script = FtpScript::new();
    let control = try_in(&mut script, ENDS, ["bob", "x"], "< 230 in");
    move_file(&mut script, control, "STOR up.bin", From::Originator, b"\x01\x02\x03");
    move_file(&mut script, control, "RETR down.txt", From::Responder, b"hello, world\n");
    move_file(&mut script, control, "RETR more.txt", From::Responder, b"hello\n");
    move_file(
        &mut script,
        control,
        "LIST",
        From::Responder,
        b"-rw-r--r-- 1 a a 1 Jan 01 2020 x\r\n",
    );
    quit(&mut script, control);
    let told = audit(&script, &[]);
    let [left, came] = &told["moved"].as_array().unwrap()[..] else { panic!("{told:#}") };
    assert_eq!(
        (&left["way"], &left["files"], &left["bytes"]),
        (&json!("left"), &json!(1), &json!(3))
    );
    assert_eq!((&left["from"], &left["to"]), (&json!("192.168.0.7"), &json!("198.51.100.2")));
    assert_eq!(
        (&came["way"], &came["files"], &came["bytes"]),
        (&json!("came_in"), &json!(2), &json!(19))
    );
    assert_eq!(came["types"], json!([{"media_type": "text/plain", "files": 2}]));
    // Where the server's network is home, nothing leaves.
    let told = audit(&script, &["--home", "192.168.0.0/24", "--home", "198.51.100.0/24"]);
    assert!(told["moved"].as_array().unwrap().iter().all(|row| row["way"] == "inside"));
    let told = audit(&script, &["--home", "198.51.100.0/24"]);
    assert_eq!(told["moved"][0]["way"], "left");
    assert_eq!(told["moved"][0]["from"], "198.51.100.2");
}

#[test]
fn what_could_not_be_seen_is_told() {
    let mut script = FtpScript::new();
    let control = script.midstream(ENDS[0], ENDS[1], [1000, 2000]);
    script.dialogue(control, &["> NOOP", "< 200 ok", "> AUTH TLS", "< 234 go ahead"]);
    let told = audit(&script, &[]);
    let whats: Vec<_> = told["unseen"].as_array().unwrap().iter().map(|row| &row["what"]).collect();
    assert_eq!(whats, ["encrypted_sessions", "begun_before", "not_over"]);
    let page = ftpscope_fed(&["audit", "-"], &script.pcap()).exits(0).text();
    assert!(page.contains("What could not be seen"), "{page}");
    // Without the flag there is no such answer.
    assert!(analysed_with(&script, &[]).0.get("audit").is_none());
}

#[test]
fn lists_of_hashes_are_read_and_what_is_none_is_refused() {
    let scratch = Scratch::new();
    let good = scratch.file("good.txt", format!("# known\n{}  name\n", sha256(b"x")).as_bytes());
    let bad = scratch.file("bad.txt", b"deadbeef\n");
    let mut script = FtpScript::new();
    let control = try_in(&mut script, ENDS, ["bob", "x"], "< 230 in");
    move_file(&mut script, control, "RETR f.txt", From::Responder, b"x");
    quit(&mut script, control);
    let script = script.pcap();
    let finds = |flag: &str| {
        let page = ftpscope_fed(&["audit", "-", flag, &good], &script).exits(0).text();
        page.contains("known-bad-hash")
    };
    assert!(finds("--hash-list") && !finds("--allow-list"));
    for (flag, list, says) in
        [("--hash-list", &bad[..], "line 1"), ("--allow-list", "/no/such/list", "/no/such/list")]
    {
        let ran = ftpscope_fed(&["audit", "-", flag, list], &script).exits(2);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    }
}

/// Typed into the wrong command, repeated by the server, said again: it is masked all the same.
#[test]
fn a_password_is_nowhere_unless_it_is_asked_for() {
    let mut script = FtpScript::new();
    let control = try_in(&mut script, ENDS, ["bob", "tr0ub4dor"], "< 230 in");
    script.dialogue(control, &["> NOOP", "< 200 bob, change tr0ub4dor soon"]);
    script.dialogue(control, &["> RETR tr0ub4dor", "< 550 TR0UB4DOR: no such file"]);
    script.dialogue(control, &["> HELP tr0ub4dor", "< 502-it is", "< tr0ub4dor", "< 502 bye"]);
    quit(&mut script, control);
    let pcap = script.pcap();
    for command in [
        &["report", "-"][..],
        &["json", "-", "--audit"],
        &["json", "-", "--lines"],
        &["diagnose", "-"],
        &["audit", "-"],
    ] {
        let text = ftpscope_fed(command, &pcap).exits(0).text().to_lowercase();
        // A name of a file is what was asked for, whatever it looks like.
        let names = text.matches("tr0ub4dor").count();
        let named = text.lines().filter(|line| line.contains("tr0ub4dor")).collect::<Vec<_>>();
        assert!(names == 0 || command[0] != "audit", "{command:?}: {named:#?}");
        let is_name = |line: &&str| {
            ["\"name\":", "\"path\":", "\"record\":\"transfer\"", " t1 "]
                .iter()
                .any(|mark| line.contains(mark))
        };
        assert!(named.iter().all(is_name), "{command:?}: {named:#?}");
    }
    let shown = ftpscope_fed(&["report", "-", "--show-secrets"], &pcap).exits(0).text();
    assert!(shown.contains("bob, change tr0ub4dor soon"), "{shown}");
}

/// The page of a day's work with a break-in in it, to be looked at when it changes.
#[test]
fn the_page_is_told_as_it_was() {
    let sample = Sample::named("attack-day");
    let args = sample.args(&["audit", "--home", "203.0.113.0/24"], &[]);
    let told = ftpscope(&borrowed(&args)).exits(0).text();
    let path = "tests/golden/audit-attack-day.txt";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &told).unwrap();
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    assert!(told == wanted, "{path} differs; UPDATE_GOLDEN=1 writes it anew:\n{told}");
}

/// Nothing from the wire acts on the terminal, nothing is wider than it, and no secret is told.
#[test]
fn pages_fit_a_terminal_and_keep_secrets() {
    for sample in samples() {
        let told = ftpscope(&borrowed(&sample.args(&["audit"], &[]))).exits(0).text();
        for line in told.lines() {
            assert!(line.chars().count() <= 80, "{}: {line}", sample.name);
            assert!(!line.chars().any(char::is_control), "{}: {line:?}", sample.name);
        }
        assert!(!told.contains("lab-secret-1"), "{}", sample.name);
    }
}
