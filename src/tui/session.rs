//! One session as it went: what was said and dialled, what was moved, what the rules say of it.

use std::collections::{HashMap, HashSet};

use nucleo_matcher::Matcher;

use super::filter::Filter;
use super::list::{Hit, next_hit};
use super::row::Fields;
use crate::analysis::{Analysis, Finding, Party, Step, Stories, Story, What, secret};
use crate::decode::Endpoint;
use crate::report::document::{self, session_id, transfer_id};
use crate::report::escape::{escape, width};
use crate::report::human::{bytes, frame, relative};
use crate::report::text::{Ladder, arrow, is_bad, lost};
use crate::session::{Session, SessionId, TransferId};
use crate::time::{Place, Stamp};
use crate::transfer::{Outcome, Transfer};

/// The lines of a session, and which of them is chosen.
pub(super) struct SessionView {
    pub(super) id: SessionId,
    /// What stands above them.
    pub(super) head: Vec<String>,
    pub(super) lines: Vec<SessionLine>,
    pub(super) chosen: usize,
    pub(super) top: usize,
    /// If it is drawn as one.
    pub(super) ladder: Option<Ladder>,
    /// What was looked for in it.
    pub(super) sought: Filter,
    /// It goes on: more will be said in it.
    pub(super) is_open: bool,
    /// Shown only when that was confirmed.
    pub(super) password: Option<String>,
    /// Columns that times and frames need.
    pub(super) widths: (usize, usize),
}

pub(super) struct SessionLine {
    stamp: Stamp,
    pub(super) frame: String,
    pub(super) time: String,
    pub(super) kind: LineKind,
    /// Escaped.
    pub(super) text: String,
    /// All of it, a line each, escaped; none where the text is all.
    pub(super) detail: Vec<String>,
    /// The connections it is of.
    pub(super) connections: Vec<(Endpoint, Endpoint)>,
    transfer: Option<TransferId>,
}

#[derive(Clone, Debug)]
pub(super) enum LineKind {
    Step(Box<Step>),
    Moved { is_bad: bool },
    Finding,
}

/// How a session is to be shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Manner {
    pub(super) is_ladder: bool,
    pub(super) is_open: bool,
    /// Frames are numbered in several inputs.
    pub(super) several: bool,
}

impl SessionView {
    /// Of an analysis, which may be one of this session alone.
    pub(super) fn new(analysis: &Analysis, id: SessionId, manner: Manner) -> Option<Self> {
        let stories = Stories::new(analysis);
        let story = if manner.is_ladder { stories.with_partners(id) } else { stories.whole(id) }?;
        let session = story.session;
        let line = |stamp: Stamp, kind, text: &str| SessionLine {
            stamp,
            frame: frame(stamp, manner.several),
            time: stamp.at.nanos_since(session.tcp.link.first.at).map(relative).unwrap_or_default(),
            kind,
            text: escape(text).into_owned(),
            detail: Vec::new(),
            connections: Vec::new(),
            transfer: None,
        };
        let (ladder, vantage) = (Ladder::of(&story), story.vantage);
        let mut lines = steps(story, &ladder, line);
        lines.extend(transfers(analysis, session, line));
        lines.extend(findings(analysis, session, &lines, line));
        // What a frame shows comes before what is made of it.
        lines.sort_by_key(|line| (line.stamp.place, !matches!(line.kind, LineKind::Step(_))));
        let password = session.login.password.as_deref();
        let widest = |of: fn(&SessionLine) -> &str| {
            lines.iter().map(|line| width(of(line))).max().unwrap_or(0)
        };
        Some(Self {
            id,
            head: head(session, vantage.words(), manner.is_open),
            widths: (widest(|line| &line.time), widest(|line| &line.frame)),
            lines,
            chosen: 0,
            top: 0,
            ladder: manner.is_ladder.then_some(ladder),
            sought: Filter::default(),
            is_open: manner.is_open,
            password: password.map(|text| escape(&String::from_utf8_lossy(text)).into_owned()),
        })
    }

    /// Takes the place of a view of the same session: what was chosen in that is chosen in this.
    pub(super) fn follow_on(&mut self, before: Self) {
        self.top = before.top;
        let Some(line) = before.chosen_line() else { return };
        let was_last = before.chosen + 1 == before.lines.len();
        if before.is_open && was_last && before.lines.len() > 1 {
            self.chosen = self.lines.len().saturating_sub(1);
        } else {
            let is_same = |other: &SessionLine| {
                other.stamp.place == line.stamp.place && other.text == line.text
            };
            let behind = self.lines.iter().position(|one| one.stamp.place >= line.stamp.place);
            let same = self.lines.iter().position(is_same);
            self.chosen = same.or(behind).unwrap_or_else(|| self.lines.len().saturating_sub(1));
        }
        self.sought = before.sought;
    }

    pub(super) fn chosen_line(&self) -> Option<&SessionLine> {
        self.lines.get(self.chosen)
    }

    pub(super) fn chosen_transfer(&self) -> Option<TransferId> {
        self.chosen_line()?.transfer
    }

    pub(super) fn chosen_text(&self) -> Option<String> {
        let line = self.chosen_line()?;
        Some(format!("{} {} {}", line.time, line.frame, line.told()))
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
        let is_one = |line: &SessionLine| frames.iter().any(|at| at.place == line.stamp.place);
        let mut at = self.lines.iter().enumerate().filter(|(_, line)| is_one(line));
        let finding = at.clone().find(|(_, line)| line.kind.is_finding());
        if let Some((at, _)) = finding.or_else(|| at.next()) {
            self.chosen = at;
        }
    }

    /// To the line of a frame, or the next one behind it.
    pub(super) fn jump(&mut self, frame: u64, height: usize) {
        let at = self.lines.iter().position(|line| line.stamp.frame() >= frame);
        self.chosen = at.unwrap_or_else(|| self.lines.len().saturating_sub(1));
        self.follow(height);
    }

    /// To the next line that is looked for, or the next finding.
    pub(super) fn next(&mut self, by: isize, height: usize, matcher: &mut Matcher) -> Hit {
        let sought = &self.sought;
        let found = next_hit(&self.lines, self.chosen, by, |line| match sought.is_empty() {
            true => line.kind.is_finding(),
            false => sought.matches(line, matcher),
        });
        let Some(at) = found else { return Hit::None };
        self.chosen = at;
        self.follow(height);
        Hit::Found
    }

    /// Looks for something, from the chosen line on.
    pub(super) fn seek(&mut self, sought: Filter, height: usize, matcher: &mut Matcher) {
        self.sought = sought;
        let line = self.lines.get(self.chosen);
        let is_here = line.is_some_and(|line| self.sought.matches(line, matcher));
        if !is_here && self.next(1, height, matcher) == Hit::None {
            self.next(-1, height, matcher);
        }
    }

    pub(super) fn follow(&mut self, height: usize) {
        let height = height.max(1);
        self.top = self.top.min(self.chosen).max((self.chosen + 1).saturating_sub(height));
    }
}

fn steps(
    story: Story<'_>,
    ladder: &Ladder,
    line: impl Fn(Stamp, LineKind, &str) -> SessionLine,
) -> Vec<SessionLine> {
    let replies = long_replies(story.session);
    let steps = story.steps.into_iter().map(|mut step| {
        let (text, connections) = (ladder.words(&step), vec![step.connection]);
        let mut detail = Vec::new();
        if let What::Said(words) = &mut step.what {
            // The line has it.
            words.clear();
            let all = (step.from == Party::Server).then(|| replies.get(&step.stamp.place));
            detail.extend(all.flatten().into_iter().flatten().cloned());
        }
        let made = line(step.stamp, LineKind::Step(Box::new(step)), "");
        SessionLine { text, detail, connections, ..made }
    });
    steps.collect()
}

fn transfers<'a>(
    analysis: &'a Analysis,
    session: &'a Session,
    line: impl Fn(Stamp, LineKind, &str) -> SessionLine + 'a,
) -> impl Iterator<Item = SessionLine> + 'a {
    analysis.transfers_of(session).map(move |transfer| {
        let stamp = transfer.request.answered.map_or(transfer.request.asked, |(at, _)| at);
        let (text, detail, is_bad) = moved(transfer);
        let made = line(stamp, LineKind::Moved { is_bad }, "");
        let ends = transfer.data.as_ref().map(|data| (data.originator, data.responder));
        let connections = vec![ends.unwrap_or((session.client, session.server))];
        let transfer = Some(transfer.request.id);
        SessionLine { text, detail, connections, transfer, ..made }
    })
}

fn findings(
    analysis: &Analysis,
    session: &Session,
    lines: &[SessionLine],
    line: impl Fn(Stamp, LineKind, &str) -> SessionLine,
) -> Vec<SessionLine> {
    let own = |finding: &&Finding| finding.session == Some(session.id);
    let mut own = analysis.findings.iter().filter(own).peekable();
    if own.peek().is_none() {
        return Vec::new();
    }
    let known: HashSet<Place> = lines.iter().map(|line| line.stamp.place).collect();
    let told = own.filter_map(|finding| {
        // Where all that shows it has been seen; other occurrences are of other sessions.
        let last = finding.frames.iter().rfind(|stamp| known.contains(&stamp.place));
        let stamp = last.or_else(|| finding.frames.first())?;
        let text = format!("{}: {}", finding.rule.id, finding.title);
        let detail = [&finding.title[..], &finding.explanation, &finding.fix];
        let detail = detail.map(|text| escape(text).into_owned()).to_vec();
        let mut connections = vec![(session.client, session.server)];
        let data = finding.transfer.and_then(|id| analysis.transfer(id)?.data.as_ref());
        connections.extend(data.map(|data| (data.originator, data.responder)));
        Some(SessionLine { detail, connections, ..line(*stamp, LineKind::Finding, &text) })
    });
    told.collect()
}

impl SessionLine {
    /// Its text, and what became of it where it did not arrive.
    pub(super) fn told(&self) -> String {
        match &self.kind {
            LineKind::Step(step) => match lost(step) {
                Some(lost) => format!("{}: {lost}", self.text),
                None => self.text.clone(),
            },
            _ => self.text.clone(),
        }
    }
}

impl LineKind {
    pub(super) fn is_finding(&self) -> bool {
        matches!(self, Self::Finding)
    }

    pub(super) fn is_bad(&self) -> bool {
        match self {
            Self::Step(step) => is_bad(step),
            Self::Moved { is_bad } => *is_bad,
            Self::Finding => false,
        }
    }
}

impl Fields for SessionLine {
    const NAMES: &'static [&'static str] = &["frame"];

    fn text(&self, _: &str) -> Option<std::borrow::Cow<'_, str>> {
        None
    }

    fn number(&self, name: &str) -> Option<u64> {
        (name == "frame").then_some(self.stamp.frame())
    }

    fn all(&self) -> String {
        self.text.clone()
    }
}

fn head(session: &Session, vantage: Option<&str>, is_open: bool) -> Vec<String> {
    let login = &session.login;
    let user = login.user.as_deref().map(|user| String::from_utf8_lossy(user).into_owned());
    let user = user.map(|user| format!("{}, ", escape(&user))).unwrap_or_default();
    let login = document::login(login.outcome);
    let mut facts = vec![format!("{user}login {login}")];
    facts.extend(vantage.map(|words| format!("captured {words}")));
    facts.extend(is_open.then(|| "goes on".to_owned()));
    vec![
        format!("{}  {} → {}", session_id(session.id), session.client, session.server),
        facts.join("   "),
    ]
}

/// All lines of the replies that have several, without secrets, by their frames.
fn long_replies(session: &Session) -> HashMap<Place, Vec<String>> {
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
            let place = received.stamp.place;
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
    let outcome = document::outcome(transfer.outcome).replace('_', " ");
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
