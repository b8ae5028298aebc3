//! What all findings have in common.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::common::document::{Document, analysed, analysed_with};
use super::common::program::{Ran, Scratch, ftpscope, ftpscope_fed};
use super::common::script::{From, FtpScript};
use super::common::told::{fetch, log_in, log_in_as, pasv, quit};
use super::{of, only, rules_of};

const FILTERED: &str = "passive-data-filtered";

/// A session of 10.0.0.`client` with 10.0.0.`server`, in which so many passive connections get no
/// answer.
fn filtered(script: &mut FtpScript, client: u8, server: u8, times: u16) {
    let (from, to) = (format!("10.0.0.{client}"), format!("10.0.0.{server}"));
    let control = log_in_as(script, [&format!("{from}:40000"), &format!("{to}:21")]);
    for nth in 0..times {
        let port = 30000 + nth;
        let [high, low] = port.to_be_bytes();
        let announced = format!("< 227 Entering Passive Mode (10,0,0,{server},{high},{low}).");
        script.dialogue(control, &["> PASV", &announced, &format!("> RETR f{nth}")]);
        script.syn_only(&format!("{from}:{}", 41000 + nth), &format!("{to}:{port}"), 2);
        script.dialogue(control, &["< 425 Failed to establish connection."]);
    }
    quit(script, control);
}

/// One such session each for some clients.
fn filtered_for(clients: &[u8]) -> FtpScript {
    let mut script = FtpScript::new();
    for client in clients {
        filtered(&mut script, *client, 2, 1);
    }
    script
}

fn run(script: &FtpScript, options: &[&str]) -> Ran {
    ftpscope_fed(&[&["json", "-"], options].concat(), &script.pcap())
}

fn numbers(finding: &Value, name: &str) -> Vec<u64> {
    finding[name].as_array().unwrap().iter().filter_map(Value::as_u64).collect()
}

#[test]
fn the_same_cause_is_one_finding_with_a_count() {
    let mut script = FtpScript::new();
    filtered(&mut script, 1, 2, 40);
    let document = analysed(&script);
    let finding = only(&document, FILTERED);
    assert_eq!(finding["count"], 40);
    assert_eq!(finding["transfers"].as_array().unwrap().len(), 40);
    assert_eq!(finding["sessions"].as_array().unwrap().len(), 1);
    let frames = numbers(finding, "frames");
    assert!(frames.is_sorted_by(|one, next| one < next), "{frames:?}");
    assert!(frames.len() <= 24 && frames[0] == script.frame_of("PASV"), "{frames:?}");
    assert!(finding["title"].as_str().unwrap().contains("f0"));
}

#[test]
fn other_hosts_are_another_cause() {
    let document = analysed(&filtered_for(&[1, 3]));
    let found = of(&document, FILTERED);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["sessions"][0], "s1");
    assert_eq!(found[1]["sessions"][0], "s2");
}

#[test]
fn what_is_suppressed_is_told_last_with_its_reason_and_does_not_count() {
    let script = filtered_for(&[1, 3]);
    let options = ["--suppress", "passive-data-filtered@10.0.0.1=known since May"];
    let document = analysed_with(&script, &options);
    let found = of(&document, FILTERED);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["sessions"][0], "s2");
    assert!(found[0]["suppressed"].is_null());
    assert_eq!(found[1]["suppressed"], "known since May");
    let last = document.list("findings").last().unwrap();
    assert_eq!(last["suppressed"], "known since May");
    // The other one counts still.
    let fails = ["--fail-on", "error"];
    run(&script, &[&options[..], &fails].concat()).exits(1);
    let everywhere = ["--suppress", "passive-data-filtered=known"];
    run(&script, &[&everywhere[..], &fails].concat()).exits(0);
    let text = ftpscope_fed(&[&["report", "-"][..], &options].concat(), &script.pcap());
    assert!(text.exits(0).text().contains("suppressed: known since May"));
}

/// What groups sessions of several hosts must not hide those that nobody accepted.
#[test]
fn a_suppression_of_one_network_hides_nothing_of_another() {
    let script = filtered_for(&[1, 3, 4]);
    let document = analysed_with(&script, &["--suppress", "passive-data-filtered@10.0.0.3/32=x"]);
    let open = |finding: &&&Value| finding["suppressed"].is_null();
    let found = of(&document, FILTERED);
    assert_eq!(found.iter().filter(open).count(), 2);
}

#[test]
fn a_file_says_the_same_as_flags() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "ftpscope.toml",
        b"home = [\"10.0.0.0/8\", \"192.0.2.1\"]\n\
          [thresholds]\n\
          banner-delay-ms = 100\n\
          [[suppress]]\n\
          rule = \"passive-data-filtered\"\n\
          host = \"10.0.0.3\"\n\
          reason = \"being rebuilt\"\n",
    );
    let document = analysed_with(&filtered_for(&[3]), &["--config", &file]);
    assert_eq!(only(&document, FILTERED)["suppressed"], "being rebuilt");
    let off = scratch.file("off.toml", b"rules_off = [\"passive-data-filtered\"]\n");
    let document = analysed_with(&filtered_for(&[3]), &["--config", &off]);
    assert!(of(&document, FILTERED).is_empty(), "{:?}", rules_of(&document));
    // Flags come on top.
    let options = ["--config", &file, "--threshold", "banner-delay-ms=5", "--home", "10.1.2.3"];
    run(&filtered_for(&[3]), &options).exits(0);
}

#[test]
fn what_is_not_known_is_refused() {
    let scratch = Scratch::new();
    let script = FtpScript::new();
    for options in [
        ["--suppress", "no-such-rule=x"],
        ["--suppress", "passive-data-filtered"],
        ["--suppress", "passive-data-filtered= "],
        ["--suppress", "passive-data-filtered@nowhere=x"],
        // What concerns all of a capture would be told all the same.
        ["--suppress", "capture-loss@10.0.0.1=x"],
        ["--threshold", "no-such-number=1"],
        ["--threshold", "banner-delay-ms=soon"],
        ["--threshold", "banner-delay-ms"],
        ["--home", "nowhere"],
        ["--fail-on", "trouble"],
        ["--config", "/no/such/file.toml"],
    ] {
        let ran = run(&script, &options).exits(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{options:?}");
    }
    for text in [
        "rules_off = [\"no-such-rule\"]",
        "homes = []",
        "home = [\"nowhere\"]",
        "[thresholds]\nno-such-number = 1",
        "[thresholds]\nbanner-delay-ms = -1",
        "[[suppress]]\nrule = \"no-such-rule\"\nreason = \"x\"",
        "[[suppress]]\nrule = \"passive-data-filtered\"",
        "[[suppress]]\nrule = \"passive-data-filtered\"\nreason = \" \"",
        "[[suppress]]\nrule = \"passive-data-filtered\"\nreason = \"x\"\nhots = \"y\"",
        "[[suppress]]\nrule = \"capture-loss\"\nhost = \"10.0.0.1\"\nreason = \"x\"",
        "not toml",
    ] {
        let file = scratch.file("bad.toml", text.as_bytes());
        let ran = run(&script, &["--config", &file]).exits(2);
        assert!(ran.stderr.contains("bad.toml"), "{text}: {}", ran.stderr);
    }
    ftpscope(&["explain", "no-such-rule"]).exits(2);
}

#[test]
fn fail_on_is_told_by_the_exit_code() {
    let script = filtered_for(&[1]);
    for (severity, code) in [("info", 1), ("warning", 1), ("error", 1), ("critical", 0)] {
        let ran = run(&script, &["--fail-on", severity]).exits(code);
        // The output is whole all the same.
        only(&Document(ran.json()), FILTERED);
        ftpscope_fed(&["report", "-", "--fail-on", severity], &script.pcap()).exits(code);
    }
    run(&script, &[]).exits(0);
    let mut quiet = FtpScript::new();
    let control = log_in_as(&mut quiet, ["10.0.0.1:40000", "10.0.0.2:21"]);
    fetch(&mut quiet, control, "RETR a.txt", [40001, 30000], b"hello");
    quit(&mut quiet, control);
    // That a password is in the capture is known.
    let known = ["--suppress", "cleartext-credentials=known"];
    run(&quiet, &[&known[..], &["--fail-on", "info"]].concat()).exits(0);
    // Lines have no findings: nothing could fail.
    run(&script, &["--lines", "--fail-on", "info"]).exits(2);
}

#[test]
fn frames_name_their_inputs_where_there_are_several() {
    let scratch = Scratch::new();
    let mut quiet = FtpScript::new();
    let control = log_in_as(&mut quiet, ["10.0.0.9:40000", "10.0.0.2:21"]);
    quit(&mut quiet, control);
    let one = scratch.file("one.pcap", &quiet.pcap());
    let other = scratch.file("other.pcap", &filtered_for(&[1]).pcap());
    let document = Document(ftpscope(&["json", &one, &other]).exits(0).json());
    let finding = only(&document, FILTERED);
    let frames = numbers(finding, "frames");
    assert_eq!(numbers(finding, "frame_inputs"), vec![1; frames.len()]);
    let single = Document(ftpscope(&["json", &other]).exits(0).json());
    let finding = only(&single, FILTERED);
    assert_eq!(numbers(finding, "frames"), frames);
    assert!(finding["frame_inputs"].is_null());
}

#[test]
fn nothing_is_certain_where_parts_were_not_captured() {
    let mut script = filtered_for(&[1]);
    assert_eq!(only(&analysed(&script), FILTERED)["confidence"], "high");
    // The 331, which its receiver acknowledges.
    let frame = script.frame_of("331 password");
    script.lose(frame);
    let document = analysed(&script);
    assert_eq!(only(&document, FILTERED)["confidence"], "low");
    only(&document, "capture-loss");
}

/// A client that says nothing is no half of a capture.
#[test]
fn silence_of_one_end_is_not_a_part_that_was_not_captured() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["< 421 TLS is required"]);
    script.close(control, From::Responder);
    let document = analysed(&script);
    assert_eq!(only(&document, "tls-required")["confidence"], "high");
    assert!(of(&document, "capture-one-way").is_empty());
}

#[test]
fn the_worst_comes_first_and_of_equals_what_the_capture_shows() {
    let mut script = filtered_for(&[1]);
    let control = script.midstream("10.0.0.7:40000", "10.0.0.2:21", [1000, 2000]);
    script.dialogue(control, &["> NOOP", "< 200 ok"]);
    let document = analysed(&script);
    let rank = |finding: &Value| {
        let place = |of: &[&str], name: &str| of.iter().position(|known| finding[name] == *known);
        let severity = place(&["critical", "error", "warning", "info"], "severity").unwrap();
        let kind = place(&["capture", "diagnosis", "security"], "kind").unwrap();
        (!finding["suppressed"].is_null(), severity, kind)
    };
    let ranks: Vec<_> = document.list("findings").iter().map(rank).collect();
    assert!(ranks.len() >= 3 && ranks.is_sorted(), "{ranks:?} {:?}", rules_of(&document));
    let ids: Vec<_> = document.list("findings").iter().map(|finding| &finding["id"]).collect();
    assert!(ids.iter().enumerate().all(|(nth, id)| **id == format!("f{}", nth + 1)));
}

#[test]
fn a_quoted_reply_is_cut_between_characters() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    let long = "ä".repeat(300);
    let reply = format!("< 530 TLS is required{long}");
    script.dialogue(control, &["< 220 ready", "> USER bob", &reply]);
    script.close(control, From::Responder);
    let document = analysed(&script);
    let explanation = only(&document, "tls-required")["explanation"].as_str().unwrap();
    assert!(explanation.contains("äää") && !explanation.contains('Ã'), "{explanation}");
    assert!(!explanation.contains(&long));
}

#[test]
fn secrets_are_not_quoted() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    let no = "< 530 secret-word: TLS is required";
    script.dialogue(control, &["< 220 ready", "> USER bob", "< 331 go", "> PASS secret-word", no]);
    script.close(control, From::Responder);
    let document = analysed(&script);
    let finding = only(&document, "tls-required");
    assert!(!finding.to_string().contains("secret-word"), "{finding:#}");
}

#[test]
fn names_of_any_length_are_cut_in_findings() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    let user = format!("> USER {}", "u".repeat(5000));
    script.dialogue(control, &["< 220 ready", &user, "< 530 Login incorrect."]);
    script.close(control, From::Responder);
    let document = analysed(&script);
    let finding = only(&document, "login-refused");
    assert!(finding["title"].as_str().unwrap().contains("uuu…"), "{finding:#}");
    assert!(finding.to_string().len() < 4000, "{finding:#}");
}

/// With work for each failure that grows with their number it would take minutes.
#[test]
fn many_failures_of_one_session_are_told_in_little_time() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["< 220 ready"]);
    for nth in 0..5000 {
        let user = format!("> USER u{nth}");
        script.dialogue(control, &[&user, "< 331 password", "> PASS x", "< 530 no"]);
        script.dialogue(control, &["> EPSV", "< 500 unknown"]);
        pasv(&mut script, control, 30000 + nth);
        script.dialogue(control, &["> RETR f", "< 425 no connection"]);
    }
    let start = Instant::now();
    ftpscope_fed(&["diagnose", "-"], &script.pcap()).exits(0);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

/// A finding names the first transfers of its cause only; those behind them are explained all the
/// same.
#[test]
fn what_a_rule_spoke_of_is_not_called_unexplained() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    for nth in 0..80 {
        script.dialogue(control, &[&format!("> RETR f{nth}"), "< 550 No such file"]);
    }
    quit(&mut script, control);
    let told = ftpscope_fed(&["diagnose", "-"], &script.pcap()).exits(0).text();
    assert!(told.contains("80 such"), "{told}");
    assert!(!told.contains("no rule says why"), "{told}");
}
