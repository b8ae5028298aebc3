//! One session as it went: what was said, and what came of it.

use std::collections::BTreeMap;
use std::io;

use super::Report;
use super::page::{Ink, Line, Page};
use super::timeline::Timeline;
use crate::report::document::session_id;
use crate::report::escape::{cut, escape};
use crate::report::human::{day, duration, moment, number, plural};
use crate::session::{EncryptionKind, Login, LoginOutcome, Protection, Session};
use crate::tcp::{self, AnomalyKind, Close, Dir, DirFacts, Handshake};
use crate::time::Stamp;
use crate::tls::{Certificate, TlsFacts};

pub(super) fn write(report: &Report<'_>, session: &Session, page: &mut Page<'_>) -> io::Result<()> {
    head(report, session, page)?;
    control_connection(report, session, page)?;
    Timeline::new(report, session, page).write(page)
}

/// `s1  10.66.1.2:40122 → 203.0.113.21:21  labuser, logged in`, and how the connection fared.
fn head(report: &Report<'_>, session: &Session, page: &mut Page<'_>) -> io::Result<()> {
    let id = Line::inked(Ink::Strong, &session_id(session.id));
    let indent = id.width() + 2;
    let mut ends = Line::default();
    ends.push(Ink::Strong, &format!("{} → {}", session.client, session.server));
    let link = &session.tcp.link;
    if let Some(failure) = failure(session) {
        let frames = Line::inked(Ink::Dim, &report.frames(link.first, link.last));
        return page.fields(id, indent, [ends, Line::inked(Ink::Bad, &failure), frames]);
    }
    page.fields(id, indent, [ends, login(report, session)])?;
    let mut facts =
        vec![Line::of(&moment(link.first.at).unwrap_or_else(|| "time unknown".to_owned()))];
    facts.push(Line::inked(Ink::Dim, &report.frames(link.first, link.last)));
    facts.extend(link.last.at.nanos_since(link.first.at).map(|nanos| Line::of(&duration(nanos))));
    facts.extend(link.rtt_ns.map(|nanos| Line::of(&format!("rtt {}", duration(nanos)))));
    let tunnel = report.analysis.capture.tunnels.name(session.client.ip.net);
    facts.extend(tunnel.map(|tunnel| Line::of(&format!("in {tunnel}"))));
    facts.push(Line::of(&encryption(report, session)));
    facts.push(Line::of(&close(session)));
    page.fields(Line::default(), indent, facts)?;
    match &session.tls {
        Some(tls) => write_tls(tls, indent, page),
        None => Ok(()),
    }
}

/// `TLS 1.2  TLS_RSA_WITH_AES_128_GCM_SHA256  to ftp.example.org  certificate CN=ftp.example.org
/// until 2027-01-31  JA4 t12d…`: what can be known of what cannot be read.
fn write_tls(tls: &TlsFacts, indent: usize, page: &mut Page<'_>) -> io::Result<()> {
    let mut facts = Vec::new();
    if let Some(server) = tls.server_hello() {
        facts.push(Line::of(&server.version.to_string()));
        facts.push(Line::of(&server.cipher_name()));
    }
    if let Some(client) = tls.client_hello() {
        let name = client.server_name.as_deref().map(String::from_utf8_lossy);
        facts.extend(name.map(|name| Line::of(&format!("to {}", cut(&escape(&name), NAME)))));
    }
    if tls.resumed() == Some(true) {
        facts.push(Line::of("resumed"));
    }
    if let Some(Certificate { subject, not_after, self_signed, .. }) = tls.certificate() {
        let whose = if *self_signed { "self-signed certificate" } else { "certificate" };
        let (subject, day) = (escape(subject), day(*not_after));
        facts.push(Line::of(&format!("{whose} {} until {day}", cut(&subject, NAME))));
    }
    let ja4 = tls.client_hello().map(|client| format!("JA4 {}", client.ja4));
    facts.extend(ja4.map(|ja4| Line::inked(Ink::Dim, &ja4)));
    page.fields(Line::default(), indent, facts)
}

/// Columns for a name that a stranger chose.
const NAME: usize = 40;

/// A control connection that never was.
fn failure(session: &Session) -> Option<String> {
    let link = &session.tcp.link;
    if !session.exchanges.is_empty() {
        return None;
    }
    match link.handshake {
        Handshake::Unanswered => {
            Some(format!("no answer to {}", plural(u64::from(link.syns), "SYN")))
        }
        Handshake::Refused => Some("refused: nothing listens there (RST)".to_owned()),
        Handshake::Unreachable => Some("unreachable (ICMP)".to_owned()),
        _ => None,
    }
}

fn login(report: &Report<'_>, session: &Session) -> Line {
    let Login { user, outcome, earlier, .. } = &session.login;
    let (ink, words) = match outcome {
        LoginOutcome::None => (Ink::Plain, "no login tried"),
        LoginOutcome::Unknown => (Ink::Plain, "login before the capture began"),
        LoginOutcome::Incomplete => (Ink::Doubtful, "login not answered"),
        LoginOutcome::Accepted => (Ink::Good, "logged in"),
        LoginOutcome::Refused => (Ink::Bad, "login refused"),
        LoginOutcome::Encrypted => (Ink::Plain, "login encrypted"),
    };
    let Some(user) = user else { return Line::inked(ink, words) };
    let charset = report.analysis.charset(session.id);
    let spelled = |user: &[u8]| cut(&escape(&charset.decode(user).0), 40).into_owned();
    let line = Line::of(&format!("{}, ", spelled(user))).and(ink, words);
    if earlier.is_empty() {
        return line;
    }
    let before: Vec<_> = earlier.iter().map(|entry| spelled(&entry.user)).collect();
    line.and(Ink::Plain, &format!(", before as {}", before.join(", ")))
}

fn encryption(report: &Report<'_>, session: &Session) -> String {
    let encryption = &session.encryption;
    let kind = match encryption.kind {
        EncryptionKind::None => return "clear text".to_owned(),
        EncryptionKind::Explicit => "TLS",
        EncryptionKind::Implicit => "TLS (implicit)",
        EncryptionKind::Gssapi => "GSSAPI",
    };
    let since = encryption.since.map(|since| match encryption.until {
        None => format!(" from {} on", report.frame(since)),
        Some(until) => format!(" from {} to {}", report.frame(since), report.frame(until)),
    });
    let data = match encryption.data {
        Protection::Clear => ", data in clear text",
        Protection::Private => ", data too",
        Protection::Unknown => "",
    };
    format!("{kind}{}{data}", since.unwrap_or_default())
}

fn close(session: &Session) -> String {
    let who = |by: Dir| {
        let is_client = (by == Dir::FromOriginator) == session.tcp.client_is_originator;
        if is_client { "client" } else { "server" }
    };
    match session.tcp.link.close {
        Close::Open => "open when the capture ended".to_owned(),
        Close::Fin { by } => format!("closed by {}", who(by)),
        Close::HalfFin { by } => format!("closed by {} alone when the capture ended", who(by)),
        Close::Reset { by, after_fin: None } => format!("reset in the {}'s name", who(by)),
        Close::Reset { by, after_fin: Some(first) } => {
            format!("closed by {}, then reset in the {}'s name", who(first), who(by))
        }
        Close::Timeout => "silent for long, given up".to_owned(),
    }
}

/// What the capture or the network did to the dialogue.
fn control_connection(
    report: &Report<'_>,
    session: &Session,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let tcp = &session.tcp;
    let sides = [("client", tcp.from_client), ("server", tcp.from_server)];
    let mut notes = Vec::new();
    if !tcp.link.opener_known {
        notes.push("the capture begins after this connection was opened".to_owned());
    }
    for leg in &session.legs {
        notes.push(format!("also captured as {} → {}", leg.client, leg.server));
    }
    for (who, facts) in sides {
        notes.extend(side_notes(who, facts));
    }
    notes.extend(anomalies(report, &tcp.link));
    for note in notes {
        page.words(Line::of("    "), Ink::Doubtful, &note)?;
    }
    Ok(())
}

fn side_notes(who: &str, facts: DirFacts) -> Vec<String> {
    let mut notes = Vec::new();
    if facts.missing_bytes > 0 {
        notes.push(format!(
            "{} B the {who} said are not in the capture",
            number(facts.missing_bytes)
        ));
    }
    if facts.retransmissions > 0 {
        notes.push(format!(
            "{} by the {who} on the control connection",
            plural(facts.retransmissions.into(), "retransmission")
        ));
    }
    if facts.duplicates > 0 {
        let copies = plural(facts.duplicates.into(), "packet");
        notes.push(format!("{copies} of the {who} captured twice"));
    }
    notes
}

/// One sentence for each kind of segment that a sender in good order does not send.
pub(super) fn anomalies(report: &Report<'_>, link: &tcp::Link) -> Vec<String> {
    let mut kinds = BTreeMap::<AnomalyKind, (Stamp, u64)>::new();
    for anomaly in &link.anomalies.listed {
        kinds.entry(anomaly.kind).or_insert((anomaly.stamp, 0)).1 += 1;
    }
    let more = link.anomalies.unlisted;
    let sentence = |(kind, (first, count)): (AnomalyKind, (Stamp, u64))| {
        let words = match kind {
            AnomalyKind::Conflict => "repeats bytes differently: the first copy is told",
            AnomalyKind::WrongChecksum => "has a wrong checksum and is not read",
            AnomalyKind::WrongChecksumRead => "has a wrong checksum, as was known too late",
            AnomalyKind::TtlTooSmall => "had too few hops left to arrive and is not read",
            AnomalyKind::NoAck => "acknowledges nothing and is not read",
            AnomalyKind::OutOfWindow => "is of no window and is not read",
            AnomalyKind::ResetOutOfWindow => "is a reset of no window and is not believed",
            AnomalyKind::ResetIgnored => "is a reset after which the connection went on",
            AnomalyKind::FinIgnored => "goes on after a FIN",
            AnomalyKind::SynIgnored => "is a SYN in the middle of the connection, unanswered",
        };
        let others = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
        format!("frame {} {words}{others}", report.frame(first))
    };
    let mut sentences: Vec<String> = kinds.into_iter().map(sentence).collect();
    if more > 0 {
        sentences.push(format!("{} more such segments are not listed", number(more)));
    }
    sentences
}
