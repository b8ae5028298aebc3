//! Copies between two servers that one client arranges.

mod common;

use common::document::analysed;
use common::program::noise;
use common::script::{Conn, From, FtpScript};
use common::told::{carry, log_in_as, quit};
use serde_json::Value;

const CLIENT: &str = "10.0.0.1";

/// `from` listens, `to` dials; with `is_seen` the bytes pass the place of capture.
fn copy(is_seen: bool, commands: [&str; 2]) -> FtpScript {
    copy_by([CLIENT, CLIENT], is_seen, commands)
}

fn copy_by(clients: [&str; 2], is_seen: bool, [retr, stor]: [&str; 2]) -> FtpScript {
    let mut script = FtpScript::new();
    let one = log_in_as(&mut script, [&format!("{}:40000", clients[0]), "10.0.0.2:21"]);
    let other = log_in_as(&mut script, [&format!("{}:40001", clients[1]), "10.0.0.3:21"]);
    script.dialogue(one, &["> PASV", "< 227 Entering Passive Mode (10,0,0,2,100,1)."]);
    script.dialogue(other, &["> PORT 10,0,0,2,100,1", "< 200 ok"]);
    script.client(one, format!("{retr}\r\n"));
    script.client(other, format!("{stor}\r\n"));
    let data = is_seen.then(|| script.connect("10.0.0.3:20", "10.0.0.2:25601"));
    script.server(one, "150 here it comes\r\n");
    script.server(other, "150 go on\r\n");
    if let Some(data) = data {
        let sender = if retr.starts_with("RETR") { From::Responder } else { From::Originator };
        carry(&mut script, data, sender, &noise(1, 5000));
    }
    done(&mut script, one);
    done(&mut script, other);
    script
}

fn done(script: &mut FtpScript, control: Conn) {
    script.server(control, "226 done\r\n");
    quit(script, control);
}

#[track_caller]
fn assert_copied(script: &FtpScript, source: [&str; 3], destination: [&str; 3]) -> Vec<Value> {
    let document = analysed(script);
    let transfers = document.list("transfers").to_vec();
    assert_eq!(transfers.len(), 2);
    for transfer in &transfers {
        assert_eq!(transfer["direction"], "site_to_site", "{transfer:#}");
        let copy = &transfer["site_to_site"];
        let told = |site: &Value| {
            [&site["session"], &site["server"]["ip"], &site["path"]]
                .map(|text| text.as_str().unwrap().to_owned())
        };
        assert_eq!(told(&copy["source"]), source);
        assert_eq!(told(&copy["destination"]), destination);
    }
    assert_eq!(transfers[0]["site_to_site"], transfers[1]["site_to_site"]);
    transfers
}

#[test]
fn two_commands_in_two_sessions_are_one_copy() {
    let script = copy(true, ["RETR a.bin", "STOR b.bin"]);
    let (from, to) = (["s1", "10.0.0.2", "/home/bob/a.bin"], ["s2", "10.0.0.3", "/home/bob/b.bin"]);
    for transfer in assert_copied(&script, from, to) {
        assert_eq!((&transfer["bytes"], &transfer["outcome"]), (&5000.into(), &"complete".into()));
    }
}

#[test]
fn the_server_that_listens_may_be_the_one_that_takes() {
    let script = copy(true, ["STOR a.bin", "RETR b.bin"]);
    assert_copied(
        &script,
        ["s2", "10.0.0.3", "/home/bob/b.bin"],
        ["s1", "10.0.0.2", "/home/bob/a.bin"],
    );
}

#[test]
fn a_copy_that_does_not_pass_the_place_of_capture_is_told_all_the_same() {
    let script = copy(false, ["RETR a.bin", "STOR b.bin"]);
    let (from, to) = (["s1", "10.0.0.2", "/home/bob/a.bin"], ["s2", "10.0.0.3", "/home/bob/b.bin"]);
    for transfer in assert_copied(&script, from, to) {
        assert_eq!(transfer["outcome"], "not_captured");
        assert_eq!(transfer["bytes"], Value::Null);
    }
}

#[test]
fn two_clients_and_two_downloads_are_no_copy() {
    let script = copy(false, ["RETR a.bin", "RETR b.bin"]);
    for transfer in analysed(&script).list("transfers") {
        assert_eq!(transfer["site_to_site"], Value::Null);
        assert_eq!(transfer["direction"], "download");
    }
    let script = copy_by([CLIENT, "10.0.0.9"], false, ["RETR a.bin", "STOR b.bin"]);
    let document = analysed(&script);
    let transfers = document.list("transfers").iter();
    assert_eq!(transfers.filter(|one| one["site_to_site"].is_null()).count(), 2);
}
