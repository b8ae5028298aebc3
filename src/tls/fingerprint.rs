//! Fingerprints of a client by what it offers: JA3 and JA4.

use tls_parser::TlsClientHelloContents;

use super::extensions::{self, extensions, is_grease};
use super::hello::highest;
use crate::hash::{hex, md5, sha256};

/// What of a ClientHello goes into fingerprints, in its order and without GREASE (RFC 8701),
/// which is picked at random for each connection.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Offer {
    /// As the hello's own field says, which TLS 1.3 froze.
    pub(super) legacy_version: u16,
    /// The highest offered.
    pub(super) version: u16,
    pub(super) ciphers: Vec<u16>,
    pub(super) extensions: Vec<u16>,
    pub(super) groups: Vec<u16>,
    pub(super) point_formats: Vec<u8>,
    pub(super) signature_algorithms: Vec<u16>,
    pub(super) alpn: Vec<Vec<u8>>,
}

impl Offer {
    pub(super) fn new(hello: &TlsClientHelloContents<'_>) -> Self {
        let legacy_version = hello.version.0;
        let ciphers = without_grease(hello.ciphers.iter().map(|cipher| cipher.0));
        let mut offer = Self { legacy_version, ciphers, ..Self::default() };
        let mut supported = Vec::new();
        for (kind, content) in extensions(hello.ext.unwrap_or_default()) {
            offer.extensions.push(kind);
            match kind {
                extensions::SUPPORTED_GROUPS => offer.groups = extensions::long_numbers(content),
                extensions::EC_POINT_FORMATS => {
                    offer.point_formats = extensions::short_list(content).to_vec();
                }
                extensions::SIGNATURE_ALGORITHMS => {
                    offer.signature_algorithms = extensions::long_numbers(content);
                }
                extensions::ALPN => offer.alpn = extensions::protocols(content),
                extensions::SUPPORTED_VERSIONS => supported = extensions::short_numbers(content),
                _ => {}
            }
        }
        offer.version = highest(&supported, legacy_version);
        for list in [&mut offer.extensions, &mut offer.groups, &mut offer.signature_algorithms] {
            list.retain(|value| !is_grease(*value));
        }
        offer
    }

    /// JA3 (github.com/salesforce/ja3): MD5 of five decimal lists.
    pub(super) fn ja3(&self) -> String {
        hex(&md5(self.ja3_text().as_bytes()))
    }

    /// JA4 (github.com/FoxIO-LLC/ja4, technical_details/JA4.md), the TLS client fingerprint.
    pub(super) fn ja4(&self) -> String {
        let (ciphers, extensions) = (self.ja4_ciphers(), self.ja4_extensions());
        format!("{}_{}_{}", self.ja4_head(), short_hash(&ciphers), short_hash(&extensions))
    }

    fn ja3_text(&self) -> String {
        let lists = [&self.ciphers, &self.extensions, &self.groups];
        let [ciphers, extensions, groups] = lists.map(|list| join(list, "-", u16::to_string));
        let formats = join(&self.point_formats, "-", u8::to_string);
        format!("{},{ciphers},{extensions},{groups},{formats}", self.legacy_version)
    }

    /// The part that is not hashed. Counts stop at 99.
    fn ja4_head(&self) -> String {
        let name = if self.extensions.contains(&extensions::SERVER_NAME) { 'd' } else { 'i' };
        let [ciphers, extensions] =
            [&self.ciphers, &self.extensions].map(|list| list.len().min(99));
        let [first, last] = ja4_protocol(self.alpn.first().map_or(&[], Vec::as_slice));
        let version = ja4_version(self.version);
        format!("t{version}{name}{ciphers:02}{extensions:02}{first}{last}")
    }

    fn ja4_ciphers(&self) -> String {
        let mut sorted = self.ciphers.clone();
        sorted.sort_unstable();
        join(&sorted, ",", four_digits)
    }

    /// Extensions sorted, since some clients shuffle them; signature algorithms as they are.
    /// Names of host and protocol are in the head already.
    fn ja4_extensions(&self) -> String {
        let in_head = [extensions::SERVER_NAME, extensions::ALPN];
        let mut sorted = self.extensions.clone();
        sorted.retain(|kind| !in_head.contains(kind));
        sorted.sort_unstable();
        let mut text = join(&sorted, ",", four_digits);
        if !self.signature_algorithms.is_empty() {
            text.push('_');
            text.push_str(&join(&self.signature_algorithms, ",", four_digits));
        }
        text
    }
}

fn without_grease(values: impl Iterator<Item = u16>) -> Vec<u16> {
    values.filter(|value| !is_grease(*value)).collect()
}

fn ja4_version(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        _ => "00",
    }
}

/// First and last character of a protocol's name, of its hex if either is not alphanumeric, and
/// zeros for none.
fn ja4_protocol(name: &[u8]) -> [char; 2] {
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return ['0', '0'] };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(first), char::from(last)];
    }
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    [digit(first >> 4), digit(last & 0x0f)]
}

/// The first twelve digits of SHA-256; zeros for nothing, so that nothing can be seen.
fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(12);
    }
    let mut digits = hex(&sha256(text.as_bytes()));
    digits.truncate(12);
    digits
}

fn four_digits(value: &u16) -> String {
    format!("{value:04x}")
}

fn join<T>(values: &[T], separator: &str, text: impl Fn(&T) -> String) -> String {
    values.iter().map(text).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of github.com/salesforce/ja3's README.
    #[test]
    fn ja3_is_what_its_authors_published() {
        let with_groups = Offer {
            legacy_version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            point_formats: vec![0],
            ..Offer::default()
        };
        let without = Offer {
            legacy_version: 769,
            ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
            ..Offer::default()
        };
        assert_eq!(without.ja3_text(), "769,4-5-10-9-100-98-3-6-19-18-99,,,");
        assert_eq!(without.ja3(), "de350869b8c85de67a350c8d186f11e6");
        assert_eq!(with_groups.ja3(), "ada70206e40642a3e4461f35503241d5");
    }

    /// The example of JA4.md.
    #[test]
    fn ja4_is_what_its_authors_published() {
        let mut offer = Offer {
            legacy_version: 0x0303,
            version: 0x0304,
            ciphers: vec![
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
                0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
                0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ],
            signature_algorithms: vec![
                0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
            ],
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            ..Offer::default()
        };
        assert_eq!(offer.ja4(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        offer.signature_algorithms.clear();
        assert_eq!(offer.ja4(), "t13d1516h2_8daaf6152771_6d807ffa2a79");
    }

    #[test]
    fn ja4_of_nothing_is_zeros_and_counts_end_at_99() {
        assert_eq!(Offer::default().ja4(), "t00i000000_000000000000_000000000000");
        let many = Offer { ciphers: vec![1; 100], extensions: vec![0; 100], ..Offer::default() };
        assert_eq!(many.ja4_head(), "t00d999900");
        assert!(many.ja4().ends_with("_000000000000"), "server_name is in the head only");
    }

    #[test]
    fn the_protocol_of_ja4_is_two_characters_of_its_name_or_its_hex() {
        for (name, wanted) in [
            (&b"h2"[..], "h2"),
            (b"http/1.1", "h1"),
            (b"x", "xx"),
            (b"", "00"),
            (b"\xab", "ab"),
            (b"\xab\xcd", "ad"),
            (b"\x30\xab", "3b"),
            (b"\x30\x31\xab\xcd", "3d"),
            (b"\x30\xab\xcd\x31", "01"),
            (b"-a", "21"),
        ] {
            let found: String = ja4_protocol(name).iter().collect();
            assert_eq!(found, wanted, "{}", name.escape_ascii());
        }
    }
}
