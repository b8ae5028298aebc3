//! Packets that could not be read as far as TCP.

use super::super::{Check, Found, Kind, Rule};
use super::SHOWN;
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::analysis::{Analysis, CaptureFacts, Policy};

pub(super) const NOT_DECODED: Rule = Rule {
    id: "capture-not-decoded",
    kind: Kind::Capture,
    help: "Packets that may hold TCP could not be read as far as that.",
    meaning: "They may hold FTP, or the missing parts of connections that are here.",
    evidence: "Fragments without their others, frames of link types that are not read, encrypted \
               Wi-Fi, VPNs, tunnels inside too many tunnels, headers that are cut or invalid.",
    false_positives: "Most of such packets are something else.",
    fix: "Capture behind what hides them: inside the tunnel or VPN, on the wire behind the access \
          point, with whole packets; on an interface of Ethernet or IP.",
    check: Check::Capture(not_decoded),
};

/// Packets that may hold TCP and were not read so far.
pub(in crate::analysis) fn hidden(capture: &CaptureFacts) -> u64 {
    let hiding = capture.skipped.iter().filter(|(reason, _)| hides(reason).is_some());
    hiding.map(|(_, count)| count).sum()
}

fn not_decoded(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let capture = &analysis.capture;
    let total = hidden(capture);
    let (mut frames, mut words) = (Vec::new(), Vec::new());
    for (reason, count) in &capture.skipped {
        let Some(what) = hides(reason) else { continue };
        words.push(format!("{count} {what}"));
        frames.extend(capture.first_skipped.get(reason).copied());
    }
    if total == 0 {
        return;
    }
    // A few are in every long capture.
    let is_much = total.saturating_mul(MANY) >= capture.packets;
    let is_all = analysis.sessions.is_empty();
    let severity = if is_much || is_all { Severity::Warning } else { Severity::Info };
    frames.truncate(SHOWN);
    let title = "Packets that may hold TCP could not be read.";
    let draft = Draft::new(severity, Certainty::High, title.to_owned())
        .frames(frames)
        .explained(format!(
            "Of {} packets {total} may hold TCP and could not be read so far: {}.",
            capture.packets,
            words.join(", ")
        ))
        .with("packets", total);
    found.add_of_capture(draft);
}

/// One in so many packets is much.
const MANY: u64 = 10;

/// What packets are that were passed over for this reason, if TCP may be in them.
fn hides(reason: &str) -> Option<String> {
    if let Some(link) = reason.strip_prefix("link_type_") {
        return Some(format!("of link type {link}"));
    }
    let what = match reason {
        "ip_fragment" => "IP fragments that miss others",
        "ip_fragment_invalid" => "IP fragments no datagram can have",
        "tunnel_depth" => "in too many tunnels",
        "tunnel_beyond_limit" => "in tunnels beyond the limit",
        "wlan_protected" => "of encrypted Wi-Fi",
        "wlan_fragment" => "Wi-Fi fragments",
        "wlan_aggregate" => "Wi-Fi aggregates",
        "wlan_bad_checksum" => "damaged on the air",
        "esp" => "of an IPsec VPN",
        "macsec" => "of MACsec",
        "ppp_compressed" => "of compressed or encrypted PPP",
        "mpls_payload" => "of MPLS with unknown content",
        "gre" => "of GRE with unknown content",
        "link_header_cut" => "cut in the link header",
        "header_cut" => "cut in the IP or TCP header",
        "ip_header_invalid" => "with an invalid IP header",
        "tcp_header_invalid" => "with an invalid TCP header",
        _ => return None,
    };
    Some(what.to_owned())
}
