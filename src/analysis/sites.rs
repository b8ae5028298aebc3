//! Pairs of commands that are one copy between two servers.

use std::collections::HashMap;
use std::ops::Range;

use super::ById;
use crate::decode::{Endpoint, Host};
use crate::ftp::Verb;
use crate::session::{Method, Session};
use crate::time::Timestamp;
use crate::transfer::{Direction, Site, SiteToSite, Transfer};

/// Finds the commands whose data connection one server was to open to where the other said it
/// listens, and tells both halves of each other. Whether the bytes were captured does not matter.
pub(super) fn pair(sessions: &[Session], transfers: &mut [Transfer]) {
    let sessions = ById::new(sessions);
    // Few sessions make a server dial, and most files have no other half.
    let dialling = halves(transfers, Method::Active, &sessions);
    let dialling: Vec<(Meeting, Half)> = dialling
        .map(|(meeting, half)| (Meeting { is_source: !meeting.is_source, ..meeting }, half))
        .collect();
    let mut listening: HashMap<Meeting, Vec<Half>> =
        dialling.iter().map(|(meeting, _)| (*meeting, Vec::new())).collect();
    if listening.is_empty() {
        return;
    }
    for (meeting, half) in halves(transfers, Method::Passive, &sessions) {
        if let Some(halves) = listening.get_mut(&meeting) {
            halves.push(half);
        }
    }
    let listening: HashMap<Meeting, Line> =
        listening.into_iter().map(|(meeting, halves)| (meeting, Line::new(halves))).collect();
    let mut pairs = Vec::new();
    for (meeting, dialling) in dialling {
        let other = listening.get(&meeting).and_then(|line| line.nearest(&dialling));
        pairs.extend(other.map(|other| (dialling.place, other)));
    }
    for (one, other) in pairs {
        let Some(copy) = copy(transfers, one, other, &sessions) else { continue };
        for place in [one, other] {
            if let Some(transfer) = transfers.get_mut(place) {
                transfer.direction = Direction::SiteToSite;
                transfer.site_to_site = Some(Box::new(copy.clone()));
            }
        }
    }
}

/// Where, for whom and in which direction: two halves of one copy differ in the last alone.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
struct Meeting {
    announced: Endpoint,
    client: Host,
    is_source: bool,
}

/// A command that may be half of a copy.
#[derive(Clone, Copy)]
struct Half {
    asked: Timestamp,
    place: usize,
    server: Endpoint,
}

/// Commands of any kind whose time is known and that were not refused.
fn halves(
    transfers: &[Transfer],
    method: Method,
    sessions: &ById<'_>,
) -> impl Iterator<Item = (Meeting, Half)> {
    transfers.iter().enumerate().filter_map(move |(place, transfer)| {
        let request = &transfer.request;
        let is_half = request.setup.method == method
            && transfer.direction != Direction::Listing
            && !request.is_refused()
            && request.asked.at.is_known();
        let announced = request.setup.announced.filter(|_| is_half)?;
        let session = sessions.get(transfer.session)?;
        let (client, server) = (session.client.ip, session.server);
        let meeting = Meeting { announced, client, is_source: request.verb == Verb::Retr };
        Some((meeting, Half { asked: request.asked.at, place, server }))
    })
}

/// Halves that may meet others at one place, in the order of time.
struct Line {
    halves: Vec<Half>,
    /// Of each, where those of the same server begin and end around it: a server copies nothing to
    /// itself, and who announces one place over and over must not be looked at every time.
    same: Vec<Range<usize>>,
}

impl Line {
    fn new(mut halves: Vec<Half>) -> Self {
        halves.sort_by_key(|half| (half.asked, half.place));
        let mut same = Vec::with_capacity(halves.len());
        for run in halves.chunk_by(|one, other| one.server == other.server) {
            let start = same.len();
            same.resize(start + run.len(), start..start + run.len());
        }
        Self { halves, same }
    }

    /// The one at another server that was asked for nearest in time, and not too far from it.
    fn nearest(&self, other: &Half) -> Option<usize> {
        let middle = self.halves.partition_point(|half| half.asked < other.asked);
        let before = middle.checked_sub(1).and_then(|at| match self.fits(at, other) {
            true => Some(at),
            false => self.same.get(at)?.start.checked_sub(1),
        });
        let after = match self.fits(middle, other) {
            true => Some(middle),
            false => self.same.get(middle).map(|same| same.end),
        };
        let near = before.into_iter().chain(after).filter_map(|at| {
            let half = self.halves.get(at)?;
            let apart = half.asked.nanos_since(other.asked)?.saturating_abs();
            (apart < APART_NS).then_some((apart, half.place))
        });
        near.min().map(|(_, place)| place)
    }

    fn fits(&self, at: usize, other: &Half) -> bool {
        self.halves.get(at).is_some_and(|half| half.server != other.server)
    }
}

/// Nanoseconds between the two commands at most: a server waits a minute for its connection.
const APART_NS: i64 = 60_000_000_000;

fn copy(
    transfers: &[Transfer],
    one: usize,
    other: usize,
    sessions: &ById<'_>,
) -> Option<SiteToSite> {
    let site = |place: usize| {
        let transfer = transfers.get(place)?;
        Some(Site {
            session: transfer.session,
            transfer: transfer.request.id,
            server: sessions.get(transfer.session)?.server,
            path: transfer.request.path.clone(),
        })
    };
    let is_source = transfers.get(one)?.request.verb == Verb::Retr;
    let (source, destination) = if is_source { (one, other) } else { (other, one) };
    Some(SiteToSite { source: site(source)?, destination: site(destination)? })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::decode::Net;

    fn half(place: usize, ms: usize, port: u16) -> Half {
        let asked = Timestamp::from_parts(ms as i64 / 1000, (ms % 1000) as u32 * 1_000_000);
        let ip = Host { net: Net::default(), addr: Ipv4Addr::LOCALHOST.into() };
        Half { asked, place, server: Endpoint { ip, port } }
    }

    /// Oracle: all of them looked at.
    #[test]
    fn the_nearest_of_another_server_is_found_as_by_looking_at_all() {
        let line: Vec<_> = (0..400)
            .map(|nth| half(nth, nth * 7919 % 1201 * 300, (nth * nth % 3) as u16))
            .collect();
        let found = Line::new(line.clone());
        for at in 0..2000 {
            let other = half(0, at * 200, (at % 4) as u16);
            let apart = |half: &Half| {
                let apart = half.asked.nanos_since(other.asked).unwrap().abs();
                (half.server != other.server && apart < APART_NS).then_some(apart)
            };
            let nearest = line.iter().filter_map(apart).min();
            let told = found.nearest(&other).map(|place| apart(&line[place]).unwrap());
            assert_eq!(told, nearest, "{at}");
        }
    }

    /// Looking at each for each would be 10¹⁰ looks: all announce one place within a minute.
    #[test]
    fn a_hundred_thousand_halves_of_one_server_are_looked_at_once() {
        let line = Line::new((0..100_000).map(|nth| half(nth, nth / 2, 1)).collect());
        assert!((0..100_000).all(|nth| line.nearest(&half(nth, nth / 2, 1)).is_none()));
        assert!((0..100_000).all(|nth| line.nearest(&half(nth, nth / 2, 2)).is_some()));
    }
}
