//! What is changed on servers: times set, files deleted and overwritten.

mod deletes;
mod overwrites;
mod times;

use crate::analysis::rules::Rule;

pub(in super::super) const RULES: &[&Rule] =
    &[&times::TIMESTOMP, &deletes::MASS_DELETE, &overwrites::OVERWRITE];
