//! How much is moved, how often, and where to.

use super::super::Rule;

pub(in super::super) const RULES: &[&Rule] = &[];
