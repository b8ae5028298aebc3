//! Floor 3: segments → ordered streams.
//!
//! [`ConnTable`] finds the connection a segment belongs to, [`Conn`] follows its two directions
//! and returns [`ConnEvent`]s; payload stays borrowed from the frame while it is in order.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::unwrap_used))]

mod anomaly;
mod assembler;
mod conn;
mod recent;
mod table;

pub use self::anomaly::{Anomalies, Anomaly, AnomalyKind};
pub use self::assembler::{Assembler, Budget, Mark, Overlap, StreamEvent};
pub use self::conn::{
    Close, Conn, ConnEvent, Dir, DirFacts, Handshake, Link, Loss, Stall, Stuck, Trouble,
};
pub use self::table::{ConnTable, Found, Slot};
