//! What the capture does not show, so that silence is not taken for peace.

use super::super::Analysis;
use super::super::rules::hidden;
use super::NAMED;
use crate::session::{EncryptionKind, Session, SessionId};
use crate::tcp::{Close, Handshake};
use crate::transfer::Outcome;

/// Something that could not be seen, and how often.
#[derive(Debug)]
pub struct Unseen {
    pub what: What,
    pub count: u64,
    /// The first 64 it concerns.
    pub sessions: Vec<SessionId>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// Sessions whose dialogue was encrypted from some point on.
    EncryptedSessions,
    /// Sessions with octets of the dialogue missing.
    DialogueGaps,
    /// Sessions of which one direction alone was captured.
    OneWay,
    /// Sessions that were under way when the capture began.
    BegunBefore,
    /// Sessions that were still open when it ended.
    NotOver,
    /// Transfers with octets missing.
    TransferGaps,
    /// Transfers of which the end, or the server's word that they are done, was not captured.
    TransferEnds,
    /// Transfers whose data connection is not in the capture.
    TransfersNotCaptured,
    /// Data connections that no command could be found for.
    WithoutCommand,
    /// Packets that may hold TCP and could not be read so far.
    Packets,
    /// Places where a capture is damaged or cut.
    Damage,
}

pub(super) fn unseen(analysis: &Analysis) -> Vec<Unseen> {
    let of_sessions = |what, is: fn(&Session) -> bool| {
        let found = analysis.sessions.iter().filter(|session| is(session));
        Unseen::new(what, found.map(|session| session.id))
    };
    let of_transfers = |what, wanted: Outcome| {
        let found = analysis.transfers.iter().filter(|transfer| transfer.outcome == wanted);
        Unseen::new(what, found.map(|transfer| transfer.session))
    };
    let without_end = analysis.transfers.iter().filter(|transfer| {
        let end = transfer.content.as_ref().and_then(|content| content.end);
        transfer.outcome == Outcome::Unconfirmed
            && (end.is_none() || transfer.request.answered.is_none())
    });
    let damage = analysis.inputs.iter().map(|input| input.damage_count);
    let orphans = analysis.orphans.iter();
    let orphans = orphans.filter(|orphan| orphan.inferred.is_none()).count();
    let all = [
        of_sessions(What::EncryptedSessions, |session| {
            session.encryption.kind != EncryptionKind::None
        }),
        of_sessions(What::DialogueGaps, |session| {
            session.tcp.from_client.missing_bytes + session.tcp.from_server.missing_bytes > 0
        }),
        of_sessions(What::OneWay, |session| {
            let (client, server) = (&session.tcp.from_client, &session.tcp.from_server);
            client.is_unseen_beside(server) || server.is_unseen_beside(client)
        }),
        of_sessions(What::BegunBefore, |session| {
            session.tcp.link.handshake == Handshake::NotCaptured
        }),
        of_sessions(What::NotOver, |session| {
            let link = &session.tcp.link;
            link.close == Close::Open && link.is_established()
        }),
        of_transfers(What::TransferGaps, Outcome::Gaps),
        Unseen::new(What::TransferEnds, without_end.map(|transfer| transfer.session)),
        of_transfers(What::TransfersNotCaptured, Outcome::NotCaptured),
        Unseen { what: What::WithoutCommand, count: orphans as u64, sessions: Vec::new() },
        Unseen { what: What::Packets, count: hidden(&analysis.capture), sessions: Vec::new() },
        Unseen { what: What::Damage, count: damage.sum(), sessions: Vec::new() },
    ];
    all.into_iter().filter(|unseen| unseen.count > 0).collect()
}

impl Unseen {
    /// `sessions` in order; one may stand there several times.
    fn new(what: What, sessions: impl Iterator<Item = SessionId>) -> Self {
        let mut unseen = Self { what, count: 0, sessions: Vec::new() };
        for session in sessions {
            unseen.count += 1;
            if unseen.sessions.last() != Some(&session) && unseen.sessions.len() < NAMED {
                unseen.sessions.push(session);
            }
        }
        unseen
    }
}
