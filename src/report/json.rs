//! JSON: one document, or one line for each record as soon as it is final.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::charset::Charset;
use super::document::{
    CaptureRecord, Document, DocumentOptions, ExchangeRecord, InputRecord, OrphanRecord, SCHEMA,
    SchemaRecord, SessionRecord, TOOL, ToolRecord, TransferRecord, session_id,
};
use super::visible::{to_writer, to_writer_pretty};
use crate::analysis::{Analysis, CaptureFacts, Collector, warnings};
use crate::capture::{InputFacts, Progress};
use crate::decode::{Net, Tunnel, Tunnels};
use crate::session::{Exchange, Session, SessionId};
use crate::transfer::{Orphan, Transfer};

/// Writes the whole document.
pub fn write(analysis: &Analysis, options: DocumentOptions, out: &mut dyn Write) -> io::Result<()> {
    to_writer_pretty(&mut *out, &Document::new(analysis, options))?;
    out.write_all(b"\n")
}

/// Writes the JSON Schema of the document.
pub fn write_schema(out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &schemars::schema_for!(Document<'_>))?;
    out.write_all(b"\n")
}

/// Writes each record when it is final, and forgets it. The first failure to write is kept, and
/// nothing is written after it.
pub struct Lines<W> {
    out: W,
    options: DocumentOptions,
    failed: Option<io::Error>,
    /// Told to stop when nobody listens any more.
    progress: Progress,
    charsets: BTreeMap<SessionId, Charset>,
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
    Orphan(OrphanRecord),
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
    #[serde(flatten)]
    capture: CaptureRecord,
    warnings: Vec<String>,
}

impl<W: Write> Lines<W> {
    pub fn new(out: W, options: DocumentOptions, progress: Progress) -> Self {
        Self {
            out,
            options,
            failed: None,
            progress,
            charsets: BTreeMap::new(),
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
        let written = to_writer(&mut self.out, line)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"));
        if let Err(error) = written {
            self.progress.stop();
            self.failed = Some(error);
        }
    }

    fn exchange_line(&mut self, session: SessionId, exchange: &Exchange, charset: Charset) {
        let exchange = ExchangeRecord::new(exchange, charset, self.options);
        self.write(&Line::Exchange(SessionExchange { session: session_id(session), exchange }));
    }
}

impl<W: Write> Collector for Lines<W> {
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
        let record = SessionRecord::new(&session, &self.tunnels, self.options);
        self.write(&Line::Session(Box::new(SessionRecord { exchanges: None, ..record })));
    }

    fn orphan(&mut self, orphan: Orphan) {
        let record = OrphanRecord::new(&orphan, &self.tunnels, self.options.several_inputs);
        self.write(&Line::Orphan(record));
    }
}
