//! What the one who runs this knows of the network, and wants to be told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::HashList;
use crate::hash::HashSet;

/// What the rules are told beside the facts. Everything has a default that makes sense without it.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    thresholds: BTreeMap<&'static str, u64>,
    /// Networks that are inside, whatever their addresses look like.
    pub home: Vec<IpNet>,
    /// Where data may go to and come from: findings about what is moved are silent there.
    pub allowed: Vec<Allowed>,
    /// Hashes of files that are known to be bad.
    pub bad: HashList,
    /// Hashes of files that are known to be harmless: findings about what a file is are silent.
    pub harmless: HashList,
    /// Rules that are not asked.
    pub off: BTreeSet<String>,
    pub suppressions: Vec<Suppression>,
}

/// A server, or a server with certain clients, that is meant to be used.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// `None` is any client.
    pub client: Option<IpNet>,
    pub server: IpNet,
}

/// Findings that are known and accepted. They are told, but do not count.
#[derive(Clone, Debug)]
pub struct Suppression {
    pub rule: String,
    /// Only of sessions to or from here; `None` is everywhere.
    pub host: Option<IpNet>,
    pub reason: String,
}

/// A number that a rule compares with.
#[derive(Debug)]
pub struct Threshold {
    pub name: &'static str,
    pub default: u64,
    /// What it is, with its unit.
    pub help: &'static str,
}

/// Every threshold there is.
pub const THRESHOLDS: &[Threshold] = &[
    Threshold {
        name: "banner-delay-ms",
        default: 3000,
        help: "Milliseconds from the connection to the greeting",
    },
    Threshold {
        name: "data-open-delay-ms",
        default: 3000,
        help: "Milliseconds from the command to the first byte of data",
    },
    Threshold {
        name: "stall-ms",
        default: 1000,
        help: "Milliseconds without progress, for want of room or because of loss",
    },
    Threshold {
        name: "small-files",
        default: 20,
        help: "Files of a session from which on their number is what takes the time",
    },
    Threshold {
        name: "control-silence-ms",
        default: 60_000,
        help: "Milliseconds of silence on the control connection after which boxes on the way may \
               have forgotten it",
    },
    Threshold {
        name: "unanswered-command-ms",
        default: 10_000,
        help: "Milliseconds after which a command that was received counts as unanswered",
    },
    Threshold {
        name: "refused-logins",
        default: 10,
        help: "Refused logins of a client at a server from which on they are guesses",
    },
    Threshold {
        name: "refused-logins-minutes",
        default: 15,
        help: "Minutes within which they are counted",
    },
    Threshold {
        name: "scanned-servers",
        default: 10,
        help: "Servers that a client connects to without a login from which on it is a scan",
    },
    Threshold {
        name: "overlong-argument-bytes",
        default: 512,
        help: "Bytes of an argument beyond which a command counts as overlong",
    },
    Threshold {
        name: "overlong-login-bytes",
        default: 128,
        help: "The same of USER, PASS and ACCT",
    },
    Threshold {
        name: "mass-delete",
        default: 10,
        help: "Files that one session deletes, or renames to one ending, within a minute",
    },
    Threshold {
        name: "mass-download-files",
        default: 50,
        help: "Different files that a client fetches from a server in an hour",
    },
    Threshold {
        name: "mass-download-mb",
        default: 1000,
        help: "Megabytes that a client fetches from a server in an hour",
    },
    Threshold {
        name: "upload-mb-per-hour",
        default: 50,
        help: "Megabytes that a client inside sends to a server outside in an hour",
    },
];

impl Policy {
    /// Which hashes must be made beside SHA-256 to look files up in its lists.
    pub fn hashes(&self) -> HashSet {
        self.bad.needs() | self.harmless.needs()
    }

    /// The threshold of this name, which must be one of [`THRESHOLDS`].
    pub(super) fn threshold(&self, name: &'static str) -> u64 {
        let of_name = THRESHOLDS.iter().find(|threshold| threshold.name == name);
        let default = of_name.map(|threshold| threshold.default);
        debug_assert!(default.is_some(), "no threshold {name}");
        self.thresholds.get(name).copied().or(default).unwrap_or(u64::MAX)
    }

    /// Sets a threshold; false if there is none of this name.
    pub fn set_threshold(&mut self, name: &str, value: u64) -> bool {
        let known = THRESHOLDS.iter().find(|threshold| threshold.name == name);
        known.map(|threshold| self.thresholds.insert(threshold.name, value)).is_some()
    }

    pub(super) fn is_home(&self, ip: IpAddr) -> bool {
        self.home.iter().any(|net| is_within(ip, *net))
    }

    /// Whether an address is inside: of a home network, or where none is named, a private one.
    pub(super) fn is_inside(&self, ip: IpAddr) -> bool {
        if self.home.is_empty() { is_private(ip) } else { self.is_home(ip) }
    }

    /// Whether data may be moved between these.
    pub(super) fn is_allowed(&self, client: IpAddr, server: IpAddr) -> bool {
        self.allowed.iter().any(|allowed| {
            let is_client = allowed.client.is_none_or(|net| is_within(client, net));
            is_client && is_within(server, allowed.server)
        })
    }
}

/// Whether an address is of a network, each as it is or as the IPv4 that it is mapped from (RFC 4291
/// §2.5.5.2).
pub(super) fn is_within(ip: IpAddr, net: IpNet) -> bool {
    let plain = ip.to_canonical();
    net.contains(&ip)
        || net.contains(&plain)
        || unmapped(net).is_some_and(|net| net.contains(&plain))
}

/// The network of IPv4 addresses that one of mapped addresses is.
fn unmapped(net: IpNet) -> Option<IpNet> {
    let IpNet::V6(net) = net else { return None };
    let len = net.prefix_len().checked_sub(96)?;
    let first = net.network().to_ipv4_mapped()?;
    IpNet::new(IpAddr::V4(first), len).ok()
}

/// Whether nobody beyond the own network can send to this address: RFC 1918, RFC 6598, RFC 4193,
/// RFC 3927 and loopback.
pub(super) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || a == 100 && b & 0xc0 == 64
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Whether nothing can be sent to this address at all, from anywhere but the host itself.
pub(super) fn is_unusable(ip: IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(_) => false,
    };
    ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || is_link_local
}
