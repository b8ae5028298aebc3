//! What holds bytes up on their way: no room, loss, small windows, links that take no large packets.

use super::{Check, Found, Kind, Moved, Rule, capitalized};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken, times, were};
use crate::decode::IcmpKind;
use crate::tcp::{Handshake, Stuck};
use crate::time::Stamp;
use crate::transfer::Outcome;

/// Nanoseconds of a millisecond and of a second.
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Transfers whose data connection came up.
fn moved<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Moved<'a>> {
    case.transfers.iter().filter_map(|transfer| Moved::of(transfer))
}

fn frames_of(moved: Moved<'_>) -> impl Iterator<Item = Stamp> {
    [Some(moved.data.link.first), moved.content.first, moved.content.last].into_iter().flatten()
}

fn signed(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

pub(super) const ZERO_WINDOW: Rule = Rule {
    id: "stalled-zero-window",
    kind: Kind::Diagnosis,
    help: "A transfer stood still because its receiver had no room for more.",
    meaning: "The receiving program does not take the bytes from its system fast enough. The network \
              and the sender wait for it.",
    evidence: "A window of 0 offered by the receiver, for longer than the threshold stall-ms in all.",
    false_positives: "Clients that pause a transfer on purpose, or limit its rate.",
    fix: "Look at the receiver: a slow disk, a virus scanner, a busy or stopped program.",
    check: Check::Session(zero_window),
};

fn zero_window(case: &Case<'_>, found: &mut Found) {
    for moved in moved(case) {
        let nanos = moved.taken().zero_window_ns;
        if nanos == 0 || nanos < case.policy.threshold("stall-ms").saturating_mul(MILLI) {
            continue;
        }
        let (taker, link) = (moved.dir.reversed(), &moved.data.link);
        let (role, time) = (moved.role(taker), spoken(signed(nanos)));
        let all = spoken(link.last.at.nanos_since(link.first.at).unwrap_or(0));
        let draft = Draft::new(
            Severity::Warning,
            Certainty::High,
            format!(
                "{} stood still for {time}: {role} had no room for more.",
                case.name(moved.transfer)
            ),
        )
        .transfer(Some(moved.transfer.request.id))
        .frames(frames_of(moved))
        .explained(format!(
            "{} {} told the sender that it had no room (a TCP window of 0) for {time} of the {all} of \
             the data connection. The sender and the network waited for it.",
            capitalized(role),
            moved.end(taker)
        ))
        .with("zero_window_ms", nanos / MILLI)
        .with("receiver", moved.end(taker).to_string());
        found.add(case, draft);
    }
}

pub(super) const LOSS: Rule = Rule {
    id: "stalled-loss",
    kind: Kind::Diagnosis,
    help: "A transfer stood still because packets were lost.",
    meaning: "What was lost had to be sent again after a time-out, and nothing came in between. \
              Transfers crawl or break off.",
    evidence: "A second or more without progress on the data connection (the threshold stall-ms) until \
               something that was sent again arrived; or a segment sent again three times or more \
               and never acknowledged.",
    false_positives: "A receiver that was switched off or asleep looks like a path that loses all.",
    fix: "Look for loss on the path: a bad cable or duplex mismatch, Wi-Fi, an overloaded link or \
          firewall.",
    check: Check::Session(lost),
};

/// Times a segment was sent again from which on it was not a single loss.
const OFTEN: u32 = 3;

fn lost(case: &Case<'_>, found: &mut Found) {
    for moved in moved(case) {
        let loss = moved.loss();
        if loss.stalls == 0 && loss.stuck.is_none() || is_black_hole(moved) {
            continue;
        }
        let least = case.policy.threshold("stall-ms").saturating_mul(MILLI);
        let stall = loss.longest.filter(|stall| stall.nanos >= least);
        let stuck = dead_segment(moved);
        let name = case.name(moved.transfer);
        let (title, until) = match (stall, stuck) {
            (_, Some(stuck)) => (format!("{name} came to a halt: packets were lost."), stuck.last),
            (Some(stall), None) => {
                let time = spoken(signed(stall.nanos));
                (format!("{name} stood still for {time}: packets were lost."), stall.until)
            }
            (None, None) => continue,
        };
        let (from, to) = (moved.end(moved.dir), moved.end(moved.dir.reversed()));
        let repeated = moved.sent().retransmissions;
        let mut text = format!(
            "{} from {from} to {to} {} sent again.",
            counted(repeated.into(), "segment"),
            were(repeated.into())
        );
        if let Some(stall) = stall {
            let times = times(loss.stalls.into());
            let time = spoken(signed(stall.nanos));
            text += &format!(" The flow stopped {times}, for {time} at most.");
        }
        if let Some(stuck) = stuck {
            text += &format!(
                " One was sent again {} and never acknowledged.",
                times(stuck.times.into())
            );
        }
        let is_over = stuck.is_some() && moved.transfer.outcome == Outcome::Aborted;
        let severity = if is_over { Severity::Error } else { Severity::Warning };
        let draft = Draft::new(severity, Certainty::High, title)
            .transfer(Some(moved.transfer.request.id))
            .frames([until])
            .frames(frames_of(moved))
            .explained(text)
            .with("stalls", loss.stalls)
            .with("longest_ms", stall.map_or(0, |stall| stall.nanos / MILLI))
            .with("retransmissions", repeated);
        found.add(case, draft);
    }
}

/// A segment that never got through. Probes of a window of 0 are repeated as well (RFC 9293
/// §3.8.6.1), and without the other direction nothing seems acknowledged.
pub(super) fn dead_segment(moved: Moved<'_>) -> Option<Stuck> {
    let taken = moved.taken();
    let is_seen = taken.ttl != 0 && !taken.is_full;
    moved.loss().stuck.filter(|stuck| is_seen && stuck.len > 1 && stuck.times >= OFTEN)
}

pub(super) const WINDOW_LIMITED: Rule = Rule {
    id: "window-limited",
    kind: Kind::Diagnosis,
    help: "A transfer is as fast as its receiver's TCP window allows, and no faster.",
    meaning: "No more than one window is under way in a round trip: on a long path a small window, or \
              one that could not be scaled, is what limits the rate.",
    evidence: "A long transfer without loss whose rate is close to the largest window offered, \
               divided by the round trip.",
    false_positives: "A sender that is limited to a like rate by other means.",
    fix: "Let the receiver use larger buffers. If a SYN offers no window scaling (RFC 7323), turn it \
          on, or find the firewall that removes the option.",
    check: Check::Session(window_limited),
};

/// Bytes and nanoseconds of a transfer long enough to have found its pace, and the least round trip
/// for which a window matters.
const LONG_BYTES: u64 = 1 << 20;
const LONG_NS: i64 = 2_000_000_000;
const FAR_NS: i64 = 5_000_000;

fn window_limited(case: &Case<'_>, found: &mut Found) {
    for moved in moved(case).filter(|moved| moved.content.bytes >= LONG_BYTES) {
        let Some(limit) = Limit::of(moved) else { continue };
        let (taker, role) = (moved.dir.reversed(), moved.role(moved.dir.reversed()));
        let scaling = match (limit.is_scaled, moved.sent().window_scale.is_some()) {
            (true, _) => "both ends scale their windows",
            (false, true) => "the receiver's SYN offers no window scaling",
            (false, false) => "the sender's SYN offers no window scaling",
        };
        let draft = Draft::new(
            if limit.is_scaled { Severity::Info } else { Severity::Warning },
            Certainty::Medium,
            format!("{} is limited by {role}'s TCP window.", case.name(moved.transfer)),
        )
        .transfer(Some(moved.transfer.request.id))
        .frames(frames_of(moved))
        .explained(format!(
            "{} bytes a second went to {}, without loss. Its largest window is {} bytes and the round \
             trip {}, which allows {} bytes a second; {scaling}.",
            limit.rate,
            moved.end(taker),
            limit.window,
            spoken(limit.rtt),
            limit.most
        ))
        .with("bytes_per_second", limit.rate)
        .with("window", limit.window)
        .with("rtt_us", u64::try_from(limit.rtt / 1000).unwrap_or(0));
        found.add(case, draft);
    }
}

/// What a window allows, where that is what was reached.
struct Limit {
    window: u64,
    is_scaled: bool,
    rtt: i64,
    rate: u64,
    most: u64,
}

impl Limit {
    fn of(moved: Moved<'_>) -> Option<Self> {
        let (sent, taken, link) = (moved.sent(), moved.taken(), &moved.data.link);
        let is_smooth = sent.retransmissions == 0 && taken.zero_window_ns == 0;
        if link.handshake != Handshake::Complete || !is_smooth || !moved.content.is_whole() {
            return None;
        }
        let timing = moved.transfer.timing();
        let rtt = link.rtt_ns.filter(|rtt| *rtt >= FAR_NS)?;
        timing.duration_ns.filter(|nanos| *nanos >= LONG_NS)?;
        let rate = timing.bytes_per_second?;
        let scale = sent.window_scale.and(taken.window_scale);
        // RFC 7323 §2.3: 14 at most.
        let window = u64::from(taken.window_most) << scale.unwrap_or(0).min(14);
        let most = window.saturating_mul(SECOND) / u64::try_from(rtt).ok()?;
        // Acknowledgements of every second segment, and the first round trips, cost some of it.
        let is_reached = rate >= most / 10 * 7 && rate <= most / 10 * 11;
        is_reached.then_some(Self { window, is_scaled: scale.is_some(), rtt, rate, most })
    }
}

pub(super) const MTU_BLACK_HOLE: Rule = Rule {
    id: "mtu-black-hole",
    kind: Kind::Diagnosis,
    help: "Small packets get through on a data connection, and large ones never do.",
    meaning: "A link on the path takes only smaller packets (a VPN, PPPoE, a tunnel), and the ICMP \
              message that says so does not reach the sender (RFC 2923 §2.1). The dialogue works; \
              transfers and long listings hang.",
    evidence: "A complete handshake on the data connection, and a segment larger than any that was \
               acknowledged, sent over and over without an answer.",
    false_positives: "A path or receiver that went away at the first large segment.",
    fix: "Let ICMP \"fragmentation needed\" (type 3, code 4) and ICMPv6 \"packet too big\" (type 2) \
          through every firewall, or clamp the MSS at the narrow link.",
    check: Check::Session(black_hole),
};

/// Octets of payload that pass every link: of an IPv4 packet of 576 octets (RFC 791 §3.1), less the
/// headers.
const PASSES: u32 = 500;

/// Whether a large segment never got through where smaller ones did.
fn is_black_hole(moved: Moved<'_>) -> bool {
    let is_unfinished = moved.transfer.outcome != Outcome::Complete && !moved.is_confirmed();
    is_unfinished
        && moved.data.link.handshake == Handshake::Complete
        && dead_segment(moved)
            .is_some_and(|stuck| stuck.len > PASSES && stuck.len > stuck.largest_acked)
}

fn black_hole(case: &Case<'_>, found: &mut Found) {
    for moved in moved(case).filter(|moved| is_black_hole(*moved)) {
        let Some(stuck) = moved.loss().stuck else { continue };
        let (from, to) = (moved.end(moved.dir), moved.end(moved.dir.reversed()));
        let too_big = moved.data.link.icmp().iter().find_map(|error| match error.kind {
            IcmpKind::TooBig { mtu } => Some((error, mtu)),
            _ => None,
        });
        // The other end is there: it acknowledged smaller ones, or closed when it had waited enough.
        let is_alive =
            stuck.largest_acked > 0 || moved.data.link.ended_by == Some(moved.dir.reversed());
        let mut text = format!(
            "A segment of {} bytes from {from} to {to} was sent again {} and never acknowledged; {}.",
            stuck.len,
            times(stuck.times.into()),
            match stuck.largest_acked {
                0 => "the handshake, which is small packets, had worked".to_owned(),
                most => format!("the largest that was acknowledged had {most} bytes"),
            }
        );
        text += &match too_big {
            Some((error, 0)) => {
                format!(" {} says that packets are too big for its next link.", error.from)
            }
            Some((error, mtu)) => {
                format!(" {} says that its next link takes {mtu} bytes at most.", error.from)
            }
            None => " No ICMP message that says why is in the capture.".to_owned(),
        };
        let certainty =
            if too_big.is_some() || is_alive { Certainty::High } else { Certainty::Medium };
        let draft = Draft::new(
            Severity::Error,
            certainty,
            format!("{} hangs: large packets do not get through.", case.name(moved.transfer)),
        )
        .transfer(Some(moved.transfer.request.id))
        .frames(frames_of(moved))
        .frames([stuck.last])
        .frames(too_big.map(|(error, _)| error.stamp))
        .frames(moved.data.link.ended)
        .explained(text)
        .with("segment_bytes", stuck.len)
        .with("largest_acknowledged", stuck.largest_acked)
        .with("times_sent_again", stuck.times);
        found.add(case, draft);
    }
}
