//! How hard a password is to guess, told without telling it.

/// Classes of passwords. Coarse on purpose: a finer measure would tell more of the password than
/// of the danger.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Strength {
    Empty,
    /// Among the first that are tried: the user's own name, or a common one.
    Guessable,
    /// Shorter than eight characters, or of one kind of character only (letters of one case,
    /// digits).
    Weak,
    Fair,
    /// Twelve characters or more, of at least three kinds.
    Strong,
}

/// Passwords that guessing begins with, in small letters: those that lists of leaked and of factory
/// set passwords have in common.
const COMMON: [&[u8]; 36] = [
    b"000000",
    b"111111",
    b"123123",
    b"1234",
    b"12345",
    b"123456",
    b"1234567",
    b"12345678",
    b"123456789",
    b"1234567890",
    b"abc123",
    b"access",
    b"admin",
    b"administrator",
    b"backup",
    b"changeme",
    b"default",
    b"dragon",
    b"ftp",
    b"guest",
    b"letmein",
    b"login",
    b"master",
    b"monkey",
    b"p@ssw0rd",
    b"pass",
    b"passw0rd",
    b"password",
    b"password1",
    b"qwerty",
    b"root",
    b"secret",
    b"test",
    b"toor",
    b"user",
    b"welcome",
];

impl Strength {
    pub fn of(user: &[u8], password: &[u8]) -> Self {
        let small = password.to_ascii_lowercase();
        let is_common = || COMMON.binary_search(&&small[..]).is_ok();
        if password.is_empty() {
            Self::Empty
        } else if password.eq_ignore_ascii_case(user) || is_common() {
            Self::Guessable
        } else if password.len() < 8 || kinds(password) < 2 {
            Self::Weak
        } else if password.len() >= 12 && kinds(password) >= 3 {
            Self::Strong
        } else {
            Self::Fair
        }
    }
}

/// How many kinds of characters it is made of: small and capital letters, digits, and others.
pub(super) fn kinds(password: &[u8]) -> usize {
    let is_other = |byte: &u8| !byte.is_ascii_alphanumeric();
    let kinds: [fn(&u8) -> bool; 3] =
        [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
    let known = kinds.iter().filter(|is| password.iter().any(is)).count();
    known + usize::from(password.iter().any(is_other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_can_be_looked_up() {
        assert!(COMMON.is_sorted());
        assert!(COMMON.iter().all(|known| known.to_ascii_lowercase() == *known));
    }

    #[test]
    fn passwords_are_put_in_classes() {
        for (user, password, wanted) in [
            (&b"bob"[..], &b""[..], Strength::Empty),
            (b"bob", b"Bob", Strength::Guessable),
            (b"bob", b"PassWord", Strength::Guessable),
            (b"bob", b"x1!", Strength::Weak),
            (b"bob", b"onlysmallletters", Strength::Weak),
            (b"bob", b"20261124", Strength::Weak),
            (b"bob", b"lab-secret-1", Strength::Strong),
            (b"bob", b"blue7horse", Strength::Fair),
            (b"bob", b"\xe4\xf6\xfc\xe4\xf6\xfc\xe4\xf6", Strength::Weak),
        ] {
            assert_eq!(Strength::of(user, password), wanted, "{}", password.escape_ascii());
        }
    }
}
