//! Data connections that go where they should not: bounces, copies between servers, theft.

use super::super::Scenario;

pub(in super::super) const SCENARIOS: &[Scenario] = &[];
