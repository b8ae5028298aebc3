//! The JSON document's own types, apart from the facts, so that a change of facts cannot change
//! the document by accident. The schema derives from them. Beside the records of each subject
//! stands how they are made from the facts.

mod audit;
mod capture;
mod content;
mod data;
mod exchange;
mod file;
mod finding;
mod input;
mod listing;
mod names;
mod orphan;
mod parts;
mod session;
mod tcp;
mod tls;
mod transfer;
mod tree;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::audit::{AuditRecord, shared_id, strength};
pub use self::capture::{CaptureRecord, FragmentsRecord, LimitRecord, NotFtpRecord};
pub use self::content::{CheckRecord, DecodedRecord, LineEndsRecord, MissingRecord};
pub use self::data::{DataRecord, LinkRecord, TrafficRecord};
pub use self::exchange::{ArgumentRecord, ExchangeRecord, LineRecord, ReplyRecord, SecretRecord};
pub use self::file::{LogicalFileRecord, OverlapRecord, PieceRecord, RangeRecord, file_id};
pub use self::finding::{FindingRecord, certainty, finding_id, grade, kind, severity};
pub use self::input::{ClockStepsRecord, DamagePlaceRecord, DamageRecord, InputRecord};
pub use self::listing::EntryRecord;
pub use self::names::{DIRECTIONS, OUTCOMES, direction, login, outcome};
pub use self::orphan::{InferredRecord, OrphanBytesRecord, OrphanRecord, orphan_id};
pub use self::parts::{
    EndpointRecord, HashesRecord, PlaceRecord, SpanRecord, endpoint, hashes, session_id,
    transfer_id, wire_text,
};
pub use self::session::{EncryptionRecord, LegRecord, SessionRecord};
pub use self::tcp::{AnomaliesRecord, AnomalyRecord, DirectionRecord, TcpRecord};
pub use self::tls::{CertificateRecord, EstimateRecord, TlsRecord};
pub use self::transfer::{
    ExpectedRecord, OtherLegRecord, SetupPlaceRecord, SetupRecord, SiteRecord, SiteToSiteRecord,
    TimingRecord, TransferRecord,
};
pub use self::tree::{NodeRecord, ServerTreeRecord};
use crate::analysis::secret::Secrets;
use crate::analysis::{Analysis, Audit};

/// Everything known of a capture. Documents of the same `schema.version` differ only in fields
/// added.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ftpscope document")]
pub struct Document<'a> {
    pub schema: SchemaRecord,
    pub tool: ToolRecord,
    /// Whether passwords are `masked` here, or `shown`.
    pub secrets: &'static str,
    pub inputs: Vec<InputRecord>,
    pub capture: CaptureRecord,
    /// In the order of their first frames.
    pub sessions: Vec<SessionRecord<'a>>,
    /// In the order of their commands.
    pub transfers: Vec<TransferRecord<'a>>,
    /// Files of servers, each put together from the transfers that moved a part of it.
    pub files: Vec<LogicalFileRecord<'a>>,
    /// What listings show of each server to each user, and what was done there.
    pub server_trees: Vec<ServerTreeRecord<'a>>,
    /// Data connections that no command could be found for.
    pub orphans: Vec<OrphanRecord<'a>>,
    /// The worst first; those that are suppressed last. Not with `--lines`: a rule sees whole sessions.
    pub findings: Vec<FindingRecord>,
    /// Only with `--audit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditRecord<'a>>,
    /// What a reader should know before believing the rest.
    pub warnings: Vec<String>,
}

impl<'a> Document<'a> {
    /// All but the long lists, which are empty here: their records are made while they are
    /// written, so that the document needs no memory of its own.
    pub fn without_lists(
        analysis: &Analysis,
        audit: Option<&'a Audit<'_>>,
        options: DocumentOptions,
    ) -> Self {
        Self {
            schema: SCHEMA,
            tool: TOOL,
            secrets: options.secrets(),
            inputs: analysis.inputs.iter().map(InputRecord::new).collect(),
            capture: CaptureRecord::new(&analysis.capture, options.several_inputs),
            sessions: Vec::new(),
            transfers: Vec::new(),
            files: Vec::new(),
            server_trees: Vec::new(),
            orphans: Vec::new(),
            findings: analysis
                .findings
                .iter()
                .enumerate()
                .map(|(nth, finding)| FindingRecord::new(nth + 1, finding, options.several_inputs))
                .collect(),
            audit: audit.map(|audit| AuditRecord::new(audit, options)),
            warnings: analysis.warnings(),
        }
    }
}

/// What the document shows beside the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct DocumentOptions {
    pub show_secrets: bool,
    /// With several inputs, each frame number stands beside the number of its input.
    pub several_inputs: bool,
}

impl DocumentOptions {
    /// What is to be hidden: nothing where secrets are shown.
    pub fn hidden(self, secrets: impl FnOnce() -> Secrets) -> Secrets {
        if self.show_secrets { Secrets::default() } else { secrets() }
    }

    /// What is done with passwords.
    pub fn secrets(self) -> &'static str {
        if self.show_secrets { "shown" } else { "masked" }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct SchemaRecord {
    pub name: &'static str,
    pub version: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct ToolRecord {
    pub name: &'static str,
    pub version: &'static str,
}

pub const SCHEMA: SchemaRecord = SchemaRecord { name: "ftpscope", version: 1 };

pub const TOOL: ToolRecord = ToolRecord { name: "ftpscope", version: env!("CARGO_PKG_VERSION") };
