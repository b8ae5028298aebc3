//! Client commands.

use super::hostport::{Announced, parse_eprt, parse_lprt, parse_port};

/// One client command.
///
/// Illegal input is not an error here: a capture shows what was sent, so what is unknown or
/// malformed is kept as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command {
    pub verb: Verb,
    /// The line in one piece: a capture has millions of them.
    line: Box<[u8]>,
    word_len: u32,
}

/// What a command asks for, as far as the analysis needs it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verb {
    User,
    Pass,
    Acct,
    Auth,
    /// `ADAT` (RFC 2228 §3), which carries GSSAPI tokens.
    Adat,
    Prot,
    Ccc,
    Cwd,
    Cdup,
    Pwd,
    Port,
    Eprt,
    Lprt,
    Pasv,
    Epsv,
    Lpsv,
    Type,
    Mode,
    Stru,
    Rest,
    Retr,
    Stor,
    Stou,
    Appe,
    List,
    Nlst,
    Mlsd,
    Mlst,
    Size,
    Stat,
    Abor,
    Rein,
    Quit,
    Syst,
    Opts,
    Feat,
    Noop,
    Allo,
    Dele,
    /// `MKD` and `XMKD`.
    Mkd,
    /// `RMD` and `XRMD`.
    Rmd,
    Rnfr,
    Rnto,
    Mdtm,
    /// `MFMT` (draft-somers-ftp-mfxx), which sets what MDTM tells.
    Mfmt,
    /// `HASH` (draft-bryan-ftpext-hash) and what servers had before it: `XCRC`, `XMD5` …
    Hash,
    /// `CLNT` and `CSID`: the client names its software.
    Clnt,
    /// `SITE`: whatever this server has of its own (RFC 959 §4.1.3).
    Site,
    Other,
}

impl Command {
    /// Reads one line, its end already removed. Verbs are case-insensitive (RFC 959 §5.3).
    pub fn parse(line: &[u8]) -> Self {
        let word_len = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let verb = Verb::of(line.get(..word_len).unwrap_or_default());
        // No line is as long as 4 GiB.
        Self { verb, line: line.into(), word_len: u32::try_from(word_len).unwrap_or(u32::MAX) }
    }

    /// The line as it was sent, without its end.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// The verb as it was sent.
    pub fn word(&self) -> &[u8] {
        self.line.get(..self.word_end()).unwrap_or_default()
    }

    /// What follows the first space, untouched: pathnames may begin with one.
    pub fn arg(&self) -> &[u8] {
        self.line.get(self.word_end() + 1..).unwrap_or_default()
    }

    /// Whom a USER names. The name ends where a PASS is typed on, or stands behind what may end a
    /// line for a server.
    pub fn user(&self) -> &[u8] {
        let name = self.arg();
        let mut rest = name.windows(5);
        let end = rest.position(|window| {
            let [before, word @ ..] = window else { return false };
            matches!(before, b' ' | b'\r' | b'\n' | 0) && word.eq_ignore_ascii_case(b"PASS")
        });
        end.and_then(|end| name.get(..end)).unwrap_or(name)
    }

    fn word_end(&self) -> usize {
        self.word_len as usize
    }

    /// Where the client says it listens, in a PORT, EPRT or LPRT.
    pub fn announced(&self) -> Option<Announced> {
        match self.verb {
            Verb::Port => parse_port(self.arg()),
            Verb::Eprt => parse_eprt(self.arg()),
            Verb::Lprt => parse_lprt(self.arg()),
            _ => None,
        }
    }

    /// The verb in its usual spelling, if it is a known one.
    pub fn known_name(&self) -> Option<&'static str> {
        let is_it = |(name, verb): &&(&str, Verb)| {
            *verb == self.verb && name.as_bytes().eq_ignore_ascii_case(self.word())
        };
        COMMANDS.iter().find(is_it).map(|(name, _)| *name)
    }

    /// The verb in its usual spelling, or as it came if it is not a word of letters.
    pub fn name(&self) -> Vec<u8> {
        if self.word().iter().all(u8::is_ascii_alphabetic) {
            self.word().to_ascii_uppercase()
        } else {
            self.word().to_vec()
        }
    }
}

impl Verb {
    fn of(word: &[u8]) -> Self {
        let known = COMMANDS.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word));
        known.map_or(Self::Other, |(_, verb)| *verb)
    }

    /// Whether it moves bytes over a data connection.
    pub fn is_transfer(self) -> bool {
        self.is_listing() || matches!(self, Self::Retr | Self::Stor | Self::Stou | Self::Appe)
    }

    pub fn is_listing(self) -> bool {
        matches!(self, Self::List | Self::Nlst | Self::Mlsd)
    }
}

/// Some of the verbs there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Verbs(u64);

impl Verbs {
    pub fn insert(&mut self, verb: Verb) {
        self.0 |= 1 << verb as u64;
    }

    pub fn contains(self, verb: Verb) -> bool {
        self.0 >> verb as u64 & 1 == 1
    }

    /// Whether one of them is among these.
    pub fn has_any(self, verbs: &[Verb]) -> bool {
        verbs.iter().any(|verb| self.contains(*verb))
    }
}

// Each has a bit of its own.
const _: () = assert!((Verb::Other as u64) < 64);

/// Whether this is a verb of FTP: tells a client's side from a server's, and FTP from the rest.
pub fn is_command_word(word: &[u8]) -> bool {
    Verb::of(word) != Verb::Other
}

/// RFC 959 §4.1 and its `X` forms (RFC 775, RFC 1123 §4.1.3.1), RFC 1639, 2228, 2389, 2428, 3659.
const COMMANDS: &[(&str, Verb)] = &[
    ("USER", Verb::User),
    ("PASS", Verb::Pass),
    ("ACCT", Verb::Acct),
    ("AUTH", Verb::Auth),
    ("ADAT", Verb::Adat),
    ("PROT", Verb::Prot),
    ("CCC", Verb::Ccc),
    ("CWD", Verb::Cwd),
    ("XCWD", Verb::Cwd),
    ("CDUP", Verb::Cdup),
    ("XCUP", Verb::Cdup),
    ("PWD", Verb::Pwd),
    ("XPWD", Verb::Pwd),
    ("PORT", Verb::Port),
    ("EPRT", Verb::Eprt),
    ("LPRT", Verb::Lprt),
    ("PASV", Verb::Pasv),
    // Asks for the same 227, and for the TLS roles to be turned round for a site-to-site copy.
    ("CPSV", Verb::Pasv),
    ("EPSV", Verb::Epsv),
    ("LPSV", Verb::Lpsv),
    ("TYPE", Verb::Type),
    ("MODE", Verb::Mode),
    ("STRU", Verb::Stru),
    ("REST", Verb::Rest),
    ("RETR", Verb::Retr),
    ("STOR", Verb::Stor),
    ("STOU", Verb::Stou),
    ("APPE", Verb::Appe),
    ("LIST", Verb::List),
    ("NLST", Verb::Nlst),
    ("MLSD", Verb::Mlsd),
    ("MLST", Verb::Mlst),
    ("SIZE", Verb::Size),
    ("STAT", Verb::Stat),
    ("ABOR", Verb::Abor),
    ("REIN", Verb::Rein),
    ("QUIT", Verb::Quit),
    ("SYST", Verb::Syst),
    ("OPTS", Verb::Opts),
    ("FEAT", Verb::Feat),
    ("NOOP", Verb::Noop),
    ("ALLO", Verb::Allo),
    ("DELE", Verb::Dele),
    ("MKD", Verb::Mkd),
    ("XMKD", Verb::Mkd),
    ("RMD", Verb::Rmd),
    ("XRMD", Verb::Rmd),
    ("RNFR", Verb::Rnfr),
    ("RNTO", Verb::Rnto),
    ("MDTM", Verb::Mdtm),
    ("MFMT", Verb::Mfmt),
    ("HASH", Verb::Hash),
    ("XCRC", Verb::Hash),
    ("XMD5", Verb::Hash),
    ("MD5", Verb::Hash),
    ("XSHA", Verb::Hash),
    ("XSHA1", Verb::Hash),
    ("XSHA256", Verb::Hash),
    ("XSHA512", Verb::Hash),
    ("CLNT", Verb::Clnt),
    ("CSID", Verb::Clnt),
    ("SITE", Verb::Site),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_each_verb_and_keeps_what_it_cannot() {
        for (line, verb, name, arg) in [
            (&b"USER anonymous"[..], Verb::User, &b"USER"[..], &b"anonymous"[..]),
            (b"retr a b.txt", Verb::Retr, b"RETR", b"a b.txt"),
            (b"RETR  leading", Verb::Retr, b"RETR", b" leading"),
            (b"RETR \xff\xfe", Verb::Retr, b"RETR", b"\xff\xfe"),
            (b"xcup", Verb::Cdup, b"XCUP", b""),
            (b"Xyzzy 1", Verb::Other, b"XYZZY", b"1"),
            (b"\x16\x03\x01", Verb::Other, b"\x16\x03\x01", b""),
            (b"", Verb::Other, b"", b""),
        ] {
            let command = Command::parse(line);
            assert_eq!(command.verb, verb, "{}", line.escape_ascii());
            assert_eq!((&command.name()[..], command.arg()), (name, arg));
        }
    }

    #[test]
    fn every_verb_of_the_table_is_found_by_its_own_name() {
        for (name, verb) in COMMANDS {
            assert_eq!(Verb::of(name.to_ascii_lowercase().as_bytes()), *verb);
        }
    }

    #[test]
    fn a_user_ends_where_a_password_begins() {
        for (line, user) in [
            (&b"USER bob"[..], &b"bob"[..]),
            (b"USER bob\rwritten over", b"bob\rwritten over"),
            (b"USER bob\rPASS x", b"bob"),
            (b"USER bob pass x", b"bob"),
            (b"USER compass", b"compass"),
        ] {
            assert_eq!(Command::parse(line).user(), user, "{}", line.escape_ascii());
        }
    }
}
