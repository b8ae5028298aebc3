//! Who gets in, with what.

use super::super::Rule;

pub(in super::super) const RULES: &[&Rule] = &[];
