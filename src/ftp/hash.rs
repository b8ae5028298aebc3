//! Hashes that servers tell of their files.

use std::borrow::Cow;

use super::{Command, Reply, Verb, parse_number, quoted_path};

/// What a hash is called.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum HashName {
    Crc32,
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

/// Each name as commands and replies spell it, and the octets it has.
const NAMES: &[(&str, HashName, usize)] = &[
    ("XCRC", HashName::Crc32, 4),
    ("CRC32", HashName::Crc32, 4),
    ("XMD5", HashName::Md5, 16),
    ("MD5", HashName::Md5, 16),
    ("XSHA", HashName::Sha1, 20),
    ("XSHA1", HashName::Sha1, 20),
    ("SHA-1", HashName::Sha1, 20),
    ("XSHA256", HashName::Sha256, 32),
    ("SHA-256", HashName::Sha256, 32),
    ("XSHA512", HashName::Sha512, 64),
    ("SHA-512", HashName::Sha512, 64),
];

impl HashName {
    /// The name in a reply to `HASH` or of the command.
    fn parse(word: &[u8]) -> Option<(Self, usize)> {
        let known = NAMES.iter().find(|(name, ..)| name.as_bytes().eq_ignore_ascii_case(word));
        known.map(|(_, name, octets)| (*name, *octets))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "crc32",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// The name of the file whose hash a command asks for. `XCRC "a b" 0 100` quotes it, so that a
/// range may follow; most clients send it bare.
pub fn hashed_name(command: &Command) -> Cow<'_, [u8]> {
    match command.arg().starts_with(b"\"") {
        true => quoted_path(command.arg()).map_or_else(|| command.arg().into(), Cow::Owned),
        false => command.arg().into(),
    }
}

/// The hash of a whole file in the answer to such a command, as octets: `250 1A2B3C4D`,
/// `251 "name" 0123…` (draft-twine-ftpmd5), `213 SHA-256 0-49 0123… name`
/// (draft-bryan-ftpext-hash). `None` for a part that does not begin where the file does; where the
/// part told ends comes third: `RANG` may have asked for less than all.
pub fn parse_hash(command: &Command, reply: &Reply) -> Option<(HashName, Vec<u8>, Option<u64>)> {
    if command.verb != Verb::Hash {
        return None;
    }
    let text = reply.lines().next_back()?;
    let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    if command.word().eq_ignore_ascii_case(b"HASH") {
        let (name, octets) = HashName::parse(words.next()?)?;
        let range = words.next()?;
        if !range.contains(&b'-') {
            return Some((name, octets_of(range, octets)?, None));
        }
        let end = parse_number(range.strip_prefix(b"0-")?)?;
        return Some((name, octets_of(words.next()?, octets)?, Some(end)));
    }
    let (name, octets) = HashName::parse(command.word())?;
    let has_range = command.arg().starts_with(b"\"") && !command.arg().ends_with(b"\"");
    let value = words.filter_map(|word| octets_of(word, octets)).next_back();
    Some((name, value.filter(|_| !has_range)?, None))
}

/// A word of hexadecimal digits as the octets it stands for. A CRC comes without its leading zeros
/// from some servers.
fn octets_of(word: &[u8], octets: usize) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        word.iter().map(|digit| char::from(*digit).to_digit(16)?.try_into().ok()).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len() <= octets * 2)?;
    if digits.len() < octets * 2 && octets > 4 {
        return None;
    }
    let zeros = std::iter::repeat_n(0, octets * 2 - digits.len());
    let all: Vec<u8> = zeros.chain(digits).collect();
    let (pairs, _) = all.as_chunks::<2>();
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_found_in_the_answers_of_servers() {
        let sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let md5 = "5d41402abc4b2a76b9719d911017c592";
        for (line, answer, wanted) in [
            ("XCRC hello.txt", "3610A686".to_owned(), Some((HashName::Crc32, "3610a686"))),
            ("XCRC \"a b\"", "610A686".to_owned(), Some((HashName::Crc32, "0610a686"))),
            ("XCRC \"a b\" 0 100", "3610A686".to_owned(), None),
            ("XMD5 hello.txt", md5.to_owned(), Some((HashName::Md5, md5))),
            ("MD5 hello.txt", format!("\"hello.txt\" {md5}"), Some((HashName::Md5, md5))),
            ("XSHA256 f", sha.to_owned(), Some((HashName::Sha256, sha))),
            ("HASH f", format!("SHA-256 {sha} f"), Some((HashName::Sha256, sha))),
            ("HASH f", format!("SHA-256 0-5 {sha} f"), Some((HashName::Sha256, sha))),
            ("HASH f", format!("SHA-256 3-5 {sha} f"), None),
            ("HASH f", "no such thing".to_owned(), None),
            ("SIZE f", "5".to_owned(), None),
        ] {
            let reply = Reply { code: 213, text: answer.clone().into_bytes(), ..Reply::default() };
            let found = parse_hash(&Command::parse(line.as_bytes()), &reply);
            let hex =
                |octets: Vec<u8>| octets.iter().map(|o| format!("{o:02x}")).collect::<String>();
            let end = answer.contains(" 0-5 ").then_some(5);
            assert!(found.as_ref().is_none_or(|(.., told)| *told == end), "{answer}");
            let found = found.map(|(name, value, _)| (name, hex(value)));
            assert_eq!(found, wanted.map(|(name, value)| (name, value.to_owned())), "{line}");
        }
        let named = Command::parse(b"XCRC \"a \"\"b\"\"\" 0 9");
        assert_eq!(&hashed_name(&named)[..], b"a \"b\"");
    }
}
