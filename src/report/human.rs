//! stand-in
pub fn bytes(n: u64) -> String {
    format!("{n} B")
}
