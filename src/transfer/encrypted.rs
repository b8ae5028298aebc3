//! Which encrypted sessions between two hosts were open at a moment.

use crate::session::{EncryptionKind, Session, SessionId};
use crate::tcp::{self, Close};
use crate::time::{Place, Stamp, Timestamp};

/// An encrypted session between two hosts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encrypted {
    pub(super) id: SessionId,
    pub(super) kind: EncryptionKind,
    since: Stamp,
    /// Its end, or that of the encryption; `None` if it was open when the capture ended.
    until: Option<Stamp>,
}

/// All those of two hosts: noted as they end, then put in order once, and asked for what was open.
/// There may be tens of thousands, and as many questions, so that not each can look at all.
#[derive(Debug, Default)]
pub(super) struct EncryptedSessions {
    /// In the order in which they began to be encrypted, once they are settled.
    sessions: Vec<Encrypted>,
    /// When the last of each [`BLOCK`] of them was over.
    latest: Vec<End>,
    has_one_input: bool,
}

/// Where a frame stands among all: by the clock, but where there is one input only, in its order.
type Moment = (Option<Timestamp>, Place);

/// Whether it was open when the capture ended, and else when it was over.
type End = (bool, Moment);

/// Sessions that are passed over together.
const BLOCK: usize = 256;

impl Encrypted {
    pub(super) fn of(session: &Session) -> Self {
        let tcp::Link { first, last, close, .. } = session.tcp.link;
        let is_open = matches!(close, Close::Open | Close::HalfFin { .. });
        let over = (!is_open).then_some(last);
        Self {
            id: session.id,
            kind: session.encryption.kind,
            since: session.encryption.since.unwrap_or(first),
            until: session.encryption.until.or(over),
        }
    }
}

impl EncryptedSessions {
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    pub(super) fn push(&mut self, session: Encrypted) {
        self.sessions.push(session);
    }

    /// All are there; `has_one_input` if every frame is of the same.
    pub(super) fn settle(&mut self, has_one_input: bool) {
        self.has_one_input = has_one_input;
        let mut sessions = std::mem::take(&mut self.sessions);
        sessions.sort_by_key(|session| self.moment(session.since));
        let blocks = sessions.chunks(BLOCK);
        let ends = blocks.map(|block| block.iter().map(|session| self.end(session)));
        self.latest = ends.filter_map(Iterator::max).collect();
        self.sessions = sessions;
    }

    /// The session that was open at a moment, of several the one encrypted last, and whether it is
    /// the only one.
    pub(super) fn open_at(&self, stamp: Stamp) -> Option<(&Encrypted, bool)> {
        let now = self.moment(stamp);
        let begun = self.sessions.partition_point(|session| self.moment(session.since) < now);
        let blocks = self.sessions.get(..begun)?.chunks(BLOCK).zip(&self.latest);
        let mut open = blocks
            .rev()
            .filter(|(_, latest)| **latest > (false, now))
            .flat_map(|(block, _)| block.iter().rev())
            .filter(|session| self.end(session) > (false, now));
        Some((open.next()?, open.next().is_none()))
    }

    fn moment(&self, stamp: Stamp) -> Moment {
        ((!self.has_one_input).then_some(stamp.at), stamp.place)
    }

    fn end(&self, session: &Encrypted) -> End {
        let since = self.moment(session.since);
        // One that is over before it begins, by a clock that was set back, was never open.
        let until = session.until.map(|until| self.moment(until).max(since));
        (until.is_none(), until.unwrap_or(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(frame: u64) -> Stamp {
        Stamp::new(Timestamp::UNKNOWN, 0, frame)
    }

    fn session(id: u32, since: u64, until: Option<u64>) -> Encrypted {
        let kind = EncryptionKind::Explicit;
        Encrypted { id: SessionId(id), kind, since: stamp(since), until: until.map(stamp) }
    }

    fn settled(sessions: &[Encrypted]) -> EncryptedSessions {
        let mut all = EncryptedSessions::default();
        sessions.iter().for_each(|session| all.push(*session));
        all.settle(true);
        all
    }

    /// Oracle: all of them looked at.
    #[test]
    fn what_was_open_is_found_as_by_looking_at_all() {
        let mut state = 7_u64;
        let mut random = |below: u64| {
            state =
                state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
            (state >> 33) % below
        };
        for count in [0, 1, 2, 300, 1500] {
            let frames = count * 3 + 10;
            let mut since: Vec<u64> = (0..frames).collect();
            let sessions: Vec<_> = (0..count)
                .map(|id| {
                    let begun = since.swap_remove(random(since.len() as u64) as usize);
                    let until = Some(begun + random(20)).filter(|_| random(50) > 0);
                    session(id as u32, begun, until)
                })
                .collect();
            let all = settled(&sessions);
            for now in 0..frames {
                let is_open = |session: &&Encrypted| {
                    session.since.is_before(stamp(now))
                        && session.until.is_none_or(|until| stamp(now).is_before(until))
                };
                let open: Vec<_> = sessions.iter().filter(is_open).collect();
                let youngest = open.iter().max_by_key(|session| session.since.frame());
                let wanted = youngest.map(|youngest| (youngest.id, open.len() == 1));
                let found = all.open_at(stamp(now));
                assert_eq!(found.map(|(session, is_only)| (session.id, is_only)), wanted);
            }
        }
    }

    /// Looking at each for each would be 4 × 10¹⁰ looks.
    #[test]
    fn two_hundred_thousand_sessions_are_asked_for_as_often() {
        let first = session(0, 1, None);
        let short = (1..200_000)
            .map(|id| session(id, 10 + u64::from(id) * 2, Some(11 + u64::from(id) * 2)));
        let all = settled(&std::iter::once(first).chain(short).collect::<Vec<_>>());
        for id in 0..200_000 {
            let (found, is_only) = all.open_at(stamp(11 + id * 2)).unwrap();
            assert!(found.id == SessionId(0) && is_only);
        }
    }
}
