//! Data connections that go where they should not: bounces, copies between servers, theft, data
//! that says two things.

mod bounce;
mod overlap;
mod sites;

use std::net::IpAddr;

use super::super::Rule;

pub(in super::super) const RULES: &[&Rule] =
    &[&bounce::ATTEMPT, &bounce::SCAN, &sites::COPY, &sites::STOLEN, &overlap::EVASION];

/// Whether two addresses may be one client's: of one pool of public IPv4 addresses, or of one
/// network of IPv6, where a host has several (RFC 8981).
fn are_one_pool(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            one.to_bits() >> 8 == other.to_bits() >> 8 && !one.is_private()
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() >> 64 == other.to_bits() >> 64,
        _ => false,
    }
}
