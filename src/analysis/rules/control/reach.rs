//! Whether the server can be reached, and takes who comes.

use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity, counted, spoken};
use crate::analysis::rules::heard::says;
use crate::analysis::rules::words::{End, past_here};
use crate::analysis::{Analysis, Policy};
use crate::decode::{Endpoint, IcmpKind};
use crate::session::{Protocol, Received};
use crate::tcp::{Handshake, Link};
use crate::time::Stamp;

pub(super) const UNANSWERED: Rule = Rule {
    id: "control-unanswered",
    kind: Kind::Diagnosis,
    help: "The client dialled the server's control port and nothing answered.",
    meaning: "The server is down, or something on the way drops what is sent to its control port. \
              Clients show a time-out while connecting.",
    evidence: "SYNs to the control port, repeated, and no SYN-ACK, reset or ICMP error.",
    false_positives: "The answers took another way than the capture's, or the capture ended before \
                      they came.",
    fix: "Check that the server is up and that its address and port are right; open the control \
          port on the firewalls in between.",
    check: Check::Session(unanswered),
};

pub(super) const REFUSED: Rule = Rule {
    id: "control-refused",
    kind: Kind::Diagnosis,
    help: "The server's control port refused the connection.",
    meaning: "The host is up, but nothing listens on this port, or a firewall rejects it. Clients \
              show \"connection refused\".",
    evidence: "A SYN answered by a reset.",
    false_positives: "A reset can be sent by a firewall in the server's name.",
    fix: "Start the FTP server, or use the port that it listens on; if it listens, look for a \
          firewall that rejects the port, and at what a forwarding of the port points to.",
    check: Check::Session(refused),
};

pub(super) const UNREACHABLE: Rule = Rule {
    id: "control-unreachable",
    kind: Kind::Diagnosis,
    help: "The network says that the server's control port cannot be reached.",
    meaning: "A router or a firewall says so in an ICMP error: there is no way to the host, the host \
              does not answer on its network, or a filter forbids it.",
    evidence: "A SYN answered by an ICMP destination unreachable.",
    false_positives: "None known.",
    fix: "Ask whoever runs the box that says so: mend its route, start the host, or change the \
          filter that rejects the control port.",
    check: Check::Session(unreachable),
};

fn unanswered(case: &Case<'_>, found: &mut Found) {
    let tcp = &case.session.tcp;
    if tcp.link.handshake != Handshake::Unanswered || !tcp.is_empty() {
        return;
    }
    let (server, client) = (case.session.server, case.session.client);
    let syns = tcp.link.syns;
    let last = tcp.link.tries().last();
    let time = last.and_then(|last| last.at.nanos_since(tcp.link.first.at)).unwrap_or(0);
    // A single SYN may have been the last packet captured.
    let (severity, certainty) = match syns {
        0 | 1 => (Severity::Warning, Certainty::Low),
        2 => (Severity::Error, Certainty::Medium),
        _ => (Severity::Error, Certainty::High),
    };
    let over = if syns > 1 { format!(" over {}", spoken(time)) } else { String::new() };
    let title = format!("The server {server} did not answer.");
    let draft = Draft::new(severity, certainty, title)
        .frames(tcp.link.tries())
        .explained(format!(
            "{client} tried to open a control connection to {server}: {}{over} got no answer in the \
             capture. {}",
            counted(syns.into(), "SYN"),
            past_here(case.vantage, End::Server),
        ))
        .with("server", server.to_string())
        .with("syn_count", syns)
        .cause(server.to_string());
    found.add(case, draft);
}

fn refused(case: &Case<'_>, found: &mut Found) {
    let tcp = &case.session.tcp;
    if tcp.link.handshake != Handshake::Refused || !tcp.is_empty() {
        return;
    }
    let (server, client) = (case.session.server, case.session.client);
    let title = format!("The server {server} refused the connection.");
    let draft = Draft::new(Severity::Error, Certainty::High, title)
        .frames(tcp.link.tries().chain(tcp.link.answered))
        .explained(format!(
            "{client} tried to open a control connection, and a reset in the name of {server} came \
             back{}: nothing listens on that port, or a firewall rejects it.",
            after(tcp.link.answer_ns()),
        ))
        .with("server", server.to_string())
        .cause(server.to_string());
    found.add(case, draft);
}

fn unreachable(case: &Case<'_>, found: &mut Found) {
    let tcp = &case.session.tcp;
    if tcp.link.handshake != Handshake::Unreachable || !tcp.is_empty() {
        return;
    }
    let is_meant = |kind: IcmpKind| matches!(kind, IcmpKind::Unreachable { .. });
    let Some(error) = tcp.link.icmp().iter().find(|error| is_meant(error.kind)) else { return };
    let (server, client) = (case.session.server, case.session.client);
    let title = format!("The server {server} cannot be reached: {}.", error.kind.name());
    let who = if error.from == server.ip { "The server's host" } else { "A box on the way" };
    let draft = Draft::new(Severity::Error, Certainty::High, title)
        .frames(tcp.link.tries().chain([error.stamp]))
        .explained(format!(
            "{client} tried to open a control connection to {server}. {who}, {}, answered with an \
             ICMP error{}: {}.",
            error.from,
            after(tcp.link.answer_ns()),
            error.kind.name(),
        ))
        .with("server", server.to_string())
        .with("icmp", error.kind.name())
        .with("icmp_from", error.from.to_string())
        .cause(server.to_string());
    found.add(case, draft);
}

/// ` after 20 ms`, if that is known and tells anything.
fn after(nanos: Option<i64>) -> String {
    let told = nanos.filter(|nanos| *nanos >= TOLD_NS);
    told.map(|nanos| format!(" after {}", spoken(nanos))).unwrap_or_default()
}

/// Nanoseconds that are worth a word.
const TOLD_NS: i64 = 1_000_000;

pub(super) const BANNER_DELAY: Rule = Rule {
    id: "banner-delay",
    kind: Kind::Diagnosis,
    help: "The server took long to greet.",
    meaning: "The connection was there, but its 220 came seconds later. Every session waits that \
              long; impatient clients give up. Servers that ask the client's port 113 who is there \
              (ident, RFC 1413), or look up its name in DNS, wait like this when nobody answers.",
    evidence: "More time than banner-delay-ms between the client's acknowledgement of the SYN-ACK and \
               the 220.",
    false_positives: "A 220 that was lost on the way and sent again; a server that waits on purpose, \
                      against scanners.",
    fix: "Turn off ident and reverse DNS lookups in the server (ProFTPD: IdentLookups off, \
          UseReverseDNS off), or reject port 113 at the client's firewall in place of dropping it; \
          else look for load on the server.",
    check: Check::Session(banner_delay),
};

fn banner_delay(case: &Case<'_>, found: &mut Found) {
    let tcp = &case.session.tcp;
    let mut unasked =
        case.session.exchanges.iter().take(2).filter(|exchange| exchange.sent.is_none());
    let Some(greeting) = unasked.next().and_then(|exchange| exchange.replies.first()) else {
        return;
    };
    let is_from_start = tcp.link.handshake == Handshake::Complete && tcp.client_is_originator;
    if !is_from_start || !matches!(greeting.reply.code, 120 | 220) {
        return;
    }
    let delay = since_handshake(&tcp.link, greeting.stamp).unwrap_or(0);
    let most = case.policy.threshold("banner-delay-ms").saturating_mul(1_000_000);
    if u64::try_from(delay).unwrap_or(0) <= most {
        return;
    }
    let title = format!("The server greeted {} after the connection was there.", spoken(delay));
    let server = case.session.server;
    // A greeting of which parts were missing may have been sent in time.
    let is_sure = tcp.from_server.retransmissions == 0;
    let certainty = if is_sure { Certainty::High } else { Certainty::Medium };
    let draft = Draft::new(Severity::Warning, certainty, title)
        .frames(tcp.link.answered.into_iter().chain([greeting.stamp]))
        .explained(format!(
            "The connection was there, and {server} said nothing on it for {}. Servers that \
             ask the client's port 113 (ident) or look up its name in DNS before they greet wait \
             like this when no answer comes.",
            spoken(delay)
        ))
        .with("delay_ms", u64::try_from(delay / 1_000_000).unwrap_or(0))
        .cause(server.to_string());
    found.add(case, draft);
}

/// Nanoseconds from the acknowledgement that completed the handshake: before it the server may not
/// know that it has the connection.
fn since_handshake(link: &Link, stamp: Stamp) -> Option<i64> {
    let since_answer = stamp.at.nanos_since(link.answered?.at)?;
    let rest = link.rtt_ns.zip(link.answer_ns()).map_or(0, |(all, answer)| all - answer);
    Some(since_answer.saturating_sub(rest.max(0)))
}

pub(super) const TOO_MANY: Rule = Rule {
    id: "too-many-connections",
    kind: Kind::Diagnosis,
    help: "The server takes no more connections: a limit is reached.",
    meaning: "As many clients are connected as the server allows, in all, from this address or of \
              this user. A client that opens several connections, or leaves old ones open, reaches \
              such a limit alone.",
    evidence: "A 421 or 530 whose text is one that servers have for it: too many or the maximum of \
               clients, users or connections. Its evidence tells whose limit it is, if the text does.",
    false_positives: "None known.",
    fix: "Let the client open fewer connections at a time and close those it no longer needs, or \
          raise the limit (vsftpd: max_clients, max_per_ip; ProFTPD: MaxClients, \
          MaxClientsPerHost; Pure-FTPd: MaxClientsNumber, MaxClientsPerIP).",
    check: Check::Session(too_many),
};

fn too_many(case: &Case<'_>, found: &mut Found) {
    for exchange in &case.refusals {
        let Some(last) = exchange.final_reply() else { continue };
        if !is_too_many(last) {
            continue;
        }
        let server = case.session.server;
        let (limit, whose) = limit_of(&last.reply.text);
        let draft = Draft::new(
            Severity::Error,
            Certainty::High,
            format!("The server {} takes no more connections.", server.ip),
        )
        .frames([last.stamp])
        .explained(format!(
            "{server} said \"{}\" to {}: as many are connected{whose} as it allows.",
            case.quote(exchange, last),
            case.session.client,
        ))
        .with("reply", case.quote(exchange, last))
        .with("limit", limit)
        .cause(format!("{} {limit}", server.ip));
        found.add(case, draft);
    }
}

/// Whose limit it is, as far as the text tells.
fn limit_of(text: &[u8]) -> (&'static str, &'static str) {
    if says(text, &["for this user", "for this account"]) {
        ("per-user", " as this user")
    } else if says(text, &["your internet address", "your host", "your ip", "this ip", "same ip"]) {
        ("per-address", " from this client's address")
    } else {
        ("not-told", "")
    }
}

/// vsftpd: "There are too many connected users", "There are too many connections from your internet
/// address". ProFTPD: "the maximum number of clients (3) from your host are already connected", "…
/// for this user …", "the maximum number of hosts (3) for this user …", "the maximum number of
/// allowed clients are already connected". Pure-FTPd: "50 users (the maximum) are already logged
/// in", "Too many connections (8) from this IP". FileZilla Server: "Too many users are connected".
/// Serv-U: "Too many users logged in". pyftpdlib: "Too many connections from the same IP address".
const MANY: &[&str] = &[
    "too many connected users",
    "too many connections",
    "too many users",
    "too many clients",
    "maximum number of clients",
    "maximum number of allowed clients",
    "maximum number allowed clients",
    "maximum number of hosts",
    "maximum number of users",
    "maximum number of connections",
    "users (the maximum) are already logged in",
];

/// Whether a refusal says that a limit on clients is reached.
pub(in super::super) fn is_too_many(received: &Received) -> bool {
    matches!(received.reply.code, 421 | 530) && says(&received.reply.text, MANY)
}

pub(super) const NOT_FTP: Rule = Rule {
    id: "not-ftp-on-control-port",
    kind: Kind::Diagnosis,
    help: "Something else than FTP is spoken on a port of FTP.",
    meaning: "An FTP client that dials it gets nowhere: it waits for a greeting, or is told \
              something it does not understand.",
    evidence: "The first bytes of either side are those of another protocol.",
    false_positives: "A service that was put on this port on purpose. TLS whose beginning was not \
                      captured may be FTPS after AUTH TLS; it is told as such.",
    fix: "Use the protocol and port that the server has: sftp for SSH (port 22), implicit FTPS for \
          TLS from the first byte (port 990).",
    check: Check::Capture(not_ftp),
};

fn not_ftp(analysis: &Analysis, _: &Policy, found: &mut Found) {
    for other in &analysis.capture.not_ftp {
        let (server, client) = (other.responder, other.originator);
        let name = other.protocol.name();
        // AUTH TLS may have come before the capture.
        let may_be_ftps = other.protocol == Protocol::Tls && !other.opener_known;
        let (severity, certainty, what) = match other.protocol {
            _ if may_be_ftps => {
                let what = "is encrypted, perhaps FTPS under way".to_owned();
                (Severity::Info, Certainty::Low, what)
            }
            Protocol::Unknown => (Severity::Info, Certainty::Medium, "is not FTP".to_owned()),
            _ => {
                let what = format!("is {}, not FTP", name.to_uppercase());
                (Severity::Warning, Certainty::High, what)
            }
        };
        let begun = if may_be_ftps { " The beginning was not captured." } else { "" };
        let how = if other.opener_known { "connected to" } else { "spoke with" };
        let fix = match may_be_ftps {
            true => "Start the capture before the session, to see whether it is FTPS.".to_owned(),
            false => what_instead(other.protocol, server),
        };
        let draft = Draft::new(severity, certainty, format!("What is spoken on {server} {what}."))
            .frames([other.first])
            .explained(format!(
                "{client} {how} {server}, a port of FTP, and what was said there {what}.{begun}"
            ))
            .fixed_by(fix)
            .with("server", server.to_string())
            .with("protocol", name)
            .cause(format!("{server} {name}"));
        found.add_of_capture(draft);
    }
}

fn what_instead(protocol: Protocol, server: Endpoint) -> String {
    match protocol {
        Protocol::Ssh => format!(
            "If files are to be had from {server}, they are by sftp or scp: use such a client. If \
             FTP was meant, use the port that the FTP server listens on."
        ),
        Protocol::Tls => {
            "TLS from the first byte is implicit FTPS: it belongs on port 990. On port \
                          21 use explicit FTPS (AUTH TLS)."
                .to_owned()
        }
        _ => format!(
            "If FTP was meant, use the port that the FTP server listens on; else move what runs on \
             {server} to a port of its own."
        ),
    }
}
