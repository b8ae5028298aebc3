//! pcapng interfaces: link type, snap length and clock.

use pcap_parser::{InterfaceDescriptionBlock, OptionCode};

use super::link::LinkType;
use crate::time::Timestamp;

/// What an Interface Description Block says about the packets that name it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Interface {
    pub(super) link: LinkType,
    /// Bytes kept of a packet; 0 is no limit.
    pub(super) snaplen: u32,
    pub(super) clock: Clock,
}

impl Interface {
    pub(super) fn describe(block: &InterfaceDescriptionBlock<'_>, is_big: bool) -> Self {
        // A LINKTYPE is 16 bits in the block; the parser widens it.
        let number = u16::try_from(block.linktype.0 & 0xffff).unwrap_or_default();
        let resolution = option(block, OptionCode::IfTsresol).and_then(<[u8]>::first).copied();
        // The parser's own if_tsoffset is read as little-endian whatever the section is.
        let offset = option(block, OptionCode::IfTsoffset).and_then(<[u8]>::first_chunk);
        let read_offset = if is_big { i64::from_be_bytes } else { i64::from_le_bytes };
        Self {
            link: LinkType(number),
            snaplen: block.snaplen,
            clock: Clock::new(
                resolution.unwrap_or(MICROSECONDS),
                offset.map_or(0, |bytes| read_offset(*bytes)),
            ),
        }
    }
}

/// How an interface counts time: ticks of 10⁻ⁿ or 2⁻ⁿ seconds, from some second after 1970
/// (`if_tsresol` and `if_tsoffset`, draft-ietf-opsawg-pcapng §4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Clock {
    tick: Tick,
    offset_secs: i64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tick {
    /// A second holds `per_sec` ticks of `nanos` nanoseconds each.
    Coarse { per_sec: u64, nanos: u64 },
    /// A second holds `per_sec` ticks, a nanosecond `per_nano` of them.
    Fine { per_sec: u64, per_nano: u64 },
    /// So fine that 64 bits of ticks are less than a second: `per_nano` of them, `None` if
    /// they are even less than a nanosecond.
    Finest { per_nano: Option<u64> },
    /// 2⁻ⁿ seconds; `n` is at most 127.
    Binary { exponent: u32 },
}

impl Clock {
    pub(super) fn new(resolution: u8, offset_secs: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let tick =
            if resolution & 0x80 != 0 { Tick::Binary { exponent } } else { decimal_tick(exponent) };
        Self { tick, offset_secs }
    }

    /// The time of a packet. What is finer than a nanosecond is cut off, as Wireshark does.
    pub(super) fn at(self, ticks: u64) -> Timestamp {
        let (secs, nanos) = self.tick.split(ticks);
        i64::try_from(i128::from(secs) + i128::from(self.offset_secs))
            .map_or(Timestamp::UNKNOWN, |secs| Timestamp::from_parts(secs, nanos))
    }
}

impl Tick {
    /// Whole seconds, and nanoseconds below 10⁹.
    fn split(self, ticks: u64) -> (u64, u32) {
        let (secs, nanos) = match self {
            // Nearly every interface there is, and division by a constant is no division.
            Self::Coarse { per_sec: 1_000_000, nanos } => {
                (ticks / 1_000_000, ticks % 1_000_000 * nanos)
            }
            Self::Coarse { per_sec, nanos } => (ticks / per_sec, ticks % per_sec * nanos),
            Self::Fine { per_sec, per_nano } => (ticks / per_sec, ticks % per_sec / per_nano),
            Self::Finest { per_nano } => (0, per_nano.map_or(0, |per_nano| ticks / per_nano)),
            Self::Binary { exponent } => return split_binary(ticks, exponent),
        };
        (secs, u32::try_from(nanos).unwrap_or_default())
    }
}

fn decimal_tick(exponent: u32) -> Tick {
    let per_sec = 10_u64.checked_pow(exponent);
    match (per_sec, exponent.checked_sub(9)) {
        (Some(per_sec), None) => Tick::Coarse { per_sec, nanos: 10_u64.pow(9 - exponent) },
        (Some(per_sec), Some(finer)) => Tick::Fine { per_sec, per_nano: 10_u64.pow(finer) },
        (None, finer) => {
            Tick::Finest { per_nano: finer.and_then(|finer| 10_u64.checked_pow(finer)) }
        }
    }
}

/// In 128 bits: 64 bits of ticks times 10⁹ need 94.
fn split_binary(ticks: u64, exponent: u32) -> (u64, u32) {
    let whole = (u128::from(ticks) * 1_000_000_000) >> exponent;
    let nanos = u32::try_from(whole % 1_000_000_000).unwrap_or_default();
    (u64::try_from(whole / 1_000_000_000).unwrap_or(u64::MAX), nanos)
}

/// The value of the first option with this code. What stands after the end mark is no
/// option, though the parser hands it over as one.
fn option<'a>(block: &'a InterfaceDescriptionBlock<'_>, code: OptionCode) -> Option<&'a [u8]> {
    let mut options = block.options.iter().take_while(|option| option.code != OptionCode::EndOfOpt);
    options.find(|option| option.code == code).and_then(|option| option.as_bytes().ok())
}

/// The `if_tsresol` of interfaces that have none.
const MICROSECONDS: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds_for_every_resolution() {
        let at = |secs, nanos| Timestamp::from_parts(secs, nanos);
        for (resolution, offset, ticks, wanted) in [
            (6, 0, 1_767_323_045_123_456, at(1_767_323_045, 123_456_000)),
            (0, 0, 1_767_323_045, at(1_767_323_045, 0)),
            (3, 0, 1_500, at(1, 500_000_000)),
            (9, 0, 1_767_323_045_123_456_789, at(1_767_323_045, 123_456_789)),
            (9, 0, u64::MAX, Timestamp::UNKNOWN),
            (9, -10_000_000_000, u64::MAX, at(8_446_744_073, 709_551_615)),
            (12, 0, 5_123_456_789_999, at(5, 123_456_789)),
            (19, 0, u64::MAX, at(1, 844_674_407)),
            (20, 0, u64::MAX, at(0, 184_467_440)),
            (28, 0, u64::MAX, at(0, 1)),
            (29, 0, u64::MAX, at(0, 0)),
            (127, 7, u64::MAX, at(7, 0)),
            (6, -3600, 3_600_000_000, at(0, 0)),
            (6, -1, 500_000, at(-1, 500_000_000)),
            (6, i64::MAX, 1_000_000, Timestamp::UNKNOWN),
            (0, 0, u64::MAX, Timestamp::UNKNOWN),
            (0x80, 0, 5, at(5, 0)),
            (0x80 | 1, 0, 3, at(1, 500_000_000)),
            (0x80 | 20, 0, (1_767_323_045 << 20) | (1 << 19), at(1_767_323_045, 500_000_000)),
            (0x80 | 32, 0, (1_767_323_045 << 32) | 1, at(1_767_323_045, 0)),
            (0x80 | 63, 0, u64::MAX, at(1, 999_999_999)),
            (0x80 | 64, 0, 1 << 63, at(0, 500_000_000)),
            (0x80 | 65, 0, 1 << 63, at(0, 250_000_000)),
            (0x80 | 127, 0, u64::MAX, at(0, 0)),
        ] {
            let got = Clock::new(resolution, offset).at(ticks);
            assert_eq!(got, wanted, "resolution {resolution:#x} offset {offset} ticks {ticks}");
        }
    }
}
