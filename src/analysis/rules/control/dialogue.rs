//! How client and server understand each other.

use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, LONGEST_TEXT, Severity, cut};
use crate::ftp::Verb;
use crate::session::Exchange;
use crate::time::Stamp;

pub(super) const DESYNC: Rule = Rule {
    id: "reply-desync",
    kind: Kind::Diagnosis,
    help: "The client seems to take replies for those to other commands.",
    meaning: "It sent a NOOP while a transfer was running. Two replies were due then, and it went on \
              after one. If it took that for the transfer's, it takes each reply since then for that \
              to the command before.",
    evidence: "A NOOP during a transfer; after its answer, and before that to the transfer, the next \
               command, by a client that had always waited for its replies.",
    false_positives: "A client that goes on without waiting for the end of its transfers, on purpose \
                      or because it has waited for too long.",
    fix: "Turn off the client's keep-alive during transfers (NOOP), or update the client; use TCP \
          keep-alives in its place.",
    check: Check::Session(desync),
};

pub(super) const ENCODING: Rule = Rule {
    id: "encoding-mismatch",
    kind: Kind::Diagnosis,
    help: "Names are sent in an encoding that the server does not use.",
    meaning: "A name with letters beyond ASCII is other bytes in each encoding. In another than the \
              server's it names another file: the server does not find it, or creates one whose name \
              others see garbled.",
    evidence: "A name that is no UTF-8 though the server has UTF-8, or one in UTF-8 that was refused \
               by a server that refused UTF-8.",
    false_positives: "Servers on systems without a notion of encodings take every name as it is: it \
                      works as long as all clients use the same.",
    fix: "Set the client's encoding of names to UTF-8, or to the encoding that the server uses; on \
          the server turn UTF-8 on.",
    check: Check::Session(encoding),
};

fn desync(case: &Case<'_>, found: &mut Found) {
    // The transfer under way, the end of it, and the answer to a NOOP in it.
    let mut running: Option<(&Exchange, Stamp)> = None;
    let mut noop = None;
    let mut due: Option<Stamp> = None;
    for exchange in &case.session.exchanges {
        let Some(sent) = &exchange.sent else { continue };
        let answered = exchange.final_reply().map(|last| last.stamp);
        if let Some((transfer, over)) = running.filter(|(_, over)| sent.stamp.is_before(*over)) {
            match (sent.command.verb, noop) {
                (Verb::Noop, _) => noop = answered.filter(|answered| answered.is_before(over)),
                (Verb::Stat | Verb::Abor | Verb::Quit, _) => {}
                (_, Some(noop)) if sent.stamp.is_before(noop) => return,
                (_, Some(noop)) => {
                    return found.add(case, desynchronised(case, transfer, exchange, [noop, over]));
                }
                // It sends ahead of the replies anyway.
                (_, None) => return,
            }
        } else {
            if due.is_some_and(|due| sent.stamp.is_before(due)) {
                return;
            }
            noop = None;
            running = exchange.transfer.and(answered).map(|over| (exchange, over));
            due = answered;
        }
    }
}

fn desynchronised(
    case: &Case<'_>,
    transfer: &Exchange,
    next: &Exchange,
    [noop, over]: [Stamp; 2],
) -> Draft {
    let command = case.spell(next);
    Draft::new(
        Severity::Warning,
        Certainty::Low,
        "The client may have taken the reply to a NOOP for that to the transfer.".to_owned(),
    )
    .transfer(transfer.transfer)
    .frames([noop, over].into_iter().chain(next.stamp()))
    .explained(format!(
        "{} sent NOOP while {} was running. It got the answer to that and sent {command}, \
         while the reply to the transfer was still due; until then it had waited for each reply. A \
         client that sends ahead on purpose does the same.",
        case.session.client,
        case.spell(transfer),
    ))
    .with("next_command", command.as_str())
}

fn encoding(case: &Case<'_>, found: &mut Found) {
    let Some(has_utf8) = case.session.software.utf8 else { return };
    for exchange in &case.session.exchanges {
        let Some(sent) = exchange.sent.as_ref().filter(|sent| !sent.is_partial) else { continue };
        let name = sent.command.arg();
        if name.is_ascii() || !takes_a_name(exchange) {
            continue;
        }
        let refusal =
            exchange.final_reply().filter(|last| matches!(last.reply.code, 501 | 550 | 553));
        let is_utf8 = std::str::from_utf8(name).is_ok();
        if is_utf8 == has_utf8 || is_utf8 && refusal.is_none() {
            continue;
        }
        let severity = if refusal.is_some() { Severity::Warning } else { Severity::Info };
        let (is, has) = match is_utf8 {
            true => ("in UTF-8", "refused OPTS UTF8 ON"),
            false => ("not in UTF-8", "has UTF-8 for names"),
        };
        let answer = refusal
            .map(|last| format!(" It answered \"{}\" to the command.", case.quote(exchange, last)));
        let draft = Draft::new(
            severity,
            if refusal.is_some() { Certainty::Medium } else { Certainty::High },
            format!("The name in {} is {is}, and the server {has}.", case.spell(exchange)),
        )
        .transfer(exchange.transfer)
        .frames([sent.stamp].into_iter().chain(refusal.map(|last| last.stamp)))
        .explained(format!(
            "{} sent the name as the bytes {}, which are {is}. The server {} {has}.{}",
            case.session.client,
            cut(&name.escape_ascii().to_string(), LONGEST_TEXT),
            case.session.server,
            answer.unwrap_or_default(),
        ))
        .with("name", case.text(name));
        found.add(case, draft);
    }
}

/// Whether its argument is a pathname.
fn takes_a_name(exchange: &Exchange) -> bool {
    let Some(sent) = &exchange.sent else { return false };
    let command = &sent.command;
    match command.verb {
        Verb::Cwd | Verb::Dele | Verb::Rnfr | Verb::Rnto | Verb::Mkd | Verb::Rmd => true,
        Verb::Mlst | Verb::Size | Verb::Mdtm => true,
        verb => verb.is_transfer(),
    }
}
