//! Community ID v1: the name other tools give to the same flow.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::decode::Endpoint;
use crate::hash;

/// The Community ID of a TCP connection, with seed 0
/// (<https://github.com/corelight/community-id-spec>).
pub fn community_id(a: Endpoint, b: Endpoint) -> String {
    let (a, b) = (bytes(a), bytes(b));
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let mut hashed = vec![0, 0];
    hashed.extend(low.0);
    hashed.extend(high.0);
    hashed.extend([TCP, 0]);
    hashed.extend(low.1);
    hashed.extend(high.1);
    format!("1:{}", STANDARD.encode(hash::sha1(&hashed)))
}

const TCP: u8 = 6;

fn bytes(end: Endpoint) -> (Vec<u8>, [u8; 2]) {
    let ip = match end.ip.addr {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    (ip, end.port.to_be_bytes())
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
            assert_eq!(community_id(a, b), wanted);
            assert_eq!(community_id(b, a), wanted);
        }
    }
}
