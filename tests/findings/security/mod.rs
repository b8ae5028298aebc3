//! What somebody does that should not be.

pub(super) mod amounts;
pub(super) mod connections;
pub(super) mod contents;
pub(super) mod exploits;
pub(super) mod logins;
pub(super) mod strangers;
pub(super) mod traces;
