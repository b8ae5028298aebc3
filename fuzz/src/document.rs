//! What must hold of every document, whatever was captured.

use std::collections::BTreeSet;

use serde_json::Value;

/// Holds a document of one input against itself.
pub(crate) fn check(document: &Value) {
    let packets = number(&document["inputs"][0]["packets"]);
    assert!(number(&document["capture"]["packets"]) <= packets);
    let skipped = document["capture"]["skipped"].as_object().expect("skipped");
    assert!(skipped.values().map(number).sum::<u64>() <= packets);
    frames(document, packets);
    // What was dropped for a bound may be named by what was not.
    let is_all = list(&document["capture"], "limits_reached").is_empty();

    let sessions = ids(document, "sessions");
    let transfers = ids(document, "transfers");
    ids(document, "orphans");
    let firsts = list(document, "sessions").iter().map(|session| number(&session["first_frame"]));
    assert!(firsts.is_sorted());
    let mut named = BTreeSet::new();
    for session in list(document, "sessions") {
        for id in list(session, "transfers") {
            assert!(named.insert(text(id)), "one session has {id}");
            assert!(!is_all || transfers.contains(text(id)), "{id} is nowhere");
        }
        for exchange in list(session, "exchanges") {
            let id = exchange["transfer"].as_str();
            assert!(!is_all || id.is_none_or(|id| transfers.contains(id)));
            for reply in list(exchange, "replies") {
                assert!((100..700).contains(&number(&reply["code"])));
            }
        }
    }
    for transfer in list(document, "transfers") {
        assert!(!is_all || sessions.contains(text(&transfer["session"])));
        assert!(!is_all || named.contains(text(&transfer["id"])), "{transfer:#}");
        check_transfer(transfer);
    }
}

/// The lines tell of the same transfers as the document.
pub(crate) fn check_lines(document: &Value, lines: &[Value]) {
    if !list(&document["capture"], "limits_reached").is_empty() {
        return;
    }
    let of = |record: &'static str| lines.iter().filter(move |line| line["record"] == record);
    for (record, name) in
        [("session", "sessions"), ("transfer", "transfers"), ("orphan", "orphans")]
    {
        let told: BTreeSet<_> = of(record).map(essence).collect();
        let wanted: BTreeSet<_> = list(document, name).iter().map(essence).collect();
        assert_eq!(told, wanted, "{name}");
    }
    let exchanges = list(document, "sessions").iter().map(|one| list(one, "exchanges").len());
    // It may show late that a session is the other side of one: its exchanges are told by then.
    let sessions = ids(document, "sessions");
    let (own, others): (Vec<_>, Vec<_>) =
        of("exchange").partition(|line| sessions.contains(text(&line["session"])));
    assert_eq!(own.len(), exchanges.sum::<usize>());
    let legs = list(document, "sessions").iter().filter_map(|session| session["legs"].as_array());
    let legs: BTreeSet<_> = legs.flatten().map(|leg| text(&leg["id"])).collect();
    assert!(others.iter().all(|line| legs.contains(text(&line["session"]))));
}

/// What does not depend on how text was decoded.
fn essence(record: &Value) -> String {
    let keys = [
        "id",
        "session",
        "first_frame",
        "last_frame",
        "outcome",
        "bytes",
        "missing",
        "hashes",
        "data",
        "tcp",
        "login",
        "command",
        "final_code",
        "rest_offset",
        "transfers",
        "why",
    ];
    keys.map(|key| record[key].to_string()).join(" ")
}

fn check_transfer(transfer: &Value) {
    let missing = list(transfer, "missing");
    let mut end = 0;
    for range in missing {
        assert!(range["bytes"].as_u64() != Some(0), "{transfer:#}");
        if let Some(offset) = range["offset"].as_u64() {
            assert!(offset >= end, "{transfer:#}");
            end = offset + range["bytes"].as_u64().unwrap_or(0);
        }
    }
    let is_whole = missing.is_empty() && transfer["missing_unlisted"].is_null();
    let bytes = transfer["bytes"].as_u64();
    match text(&transfer["outcome"]) {
        "complete" => {
            assert!(is_whole && bytes.is_some(), "{transfer:#}");
            assert_eq!(transfer["final_code"].as_u64().expect("a reply") / 100, 2);
            assert!(transfer["data"].is_object() && transfer["hashes"].is_object());
            assert_ne!(transfer["data"]["link"]["confidence"], "guess", "{transfer:#}");
        }
        "unconfirmed" => assert!(is_whole, "{transfer:#}"),
        "gaps" => assert!(!is_whole, "{transfer:#}"),
        "refused" => assert!(bytes.unwrap_or(0) == 0, "{transfer:#}"),
        "no_connection" | "not_captured" => assert!(bytes.is_none(), "{transfer:#}"),
        "aborted" | "in_progress" | "encrypted" => {}
        other => panic!("{other} is no outcome"),
    }
}

/// Every frame that is named is one of the capture, and what has a beginning ends behind it.
fn frames(value: &Value, packets: u64) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| frames(value, packets)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if let ("frame", Some(frame)) = (name.rsplit('_').next().unwrap(), value.as_u64()) {
                    assert!((1..=packets).contains(&frame), "{name} {frame} of {packets}");
                }
                frames(value, packets);
            }
            if let (Some(first), Some(last)) = (fields.get("first_frame"), fields.get("last_frame"))
            {
                assert!(number(first) <= number(last));
            }
        }
        _ => {}
    }
}

/// The ids of a list, each of which is there once.
fn ids<'a>(document: &'a Value, name: &str) -> BTreeSet<&'a str> {
    let mut ids = BTreeSet::new();
    assert!(list(document, name).iter().all(|record| ids.insert(text(&record["id"]))), "{name}");
    ids
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no list of {name}"))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}
