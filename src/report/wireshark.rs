//! Display filters for Wireshark.

use crate::decode::Endpoint;
use crate::time::Stamp;

/// A filter that shows connections, from one frame to another where there is one input: Wireshark
/// numbers each file's frames anew.
pub fn filter(connections: &[(Endpoint, Endpoint)], frames: Option<(Stamp, Stamp)>) -> String {
    // The first is the control connection, and must not be what is left out.
    let mut listed: Vec<String> = Vec::new();
    for (one, other) in connections {
        let wanted = connection(*one, *other);
        if listed.len() < MOST && !listed.contains(&wanted) {
            listed.push(wanted);
        }
    }
    let any = listed.join(" || ");
    match frames {
        Some((first, last)) => {
            format!(
                "({any}) && frame.number >= {} && frame.number <= {}",
                first.frame(),
                last.frame()
            )
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
