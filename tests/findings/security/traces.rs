//! What is changed on servers: times set, files deleted and overwritten.

use super::super::Scenario;

pub(in super::super) const SCENARIOS: &[Scenario] = &[];
