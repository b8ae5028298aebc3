//! Logging in.

use super::reach::is_too_many;
use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Draft, Severity};
use crate::analysis::rules::heard::{says, without_name};
use crate::ftp::Verb;
use crate::session::{Exchange, Received};

pub(super) const REFUSED: Rule = Rule {
    id: "login-refused",
    kind: Kind::Diagnosis,
    help: "The server refused a login.",
    meaning: "By the text of its reply: a wrong user or password, an account that may not log in, a \
              home directory that is missing or that the server does not accept, or anonymous access \
              that is not offered.",
    evidence: "A 4yz or 5yz to USER, PASS or ACCT.",
    false_positives: "Servers say \"Login incorrect\" for several reasons, so that nobody learns \
                      which; the server's log tells.",
    fix: "See the server's log for the reason.",
    check: Check::Session(refused),
};

/// Why a login was refused, as far as the reply tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reason {
    WrongPassword,
    UserRefused,
    PasswordExpired,
    CertificateWanted,
    AccountDisabled,
    AccessDenied,
    TooManyFailures,
    AnonymousNotAllowed,
    AnonymousRefused,
    AnonymousOnly,
    HomeMissing,
    ChrootWritable,
    ServerError,
    Unknown,
}

fn refused(case: &Case<'_>, found: &mut Found) {
    let mut users = Users::new(case);
    let last_entry = case.session.exchanges.iter().rfind(|exchange| exchange.lets_in());
    let last_entry = last_entry.and_then(Exchange::final_reply).map(|last| last.stamp);
    for exchange in &case.refusals {
        let Some((sent, last)) = exchange.sent.as_ref().zip(exchange.final_reply()) else {
            continue;
        };
        if !matches!(sent.command.verb, Verb::User | Verb::Pass | Verb::Acct) {
            continue;
        }
        // 503: PASS came before USER.
        if is_too_many(last) || last.reply.code == 503 || wants_encryption(last) {
            continue;
        }
        let user = users.of(exchange);
        let reason = Reason::of(case, sent.command.verb, user, last);
        let is_over = !last_entry.is_some_and(|entry| last.stamp.is_before(entry));
        let severity = if is_over { Severity::Error } else { Severity::Warning };
        let name = user.map(|user| case.text(user));
        let of = name.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        let title = format!("The login{of} was refused: {}.", reason.words());
        let later = if is_over { "" } else { " A later login of the same session was accepted." };
        let server = case.session.server;
        let draft = Draft::new(severity, reason.certainty(), title)
            .frames([sent.stamp, last.stamp])
            .explained(format!(
                "{server} answered \"{}\" to {}.{later}",
                case.quote(exchange, last),
                case.spell(exchange),
            ))
            .fixed_by(reason.fix().to_owned())
            .with("reason", reason.id())
            .with("reply", case.quote(exchange, last))
            .with("user", name.as_deref().unwrap_or_default())
            .cause(format!(
                "{} {} {}",
                server.ip,
                user.unwrap_or_default().escape_ascii(),
                reason.id()
            ));
        found.add(case, draft);
    }
}

/// Who was to log in, from the beginning of a session on.
struct Users<'a> {
    left: std::slice::Iter<'a, Exchange>,
    last: Option<&'a [u8]>,
}

impl<'a> Users<'a> {
    fn new(case: &Case<'a>) -> Self {
        Self { left: case.session.exchanges.iter(), last: None }
    }

    /// The user that a refused command is about: its own, or that of the last USER before it. To be
    /// asked in the order of the session.
    fn of(&mut self, refused: &Exchange) -> Option<&'a [u8]> {
        for exchange in self.left.by_ref() {
            let sent = exchange.sent.as_ref();
            if let Some(user) = sent.filter(|sent| sent.command.verb == Verb::User) {
                self.last = Some(user.command.user());
            }
            if std::ptr::eq(exchange, refused) {
                break;
            }
        }
        self.last
    }
}

/// Whether the refusal is about the lack of encryption: "Non-anonymous sessions must use
/// encryption" (vsftpd), "SSL/TLS required on the control channel" (ProFTPD, pyftpdlib), "cleartext
/// sessions … are not accepted" (Pure-FTPd), "Policy requires SSL" (IIS, with 534). One that speaks
/// of the password or a certificate has another reason.
fn wants_encryption(received: &Received) -> bool {
    let text = &received.reply.text;
    received.reply.code == 534
        || says(text, &["must use encryption", "cleartext sessions", "use auth "])
        || says(text, &["ssl", "tls"])
            && says(text, &["requir", "must", "only", "first"])
            && !says(text, &["password", "certificate", " cert "])
}

/// That the password is right, but no longer good: Windows ("the user's password must be changed"),
/// PAM ("Password has expired", "You must change your password").
const EXPIRED: &[&str] = &[
    "password age",
    "password expired",
    "password has expired",
    "change password",
    "change your password",
    "password must be changed",
];

/// vsftpd and wu-ftpd ("Sorry, no ANONYMOUS access allowed."), ProFTPD ("Sorry, anonymous access not
/// permitted"), FileZilla Server, Serv-U ("Sorry, no anonymous access allowed").
const NO_ANONYMOUS: &[&str] = &[
    "no anonymous",
    "anonymous access",
    "anonymous login",
    "anonymous logon",
    "anonymous user",
    "anonymous ftp",
    "anonymous session",
    "anonymous not",
    "anonymous is not",
];

impl Reason {
    fn of(case: &Case<'_>, verb: Verb, user: Option<&[u8]>, received: &Received) -> Self {
        let user = user.unwrap_or_default();
        let is_anonymous =
            [&b"anonymous"[..], b"ftp"].iter().any(|name| user.eq_ignore_ascii_case(name));
        let has_no_anonymous = says(&received.reply.text, NO_ANONYMOUS)
            && !says(&received.reply.text, &["non-anonymous"]);
        // What is said of the user's name, and not by the server, decides nothing.
        let text = without_name(&received.reply.text, user);
        let says = |any: &[&str]| says(&text, any);
        // vsftpd: "500 OOPS: vsftpd: refusing to run with writable root inside chroot()".
        if says(&["writable root"]) {
            Self::ChrootWritable
        // IIS: "User cannot log in, home directory inaccessible." vsftpd: "OOPS: cannot change
        // directory". Pure-FTPd: "Home directory not available - aborting".
        } else if says(&["home dir", "cannot change directory", "can't change directory"]) {
            Self::HomeMissing
        } else if says(&["oops:"]) {
            Self::ServerError
        // vsftpd: "This FTP server is anonymous only."
        } else if says(&["server is anonymous only", "only anonymous users"]) {
            Self::AnonymousOnly
        } else if has_no_anonymous {
            Self::AnonymousNotAllowed
        // ProFTPD: "Maximum login attempts exceeded". FileZilla Server: "Temporarily banned for too
        // many failed login attempts".
        } else if says(&["login attempts", "many attempts", "login failures", "banned"])
            || says(&["too many fail"])
        {
            Self::TooManyFailures
        } else if says(EXPIRED) {
            Self::PasswordExpired
        } else if says(&["certificate", " cert "]) {
            Self::CertificateWanted
        } else if says(&["disabled", "expired", "locked", "suspended", "shell"]) {
            Self::AccountDisabled
        // vsftpd's userlist: "Permission denied." wu-ftpd: "User bob access denied".
        } else if says(&["denied", "not allowed", "not permitted"]) {
            Self::AccessDenied
        } else if is_anonymous {
            Self::AnonymousRefused
        } else if verb == Verb::User {
            Self::UserRefused
        } else if matches!(received.reply.code, 530 | 430)
            && case.session.login.user.is_some()
            && verb == Verb::Pass
        {
            Self::WrongPassword
        } else {
            Self::Unknown
        }
    }

    fn id(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong-password",
            Self::UserRefused => "user-refused",
            Self::PasswordExpired => "password-expired",
            Self::CertificateWanted => "certificate",
            Self::AccountDisabled => "account-disabled",
            Self::AccessDenied => "access-denied",
            Self::TooManyFailures => "too-many-failures",
            Self::AnonymousNotAllowed => "anonymous-not-allowed",
            Self::AnonymousRefused => "anonymous-refused",
            Self::AnonymousOnly => "anonymous-only",
            Self::HomeMissing => "home-directory-missing",
            Self::ChrootWritable => "chroot-writable",
            Self::ServerError => "server-error",
            Self::Unknown => "unknown",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::WrongPassword => "the server does not accept this user and password",
            Self::UserRefused => "the server does not accept this user",
            Self::PasswordExpired => "the password must be changed",
            Self::CertificateWanted => "the server speaks of a certificate",
            Self::AccountDisabled => "the account may not log in",
            Self::AccessDenied => "this user is not allowed",
            Self::TooManyFailures => "there were too many attempts",
            Self::AnonymousNotAllowed => "anonymous access is not accepted",
            Self::AnonymousRefused => "the server did not accept this anonymous login",
            Self::AnonymousOnly => "the server takes anonymous users only",
            Self::HomeMissing => "the home directory cannot be entered",
            Self::ChrootWritable => "the user's root directory is writable",
            Self::ServerError => "the server failed",
            Self::Unknown => "the server does not say why",
        }
    }

    /// Servers say little on purpose.
    fn certainty(self) -> Certainty {
        match self {
            Self::WrongPassword
            | Self::UserRefused
            | Self::AccessDenied
            | Self::AccountDisabled
            | Self::AnonymousRefused
            | Self::CertificateWanted
            | Self::Unknown => Certainty::Medium,
            _ => Certainty::High,
        }
    }

    fn fix(self) -> &'static str {
        match self {
            Self::WrongPassword => {
                "Check user and password. If they are right, see the server's log: a user whose \
                 shell is not in /etc/shells, or who is on a list of denied users, gets the same \
                 answer from many servers."
            }
            Self::UserRefused => {
                "Check the user's name, and the server's lists of users that may log in."
            }
            Self::PasswordExpired => {
                "Change the user's password on the server, and give the client the new one."
            }
            Self::CertificateWanted => {
                "See the server's log for the certificate that it wants, or does not accept."
            }
            Self::AccountDisabled => {
                "Enable the account on the server: expiry, lock, and a shell that is listed in \
                 /etc/shells."
            }
            Self::AccessDenied => {
                "Look for the user in the server's lists of users that may or may not log in \
                 (vsftpd: userlist_file, /etc/ftpusers)."
            }
            Self::TooManyFailures => {
                "Correct the password that the client has stored, then wait until the server lets \
                 this address in again, or lift the ban there."
            }
            Self::AnonymousNotAllowed => {
                "Log in with an account, or allow anonymous access on the server (vsftpd: \
                 anonymous_enable=YES)."
            }
            Self::AnonymousRefused => {
                "Log in with an account; or, if the server is meant for everybody, see its log for the \
                 reason."
            }
            Self::AnonymousOnly => {
                "Log in as anonymous, or allow local users on the server (vsftpd: local_enable=YES)."
            }
            Self::HomeMissing => {
                "Create the user's home directory on the server, and let the user enter it; on IIS \
                 check the user isolation folders."
            }
            Self::ChrootWritable => {
                "Take the user's write permission off the root of the chroot and give it in a \
                 directory below (vsftpd: or allow_writeable_chroot=YES)."
            }
            Self::ServerError | Self::Unknown => "See the server's log for the reason.",
        }
    }
}
