//! Findings: each rule speaks where it should, and nowhere else.

#[path = "../common/mod.rs"]
mod common;

mod active;
mod capture;
mod control;
mod engine;
mod middlebox;
mod passive;
mod security;
mod tls;
mod transfers;

use std::collections::BTreeSet;
use std::fs;

use common::document::{Document, analysed};
use common::program::ftpscope;
use common::sample::{Sample, borrowed, samples};
use common::script::FtpScript;
use serde_json::Value;

/// A rule, what raises it, and what must not though it is near.
type Scenario = (&'static str, fn() -> FtpScript, fn() -> FtpScript);

/// Every rule there is.
fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    let families = [
        capture::SCENARIOS,
        active::SCENARIOS,
        passive::SCENARIOS,
        middlebox::SCENARIOS,
        control::SCENARIOS,
        transfers::SCENARIOS,
        tls::SCENARIOS,
        security::connections::SCENARIOS,
        security::logins::SCENARIOS,
        security::exploits::SCENARIOS,
        security::strangers::SCENARIOS,
        security::contents::SCENARIOS,
        security::amounts::SCENARIOS,
        security::traces::SCENARIOS,
    ];
    families.into_iter().flatten()
}

/// The findings of a rule.
fn of<'a>(document: &'a Document, rule: &str) -> Vec<&'a Value> {
    document.list("findings").iter().filter(|finding| finding["rule"] == rule).collect()
}

/// The only finding of a rule.
#[track_caller]
fn only<'a>(document: &'a Document, rule: &str) -> &'a Value {
    match of(document, rule)[..] {
        [finding] => finding,
        _ => panic!("not one {rule}: {:#?}", rules_of(document)),
    }
}

fn rules_of(document: &Document) -> Vec<&str> {
    document.list("findings").iter().filter_map(|finding| finding["rule"].as_str()).collect()
}

#[test]
fn every_rule_speaks_where_it_should_and_not_where_it_should_not() {
    for (rule, raises, quiet) in scenarios() {
        let raised = analysed(&raises());
        assert!(!of(&raised, rule).is_empty(), "no {rule} in {:?}", rules_of(&raised));
        let silent = analysed(&quiet());
        assert!(of(&silent, rule).is_empty(), "{rule} where it must not");
    }
}

#[test]
fn every_rule_has_a_scenario() {
    let listed = ftpscope(&["rules"]).exits(0).text();
    let ids = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split("  ").next());
    let ids: BTreeSet<&str> = ids.filter(|id| !id.is_empty()).collect();
    let tried = scenarios().map(|(rule, ..)| *rule).chain(TRIED_ALONE);
    let tried: BTreeSet<&str> = tried.collect();
    let untried: Vec<_> = tried.difference(&ids).chain(ids.difference(&tried)).collect();
    // Thresholds are listed, too.
    let untried: Vec<_> =
        untried.into_iter().filter(|id| ftpscope(&["explain", id]).code == Some(0)).collect();
    assert!(untried.is_empty(), "{untried:?}");
}

#[test]
fn every_finding_shows_its_frames_and_says_what_to_do() {
    for (rule, raises, _) in scenarios() {
        let raised = analysed(&raises());
        for finding in of(&raised, rule) {
            assert!(!finding["frames"].as_array().unwrap().is_empty(), "{finding:#}");
            for text in ["title", "explanation", "fix"] {
                let text = finding[text].as_str().unwrap();
                assert!(text.ends_with('.') && !text.contains("  "), "{finding:#}");
            }
        }
    }
}

/// What the truth of a recorded failure names must be found in it.
#[test]
fn recorded_failures_are_diagnosed() {
    let samples = samples();
    let with_causes = samples.iter().filter_map(|it| Some((it, it.truth["findings"].as_array()?)));
    assert!(with_causes.clone().count() > 0);
    for (sample, wanted) in with_causes {
        let document = Document(ftpscope(&borrowed(&sample.args(&["json"], &[]))).exits(0).json());
        for rule in wanted {
            let rule = rule.as_str().unwrap();
            assert!(
                !of(&document, rule).is_empty(),
                "no {rule} in {}: {:?}",
                sample.name,
                rules_of(&document)
            );
        }
    }
}

/// Recordings in which nothing failed raise no error, and nothing that an auditor must look at but
/// that secrets went in clear text and files from server to server.
#[test]
fn what_is_in_order_raises_no_error() {
    CLEAN.iter().for_each(|name| drop(Sample::named(name)));
    let is_clean = |sample: &&Sample| {
        CLEAN.contains(&sample.name.as_str()) || sample.name.starts_with("plain-")
    };
    for sample in samples().iter().filter(is_clean) {
        let document = Document(ftpscope(&borrowed(&sample.args(&["json"], &[]))).exits(0).json());
        let is_alarm = |finding: &&Value| match finding["kind"].as_str() {
            // Copies between servers are what some of them are recordings of.
            Some("security") => {
                finding["severity"] != "info"
                    && finding["rule"] != "cleartext-credentials"
                    && finding["rule"] != "site-to-site-transfer"
            }
            // What users do wrong in plain work is in order, and yet diagnosed.
            _ => {
                CLEAN.contains(&sample.name.as_str())
                    && (finding["severity"] == "error" || finding["severity"] == "critical")
            }
        };
        let alarms: Vec<_> = document.list("findings").iter().filter(is_alarm).collect();
        assert!(alarms.is_empty(), "{}: {alarms:#?}", sample.name);
    }
}

/// What a security finding says came of it, and only of such.
#[test]
fn security_findings_are_graded() {
    for (rule, raises, _) in scenarios() {
        let raised = analysed(&raises());
        for finding in of(&raised, rule) {
            let is_security = finding["kind"] == "security";
            assert_eq!(finding["grade"].is_string(), is_security, "{finding:#}");
            assert!(is_security || finding["attack"] == serde_json::json!([]), "{finding:#}");
        }
    }
}

/// Rules of captures that no script writes, or that speak only if they are told more: they have
/// tests of their own.
const TRIED_ALONE: [&str; 2] = ["capture-damaged", "known-bad-hash"];

/// Recordings in which nothing failed: what was asked for came about.
const CLEAN: [&str; 27] = [
    "active",
    "ascii",
    "ascii-vsftpd",
    "cooked",
    "digests",
    "ftps-explicit",
    "ftps-implicit",
    "ftps-versions-12",
    "ftps-versions-13",
    "fxp",
    "fxp-both",
    "fxp-unseen",
    "ipv6",
    "late-start",
    "mirror",
    "mlsd",
    "mode-z",
    "names",
    "nat-both-sides",
    "office",
    "port2121",
    "rotated",
    "temporary",
    "textbook",
    "two-vnis",
    "upload",
    "zero",
];

/// The stories as they are told, to be looked at when they change.
#[test]
fn stories_are_told_as_they_were() {
    for name in [
        "fail-active-filtered",
        "fail-control",
        "fail-mtu",
        "fail-passive-reject",
        "fail-private227",
        "mirror",
    ] {
        let sample = Sample::named(name);
        let told = ftpscope(&borrowed(&sample.args(&["diagnose"], &[]))).exits(0).text();
        let path = format!("tests/golden/diagnose/{name}.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all("tests/golden/diagnose").unwrap();
            fs::write(&path, &told).unwrap();
        }
        let wanted = fs::read_to_string(&path).unwrap_or_default();
        assert!(told == wanted, "{path} differs; UPDATE_GOLDEN=1 writes it anew:\n{told}");
    }
}

/// Nothing from the wire acts on the terminal, nothing is wider than it, and no secret is told.
#[test]
fn stories_fit_a_terminal_and_keep_secrets() {
    for sample in samples() {
        let told = ftpscope(&borrowed(&sample.args(&["diagnose"], &[]))).exits(0).text();
        for line in told.lines() {
            assert!(line.chars().count() <= 80, "{}: {line}", sample.name);
            assert!(
                !line.chars().any(char::is_control),
                "{}: {}",
                sample.name,
                line.escape_debug()
            );
        }
        assert!(!told.contains("lab-secret-1"), "{}", sample.name);
    }
}
