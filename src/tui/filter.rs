//! `user:bob outcome:gaps size>1M report`: terms of a field, and terms that may stand anywhere.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::row::Fields;

/// What rows must match, all of it.
#[derive(Debug, Default)]
pub(super) struct Filter {
    terms: Vec<Term>,
    /// Of the terms without a field.
    anywhere: Option<Pattern>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Term {
    /// The field has this in it, without regard to case.
    Has(String, String),
    More(String, u64),
    Less(String, u64),
}

impl Filter {
    /// Reads a filter for rows with these fields. A word that names none of them is looked for as
    /// it is.
    pub(super) fn parse(text: &str, names: &[&str]) -> Self {
        let mut terms = Vec::new();
        let mut rest = Vec::new();
        for word in text.split_whitespace() {
            match term(word, names) {
                Some(term) => terms.push(term),
                None => rest.push(word),
            }
        }
        let rest = rest.join(" ");
        let anywhere = (!rest.is_empty())
            .then(|| Pattern::parse(&rest, CaseMatching::Ignore, Normalization::Smart));
        Self { terms, anywhere }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.anywhere.is_none()
    }

    pub(super) fn matches(&self, row: &impl Fields, matcher: &mut Matcher) -> bool {
        let has = |term: &Term| match term {
            Term::Has(name, wanted) => match row.text(name) {
                Some(text) => text.to_lowercase().contains(wanted.as_str()),
                None => row.number(name).is_some_and(|number| number.to_string() == *wanted),
            },
            Term::More(name, least) => row.number(name).is_some_and(|number| number > *least),
            Term::Less(name, most) => row.number(name).is_some_and(|number| number < *most),
        };
        self.terms.iter().all(has)
            && self.anywhere.as_ref().is_none_or(|pattern| {
                let (all, mut chars) = (row.all(), Vec::new());
                pattern.score(Utf32Str::new(&all, &mut chars), matcher).is_some()
            })
    }
}

/// One for many rows.
pub(super) fn matcher() -> Matcher {
    Matcher::new(Config::DEFAULT)
}

fn term(word: &str, names: &[&str]) -> Option<Term> {
    let at = word.find([':', '>', '<'])?;
    let (name, rest) = word.split_at(at);
    let mut rest = rest.chars();
    let sign = rest.next()?;
    let (name, value) = (name.to_lowercase(), rest.as_str());
    if !names.contains(&name.as_str()) || value.is_empty() {
        return None;
    }
    Some(match sign {
        ':' => Term::Has(name, value.to_lowercase()),
        '>' => Term::More(name, size(value)?),
        _ => Term::Less(name, size(value)?),
    })
}

/// `4096`, `1k`, `20M`, `2G`: decimal, as sizes are shown.
fn size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.to_ascii_lowercase().trim_end_matches('b') {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    struct File(&'static str, &'static str, u64);

    impl Fields for File {
        const NAMES: &'static [&'static str] = &["user", "name", "size"];

        fn text(&self, name: &str) -> Option<Cow<'_, str>> {
            match name {
                "user" => Some(self.0.into()),
                "name" => Some(self.1.into()),
                _ => None,
            }
        }

        fn number(&self, name: &str) -> Option<u64> {
            (name == "size").then_some(self.2)
        }

        fn all(&self) -> String {
            format!("{} {}", self.0, self.1)
        }
    }

    #[test]
    fn terms_of_fields_and_terms_anywhere_must_all_match() {
        let file = File("Bob", "/pub/quarterly report.pdf", 2_500_000);
        for (text, wanted) in [
            ("", true),
            ("user:bob", true),
            ("user:BOB size>1M", true),
            ("user:bob size>3M", false),
            ("size<3M size>2k", true),
            ("size:2500000", true),
            ("qrep", true),
            ("user:bob report", true),
            ("report.pdf eve", false),
            ("user:", false),
            ("size>x", false),
            ("planet:mars", false),
        ] {
            let filter = Filter::parse(text, File::NAMES);
            assert_eq!(filter.matches(&file, &mut matcher()), wanted, "{text}");
            assert_eq!(filter.is_empty(), text.is_empty());
        }
    }
}
