//! Who looks around: scans, tools, and what would act on whoever reads it.

use super::super::common::document::analysed;
use super::super::common::script::{From, FtpScript};
use super::super::common::told::{fetch, log_in, quit};
use super::super::{Scenario, of, only, rules_of};

pub(in super::super) const SCENARIOS: &[Scenario] = &[
    ("banner-scan", || looked_at(10, &["> QUIT", "< 221 bye"]), || looked_at(9, &[])),
    ("client-tool", || anonymous("IEUser@"), || anonymous("me@example.com")),
    ("hostile-name", || asked_for("RETR a\tb"), || asked_for("RETR a b")),
    ("terminal-escape", || greeted_by("\x1b[31mready"), || greeted_by("grün")),
];

/// So many servers are asked for their greeting.
fn looked_at(servers: u8, lines: &[&str]) -> FtpScript {
    let mut script = FtpScript::new();
    for server in 0..servers {
        let control = script.connect("10.0.0.9:40000", &format!("10.0.1.{server}:21"));
        script.dialogue(control, &["< 220 ready"]);
        script.dialogue(control, lines);
        script.close(control, From::Originator);
    }
    script
}

fn anonymous(password: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.9:40000", "10.0.0.2:21");
    let pass = format!("> PASS {password}");
    script
        .dialogue(control, &["< 220 ready", "> USER anonymous", "< 331 go on", &pass, "< 230 in"]);
    quit(&mut script, control);
    script
}

fn asked_for(command: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &[&format!("> {command}"), "< 550 No such file."]);
    quit(&mut script, control);
    script
}

fn greeted_by(text: &str) -> FtpScript {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &[&format!("< 220 {text}")]);
    quit(&mut script, control);
    script
}

fn listed(command: &str, listing: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, command, [40001, 30000], listing);
    quit(&mut script, control);
    script
}

#[test]
fn who_logs_in_or_asks_for_tls_does_not_scan() {
    let login = ["> USER bob", "< 331 password", "> PASS Xy7-q", "< 530 no"];
    for lines in [&login[..], &["> AUTH TLS", "< 500 no"]] {
        let document = analysed(&looked_at(12, lines));
        assert!(of(&document, "banner-scan").is_empty(), "{lines:?}");
    }
    // One server, over and over, as monitoring does.
    let mut script = FtpScript::new();
    for nth in 0..20 {
        let control = script.connect(&format!("10.0.0.9:{}", 40000 + nth), "10.0.0.2:21");
        script.dialogue(control, &["< 220 ready"]);
        script.close(control, From::Originator);
    }
    assert!(of(&analysed(&script), "banner-scan").is_empty());
    let document = analysed(&looked_at(12, &[]));
    let finding = only(&document, "banner-scan");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"info".into(), &"attempted".into()));
}

#[test]
fn a_password_of_an_account_is_no_mark_and_is_not_told() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.9:40000", "10.0.0.2:21");
    script.dialogue(control, &["< 220 ready", "> USER bob", "< 331 go on"]);
    script.dialogue(control, &["> PASS IEUser@", "< 230 in"]);
    quit(&mut script, control);
    let document = analysed(&script);
    assert!(!document.0["findings"].to_string().contains("IEUser@"), "{:?}", rules_of(&document));
    assert_eq!(only(&analysed(&anonymous("IEUser@")), "client-tool")["severity"], "info");
}

#[test]
fn passwords_and_nothing_else_are_a_tools() {
    let tried = |times: usize, then: &[&str]| {
        let mut script = FtpScript::new();
        let control = script.connect("10.0.0.9:40000", "10.0.0.2:21");
        script.dialogue(control, &["< 220 ready"]);
        for _ in 0..times {
            script.dialogue(control, &["> USER bob", "< 331 go on", "> PASS Xy7-q", "< 530 no"]);
        }
        script.dialogue(control, then);
        script.close(control, From::Originator);
        of(&analysed(&script), "client-tool").len()
    };
    assert_eq!((tried(3, &[]), tried(2, &[]), tried(3, &["> QUIT", "< 221 bye"])), (1, 0, 0));
}

#[test]
fn names_in_listings_are_looked_at_and_ordinary_ones_are_silent() {
    for (command, listing, is_hostile) in [
        ("NLST", &b"../../etc/cron.d/x\r\n"[..], true),
        ("NLST ..", b"../a.txt\r\n", false),
        // Line ends that were put in twice.
        ("NLST", b"a.txt\r\r\nb.txt\r\r\n", false),
        ("LIST", b"-rw-r--r-- 1 a a 1 Jan  1 00:00 a.txt\r\r\n", false),
        ("NLST", b"../../etc/cron.d/x\r\r\n", true),
        ("MLSD", b"type=cdir; .\r\ntype=pdir; ..\r\ntype=file; a.txt\r\n", false),
        ("MLSD", b"type=file; default.asp::$DATA\r\n", true),
        ("LIST", b"-rw-r--r-- 1 a a 1 Jan  1 00:00 -rf\r\n", true),
        ("LIST", b"-rw-r--r-- 1 a a 1 Jan  1 00:00 log 12:30\r\n", false),
    ] {
        let document = analysed(&listed(command, listing));
        let found = of(&document, "hostile-name");
        assert_eq!(found.len(), usize::from(is_hostile), "{}", listing.escape_ascii());
    }
}

#[test]
fn a_hostile_name_that_is_refused_is_less_bad() {
    assert_eq!(only(&analysed(&asked_for("RETR a\tb")), "hostile-name")["severity"], "info");
    let document = analysed(&listed("RETR a\tb", b"hello"));
    let finding = only(&document, "hostile-name");
    assert_eq!((&finding["severity"], &finding["grade"]), (&"warning".into(), &"accepted".into()));
}

#[test]
fn what_a_terminal_obeys_is_found_wherever_it_stands() {
    for script in [
        greeted_by("\x1b]0;title\x07"),
        asked_for("RETR gpj.\u{202e}exe"),
        listed("NLST", b"\x1b[2Jx\r\n"),
        listed("NLST", "a\u{2066}b\r\n".as_bytes()),
    ] {
        let document = analysed(&script);
        assert_eq!(only(&document, "terminal-escape")["severity"], "warning");
    }
    // A password is not told, whatever it does.
    let document = analysed(&anonymous("\x1b[31m"));
    assert!(of(&document, "terminal-escape").is_empty());
}
