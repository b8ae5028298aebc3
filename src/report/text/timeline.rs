//! The dialogue of a session, line by line.

use std::io;

use super::page::{Ink, Line, Page};
use super::{Report, transfer};
use crate::analysis::Charset;
use crate::analysis::secret::{self, Secrets};
use crate::ftp::{Command, Verb};
use crate::report::escape::{cut, cut_front, escape, width};
use crate::report::human::{plural, relative};
use crate::session::{Encryption, Exchange, Received, Sent, Session, TransferId};
use crate::time::Stamp;

/// The exchanges of a session in columns: time, frame, command, frame, reply.
pub(super) struct Timeline<'a> {
    report: &'a Report<'a>,
    session: &'a Session,
    charset: Charset,
    columns: Columns,
    page_width: usize,
    show_secrets: bool,
    /// What is to be hidden.
    secrets: Secrets,
}

/// Column of what is told under a transfer's command.
const DETAIL: usize = 6;

/// A reply that took so long gets a line and a time of its own.
const NOTABLE_NANOS: i64 = 1_000_000_000;

const SEALED: &str = "From here on it is encrypted and cannot be read.";
const UNSEALED: &str = "From here on it is clear text again.";

/// Where each column begins; the frames end where theirs do.
#[derive(Clone, Copy)]
struct Columns {
    /// Of a frame number.
    frame: usize,
    sent_frame_end: usize,
    command: usize,
    reply_frame_end: usize,
    reply: usize,
}

/// Something the server sent in an exchange.
enum Answer<'a> {
    Reply(&'a Received),
    Malformed(Stamp, &'a [u8]),
}

impl Answer<'_> {
    fn stamp(&self) -> Stamp {
        match self {
            Self::Reply(received) => received.stamp,
            Self::Malformed(stamp, _) => *stamp,
        }
    }
}

impl<'a> Timeline<'a> {
    pub(super) fn new(report: &'a Report<'a>, session: &'a Session, page: &Page<'_>) -> Self {
        let charset = report.analysis.charset(session.id);
        let (page_width, show_secrets) = (page.width(), page.style.show_secrets);
        let columns =
            Columns { frame: 0, sent_frame_end: 0, command: 0, reply_frame_end: 0, reply: 0 };
        let secrets = page.style.hidden(session);
        let mut timeline =
            Self { report, session, charset, columns, page_width, show_secrets, secrets };
        timeline.columns = timeline.measure();
        timeline
    }

    /// Columns as wide as they have to be, commands within a third of the page.
    fn measure(&self) -> Columns {
        let (mut time, mut frame, mut command) = (6, 2, 8);
        for exchange in &self.session.exchanges {
            let sent = exchange.sent.as_ref();
            command = command.max(sent.map_or(0, |sent| width(&self.command(sent))));
            let answers = answers(exchange);
            let stamps = answers.iter().map(Answer::stamp).chain(sent.map(|sent| sent.stamp));
            for stamp in stamps {
                time = time.max(width(&self.time(stamp)));
                frame = frame.max(width(&self.report.frame(stamp)));
            }
        }
        let sent_frame_end = 2 + time + 1 + frame;
        let start = sent_frame_end + 2;
        let reply_frame_end = start + command.min(self.page_width / 3) + 2 + frame;
        Columns {
            frame,
            sent_frame_end,
            command: start,
            reply_frame_end,
            reply: reply_frame_end + 2,
        }
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> io::Result<()> {
        let Encryption { mut since, mut until, .. } = self.session.encryption;
        let mut shown = Vec::new();
        for exchange in &self.session.exchanges {
            if exchange.stamp().zip(since).is_some_and(|(stamp, since)| since.is_before(stamp)) {
                self.encrypted(since.take(), SEALED, page)?;
            }
            if exchange.stamp().zip(until).is_some_and(|(stamp, until)| !stamp.is_before(until)) {
                self.encrypted(until.take(), UNSEALED, page)?;
            }
            self.exchange(exchange, page)?;
            if let Some(id) = exchange.transfer {
                self.transfer(id, page)?;
                shown.push(id);
            }
        }
        self.encrypted(since, SEALED, page)?;
        self.encrypted(until, UNSEALED, page)?;
        // Their commands were not captured, or not kept.
        let rest = self.session.transfers.iter().filter(|id| !shown.contains(id));
        rest.into_iter().try_for_each(|id| self.transfer(*id, page))
    }

    fn transfer(&self, id: TransferId, page: &mut Page<'_>) -> io::Result<()> {
        match self.report.analysis.transfer(id) {
            Some(transfer) => transfer::write(self.report, transfer, DETAIL, page),
            None => Ok(()),
        }
    }

    fn encrypted(&self, since: Option<Stamp>, what: &str, page: &mut Page<'_>) -> io::Result<()> {
        let Some(since) = since else { return Ok(()) };
        let mut line = self.at(since);
        let frame = self.report.frame(since);
        line.tab(self.columns.sent_frame_end - width(&frame));
        line.push(Ink::Dim, &frame);
        line.tab(self.columns.command);
        page.words(line, Ink::Plain, what)
    }

    fn exchange(&self, exchange: &Exchange, page: &mut Page<'_>) -> io::Result<()> {
        let echo = secret::echo_of(exchange).filter(|_| !self.show_secrets);
        let mut answers = answers(exchange).into_iter().peekable();
        if let Some(sent) = &exchange.sent {
            let mut line = self.sent(sent);
            let has_room = line.width() <= self.columns.reply_frame_end - self.columns.frame;
            let at_once = answers.next_if(|answer| {
                let later = answer.stamp().at.nanos_since(sent.stamp.at);
                has_room && later.is_none_or(|nanos| nanos < NOTABLE_NANOS)
            });
            if let Some(answer) = at_once {
                self.answer(&mut line, &answer, echo.as_deref());
            } else if answers.peek().is_none() {
                line.tab(self.columns.reply);
                line.push(Ink::Doubtful, "no reply in the capture");
            }
            page.line(&line)?;
        }
        for answer in answers {
            let mut line = self.at(answer.stamp());
            self.answer(&mut line, &answer, echo.as_deref());
            page.line(&line)?;
        }
        if exchange.sent.is_some()
            && !exchange.replies.is_empty()
            && exchange.final_reply().is_none()
        {
            let mut line = Line::default();
            line.tab(self.columns.reply);
            page.line(&line.and(Ink::Doubtful, "no final reply in the capture"))?;
        }
        Ok(())
    }

    /// The beginning of a line: its time.
    fn at(&self, stamp: Stamp) -> Line {
        Line::of("  ").and(Ink::Plain, &self.time(stamp))
    }

    fn time(&self, stamp: Stamp) -> String {
        let since = stamp.at.nanos_since(self.session.tcp.link.first.at);
        since.map(relative).unwrap_or_default()
    }

    fn sent(&self, sent: &Sent) -> Line {
        let mut line = self.at(sent.stamp);
        let frame = self.report.frame(sent.stamp);
        line.tab(self.columns.sent_frame_end - width(&frame));
        line.push(Ink::Dim, &frame);
        line.tab(self.columns.command);
        let room = self.columns.reply_frame_end - self.columns.command;
        let room = room.saturating_sub(2 + width(&frame));
        let text = self.command(sent);
        let text = match text.split_once(' ') {
            Some((verb, path)) if names_a_path(&sent.command) => {
                let room = room.saturating_sub(width(verb) + 1);
                format!("{verb} {}", cut_front(path, room))
            }
            // Who asks for a secret wants all of it.
            _ if secret::is_secret(&sent.command, sent.is_partial) => text,
            _ => cut(&text, room).into_owned(),
        };
        line.push(Ink::Strong, &text);
        line
    }

    /// A command as it is shown: without its secret, addresses readable.
    fn command(&self, sent: &Sent) -> String {
        let command = &sent.command;
        let torn = if sent.is_partial { " (torn)" } else { "" };
        if secret::is_lost(command, sent.is_partial) && !self.show_secrets {
            return "(a torn line)".to_owned();
        }
        let name = command.name();
        let name = self.charset.decode(&name).0;
        let arg = match command.announced() {
            Some(address) => address.to_string(),
            None if secret::is_secret(command, sent.is_partial)
                && !self.show_secrets
                && !command.arg().is_empty() =>
            {
                String::from_utf8_lossy(secret::MASK).into_owned()
            }
            None => self.charset.decode(&self.secrets.hide(command.arg(), None)).0.into_owned(),
        };
        let space = if arg.is_empty() { "" } else { " " };
        escape(&format!("{name}{space}{arg}{torn}")).into_owned()
    }

    fn answer(&self, line: &mut Line, answer: &Answer<'_>, echo: Option<&[u8]>) {
        let frame = self.report.frame(answer.stamp());
        line.tab(self.columns.reply_frame_end - width(&frame));
        line.push(Ink::Dim, &frame);
        line.tab(self.columns.reply);
        match answer {
            Answer::Reply(received) => self.reply(line, received, echo),
            Answer::Malformed(_, text) => {
                line.push(Ink::Doubtful, "not a reply: ");
                line.push(Ink::Plain, &self.charset.decode(&self.secrets.hide(text, echo)).0);
            }
        }
    }

    fn reply(&self, line: &mut Line, received: &Received, echo: Option<&[u8]>) {
        let reply = &received.reply;
        let ink = if reply.is_refusal() { Ink::Bad } else { Ink::Plain };
        line.push(ink, &format!("{} ", reply.code));
        if let Some(address) = received.reply.announced() {
            line.push(Ink::Plain, &address.to_string());
            return;
        }
        let text = reply.lines().find(|text| !text.trim_ascii().is_empty()).unwrap_or_default();
        let text = self.secrets.hide(text, echo);
        let text = self.charset.decode(&text).0;
        let mut more = String::new();
        let lines = reply.lines().count() as u64;
        if lines > 1 {
            more = format!(" … ({})", plural(lines, "line"));
        }
        if reply.torn {
            more.push_str(" (torn)");
        }
        let text = escape(text.trim());
        // What is behind the text must not be what is cut.
        let room = self.page_width.saturating_sub(line.width() + width(&more));
        line.push(ink, &cut(&text, room));
        line.push(Ink::Plain, &more);
    }
}

/// Everything the server sent, in the order of the capture.
fn answers(exchange: &Exchange) -> Vec<Answer<'_>> {
    let malformed = exchange.malformed.iter();
    let malformed = malformed.map(|(stamp, line)| Answer::Malformed(*stamp, line));
    let mut answers: Vec<_> = exchange.replies.iter().map(Answer::Reply).chain(malformed).collect();
    answers.sort_by_key(|answer| answer.stamp().place);
    answers
}

/// Of these the end tells more than the beginning.
fn names_a_path(command: &Command) -> bool {
    matches!(
        command.verb,
        Verb::Cwd
            | Verb::Retr
            | Verb::Stor
            | Verb::Appe
            | Verb::List
            | Verb::Nlst
            | Verb::Mlsd
            | Verb::Mlst
            | Verb::Size
            | Verb::Dele
            | Verb::Mkd
            | Verb::Rmd
            | Verb::Rnfr
            | Verb::Rnto
            | Verb::Mdtm
    )
}
