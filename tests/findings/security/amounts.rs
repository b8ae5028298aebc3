//! How much is moved, how often, and where to.

use super::super::Scenario;

pub(in super::super) const SCENARIOS: &[Scenario] = &[];
