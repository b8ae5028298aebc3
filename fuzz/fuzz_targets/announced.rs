//! Addresses in commands and replies, and the lines of listings.

#![no_main]

use std::net::IpAddr;

use ftpscope::ftp::{Announced, Command, Listed, ListingKind, Reply, parse_listing};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    for found in [said("PORT", text), answered(227, text)].into_iter().flatten() {
        let spelled = short(&found).expect("six octets are an IPv4 address");
        assert_eq!(said("PORT", spelled.as_bytes()), Some(found));
        let reply = format!("Entering Passive Mode ({spelled}).");
        assert_eq!(answered(227, reply.as_bytes()), Some(found));
    }
    for found in [said("LPRT", text), answered(228, text)].into_iter().flatten() {
        let spelled = long(&found);
        assert_eq!(said("LPRT", spelled.as_bytes()), Some(found));
        assert_eq!(answered(228, format!("at ({spelled})").as_bytes()), Some(found));
    }
    for found in [said("EPRT", text), answered(229, text)].into_iter().flatten() {
        let spelled = match found.ip {
            Some(ip) => format!("|{}|{ip}|{}|", if ip.is_ipv4() { 1 } else { 2 }, found.port),
            None => format!("|||{}|", found.port),
        };
        assert_eq!(said("EPRT", spelled.as_bytes()), found.ip.and(Some(found)));
        assert_eq!(answered(229, format!("ok ({spelled}) ok").as_bytes()), Some(found));
    }
    for kind in [ListingKind::List, ListingKind::Mlsd, ListingKind::Nlst] {
        listing(kind, text);
    }
});

/// A line gives one thing at most; where lines say nothing of each other, the same as alone. What
/// stands behind the last line end counts only where the text is all of it.
fn listing(kind: ListingKind, text: &[u8]) {
    let all = parse_listing(kind, text, true);
    let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
    assert!(all.len() <= lines.len());
    if kind != ListingKind::List {
        let each = lines.iter().flat_map(|line| parse_listing(kind, line, true));
        assert_eq!(format!("{all:?}"), format!("{:?}", each.collect::<Vec<_>>()));
    }
    let cut = parse_listing(kind, text, false);
    if !text.ends_with(b"\n") && !text.is_empty() {
        assert!(matches!(cut.last(), Some(Listed::Unparsed(_))));
    }
    for listed in &all {
        if let Listed::Entry(entry) = listed {
            let has = |wanted: &[u8]| text.windows(wanted.len()).any(|part| part == wanted);
            assert!(!entry.name.is_empty() && has(&entry.name), "{entry:?}");
        }
    }
}

fn short(announced: &Announced) -> Option<String> {
    let Some(IpAddr::V4(ip)) = announced.ip else { return None };
    let [a, b, c, d] = ip.octets();
    let [high, low] = announced.port.to_be_bytes();
    Some(format!("{a},{b},{c},{d},{high},{low}"))
}

fn long(announced: &Announced) -> String {
    let (family, octets) = match announced.ip.expect("it has an address") {
        IpAddr::V4(ip) => (4, ip.octets().to_vec()),
        IpAddr::V6(ip) => (6, ip.octets().to_vec()),
    };
    let mut fields = vec![family, octets.len() as u8];
    fields.extend(octets);
    fields.push(2);
    fields.extend(announced.port.to_be_bytes());
    fields.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
}

fn said(verb: &str, arg: &[u8]) -> Option<Announced> {
    Command::parse(&[verb.as_bytes(), b" ", arg].concat()).announced()
}

fn answered(code: u16, text: &[u8]) -> Option<Announced> {
    Reply { code, text: text.to_vec(), ..Reply::default() }.announced()
}
