//! Everything that was moved, in two tables: the files, and what no command could be found for.

use std::io;

use super::page::{Ink, Line, Page};
use super::{Report, arrow, moved, outcome_words, short_hash};
use crate::analysis::LogicalFile;
use crate::report::document::{orphan_id, session_id, transfer_id};
use crate::report::escape::{cut, cut_front, escape, width};
use crate::report::human::{about, bytes};
use crate::session::Confidence;
use crate::transfer::{Content, Direction, Inferred, Orphan, Resemblance, Transfer};

pub(super) fn write(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    files(report, page)?;
    orphans(report, page)
}

fn files(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let transfers = report.analysis.transfers.iter();
    let rows: Vec<Row> = transfers
        .filter(|transfer| transfer.direction != Direction::Listing)
        .map(|transfer| Row::new(report, transfer))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let widest = |cell: fn(&Row) -> &str| rows.iter().map(|row| width(cell(row))).max();
    let widest = |cell| widest(cell).unwrap_or(0);
    let columns = Columns {
        id: widest(|row| &row.id),
        session: widest(|row| &row.session),
        size: widest(|row| &row.size),
        outcome: widest(|row| row.outcome.1),
        media: widest(|row| &row.media).min(MEDIA),
        hash: widest(|row| &row.hash),
    };
    page.blank()?;
    page.line(&Line::inked(Ink::Strong, "Files"))?;
    let longest = widest(|row| &row.path);
    let room = page.width().saturating_sub(columns.beside_path()).min(longest);
    rows.iter().try_for_each(|row| page.line(&row.line(&columns, room)))?;
    let joined = report.analysis.files.iter().filter(|file| file.is_of_pieces());
    joined.into_iter().try_for_each(|file| one_joined(report, file, page))
}

/// `/pub/big.bin  90,000 B from t1, t3: whole`: a file of several transfers.
fn one_joined(report: &Report<'_>, file: &LogicalFile, page: &mut Page<'_>) -> io::Result<()> {
    let pieces: Vec<String> = file.pieces.iter().map(|piece| transfer_id(piece.transfer)).collect();
    let path = report.analysis.charset(file.session).decode(&file.path).0;
    let mut fields = vec![
        Line::of(&escape(&path)),
        Line::of(&format!("of {}", pieces.join(", "))),
        Line::of(&file.size.map_or_else(|| "of unknown size".to_owned(), bytes)),
    ];
    let missing: u64 = file.holes.iter().map(|hole| hole.end - hole.start).sum();
    fields.push(match (file.is_whole(), missing) {
        (true, _) => Line::inked(Ink::Good, "whole"),
        (false, 0) => Line::inked(Ink::Doubtful, "end unknown"),
        (false, missing) => Line::inked(Ink::Doubtful, &format!("{} missing", bytes(missing))),
    });
    if file.overlaps.iter().any(|overlap| overlap.agrees == Some(false)) {
        fields.push(Line::inked(Ink::Bad, "pieces differ"));
    }
    if let Some(hashes) = &file.joined {
        fields.push(Line::inked(Ink::Dim, &format!("sha256 {}", short_hash(hashes))));
    }
    page.fields(Line::of("  together: "), 4, fields)
}

/// Of the media type.
const MEDIA: usize = 12;

struct Row {
    id: String,
    arrow: &'static str,
    session: String,
    path: String,
    size: String,
    outcome: (Ink, &'static str),
    media: String,
    hash: String,
}

struct Columns {
    id: usize,
    session: usize,
    size: usize,
    outcome: usize,
    media: usize,
    hash: usize,
}

impl Columns {
    fn beside_path(&self) -> usize {
        let cells = [self.id, 1, self.session, self.size, self.outcome, self.media, self.hash];
        // Empty columns take no gap.
        2 + cells.iter().filter(|cell| **cell > 0).map(|cell| cell + 2).sum::<usize>() - 1
    }
}

impl Row {
    fn new(report: &Report<'_>, transfer: &Transfer) -> Self {
        let path = report.path(transfer).unwrap_or_else(|| "(no name)".to_owned());
        let content = moved(transfer);
        let media = content.and_then(|content| content.media_type.as_deref());
        Self {
            id: transfer_id(transfer.request.id),
            arrow: arrow(transfer.direction),
            session: session_id(transfer.session),
            path: escape(&path).into_owned(),
            size: content.map(|content| bytes(content.bytes)).unwrap_or_default(),
            outcome: outcome_words(transfer.outcome),
            media: media.map(short_media).unwrap_or_default(),
            hash: content.filter(|content| content.bytes > 0).map(hash_of).unwrap_or_default(),
        }
    }

    fn line(&self, columns: &Columns, room: usize) -> Line {
        let mut line = Line::of("  ");
        let mut at = 2;
        line.push(Ink::Plain, &self.id);
        at += columns.id + 2;
        line.tab(at);
        line.push(Ink::Plain, self.arrow);
        line.push(Ink::Plain, " ");
        line.push(Ink::Plain, &self.session);
        at += 2 + columns.session + 2;
        line.tab(at);
        line.push(Ink::Plain, &cut_front(&self.path, room));
        at += room + 2;
        line.tab(at + columns.size - width(&self.size));
        line.push(Ink::Plain, &self.size);
        at += columns.size + if columns.size > 0 { 2 } else { 0 };
        line.tab(at);
        line.push(self.outcome.0, self.outcome.1);
        at += columns.outcome + 2;
        if columns.media > 0 {
            line.tab(at);
            line.push(Ink::Plain, &cut(&self.media, columns.media));
            at += columns.media + 2;
        }
        line.tab(at);
        line.push(Ink::Dim, &self.hash);
        line
    }
}

/// The half of a media type that tells.
pub(super) fn short_media(media: &str) -> String {
    match media {
        "text/plain" => "text".to_owned(),
        "application/octet-stream" => "binary".to_owned(),
        _ => {
            let short = media.rsplit('/').next().unwrap_or(media);
            short.trim_start_matches("x-").trim_start_matches("vnd.").to_owned()
        }
    }
}

fn hash_of(content: &Content) -> String {
    short_hash(&content.hashes)
}

fn orphans(report: &Report<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let orphans = &report.analysis.orphans;
    if orphans.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.line(&Line::inked(Ink::Strong, "Data connections without a known command"))?;
    orphans.iter().try_for_each(|orphan| one_orphan(report, orphan, page))
}

fn one_orphan(report: &Report<'_>, orphan: &Orphan, page: &mut Page<'_>) -> io::Result<()> {
    let data = &orphan.carried.connection;
    let mut fields = vec![
        Line::of(&super::transfer::ends(data)),
        Line::inked(Ink::Dim, &report.frames(data.link.first, data.link.last)),
    ];
    let tunnel = report.analysis.capture.tunnels.name(data.originator.ip.net);
    fields.extend(tunnel.map(|tunnel| Line::of(&format!("in {tunnel}"))));
    for (dir, arrow) in [(orphan.server, "↓"), (orphan.server.reversed(), "↑")] {
        let content = orphan.carried.from(dir);
        if content.bytes > 0 {
            fields.extend(one_way(arrow, content));
        }
    }
    match (orphan.why, &orphan.inferred) {
        (Resemblance::DataPort, _) => fields.push(Line::of("on FTP's data port 20")),
        (Resemblance::Peers, None) => fields.push(Line::of("between the hosts of a session")),
        (Resemblance::Peers, Some(_)) => {}
    }
    let is_tls = orphan.carried.is_tls();
    fields.extend(orphan.inferred.as_ref().map(|found| inferred(found, is_tls)));
    let id = format!("  {}", orphan_id(orphan));
    let indent = id.len() + 2;
    page.fields(Line::of(&id), indent, fields)
}

/// `probably a download in s1, about 8,209–9,235 B under TLS`.
fn inferred(inferred: &Inferred, is_tls: bool) -> Line {
    let sure = if inferred.confidence > Confidence::Guess { "probably" } else { "perhaps" };
    let what = if inferred.direction == Direction::Upload { "an upload" } else { "a download" };
    let seal = if is_tls { " under TLS" } else { "" };
    let size = inferred.estimated_bytes.filter(|_| inferred.protected_bytes > 0);
    let size = size.map(|size| format!(", {}{seal}", about(size.least, size.most)));
    let session = session_id(inferred.session);
    Line::of(&format!("{sure} {what} in {session}{}", size.unwrap_or_default()))
}

fn one_way(arrow: &str, content: &Content) -> Vec<Line> {
    let mut fields = vec![Line::of(&format!("{arrow} {}", bytes(content.bytes)))];
    let media = content.media_type.as_deref().filter(|_| !content.is_tls);
    fields.extend(media.map(|media| Line::of(&short_media(media))));
    fields.push(Line::inked(Ink::Dim, &format!("sha256 {}", hash_of(content))));
    if !content.is_whole() {
        fields.push(Line::inked(Ink::Doubtful, "with gaps"));
    }
    fields
}
