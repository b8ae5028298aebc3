//! Accounts that should not be, or not like this.

use super::super::super::{Check, Found, Kind, Rule};
use super::{Try, spelled, tries};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::analysis::strength::Strength;
use crate::ftp::Verb;
use crate::session::is_anonymous;

pub(super) const WEAK: Rule = Rule {
    id: "weak-credentials",
    kind: Kind::Security { attack: &["T1078.001"] },
    help: "A login was accepted with a password that is among the first to be guessed.",
    meaning: "Whoever tries the lists that guessing programs come with gets in (CVE-1999-0502).",
    evidence: "A PASS that was accepted, and that is empty, the user's name, one of the most common \
               passwords, or the default of a device; which of these is not told.",
    false_positives: "Devices in a laboratory.",
    fix: "Change the password.",
    check: Check::Session(weak),
};

/// Users with the passwords that devices come with (SecLists, Default-Credentials), where the
/// password is not among the first of all lists anyway.
const DEFAULTS: [(&str, &str); 11] = [
    ("admin", "1111"),
    ("admin", "9999"),
    ("admin", "admin12345"),
    ("admin", "nas"),
    ("admin", "stingray"),
    ("admin", "wago"),
    ("adtec", "none"),
    ("root", "rootpasswd"),
    ("root", "wago"),
    ("user", "system"),
    ("webserver", "webpages"),
];

fn weak(case: &Case<'_>, found: &mut Found) {
    if !case.looks.verbs.contains(Verb::Pass) {
        return;
    }
    for accepted in accepted(case).filter(|it| is_weak(it)) {
        let (user, server) = (spelled(accepted.user), case.session.server);
        let title =
            format!("The login of {user} at {server} has a password that is easily guessed.");
        let draft = Draft::new(Severity::Warning, Certainty::High, title)
            .frames([accepted.sent, accepted.answered])
            .explained(format!(
                "{server} accepted the login of {user} from {} with a password that is among the \
                 first that are tried.",
                case.session.client.ip
            ))
            .with("user", user)
            .cause(format!("{server} {}", accepted.user.escape_ascii()))
            .accepted();
        found.add(case, draft);
    }
}

/// Accepted logins of users with an account.
fn accepted<'a>(case: &Case<'a>) -> impl Iterator<Item = Try<'a>> {
    tries(case.session).filter(|it| it.is_accepted && !it.user.is_empty() && !is_anonymous(it.user))
}

fn is_weak(it: &Try<'_>) -> bool {
    let is_default = |(user, password): &(&str, &str)| {
        it.user.eq_ignore_ascii_case(user.as_bytes()) && it.password == password.as_bytes()
    };
    Strength::of(it.user, it.password) <= Strength::Guessable || DEFAULTS.iter().any(is_default)
}

pub(super) const PRIVILEGED: Rule = Rule {
    id: "privileged-login",
    kind: Kind::Security { attack: &["T1078.003"] },
    help: "An administrator's account logged in by FTP.",
    meaning: "What such an account may do everything is open to whoever reads the password on the \
              way, and to whoever guesses it: its name is known.",
    evidence: "A PASS for root, Administrator or the like that was accepted.",
    false_positives: "Devices that have no other account.",
    fix: "Give the job an account of its own that may do no more than it must, and keep \
          administrators out of FTP (/etc/ftpusers, vsftpd userlist_file).",
    check: Check::Session(privileged),
};

const PRIVILEGED_NAMES: [&str; 8] =
    ["admin", "administrator", "netadmin", "root", "superuser", "sysadmin", "toor", "webadmin"];

fn privileged(case: &Case<'_>, found: &mut Found) {
    if !case.looks.verbs.contains(Verb::Pass) {
        return;
    }
    for accepted in accepted(case).filter(|it| is_privileged(it.user)) {
        let (user, server) = (spelled(accepted.user), case.session.server);
        let title = format!("{user} logged in at {server}.");
        let draft = Draft::new(Severity::Warning, Certainty::High, title)
            .frames([accepted.sent, accepted.answered])
            .explained(format!(
                "{server} accepted the login of {user}, an administrator by the name, from {}.",
                case.session.client.ip
            ))
            .with("user", user)
            .cause(format!("{server} {}", accepted.user.escape_ascii()))
            .accepted();
        found.add(case, draft);
    }
}

/// With the domain that Windows puts before or behind the name, and the virtual host of IIS.
fn is_privileged(user: &[u8]) -> bool {
    let name = user.rsplit(|byte| matches!(byte, b'\\' | b'|')).next().unwrap_or(user);
    let name = name.split(|byte| *byte == b'@').next().unwrap_or(name);
    PRIVILEGED_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}
