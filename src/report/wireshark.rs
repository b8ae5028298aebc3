//! Display filters for Wireshark.

use std::collections::BTreeSet;

use crate::decode::Endpoint;
use crate::time::Stamp;

/// A filter that shows connections, from one frame to another where there is one input: Wireshark
/// numbers each file's frames anew.
pub fn filter(connections: &[(Endpoint, Endpoint)], frames: Option<(Stamp, Stamp)>) -> String {
    let connections: BTreeSet<String> =
        connections.iter().map(|(one, other)| connection(*one, *other)).collect();
    let listed: Vec<&str> = connections.iter().take(MOST).map(String::as_str).collect();
    let any = listed.join(" || ");
    match frames {
        Some((first, last)) => {
            format!("({any}) && frame.number >= {} && frame.number <= {}", first.frame, last.frame)
        }
        None => any,
    }
}

/// Connections in one filter.
const MOST: usize = 8;

fn connection(one: Endpoint, other: Endpoint) -> String {
    let end = |end: Endpoint| {
        let ip = if end.ip.addr.is_ipv6() { "ipv6" } else { "ip" };
        format!("{ip}.addr == {} && tcp.port == {}", end.ip.addr, end.port)
    };
    format!("({} && {})", end(one), end(other))
}
