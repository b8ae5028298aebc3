//! Floor 9: what the user typed → what is done.

mod args;
mod hash_list;
mod policy;
mod progress;
mod run;
mod tui;

pub use self::args::Args;
pub use self::run::{Exit, run};
