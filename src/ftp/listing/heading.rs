//! Lines of a LIST that speak of other lines.

use super::row::{MOST_WORDS, Row};

/// Whether the line names no entry but says something about those around it.
///
/// Asked only of lines that no format knows: an entry's name may well end with a colon.
pub(super) fn is_heading(row: &Row<'_>) -> bool {
    row.words.is_empty() || is_total(row) || is_directory(row) || is_columns(row)
}

/// `total 12` of ls in its languages, `Total of 11 Files, 10966 Blocks.` of VMS.
fn is_total(row: &Row<'_>) -> bool {
    if row.begins_with(&["total", "of"]) || row.begins_with(&["grand", "total", "of"]) {
        return true;
    }
    let [total, amount] = row.words.as_slice() else { return false };
    TOTALS.iter().any(|word| total.text.eq_ignore_ascii_case(word.as_bytes()))
        && amount.text.first().is_some_and(u8::is_ascii_digit)
}

/// `./sub:` of `ls -R`, `Directory DISK$PCSA:[ANONYM]` or just `DISK$PCSA:[ANONYM]` of VMS.
fn is_directory(row: &Row<'_>) -> bool {
    let line = row.line.trim_ascii_end();
    line.ends_with(b":")
        || (row.words.len() > 1 && row.begins_with(&["directory"]))
        || (row.words.len() == 1
            && line.ends_with(b"]")
            && line.windows(2).any(|pair| pair == b":["))
}

/// Headings of columns, and the dashes under them.
fn is_columns(row: &Row<'_>) -> bool {
    let is_rule = |text: &[u8]| text.len() > 2 && text.iter().all(|byte| b"-=".contains(byte));
    let is_title = |text: &[u8]| COLUMNS.iter().any(|t| text.eq_ignore_ascii_case(t.as_bytes()));
    match row.words.as_slice() {
        [only] => is_rule(only.text),
        words => {
            words.len() < MOST_WORDS && words.iter().all(|w| is_rule(w.text) || is_title(w.text))
        }
    }
}

/// What GNU ls calls the sum of blocks.
const TOTALS: &[&str] = &[
    "total",
    "totale",
    "totaal",
    "totalt",
    "insgesamt",
    "gesamt",
    "razem",
    "celkem",
    "spolu",
    "összesen",
    "yhteensä",
    "toplam",
    "summa",
    "итого",
    "всего",
    "загалом",
    "合計",
    "总用量",
    "总计",
    "總計",
    "合计",
    "합계",
];

const COLUMNS: &[&str] =
    &["size", "date", "time", "name", "filename", "type", "attr", "owner", "group", "permissions"];
