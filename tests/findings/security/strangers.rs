//! Who looks around: scans, tools, and what would act on whoever reads it.

use super::super::Scenario;

pub(in super::super) const SCENARIOS: &[Scenario] = &[];
