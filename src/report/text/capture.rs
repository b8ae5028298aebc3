//! What the capture is, what in it was not understood, and what it amounts to.

use std::io;

use super::page::{Ink, Line, Page};
use super::{Report, outcomes};
use crate::capture::{Format, InputFacts, LinkType};
use crate::report::human::{self, bytes, number, plural};
use crate::transfer::{Direction, Transfer};

pub(super) fn write(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    for (nth, facts) in report.analysis.inputs.iter().enumerate() {
        input(report, nth + 1, facts, page)?;
    }
    other_traffic(report, page)?;
    warnings(report, page)?;
    if report.analysis.sessions.is_empty() { no_ftp(report, page) } else { total(report, page) }
}

fn input(
    report: &Report<'_>,
    nth: usize,
    facts: &InputFacts,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let mut name = Line::default();
    if report.analysis.inputs.len() > 1 {
        name.push(Ink::Dim, &format!("[{nth}] "));
    }
    name.push(Ink::Strong, &facts.path.to_string_lossy());
    if facts.error.is_some() {
        return page.fields(name, INDENT, [Line::inked(Ink::Bad, "could not be read")]);
    }
    page.fields(name, INDENT, [Line::of(&description(facts))])?;
    let mut time = Line::default();
    time.tab(INDENT);
    time.push(
        Ink::Plain,
        &human::span(facts.first_time, facts.last_time)
            .unwrap_or_else(|| "times unknown".to_owned()),
    );
    page.line(&time)
}

/// `pcap, gzip, Ethernet, 2,801 packets, 4.0 MB`.
fn description(facts: &InputFacts) -> String {
    let mut words = Vec::new();
    words.extend(facts.format.map(|format| match format {
        Format::PcapNanos => "pcap (nanoseconds)".to_owned(),
        format => format.to_string(),
    }));
    words.extend(facts.compression.map(|compression| compression.to_string()));
    words.extend(facts.link_types.iter().map(|link| link_name(*link)));
    words.push(plural(facts.packets, "packet"));
    words.push(bytes(facts.bytes));
    words.join(", ")
}

/// tcpdump's names are for those who know them.
fn link_name(link: LinkType) -> String {
    match link.0 {
        0 | 108 => "loopback".to_owned(),
        1 => "Ethernet".to_owned(),
        12 | 14 | 101 | 228 | 229 => "raw IP".to_owned(),
        9 | 50 | 204 => "PPP".to_owned(),
        51 => "PPPoE".to_owned(),
        104 => "Cisco HDLC".to_owned(),
        105 | 119 | 127 | 163 => "802.11".to_owned(),
        113 => "Linux cooked".to_owned(),
        276 => "Linux cooked v2".to_owned(),
        _ => link.to_string(),
    }
}

/// Frames without TCP: those that are none, and those that could not be read as such.
fn other_traffic(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let skipped = &report.analysis.capture.skipped;
    let (bad, other): (Vec<_>, Vec<_>) = skipped.iter().partition(|(name, _)| is_bad(name));
    let words = |counts: &[(&String, &u64)]| {
        let words =
            counts.iter().map(|(name, count)| format!("{} {}", number(**count), skip(name)));
        words.collect::<Vec<_>>().join(", ")
    };
    if !other.is_empty() {
        let of_all = if report.analysis.inputs.len() > 1 { ", of all inputs" } else { "" };
        let text = format!("other packets, not TCP{of_all}: {}", words(&other));
        page.words(indented(), Ink::Plain, &text)?;
    }
    if !bad.is_empty() {
        let text = format!("packets that could not be decoded: {}", words(&bad));
        page.words(Line::inked(Ink::Doubtful, "! "), Ink::Plain, &text)?;
    }
    Ok(())
}

fn is_bad(name: &str) -> bool {
    [
        "ip_fragment",
        "ip_fragment_invalid",
        "tunnel_depth",
        "tunnel_beyond_limit",
        "wlan_fragment",
        "wlan_aggregate",
        "link_header_cut",
        "header_cut",
        "ip_header_invalid",
        "tcp_header_invalid",
    ]
    .contains(&name)
        || name.starts_with("link_type_")
}

fn skip(name: &str) -> String {
    match name {
        "arp" | "udp" | "icmp" | "llc" | "esp" | "gre" => name.to_ascii_uppercase(),
        "icmpv6" => "ICMPv6".to_owned(),
        "macsec" => "MACsec".to_owned(),
        "mpls_payload" => "MPLS of unknown payload".to_owned(),
        "ppp_compressed" => "compressed or encrypted PPP".to_owned(),
        "wlan_no_data" => "802.11 without data".to_owned(),
        "wlan_protected" => "encrypted 802.11".to_owned(),
        "wlan_fragment" => "802.11 fragments".to_owned(),
        "wlan_aggregate" => "802.11 aggregates".to_owned(),
        "wlan_bad_checksum" => "802.11 damaged on the air".to_owned(),
        "ip_fragment" => "IP fragments that miss others".to_owned(),
        "ip_fragment_invalid" => "IP fragments no datagram can have".to_owned(),
        "tunnel_depth" => "in too many tunnels".to_owned(),
        "tunnel_beyond_limit" => "in tunnels beyond the limit".to_owned(),
        "link_header_cut" => "cut in the link header".to_owned(),
        "header_cut" => "cut in the IP or TCP header".to_owned(),
        "ip_header_invalid" => "with an invalid IP header".to_owned(),
        "tcp_header_invalid" => "with an invalid TCP header".to_owned(),
        _ => match name.strip_prefix("link_type_") {
            Some(link) => format!("of link type {link}"),
            None => name.replace("ip_protocol_", "IP protocol ").replace('_', " "),
        },
    }
}

/// What a reader should know before believing the rest.
pub(super) fn warnings(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let warnings = report.analysis.warnings();
    for warning in warnings.iter().take(MOST_WARNINGS) {
        page.words(Line::inked(Ink::Doubtful, "! "), Ink::Plain, warning)?;
    }
    let more = warnings.len().saturating_sub(MOST_WARNINGS);
    if more > 0 {
        let text = format!("… and {} more; ftpscope json lists them all", number(more as u64));
        page.words(Line::inked(Ink::Doubtful, "! "), Ink::Plain, &text)?;
    }
    Ok(())
}

fn no_ftp(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let capture = &report.analysis.capture;
    let text = format!(
        "No FTP was found in {} and {}.",
        plural(capture.packets, "packet"),
        plural(capture.tcp_connections, "TCP connection"),
    );
    page.blank()?;
    page.words(Line::default(), Ink::Strong, &text)?;
    if capture.packets > 0 && capture.tcp_connections == 0 {
        let is_read = !capture.skipped.keys().any(|name| is_bad(name));
        let text = match is_read {
            true => "There is no TCP in this capture.",
            false => "No TCP could be read in this capture.",
        };
        page.words(Line::default(), Ink::Plain, text)?;
    }
    Ok(())
}

/// `1 session, 7 transfers: 6 complete, 1 refused   ↓ 3.1 MB   ↑ 0.7 MB`.
fn total(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let transfers = &report.analysis.transfers;
    let sessions = plural(report.analysis.sessions.len() as u64, "session");
    let mut text = format!("{sessions}, {}", plural(transfers.len() as u64, "transfer"));
    if !transfers.is_empty() {
        text.push_str(&format!(": {}", outcomes(transfers.iter())));
    }
    let orphans = report.analysis.orphans.len() as u64;
    if orphans > 0 {
        let more = plural(orphans, "data connection");
        text.push_str(&format!("; {more} without a known command"));
    }
    let sum = |directions: &[Direction]| -> u64 {
        let moved = transfers.iter().filter(|transfer| directions.contains(&transfer.direction));
        moved.filter_map(moved_bytes).fold(0, u64::saturating_add)
    };
    let sums = [
        ("↓", sum(&[Direction::Download])),
        ("↑", sum(&[Direction::Upload, Direction::Append])),
        ("⇄", sum(&[Direction::SiteToSite])),
    ];
    let sums = sums.iter().filter(|(_, sum)| *sum > 0);
    let sums = sums.map(|(arrow, sum)| Line::of(&format!("{arrow} {}", bytes(*sum))));
    page.blank()?;
    page.fields(Line::inked(Ink::Strong, &text), 0, sums)
}

fn moved_bytes(transfer: &Transfer) -> Option<u64> {
    transfer.content.as_ref().map(|content| content.bytes)
}

fn indented() -> Line {
    let mut line = Line::default();
    line.tab(INDENT);
    line
}

/// Column of what is said about an input, under its name.
const INDENT: usize = 4;

/// A capture of a scan has thousands.
const MOST_WARNINGS: usize = 20;
