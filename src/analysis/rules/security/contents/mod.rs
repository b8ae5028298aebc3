//! What files are: by content, by name, by hash.

mod archives;
mod names;
mod programs;
mod sensitive;
mod shells;

use super::super::{Check, Found, Kind, Rule};

pub(in super::super) const RULES: &[&Rule] = &[
    &programs::EXECUTABLE,
    &programs::MISMATCH,
    &programs::KNOWN_BAD,
    &names::DECEPTIVE,
    &shells::WEB_SHELL,
    &sensitive::SENSITIVE,
    &archives::ARCHIVE,
];
