//! What somebody does that should not be: who gets in, what is taken and brought, what is tried on
//! servers. Each is graded by what came of it ([`Grade`](crate::analysis::Grade)).

pub(super) mod amounts;
pub(super) mod connections;
pub(super) mod contents;
pub(super) mod exploits;
pub(super) mod logins;
mod moved;
pub(super) mod strangers;
pub(super) mod traces;
