//! `ftpscope tree`: what clients saw of each server, and what they did there.
//!
//! ```text
//! 203.0.113.21:21  labuser  7 seen, 3 fetched
//!   /
//!     docs/                      2024-02-29T12:00
//!       note.txt          119 B  2024-02-29T12:00  ↓ t7, t12
//!     secret.txt                 never listed      ↓ t3  deleted #88
//! ```

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::page::{Ink, Line, Page};
use super::{Report, Style};
use crate::analysis::Charset;
use crate::analysis::{Analysis, Node, ServerTree};
use crate::ftp::EntryKind;
use crate::report::document::transfer_id;
use crate::report::escape::{cut, escape, width};
use crate::report::human::{bytes, number};
use crate::session::TransferId;

/// Writes the trees.
pub fn write(analysis: &Analysis, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let report = Report::new(analysis);
    let mut page = Page::new(style, out);
    let trees = analysis.server_trees();
    if trees.is_empty() {
        return page.line(&Line::of("No listing of a server is in the capture."));
    }
    for (nth, tree) in trees.iter().enumerate() {
        if nth > 0 {
            page.blank()?;
        }
        one(&report, tree, &mut page)?;
    }
    Ok(())
}

fn one(report: &Report<'_>, tree: &ServerTree<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let charset = report.analysis.charset(tree.session);
    let count = |wanted: fn(&Node) -> bool| {
        let count = tree.nodes.values().filter(|node| wanted(node)).count();
        (count > 0).then(|| number(count as u64))
    };
    let counts = [
        (count(|node| node.seen.is_some()), "seen"),
        (count(|node| !node.fetched.is_empty()), "fetched"),
        (count(|node| !node.stored.is_empty()), "stored"),
        (count(|node| node.deleted.is_some()), "deleted"),
    ];
    let counts = counts.into_iter().filter_map(|(count, what)| Some(format!("{} {what}", count?)));
    let user = tree.user.map_or_else(|| "(no user)".into(), |user| charset.decode(user).0);
    let fields =
        vec![Line::inked(Ink::Strong, &user), Line::of(&counts.collect::<Vec<_>>().join(", "))];
    let server = format!("{}  ", tree.server);
    page.fields(Line::inked(Ink::Strong, &server), 2, fields)?;
    let rows = rows(report, tree, charset);
    let room = page.width().saturating_sub(BESIDE_NAME);
    let widest = rows.iter().map(|row| width(&row.name)).max().unwrap_or(0).min(room);
    rows.iter().try_for_each(|row| page.line(&row.line(widest)))?;
    if tree.unlisted > 0 {
        let unlisted = format!("There was no room for {} more.", number(tree.unlisted));
        page.line(&Line::inked(Ink::Doubtful, &unlisted))?;
    }
    Ok(())
}

/// Columns that size, time and what was done take.
const BESIDE_NAME: usize = 48;

/// A directory or a file, with its place.
struct Row {
    name: String,
    size: String,
    modified: String,
    done: Vec<String>,
    is_seen: bool,
}

fn rows(report: &Report<'_>, tree: &ServerTree<'_>, charset: Charset) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut above: BTreeSet<&[u8]> = BTreeSet::new();
    for (path, node) in &tree.nodes {
        let (directory, name) = split(path);
        for missing in ancestors(directory) {
            if !tree.nodes.contains_key(missing) && above.insert(missing) {
                rows.push(Row::directory(missing, charset));
            }
        }
        let is_directory =
            node.entry.as_ref().is_some_and(|entry| entry.kind == EntryKind::Directory);
        rows.push(Row::new(report, path, name, is_directory, node, charset));
    }
    rows
}

impl Row {
    fn directory(path: &[u8], charset: Charset) -> Self {
        let (_, name) = split(path);
        let name = format!("{}{}/", indent(path), charset.decode(name).0);
        let (size, modified) = (String::new(), String::new());
        Self { name, size, modified, done: Vec::new(), is_seen: true }
    }

    fn new(
        report: &Report<'_>,
        path: &[u8],
        name: &[u8],
        is_directory: bool,
        node: &Node,
        charset: Charset,
    ) -> Self {
        let entry = node.entry.as_ref();
        let slash = if is_directory { "/" } else { "" };
        let target = entry.and_then(|entry| entry.target.as_ref());
        let target = target.map(|target| format!(" -> {}", charset.decode(target).0));
        let name = escape(&charset.decode(name).0).into_owned();
        let ids = |ids: &[TransferId]| {
            ids.iter().map(|id| transfer_id(*id)).collect::<Vec<_>>().join(", ")
        };
        let mut done = Vec::new();
        if !node.fetched.is_empty() {
            done.push(format!("↓ {}", ids(&node.fetched)));
        }
        if !node.stored.is_empty() {
            done.push(format!("↑ {}", ids(&node.stored)));
        }
        done.extend(node.deleted.map(|stamp| format!("deleted {}", report.frame(stamp))));
        let size = entry.and_then(|entry| entry.size).filter(|_| !is_directory);
        let modified = entry.and_then(|entry| entry.modified);
        Self {
            name: format!("{}{name}{slash}{}", indent(path), target.unwrap_or_default()),
            size: size.map(bytes).unwrap_or_default(),
            modified: modified.map(|modified| modified.to_string()).unwrap_or_default(),
            done,
            is_seen: node.seen.is_some(),
        }
    }

    fn line(&self, widest: usize) -> Line {
        let mut line = Line::of(&cut(&self.name, widest));
        line.tab((widest + 2 + SIZE).saturating_sub(width(&self.size)));
        line.push(Ink::Plain, &self.size);
        line.tab(widest + 2 + SIZE + 2);
        match self.is_seen {
            true => line.push(Ink::Plain, &self.modified),
            false => line.push(Ink::Doubtful, "never listed"),
        }
        line.tab(widest + 2 + SIZE + 2 + TIME + 2);
        line.push(Ink::Strong, &self.done.join("  "));
        line
    }
}

/// Columns of a size, and of a time to the second.
const SIZE: usize = 9;
const TIME: usize = 20;

/// The directory a path is in, with the slash if it is `/`, and its last part.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => {
            let name = path.get(at + 1..).unwrap_or_default();
            (path.get(..at.max(1)).unwrap_or_default(), name)
        }
        None => (&[], path),
    }
}

/// A directory and those above it, the outermost first: of a hundred the nearest.
fn ancestors(directory: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut next = directory;
    while !next.is_empty() && found.len() < MOST_DEPTH {
        found.push(next);
        let (above, name) = split(next);
        next = if name.is_empty() { &[] } else { above };
    }
    found.reverse();
    found
}

/// What is in `/` is indented once more than what is relative to a directory that is not known.
fn indent(path: &[u8]) -> String {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let depth = 1 + path.iter().filter(|byte| **byte == b'/').count();
    "  ".repeat(depth.min(MOST_DEPTH))
}

/// Directories within directories that are told apart.
const MOST_DEPTH: usize = 100;
