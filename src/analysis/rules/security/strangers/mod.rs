//! Who looks around: scans, tools, and what would act on whoever reads it.

mod names;
mod scans;
mod terminal;

use super::super::Rule;

pub(in super::super) const RULES: &[&Rule] =
    &[&scans::BANNERS, &scans::TOOL, &names::HOSTILE, &terminal::ESCAPE];
