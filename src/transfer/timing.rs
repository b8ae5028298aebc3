//! How long the parts of a transfer took.

use super::Transfer;
use crate::tcp::Dir;
use crate::time::Stamp;

/// How long the parts of a transfer took, by the capture's clock: where the capture was taken, not
/// at either end. `None` where a part was not seen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Timing {
    /// From the command to the first segment of the data connection; negative where that was opened
    /// before, as passive ones are.
    pub command_to_connection_ns: Option<i64>,
    /// From the first segment of the data connection to the first octet on it.
    pub connection_to_first_byte_ns: Option<i64>,
    /// From the first octet to the last.
    pub duration_ns: Option<i64>,
    /// Octets captured in that time, a second; `None` where one frame carried them all.
    pub bytes_per_second: Option<u64>,
    /// Round trip of the data connection's handshake.
    pub rtt_ns: Option<i64>,
    /// Of who sent the content.
    pub retransmissions: Option<u64>,
    /// How long who took the content had no room for more.
    pub zero_window_ns: Option<u64>,
}

impl Transfer {
    pub fn timing(&self) -> Timing {
        let Some(data) = &self.data else { return Timing::default() };
        let since = |later: Stamp, earlier: Stamp| later.at.nanos_since(earlier.at);
        let content = self.content.as_ref();
        let ends = content.and_then(|content| content.first.zip(content.last));
        // Nothing takes less than no time, whatever the capture's clock did meanwhile.
        let took = |nanos: Option<i64>| nanos.filter(|nanos| *nanos >= 0);
        let duration_ns = took(ends.and_then(|(first, last)| since(last, first)));
        let [sent, taken] = match self.content_dir() {
            Some(Dir::FromOriginator) => [data.from_originator, data.from_responder].map(Some),
            Some(Dir::FromResponder) => [data.from_responder, data.from_originator].map(Some),
            None => [None, None],
        };
        Timing {
            command_to_connection_ns: since(data.link.first, self.request.asked),
            connection_to_first_byte_ns: took(
                ends.and_then(|(first, _)| since(first, data.link.first)),
            ),
            duration_ns,
            bytes_per_second: content.zip(duration_ns).and_then(|(content, nanos)| {
                let nanos = u128::try_from(nanos).ok().filter(|nanos| *nanos > 0)?;
                u64::try_from(u128::from(content.bytes) * NANOS / nanos).ok()
            }),
            rtt_ns: data.link.rtt_ns,
            retransmissions: sent.map(|sent| sent.retransmissions.into()),
            zero_window_ns: taken.map(|taken| taken.zero_window_ns),
        }
    }
}

/// Nanoseconds of a second.
const NANOS: u128 = 1_000_000_000;
