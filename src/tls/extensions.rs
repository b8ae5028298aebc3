//! Extensions of a hello, and the lists inside them.

/// The extensions of a hello, as type and content, in their order (RFC 8446 §4.2).
///
/// Not the crate's list of parsed ones: that ends at the first whose content is malformed, and a
/// fingerprint needs the types of all.
pub(super) fn extensions(block: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = block;
    std::iter::from_fn(move || {
        let (kind, after) = rest.split_first_chunk::<2>()?;
        let (content, after) = split_long(after)?;
        rest = after;
        Some((u16::from_be_bytes(*kind), content))
    })
}

/// The host name in `server_name` (RFC 6066 §3). Its other name types never came to be.
pub(super) fn host_name(content: &[u8]) -> Option<&[u8]> {
    let (list, _) = split_long(content)?;
    let (&kind, after) = list.split_first()?;
    let (name, _) = split_long(after)?;
    (kind == 0 && !name.is_empty()).then_some(name)
}

/// The first names in `application_layer_protocol_negotiation` (RFC 7301 §3.1).
pub(super) fn protocols(content: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = long_list(content);
    std::iter::from_fn(|| {
        let (name, after) = split_short(rest)?;
        rest = after;
        Some(name.to_vec())
    })
    .take(MAX_PROTOCOLS)
    .collect()
}

/// Numbers of two octets, as in a list with a length of two octets (`supported_groups`,
/// `signature_algorithms`).
pub(super) fn long_numbers(content: &[u8]) -> Vec<u16> {
    numbers(long_list(content))
}

/// Numbers of two octets, as in a list with a length of one (`supported_versions`).
pub(super) fn short_numbers(content: &[u8]) -> Vec<u16> {
    numbers(short_list(content))
}

/// The octets in a list with a length of one (`ec_point_formats`).
pub(super) fn short_list(content: &[u8]) -> &[u8] {
    split_short(content).map_or(&[], |(list, _)| list)
}

/// A value reserved so that peers get used to unknown ones; picked at random (RFC 8701).
pub(super) fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn numbers(list: &[u8]) -> Vec<u16> {
    list.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}

fn long_list(content: &[u8]) -> &[u8] {
    split_long(content).map_or(&[], |(list, _)| list)
}

fn split_short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, after) = bytes.split_first()?;
    after.split_at_checked(usize::from(len))
}

fn split_long(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, after) = bytes.split_first_chunk::<2>()?;
    after.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// How many protocols are kept of one hello. Clients offer two or three; a list of empty names
/// would be many times larger in memory than on the wire.
const MAX_PROTOCOLS: usize = 16;

/// Types of extensions (IANA, TLS ExtensionType Values).
pub(super) const SERVER_NAME: u16 = 0;
pub(super) const SUPPORTED_GROUPS: u16 = 10;
pub(super) const EC_POINT_FORMATS: u16 = 11;
pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(super) const ALPN: u16 = 16;
pub(super) const SESSION_TICKET: u16 = 35;
pub(super) const PRE_SHARED_KEY: u16 = 41;
pub(super) const SUPPORTED_VERSIONS: u16 = 43;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_far_as_they_are_whole() {
        let block = b"\0\x0a\0\x04\0\x02\0\x1d\x0a\x0a\0\0\0\x10\0\x09cut";
        let found: Vec<_> = extensions(block).collect();
        assert_eq!(found, [(10, &b"\0\x02\0\x1d"[..]), (0x0a0a, b"")]);

        assert_eq!(long_numbers(b"\0\x04\0\x1d\0\x17"), [29, 23]);
        assert_eq!(long_numbers(b"\0\x05\0\x1d\0\x17"), [0; 0], "longer than its extension");
        assert_eq!(short_numbers(b"\x03\x03\x04\x03"), [0x0304], "an odd octet is dropped");
        assert_eq!(short_list(b"\x01\0"), [0]);
        assert_eq!(protocols(b"\0\x06\x03ftp\x05h"), [b"ftp".to_vec()]);
        assert_eq!(host_name(b"\0\x06\0\0\x03a.b"), Some(&b"a.b"[..]));
        assert_eq!(host_name(b"\0\x06\x01\0\x03a.b"), None, "not a host name");
        assert_eq!(host_name(b""), None, "a server's answer");
    }

    #[test]
    fn grease_is_sixteen_values() {
        let count = (0..=u16::MAX).filter(|value| is_grease(*value)).count();
        assert_eq!(count, 16);
        assert!(is_grease(0x0a0a) && is_grease(0xfafa) && !is_grease(0x0a1a));
    }
}
