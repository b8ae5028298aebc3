//! Time that passes beside the transfer of bytes.

use super::{Check, Found, Kind, Moved, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, spoken};
use crate::session::Method;
use crate::time::Stamp;
use crate::transfer::{Direction, Outcome, Transfer};

pub(super) const LATENCY_BOUND: Rule = Rule {
    id: "latency-bound",
    kind: Kind::Diagnosis,
    help: "Many small files take their time for the dialogue around them, not for their bytes.",
    meaning: "Each file costs several round trips: the setup, the handshake of its data connection, the \
              command, the final reply. On a long path that is most of the time.",
    evidence: "As many transfers in a session as the threshold small-files says, small ones, four \
               fifths of whose time passed without data, in some round trips for each.",
    false_positives: "A slow server or client adds to it.",
    fix: "Pack small files into one archive, or let the client use several connections at once.",
    check: Check::Session(latency_bound),
};

/// Of a long path; a round trip below is no reason to wait.
const FAR_NS: i64 = 10_000_000;
/// Bytes of a small file, and the nanoseconds in all from which on it matters.
const SMALL: u64 = 256 << 10;
const MATTERS_NS: i64 = 5_000_000_000;
/// Round trips that the dialogue around a file takes at most; more is somebody's slowness.
const MOST_TRIPS: i64 = 15;

fn latency_bound(case: &Case<'_>, found: &mut Found) {
    let Some(rtt) = case.session.tcp.link.rtt_ns.filter(|rtt| *rtt >= FAR_NS) else { return };
    let least = case.policy.threshold("small-files");
    if (case.transfers.len() as u64) < least {
        return;
    }
    let mut spent = Spent::default();
    for opening in &case.openings {
        let Some(transfer) = opening.transfer else { continue };
        spent.add(opening.asked, transfer);
    }
    let Ok(count) = i64::try_from(spent.count) else { return };
    if spent.count < least.max(1) || spent.bytes / spent.count > SMALL || spent.all < MATTERS_NS {
        return;
    }
    let beside = spent.all.saturating_sub(spent.data);
    let trips = beside / count / rtt;
    if beside / 4 < spent.data || trips > MOST_TRIPS {
        return;
    }
    let draft = Draft::new(
        Severity::Warning,
        Certainty::Medium,
        format!("{count} small files take their time for the dialogue around them."),
    )
    .frames(spent.first.into_iter().chain(spent.last))
    .explained(format!(
        "{count} files of {} bytes on average took {}, of which bytes were under way for {}. A round \
         trip to {} takes {}, and a file about {trips} of them.",
        spent.bytes / spent.count,
        spoken(spent.all),
        spoken(spent.data),
        case.session.server,
        spoken(rtt)
    ))
    .with("files", spent.count)
    .with("rtt_us", u64::try_from(rtt / 1000).unwrap_or(0))
    .with("round_trips_per_file", u64::try_from(trips).unwrap_or(0));
    found.add(case, draft);
}

/// What the files of a session took.
#[derive(Default)]
struct Spent {
    count: u64,
    bytes: u64,
    /// Nanoseconds from the setup to the final reply.
    all: i64,
    /// Of them, those in which bytes were under way.
    data: i64,
    first: Option<Stamp>,
    last: Option<Stamp>,
}

impl Spent {
    fn add(&mut self, asked: Stamp, transfer: &Transfer) {
        let is_file = matches!(transfer.direction, Direction::Download | Direction::Upload);
        let content = transfer.content.as_ref().filter(|_| is_file);
        let Some((content, (answered, _))) = content.zip(transfer.request.answered) else { return };
        let Some(all) = answered.at.nanos_since(asked.at).filter(|nanos| *nanos >= 0) else {
            return;
        };
        let ends = content.first.zip(content.last);
        let data = ends.and_then(|(first, last)| last.at.nanos_since(first.at)).unwrap_or(0);
        self.count += 1;
        self.bytes = self.bytes.saturating_add(content.bytes);
        self.all = self.all.saturating_add(all);
        self.data = self.data.saturating_add(data);
        self.first = self.first.or(Some(asked));
        self.last = Some(answered);
    }
}

pub(super) const SLOW_DATA_OPEN: Rule = Rule {
    id: "slow-data-open",
    kind: Kind::Diagnosis,
    help: "The server took long to begin a transfer that it had been asked for.",
    meaning: "What the client waited for is not the network: the command had arrived, and where the \
              client dials, the data connection was there.",
    evidence: "More time than the threshold data-open-delay-ms from the command and the data connection \
               to the first byte of a download or listing.",
    false_positives: "Long listings that a server puts together before it sends the first line. In \
                      active mode, earlier SYNs of the server that were lost before the capture.",
    fix: "Look at what the server does first: a virus scanner, a sleeping disk or tape, a large \
          directory, a name look-up of the client's address.",
    check: Check::Session(slow_data_open),
};

fn slow_data_open(case: &Case<'_>, found: &mut Found) {
    let mut least = None;
    let mut before: Option<&Transfer> = None;
    for transfer in case.transfers.iter().copied() {
        let previous = before.replace(transfer);
        let Some(waited) = Moved::of(transfer).and_then(waited) else { continue };
        if waited < SOON_NS {
            continue;
        }
        let least = *least.get_or_insert_with(|| {
            let millis = case.policy.threshold("data-open-delay-ms");
            i64::try_from(millis.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
        });
        // A command that was sent ahead waits for the one before it.
        let is_in_turn = previous.is_none_or(|previous| {
            let over = previous.request.answered;
            over.is_some_and(|(over, _)| over.is_before(transfer.request.asked))
        });
        if waited >= least && is_in_turn {
            found.add(case, told_of_wait(case, transfer, waited));
        }
    }
}

/// Nanoseconds that are not worth a look at the threshold.
const SOON_NS: i64 = 1_000_000;

/// Nanoseconds until the first byte of what a server sends, from when it had the command and, if the
/// client dials, the connection. `None` where TCP or the client had a part in it.
fn waited(moved: Moved<'_>) -> Option<i64> {
    let (request, link) = (&moved.transfer.request, &moved.data.link);
    let is_served = matches!(moved.transfer.direction, Direction::Download | Direction::Listing);
    let is_counted = matches!(
        moved.transfer.outcome,
        Outcome::Complete | Outcome::Unconfirmed | Outcome::Encrypted | Outcome::Aborted
    );
    let is_smooth = link.syns == 1 && moved.sent().retransmissions == 0 && moved.sent().from_start;
    // In TLS the client speaks first.
    if !is_served || !is_counted || !is_smooth || moved.transfer.is_encrypted {
        return None;
    }
    let is_dialled = request.setup.method == Method::Passive;
    let from = match is_dialled && request.asked.is_before(link.first) {
        true => link.first,
        false => request.asked,
    };
    moved.content.first?.at.nanos_since(from.at)
}

fn told_of_wait(case: &Case<'_>, transfer: &Transfer, waited: i64) -> Draft {
    let (name, time) = (case.name(transfer), spoken(waited));
    let request = &transfer.request;
    let content = transfer.content.as_ref();
    let promised = request.preliminary.and_then(|said| said.at.nanos_since(request.asked.at));
    let said = match promised {
        Some(nanos) => format!(" Its 1yz reply came {} after the command.", spoken(nanos)),
        None => String::new(),
    };
    let dialled = dialled_after(transfer).filter(|dialled| *dialled >= waited / 2);
    let had = match (request.setup.method, dialled) {
        (Method::Passive, _) => "the command and the data connection, and".to_owned(),
        (_, Some(dialled)) => format!(
            "the command, but its data connection was dialled only {} later. The server",
            spoken(dialled)
        ),
        _ => "the command, and".to_owned(),
    };
    let since = if dialled.is_some() { "after the command" } else { "later" };
    // A command that was lost on its way to the server was not had by it, and of SYNs that were
    // lost before they were captured nothing is known.
    let certainty = match (case.session.tcp.from_client.retransmissions, dialled) {
        (0, None) => Certainty::High,
        _ => Certainty::Medium,
    };
    Draft::new(Severity::Warning, certainty, format!("{name} began only after {time}."))
        .transfer(Some(request.id))
        .frames([request.asked])
        .frames(request.preliminary)
        .frames(transfer.data.as_ref().map(|data| data.link.first))
        .frames(content.and_then(|content| content.first))
        .explained(format!(
            "{} had {had} sent the first byte {time} {since}.{said}",
            case.session.server
        ))
        .with("waited_ms", u64::try_from(waited / 1_000_000).unwrap_or(0))
}

/// Nanoseconds from the command until the server dialled, in active mode.
fn dialled_after(transfer: &Transfer) -> Option<i64> {
    let request = &transfer.request;
    let data = transfer.data.as_ref().filter(|_| request.setup.method == Method::Active)?;
    data.link.first.at.nanos_since(request.asked.at)
}
