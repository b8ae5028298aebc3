//! JSON: one document, or one line for each record as soon as it is final.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use serde::Serialize;

use super::document::{
    CaptureRecord, Document, DocumentOptions, ExchangeRecord, InputRecord, LogicalFileRecord,
    OrphanRecord, SCHEMA, SchemaRecord, ServerTreeRecord, SessionRecord, TOOL, ToolRecord,
    TransferRecord, session_id,
};
use super::lists::List;
use super::visible;
use crate::analysis::secret::Secrets;
use crate::analysis::{
    Analysis, Audit, CaptureFacts, Charset, Collector, LogicalFile, Node, warnings,
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
    let charsets: BTreeMap<SessionId, Charset> = analysis
        .sessions
        .iter()
        .map(|session| (session.id, Charset::of(session)))
        .filter(|(_, charset)| !charset.is_utf8())
        .collect();
    let sessions = List {
        facts: &analysis.sessions,
        weight: Session::weight,
        record: &|session| SessionRecord::new(session, tunnels, options),
    };
    let transfers = List {
        facts: &analysis.transfers,
        weight: Transfer::weight,
        record: &|transfer| {
            let charset = charsets.get(&transfer.session).copied().unwrap_or_default();
            TransferRecord::new(transfer, charset, several)
        },
    };
    let sessions_by_id: HashMap<SessionId, &Session> =
        analysis.sessions.iter().map(|session| (session.id, session)).collect();
    let numbered: Vec<_> = analysis.files.iter().enumerate().collect();
    let files = List {
        facts: &numbered,
        weight: |(_, file)| size_of::<LogicalFile>() + file.path.len(),
        record: &|(number, file)| {
            let charset = charsets.get(&file.session).copied().unwrap_or_default();
            let session = sessions_by_id.get(&file.session)?;
            let whole = file.hashes(&analysis.transfers);
            Some(LogicalFileRecord::new(*number, file, whole, session, charset, several))
        },
    };
    let trees = analysis.server_trees();
    let server_trees = List {
        facts: &trees,
        weight: |tree| tree.nodes.len() * size_of::<Node>(),
        record: &|tree| {
            let charset = charsets.get(&tree.session).copied().unwrap_or_default();
            ServerTreeRecord::new(tree, charset, several)
        },
    };
    let orphans = List {
        facts: &analysis.orphans,
        weight: Orphan::weight,
        record: &|orphan| OrphanRecord::new(orphan, tunnels, several),
    };
    let rest = visible::to_vec_pretty(&Document::without_lists(analysis, audit, options))?;
    let rest = write_up_to("sessions", &rest, out)?;
    sessions.write(threads, out)?;
    let rest = write_up_to("transfers", rest, out)?;
    transfers.write(threads, out)?;
    let rest = write_up_to("files", rest, out)?;
    files.write(threads, out)?;
    let rest = write_up_to("server_trees", rest, out)?;
    server_trees.write(threads, out)?;
    let rest = write_up_to("orphans", rest, out)?;
    orphans.write(threads, out)?;
    out.write_all(rest)?;
    out.write_all(b"\n")
}

/// Writes what stands before an empty list of the document, with its name; returns what stands
/// behind it.
fn write_up_to<'a>(list: &str, text: &'a [u8], out: &mut dyn Write) -> io::Result<&'a [u8]> {
    // In a string this would have no line end.
    let (name, empty) = (format!("\n  \"{list}\": "), b"[]");
    let wanted = [name.as_bytes(), empty].concat();
    let at = text.windows(wanted.len()).position(|window| window == wanted);
    let (before, after) = text.split_at(at.map_or(text.len(), |at| at + name.len()));
    out.write_all(before)?;
    Ok(after.strip_prefix(empty).unwrap_or_default())
}

/// Writes the JSON Schema of the document.
pub fn write_schema(out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &schemars::schema_for!(Document))?;
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
enum Line {
    Input(InputRecord),
    Session(Box<SessionRecord>),
    Exchange(SessionExchange),
    Transfer(Box<TransferRecord>),
    Orphan(Box<OrphanRecord>),
    Capture(CaptureLine),
}

#[derive(Serialize)]
struct SessionExchange {
    session: String,
    #[serde(flatten)]
    exchange: ExchangeRecord,
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

    fn write(&mut self, line: &Line) {
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
        if !hidden.is_empty() {
            self.secrets.insert(session, hidden);
        }
        self.write(&Line::Exchange(SessionExchange { session: session_id(session), exchange }));
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
        let charset = Charset::of_exchanges(&session.exchanges);
        for exchange in &session.exchanges {
            self.exchange_line(session.id, exchange, charset);
        }
        self.charsets.remove(&session.id);
        self.secrets.remove(&session.id);
        let record = SessionRecord::new(&session, &self.tunnels, self.options);
        self.write(&Line::Session(Box::new(SessionRecord { exchanges: None, ..record })));
    }

    fn orphan(&mut self, orphan: Orphan) {
        let record = OrphanRecord::new(&orphan, &self.tunnels, self.options.several_inputs);
        self.write(&Line::Orphan(Box::new(record)));
    }
}
