//! Helpers of address translation and firewalls that cannot read what is encrypted.

use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::tcp::Handshake;
use crate::transfer::DataConnection;

pub(super) const BLIND: Rule = Rule {
    id: "ftps-blinds-nat-helper",
    kind: Kind::Diagnosis,
    help: "Behind an encrypted control connection, data connections are dialled and not answered.",
    meaning: "Firewalls and helpers of address translation open ports by what PASV and PORT say on the \
              control connection. Once that is encrypted they cannot read it: what worked in clear text \
              hangs with TLS.",
    evidence: "A control connection that went over to TLS, and afterwards SYNs between the same hosts, \
               to other ports, that nothing answered; no data connection of the session came up.",
    false_positives: "A passive range that is filtered whatever the control connection is; a program \
                      that dials the same host for another purpose.",
    fix: "Pin the server's passive range and open and forward it without a helper, with the server's \
          public address set in it; or use EPSV.",
    check: Check::Session(blind),
};

fn blind(case: &Case<'_>, found: &mut Found) {
    let Some(since) = case.session.encryption.since.filter(|_| !case.attempts.is_empty()) else {
        return;
    };
    let is_vain = |dial: &&DataConnection| {
        dial.link.handshake == Handshake::Unanswered
            && dial.link.syns >= LEAST_SYNS
            && since.is_before(dial.link.first)
    };
    let dials = case.attempts.iter().map(|attempt| &attempt.connection);
    let dials: Vec<&DataConnection> = dials.filter(is_vain).collect();
    let Some(first) = dials.first().filter(|_| case.orphans.is_empty()) else { return };
    // One may be something else; several, and nothing that came up, are hardly.
    let certainty = if dials.len() > 1 { Certainty::Medium } else { Certainty::Low };
    let title = "Data connections do not come up behind the encrypted control connection.";
    let draft = Draft::new(Severity::Warning, certainty, title.to_owned())
        .frames([since])
        .frames(dials.iter().flat_map(|dial| dial.link.tries()))
        .explained(format!(
            "The control connection to {} is encrypted from here on, so what it announces cannot be \
             read, by this capture or by boxes on the way. {} between the same hosts, the first to {}, \
             got no answer to their SYNs.",
            case.session.server,
            counted(dials.len() as u64, "connection"),
            first.responder
        ))
        .with("first", first.responder.to_string())
        .with("connections", dials.len());
    found.add(case, draft);
}

/// SYNs of one connection from which on it was tried again.
const LEAST_SYNS: u32 = 2;
