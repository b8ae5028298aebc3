//! Floor 8: results → bytes. Nothing here computes a fact.

pub mod charset;
pub mod community_id;
pub mod document;
pub mod files;
pub mod human;
pub mod json;
pub mod text;
