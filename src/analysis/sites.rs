//! Pairs of commands that are one copy between two servers.

use std::collections::HashMap;

use crate::decode::{Endpoint, Host};
use crate::ftp::Verb;
use crate::session::{Method, Session, SessionId};
use crate::transfer::{Direction, Site, SiteToSite, Transfer};

/// Finds the commands whose data connection one server was to open to where the other said it
/// listens, and tells both halves of each other. Whether the bytes were captured does not matter.
pub(super) fn pair(sessions: &[Session], transfers: &mut [Transfer]) {
    let ends: HashMap<SessionId, (Host, Endpoint)> =
        sessions.iter().map(|session| (session.id, (session.client.ip, session.server))).collect();
    let mut listening: HashMap<Endpoint, Vec<usize>> = HashMap::new();
    for (place, transfer) in halves(transfers, Method::Passive) {
        let address = transfer.request.setup.announced;
        address.into_iter().for_each(|address| listening.entry(address).or_default().push(place));
    }
    let mut pairs = Vec::new();
    for (place, dialling) in halves(transfers, Method::Active) {
        let there = dialling.request.setup.announced.and_then(|address| listening.get(&address));
        let other = there.into_iter().flatten().copied().filter_map(|other| {
            let listening = transfers.get(other)?;
            fits(dialling, listening, &ends).map(|apart| (apart, other))
        });
        pairs.extend(other.min().map(|(_, other)| (place, other)));
    }
    for (one, other) in pairs {
        let Some(copy) = copy(transfers, one, other, &ends) else { continue };
        for place in [one, other] {
            if let Some(transfer) = transfers.get_mut(place) {
                transfer.direction = Direction::SiteToSite;
                transfer.site_to_site = Some(Box::new(copy.clone()));
            }
        }
    }
}

fn halves(transfers: &[Transfer], method: Method) -> impl Iterator<Item = (usize, &Transfer)> {
    let files = transfers.iter().enumerate();
    files.filter(move |(_, transfer)| {
        transfer.request.setup.method == method && transfer.direction != Direction::Listing
    })
}

/// How far apart the two commands are, if one sends what the other takes, for one client, at two
/// servers, and neither was refused.
fn fits(
    one: &Transfer,
    other: &Transfer,
    ends: &HashMap<SessionId, (Host, Endpoint)>,
) -> Option<i64> {
    let ((client, server), (other_client, other_server)) =
        (ends.get(&one.session)?, ends.get(&other.session)?);
    let is_retr = |transfer: &Transfer| transfer.request.verb == Verb::Retr;
    let apart = one.request.asked.at.nanos_since(other.request.asked.at)?.abs();
    let is_pair = client == other_client
        && server != other_server
        && is_retr(one) != is_retr(other)
        && !one.request.is_refused()
        && !other.request.is_refused()
        && apart < APART_NS;
    is_pair.then_some(apart)
}

/// Nanoseconds between the two commands at most: a server waits a minute for its connection.
const APART_NS: i64 = 60_000_000_000;

fn copy(
    transfers: &[Transfer],
    one: usize,
    other: usize,
    ends: &HashMap<SessionId, (Host, Endpoint)>,
) -> Option<SiteToSite> {
    let site = |place: usize| {
        let transfer = transfers.get(place)?;
        let (_, server) = ends.get(&transfer.session)?;
        Some(Site {
            session: transfer.session,
            transfer: transfer.request.id,
            server: *server,
            path: transfer.request.path.clone(),
        })
    };
    let is_source = transfers.get(one)?.request.verb == Verb::Retr;
    let (source, destination) = if is_source { (one, other) } else { (other, one) };
    Some(SiteToSite { source: site(source)?, destination: site(destination)? })
}
