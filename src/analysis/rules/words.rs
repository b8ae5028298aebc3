//! Sentences that several rules say.

use crate::analysis::Vantage;
use crate::analysis::case::{Case, Opening};

/// One end of a control connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Client,
    Server,
}

/// `RETR x did not happen: WHY.`, or of a setup that no transfer used.
pub(super) fn did_not_happen(case: &Case<'_>, opening: &Opening<'_>, why: &str) -> String {
    match opening.transfer {
        Some(transfer) => format!("{} did not happen: {why}.", case.name(transfer)),
        None => format!("A data connection did not come up: {why}."),
    }
}

/// What unanswered SYNs towards one end mean where they were captured.
pub(super) fn past_here(vantage: Vantage, dialled: End) -> &'static str {
    match (vantage, dialled) {
        (Vantage::NearClient, End::Server) | (Vantage::Between, End::Server) => {
            "They left the place of capture: something between there and the server drops them, or \
             their answers."
        }
        (Vantage::NearServer, End::Server) => {
            "They came as far as the place of capture, near the server: its own firewall drops them, \
             or what answers them."
        }
        (Vantage::NearServer, End::Client) | (Vantage::Between, End::Client) => {
            "They left the place of capture: something between there and the client drops them, or \
             their answers."
        }
        (Vantage::NearClient, End::Client) => {
            "They came as far as the place of capture, near the client: its own firewall drops them, \
             or what answers them."
        }
        (Vantage::Unknown, _) => {
            "Something between client and server drops them, or their answers."
        }
    }
}
