//! What comes out does not depend on how many threads there are, nor on which of them is first.

mod common;

use std::fs;

use common::program::{Scratch, ftpscope, noise, sha256};
use common::sample::{borrowed, samples};
use common::script::{From, FtpScript};
use common::told::{carry, log_in_as, quit};
use serde_json::Value;

/// Two runs of the same number would show a race as well.
const THREADS: [&str; 4] = ["1", "2", "2", "5"];

#[test]
fn every_sample_gives_the_same_bytes() {
    for sample in samples() {
        for command in [&["json", "--hash", "sha1,md5"][..], &["json", "--lines"], &["report"]] {
            let [first, others @ ..] = THREADS.map(|threads| {
                let ran = ftpscope(&borrowed(&sample.args(command, &["--threads", threads])));
                (ran.code, ran.stdout, ran.stderr)
            });
            assert!(others.iter().all(|other| *other == first), "{} {command:?}", sample.name);
        }
    }
}

/// Two sessions whose downloads go on at the same time, too long to be hashed where they are found.
fn long_downloads() -> (FtpScript, [Vec<u8>; 2]) {
    let mut script = FtpScript::new();
    let contents = [noise(1, 700_000), noise(2, 300_001)];
    let sessions = [1, 2].map(|client| {
        let control = log_in_as(&mut script, [&format!("10.0.1.{client}:40000"), "10.0.0.2:21"]);
        let announced = format!("< 227 Entering Passive Mode (10,0,0,2,100,{client}).");
        script.dialogue(control, &["> PASV", &announced]);
        let server = format!("10.0.0.2:{}", 25_600 + client);
        let data = script.connect(&format!("10.0.1.{client}:40001"), &server);
        script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
        (control, data)
    });
    let pieces = contents.each_ref().map(|content| content.chunks(content.len() / 50));
    for pair in pieces[0].clone().zip(pieces[1].clone()) {
        script.send(sessions[0].1, From::Responder, pair.0);
        script.send(sessions[1].1, From::Responder, pair.1);
    }
    let last = &contents[1][300_000..];
    for ((control, data), rest) in sessions.into_iter().zip([&[][..], last]) {
        carry(&mut script, data, From::Responder, rest);
        script.dialogue(control, &["< 226 done"]);
        quit(&mut script, control);
    }
    (script, contents)
}

#[test]
fn long_files_have_their_hashes() {
    let (script, contents) = long_downloads();
    let dir = Scratch::new();
    let capture = dir.file("long.pcap", &script.pcap());
    let wanted = contents.map(sha256);
    for threads in THREADS {
        let ran = ftpscope(&["json", "--threads", threads, &capture]).exits(0);
        let document = ran.json();
        let transfers = document["transfers"].as_array().unwrap().iter();
        let found: Vec<&Value> = transfers.map(|transfer| &transfer["hashes"]["sha256"]).collect();
        assert_eq!(found, wanted.each_ref(), "{threads}");
    }
}

#[test]
fn extraction_leaves_the_same_files() {
    let (script, _) = long_downloads();
    let dir = Scratch::new();
    let capture = dir.file("long.pcap", &script.pcap());
    let left = |threads: &str, nth: usize| {
        let to = dir.at(&nth.to_string());
        let hashes = ["--hash", "sha1,md5", "--threads", threads];
        ftpscope(&[&["extract", &capture, "-o", &to][..], &hashes].concat()).exits(0);
        let mut files: Vec<_> =
            fs::read_dir(&to).unwrap().flatten().map(|file| file.path()).collect();
        files.sort();
        files
            .into_iter()
            .map(|path| (path.file_name().unwrap().to_owned(), fs::read(path).unwrap()))
            .collect::<Vec<_>>()
    };
    let first = left("1", 0);
    assert_eq!(first.len(), 4, "two files, the manifest and the sums");
    for (nth, threads) in THREADS.iter().enumerate().skip(1) {
        assert!(left(threads, nth) == first, "{threads} threads");
    }
}
