//! A list: what it shows in which order, and which row is chosen. It knows no terminal.

use nucleo_matcher::Matcher;

use super::filter::Filter;
use super::row::Fields;

/// The rows of a list that are shown, by their numbers.
#[derive(Debug, Default)]
pub(super) struct List {
    shown: Vec<u32>,
    chosen: usize,
    /// The first row on the screen.
    pub(super) top: usize,
    /// Rows the filter has looked at.
    looked_at: usize,
    /// Chosen, once the filter has come to it again.
    sought: Option<u32>,
    pub(super) filter: Filter,
    /// The filter before it was taken off: what is still looked for.
    before: Filter,
}

/// What became of looking for the next row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hit {
    Found,
    None,
    NothingSought,
    /// There are more rows than are looked at in one go.
    Unfinished,
}

/// The next row in a direction that is one.
pub(super) fn next_hit<R>(
    rows: &[R],
    from: usize,
    by: isize,
    mut is_hit: impl FnMut(&R) -> bool,
) -> Option<usize> {
    let mut is_hit = |at: &usize| rows.get(*at).is_some_and(&mut is_hit);
    match by > 0 {
        true => (from + 1..rows.len()).find(&mut is_hit),
        false => (0..from).rev().find(&mut is_hit),
    }
}

/// Rows a filter looks at in one go: a key is answered before the next frame.
pub(super) const AT_ONCE: usize = 5_000;

impl List {
    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }

    /// The number of the row that is chosen.
    pub(super) fn chosen(&self) -> Option<usize> {
        self.shown.get(self.chosen).map(|row| *row as usize)
    }

    /// The place of the chosen row among those shown.
    pub(super) fn place(&self) -> usize {
        self.chosen
    }

    /// Places and numbers of the rows from the top on.
    pub(super) fn visible(&self, height: usize) -> impl Iterator<Item = (usize, usize)> {
        let rows = self.shown.iter().enumerate().skip(self.top).take(height);
        rows.map(|(place, row)| (place, *row as usize))
    }

    pub(super) fn all_shown(&self) -> impl Iterator<Item = usize> {
        self.shown.iter().map(|row| *row as usize)
    }

    /// Shows what matches another filter.
    pub(super) fn set_filter(&mut self, filter: Filter) {
        let before = std::mem::replace(&mut self.filter, filter);
        if !before.is_empty() {
            self.before = before;
        }
        self.restart();
    }

    /// Looks at more rows; true if there were any. New rows come at the end.
    pub(super) fn look(&mut self, rows: &[impl Fields], matcher: &mut Matcher) -> bool {
        let until = rows.len().min(self.looked_at + AT_ONCE);
        for (number, row) in rows.iter().enumerate().take(until).skip(self.looked_at) {
            if self.filter.is_empty() || self.filter.matches(row, matcher) {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                if self.sought == Some(number) {
                    (self.chosen, self.sought) = (self.shown.len(), None);
                }
                self.shown.push(number);
            }
        }
        let is_new = until > self.looked_at;
        self.looked_at = until;
        is_new
    }

    /// Looks at all rows again, which have changed; the chosen one stays chosen.
    pub(super) fn look_again(&mut self) {
        self.sought = self.shown.get(self.chosen).copied().or(self.sought);
        (self.looked_at, self.chosen) = (0, 0);
        self.shown.clear();
    }

    /// Forgets the rows: there are others now.
    pub(super) fn restart(&mut self) {
        (self.looked_at, self.chosen, self.top, self.sought) = (0, 0, 0, None);
        self.shown.clear();
    }

    /// As [`restart`](Self::restart), with a row to be chosen among them.
    pub(super) fn restart_at(&mut self, row: Option<usize>) {
        self.restart();
        self.sought = row.and_then(|row| u32::try_from(row).ok());
    }

    /// Puts the rows shown in another order; the chosen row stays chosen.
    pub(super) fn sort_by_key<K: Ord>(&mut self, key: impl Fn(usize) -> K, is_reversed: bool) {
        let chosen = self.chosen();
        self.shown.sort_by_cached_key(|row| key(*row as usize));
        if is_reversed {
            self.shown.reverse();
        }
        if let Some(chosen) = chosen {
            self.choose_row(chosen);
        }
    }

    /// Chooses a row by its number, if it is shown.
    pub(super) fn choose_row(&mut self, row: usize) {
        if let Some(place) = self.shown.iter().position(|shown| *shown as usize == row) {
            self.chosen = place;
        }
    }

    pub(super) fn choose_place(&mut self, place: usize) {
        self.chosen = place.min(self.shown.len().saturating_sub(1));
    }

    pub(super) fn step(&mut self, by: isize) {
        self.choose_place(self.chosen.saturating_add_signed(by));
    }

    /// Chooses the next row in a direction that matches the filter, or the one there was before.
    pub(super) fn next(&mut self, rows: &[impl Fields], by: isize, matcher: &mut Matcher) -> Hit {
        let sought = if self.filter.is_empty() { &self.before } else { &self.filter };
        if sought.is_empty() {
            return Hit::NothingSought;
        }
        let (from, is_filtered) = (self.chosen, !self.filter.is_empty());
        let is_hit = |row: &u32| {
            is_filtered || rows.get(*row as usize).is_some_and(|row| sought.matches(row, matcher))
        };
        // A window of the rows, so that a key is answered soon.
        let (first, last) = match by > 0 {
            true => (from, self.shown.len().min(from + AT_ONCE)),
            false => (from.saturating_sub(AT_ONCE), self.shown.len().min(from + 1)),
        };
        let window = self.shown.get(first..last).unwrap_or_default();
        if let Some(at) = next_hit(window, from - first, by, is_hit) {
            self.chosen = first + at;
            return Hit::Found;
        }
        if first == 0 && by < 0 || last == self.shown.len() && by > 0 {
            return Hit::None;
        }
        self.chosen = if by > 0 { last - 1 } else { first };
        Hit::Unfinished
    }

    /// Moves the window so that the chosen row is in it.
    pub(super) fn follow(&mut self, height: usize) {
        let height = height.max(1);
        self.top = self.top.min(self.chosen).max((self.chosen + 1).saturating_sub(height));
        // No room is left empty at the end.
        self.top = self.top.min(self.shown.len().saturating_sub(height));
    }
}
