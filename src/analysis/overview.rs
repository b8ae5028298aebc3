//! What a capture comes to: sums of its transfers, who moved most, when there was something to see.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::Analysis;
use crate::decode::Host;
use crate::session::{Method, SessionId};
use crate::time::Timestamp;
use crate::transfer::{Direction, Outcome, Transfer};

/// What transfers come to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Those that did not fail.
    pub done: u64,
    pub failed: u64,
    /// Bytes towards the client, listings among them.
    pub down: u64,
    pub up: u64,
    /// Whether data connections were asked for with PORT or EPRT, or with nothing; with PASV or
    /// EPSV.
    pub is_active: bool,
    pub is_passive: bool,
}

/// What is worth knowing of a capture at a glance.
#[derive(Debug, Default)]
pub struct Overview {
    pub all: Tally,
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Those that moved most, the most first.
    pub servers: Vec<Top<Host>>,
    pub clients: Vec<Top<Host>>,
    pub users: Vec<Top<Vec<u8>>>,
}

/// What somebody's sessions come to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Top<T> {
    pub who: T,
    pub sessions: u64,
    pub bytes: u64,
}

impl Tally {
    pub fn add(&mut self, transfer: &Transfer) {
        let bytes = transfer.content.as_ref().map_or(0, |content| content.bytes);
        match transfer.direction {
            Direction::Upload | Direction::Append => self.up += bytes,
            Direction::Download | Direction::Listing => self.down += bytes,
            // Between servers: neither way.
            Direction::SiteToSite => {}
        }
        match transfer.request.setup.method {
            Method::Active | Method::Default => self.is_active = true,
            Method::Passive => self.is_passive = true,
            Method::Unknown => {}
        }
        match transfer.outcome.is_failed() {
            true => self.failed += 1,
            false => self.done += 1,
        }
    }
}

impl Overview {
    /// With `most` of each kind of those that moved most.
    pub fn of(analysis: &Analysis, most: usize) -> Self {
        let mut overview = Self::default();
        let tallies = tallies(&analysis.transfers);
        for transfer in &analysis.transfers {
            overview.all.add(transfer);
            *overview.outcomes.entry(transfer.outcome).or_default() += 1;
        }
        let sessions = || {
            let moved = |id| tallies.get(&id).map_or(0, |tally| tally.down + tally.up);
            analysis.sessions.iter().map(move |session| (session, moved(session.id)))
        };
        overview.servers = top(sessions().map(|(one, moved)| (one.server.ip, moved)), most);
        overview.clients = top(sessions().map(|(one, moved)| (one.client.ip, moved)), most);
        let users = sessions().filter_map(|(one, moved)| Some((one.login.user.as_ref()?, moved)));
        let users = top(users, most).into_iter();
        overview.users = users
            .map(|Top { who, sessions, bytes }| Top { who: who.to_vec(), sessions, bytes })
            .collect();
        overview
    }
}

/// What the transfers of each session come to.
pub fn tallies(transfers: &[Transfer]) -> HashMap<SessionId, Tally> {
    let mut tallies: HashMap<SessionId, Tally> = HashMap::new();
    for transfer in transfers {
        tallies.entry(transfer.session).or_default().add(transfer);
    }
    tallies
}

/// Who has most bytes, given whose each session is and what was moved in it.
fn top<T: Clone + Eq + Hash + Ord>(
    sessions: impl Iterator<Item = (T, u64)>,
    most: usize,
) -> Vec<Top<T>> {
    let mut sums: HashMap<T, (u64, u64)> = HashMap::new();
    for (who, moved) in sessions {
        let (count, bytes) = sums.entry(who).or_default();
        *count += 1;
        *bytes += moved;
    }
    let mut top: Vec<_> =
        sums.into_iter().map(|(who, (sessions, bytes))| Top { who, sessions, bytes }).collect();
    top.sort_by(|one, other| {
        let key = |top: &Top<T>| Reverse((top.bytes, top.sessions));
        key(one).cmp(&key(other)).then_with(|| one.who.cmp(&other.who))
    });
    top.truncate(most);
    top
}

/// How many of these moments are in each of so many equal parts of the time they span; those of an
/// unknown time in none.
pub fn activity(moments: impl Iterator<Item = Timestamp> + Clone, parts: usize) -> Vec<u64> {
    let mut counts = vec![0; parts];
    let known = moments.filter(|at| *at != Timestamp::UNKNOWN);
    let (Some(first), Some(last)) = (known.clone().min(), known.clone().max()) else {
        return counts;
    };
    let span = last.nanos_since(first).unwrap_or(0).max(0);
    for at in known {
        let since = at.nanos_since(first).unwrap_or(0).max(0);
        let part = i128::from(since) * parts as i128 / (i128::from(span) + 1);
        if let Some(count) = usize::try_from(part).ok().and_then(|part| counts.get_mut(part)) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_parts(1, u32::try_from(nanos).unwrap())
    }

    #[test]
    fn moments_are_counted_in_equal_parts_of_their_span() {
        for (moments, parts, wanted) in [
            (vec![], 3, vec![0, 0, 0]),
            (vec![7], 3, vec![1, 0, 0]),
            (vec![0, 1, 2, 3], 2, vec![2, 2]),
            (vec![0, 0, 9], 3, vec![2, 0, 1]),
            (vec![0, 9], 0, vec![]),
        ] {
            let counts = activity(moments.iter().map(|nanos| at(*nanos)), parts);
            assert_eq!(counts, wanted, "{moments:?}");
        }
        let unknown = [Timestamp::UNKNOWN, at(5)];
        assert_eq!(activity(unknown.into_iter(), 2), [1, 0]);
    }

    #[test]
    fn who_moved_most_comes_first_and_of_equals_who_has_more_sessions() {
        let sessions = [("a", 5), ("b", 9), ("c", 2), ("c", 3), ("d", 0)];
        let top = top(sessions.into_iter(), 3);
        let told: Vec<_> = top.iter().map(|top| (top.who, top.sessions, top.bytes)).collect();
        assert_eq!(told, [("b", 1, 9), ("c", 2, 5), ("a", 1, 5)]);
    }

    #[test]
    fn nobody_is_at_the_top_of_nothing() {
        let overview = Overview::of(&Analysis::default(), 5);
        assert!(overview.servers.is_empty() && overview.outcomes.is_empty());
        assert_eq!(overview.all, Tally::default());
    }
}
