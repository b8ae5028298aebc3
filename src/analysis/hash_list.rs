//! Hashes of files that somebody knows.

use std::collections::HashSet;

use crate::hash::{self, Digests};

/// Hashes, of one kind or of several.
#[derive(Clone, Debug, Default)]
pub struct HashList {
    sha256: HashSet<[u8; 32]>,
    sha1: HashSet<[u8; 20]>,
    md5: HashSet<[u8; 16]>,
}

impl HashList {
    /// Adds a hash in hexadecimal; which one it is, its length tells. False if it is none.
    pub fn insert(&mut self, hex: &str) -> bool {
        match hex.len() {
            64 => bytes(hex).map(|hash| self.sha256.insert(hash)).is_some(),
            40 => bytes(hex).map(|hash| self.sha1.insert(hash)).is_some(),
            32 => bytes(hex).map(|hash| self.md5.insert(hash)).is_some(),
            _ => false,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.sha256.is_empty() && self.sha1.is_empty() && self.md5.is_empty()
    }

    /// Which hashes must be made beside SHA-256 to look something up.
    pub fn needs(&self) -> hash::HashSet {
        hash::HashSet {
            sha1: !self.sha1.is_empty(),
            md5: !self.md5.is_empty(),
            ..hash::HashSet::default()
        }
    }

    /// Whether one of these is in the list.
    pub(super) fn has(&self, digests: &Digests) -> bool {
        self.sha256.contains(&digests.sha256)
            || digests.sha1.is_some_and(|hash| self.sha1.contains(&hash))
            || digests.md5.is_some_and(|hash| self.md5.contains(&hash))
    }
}

/// `N` bytes written in `2 * N` hexadecimal digits.
fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let digits: Option<Vec<u8>> =
        hex.chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = high << 4 | low;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{hex, md5, sha1, sha256};

    #[test]
    fn a_hash_is_known_by_its_length() {
        let mut list = HashList::default();
        assert!(
            list.insert(&hex(&sha1(b"bad"))) && list.insert(&hex(&md5(b"worse")).to_uppercase())
        );
        for none in ["", "abc", &"g".repeat(64), &"\u{e9}".repeat(16), &"0".repeat(128)] {
            assert!(!list.insert(none), "{none}");
        }
        let digests = |bytes: &[u8], all: bool| Digests {
            sha256: sha256(bytes),
            sha1: all.then(|| sha1(bytes)),
            md5: all.then(|| md5(bytes)),
            sha512: None,
            crc32: None,
        };
        assert!(list.has(&digests(b"bad", true)) && list.has(&digests(b"worse", true)));
        assert!(!list.has(&digests(b"good", true)) && !list.has(&digests(b"bad", false)));
        let needs = list.needs();
        assert!(needs.sha1 && needs.md5 && !HashList::default().needs().md5);
    }
}
