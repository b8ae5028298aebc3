//! Names of months as `ls` prints them in the languages of its users.

use super::row::number_of;

/// The month a word names, 1 to 12: abbreviated in one of [`MONTHS`], or a number with the sign
/// for month. Letters may be in UTF-8 or in Latin-1, small or capital.
pub(super) fn month_named(text: &[u8]) -> Option<u8> {
    let text = text.strip_suffix(b",").unwrap_or(text);
    let text = text.strip_suffix(b".").unwrap_or(text);
    if text.len() > LONGEST_BYTES {
        return None;
    }
    let numbered = MONTH_SIGNS.iter().find_map(|sign| number_of(1..=2, text.strip_suffix(*sign)?));
    if let Some(month) = numbered {
        return u8::try_from(month).ok().filter(|month| (1..=12).contains(month));
    }
    let (_, month) = (MONTHS.iter().flat_map(|year| year.iter().zip(1..)))
        .chain(OTHER_NAMES.iter().map(|(name, month)| (name, *month)))
        .find(|(name, _)| is_same(name, text))?;
    Some(month)
}

/// The text before a sign such as 日, of whatever encoding.
pub(super) fn without_sign<'a>(text: &'a [u8], signs: &[&[u8]]) -> &'a [u8] {
    signs.iter().find_map(|sign| text.strip_suffix(*sign)).unwrap_or(text)
}

/// `name` is in small letters.
fn is_same(name: &str, text: &[u8]) -> bool {
    let is_equal = |spelled: &mut dyn Iterator<Item = char>| {
        spelled.flat_map(char::to_lowercase).eq(name.chars())
    };
    if name.is_ascii() || text.is_ascii() {
        return text.eq_ignore_ascii_case(name.as_bytes());
    }
    match std::str::from_utf8(text) {
        Ok(text) => is_equal(&mut text.chars()),
        // A byte of Latin-1 is the character of that number.
        Err(_) => is_equal(&mut text.iter().map(|byte| char::from(*byte))),
    }
}

const LONGEST_BYTES: usize = 24;

/// 月 and 월: in UTF-8, Shift-JIS, EUC-JP, GBK, Big5, EUC-KR.
const MONTH_SIGNS: &[&[u8]] = &[
    "月".as_bytes(),
    "월".as_bytes(),
    b"\x8c\x8e",
    b"\xb7\xee",
    b"\xd4\xc2",
    b"\xa4\xeb",
    b"\xbf\xf9",
];

/// 日 and 일, in the same order of encodings.
pub(super) const DAY_SIGNS: &[&[u8]] = &[
    "日".as_bytes(),
    "일".as_bytes(),
    b"\x93\xfa",
    b"\xc6\xfc",
    b"\xc8\xd5",
    b"\xa4\xe9",
    b"\xc0\xcf",
];

/// 年 and 년, in the same order of encodings.
pub(super) const YEAR_SIGNS: &[&[u8]] = &[
    "年".as_bytes(),
    "년".as_bytes(),
    b"\x94\x4e",
    b"\xc7\xaf",
    b"\xc4\xea",
    b"\xa6\x7e",
    b"\xb3\xe2",
];

/// One language a line. A name may stand for one month only, in whatever language; that is why
/// Croatian is missing, whose `lis` is October.
#[rustfmt::skip]
const MONTHS: &[[&str; 12]] = &[
    // English
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    // German
    ["jan", "feb", "mär", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez"],
    // French
    ["janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "oct", "nov", "déc"],
    // Spanish
    ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    // Italian
    ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
    // Portuguese
    ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"],
    // Dutch
    ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
    // Danish, Norwegian, Swedish
    ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "des"],
    // Finnish
    ["tammi", "helmi", "maalis", "huhti", "touko", "kesä", "heinä", "elo", "syys", "loka", "marras", "joulu"],
    // Polish
    ["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "paź", "lis", "gru"],
    // Czech
    ["led", "úno", "bře", "dub", "kvě", "čen", "čec", "srp", "zář", "říj", "lis", "pro"],
    // Hungarian
    ["jan", "febr", "márc", "ápr", "máj", "jún", "júl", "aug", "szept", "okt", "nov", "dec"],
    // Turkish
    ["oca", "şub", "mar", "nis", "may", "haz", "tem", "ağu", "eyl", "eki", "kas", "ara"],
    // Russian
    ["янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"],
    // Ukrainian
    ["січ", "лют", "бер", "кві", "тра", "чер", "лип", "сер", "вер", "жов", "лис", "гру"],
];

/// Other spellings, of the same languages or of older libraries.
const OTHER_NAMES: &[(&str, u8)] = &[
    ("june", 6),
    ("july", 7),
    ("januar", 1),
    ("februar", 2),
    ("märz", 3),
    ("mrz", 3),
    ("juni", 6),
    ("juli", 7),
    ("fév", 2),
    ("aoû", 8),
    ("aout", 8),
    ("февр", 2),
    ("марта", 3),
    ("мая", 5),
    ("июня", 6),
    ("июля", 7),
    ("сент", 9),
    ("нояб", 11),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_month_only() {
        let names = MONTHS.iter().flat_map(|year| year.iter().zip(1..));
        for (name, month) in names.chain(OTHER_NAMES.iter().map(|(name, month)| (name, *month))) {
            assert_eq!(month_named(name.as_bytes()), Some(month), "{name}");
            assert!(name.len() <= LONGEST_BYTES, "{name}");
        }
    }

    #[test]
    fn months_are_known_in_several_encodings() {
        for (text, wanted) in [
            (&b"Feb"[..], Some(2)),
            (b"DEC", Some(12)),
            ("févr.".as_bytes(), Some(2)),
            ("Févr".as_bytes(), Some(2)),
            (b"f\xe9vr.", Some(2)),
            (b"M\xe4r", Some(3)),
            (b"M\xc4R", Some(3)),
            ("Янв".as_bytes(), Some(1)),
            ("янв.".as_bytes(), Some(1)),
            ("12月".as_bytes(), Some(12)),
            ("2월".as_bytes(), Some(2)),
            (b"4\x8c\x8e", Some(4)),
            ("13月".as_bytes(), None),
            ("月".as_bytes(), None),
            (b"Juli,", Some(7)),
            (b"Feb..", None),
            (b"Febr", Some(2)),
            (b"Fe", None),
            (b"\xff\xfe", None),
            (b"", None),
        ] {
            assert_eq!(month_named(text), wanted, "{}", text.escape_ascii());
        }
    }
}
