//! The rules, as they explain themselves.

use std::io::{self, Write};

use super::Style;
use super::page::{Ink, Line, Page};
use crate::analysis::THRESHOLDS;
use crate::analysis::rules::{Kind, Rule, rules};
use crate::report::document;

/// Writes every rule with its one sentence, and every threshold.
pub fn write_rules(style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(style, out);
    let widest = rules().map(|rule| rule.id.len()).max().unwrap_or(0);
    for (kind, title) in [
        ("capture", "What a capture can show"),
        ("diagnosis", "Why something does not work"),
        ("security", "What somebody does that should not be"),
    ] {
        page.line(&Line::inked(Ink::Strong, &format!("{title} ({kind})")))?;
        for rule in rules().filter(|rule| document::kind(rule.kind) == kind) {
            let mut line = Line::of("  ").and(Ink::Plain, rule.id);
            line.tab(2 + widest + 2);
            page.words(line, Ink::Dim, rule.help)?;
        }
        page.blank()?;
    }
    page.line(&Line::inked(Ink::Strong, "Thresholds"))?;
    for threshold in THRESHOLDS {
        let mut line = Line::of("  ").and(Ink::Plain, threshold.name);
        line.tab(2 + widest + 2);
        page.words(line, Ink::Dim, &format!("{} [{}]", threshold.help, threshold.default))?;
    }
    page.blank()?;
    page.line(&Line::of("ftpscope explain RULE says more of one."))
}

/// Writes what one rule means.
pub fn write_rule(rule: &Rule, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(style, out);
    let title = Line::inked(Ink::Strong, rule.id).and(Ink::Dim, "  ");
    page.line(&title.and(Ink::Dim, document::kind(rule.kind)))?;
    page.words(Line::default(), Ink::Plain, rule.help)?;
    for (title, text) in [
        ("Meaning", rule.meaning),
        ("Evidence", rule.evidence),
        ("False positives", rule.false_positives),
        ("Fix", rule.fix),
    ] {
        page.blank()?;
        page.line(&Line::inked(Ink::Strong, title))?;
        page.words(Line::of("  "), Ink::Plain, text)?;
    }
    if let Kind::Security { attack } = rule.kind
        && !attack.is_empty()
    {
        page.blank()?;
        page.line(&Line::inked(Ink::Strong, "MITRE ATT&CK"))?;
        page.words(Line::of("  "), Ink::Plain, &attack.join(" "))?;
    }
    Ok(())
}
