//! Community ID v1: the name other tools give to the same flow.

use std::fmt;
use std::net::IpAddr;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

use crate::decode::Endpoint;
use crate::hash;

/// The Community ID of a TCP connection, with seed 0
/// (<https://github.com/corelight/community-id-spec>).
pub fn community_id(a: Endpoint, b: Endpoint) -> CommunityId {
    let key = |end: Endpoint| (end.ip.addr, end.port);
    let (low, high) = if key(a) <= key(b) { (a, b) } else { (b, a) };
    let mut hashed = Vec::with_capacity(40);
    hashed.extend([0, 0]);
    push_address(low, &mut hashed);
    push_address(high, &mut hashed);
    hashed.extend([TCP, 0]);
    hashed.extend(low.port.to_be_bytes());
    hashed.extend(high.port.to_be_bytes());
    CommunityId(hash::sha1(&hashed))
}

const TCP: u8 = 6;

fn push_address(end: Endpoint, bytes: &mut Vec<u8>) {
    match end.ip.addr {
        IpAddr::V4(ip) => bytes.extend(ip.octets()),
        IpAddr::V6(ip) => bytes.extend(ip.octets()),
    }
}

/// What version 1 hashes to.
pub struct CommunityId([u8; 20]);

impl fmt::Display for CommunityId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "1:{}", Base64Display::new(&self.0, &STANDARD))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first is from the specification's baseline, the second as tshark 4.0 gives it.
    #[test]
    fn ids_match_the_published_vectors() {
        let end = |ip: &str, port| Endpoint { ip: ip.parse::<IpAddr>().unwrap().into(), port };
        for (a, b, wanted) in [
            (
                end("128.232.110.120", 34855),
                end("66.35.250.204", 80),
                "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            ),
            (end("192.0.2.10", 40000), end("198.51.100.20", 21), "1:nr9ea4Sg4YRU+8OIASZCBRJK6Us="),
        ] {
            assert_eq!(community_id(a, b).to_string(), wanted);
            assert_eq!(community_id(b, a).to_string(), wanted);
        }
    }
}
