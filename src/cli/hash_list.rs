//! Lists of hashes as other programs write them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::analysis::HashList;

/// Adds the hashes of a file: one on each line, alone or as `sha256sum`, `shasum --tag`, `md5sum`
/// and hashdeep write them. Blank lines and those that begin with `#` say nothing. A line that
/// holds no hash is an error: it would be without effect.
pub(super) fn read(path: &Path, list: &mut HashList) -> Result<(), String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut columns = Columns::default();
    for (nth, line) in BufReader::new(file).split(b'\n').enumerate() {
        let line = line.map_err(|error| format!("{}: {error}", path.display()))?;
        // Names need not be UTF-8.
        let line = String::from_utf8_lossy(&line);
        if !columns.take(line.trim(), list) {
            return Err(format!("{}: line {} holds no hash", path.display(), nth + 1));
        }
    }
    Ok(())
}

/// Which columns of a list by hashdeep are hashes: its second line names them.
#[derive(Default)]
struct Columns {
    is_hashdeep: bool,
    hashes: Vec<usize>,
}

impl Columns {
    /// Whether the line says nothing, or holds a hash, which is added.
    fn take(&mut self, line: &str, list: &mut HashList) -> bool {
        if let Some(header) = line.strip_prefix("%%%%") {
            self.is_hashdeep = true;
            let names = header.trim().split(',').enumerate();
            let is_hash = |name: &str| ["md5", "sha1", "sha256"].contains(&name);
            self.hashes = names.filter(|(_, name)| is_hash(name)).map(|(nth, _)| nth).collect();
            return true;
        }
        if line.is_empty() || line.starts_with('#') {
            return true;
        }
        if self.is_hashdeep {
            let fields: Vec<_> = line.split(',').collect();
            let hashes = self.hashes.iter().filter_map(|nth| fields.get(*nth));
            // All of them, though one would do: any may be looked up.
            return hashes.fold(false, |any, hash| list.insert(hash) | any);
        }
        // `SHA256 (name) = hash`; a name may hold what stands between.
        let tagged = line.rsplit_once(") = ").map(|(_, hash)| hash);
        // GNU marks a line whose name is escaped.
        let first = line.trim_start_matches('\\').split_ascii_whitespace().next();
        tagged.is_some_and(|hash| list.insert(hash)) || first.is_some_and(|hash| list.insert(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{hex, md5, sha256};

    fn taken(lines: &[&str]) -> (HashList, Vec<bool>) {
        let (mut list, mut columns) = (HashList::default(), Columns::default());
        let taken = lines.iter().map(|line| columns.take(line, &mut list)).collect();
        (list, taken)
    }

    #[test]
    fn lists_are_read_as_they_are_written() {
        let (long, short) = (hex(&sha256(b"x")), hex(&md5(b"x")));
        for line in [
            long.clone(),
            format!("{long}  name"),
            format!("{long} *name with blanks"),
            format!("\\{long}  na\\nme"),
            format!("SHA256 (a) = b) = {long}"),
            long.to_uppercase(),
        ] {
            let (list, taken) = taken(&["# a comment", "", &line]);
            assert!(!list.is_empty() && taken == [true; 3], "{line}");
            assert!(!list.needs().md5, "{line}");
        }
        let deep =
            ["%%%% HASHDEEP-1.0", "%%%% size,md5,sha256,filename", "## $ hashdeep", "1,,x,a,b"];
        let (list, taken_of) = taken(&deep);
        assert!(list.is_empty() && taken_of == [true, true, true, false]);
        let (list, _) = taken(&[deep[0], deep[1], &format!("1,{short},{long},name, with comma")]);
        assert!(list.needs().md5);
        assert!(!taken(&["no hash at all"]).1[0] && !taken(&["12345"]).1[0]);
    }
}
