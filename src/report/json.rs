//! JSON: one document, or one line for each record as soon as it is final.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::document::{
    CaptureRecord, Document, DocumentOptions, ExchangeRecord, InputRecord, LogicalFileRecord,
    OrphanRecord, SCHEMA, SchemaRecord, ServerTreeRecord, SessionRecord, TOOL, ToolRecord,
    TransferRecord, session_id,
};
use super::lists::{self, Piece, list};
use super::visible;
use crate::analysis::secret::Secrets;
use crate::analysis::{
    Analysis, Audit, ById, CaptureFacts, Charset, Collector, LogicalFile, Node, warnings,
};
use crate::capture::{InputFacts, Progress};
use crate::decode::{Net, Tunnel, Tunnels};
use crate::session::{Exchange, Session, SessionId, Weight};
use crate::transfer::{Orphan, Transfer};

/// Writes the whole document; `threads` make it, and it is the same with any number of them.
pub fn write(
    analysis: &Analysis,
    audit: Option<&Audit<'_>>,
    options: DocumentOptions,
    threads: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let several = options.several_inputs;
    let tunnels = &analysis.capture.tunnels;
    let by_id = ById::new(&analysis.sessions);
    let charset = |session| analysis.charset(session);
    let trees = analysis.server_trees();
    let sessions = list(&analysis.sessions, Session::weight, |_, session| {
        SessionRecord::new(session, charset(session.id), tunnels, options)
    });
    let transfers = list(&analysis.transfers, Transfer::weight, |_, transfer| {
        TransferRecord::new(transfer, charset(transfer.session), several)
    });
    let files = list(
        &analysis.files,
        |file| size_of::<LogicalFile>() + file.path.len() + size_of_val(&*file.pieces),
        |number, file| {
            let session = by_id.get(file.session)?;
            let whole = file.hashes(&analysis.transfers);
            let charset = charset(file.session);
            Some(LogicalFileRecord::new(number, file, whole, session, charset, several))
        },
    );
    let server_trees = list(
        &trees,
        |tree| tree.nodes.len() * size_of::<Node>(),
        |_, tree| ServerTreeRecord::new(tree, charset(tree.session), several),
    );
    let orphans = list(&analysis.orphans, Orphan::weight, |_, orphan| {
        OrphanRecord::new(orphan, tunnels, several)
    });
    let rest = visible::to_vec_pretty(&Document::without_lists(analysis, audit, options))?;
    let mut pieces = Vec::new();
    let mut rest = &*rest;
    for (name, list) in [
        ("sessions", sessions),
        ("transfers", transfers),
        ("files", files),
        ("server_trees", server_trees),
        ("orphans", orphans),
    ] {
        let (before, after) = split_at_list(name, rest);
        pieces.push(Piece::Text(before));
        pieces.extend(list);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    lists::write(&pieces, threads, out)?;
    out.write_all(b"\n")
}

/// What stands before an empty list of the document, with its name, and what stands behind it.
fn split_at_list<'a>(name: &str, text: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    // In a string this would have no line end.
    let (name, empty) = (format!("\n  \"{name}\": "), b"[]");
    let wanted = [name.as_bytes(), empty].concat();
    let at = text.windows(wanted.len()).position(|window| window == wanted);
    let (before, after) = text.split_at(at.map_or(text.len(), |at| at + name.len()));
    (before, after.strip_prefix(empty).unwrap_or_default())
}

/// Writes the JSON Schema of the document.
pub fn write_schema(out: &mut dyn Write) -> io::Result<()> {
    // As it is written: fields that are left out where they are empty are not required.
    let generator = SchemaSettings::default().for_serialize().into_generator();
    serde_json::to_writer_pretty(&mut *out, &generator.into_root_schema_for::<Document<'_>>())?;
    out.write_all(b"\n")
}

/// Writes each record when it is final, and forgets it. The first failure to write is kept, and
/// nothing is written after it.
pub struct Lines<W> {
    out: W,
    /// Of the line that is being written.
    text: Vec<u8>,
    options: DocumentOptions,
    failed: Option<io::Error>,
    /// Told to stop when nobody listens any more.
    progress: Progress,
    charsets: BTreeMap<SessionId, Charset>,
    /// Of sessions that are not over.
    secrets: BTreeMap<SessionId, Secrets>,
    tunnels: Tunnels,
}

/// A record on a line of its own.
#[derive(Serialize)]
#[serde(tag = "record", rename_all = "lowercase")]
enum Line<'a> {
    Input(InputRecord),
    Session(Box<SessionRecord<'a>>),
    Exchange(SessionExchange<'a>),
    Transfer(Box<TransferRecord<'a>>),
    Orphan(Box<OrphanRecord<'a>>),
    Capture(CaptureLine),
}

#[derive(Serialize)]
struct SessionExchange<'a> {
    session: String,
    #[serde(flatten)]
    exchange: ExchangeRecord<'a>,
}

/// The last line.
#[derive(Serialize)]
struct CaptureLine {
    schema: SchemaRecord,
    tool: ToolRecord,
    secrets: &'static str,
    #[serde(flatten)]
    capture: CaptureRecord,
    warnings: Vec<String>,
}

impl<W: Write> Lines<W> {
    pub fn new(out: W, options: DocumentOptions, progress: Progress) -> Self {
        Self {
            out,
            text: Vec::new(),
            options,
            failed: None,
            progress,
            charsets: BTreeMap::new(),
            secrets: BTreeMap::new(),
            tunnels: Tunnels::default(),
        }
    }

    /// Writes what is known only at the end.
    pub fn finish(mut self, facts: &CaptureFacts, inputs: &[InputFacts]) -> io::Result<()> {
        for input in inputs {
            self.write(&Line::Input(InputRecord::new(input)));
        }
        self.write(&Line::Capture(CaptureLine {
            schema: SCHEMA,
            tool: TOOL,
            secrets: self.options.secrets(),
            capture: CaptureRecord::new(facts, self.options.several_inputs),
            warnings: warnings(inputs, facts),
        }));
        match self.failed {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn write(&mut self, line: &Line<'_>) {
        if self.failed.is_some() {
            return;
        }
        self.text.clear();
        let written = visible::append(&mut self.text, line).map_err(io::Error::from);
        self.text.push(b'\n');
        if let Err(error) = written.and_then(|()| self.out.write_all(&self.text)) {
            self.progress.stop();
            self.failed = Some(error);
        }
    }

    fn exchange_line(&mut self, session: SessionId, exchange: &Exchange, charset: Charset) {
        let mut secrets = self.secrets.remove(&session).unwrap_or_default();
        secrets.learn(exchange);
        let hidden = self.options.hidden(|| secrets);
        let exchange = ExchangeRecord::new(exchange, charset, &hidden, self.options);
        self.write(&Line::Exchange(SessionExchange { session: session_id(session), exchange }));
        if !hidden.is_empty() {
            self.secrets.insert(session, hidden);
        }
    }
}

impl<W: Write + Send> Collector for Lines<W> {
    fn wants_exchanges(&self) -> bool {
        true
    }

    fn exchange(&mut self, session: SessionId, exchange: Exchange) {
        let charset = Charset::of_exchanges([&exchange]);
        if !charset.is_utf8() {
            self.charsets.insert(session, charset);
        }
        self.exchange_line(session, &exchange, charset);
    }

    fn tunnel(&mut self, outer: Net, tunnel: Tunnel) {
        self.tunnels.push(outer, tunnel);
    }

    fn transfer(&mut self, transfer: Transfer) {
        let charset = self.charsets.get(&transfer.session).copied();
        let charset = charset.unwrap_or_else(|| Charset::of_name(transfer.request.name.as_deref()));
        let several = self.options.several_inputs;
        let record = Box::new(TransferRecord::new(&transfer, charset, several));
        self.write(&Line::Transfer(record));
    }

    fn session(&mut self, session: Session) {
        let charset = Charset::of(&session);
        for exchange in &session.exchanges {
            self.exchange_line(session.id, exchange, charset);
        }
        self.charsets.remove(&session.id);
        self.secrets.remove(&session.id);
        let record = SessionRecord::new(&session, charset, &self.tunnels, self.options);
        self.write(&Line::Session(Box::new(SessionRecord { exchanges: None, ..record })));
    }

    fn orphan(&mut self, orphan: Orphan) {
        let record = OrphanRecord::new(&orphan, &self.tunnels, self.options.several_inputs);
        self.write(&Line::Orphan(Box::new(record)));
    }
}
