//! Floor 9: what the user typed → what is done.

mod args;
mod policy;
mod progress;
mod run;
mod tui;

pub use self::args::Args;
pub use self::run::{Exit, run};
