//! What clients saw of each server, and what was moved there.

use std::borrow::Cow;

use nucleo_matcher::Matcher;

use super::filter::Filter;
use super::list::{Hit, next_hit};
use super::row::Fields;
use crate::analysis::{Analysis, Node, ServerTree};
use crate::ftp::EntryKind;
use crate::report::document::transfer_id;
use crate::report::escape::escape;
use crate::report::human::bytes;
use crate::session::TransferId;

/// The trees of all servers, as lines.
pub(super) struct TreeView {
    pub(super) lines: Vec<TreeLine>,
    pub(super) chosen: usize,
    pub(super) top: usize,
    /// What was looked for in it.
    sought: Filter,
}

pub(super) struct TreeLine {
    /// Escaped; so are the others.
    pub(super) name: String,
    pub(super) size: String,
    pub(super) done: String,
    pub(super) is_server: bool,
    transfer: Option<TransferId>,
}

impl TreeView {
    pub(super) fn new(analysis: &Analysis) -> Self {
        let mut lines = Vec::new();
        for tree in analysis.server_trees() {
            lines.push(server(&tree));
            lines.extend(tree.nodes.iter().map(|(path, node)| entry(path, node)));
        }
        Self { lines, chosen: 0, top: 0, sought: Filter::default() }
    }

    pub(super) fn chosen_transfer(&self) -> Option<TransferId> {
        self.lines.get(self.chosen)?.transfer
    }

    /// To the next line that is looked for.
    pub(super) fn next(&mut self, by: isize, height: usize, matcher: &mut Matcher) -> Hit {
        if self.sought.is_empty() {
            return Hit::NothingSought;
        }
        let sought = &self.sought;
        let found = next_hit(&self.lines, self.chosen, by, |line| sought.matches(line, matcher));
        let Some(at) = found else { return Hit::None };
        self.step(at.cast_signed() - self.chosen.cast_signed(), height);
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

    pub(super) fn step(&mut self, by: isize, height: usize) {
        let most = self.lines.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(most);
        let height = height.max(1);
        self.top = self.top.min(self.chosen).max((self.chosen + 1).saturating_sub(height));
    }
}

fn server(tree: &ServerTree<'_>) -> TreeLine {
    let user = String::from_utf8_lossy(tree.user.unwrap_or(b"(no user)")).into_owned();
    TreeLine {
        name: format!("{}  {}", tree.server, escape(&user)),
        size: String::new(),
        done: String::new(),
        is_server: true,
        transfer: None,
    }
}

impl Fields for TreeLine {
    const NAMES: &'static [&'static str] = &["name"];

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "name").then(|| self.name.trim_start().into())
    }

    fn number(&self, _: &str) -> Option<u64> {
        None
    }

    fn all(&self) -> String {
        format!("{} {}", self.name, self.done)
    }
}

/// A path is indented by its directories and shown by its last part.
fn entry(path: &[u8], node: &Node) -> TreeLine {
    let text = String::from_utf8_lossy(path).into_owned();
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let name = parts.last().copied().unwrap_or("/");
    let depth = parts.len().min(DEEPEST);
    let entry = node.entry.as_ref();
    let is_directory = entry.is_some_and(|entry| entry.kind == EntryKind::Directory);
    let slash = if is_directory && name != "/" { "/" } else { "" };
    let names =
        |ids: &[TransferId]| ids.iter().map(|id| transfer_id(*id)).collect::<Vec<_>>().join(" ");
    let mut done = Vec::new();
    for (arrow, ids) in [("↓", &node.fetched), ("↑", &node.stored)] {
        if !ids.is_empty() {
            done.push(format!("{arrow} {}", names(ids)));
        }
    }
    if node.deleted.is_some() {
        done.push("deleted".to_owned());
    }
    TreeLine {
        name: format!("{}{}{slash}", "  ".repeat(depth), escape(name)),
        size: entry
            .and_then(|entry| entry.size)
            .filter(|_| !is_directory)
            .map(bytes)
            .unwrap_or_default(),
        done: done.join("  "),
        is_server: false,
        transfer: node.fetched.last().or_else(|| node.stored.last()).copied(),
    }
}

/// Directories within directories that are indented.
const DEEPEST: usize = 16;
