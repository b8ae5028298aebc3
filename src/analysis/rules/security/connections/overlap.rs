//! Data that says two things.

use std::collections::HashSet;

use super::super::super::{Check, Found, Kind, Rule};
use crate::analysis::case::{Beside, Case};
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::analysis::{Analysis, Policy};
use crate::session::{Session, SessionId};
use crate::tcp::{Anomaly, AnomalyKind, Dir};
use crate::time::Stamp;
use crate::transfer::Transfer;

pub(super) const EVASION: Rule = Rule {
    id: "tcp-overlap-evasion",
    kind: Kind::Security { attack: &[] },
    help: "The same octets were sent twice and differ.",
    meaning: "Which copy a receiver takes depends on its system. Somebody who sends two can show one \
              to whoever watches and the other to the server; somebody in the path can change what is \
              sent again.",
    evidence: "Segments of a control or data connection, or fragments of IP, that overlap with other \
               octets.",
    false_positives: "A box that rewrites addresses in the dialogue, captured on both sides (left out \
                      where it shows); memory errors; bytes that a faulty capture changed.",
    fix: "Look at both frames of each. Where the copies come from different places, by their hops and \
          addresses, somebody between sends one of them. Read the capture with --overlap last, too, \
          and compare.",
    check: Check::Capture(evasion),
};

fn evasion(analysis: &Analysis, policy: &Policy, found: &mut Found) {
    of_fragments(analysis, found);
    let odd = analysis.transfers.iter().filter(|transfer| !conflicts_of(transfer).is_empty());
    let odd: HashSet<SessionId> = odd.map(|transfer| transfer.session).collect();
    let is_odd = |session: &&Session| {
        let listed = &session.tcp.link.anomalies.listed;
        listed.iter().any(|anomaly| anomaly.kind == AnomalyKind::Conflict)
            || odd.contains(&session.id)
    };
    for session in analysis.sessions.iter().filter(is_odd) {
        let case = Case::new(analysis, policy, session, &Beside::default());
        of_control(&case, found);
        for transfer in case.transfers.iter().filter(|it| !conflicts_of(it).is_empty()) {
            let what = format!("the data connection of {}", case.name(transfer));
            let draft = told(&what, conflicts_of(transfer).iter());
            found.add(&case, draft.transfer(Some(transfer.request.id)));
        }
    }
}

fn conflicts_of(transfer: &Transfer) -> &[Anomaly] {
    transfer.content.as_ref().map_or(&[], |content| &content.conflicts)
}

fn of_control(case: &Case<'_>, found: &mut Found) {
    let listed = &case.session.tcp.link.anomalies;
    for dir in [Dir::FromOriginator, Dir::FromResponder] {
        let mut conflicts = listed.of(AnomalyKind::Conflict, dir).peekable();
        // What a box rewrites is as long or longer, and then all behind it differs.
        let is_rewritten = conflicts.peek().is_some_and(|first| is_address(case, first));
        if conflicts.peek().is_some() && !is_rewritten {
            found.add(case, told("the control connection", conflicts));
        }
    }
}

/// Whether what differs is a line that names an address: those are rewritten on the way.
fn is_address(case: &Case<'_>, conflict: &Anomaly) -> bool {
    let frames = [Some(conflict.stamp), conflict.other];
    let is_of = |stamp: Stamp| frames.iter().flatten().any(|frame| frame.place == stamp.place);
    case.openings.iter().filter(|opening| opening.announced.is_some()).any(|opening| {
        let reply = opening.reply().map(|reply| reply.stamp);
        is_of(opening.asked) || reply.is_some_and(is_of)
    })
}

fn told<'a>(what: &str, conflicts: impl Iterator<Item = &'a Anomaly>) -> Draft {
    let (mut count, mut bytes, mut frames) = (0_u64, 0, Vec::new());
    for conflict in conflicts {
        count += 1;
        bytes += conflict.bytes;
        if frames.len() < SHOWN {
            frames.extend(conflict.other.into_iter().chain([conflict.stamp]));
        }
    }
    Draft::new(
        Severity::Error,
        Certainty::Medium,
        format!("On {what} {} came twice and differ.", counted(bytes, "byte")),
    )
    .frames(frames)
    .explained(format!(
        "Segments of {what} overlap others and do not agree with them, {count} in all. {READ}"
    ))
    .with("conflicts", count)
    .with("bytes", bytes)
    .attempted()
}

/// Which of the copies everything else here rests on.
const READ: &str = "The copy captured first was read, unless --overlap says otherwise; which one the \
                    receiver took is not known.";

const SHOWN: usize = 16;

fn of_fragments(analysis: &Analysis, found: &mut Found) {
    let Some(fragments) = analysis.capture.fragments.as_ref().filter(|it| it.conflicts > 0) else {
        return;
    };
    let draft = Draft::new(
        Severity::Error,
        Certainty::Medium,
        format!(
            "{} repeat octets of others differently.",
            counted(fragments.conflicts, "IP fragment")
        ),
    )
    .frames(fragments.conflict_frames.iter().copied())
    .explained(
        "IP fragments overlap and do not agree. The copy captured first was read; which one the \
         receiver took is not known."
            .to_owned(),
    )
    .with("conflicts", fragments.conflicts)
    .attempted();
    found.add_of_capture(draft);
}
