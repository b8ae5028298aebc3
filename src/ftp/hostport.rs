//! Addresses announced for data connections: what a peer *claimed*, not where it went.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where one side says it listens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Announced {
    /// `None` in a 229: the address of the control connection's server is meant (RFC 2428 §3).
    pub ip: Option<IpAddr>,
    pub port: u16,
}

/// `192.0.2.1:30000`, `[2001:db8::1]:30000`, or `port 30000` of a 229.
impl fmt::Display for Announced {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            Some(ip) => SocketAddr::new(ip, self.port).fmt(out),
            None => write!(out, "port {}", self.port),
        }
    }
}

/// The argument of `PORT`: `h1,h2,h3,h4,p1,p2` (RFC 959 §3.2.1). Spaces around the fields are
/// tolerated, as servers do.
pub(super) fn parse_port(arg: &[u8]) -> Option<Announced> {
    let [h1, h2, h3, h4, p1, p2] = octets(arg)?;
    let ip = Ipv4Addr::new(h1, h2, h3, h4).into();
    Some(Announced { ip: Some(ip), port: u16::from_be_bytes([p1, p2]) })
}

/// The address in the text of a 227. Servers differ in what they put around it; RFC 1123
/// §4.1.2.6 says to look for the digits.
pub(super) fn find_host_port(text: &[u8]) -> Option<Announced> {
    number_lists(text).find_map(parse_port)
}

/// The argument of `EPRT`: `|family|address|port|`, with any delimiter (RFC 2428 §2).
pub(super) fn parse_eprt(arg: &[u8]) -> Option<Announced> {
    let (delimiter, rest) = arg.trim_ascii().split_first()?;
    let mut fields = rest.split(|byte| byte == delimiter);
    let (family, address, port) = (fields.next()?, fields.next()?, fields.next()?);
    let ip = text_of(address)?.parse().ok()?;
    let family_fits = match family {
        b"1" => matches!(ip, IpAddr::V4(_)),
        b"2" => matches!(ip, IpAddr::V6(_)),
        _ => false,
    };
    family_fits.then_some(Announced { ip: Some(ip), port: text_of(port)?.parse().ok()? })
}

/// The port in the text of a 229: `(|||port|)`, with any delimiter (RFC 2428 §3). Some servers
/// fill in the address although they must not; it is kept.
pub(super) fn parse_229(text: &[u8]) -> Option<Announced> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let inside = text.get(open + 1..)?;
    let close = inside.iter().position(|byte| *byte == b')')?;
    let inside = inside.get(..close)?;
    parse_eprt(inside).or_else(|| {
        let (delimiter, rest) = inside.split_first()?;
        let port = rest.strip_prefix(&[*delimiter, *delimiter])?.strip_suffix(&[*delimiter])?;
        Some(Announced { ip: None, port: text_of(port)?.parse().ok()? })
    })
}

/// The argument of `LPRT` (RFC 1639 §3.1): family, address length, address, port length, port.
pub(super) fn parse_lprt(arg: &[u8]) -> Option<Announced> {
    octets::<9>(arg)
        .and_then(|octets| match octets {
            [4, 4, h1, h2, h3, h4, 2, p1, p2] => {
                let ip = Ipv4Addr::new(h1, h2, h3, h4).into();
                Some(Announced { ip: Some(ip), port: u16::from_be_bytes([p1, p2]) })
            }
            _ => None,
        })
        .or_else(|| {
            let octets = octets::<21>(arg)?;
            let ([6, 16], rest) = octets.split_first_chunk::<2>()? else { return None };
            let (address, rest) = rest.split_first_chunk::<16>()?;
            let [2, p1, p2] = *rest else { return None };
            let ip = Ipv6Addr::from(*address).into();
            Some(Announced { ip: Some(ip), port: u16::from_be_bytes([p1, p2]) })
        })
}

/// The address in the text of a 228 (RFC 1639 §3.2).
pub(super) fn find_long_host_port(text: &[u8]) -> Option<Announced> {
    number_lists(text).find_map(parse_lprt)
}

/// Runs of digits and commas.
fn number_lists(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !byte.is_ascii_digit() && *byte != b',')
}

/// Exactly `N` decimal octets between commas.
fn octets<const N: usize>(arg: &[u8]) -> Option<[u8; N]> {
    let mut octets = [0; N];
    let mut fields = arg.split(|byte| *byte == b',');
    for octet in &mut octets {
        *octet = text_of(fields.next()?.trim_ascii())?.parse().ok()?;
    }
    fields.next().is_none().then_some(octets)
}

/// Digits, dots and colons need no more than ASCII; `+1` parses as a number but is none here.
fn text_of(field: &[u8]) -> Option<&str> {
    std::str::from_utf8(field).ok().filter(|text| !text.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(found: Option<Announced>) -> String {
        match found {
            None => "none".to_owned(),
            Some(Announced { ip: None, port }) => format!("* {port}"),
            Some(Announced { ip: Some(ip), port }) => format!("{ip} {port}"),
        }
    }

    #[test]
    fn port_takes_six_octets_and_nothing_else() {
        for (arg, wanted) in [
            ("127,0,0,10,8,74", "127.0.0.10 2122"),
            (" 10, 0,0,1 ,4,5 ", "10.0.0.1 1029"),
            ("10,0,0,1,4", "none"),
            ("10,0,0,1,4,5,6", "none"),
            ("10,0,0,256,4,5", "none"),
            ("10,0,0,+1,4,5", "none"),
            ("", "none"),
        ] {
            assert_eq!(spelled(parse_port(arg.as_bytes())), wanted, "{arg}");
        }
    }

    #[test]
    fn a_227_is_found_in_the_text_of_real_servers() {
        for (text, wanted) in [
            ("Entering Passive Mode (203,0,113,21,117,66).", "203.0.113.21 30018"),
            ("Entering Passive Mode (127,0,0,10,8,74).", "127.0.0.10 2122"),
            ("Entering Passive Mode 10,0,0,1,200,10", "10.0.0.1 51210"),
            ("=10,0,0,1,200,10", "10.0.0.1 51210"),
            ("Entering Passive Mode (10,0,0,1,300,10)", "none"),
            ("Passive 3 of 4, port (10,0,0,1,0,20)", "10.0.0.1 20"),
            ("Entering Passive Mode", "none"),
        ] {
            assert_eq!(spelled(find_host_port(text.as_bytes())), wanted, "{text}");
        }
    }

    #[test]
    fn eprt_and_229_take_any_delimiter() {
        for (arg, wanted) in [
            ("|1|132.235.1.2|6275|", "132.235.1.2 6275"),
            ("|2|1080::8:800:200C:417A|5282|", "1080::8:800:200c:417a 5282"),
            ("!1!10.0.0.1!99!", "10.0.0.1 99"),
            ("|1|1080::8|5282|", "none"),
            ("|3|10.0.0.1|5282|", "none"),
            ("|1|10.0.0.1|70000|", "none"),
            ("", "none"),
        ] {
            assert_eq!(spelled(parse_eprt(arg.as_bytes())), wanted, "{arg}");
        }
        for (text, wanted) in [
            ("Entering Extended Passive Mode (|||6446|)", "* 6446"),
            ("Extended passive (!!!21!) ok", "* 21"),
            ("Entering (|1|10.0.0.1|6446|)", "10.0.0.1 6446"),
            ("Entering Extended Passive Mode (||6446|)", "none"),
            ("(|||99999|)", "none"),
        ] {
            assert_eq!(spelled(parse_229(text.as_bytes())), wanted, "{text}");
        }
    }

    #[test]
    fn long_addresses_are_read_in_both_families() {
        let v6 = "6,16,32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1,2,4,0";
        assert_eq!(spelled(parse_lprt(b"4,4,10,0,0,1,2,8,74")), "10.0.0.1 2122");
        assert_eq!(spelled(parse_lprt(v6.as_bytes())), "2001:db8::1 1024");
        let text = format!("Entering Long Passive Mode ({v6})");
        assert_eq!(spelled(find_long_host_port(text.as_bytes())), "2001:db8::1 1024");
        assert_eq!(spelled(parse_lprt(b"4,4,10,0,0,1,3,8,74")), "none");
    }
}
