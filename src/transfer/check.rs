//! What a session says of a file, held against what was moved.

use super::{Content, Direction, Outcome, Transfer};
use crate::ftp::{HashName, Modified};
use crate::hash::{HashSet, Hashes};
use crate::time::Stamp;

/// Something the session says of a file, held against what was moved of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    pub source: CheckSource,
    /// The frame that says it.
    pub stamp: Stamp,
    pub stated: Stated,
    /// `None` where the two cannot be compared.
    pub agrees: Option<bool>,
    /// Of a hash that could be compared but for that it was not made: why not.
    pub unmade: Option<Unmade>,
}

/// Why a hash was not made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unmade {
    /// The capture came from a pipe: its octets cannot be read again.
    ReadOnce,
    /// Reading again was ended, or showed other octets.
    NotFoundAgain,
}

/// Where something was said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckSource {
    /// The text of the 1yz: `(12345 bytes)`.
    Preliminary,
    /// The text of the final reply.
    Final,
    Size,
    Mlst,
    Mlsd,
    List,
    /// What the client said it would send (RFC 959 §4.1.3).
    Allo,
    /// `HASH`, `XMD5` and their kin.
    Hash,
    /// When the file was modified, held against what MLSD or MLST says of that.
    Mdtm,
    Mfmt,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stated {
    Bytes(u64),
    Hash {
        name: HashName,
        value: Vec<u8>,
        /// Where the octets it is of end, if that was said.
        end: Option<u64>,
    },
    /// When it was modified, and what a listing says of that.
    Time {
        stated: Modified,
        listed: Option<Modified>,
    },
}

impl Transfer {
    /// Holds what was said of the whole file against what was moved.
    pub fn check(&self, source: CheckSource, stamp: Stamp, stated: Stated) -> Check {
        let agrees =
            self.content.as_ref().filter(|_| self.is_comparable()).and_then(
                |content| match &stated {
                    Stated::Bytes(bytes) => self.has_size(content, source, *bytes),
                    Stated::Hash { name, value, end } => self
                        .is_hashed(content, *end)
                        .then(|| self.has_hash(content, *name, value))
                        .flatten(),
                    Stated::Time { stated, listed } => listed.map(|listed| listed == *stated),
                },
            );
        Check { source, stamp, stated, agrees, unmade: None }
    }

    /// The hashes that were stated of what was moved, and not made of it.
    pub fn wanted_hashes(&self) -> HashSet {
        self.checks.iter().fold(HashSet::default(), |all, check| all | self.wanted_hash(check))
    }

    fn wanted_hash(&self, check: &Check) -> HashSet {
        let Stated::Hash { name, end, .. } = check.stated else { return HashSet::default() };
        let content = self.content.as_ref().filter(|_| self.is_comparable());
        match content.filter(|content| self.is_hashed(content, end)) {
            Some(content) => set_of(name).without(content.hashes.set()),
            None => HashSet::default(),
        }
    }

    /// Takes hashes made in another reading, of the octets on the wire and of those they mean,
    /// and holds against them what was stated. Those of octets with another SHA-256 are of no use.
    pub fn take_hashes(&mut self, wire: Hashes, decoded: Option<Hashes>) {
        let Some(content) = &mut self.content else { return };
        if !content.hashes.is_same(&wire) {
            return;
        }
        content.hashes = wire;
        if let (Some(known), Some(again)) = (&mut content.decoded, decoded)
            && known.hashes.is_same(&again)
        {
            known.hashes = again;
        }
        let checks = std::mem::take(&mut self.checks).into_iter();
        self.checks =
            checks.map(|check| self.check(check.source, check.stamp, check.stated)).collect();
    }

    /// The hashes that were stated and not made will not be.
    pub fn give_up_hashes(&mut self, why: Unmade) {
        let mut checks = std::mem::take(&mut self.checks);
        for check in checks.iter_mut().filter(|check| !self.wanted_hash(check).is_empty()) {
            check.unmade = Some(why);
        }
        self.checks = checks;
    }

    /// Whether the server accepted a REST and then sent the file from its beginning all the same:
    /// as many octets were moved as the whole file has.
    pub fn is_rest_ignored(&self) -> bool {
        let moved = self.content.as_ref().and_then(Content::moved_bytes);
        let is_of_file = |check: &&Check| {
            let own = [CheckSource::Preliminary, CheckSource::Final, CheckSource::Allo];
            !own.contains(&check.source)
        };
        let mut stated = self.checks.iter().filter(is_of_file).map(|check| &check.stated);
        self.request.rest_offset > 0
            && moved.is_some_and(|moved| stated.any(|stated| *stated == Stated::Bytes(moved)))
    }

    /// The size of the whole file as it was stated last.
    pub fn stated_size(&self) -> Option<u64> {
        let of_file = |check: &Check| match (&check.stated, check.source) {
            (Stated::Bytes(bytes), CheckSource::Preliminary) if self.request.rest_offset == 0 => {
                Some(*bytes)
            }
            (_, CheckSource::Preliminary | CheckSource::Final | CheckSource::Allo) => None,
            (Stated::Bytes(bytes), _) => Some(*bytes),
            (Stated::Hash { .. } | Stated::Time { .. }, _) => None,
        };
        self.checks
            .iter()
            .rev()
            .find_map(of_file)
            .filter(|_| self.request.representation.is_image())
    }

    fn is_comparable(&self) -> bool {
        let is_seen = !matches!(
            self.outcome,
            Outcome::Encrypted | Outcome::Refused | Outcome::NoConnection | Outcome::NotCaptured
        );
        is_seen && self.direction != Direction::Listing
    }

    fn has_size(&self, content: &Content, source: CheckSource, stated: u64) -> Option<bool> {
        let moved = content.moved_bytes()?;
        let rest = self.request.rest_offset;
        // How long the file was before is not known.
        let is_appended = self.direction == Direction::Append;
        let is_of_transfer =
            matches!(source, CheckSource::Preliminary | CheckSource::Final | CheckSource::Allo);
        let is_moved = is_of_transfer && stated == moved;
        if self.request.representation.is_image() {
            // A server that ignores REST sends all of it.
            let is_whole =
                !is_appended && (rest.checked_add(moved) == Some(stated) || stated == moved);
            return (!is_appended || is_of_transfer).then_some(is_moved || is_whole);
        }
        // A server may mean the file as it has it, or as it sends it.
        let decoded = content.decoded.as_ref().map(|decoded| decoded.bytes);
        let is_one = rest == 0 && !is_appended && (stated == moved || decoded == Some(stated));
        (is_moved || is_one).then_some(true)
    }

    /// Whether a hash of the octets up to `end` is of all that was moved.
    fn is_hashed(&self, content: &Content, end: Option<u64>) -> bool {
        content.is_whole_stream()
            && self.request.rest_offset == 0
            && self.direction != Direction::Append
            && is_to(end, content)
    }

    fn has_hash(&self, content: &Content, name: HashName, stated: &[u8]) -> Option<bool> {
        let made = digest(&content.hashes, name)?;
        if self.request.representation.is_image() {
            return Some(made == stated);
        }
        let decoded = content.decoded.as_ref();
        let decoded = decoded.and_then(|decoded| digest(&decoded.hashes, name));
        (made == stated || decoded.is_some_and(|decoded| decoded == stated)).then_some(true)
    }
}

/// Whether a hash of the octets up to `end` is of all that was moved: some servers name the last
/// octet there, others how many there are.
fn is_to(end: Option<u64>, content: &Content) -> bool {
    let decoded = content.decoded.as_ref().map(|decoded| decoded.bytes);
    let counts = [Some(content.bytes), decoded];
    end.is_none_or(|end| {
        counts.into_iter().flatten().any(|all| all == end || all.checked_sub(1) == Some(end))
    })
}

/// A hash of those that were made.
fn digest(hashes: &Hashes, name: HashName) -> Option<Vec<u8>> {
    let digests = hashes.digests();
    match name {
        HashName::Sha256 => Some(digests.sha256.to_vec()),
        HashName::Sha512 => digests.sha512.map(|sha512| sha512.to_vec()),
        HashName::Sha1 => digests.sha1.map(Vec::from),
        HashName::Md5 => digests.md5.map(Vec::from),
        HashName::Crc32 => digests.crc32.map(Vec::from),
    }
}

fn set_of(name: HashName) -> HashSet {
    HashSet {
        sha512: name == HashName::Sha512,
        sha1: name == HashName::Sha1,
        md5: name == HashName::Md5,
        crc32: name == HashName::Crc32,
    }
}
