//! What became of a transfer.

use super::{Content, DataConnection, sender};
use crate::session::{Circumstances, Confidence, Expected, NO_DATA_CONNECTION, Request};
use crate::tcp::Close;

/// What became of a transfer, as far as the capture shows.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    /// Every byte captured, closed in order, a 2yz reply, and the sizes that are known agree.
    Complete,
    /// Nothing is missing between what was captured, but the end or the 2yz was not captured,
    /// or a known size does not agree.
    Unconfirmed,
    /// The capture missed bytes.
    Gaps,
    /// Reset, ABOR, or a 4yz or 5yz after it began.
    Aborted,
    /// The capture ended first.
    InProgress,
    /// 4yz or 5yz before any data.
    Refused,
    /// The data connection never came up.
    NoConnection,
    /// By what the server says there was a data connection, but it is not in the capture; or nothing
    /// that the server says is.
    NotCaptured,
    Encrypted,
}

impl Outcome {
    /// Whether what was asked for did not come about, by more than what the capture missed.
    pub fn is_failed(self) -> bool {
        matches!(self, Self::Aborted | Self::Refused | Self::NoConnection)
    }
}

/// Judges by both halves: what was said, and what was carried.
pub(super) fn judge(
    request: &Request,
    data: Option<&DataConnection>,
    content: Option<&Content>,
    is_encrypted: bool,
    around: &Circumstances,
) -> Outcome {
    let Some((data, content)) = data.zip(content) else {
        return without_connection(request, data.is_some(), around);
    };
    let code = request.answered.map(|(_, code)| code);
    let is_done = code.is_some_and(|code| code / 100 == 2);
    if code.is_some_and(|code| code >= 400) {
        return match code {
            Some(NO_DATA_CONNECTION) if content.bytes == 0 => Outcome::NoConnection,
            _ if request.preliminary.is_none() && content.bytes == 0 => Outcome::Refused,
            _ => Outcome::Aborted,
        };
    }
    if is_encrypted {
        return Outcome::Encrypted;
    }
    let agrees = request.expected.map(|expected| agrees(request, content, expected));
    // Where nothing was moved and nothing said, it may have been refused: the reply is not here.
    let has_begun = content.bytes > 0 || request.preliminary.is_some();
    let was_reset =
        has_begun && matches!(data.link.close, Close::Reset { .. }) && content.end.is_none();
    if !is_done && was_given_up(request, data) {
        return Outcome::Aborted;
    }
    if (was_reset || request.is_abandoned)
        && !(is_done && agrees == Some(true) && content.is_whole())
    {
        return Outcome::Aborted;
    }
    if !content.is_whole() {
        return Outcome::Gaps;
    }
    // Bytes that may be another transfer's are not known to be this one's.
    // A mode that wraps the file must have been undone to its end.
    let is_stream = request.representation.mode.as_deref().is_none_or(|mode| mode == b"S");
    let is_understood = match &content.decoded {
        Some(decoded) => decoded.is_whole(),
        None => is_stream || content.bytes == 0,
    };
    let is_sure = is_understood
        && content.out_of_window == 0
        && !content.is_doubtful
        && request.setup.link.is_some_and(|link| link.confidence > Confidence::Guess);
    let is_open = around.control_open && data.link.close == Close::Open;
    match (is_done, content.end.is_some()) {
        (true, true)
            if agrees != Some(false) && content.conflicts.is_empty() && !was_reset && is_sure =>
        {
            Outcome::Complete
        }
        (false, false) if is_open => Outcome::InProgress,
        _ => Outcome::Unconfirmed,
    }
}

/// Whether who took the content closed first, while what was sent stayed unacknowledged however
/// often it was sent again.
fn was_given_up(request: &Request, data: &DataConnection) -> bool {
    let Some(link) = request.setup.link else { return false };
    let sender = sender(request.verb, link.server);
    data.link.ended_by == Some(sender.reversed()) && data.link.loss(sender).stuck.is_some()
}

/// Whether the octets captured are as many as the server said. Under REST the text of a 150 gives
/// the whole size on some servers (vsftpd) and the rest of it on others (ProFTPD). What a
/// representation changed cannot be compared.
pub(super) fn agrees(request: &Request, content: &Content, expected: Expected) -> bool {
    if !request.representation.is_image() {
        // What a mode packed can be compared once it is unpacked, if the type changes nothing.
        let decoded = content.decoded.as_ref().filter(|_| request.representation.is_octets());
        return decoded.is_none_or(|decoded| {
            decoded.bytes == expected.bytes
                || expected.bytes.checked_sub(request.rest_offset) == Some(decoded.bytes)
        });
    }
    content.bytes == expected.bytes
        || expected.bytes.checked_sub(request.rest_offset) == Some(content.bytes)
}

fn without_connection(request: &Request, attempted: bool, around: &Circumstances) -> Outcome {
    match (request.preliminary.is_some(), request.answered.map(|(_, code)| code)) {
        (_, Some(NO_DATA_CONNECTION)) => Outcome::NoConnection,
        (false, Some(400..)) => Outcome::Refused,
        // 421 is what pyftpdlib says when it has waited for the connection in vain.
        (true, Some(TOO_LATE)) => Outcome::NoConnection,
        (true, Some(400..)) if attempted => Outcome::NoConnection,
        // It broke off, or could not be read or written: the connection was there (RFC 959 §5.4).
        // The server says it was moved: what was not captured may have been.
        (_, Some(_)) => Outcome::NotCaptured,
        (_, None) if attempted => Outcome::NoConnection,
        (_, None) if around.server_unheard => Outcome::NotCaptured,
        (_, None) if around.control_open => Outcome::InProgress,
        (true, None) => Outcome::NotCaptured,
        (false, None) => Outcome::NoConnection,
    }
}

/// "Service not available" (RFC 959 §4.2.2), also of a server that gave up waiting.
const TOO_LATE: u16 = 421;
