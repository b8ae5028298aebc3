//! Which data connection carries which transfer.

mod common;

use std::time::Duration;

use common::document::{Document, analysed, analysed_with};
use common::program::{Scratch, ftpscope, noise, sha256};
use common::script::{Conn, From, FtpScript, flag};
use common::told::{
    CONTROL, LOGIN, carry, dial, fetch, host_port, log_in, log_in_as, pasv, port, quit,
};

use From::{Originator, Responder};

/// A session of one download, whose setup and data connection `tell` tells.
fn told(tell: impl FnOnce(&mut FtpScript, Conn, &[u8])) -> (Document, Vec<u8>) {
    let content = noise(7, 10_000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    tell(&mut script, control, &content);
    quit(&mut script, control);
    (analysed(&script), content)
}

/// RETR over an open data connection, sent by `sender`.
fn retr(script: &mut FtpScript, control: Conn, data: Conn, sender: From, content: &[u8]) {
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    carry(script, data, sender, content);
    script.dialogue(control, &["< 226 done"]);
}

/// RETR answered by a connection from the server to `client`.
fn active(script: &mut FtpScript, control: Conn, name: &str, ends: [&str; 2], content: &[u8]) {
    script.dialogue(control, &[&format!("> RETR {name}")]);
    let data = script.connect(ends[0], ends[1]);
    script.dialogue(control, &["< 150 here it comes"]);
    carry(script, data, Originator, content);
    script.dialogue(control, &["< 226 done"]);
}

#[test]
fn a_227_is_followed_to_exactly_its_address_and_port() {
    let (document, content) = told(|script, control, content| {
        pasv(script, control, 30000);
        let data = dial(script, 40001, 30000);
        retr(script, control, data, Responder, content);
    });
    let moved = document.only().is_whole(content).linked("announced", "certain");
    assert_eq!(moved.0["setup"]["method"], "passive");
    assert_eq!(moved.0["setup"]["command"], "PASV");
    assert_eq!(moved.0["setup"]["announced"]["ip"], "10.0.0.2");
    assert_eq!(moved.0["setup"]["announced"]["port"], 30000);
    assert_eq!(moved.0["data"]["opened_by"], "client");
    assert_eq!(moved.0["data"]["client"]["port"], 40001);
}

#[test]
fn a_private_address_in_a_227_does_not_hide_the_connection_to_the_public_one() {
    let (document, content) = told(|script, control, content| {
        let private = "< 227 Entering Passive Mode (192,168,77,5,117,48).";
        script.dialogue(control, &["> PASV", private]);
        let data = dial(script, 40001, 30000);
        retr(script, control, data, Responder, content);
    });
    let moved = document.only().is_whole(content).linked("announced_port", "likely");
    assert_eq!(moved.0["setup"]["announced"]["ip"], "192.168.77.5");
    assert_eq!(moved.0["data"]["server"]["ip"], "10.0.0.2");
}

#[test]
fn a_229_means_the_server_of_the_session() {
    let (document, content) = told(|script, control, content| {
        script.dialogue(control, &["> EPSV", "< 229 Entering Extended Passive Mode (|||30000|)"]);
        let data = dial(script, 40001, 30000);
        retr(script, control, data, Responder, content);
    });
    let moved = document.only().is_whole(content).linked("announced", "certain");
    assert_eq!(moved.0["setup"]["announced"]["ip"], "10.0.0.2");
}

#[test]
fn a_228_is_followed() {
    let (document, content) = told(|script, control, content| {
        let long = "< 228 Entering Long Passive Mode (4,4,10,0,0,2,2,117,48)";
        script.dialogue(control, &["> LPSV", long]);
        let data = dial(script, 40001, 30000);
        retr(script, control, data, Responder, content);
    });
    document.only().is_whole(content).linked("announced", "certain");
}

#[test]
fn an_active_connection_may_come_from_any_port_of_the_server() {
    for source in ["10.0.0.2:20", "10.0.0.2:50123", "10.0.0.2:1024"] {
        let (document, content) = told(|script, control, content| {
            port(script, control, 40001);
            active(script, control, "f", [source, "10.0.0.1:40001"], content);
        });
        let moved = document.only().is_whole(content).linked("announced", "certain");
        assert_eq!(moved.0["setup"]["method"], "active", "{source}");
        assert_eq!(moved.0["data"]["opened_by"], "server", "{source}");
        assert_eq!(moved.0["data"]["client"]["port"], 40001, "{source}");
    }
}

#[test]
fn eprt_and_lprt_are_followed_in_both_families() {
    let v6 = ["[2001:db8::1]:40000", "[2001:db8::2]:21"];
    for (ends, setup, source, target) in [
        (CONTROL, "EPRT |1|10.0.0.1|40001|", "10.0.0.2:20", "10.0.0.1:40001"),
        (CONTROL, "EPRT |1|10.0.0.1|40001|", "10.0.0.2:50000", "10.0.0.1:40001"),
        (CONTROL, "LPRT 4,4,10,0,0,1,2,156,65", "10.0.0.2:20", "10.0.0.1:40001"),
        (v6, "EPRT |2|2001:db8::1|40001|", "[2001:db8::2]:20", "[2001:db8::1]:40001"),
        (v6, "EPRT |2|2001:db8::1|40001|", "[2001:db8::2]:50000", "[2001:db8::1]:40001"),
    ] {
        let content = noise(8, 5000);
        let mut script = FtpScript::new();
        let control = log_in_as(&mut script, ends);
        script.dialogue(control, &[&format!("> {setup}"), "< 200 ok"]);
        active(&mut script, control, "f", [source, target], &content);
        quit(&mut script, control);
        let document = analysed(&script);
        let moved = document.only().is_whole(&content).linked("announced", "certain");
        assert_eq!(moved.0["setup"]["method"], "active", "{setup}");
        assert_eq!(moved.0["direction"], "download", "{setup}");
    }
}

#[test]
fn a_229_works_over_ipv6() {
    let content = noise(8, 5000);
    let mut script = FtpScript::new();
    let control = log_in_as(&mut script, ["[2001:db8::1]:40000", "[2001:db8::2]:21"]);
    script.dialogue(control, &["> EPSV", "< 229 Entering Extended Passive Mode (|||30000|)"]);
    let data = script.connect("[2001:db8::1]:40001", "[2001:db8::2]:30000");
    retr(&mut script, control, data, Responder, &content);
    analysed(&script).only().is_whole(content).linked("announced", "certain");
}

#[test]
fn verbs_of_any_case_do_what_they_say() {
    let content = noise(9, 3000);
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    let login = LOGIN.map(|line| {
        let (verb, rest) = line.split_at(line.len().min(6));
        if line.starts_with('>') { verb.to_lowercase() + rest } else { line.to_owned() }
    });
    script.dialogue(control, &login.each_ref().map(String::as_str));
    script.dialogue(control, &["> cwd Sub", "< 250 ok"]);
    script.dialogue(control, &[&format!("> pOrT {}", host_port(1, 40001)), "< 200 ok", "> retr f"]);
    let data = script.connect("10.0.0.2:20", "10.0.0.1:40001");
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, Originator, &content);
    script.dialogue(control, &["< 226 done"]);
    let document = analysed(&script);
    let moved = document.only().is_whole(content).linked("announced", "certain");
    assert_eq!(moved.path(), Some("/home/bob/Sub/f"));
    assert_eq!(moved.0["command"], "RETR");
    assert_eq!(document.session(0)["user"], "bob");
    assert_eq!(document.session(0)["login"], "accepted");
}

#[test]
fn a_227_split_over_two_segments_is_followed() {
    let (document, content) = told(|script, control, content| {
        script.dialogue(control, &["> PASV"]);
        script.server(control, "227 Entering Passive Mode (10,0,0,2,1");
        script.server(control, "17,48).\r\n");
        let data = dial(script, 40001, 30000);
        retr(script, control, data, Responder, content);
    });
    document.only().is_whole(content).linked("announced", "certain");
}

#[test]
fn a_227_behind_another_line_of_its_segment_is_followed() {
    let (document, content) = told(|script, control, content| {
        script.dialogue(control, &["> NOOP", "> PASV"]);
        script.server(control, "200 ok\r\n227 Entering Passive Mode (10,0,0,2,117,48).\r\n");
        let data = dial(script, 40001, 30000);
        retr(script, control, data, Responder, content);
    });
    document.only().is_whole(content).linked("announced", "certain");
    assert_eq!(document.said("NOOP").codes(), [200]);
}

#[test]
fn a_227_of_several_lines_is_followed() {
    let (document, content) = told(|script, control, content| {
        script.dialogue(control, &["> PASV"]);
        script
            .server(control, "227-One moment\r\n227 Entering Passive Mode (10,0,0,2,117,48).\r\n");
        let data = dial(script, 40001, 30000);
        retr(script, control, data, Responder, content);
    });
    document.only().is_whole(content).linked("announced", "certain");
}

#[test]
fn pasv_and_retr_in_one_segment_belong_together() {
    let (document, content) = told(|script, control, content| {
        script.client(control, "PASV\r\nRETR f\r\n");
        script.dialogue(control, &["< 227 Entering Passive Mode (10,0,0,2,117,48)."]);
        let data = dial(script, 40001, 30000);
        script.dialogue(control, &["< 150 here it comes"]);
        carry(script, data, Responder, content);
        script.dialogue(control, &["< 226 done"]);
    });
    document.only().is_whole(content).linked("announced", "certain");
}

#[test]
fn several_pipelined_pairs_of_pasv_and_retr_keep_their_order() {
    let contents = [noise(1, 3000), noise(2, 4000), noise(3, 5000)];
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.client(control, "PASV\r\nRETR a\r\nPASV\r\nRETR b\r\nPASV\r\nRETR c\r\n");
    for (nth, content) in (0..).zip(&contents) {
        let announced = format!("< 227 Entering Passive Mode ({}).", host_port(2, 30000 + nth));
        script.dialogue(control, &[&announced]);
        let data = dial(&mut script, 40001 + nth, 30000 + nth);
        script.dialogue(control, &["< 150 here it comes"]);
        carry(&mut script, data, Responder, content);
        script.dialogue(control, &["< 226 done"]);
    }
    let document = analysed(&script);
    for (name, content) in ["a", "b", "c"].iter().zip(&contents) {
        document.transfer(name).is_whole(content).linked("announced", "certain");
    }
}

#[test]
fn a_227_after_the_first_data_packets_in_the_file_is_followed() {
    let (document, content) = told(|script, control, content| {
        pasv(script, control, 30000);
        let frame = script.frame_of("227 Entering");
        let data = dial(script, 40001, 30000);
        // The 227 and its ACK come behind the handshake.
        for step in 0..3 {
            script.swap(frame + 1 + step, frame + 2 + step);
            script.swap(frame + step, frame + 1 + step);
        }
        retr(script, control, data, Responder, content);
    });
    let moved = document.only().is_whole(content);
    assert_eq!(moved.link()[0], "late_announcement");
}

#[test]
fn data_that_stands_wholly_before_its_announcement_is_followed() {
    // Two interfaces, two files: all of the data connection comes first.
    let content = noise(5, 30_000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR f", [40001, 30000], &content);
    quit(&mut script, control);
    let pasv = script.frame_of("PASV") as usize - 1;
    let times: Vec<_> = script.packets().iter().map(|packet| packet.time).collect();
    let first_data = script.packets()[pasv + 4].sender.0;
    script.packets_mut()[pasv..].sort_by_key(|packet| packet.sender.0 != first_data);
    script.packets_mut().iter_mut().zip(times).for_each(|(packet, time)| packet.time = time);
    let document = analysed(&script);
    let moved = document.only().carries(&content);
    assert_eq!(moved.link()[0], "late_announcement");
    moved.is_whole(content);
}

#[test]
fn the_same_passive_port_again_and_again_keeps_the_order() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let contents: Vec<_> = (0..6).map(|nth| noise(nth, 1000 + 700 * nth as usize)).collect();
    for (nth, content) in (0..).zip(&contents) {
        fetch(&mut script, control, &format!("RETR f{nth}"), [40001 + nth, 30000], content);
    }
    quit(&mut script, control);
    let document = analysed(&script);
    for (nth, content) in contents.iter().enumerate() {
        document.transfer(&format!("f{nth}")).is_whole(content).linked("announced", "certain");
    }
}

#[test]
fn the_same_four_tuple_again_is_another_data_connection() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let contents = [noise(1, 4000), noise(2, 4000), noise(3, 100)];
    for (nth, content) in contents.iter().enumerate() {
        fetch(&mut script, control, &format!("RETR f{nth}"), [40001, 30000], content);
    }
    quit(&mut script, control);
    let document = analysed(&script);
    for (nth, content) in contents.iter().enumerate() {
        document.transfer(&format!("f{nth}")).is_whole(content).linked("announced", "certain");
    }
}

#[test]
fn three_active_transfers_in_a_row_from_port_20_are_three_files() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let contents = [noise(1, 4000), noise(2, 5000), noise(3, 6000)];
    for (nth, content) in (0..).zip(&contents) {
        port(&mut script, control, 40001 + nth);
        let client = format!("10.0.0.1:{}", 40001 + nth);
        active(&mut script, control, &format!("f{nth}"), ["10.0.0.2:20", &client], content);
    }
    quit(&mut script, control);
    let document = analysed(&script);
    for (nth, content) in contents.iter().enumerate() {
        document.transfer(&format!("f{nth}")).is_whole(content).linked("announced", "certain");
    }
}

#[test]
fn a_port_stays_in_force_for_the_next_transfer() {
    let contents = [noise(1, 4000), noise(2, 5000)];
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    port(&mut script, control, 40001);
    for (name, content) in ["a", "b"].iter().zip(&contents) {
        active(&mut script, control, name, ["10.0.0.2:20", "10.0.0.1:40001"], content);
    }
    quit(&mut script, control);
    let document = analysed(&script);
    for (name, content) in ["a", "b"].iter().zip(&contents) {
        document.transfer(name).is_whole(content).linked("announced", "certain");
    }
}

#[test]
fn with_nothing_announced_the_default_port_is_used() {
    let (document, content) = told(|script, control, content| {
        active(script, control, "f", ["10.0.0.2:20", "10.0.0.1:40000"], content);
    });
    let moved = document.only().is_whole(content).linked("default_port", "certain");
    assert_eq!(moved.0["setup"]["method"], "default");
    assert_eq!(moved.0["setup"]["announced"], serde_json::Value::Null);
}

#[test]
fn a_connection_nothing_announced_is_linked_by_time() {
    // The 227 was lost by the capture.
    let (document, content) = told(|script, control, content| {
        pasv(script, control, 30000);
        let frame = script.frame_of("227 Entering");
        script.lose(frame);
        let data = dial(script, 40001, 30000);
        retr(script, control, data, Responder, content);
    });
    let moved = document.only().linked("time_order", "guess");
    moved.carries(content);
    assert_eq!(document.said("RETR").codes(), [150, 226]);
}

#[test]
fn a_refused_port_is_withdrawn() {
    for refusal in ["500 Illegal PORT command", "425 no"] {
        let content = noise(3, 2000);
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        let announce = format!("> PORT {}", host_port(1, 40001));
        script.dialogue(control, &[&announce, &format!("< {refusal}")]);
        fetch(&mut script, control, "RETR f", [40002, 30000], &content);
        quit(&mut script, control);
        let stranger = script.connect("10.0.0.2:50000", "10.0.0.1:40001");
        carry(&mut script, stranger, Originator, b"not of this session");
        let document = analysed(&script);
        let moved = document.only().is_whole(&content);
        assert_eq!(moved.0["setup"]["command"], "PASV", "{refusal}");
    }
}

#[test]
fn a_refused_pasv_announces_nothing() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let refused = "< 500 Not (10,0,0,2,117,48) now";
    script.dialogue(control, &["> PASV", refused, "> RETR f", "< 425 Use PORT or PASV first."]);
    quit(&mut script, control);
    let document = analysed(&script);
    let moved = document.only().ends("no_connection");
    assert_eq!(moved.0["setup"]["announced"], serde_json::Value::Null);
    assert!(moved.0["data"].is_null());
}

#[test]
fn a_refused_retr_leaves_its_pasv_to_the_next() {
    let content = noise(4, 3000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR gone", "< 550 no such file"]);
    script.dialogue(control, &["> RETR here", "< 150 here it comes"]);
    carry(&mut script, data, Responder, &content);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    let document = analysed(&script);
    document.transfer("gone").ends("refused");
    document.transfer("here").is_whole(content).linked("announced", "certain");
}

#[test]
fn a_data_connection_that_comes_after_the_refused_retr_is_the_next_ones() {
    let content = noise(4, 3000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    script.dialogue(control, &["> RETR gone", "< 550 no such file", "> RETR here"]);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, Responder, &content);
    script.dialogue(control, &["< 226 done"]);
    let document = analysed(&script);
    document.transfer("gone").ends("refused");
    document.transfer("here").is_whole(content).linked("announced", "certain");
}

#[test]
fn a_failed_first_attempt_does_not_hide_the_second() {
    let (document, content) = told(|script, control, content| {
        pasv(script, control, 30000);
        script.refused("10.0.0.1:40001", "10.0.0.2:30000");
        let data = dial(script, 40002, 30000);
        retr(script, control, data, Responder, content);
    });
    let moved = document.only().is_whole(content);
    assert_eq!(moved.0["data"]["client"]["port"], 40002);
}

#[test]
fn a_data_connection_nobody_answers_is_no_connection() {
    for refused in [true, false] {
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        pasv(&mut script, control, 30000);
        script.dialogue(control, &["> RETR f"]);
        match refused {
            true => script.refused("10.0.0.1:40001", "10.0.0.2:30000"),
            false => script.syn_only("10.0.0.1:40001", "10.0.0.2:30000", 3),
        };
        script.wait(Duration::from_secs(60));
        script.dialogue(control, &["< 425 Failed to establish connection."]);
        quit(&mut script, control);
        let document = analysed(&script);
        let moved = document.only().ends("no_connection");
        let handshake = if refused { "refused" } else { "unanswered" };
        assert_eq!(moved.0["data"]["handshake"], handshake);
        assert!(moved.0["bytes"].is_null(), "nothing came up: {:#}", moved.0);
    }
}

#[test]
fn an_announced_transfer_without_its_data_is_said_not_to_be_captured() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let opening = "< 150 Opening BINARY mode data connection for f (34826629 bytes).";
    script.dialogue(control, &["> RETR f", opening, "< 226 Transfer complete."]);
    quit(&mut script, control);
    let document = analysed(&script);
    let moved = document.only().ends("not_captured");
    assert_eq!(moved.0["expected"]["bytes"], 34_826_629);
    assert_eq!(moved.0["expected"]["source"], "150");
    assert!(moved.0["data"].is_null() && moved.0["bytes"].is_null() && moved.0["hashes"].is_null());
}

#[test]
fn both_halves_of_a_site_to_site_copy_are_called_that() {
    let (document, _) = site_to_site();
    for name in ["original", "copy"] {
        assert_eq!(document.transfer(name).0["direction"], "site_to_site", "{name}");
    }
}

#[test]
fn a_site_to_site_copy_is_followed_to_the_third_party() {
    let (document, content) = site_to_site();
    for name in ["original", "copy"] {
        document.transfer(name).is_whole(&content).linked("announced", "certain");
    }
    assert!(document.list("orphans").is_empty());
}

fn site_to_site() -> (Document, Vec<u8>) {
    // The client tells 10.0.0.2 to listen and 10.0.0.3 to connect there.
    let content = noise(6, 9000);
    let mut script = FtpScript::new();
    let source = log_in(&mut script);
    let target = log_in_as(&mut script, ["10.0.0.1:40100", "10.0.0.3:21"]);
    pasv(&mut script, source, 30000);
    script.dialogue(target, &[&format!("> PORT {}", host_port(2, 30000)), "< 200 ok"]);
    script.dialogue(target, &["> STOR copy"]);
    script.dialogue(source, &["> RETR original"]);
    let data = script.connect("10.0.0.3:20", "10.0.0.2:30000");
    script.dialogue(source, &["< 150 here it comes"]);
    script.dialogue(target, &["< 150 go on"]);
    carry(&mut script, data, Responder, &content);
    script.dialogue(source, &["< 226 done"]);
    script.dialogue(target, &["< 226 done"]);
    quit(&mut script, source);
    quit(&mut script, target);
    (analysed(&script), content)
}

#[test]
fn a_copy_to_a_third_host_is_told_from_one_control_connection() {
    copy_is_told("PORT 10,0,0,9,117,48", ["10.0.0.2:20", "10.0.0.9:30000"], Originator);
}

#[test]
fn a_copy_from_a_third_host_is_told_from_one_control_connection() {
    copy_is_told("PASV", ["10.0.0.9:20", "10.0.0.2:30000"], Responder);
}

fn copy_is_told(setup: &str, ends: [&str; 2], sender: From) {
    let content = noise(6, 9000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    match setup {
        "PASV" => pasv(&mut script, control, 30000),
        _ => script.dialogue(control, &[&format!("> {setup}"), "< 200 ok"]),
    }
    script.dialogue(control, &["> RETR f"]);
    let data = script.connect(ends[0], ends[1]);
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, sender, &content);
    script.dialogue(control, &["< 226 done"]);
    let document = analysed(&script);
    // Whom the client told to dial is known of PORT; whoever dials after PASV may be a stranger.
    let confidence = if setup == "PASV" { "likely" } else { "certain" };
    let moved = document.only().is_whole(content).linked("announced", confidence);
    assert_eq!(moved.0["direction"], "site_to_site", "{setup}: {:#}", moved.0);
}

/// Two hosts dial what was announced, the stranger first: the file went where its bytes went, and
/// nobody arranged a copy. Servers serve whoever is first, or look who comes.
#[test]
fn of_two_hosts_that_dial_it_the_one_that_carried_is_the_transfers() {
    for (stolen, is_refused) in [(true, false), (true, true), (false, false)] {
        let (document, content) = told(|script, control, content| {
            pasv(script, control, 30000);
            let stranger = script.connect("10.0.0.66:50000", "10.0.0.2:30000");
            script.dialogue(control, &["> RETR f"]);
            let (from, to) = ("10.0.0.1:40001", "10.0.0.2:30000");
            let own = (!is_refused).then(|| script.connect(from, to));
            script.dialogue(control, &["< 150 here it comes"]);
            let carrier = own.filter(|_| !stolen).unwrap_or(stranger);
            carry(script, carrier, Responder, content);
            let other = if stolen { own } else { Some(stranger) };
            match other {
                Some(other) => script.reset(other, Responder),
                None => drop(script.refused(from, to)),
            }
            script.dialogue(control, &["< 226 done"]);
        });
        let confidence = if stolen { "likely" } else { "certain" };
        let moved = document.only().is_whole(content).linked("announced", confidence);
        let host = if stolen { "10.0.0.66" } else { "10.0.0.1" };
        assert_eq!(moved.0["data"]["client"]["ip"], host, "{stolen} {is_refused}");
        assert_eq!(moved.0["direction"], "download");
    }
}

#[test]
fn a_connection_from_port_20_without_a_session_is_an_orphan() {
    let content = noise(6, 9000);
    let mut script = FtpScript::new();
    let data = script.connect("10.0.0.2:20", "10.0.0.1:40001");
    carry(&mut script, data, Originator, &content);
    let document = analysed(&script);
    let [orphan] = document.list("orphans") else { panic!("{:#?}", document.0) };
    assert_eq!(orphan["why"], "port 20");
    assert_eq!(orphan["server"]["port"], 20);
    assert_eq!(orphan["hashes"]["sha256"], sha256(&content));
    assert_eq!(orphan["bytes"]["from_server"], 9000);
    assert_eq!(orphan["bytes"]["from_client"], 0);
}

#[test]
fn a_connection_between_the_peers_that_nothing_announced_is_an_orphan() {
    let content = noise(6, 9000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let data = dial(&mut script, 40001, 30000);
    carry(&mut script, data, Responder, &content);
    quit(&mut script, control);
    let document = analysed(&script);
    let [orphan] = document.list("orphans") else { panic!("{:#?}", document.0) };
    assert_eq!(orphan["why"], "between the hosts of a session");
    assert_eq!(orphan["hashes"]["sha256"], sha256(&content));
}

#[test]
fn clear_data_of_an_encrypted_session_is_an_orphan() {
    let content = noise(6, 9000);
    let mut script = FtpScript::new();
    let control = script.connect(CONTROL[0], CONTROL[1]);
    script.dialogue(control, &["< 220 ready", "> AUTH TLS", "< 234 go on"]);
    script.client(control, b"\x16\x03\x01\x00\x04abcd");
    script.server(control, b"\x16\x03\x03\x00\x04efgh");
    let data = dial(&mut script, 40001, 30000);
    carry(&mut script, data, Responder, &content);
    script.client(control, b"\x17\x03\x03\x00\x04ijkl");
    script.close(control, Originator);
    let document = analysed(&script);
    assert!(document.list("transfers").is_empty());
    let [orphan] = document.list("orphans") else { panic!("{:#?}", document.0) };
    assert_eq!(orphan["hashes"]["sha256"], sha256(&content));
}

#[test]
fn what_runs_between_the_peers_on_other_known_ports_is_no_orphan() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    let web = dial(&mut script, 40001, 80);
    script.client(web, "GET / HTTP/1.1\r\n\r\n");
    script.server(web, "HTTP/1.1 200 OK\r\n\r\n");
    script.close(web, Responder);
    quit(&mut script, control);
    let document = analysed(&script);
    assert!(document.list("orphans").is_empty() && document.list("transfers").is_empty());
}

#[test]
fn two_sessions_on_the_same_four_tuple_are_two_sessions() {
    let contents = [noise(1, 2000), noise(2, 3000)];
    let mut script = FtpScript::new();
    for (name, content) in ["a", "b"].iter().zip(&contents) {
        let control = log_in(&mut script);
        fetch(&mut script, control, &format!("RETR {name}"), [40001, 30000], content);
        quit(&mut script, control);
    }
    let document = analysed(&script);
    assert_eq!(document.list("sessions").len(), 2);
    for (name, content) in ["a", "b"].iter().zip(&contents) {
        document.transfer(name).is_whole(content);
    }
}

#[test]
fn a_session_replaced_on_its_four_tuple_without_an_end_is_another() {
    let mut script = FtpScript::new();
    log_in(&mut script);
    let control = log_in(&mut script);
    quit(&mut script, control);
    let document = analysed(&script);
    let logins: Vec<_> =
        document.list("sessions").iter().map(|session| &session["login"]).collect();
    assert_eq!(logins, ["accepted", "accepted"]);
}

#[test]
fn parallel_sessions_of_the_same_hosts_keep_their_own_files() {
    let contents = [noise(1, 20_000), noise(2, 20_000)];
    let mut script = FtpScript::new();
    let controls = [log_in(&mut script), log_in_as(&mut script, ["10.0.0.1:40100", "10.0.0.2:21"])];
    let ports = [30000, 30001];
    controls.iter().zip(ports).for_each(|(control, port)| pasv(&mut script, *control, port));
    controls.iter().for_each(|control| script.dialogue(*control, &["> RETR same"]));
    // The second dials first.
    let second = dial(&mut script, 40102, 30001);
    let first = dial(&mut script, 40002, 30000);
    controls.iter().for_each(|control| script.dialogue(*control, &["< 150 here it comes"]));
    for (half, range) in [(0, 0..10_000), (1, 10_000..20_000)] {
        script.send(first, Responder, &contents[0][range.clone()]);
        script.send(second, Responder, &contents[1][range]);
        assert!(half < 2);
    }
    [second, first].iter().for_each(|data| script.close(*data, Responder));
    controls.iter().for_each(|control| script.dialogue(*control, &["< 226 done"]));
    let document = analysed(&script);
    for (moved, content) in document.transfers().zip(&contents) {
        moved.is_whole(content).linked("announced", "certain");
    }
}

#[test]
fn a_session_over_two_files_is_one_session() {
    let content = noise(2, 40_000);
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    fetch(&mut script, control, "RETR f", [40001, 30000], &content);
    quit(&mut script, control);
    let cut = script.frame_of(&content[20_000..20_100]);
    let mut first = FtpScript::new();
    let (head, tail) = script.packets().split_at(cut as usize);
    *first.packets_mut() = head.to_vec();
    let mut second = FtpScript::new();
    *second.packets_mut() = tail.to_vec();
    let scratch = Scratch::new();
    let files = [scratch.file("1.pcap", &first.pcap()), scratch.file("2.pcap", &second.pcap())];
    for order in [[0, 1], [1, 0]] {
        let ran = ftpscope(&["json", &files[order[0]], &files[order[1]]]).exits(0);
        let document = Document(ran.json());
        let moved = document.only().is_whole(&content);
        assert_eq!(document.list("sessions").len(), 1);
        let session = document.session(0);
        // Frames are counted per file, and the file stands beside them.
        let inputs = [&session["first_input"], &session["last_input"]];
        assert_eq!(inputs, order.iter().map(|at| *at as u64).collect::<Vec<_>>()[..]);
        // The last ACK ends nothing and may be left out.
        let last = session["last_frame"].as_u64().unwrap();
        assert!((tail.len() as u64 - 1..=tail.len() as u64).contains(&last));
        assert_eq!(moved.0["setup"]["input"], order[0]);
        assert_eq!(document.said("QUIT").0["input"], order[1]);
        assert_eq!(document.said("QUIT").0["frame"], second.frame_of("QUIT"));
    }
}

#[test]
fn a_port_of_another_control_connection_can_be_named() {
    let content = noise(2, 4000);
    let mut script = FtpScript::new();
    // Nothing said here tells FTP from other protocols.
    let control = script.midstream("10.0.0.1:40000", "10.0.0.2:5021", [100, 500]);
    script.dialogue(control, &["> NOOP", "< 200 ok"]);
    fetch(&mut script, control, "RETR f", [40001, 30000], &content);
    assert!(analysed(&script).list("sessions").is_empty());
    let document = analysed_with(&script, &["--port", "5021"]);
    document.only().is_whole(content);
    assert_eq!(document.session(0)["server"]["port"], 5021);
}

#[test]
fn a_half_closed_attempt_and_flags_alone_move_nothing() {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f"]);
    script.segment(data, Originator, 0, flag::RST, b"");
    script.dialogue(control, &["< 425 no data connection"]);
    quit(&mut script, control);
    analysed(&script).only().ends("no_connection");
}

#[test]
fn a_data_connection_may_come_late() {
    let (document, content) = told(|script, control, content| {
        pasv(script, control, 30000);
        script.wait(Duration::from_secs(300));
        let data = dial(script, 40001, 30000);
        script.wait(Duration::from_secs(300));
        retr(script, control, data, Responder, content);
    });
    document.only().is_whole(content).linked("announced", "certain");
}

#[test]
fn many_announcements_may_be_open_at_once() {
    let mut script = FtpScript::new();
    let count = 50;
    let controls: Vec<Conn> = (0..count)
        .map(|nth| log_in_as(&mut script, [&format!("10.0.0.1:{}", 41000 + nth), "10.0.0.2:21"]))
        .collect();
    for (nth, control) in (0..).zip(&controls) {
        pasv(&mut script, *control, 30000 + nth);
        script.dialogue(*control, &["> RETR f"]);
    }
    for (nth, control) in (0..).zip(&controls) {
        let data = dial(&mut script, 42000 + nth, 30000 + nth);
        script.dialogue(*control, &["< 150 here it comes"]);
        carry(&mut script, data, Responder, &noise(nth.into(), 100));
        script.dialogue(*control, &["< 226 done"]);
    }
    let document = analysed(&script);
    assert_eq!(document.list("transfers").len(), count as usize);
    for (nth, moved) in (0..).zip(document.transfers()) {
        moved.is_whole(noise(nth, 100)).linked("announced", "certain");
    }
}

#[test]
fn an_announced_connection_is_found_without_its_handshake() {
    for setup in ["PASV", "PORT"] {
        let content = noise(3, 9000);
        let mut script = FtpScript::new();
        let control = log_in(&mut script);
        let data = match setup {
            "PASV" => {
                pasv(&mut script, control, 30000);
                dial(&mut script, 40001, 30000)
            }
            _ => {
                port(&mut script, control, 40001);
                script.connect("10.0.0.2:20", "10.0.0.1:40001")
            }
        };
        let sender = if setup == "PASV" { Responder } else { Originator };
        let handshake = script.last_frame();
        retr(&mut script, control, data, sender, &content);
        (0..3).for_each(|step| script.lose(handshake - step));
        let document = analysed(&script);
        let moved = document.only().carries(&content);
        assert_eq!(moved.link(), ["announced", "certain"], "{setup}");
        assert!(moved.0["data"]["opened_by"].is_null(), "{setup}: {:#}", moved.0);
    }
}

#[test]
fn a_reused_port_whose_announcements_come_late_keeps_the_order() {
    let (document, contents) = late_announcements();
    for (name, content) in ["a", "b"].iter().zip(&contents) {
        document.transfer(name).carries(content);
    }
}

/// A lost command holds the control connection's lines back for a while.
fn late_announcements() -> (Document, [Vec<u8>; 2]) {
    let contents = [noise(1, 1000), noise(2, 2000)];
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    script.dialogue(control, &["> NOOP lost", "< 200 ok"]);
    for (nth, (name, content)) in (0..).zip(["a", "b"].iter().zip(&contents)) {
        fetch(&mut script, control, &format!("RETR {name}"), [40001 + nth, 30000], content);
    }
    quit(&mut script, control);
    script.lose(script.frame_of("NOOP lost"));
    (analysed(&script), contents)
}

#[test]
fn a_connection_that_carried_the_other_way_is_not_this_transfers() {
    // STOR and its PORT were lost; the NLST's own PORT too.
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    port(&mut script, control, 40001);
    script.dialogue(control, &["> STOR lost"]);
    let data = script.connect("10.0.0.2:20", "10.0.0.1:40001");
    script.dialogue(control, &["< 150 go on"]);
    carry(&mut script, data, Responder, &noise(1, 30_000));
    script
        .dialogue(control, &["< 226 done", &format!("> PORT {}", host_port(1, 40002)), "< 200 ok"]);
    script.dialogue(control, &["> NLST"]);
    let data = script.connect("10.0.0.2:20", "10.0.0.1:40002");
    script.dialogue(control, &["< 150 here it comes"]);
    carry(&mut script, data, Originator, b"a\r\nb\r\n");
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script.lose(script.frame_of("STOR lost"));
    script.lose(script.frame_of(format!("PORT {}", host_port(1, 40002))));
    let document = analysed(&script);
    let moved = document.only();
    assert!(moved.0["bytes"] != 0 || moved.outcome() != "complete", "{:#}", moved.0);
}
