//! Pathnames as bytes: the working directory, and the quoted names of 257.

/// A session's working directory on the server, followed through what client and server say.
///
/// Until a reply names it, it is relative to a directory the capture does not show: where the
/// login led, or wherever the session stood when the capture began.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Directory {
    path: Vec<u8>,
    paths: Paths,
}

/// How a server writes paths.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Paths {
    /// `/home/bob/f`, and what most others pretend to have.
    #[default]
    Unix,
    /// `C:\dir\f` too; told as `C:/dir/f`.
    Windows,
    /// Names of data sets, `'USER.DATA'`, and members, `'USER.LIB(A)'`, in apostrophes where they
    /// are whole (z/OS Communications Server); paths that begin with a slash are those of Unix.
    Mvs,
}

impl Paths {
    /// By the text of the 215 (RFC 959 §4.1.3, SYST).
    pub fn of(system: Option<&[u8]>) -> Self {
        // Servers name the system first, and the text of a reply may be long.
        let system = system.unwrap_or_default();
        let system = system.get(..64).unwrap_or(system).to_ascii_uppercase();
        let has = |word: &[u8]| system.windows(word.len()).any(|window| window == word);
        match (has(b"WINDOWS"), system.starts_with(b"MVS")) {
            (true, _) => Self::Windows,
            (_, true) => Self::Mvs,
            _ => Self::Unix,
        }
    }

    /// Whether a path needs no directory to be understood.
    pub fn is_absolute(self, path: &[u8]) -> bool {
        match self {
            Self::Unix => is_absolute(path),
            Self::Windows => path.starts_with(b"\\") || is_absolute(path) || has_drive(path),
            Self::Mvs => path.starts_with(b"'") || is_absolute(path),
        }
    }

    fn join(self, base: &[u8], name: &[u8]) -> Vec<u8> {
        match self {
            Self::Unix => normal(base, name),
            Self::Windows => windows(base, name),
            Self::Mvs if is_absolute(name) || is_absolute(base) && !name.starts_with(b"'") => {
                normal(base, name)
            }
            Self::Mvs => data_set(base, name),
        }
    }
}

impl Directory {
    /// Takes a path as the server named it.
    pub fn named(path: &[u8], paths: Paths) -> Self {
        Self { path: paths.join(&[], path), paths }.or_unknown()
    }

    /// A path that is one already, or is relative to an unknown directory.
    pub fn of(path: &[u8], paths: Paths) -> Self {
        Self { path: path.to_vec(), paths }
    }

    /// How the server writes paths is known.
    pub fn set_paths(&mut self, paths: Paths) {
        self.paths = paths;
    }

    pub fn paths(&self) -> Paths {
        self.paths
    }

    /// The path of `name` seen from here: absolute if it or the directory is, relative otherwise.
    pub fn join(&self, name: &[u8]) -> Vec<u8> {
        self.paths.join(&self.path, name)
    }

    /// The directory a successful `CWD name` leads to.
    pub fn enter(&self, name: &[u8]) -> Self {
        let mut path = self.join(name);
        // A directory of data sets is a prefix of their names.
        if self.paths == Paths::Mvs
            && let Some(names) = path.strip_prefix(b"'").and_then(|path| path.strip_suffix(b"'"))
            && !names.is_empty()
            && !names.ends_with(b".")
        {
            path.insert(path.len() - 1, b'.');
        }
        Self { path, ..*self }.or_unknown()
    }

    /// It is not known any more.
    pub fn forget(&mut self) {
        self.path = Vec::new();
    }

    /// No system has a longer path: such a one is not followed.
    fn or_unknown(self) -> Self {
        if self.path.len() > MOST_PATH { Self { path: Vec::new(), ..self } } else { self }
    }

    /// The path, empty while nothing is known.
    pub fn path(&self) -> &[u8] {
        &self.path
    }
}

/// Bytes of a path: PATH_MAX where it is largest.
pub const MOST_PATH: usize = 4096;

/// The name between quotes in the text of a 257, or a 250 of servers that say where they went.
/// A doubled quote is one of the name's own (RFC 959 appendix II).
pub fn quoted_path(text: &[u8]) -> Option<Vec<u8>> {
    let open = text.iter().position(|byte| *byte == b'"')?;
    let mut name = Vec::new();
    let mut bytes = text.get(open + 1..)?.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'"' && bytes.next_if_eq(&b'"').is_none() {
            return Some(name);
        }
        name.push(byte);
    }
    None
}

/// `base/name` without empty and `.` parts and with `..` resolved as far as it can be.
fn normal(base: &[u8], name: &[u8]) -> Vec<u8> {
    let absolute = is_absolute(name) || is_absolute(base);
    let base = if is_absolute(name) { &[] } else { base };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in base.split(is_slash).chain(name.split(is_slash)) {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(&above) if above != b".." => drop(parts.pop()),
                _ if absolute => {}
                _ => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let path = parts.join(&b'/');
    if absolute { [b"/", &path[..]].concat() } else { path }
}

/// The same with backslashes and drives. A drive's own working directory (`C:f`) is taken for its
/// root.
fn windows(base: &[u8], name: &[u8]) -> Vec<u8> {
    let slashed = |path: &[u8]| -> Vec<u8> {
        path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
    };
    let (base, name) = (slashed(base), slashed(name));
    let split = |path: &[u8]| match path.split_at_checked(2) {
        Some((drive, rest)) if has_drive(path) => (drive.to_ascii_uppercase(), rest.to_vec()),
        _ => (Vec::new(), path.to_vec()),
    };
    let ((base_drive, base), (drive, name)) = (split(&base), split(&name));
    if !drive.is_empty() {
        return [drive, normal(b"/", &name)].concat();
    }
    let base = if base_drive.is_empty() { base } else { [&b"/"[..], &base].concat() };
    [base_drive, normal(&base, &name)].concat()
}

fn has_drive(path: &[u8]) -> bool {
    matches!(path, [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// A data set or a member seen from a prefix (`'USER.'`) or a library (`'USER.LIB'`).
fn data_set(base: &[u8], name: &[u8]) -> Vec<u8> {
    let inner = base.strip_prefix(b"'").and_then(|base| base.strip_suffix(b"'"));
    let Some(inner) = inner.filter(|_| !name.starts_with(b"'")) else { return name.to_vec() };
    if name == b".." {
        let level = inner.strip_suffix(b".").unwrap_or(inner);
        let above = level.iter().rposition(|byte| *byte == b'.').map_or(0, |at| at + 1);
        return [b"'", level.get(..above).unwrap_or_default(), b"'"].concat();
    }
    match inner.is_empty() || inner.ends_with(b".") {
        true => [b"'", inner, name, b"'"].concat(),
        false => [b"'", inner, b"(", name, b")'"].concat(),
    }
}

fn is_absolute(path: &[u8]) -> bool {
    path.starts_with(b"/")
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_as_a_server_would() {
        for (base, name, wanted) in [
            ("/home/bob", "f", "/home/bob/f"),
            ("/home/bob", "/etc/x", "/etc/x"),
            ("/home/bob", "../eve/./f", "/home/eve/f"),
            ("/", "../../f", "/f"),
            ("/a//b/", "c", "/a/b/c"),
            ("", "f", "f"),
            ("", "../f", "../f"),
            ("sub", "../../f", "../f"),
            ("sub", "f", "sub/f"),
            ("", "/", "/"),
        ] {
            let directory = Directory::of(base.as_bytes(), Paths::Unix);
            let joined = String::from_utf8(directory.join(name.as_bytes())).unwrap();
            assert_eq!(joined, wanted, "{base} + {name}");
        }
    }

    #[test]
    fn paths_are_those_of_the_server() {
        let windows = Paths::of(Some(b"Windows_NT"));
        let mvs = Paths::of(Some(b"MVS is the operating system of this server."));
        assert_eq!((windows, mvs), (Paths::Windows, Paths::Mvs));
        assert_eq!(Paths::of(Some(b"UNIX Type: L8")), Paths::Unix);
        for (paths, base, name, wanted) in [
            (windows, r"C:\inetpub", r"..\logs\a.txt", "C:/logs/a.txt"),
            (windows, "/pub", r"sub\a.txt", "/pub/sub/a.txt"),
            (windows, "C:/inetpub", r"d:\x", "D:/x"),
            (windows, "C:/inetpub", "/x", "C:/x"),
            (windows, "", r"a\b", "a/b"),
            (mvs, "'USER.'", "DATA", "'USER.DATA'"),
            (mvs, "'USER.LIB'", "A", "'USER.LIB(A)'"),
            (mvs, "'USER.'", "'OTHER.X'", "'OTHER.X'"),
            (mvs, "'USER.A.B.'", "..", "'USER.A.'"),
            (mvs, "", "DATA", "DATA"),
            (mvs, "/u/bob", "f", "/u/bob/f"),
            (mvs, "'USER.'", "/tmp/../f", "/f"),
        ] {
            let joined = Directory::of(base.as_bytes(), paths).join(name.as_bytes());
            assert_eq!(String::from_utf8(joined).unwrap(), wanted, "{base} + {name}");
        }
        let entered = Directory::of(b"'USER.'", mvs).enter(b"DATA");
        assert_eq!(entered.path(), b"'USER.DATA.'");
    }

    #[test]
    fn quotes_in_a_quoted_path_are_doubled() {
        for (text, wanted) in [
            (r#""/home/bob" is the current directory"#, Some("/home/bob")),
            (r#""/a ""b"" c" created"#, Some(r#"/a "b" c"#)),
            (r#"is "" empty"#, Some("")),
            (r#""/never ends"#, None),
            ("no quotes", None),
        ] {
            let found = quoted_path(text.as_bytes()).map(|name| String::from_utf8(name).unwrap());
            assert_eq!(found.as_deref(), wanted, "{text}");
        }
    }
}
