//! Floor 8: results → bytes. Nothing here computes a fact.

pub mod community_id;
pub mod document;
pub mod escape;
pub mod files;
pub mod human;
pub mod json;
mod lists;
pub mod text;
mod visible;
pub mod wireshark;
