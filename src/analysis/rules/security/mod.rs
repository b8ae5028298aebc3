//! What somebody does that should not be: who gets in, what is taken and brought, what is tried on
//! servers. Each is graded by what came of it ([`Grade`](crate::analysis::Grade)).

pub(super) mod amounts;
pub(super) mod connections;
pub(super) mod contents;
pub(super) mod exploits;
pub(super) mod logins;
mod moved;
pub(super) mod strangers;
pub(super) mod traces;

use crate::analysis::finding::Draft;
use crate::session::Received;
use crate::time::Timestamp;

/// A draft graded by the answer alone.
fn by_answer(draft: Draft, answer: Option<&Received>) -> Draft {
    match answer {
        Some(last) if last.reply.is_refusal() => draft.refused(),
        Some(last) if last.reply.is_success() => draft.accepted(),
        _ => draft.attempted(),
    }
}

/// Of things in the order of their times, which are known, the most that lie within so many
/// nanoseconds.
fn busiest<T>(sorted: &[T], nanos: i64, at: impl Fn(&T) -> Timestamp) -> &[T] {
    let (mut best, mut first) = (0..0, 0);
    for (last, thing) in sorted.iter().enumerate() {
        let is_past =
            |known: &T| at(thing).nanos_since(at(known)).is_none_or(|apart| apart > nanos);
        while first < last && sorted.get(first).is_some_and(is_past) {
            first += 1;
        }
        if last + 1 - first > best.len() {
            best = first..last + 1;
        }
    }
    sorted.get(best).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_time_is_found_whatever_the_clock_says() {
        let found = |seconds: &[i64]| {
            let times: Vec<_> = seconds.iter().map(|at| Timestamp::from_parts(*at, 0)).collect();
            let best = busiest(&times, 10_000_000_000, |at| *at);
            best.first()
                .and_then(|first| times.iter().position(|at| at == first))
                .zip(Some(best.len()))
        };
        for (seconds, wanted) in [
            (&[][..], None),
            (&[5], Some((0, 1))),
            (&[0, 10, 11, 12, 20, 40], Some((1, 4))),
            (&[0, 20, 40], Some((0, 1))),
        ] {
            assert_eq!(found(seconds), wanted, "{seconds:?}");
        }
        let unknown = [Timestamp::UNKNOWN; 3];
        assert_eq!(busiest(&unknown, 10, |at| *at).len(), 1);
    }
}
