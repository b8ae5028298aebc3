//! Who looks around: scans, tools, and what would act on whoever reads it.

use super::super::Rule;

pub(in super::super) const RULES: &[&Rule] = &[];
