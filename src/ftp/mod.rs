//! Floor 4: bytes → FTP. Pure: knows nothing of TCP, packets or sessions.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::unwrap_used))]

mod command;
mod hash;
mod hostport;
mod line;
mod listing;
mod path;
mod reply;

pub use self::command::{Command, Verb, Verbs, is_command_word};
pub use self::hash::{HashName, hashed_name, parse_hash};
pub use self::hostport::Announced;
pub use self::line::{Line, LineSplitter};
pub use self::listing::{
    Entry, EntryKind, Listed, ListingKind, Modified, parse_facts, parse_listing, parse_time,
};
pub use self::path::{Directory, MOST_PATH, Paths, quoted_path};
pub use self::reply::{Joined, Reply, ReplyJoiner, parse_number, split_code};
