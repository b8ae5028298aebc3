//! One session as it went: what was said and dialled, what was moved, what the rules say of it.

use std::collections::HashMap;

use crate::analysis::{Analysis, Party, Stories, What, secret};
use crate::report::document::{self, session_id, transfer_id};
use crate::report::escape::escape;
use crate::report::human::{bytes, frame, relative};
use crate::report::text::arrow;
use crate::session::{Session, SessionId, TransferId};
use crate::time::Stamp;
use crate::transfer::{Outcome, Transfer};

/// The lines of a session, and which of them is chosen.
pub(super) struct SessionView {
    pub(super) id: SessionId,
    /// What stands above them.
    pub(super) head: Vec<String>,
    pub(super) lines: Vec<SessionLine>,
    pub(super) chosen: usize,
    pub(super) top: usize,
    pub(super) is_ladder: bool,
    pub(super) client: String,
    pub(super) server: String,
    /// Shown only when that was confirmed.
    pub(super) password: Option<String>,
}

pub(super) struct SessionLine {
    stamp: Stamp,
    pub(super) frame: String,
    pub(super) time: String,
    pub(super) kind: LineKind,
    /// Escaped.
    pub(super) text: String,
    pub(super) port: u16,
    /// More of it, a line each, escaped.
    pub(super) detail: Vec<String>,
    transfer: Option<TransferId>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LineKind {
    FromClient,
    FromServer,
    /// A third host.
    FromOther,
    /// Sent, and nothing came of it.
    Lost,
    Moved {
        is_bad: bool,
    },
    Finding,
}

impl SessionView {
    pub(super) fn new(analysis: &Analysis, id: SessionId) -> Option<Self> {
        let stories = Stories::new(analysis);
        let story = stories.whole(id)?;
        let session = story.session;
        let several = analysis.inputs.len() > 1;
        let mut lines: Vec<SessionLine> = Vec::new();
        let replies = long_replies(session);
        let line = |stamp: Stamp, kind, text: &str, port| SessionLine {
            stamp,
            frame: frame(stamp, several),
            time: stamp.at.nanos_since(session.tcp.link.first.at).map(relative).unwrap_or_default(),
            kind,
            text: escape(text).into_owned(),
            port,
            detail: Vec::new(),
            transfer: None,
        };
        for step in &story.steps {
            let from = match step.from {
                Party::Client => LineKind::FromClient,
                Party::Server => LineKind::FromServer,
                Party::Other(_) => LineKind::FromOther,
            };
            let (kind, text) = match &step.what {
                What::Said(text) => (from, text.clone()),
                What::Syn { again, answered, to } => {
                    let again = if *again { " again" } else { "" };
                    let to = to.map(|host| format!(" to {host}")).unwrap_or_default();
                    match answered {
                        true => (from, format!("SYN{again}{to}")),
                        false => (LineKind::Lost, format!("SYN{again}{to}: no answer")),
                    }
                }
                What::SynAck => (from, "SYN-ACK".to_owned()),
                What::Reset => (from, "RST".to_owned()),
                What::Icmp(name) => (from, format!("ICMP {name}")),
                What::Data(count) => (from, format!("data, {}", bytes(*count))),
                What::Fin => (from, "FIN".to_owned()),
            };
            let text = match step.from {
                Party::Other(host) => format!("{text} (from {host})"),
                Party::Client | Party::Server => text,
            };
            let made = line(step.stamp, kind, &text, step.port);
            let said = matches!(step.what, What::Said(_)) && step.from == Party::Server;
            let all = said.then(|| replies.get(&(step.stamp.input, step.stamp.frame))).flatten();
            let detail = all.cloned().unwrap_or_else(|| vec![made.text.clone()]);
            lines.push(SessionLine { detail, ..made });
        }
        let own = analysis.transfers.iter().filter(|transfer| transfer.session == id);
        for transfer in own {
            let stamp = transfer.request.answered.map_or(transfer.request.asked, |(at, _)| at);
            let (text, detail, is_bad) = moved(transfer);
            let kind = LineKind::Moved { is_bad };
            let transfer = Some(transfer.request.id);
            lines.push(SessionLine { detail, transfer, ..line(stamp, kind, &text, 0) });
        }
        for finding in analysis.findings.iter().filter(|finding| finding.session == Some(id)) {
            // Where all that shows it has been seen; other occurrences are of other sessions.
            let is_here = |stamp: &&Stamp| {
                let place = (stamp.input, stamp.frame);
                lines.iter().any(|line| (line.stamp.input, line.stamp.frame) == place)
            };
            let last = finding.frames.iter().rfind(is_here);
            let Some(stamp) = last.or_else(|| finding.frames.first()) else { continue };
            let text = format!("{}: {}", finding.rule.id, finding.title);
            let detail = [&finding.title[..], &finding.explanation, &finding.fix];
            let detail = detail.map(|text| escape(text).into_owned()).to_vec();
            lines.push(SessionLine { detail, ..line(*stamp, LineKind::Finding, &text, 0) });
        }
        // What a frame shows comes before what is made of it.
        lines.sort_by_key(|line| {
            let is_made = matches!(line.kind, LineKind::Moved { .. } | LineKind::Finding);
            (line.stamp.input, line.stamp.frame, is_made)
        });
        let password = session.login.password.as_deref();
        Some(Self {
            id,
            head: head(session, story.vantage.words()),
            lines,
            chosen: 0,
            top: 0,
            is_ladder: false,
            client: session.client.ip.to_string(),
            server: session.server.ip.to_string(),
            password: password.map(|text| escape(&String::from_utf8_lossy(text)).into_owned()),
        })
    }

    pub(super) fn chosen_line(&self) -> Option<&SessionLine> {
        self.lines.get(self.chosen)
    }

    pub(super) fn chosen_transfer(&self) -> Option<TransferId> {
        self.chosen_line()?.transfer
    }

    pub(super) fn chosen_text(&self) -> Option<String> {
        let line = self.chosen_line()?;
        Some(format!("{} {} {}", line.time, line.frame, line.text))
    }

    pub(super) fn step(&mut self, by: isize, height: usize) {
        let most = self.lines.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(most);
        self.follow(height);
    }

    pub(super) fn choose_transfer(&mut self, id: TransferId) {
        if let Some(at) = self.lines.iter().position(|line| line.transfer == Some(id)) {
            self.chosen = at;
        }
    }

    /// Chooses the finding that these frames show, or the first of the frames.
    pub(super) fn choose_frame(&mut self, frames: &[Stamp]) {
        let is_one = |line: &SessionLine| {
            frames.iter().any(|at| (at.input, at.frame) == (line.stamp.input, line.stamp.frame))
        };
        let mut at = self.lines.iter().enumerate().filter(|(_, line)| is_one(line));
        let finding = at.clone().find(|(_, line)| line.kind == LineKind::Finding);
        if let Some((at, _)) = finding.or_else(|| at.next()) {
            self.chosen = at;
        }
    }

    /// To the line of a frame, or the next one behind it.
    pub(super) fn jump(&mut self, frame: u64, height: usize) {
        let at = self.lines.iter().position(|line| line.stamp.frame >= frame);
        self.chosen = at.unwrap_or_else(|| self.lines.len().saturating_sub(1));
        self.follow(height);
    }

    /// To the next finding in a direction; false if there is none.
    pub(super) fn next_finding(&mut self, by: isize, height: usize) -> bool {
        let is_finding =
            |at: &usize| self.lines.get(*at).is_some_and(|line| line.kind == LineKind::Finding);
        let found = match by > 0 {
            true => (self.chosen + 1..self.lines.len()).find(is_finding),
            false => (0..self.chosen).rev().find(is_finding),
        };
        if let Some(at) = found {
            self.chosen = at;
            self.follow(height);
        }
        found.is_some()
    }

    pub(super) fn follow(&mut self, height: usize) {
        let height = height.max(1);
        self.top = self.top.min(self.chosen).max((self.chosen + 1).saturating_sub(height));
    }
}

fn head(session: &Session, vantage: Option<&str>) -> Vec<String> {
    let login = &session.login;
    let user = login.user.as_deref().map(|user| String::from_utf8_lossy(user).into_owned());
    let user = user.map(|user| format!("{}, ", escape(&user))).unwrap_or_default();
    let login = document::login(login.outcome);
    let mut facts = vec![format!("{user}login {login}")];
    facts.extend(vantage.map(|words| format!("captured {words}")));
    vec![
        format!("{}  {} → {}", session_id(session.id), session.client, session.server),
        facts.join("   "),
    ]
}

/// All lines of the replies that have several, without secrets, by their frames.
fn long_replies(session: &Session) -> HashMap<(u16, u64), Vec<String>> {
    let mut replies = HashMap::new();
    let secrets = secret::Secrets::of(session);
    for exchange in &session.exchanges {
        let echo = secret::echo_of(exchange);
        for received in exchange.replies.iter().filter(|it| it.reply.lines().nth(1).is_some()) {
            let line = |line: &[u8]| {
                let line = secrets.hide(line, echo.as_deref());
                escape(&String::from_utf8_lossy(&line)).into_owned()
            };
            let lines = received.reply.lines().take(MOST_LINES).map(line);
            let code = received.reply.code.to_string();
            let place = (received.stamp.input, received.stamp.frame);
            replies.insert(place, [code].into_iter().chain(lines).collect());
        }
    }
    replies
}

/// Lines of a reply that are shown.
const MOST_LINES: usize = 100;

/// A transfer in one line, in several, and whether it failed.
fn moved(transfer: &Transfer) -> (String, Vec<String>, bool) {
    let arrow = arrow(transfer.direction);
    let request = &transfer.request;
    let path = request.path.as_deref().or(request.name.as_deref()).unwrap_or_default();
    let path = escape(&String::from_utf8_lossy(path)).into_owned();
    let outcome = document::outcome(transfer.outcome);
    let size = transfer.content.as_ref().map(|content| bytes(content.bytes));
    let id = transfer_id(request.id);
    let size = size.unwrap_or_default();
    let text = format!("{arrow} {id} {path}  {size}  {outcome}");
    let mut detail = vec![format!("{arrow} {path}"), format!("{outcome}  {size}")];
    if let Some(content) = transfer.content.as_ref().filter(|content| content.bytes > 0) {
        let hash = crate::hash::hex(&content.file_hashes().digests().sha256);
        detail.push(format!("sha256 {hash}"));
        detail.extend(content.media_type.clone());
    }
    if let Some(data) = &transfer.data {
        detail.push(format!("{} → {}", data.originator, data.responder));
    }
    let is_bad = !matches!(
        transfer.outcome,
        Outcome::Complete | Outcome::Encrypted | Outcome::Unconfirmed | Outcome::InProgress
    );
    (text, detail, is_bad)
}
