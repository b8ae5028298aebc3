//! What tests share.

pub mod document;
pub mod program;
pub mod sample;
pub mod script;
pub mod tls;
pub mod told;
