//! Findings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::parts::{PlaceRecord, Shown, place, session_id, time, transfer_id};
use crate::analysis::{Certainty, Finding, Grade, Severity, Value, rules};
use crate::time::Timestamp;

/// One thing worth telling, and what shows it.
#[derive(Serialize, JsonSchema)]
pub struct FindingRecord {
    pub id: String,
    /// Stable name of the rule; `ftpscope explain RULE` says what it means.
    pub rule: &'static str,
    /// `capture` (what the capture can show), `diagnosis` (why something does not work) or
    /// `security` (what somebody does that should not be).
    pub kind: &'static str,
    /// `critical`, `error`, `warning` or `info`.
    pub severity: &'static str,
    /// `high`, `medium` or `low`.
    pub confidence: &'static str,
    /// What came of it: `attempted` (refused, or no answer is in the capture), `accepted` (the
    /// server said so) or `effect` (it was seen to happen); `null` where `kind` is not `security`.
    pub grade: Option<&'static str>,
    /// Of the worst occurrence; `null` where it concerns none, or several.
    pub session: Option<String>,
    pub transfer: Option<String>,
    /// Frames that show it: those of the worst occurrence, then of others.
    pub frames: Vec<u64>,
    /// Indexes into `inputs`, one for each frame; only where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frame_inputs: Vec<u16>,
    /// One line.
    pub title: String,
    /// What happened, with the addresses and ports of the worst occurrence.
    pub explanation: String,
    pub fix: String,
    /// What it rests on, by names of the rule's own.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub evidence: BTreeMap<&'static str, ValueRecord>,
    /// Techniques of MITRE ATT&CK.
    pub attack: Vec<&'static str>,
    /// Occurrences of the same cause.
    pub count: u64,
    /// Of the first and the last frame of all occurrences.
    pub first_time: Option<Shown<Timestamp>>,
    pub last_time: Option<Shown<Timestamp>>,
    /// Of all occurrences, the first 64.
    pub sessions: Vec<String>,
    pub transfers: Vec<String>,
    /// The reason for which it is not to be told, of whoever ran this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
}

/// A value that a finding rests on.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ValueRecord {
    Text(String),
    Number(i64),
}

impl FindingRecord {
    /// `number` counts from 1.
    pub fn new(number: usize, finding: &Finding, several: bool) -> Self {
        let frames = finding.frames.iter().map(|stamp| place(*stamp, several));
        let (frames, inputs): (Vec<_>, Vec<_>) =
            frames.map(|PlaceRecord { frame, input }| (frame, input)).unzip();
        let value = |value: &Value| match value {
            Value::Text(text) => ValueRecord::Text(text.clone()),
            Value::Number(number) => ValueRecord::Number(*number),
        };
        Self {
            id: finding_id(number),
            rule: finding.rule.id,
            kind: kind(finding.rule.kind),
            severity: severity(finding.severity),
            confidence: certainty(finding.certainty),
            grade: finding.grade.map(grade),
            session: finding.session.map(session_id),
            transfer: finding.transfer.map(transfer_id),
            frames,
            frame_inputs: inputs.into_iter().flatten().collect(),
            title: finding.title.clone(),
            explanation: finding.explanation.clone(),
            fix: finding.fix.clone().into_owned(),
            evidence: finding.evidence.iter().map(|(name, of)| (*name, value(of))).collect(),
            attack: match finding.rule.kind {
                rules::Kind::Security { attack } => attack.to_vec(),
                rules::Kind::Capture | rules::Kind::Diagnosis => Vec::new(),
            },
            count: finding.count,
            first_time: finding.first.and_then(|stamp| time(stamp.at)),
            last_time: finding.last.and_then(|stamp| time(stamp.at)),
            sessions: finding.sessions.iter().map(|id| session_id(*id)).collect(),
            transfers: finding.transfers.iter().map(|id| transfer_id(*id)).collect(),
            suppressed: finding.suppressed.clone(),
        }
    }
}

/// `f1`, by its place in the list.
pub fn finding_id(number: usize) -> String {
    format!("f{number}")
}

pub fn kind(kind: rules::Kind) -> &'static str {
    match kind {
        rules::Kind::Capture => "capture",
        rules::Kind::Diagnosis => "diagnosis",
        rules::Kind::Security { .. } => "security",
    }
}

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "critical",
    }
}

pub fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Attempted => "attempted",
        Grade::Accepted => "accepted",
        Grade::Effect => "effect",
    }
}

pub fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Low => "low",
        Certainty::Medium => "medium",
        Certainty::High => "high",
    }
}
