//! What files are: by content, by name, by hash.

use super::super::Scenario;

pub(in super::super) const SCENARIOS: &[Scenario] = &[];
