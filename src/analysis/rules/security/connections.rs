//! Data connections that go where they should not: bounces, copies between servers, theft.

use super::super::Rule;

pub(in super::super) const RULES: &[&Rule] = &[];
