//! Pathnames as bytes: the working directory, and the quoted names of 257.

/// A session's working directory on the server, followed through what client and server say.
///
/// Until a reply names it, it is relative to a directory the capture does not show: where the
/// login led, or wherever the session stood when the capture began.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Directory {
    path: Vec<u8>,
}

impl Directory {
    /// Takes a path as the server named it.
    pub fn named(path: &[u8]) -> Self {
        Self { path: normal(&[], path) }.or_unknown()
    }

    /// Takes a path that may itself be relative to an unknown directory.
    pub fn named_as_is(path: &[u8]) -> Self {
        Self { path: path.to_vec() }
    }

    /// The path of `name` seen from here: absolute if it or the directory is, relative otherwise.
    pub fn join(&self, name: &[u8]) -> Vec<u8> {
        normal(&self.path, name)
    }

    /// The directory a successful `CWD name` leads to.
    pub fn enter(&self, name: &[u8]) -> Self {
        Self { path: self.join(name) }.or_unknown()
    }

    /// No system has a longer path: such a one is not followed.
    fn or_unknown(self) -> Self {
        if self.path.len() > MOST { Self::default() } else { self }
    }

    /// The path, empty while nothing is known.
    pub fn path(&self) -> &[u8] {
        &self.path
    }
}

/// Bytes of a path: PATH_MAX where it is largest.
const MOST: usize = 4096;

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
            let directory = Directory { path: base.as_bytes().to_vec() };
            let joined = String::from_utf8(directory.join(name.as_bytes())).unwrap();
            assert_eq!(joined, wanted, "{base} + {name}");
        }
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
