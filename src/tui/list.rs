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
    pub(super) filter: Filter,
}

/// Rows a filter looks at in one go: a key is answered before the next frame.
const AT_ONCE: usize = 20_000;

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
        (self.filter, self.looked_at, self.chosen, self.top) = (filter, 0, 0, 0);
        self.shown.clear();
    }

    /// Looks at more rows; true if there were any. New rows come at the end.
    pub(super) fn look(&mut self, rows: &[impl Fields], matcher: &mut Matcher) -> bool {
        let until = rows.len().min(self.looked_at + AT_ONCE);
        for (number, row) in rows.iter().enumerate().take(until).skip(self.looked_at) {
            if self.filter.is_empty() || self.filter.matches(row, matcher) {
                self.shown.push(u32::try_from(number).unwrap_or(u32::MAX));
            }
        }
        let is_new = until > self.looked_at;
        self.looked_at = until;
        is_new
    }

    /// Forgets the rows: there are others now.
    pub(super) fn restart(&mut self) {
        (self.looked_at, self.chosen, self.top) = (0, 0, 0);
        self.shown.clear();
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

    /// Moves the window so that the chosen row is in it.
    pub(super) fn follow(&mut self, height: usize) {
        let height = height.max(1);
        self.top = self.top.min(self.chosen).max((self.chosen + 1).saturating_sub(height));
        // No room is left empty at the end.
        self.top = self.top.min(self.shown.len().saturating_sub(height));
    }
}
