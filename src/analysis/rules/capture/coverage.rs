//! Which parts of connections are not in the capture.

use super::super::{Check, Found, Kind, Rule};
use super::{Occurrences, connections};
use crate::analysis::finding::{Certainty, Draft, Severity, counted};
use crate::analysis::{Analysis, Policy};
use crate::tcp::{Close, Handshake};
use crate::transfer::Outcome;

pub(super) const LOSS: Rule = Rule {
    id: "capture-loss",
    kind: Kind::Capture,
    help: "Bytes that were acknowledged by their receiver are not in the capture.",
    meaning: "The connection had them, the capture has not: files are incomplete here, not at their \
              receiver, and what seems not to have happened may have.",
    evidence: "Acknowledgements of bytes that were never captured, in a direction of which other \
               packets were.",
    false_positives: "Packets that took another way than the capture's.",
    fix: "Capture with larger buffers (tcpdump -B), a filter for the hosts concerned, or a tap in \
          place of a mirror port.",
    check: Check::Capture(loss),
};

fn loss(analysis: &Analysis, _: &Policy, found: &mut Found) {
    // What was cut off packets is missing, too, and cannot be told from what is lost.
    if analysis.inputs.iter().any(|input| input.snaplen_cut_packets > 0) {
        return;
    }
    let mut lossy = Occurrences::default();
    let (mut control, mut data) = (0, 0);
    for connection in connections(analysis) {
        // A direction that is not here at all is no loss of packets.
        let directions = connection.directions().into_iter();
        let seen = directions.filter(|(dir, other)| !dir.is_unseen_beside(other));
        let missing: u64 = seen.map(|(dir, _)| dir.missing_bytes).sum();
        if missing > 0 {
            lossy.note(connection.link.first);
            *(if connection.is_control { &mut control } else { &mut data }) += missing;
        }
    }
    if lossy.count == 0 {
        return;
    }
    let title = "The capture missed bytes that their receivers have.";
    let draft = Draft::new(Severity::Warning, Certainty::High, title.to_owned())
        .frames(lossy.frames)
        .explained(format!(
            "On {} receivers acknowledged what is not in the capture, or not read there: {}. The \
             frames named are the first of each.",
            counted(lossy.count, "connection"),
            words(control, data)
        ))
        .with("connections", lossy.count)
        .with("control_bytes", control)
        .with("data_bytes", data);
    found.add_of_capture(draft);
}

fn words(control: u64, data: u64) -> String {
    let of = |bytes: u64, what: &str| format!("{} of {what} connections", counted(bytes, "byte"));
    match (control, data) {
        (_, 0) => of(control, "control"),
        (0, _) => of(data, "data"),
        _ => format!("{} and {}", of(control, "control"), of(data, "data")),
    }
}

pub(super) const ONE_WAY: Rule = Rule {
    id: "capture-one-way",
    kind: Kind::Capture,
    help: "Of a connection only what one end sent was captured.",
    meaning: "Commands without their replies, or replies without their commands, tell half of the \
              story: what the other end did can only be guessed, and verdicts are limited.",
    evidence: "An end that sends bytes, which it does only once both have spoken, to one of which no \
               packet was captured.",
    false_positives: "None: the other end was there.",
    fix: "Capture both directions: a mirror port of ingress and egress, no filter by source or \
          destination alone; where routing is asymmetric, capture on both paths and give both files.",
    check: Check::Capture(one_way),
};

fn one_way(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let mut halves = Occurrences::default();
    let (mut first, mut control) = (None, 0u64);
    for connection in connections(analysis) {
        let [a, b] = connection.ends;
        let ways = connection.directions().into_iter().zip([(a, b), (b, a)]);
        let mut ways = ways.filter(|((dir, other), _)| dir.is_unseen_beside(other));
        if let Some((_, (unseen, seen))) = ways.next() {
            halves.note(connection.link.first);
            control += u64::from(connection.is_control);
            first.get_or_insert((unseen, seen));
        }
    }
    let Some((unseen, seen)) = first else { return };
    let title = "Connections were captured in one direction only.";
    let draft = Draft::new(Severity::Warning, Certainty::High, title.to_owned())
        .frames(halves.frames)
        .explained(format!(
            "Of {} only one direction is here, {control} of them control. Of the first, what {seen} \
             sent was captured and nothing of what {unseen} sent.",
            counted(halves.count, "connection")
        ))
        .with("connections", halves.count)
        .with("control_connections", control);
    found.add_of_capture(draft);
}

pub(super) const STARTS_LATE: Rule = Rule {
    id: "capture-starts-late",
    kind: Kind::Capture,
    help: "Sessions were under way when the capture began.",
    meaning: "Who logged in, the working directory, the type of transfer and what was agreed on \
              before are not known.",
    evidence: "A control connection with bytes and without the handshake that opened it.",
    false_positives: "The handshake was lost by the capture, in its middle.",
    fix: "Begin to capture before the client connects.",
    check: Check::Capture(starts_late),
};

fn starts_late(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let mut late = Occurrences::default();
    for session in &analysis.sessions {
        if session.tcp.link.handshake == Handshake::NotCaptured && !session.tcp.is_empty() {
            late.note(session.tcp.link.first);
        }
    }
    if late.count == 0 {
        return;
    }
    let title = "Sessions were under way when the capture began.";
    let draft = Draft::new(Severity::Info, Certainty::High, title.to_owned())
        .frames(late.frames)
        .explained(format!(
            "The beginning of {} is not in the capture. What was agreed on before the first frame of \
             it is not known.",
            counted(late.count, "session")
        ))
        .with("sessions", late.count);
    found.add_of_capture(draft);
}

pub(super) const ENDS_EARLY: Rule = Rule {
    id: "capture-ends-early",
    kind: Kind::Capture,
    help: "Sessions or transfers were under way when the capture ended.",
    meaning: "That something did not come to its end here does not mean that it failed.",
    evidence: "A control connection that neither end closed, a transfer without an end.",
    false_positives: "Hosts that went away without a word.",
    fix: "End the capture when the clients have disconnected.",
    check: Check::Capture(ends_early),
};

fn ends_early(analysis: &Analysis, _: &Policy, found: &mut Found) {
    let (mut open, mut moving) = (Occurrences::default(), Occurrences::default());
    for session in &analysis.sessions {
        let link = &session.tcp.link;
        if link.close == Close::Open && link.is_established() && !session.tcp.is_empty() {
            open.note(link.last);
        }
    }
    for transfer in &analysis.transfers {
        if transfer.outcome == Outcome::InProgress {
            let data = transfer.data.as_ref();
            moving.note(data.map_or(transfer.request.asked, |data| data.link.last));
        }
    }
    if open.count + moving.count == 0 {
        return;
    }
    let title = "Sessions or transfers were under way when the capture ended.";
    let title = match (open.count, moving.count) {
        (_, 0) => "Sessions were open when the capture ended.",
        (0, _) => "Transfers were under way when the capture ended.",
        _ => title,
    };
    let draft = Draft::new(Severity::Info, Certainty::High, title.to_owned())
        .frames(moving.frames)
        .frames(open.frames)
        .explained(format!(
            "{}. That they have no end here does not mean that they failed.",
            [(open.count, "session", "without an end"), (moving.count, "transfer", "in progress")]
                .into_iter()
                .filter(|(count, ..)| *count > 0)
                .map(|(count, what, how)| format!("{} {how}", counted(count, what)))
                .collect::<Vec<_>>()
                .join(", and ")
        ))
        .with("sessions", open.count)
        .with("transfers", moving.count);
    found.add_of_capture(draft);
}
