//! Files that hold secrets.

use super::super::moved::{File, is_any, parts, split_extension};
use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Severity};
use crate::transfer::Mark;

pub(super) const SENSITIVE: Rule = Rule {
    id: "sensitive-file",
    kind: Kind::Security { attack: &["T1005", "T1552.001"] },
    help: "A file that holds secrets was asked for, or sent out.",
    meaning: "Lists of users, stores of passwords, private keys and configurations with passwords lead \
              to more than the file.",
    evidence: "RETR, or an upload from inside to outside, of a name that such a file has on the systems \
               that use it, or of a content that begins as a private key. Whether it was refused or \
               moved is told.",
    false_positives: "Backups and copies of sites by those who run them; anonymous servers that have \
                      a passwd of their own with nothing in it.",
    fix: "Change the passwords and keys in it wherever they are used, and find out whose login it was.",
    check: Check::Session(sensitive),
};

fn sensitive(case: &Case<'_>, found: &mut Found) {
    for file in File::all(case) {
        if file.is_upload() && !file.goes_out(case.policy) {
            continue;
        }
        let Some(secret) = Secret::of(file) else { continue };
        let (client, server) = (case.session.client.ip.addr, case.session.server.ip.addr);
        if case.policy.is_allowed(client, server) || file.is_in(&case.policy.harmless) {
            continue;
        }
        let path = case.text(file.path());
        let title = format!("{}: {path}.", file.told(secret.words()));
        let by = match file.mark() {
            Some(Mark::PrivateKey) => "By its content it is a private key",
            _ => "By its name it is such a file; what is in it was not looked at",
        };
        let draft = file
            .draft(secret.severity(), secret.certainty(file), title)
            .explained(format!("{by}. {}", file.amount()))
            .with("kind", secret.words())
            .with("technique", secret.technique())
            .cause(file.cause(secret.words()));
        found.add(case, file.graded(draft));
    }
}

/// What is in a file.
#[derive(Clone, Copy)]
enum Secret {
    Users,
    Key,
    Sam,
    Domain,
    Store,
    /// Configurations, and lists that people make.
    Written,
}

impl Secret {
    fn of(file: File<'_>) -> Option<Self> {
        let name = file.name();
        if file.mark() == Some(Mark::PrivateKey) {
            return Some(Self::Key);
        }
        let mut folders = parts(file.path()).rev().skip(1);
        let folder = folders.next().unwrap_or_default();
        let (stem, extension) = split_extension(name).unwrap_or((name, b""));
        if is_any(name, USERS) {
            Some(Self::Users)
        } else if is_any(name, KEYS) || is_any(extension, &["ppk"]) {
            Some(Self::Key)
        } else if is_any(name, &["sam", "security"]) && is_any(folder, &["config", "repair"]) {
            Some(Self::Sam)
        } else if is_any(name, &["ntds.dit"]) {
            Some(Self::Domain)
        } else if is_any(extension, &["kdbx", "kdb"])
            || is_any(name, &["logins.json", "key4.db", "Login Data"])
        {
            Some(Self::Store)
        } else if is_any(name, WRITTEN)
            || is_any(stem, LISTS) && is_any(extension, WRITTEN_DOWN)
            || name.starts_with(b".env.")
            || is_any(name, &["config", "credentials"]) && is_any(folder, &[".aws", ".kube"])
        {
            Some(Self::Written)
        } else {
            None
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Users => "a list of a system's users",
            Self::Key => "a private key",
            Self::Sam => "the accounts of a Windows system",
            Self::Domain => "the accounts of a Windows domain",
            Self::Store => "a store of passwords",
            Self::Written => "a file with passwords in it",
        }
    }

    /// A configuration is moved by who runs the site, too.
    fn severity(self) -> Severity {
        match self {
            Self::Written => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn certainty(self, file: File<'_>) -> Certainty {
        match self {
            Self::Key if file.mark() == Some(Mark::PrivateKey) => Certainty::High,
            _ => Certainty::Medium,
        }
    }

    /// Of MITRE ATT&CK.
    fn technique(self) -> &'static str {
        match self {
            Self::Users => "T1003.008",
            Self::Key => "T1552.004",
            Self::Sam => "T1003.002",
            Self::Domain => "T1003.003",
            Self::Store => "T1555",
            Self::Written => "T1552.001",
        }
    }
}

const USERS: &[&str] =
    &["passwd", "shadow", "gshadow", "master.passwd", "passwd-", "shadow-", "sudoers"];

const KEYS: &[&str] = &["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

const WRITTEN: &[&str] = &[
    ".env",
    ".htpasswd",
    ".netrc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".s3cfg",
    ".npmrc",
    "wp-config.php",
    "wp-config.php.bak",
    "wp-config.bak",
    "web.config",
    "config.inc.php",
    "settings.php",
    "configuration.php",
    "credentials.json",
    "secrets.yml",
    "sftp-config.json",
    "ws_ftp.ini",
    "sitemanager.xml",
    "recentservers.xml",
];

/// Of what people write lists in; `password.php` is a page that asks for one.
const WRITTEN_DOWN: &[&str] =
    &["", "txt", "csv", "xls", "xlsx", "doc", "docx", "odt", "ods", "rtf", "pdf", "xml", "json"];

/// Stems of lists that people make.
const LISTS: &[&str] = &["password", "passwords", "passwort", "passwoerter", "credentials"];
