//! What is changed on servers: times set, files deleted and overwritten.

use super::super::Rule;

pub(in super::super) const RULES: &[&Rule] = &[];
