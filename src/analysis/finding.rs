//! A judgement, and what shows it.

use std::borrow::Cow;
use std::time::Duration;

use super::rules::Rule;
use crate::session::{SessionId, TransferId};
use crate::time::Stamp;

/// One thing worth telling: what happened, why, how that is known, what to change.
#[derive(Clone, Debug)]
pub struct Finding {
    pub rule: &'static Rule,
    pub severity: Severity,
    pub certainty: Certainty,
    /// What came of it; of security findings only.
    pub grade: Option<Grade>,
    /// Of the occurrence that is told: the worst and surest, and of those the first.
    pub session: Option<SessionId>,
    pub transfer: Option<TransferId>,
    /// Those that show it: of the occurrence that is told, then of others, at most 24.
    pub frames: Vec<Stamp>,
    /// One line, of the occurrence that is told; so are the texts below.
    pub title: String,
    /// What happened, with the addresses, ports, times and replies of this case.
    pub explanation: String,
    pub fix: Cow<'static, str>,
    pub evidence: Vec<(&'static str, Value)>,
    /// Occurrences of the same cause.
    pub count: u64,
    /// The first and the last frame of all occurrences.
    pub first: Option<Stamp>,
    pub last: Option<Stamp>,
    /// Of all occurrences, the first 64.
    pub sessions: Vec<SessionId>,
    pub transfers: Vec<TransferId>,
    /// Why it is not to be told, by whoever runs this.
    pub suppressed: Option<String>,
}

/// Frames kept of a finding.
pub(super) const FRAMES: usize = 24;

/// Sessions and transfers kept of a finding.
pub(super) const CONCERNED: usize = 64;

/// Bytes of a text from the wire that a finding holds: names and replies may be long, and findings
/// many.
pub(super) const LONGEST_TEXT: usize = 200;

/// The beginning of a text that is longer than so many bytes, with `…` for the rest.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let kept = text.get(..text.floor_char_boundary(most)).unwrap_or_default();
    Cow::Owned(format!("{kept}…"))
}

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    Info,
    /// It works, but not well, or not everywhere.
    Warning,
    /// A transfer failed, or a file is not what it should be.
    Error,
    Critical,
}

impl Severity {
    fn milder(self) -> Self {
        match self {
            Self::Critical => Self::Error,
            Self::Error => Self::Warning,
            Self::Warning | Self::Info => Self::Info,
        }
    }

    fn worse(self) -> Self {
        match self {
            Self::Info => Self::Warning,
            Self::Warning => Self::Error,
            Self::Error | Self::Critical => Self::Critical,
        }
    }
}

/// What came of something that should not be.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Grade {
    /// It was tried; it was refused, or no answer is in the capture.
    Attempted,
    /// The server said that it did as it was told.
    Accepted,
    /// What it is for was seen to happen: bytes were moved, a connection was made.
    Effect,
}

/// How sure it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Certainty {
    Low,
    Medium,
    High,
}

/// A value that a finding rests on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    Text(String),
    Number(i64),
}

impl Value {
    fn cut(self) -> Self {
        match self {
            Self::Text(text) if text.len() > LONGEST_EVIDENCE => {
                Self::Text(cut(&text, LONGEST_EVIDENCE).into_owned())
            }
            short => short,
        }
    }
}

/// Bytes of evidence: a quoted text with what stands before it.
const LONGEST_EVIDENCE: usize = LONGEST_TEXT + 16;

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

/// What a rule says of one occurrence. What is not said is empty; without a fix of its own it has
/// that of its rule.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) severity: Severity,
    pub(super) certainty: Certainty,
    pub(super) grade: Option<Grade>,
    pub(super) transfer: Option<TransferId>,
    pub(super) frames: Vec<Stamp>,
    pub(super) title: String,
    pub(super) explanation: String,
    pub(super) fix: Option<String>,
    pub(super) evidence: Vec<(&'static str, Value)>,
    /// Occurrences with the same are one finding; by default those between the same two hosts.
    pub(super) cause: Option<String>,
    /// How often it occurred.
    pub(super) count: u64,
}

impl Draft {
    pub(super) fn new(severity: Severity, certainty: Certainty, title: String) -> Self {
        Self {
            severity,
            certainty,
            grade: None,
            transfer: None,
            frames: Vec::new(),
            title,
            explanation: String::new(),
            fix: None,
            evidence: Vec::new(),
            cause: None,
            count: 1,
        }
    }

    /// It was tried, and nothing says what came of it.
    pub(super) fn attempted(self) -> Self {
        Self { grade: Some(Grade::Attempted), ..self }
    }

    /// It was tried and refused: less bad than it would be.
    pub(super) fn refused(self) -> Self {
        Self { severity: self.severity.milder(), ..self.attempted() }
    }

    /// The server said that it did as it was told.
    pub(super) fn accepted(self) -> Self {
        Self { grade: Some(Grade::Accepted), ..self }
    }

    /// It was seen to happen: worse than being asked for.
    pub(super) fn had_effect(self) -> Self {
        Self { grade: Some(Grade::Effect), severity: self.severity.worse(), ..self }
    }

    pub(super) fn transfer(self, transfer: Option<TransferId>) -> Self {
        Self { transfer, ..self }
    }

    /// Adds frames, in any order.
    pub(super) fn frames(mut self, frames: impl IntoIterator<Item = Stamp>) -> Self {
        self.frames.extend(frames);
        self
    }

    pub(super) fn explained(self, explanation: String) -> Self {
        Self { explanation, ..self }
    }

    pub(super) fn fixed_by(self, fix: String) -> Self {
        Self { fix: Some(fix), ..self }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.evidence.push((name, value.into().cut()));
        self
    }

    pub(super) fn cause(self, cause: String) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// Tells of so many occurrences at once.
    pub(super) fn counting(self, count: u64) -> Self {
        Self { count, ..self }
    }
}

/// `7.0 s`, `20 ms`: a time in the words of an explanation.
pub(super) fn spoken(nanos: i64) -> String {
    let time = Duration::from_nanos(nanos.unsigned_abs());
    match (time.as_secs(), time.as_millis()) {
        (120.., _) => format!("{} min", time.as_secs() / 60),
        (10.., _) => format!("{} s", time.as_secs()),
        (1.., millis) => format!("{}.{} s", millis / 1000, millis / 100 % 10),
        (_, 10..) => format!("{} ms", time.as_millis()),
        (_, _) => format!("{}.{} ms", time.as_micros() / 1000, time.as_micros() / 100 % 10),
    }
}

/// `1 SYN`, `4 SYNs`.
pub(super) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// `1 byte was`, `4 bytes were`.
pub(super) fn counted_were(count: u64, what: &str) -> String {
    format!("{} {}", counted(count, what), were(count))
}

/// `was`, of one, or `were`.
pub(super) fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// `once`, `5 times`.
pub(super) fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
