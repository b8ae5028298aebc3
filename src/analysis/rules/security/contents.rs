//! What files are: by content, by name, by hash.

use super::super::Rule;

pub(in super::super) const RULES: &[&Rule] = &[];
