//! What clients saw of a server, and what they did there.

mod common;

use common::document::analysed;
use common::program::{Scratch, ftpscope};
use common::script::FtpScript;
use common::told::{fetch, log_in, quit};
use serde_json::Value;

/// A listing, a file fetched, one written over, one renamed, one deleted, one never listed.
fn session() -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let listing = b"total 12\r\n\
        -rw-r--r--   1 bob      users        1000 Feb 29  2024 a.bin\r\n\
        -rw-r--r--   1 bob      users        5000 Feb 29  2024 b.bin\r\n\
        lrwxrwxrwx   1 bob      users           5 Feb 29  2024 link -> a.bin\r\n\
        drwxr-xr-x   2 bob      users        4096 Feb 29  2024 sub\r\n\
        ?? what is this\r\n";
    fetch(&mut script, control, "LIST", [40_001, 30_001], listing);
    fetch(&mut script, control, "RETR a.bin", [40_002, 30_002], &[7; 1000]);
    fetch(&mut script, control, "STOR b.bin", [40_003, 30_003], &[8; 10]);
    fetch(&mut script, control, "STOR new.bin", [40_004, 30_004], &[9; 10]);
    script.dialogue(control, &["> RNFR new.bin", "< 350 go on", "> RNTO final.bin", "< 250 done"]);
    script.dialogue(control, &["> DELE b.bin", "< 250 gone"]);
    let facts = "< 250-Listing\r\n Type=file;Size=77;Modify=20240229120005; sub/c.txt\r\n250 End";
    script.dialogue(control, &["> MLST sub/c.txt", facts]);
    let status = "< 213-Status\r\n-rw-r--r-- 1 bob users 3 Feb 29 2024 d.txt\r\n213 End";
    script.dialogue(control, &["> STAT sub", status]);
    quit(&mut script, control);
    script
}

#[test]
fn entries_are_data_and_lines_that_are_none_are_kept() {
    let document = analysed(&session());
    let listing = &document.list("transfers")[0];
    let entries = listing["entries"].as_array().unwrap();
    let names: Vec<_> = entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a.bin", "b.bin", "link", "sub"]);
    assert_eq!(
        (&entries[0]["size"], &entries[0]["modified"]),
        (&1000.into(), &"2024-02-29".into())
    );
    assert_eq!((&entries[2]["kind"], &entries[2]["target"]), (&"link".into(), &"a.bin".into()));
    assert_eq!(listing["unparsed"], serde_json::json!(["?? what is this"]));
}

#[test]
fn the_tree_tells_what_was_seen_and_done() {
    let document = analysed(&session());
    let trees = document.list("server_trees");
    assert_eq!(trees.len(), 1, "{trees:#?}");
    assert_eq!(trees[0]["user"], "bob");
    let entries = trees[0]["entries"].as_array().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let path = entry["path"].as_str().unwrap();
            let ids = |list: &str| entry[list].as_array().unwrap().len();
            let seen = entry["seen"].is_object();
            (path, seen, ids("fetched"), ids("stored"), entry["deleted"].is_object())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("/home/bob/a.bin", true, 1, 0, false),
            ("/home/bob/b.bin", true, 0, 1, true),
            ("/home/bob/final.bin", false, 0, 1, false),
            ("/home/bob/link", true, 0, 0, false),
            ("/home/bob/sub", true, 0, 0, false),
            ("/home/bob/sub/c.txt", true, 0, 0, false),
            ("/home/bob/sub/d.txt", true, 0, 0, false),
        ]
    );
    assert_eq!(entries[5]["modified"], "2024-02-29T12:00:05Z");
}

#[test]
fn the_sizes_of_a_listing_are_held_against_what_was_moved() {
    let document = analysed(&session());
    let checks = |name: &str| -> Vec<(String, Value)> {
        let transfer = document.transfer(name).0;
        let checks = transfer["checks"].as_array().into_iter().flatten();
        checks
            .map(|check| (check["source"].as_str().unwrap().to_owned(), check["agrees"].clone()))
            .collect()
    };
    assert_eq!(checks("a.bin"), [("LIST".to_owned(), Value::Bool(true))]);
    // What was said of a file before it was written over is not said of what was written.
    assert_eq!(checks("b.bin"), []);
}

#[test]
fn the_tree_is_drawn() {
    let dir = Scratch::new();
    let capture = dir.file("tree.pcap", &session().pcap());
    let drawn = ftpscope(&["tree", &capture]).exits(0).text();
    for wanted in [
        "bob  6 seen, 1 fetched, 2 stored, 1 deleted",
        "a.bin",
        "link -> a.bin",
        "sub/",
        "↓ t2",
        "never listed",
    ] {
        assert!(drawn.contains(wanted), "{wanted} in\n{drawn}");
    }
    assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
}

/// Names relative to a directory that is not known, and the same from the root.
#[test]
fn what_is_listed_before_the_directory_is_known_is_in_the_tree() {
    let mut script = FtpScript::new();
    let control = script.connect("10.0.0.1:40000", "10.0.0.2:21");
    script.dialogue(control, &["< 220 hi", "> USER bob", "< 331 so?", "> PASS x", "< 230 in"]);
    let listing = b"-rw-r--r-- 1 bob users 7 Feb 29 2024 f\r\n";
    fetch(&mut script, control, "LIST", [40_001, 30_001], listing);
    fetch(&mut script, control, "LIST /", [40_002, 30_002], listing);
    quit(&mut script, control);
    let document = analysed(&script);
    let entries = document.list("server_trees")[0]["entries"].as_array().unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (&entry["path"], &entry["size"])).collect();
    assert_eq!(told, [(&"/f".into(), &7.into()), (&"f".into(), &7.into())]);
    let dir = Scratch::new();
    let capture = dir.file("tree.pcap", &script.pcap());
    let drawn = ftpscope(&["tree", &capture]).exits(0).text();
    let names = drawn.lines().map(|line| line.get(..8).unwrap_or(line).trim_end());
    assert_eq!(names.skip(1).collect::<Vec<_>>(), ["  /", "    f", "  f"], "{drawn}");
}

/// Each name of a listing holds the path of its directory, too.
#[test]
fn long_paths_take_no_more_room_than_there_is() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let names: String = (0..20_000).map(|nth| format!("{nth}\r\n")).collect();
    let long = format!("NLST /{}", "x/".repeat(2000));
    fetch(&mut script, control, &long, [40_001, 30_001], names.as_bytes());
    // Longer than any path is.
    let longer = format!("NLST /{}", "y/".repeat(3000));
    fetch(&mut script, control, &longer, [40_002, 30_002], b"a\r\nb\r\n");
    quit(&mut script, control);
    let document = analysed(&script);
    let tree = &document.list("server_trees")[0];
    let kept = tree["entries"].as_array().unwrap().len() as u64;
    assert!((16_000..17_000).contains(&kept), "{kept}");
    assert_eq!(tree["unlisted"], 20_002 - kept);
    let dir = Scratch::new();
    let capture = dir.file("tree.pcap", &script.pcap());
    let drawn = ftpscope(&["tree", &capture]).exits(0).text();
    assert!(drawn.contains("There was no room for 3,"), "{}", &drawn[drawn.len() - 300..]);
}
