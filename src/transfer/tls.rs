//! What a data connection shows of TLS.

use super::{Carried, Content, Room, Transfer};
use crate::tcp::Dir;
use crate::tls::{self, PlainBytes, SideFacts, TlsFacts, TlsSide};

/// One direction that begins with a TLS record, being followed.
#[derive(Debug, Default)]
pub(super) struct Followed {
    side: TlsSide,
    /// Bytes of the room of all.
    taken: usize,
}

impl Followed {
    /// Whether a stream that begins so is worth following.
    pub(super) fn begins(bytes: &[u8]) -> bool {
        // One segment may have no more than the first octets.
        matches!(bytes, [0x14..=0x17] | [0x14..=0x17, 3]) || tls::begins(bytes)
    }

    /// Takes the next bytes. Without room for a handshake, records are only measured.
    pub(super) fn push(&mut self, bytes: &[u8], room: &mut Room) {
        self.side.push(bytes);
        let more = self.side.weight().saturating_sub(self.taken);
        let got = room.take(more);
        self.taken += got;
        if got < more {
            self.side.stop_reading();
        }
        let less = self.taken.saturating_sub(self.side.weight());
        self.taken -= less;
        room.give_back(less);
    }

    pub(super) fn gap(&mut self, missing: u64) {
        self.side.gap(missing);
    }

    /// What became known, if it was TLS and there is room for it.
    pub(super) fn finish(self, room: &mut Room) -> Option<Box<SideFacts>> {
        let facts = self.side.finish();
        room.give_back(self.taken);
        if !facts.is_tls {
            return None;
        }
        let weight = facts.weight();
        let got = room.take(weight);
        if got < weight {
            room.give_back(got);
            return None;
        }
        Some(Box::new(facts))
    }
}

impl Carried {
    /// What both ends showed of TLS, if both speak it. `server` is the direction the FTP server
    /// sends in.
    pub fn tls(&self, server: Dir) -> Option<Box<TlsFacts>> {
        let [client, server] = [server.reversed(), server].map(|dir| self.from(dir).tls.as_deref());
        let (client, server) = client.zip(server).filter(|_| self.is_tls())?;
        Some(Box::new(TlsFacts::new(client.clone(), server.clone())))
    }
}

impl Transfer {
    /// How large what was moved under TLS is, by the records of its direction.
    pub fn estimated_bytes(&self) -> Option<PlainBytes> {
        estimate(self.tls.as_deref()?, self.content.as_ref()?)
    }
}

/// How many bytes of the application are in what one direction of a connection carried. Where
/// records were lost, they may be as many as its octets.
pub(super) fn estimate(tls: &TlsFacts, content: &Content) -> Option<PlainBytes> {
    let side = content.tls.as_deref()?;
    let found = tls.plain_bytes(side)?;
    match side.lost {
        None => Some(found),
        Some(_) => Some(PlainBytes { least: found.least, most: content.moved_bytes()? }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first half of a Certificate message of 60,000 octets.
    fn half() -> Vec<u8> {
        let message = [&[0x0b, 0, 0xea, 0x60][..], &[0; 30_000]].concat();
        let record = |body: &[u8]| {
            let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
            [&[0x16, 3, 3, high, low], body].concat()
        };
        message.chunks(10_000).flat_map(record).collect()
    }

    #[test]
    fn a_handshake_takes_room_and_gives_it_back() {
        let mut room = Room::new(100_000, 0);
        let mut followed = Followed::default();
        followed.push(&half(), &mut room);
        let left = room.take(usize::MAX);
        assert!((40_000..70_000).contains(&left), "{left}");
        room.give_back(left);
        let facts = followed.finish(&mut room).unwrap();
        room.give_back(facts.weight());
        assert_eq!(room.take(usize::MAX), 100_000);
    }

    #[test]
    fn without_room_records_are_measured_only_and_nothing_is_held() {
        let mut room = Room::new(2000, 0);
        let mut followed = Followed::default();
        followed.push(&half(), &mut room);
        assert!(followed.side.weight() < 2000);
        followed.push(&[0x17, 3, 3, 0, 2, 7, 7], &mut room);
        assert!(room.refused > 0);
        let facts = followed.finish(&mut room).unwrap();
        assert_eq!(facts.traffic.application_bytes, 2);
        room.give_back(facts.weight());
        assert_eq!(room.take(usize::MAX), 2000);

        let mut none = Room::new(10, 0);
        let mut followed = Followed::default();
        followed.push(&half(), &mut none);
        assert!(followed.finish(&mut none).is_none());
        assert_eq!(none.take(usize::MAX), 10);
    }
}
