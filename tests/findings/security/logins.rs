//! Who gets in, with what.

use super::super::Scenario;

pub(in super::super) const SCENARIOS: &[Scenario] = &[];
