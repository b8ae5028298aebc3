//! Evidence hashes: SHA-256 always, others on request, beside the hot thread where there is much to
//! hash.

mod workers;

use std::fmt;
use std::ops::BitOr;
use std::sync::Arc;

use crc32fast::Hasher as Crc32;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

pub use self::workers::{Hashing, Workers};

/// Which hashes are made beside SHA-256.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HashSet {
    pub sha512: bool,
    pub sha1: bool,
    pub md5: bool,
    /// That of IEEE 802.3, gzip and XCRC.
    pub crc32: bool,
}

impl HashSet {
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Those that are not among `others`.
    pub fn without(self, others: Self) -> Self {
        Self {
            sha512: self.sha512 && !others.sha512,
            sha1: self.sha1 && !others.sha1,
            md5: self.md5 && !others.md5,
            crc32: self.crc32 && !others.crc32,
        }
    }
}

/// Those of both.
impl BitOr for HashSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            sha512: self.sha512 | other.sha512,
            sha1: self.sha1 | other.sha1,
            md5: self.md5 | other.md5,
            crc32: self.crc32 | other.crc32,
        }
    }
}

/// Hashes bytes as they come.
#[derive(Clone, Debug)]
pub struct Hasher {
    sha256: Sha256,
    sha512: Option<Sha512>,
    sha1: Option<Sha1>,
    md5: Option<Md5>,
    crc32: Option<Crc32>,
}

impl Hasher {
    pub fn new(set: HashSet) -> Self {
        Self {
            sha256: Sha256::new(),
            sha512: set.sha512.then(Sha512::new),
            sha1: set.sha1.then(Sha1::new),
            md5: set.md5.then(Md5::new),
            crc32: set.crc32.then(Crc32::new),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(crc32) = &mut self.crc32 {
            crc32.update(bytes);
        }
    }

    pub fn finish(self) -> Digests {
        Digests {
            sha256: self.sha256.finalize().into(),
            sha512: self.sha512.map(|sha512| Box::new(sha512.finalize().into())),
            sha1: self.sha1.map(|sha1| sha1.finalize().into()),
            md5: self.md5.map(|md5| md5.finalize().into()),
            crc32: self.crc32.map(|crc32| crc32.finalize().to_be_bytes()),
        }
    }
}

/// Finished hashes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Digests {
    pub sha256: [u8; 32],
    /// Boxed: every transfer has room for it, and few have it.
    pub sha512: Option<Box<[u8; 64]>>,
    pub sha1: Option<[u8; 20]>,
    pub md5: Option<[u8; 16]>,
    /// Most significant octet first, as it is written.
    pub crc32: Option<[u8; 4]>,
}

impl Digests {
    /// Which hashes these are.
    pub fn set(&self) -> HashSet {
        HashSet {
            sha512: self.sha512.is_some(),
            sha1: self.sha1.is_some(),
            md5: self.md5.is_some(),
            crc32: self.crc32.is_some(),
        }
    }
}

/// The hashes of something, which other threads may still be at.
#[derive(Clone, Debug)]
pub struct Hashes(Made);

#[derive(Clone, Debug)]
enum Made {
    Now(Digests),
    Soon(Arc<workers::Promise>),
}

impl Hashes {
    /// Which hashes these are.
    pub fn set(&self) -> HashSet {
        match &self.0 {
            Made::Now(digests) => digests.set(),
            Made::Soon(promise) => promise.set,
        }
    }

    /// Whether they are of the same content, as SHA-256 tells; waits for them if need be.
    pub fn is_same(&self, other: &Self) -> bool {
        self.digests().sha256 == other.digests().sha256
    }

    /// The hashes; waits for them if need be.
    pub fn digests(&self) -> Digests {
        match &self.0 {
            Made::Now(digests) => digests.clone(),
            Made::Soon(promise) => promise.wait(),
        }
    }
}

impl From<Digests> for Hashes {
    fn from(digests: Digests) -> Self {
        Self(Made::Now(digests))
    }
}

/// The SHA-1 of `bytes`, for identifiers that are defined by it.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// The SHA-256 of `bytes`, all at hand.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The MD5 of `bytes`, for fingerprints that are defined by it.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    Hex(bytes).to_string()
}

/// Shows bytes in lower-case hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct Hex<T>(pub T);

impl<T: AsRef<[u8]>> fmt::Display for Hex<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // The longest hash at once.
        for bytes in self.0.as_ref().chunks(64) {
            let mut text = [0; 128];
            for (digits, byte) in text.as_chunks_mut().0.iter_mut().zip(bytes) {
                *digits = [byte >> 4, byte & 15].map(|nibble| DIGITS[usize::from(nibble)]);
            }
            let text = std::str::from_utf8(&text[..2 * bytes.len()]);
            out.write_str(text.unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 and RFC 1321 vectors for "abc", fed in two pieces; the CRC is what `crc32` says.
    #[test]
    fn hashes_match_the_published_vectors() {
        let set = HashSet { sha512: true, sha1: true, md5: true, crc32: true };
        let mut hasher = Hasher::new(set);
        hasher.update(b"a");
        hasher.update(b"bc");
        let digests = hasher.finish();
        assert_eq!(
            hex(&digests.sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let sha1 = digests.sha1.map(|sha1| hex(&sha1));
        assert_eq!(sha1.as_deref(), Some("a9993e364706816aba3e25717850c26c9cd0d89d"));
        let md5 = digests.md5.map(|md5| hex(&md5));
        assert_eq!(md5.as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
        let sha512 = digests.sha512.as_ref().map(|sha512| hex(&sha512[..]));
        assert!(sha512.is_some_and(|sha512| {
            sha512.starts_with("ddaf35a193617abacc417349ae204131") && sha512.ends_with("a54ca49f")
        }));
        assert_eq!(digests.crc32.map(|crc32| hex(&crc32)).as_deref(), Some("352441c2"));
        assert_eq!(digests.set(), set);
    }
}
