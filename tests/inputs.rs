//! Whatever is named as an input: devices, other formats, broken and growing files, wild clocks.

mod common;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use common::program::{Scratch, command, ftpscope, ftpscope_fed};

const PASSIVE: &str = "samples/passive.pcap";
const NANOS: u64 = 1_000_000_000;

fn passive() -> Vec<u8> {
    fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/passive.pcap")).unwrap()
}

/// Where each record of a little-endian pcap begins, and its end.
fn records(file: &[u8]) -> Vec<usize> {
    let mut starts = vec![24];
    while let Some(len) = file.get(starts[starts.len() - 1] + 8..).and_then(<[u8]>::first_chunk) {
        starts.push(starts[starts.len() - 1] + 16 + u32::from_le_bytes(*len) as usize);
    }
    starts
}

fn warnings(document: &Value) -> String {
    let all = document["warnings"].as_array().unwrap().iter();
    all.map(|warning| warning.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_no_capture_is_named_and_does_not_stop_the_others() {
    let scratch = Scratch::new();
    let mut etl = vec![0_u8; 4096];
    etl[72..76].copy_from_slice(&[2, 0, 2, 0xc0]);
    for (name, bytes, wanted) in [
        ("empty", &b""[..], "not a capture: an empty file"),
        ("text", b"10:00:01 IP a > b\n", "not a capture: a text file"),
        ("elf", b"\x7fELF\x02\x01\x01\0\0\0\0\0", "not a capture: an ELF program"),
        ("zeros", &[0; 5000], "not a capture: zeros where a capture would begin"),
        (
            "snoop",
            b"snoop\0\0\0\0\0\0\x02\0\0\0\x04",
            "a snoop capture, which is not read: `editcap -F pcap` converts it",
        ),
        (
            "netmon2",
            b"GMBU\x01\x02\x01\0\0\0\0\0\0",
            "a Microsoft Network Monitor 2 capture, which is not read",
        ),
        (
            "netmon1",
            b"RTSS\x01\x01\x01\0\0\0\0\0\0",
            "a Microsoft Network Monitor 1 capture, which is not read",
        ),
        ("etl", &etl, "a Windows event trace (ETL), which is not read: `etl2pcapng` converts it"),
    ] {
        let path = scratch.file(name, bytes);
        let alone = ftpscope(&["json", &path]).exits(3);
        assert!(alone.stderr.contains(&format!("{path}: {wanted}")), "{}", alone.stderr);
        let document = ftpscope(&["json", &path, PASSIVE, "/"]).exits(4).json();
        let error = document["inputs"][0]["error"].as_str().unwrap();
        assert!(error.starts_with(wanted), "{error}");
        assert_eq!(document["inputs"][2]["error"], "is a directory, not a capture");
        assert_eq!(document["sessions"].as_array().unwrap().len(), 3, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn devices_are_looked_at_and_left() {
    let scratch = Scratch::new();
    for (path, wanted) in [
        ("/dev/null", "not a capture: an empty stream"),
        ("/dev/zero", "not a capture: zeros where a capture would begin"),
    ] {
        let out = scratch.at(&path.replace('/', "_"));
        for args in [&["json", path][..], &["report", path], &["extract", path, "-o", &out]] {
            let ran = ftpscope(args).exits(3);
            assert!(ran.stderr.contains(wanted), "{args:?}: {}", ran.stderr);
        }
        // Hashing reads inputs to their ends, which a device need not have.
        let both = ["extract", path, PASSIVE, "-o", &out, "-q"];
        assert!(ftpscope(&both).exits(4).text().starts_with("9 files"));
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_and_endless_zeros_behind_a_capture_come_to_an_end() {
    let scratch = Scratch::new();
    let fifo = scratch.at("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let child = command(&["extract", &fifo, "-o", &scratch.at("out"), "-q"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = OpenOptions::new().write(true).open(&fifo).unwrap();
    writer.write_all(&passive()).unwrap();
    // Until nobody listens any more.
    while writer.write_all(&[0; 65536]).is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(output.stdout.starts_with(b"9 files"));
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_said_to_be_that() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let path = scratch.file("locked", &passive());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    if fs::read(&path).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let document = ftpscope(&["json", &path, PASSIVE]).exits(4).json();
    assert_eq!(document["inputs"][0]["error"], "cannot be read");
    assert!(warnings(&document).contains("locked: cannot be read: Permission denied"));
}

#[cfg(unix)]
#[test]
fn the_name_of_a_file_does_not_act_on_the_terminal() {
    let scratch = Scratch::new();
    let path = scratch.file("a\u{1b}[2J\u{202e}b", b"text");
    let ran = ftpscope(&["json", &path]).exits(3);
    assert!(!ran.stderr.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.stderr);
}

#[test]
fn corrupt_record_headers_cost_their_records_and_are_told() {
    let scratch = Scratch::new();
    let mut file = passive();
    let starts = records(&file);
    let whole = ftpscope(&["json", PASSIVE]).exits(0).json();
    // The last packet but nine: everything before it is as it was.
    let at = starts[starts.len() - 11];
    file[at + 8..at + 12].fill(0xff);
    let document = ftpscope(&["json", &scratch.file("corrupt", &file)]).exits(4).json();
    let damage = &document["inputs"][0]["damage"];
    let lost = starts[starts.len() - 10] - at;
    let what = format!("no record can begin here: {lost} bytes skipped to the next one");
    let place = json!({"offset": at, "after_packet": starts.len() - 11, "what": what});
    assert_eq!(damage, &json!({"count": 1, "places": [place]}));
    let packets = |document: &Value| document["inputs"][0]["packets"].as_u64().unwrap();
    assert_eq!(packets(&document), packets(&whole) - 1);
    assert!(warnings(&document).contains(&what));
}

/// A capture that is written while it is read: what is there at the beginning is the capture.
#[test]
fn a_file_that_grows_gives_what_it_was() {
    let scratch = Scratch::new();
    let bytes = passive();
    let starts = records(&bytes);
    let half = starts[starts.len() / 2];
    let path = scratch.file("growing", &bytes[..half]);
    let before = ftpscope(&["json", &path]).exits(0).stdout;
    // An input beside it that speaks late keeps the reading open.
    let mut child = command(&["json", &path, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    OpenOptions::new().append(true).open(&path).unwrap().write_all(&bytes[half..]).unwrap();
    stdin.write_all(&bytes[..24]).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let grown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", warnings(&grown));
    assert_eq!(grown["inputs"][0]["changed"], "grew");
    assert!(warnings(&grown).contains("grew while it was read; what was added is not here"));
    let before: Value = serde_json::from_slice(&before).unwrap();
    for field in ["packets", "bytes", "last_time"] {
        assert_eq!(grown["inputs"][0][field], before["inputs"][0][field], "{field}");
    }
}

#[test]
fn a_bomb_ends_with_a_word() {
    // A pcapng of nothing but comments: 2 GiB in 2 MB, which would be 20 GB in 20 MB.
    let section = [
        &0x0a0d_0d0a_u32.to_le_bytes()[..],
        &28_u32.to_le_bytes(),
        &0x1a2b_3c4d_u32.to_le_bytes(),
        &[1, 0, 0, 0],
        &[0xff; 8],
        &28_u32.to_le_bytes(),
    ]
    .concat();
    let len = (1_u32 << 20).to_le_bytes();
    let body = vec![0; (1 << 20) - 12];
    let block = [&0x0bad_u32.to_le_bytes()[..], &len, &body, &len].concat();
    let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
    packed.write_all(&section).unwrap();
    (0..2048).for_each(|_| packed.write_all(&block).unwrap());
    let packed = packed.finish().unwrap();
    let started = Instant::now();
    let document = ftpscope_fed(&["json", "-"], &packed).exits(4).json();
    assert!(started.elapsed() < Duration::from_secs(60));
    let said = "the zstd stream unpacked to 1073741824 bytes without a packet";
    assert!(warnings(&document).contains(said), "{}", warnings(&document));
    assert_eq!(
        document["capture"]["limits_reached"],
        json!([{"name": "unpacked_bytes", "count": 1}])
    );
}

#[test]
fn clocks_that_step_or_jump_are_told_and_small_disorder_is_only_counted() {
    let scratch = Scratch::new();
    let bytes = passive();
    let starts = records(&bytes);
    let shifted = |nth: usize, by: i64| {
        let mut file = bytes.clone();
        for start in &starts[nth..starts.len() - 1] {
            let secs = u32::from_le_bytes(*file[*start..].first_chunk().unwrap());
            let secs = u32::try_from(i64::from(secs) + by).unwrap();
            file[*start..*start + 4].copy_from_slice(&secs.to_le_bytes());
        }
        let document = ftpscope(&["json", &scratch.file("shifted", &file)]).exits(0).json();
        (document["inputs"][0].clone(), warnings(&document), document["transfers"].clone())
    };
    let outcomes = |transfers: &Value| {
        let all = transfers.as_array().unwrap().iter();
        all.map(|transfer| (transfer["outcome"].clone(), transfer["hashes"].clone()))
            .collect::<Vec<_>>()
    };
    let (same, said, transfers) = shifted(100, 0);
    assert_eq!((&same["time_steps_back"], &same["time_jumps_ahead"]), (&Value::Null, &Value::Null));
    assert!(said.is_empty(), "{said}");

    let (back, said, moved) = shifted(100, -7200);
    assert_eq!(back["time_steps_back"]["count"], 1);
    assert_eq!(back["time_steps_back"]["first_frame"], 101);
    let nanos = back["time_steps_back"]["largest_ns"].as_u64().unwrap();
    assert!((7100 * NANOS..=7200 * NANOS).contains(&nanos), "{nanos}");
    assert!(said.contains("the clock steps back by 7") && said.contains("at frame 101"), "{said}");
    assert_eq!(outcomes(&moved), outcomes(&transfers));

    let (ahead, said, moved) = shifted(100, 7200);
    assert_eq!(ahead["time_jumps_ahead"]["first_frame"], 101);
    assert!(said.contains("the clock jumps ahead by 7"), "{said}");
    assert_eq!(outcomes(&moved), outcomes(&transfers));

    // Two packets change places: a step of less than a second.
    let mut swapped = bytes[..starts[200]].to_vec();
    swapped.extend(&bytes[starts[201]..starts[202]]);
    swapped.extend(&bytes[starts[200]..starts[201]]);
    swapped.extend(&bytes[starts[202]..]);
    let document = ftpscope(&["json", &scratch.file("swapped", &swapped)]).exits(0).json();
    assert_eq!(document["inputs"][0]["time_steps_back"]["count"], 1);
    assert!(!warnings(&document).contains("clock"), "{}", warnings(&document));
}
