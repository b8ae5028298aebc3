//! FTP over TLS (RFC 4217).

mod control;
mod data;

use super::Rule;
use crate::analysis::Case;
use crate::analysis::rules::heard::says;
use crate::session::{Exchange, Received};

pub(super) const RULES: &[&Rule] = &[
    &control::TLS_REQUIRED,
    &control::HANDSHAKE_FAILED,
    &control::IMPLICIT_EXPLICIT_MISMATCH,
    &data::SESSION_REUSE_REQUIRED,
    &data::PROTECTION_MISMATCH,
    &data::NOT_CLOSED,
];

/// What a reply says, to stand at the end of a sentence, which has its own full stop.
fn quote(case: &Case<'_>, exchange: &Exchange, reply: &Received) -> String {
    let mut text = case.quote(exchange, reply);
    text.truncate(text.trim_end_matches('.').len());
    text
}

/// Whether the final reply has one of these phrases, and of its own: servers repeat the names they
/// are asked for.
fn replies(exchange: &Exchange, phrases: &[&str]) -> bool {
    let arg = exchange.sent.as_ref().map_or(&[][..], |sent| sent.command.arg());
    exchange.final_reply().is_some_and(|last| {
        phrases.iter().any(|phrase| says(&last.reply.text, &[phrase]) && !says(arg, &[phrase]))
    })
}
