//! What programs send that steal passwords and keys.

use super::super::moved::File;
use super::{Check, Found, Kind, Rule};
use crate::analysis::case::Case;
use crate::analysis::finding::{Certainty, Severity};
use crate::transfer::Mark;

pub(super) const NAME: Rule = Rule {
    id: "infostealer-name",
    kind: Kind::Security { attack: &["T1048.003"] },
    help: "A file was sent under a name that a known stealer of passwords gives to its reports.",
    meaning: "A machine in whose name such files are sent is infected, and what its users type and have \
              stored is with somebody else.",
    evidence: "Names as Agent Tesla (PW_, KL_, CO_ or Contacts_, user-host and time), Snake Keylogger \
               ( - Passwords ID - ) and HawkEye (HawkEye_Keylogger_Stealer_Records_) give them; from \
               captures of these, as published by malware-traffic-analysis.net, and from code that \
               was taken apart.",
    false_positives: "None are known; a report whose name is made alike.",
    fix: "Take the client off the network and change every password that was used on it.",
    check: Check::Session(name),
};

fn name(case: &Case<'_>, found: &mut Found) {
    for file in File::all(case).filter(|file| file.is_upload()) {
        let Some(family) = family(file.name()) else { continue };
        let title = format!(
            "{}: {}.",
            file.told("a file with the name of a password stealer's report"),
            case.name(file.transfer)
        );
        let draft = file
            .draft(Severity::Error, Certainty::High, title)
            .explained(format!("{family} gives such names."))
            .with("family", family)
            .cause(file.cause(family));
        found.add(case, file.seen(draft));
    }
}

/// Whose name it is.
fn family(name: &[u8]) -> Option<&'static str> {
    if is_agent_tesla(name) {
        return Some("Agent Tesla");
    }
    if name.starts_with(b"HawkEye_Keylogger_Stealer_Records_") && name.ends_with(b".txt") {
        return Some("HawkEye");
    }
    let is_report = name.ends_with(b".txt") || name.ends_with(b".png");
    let holds = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    let is_snake = is_report && name.len() <= LONGEST && SNAKE.iter().any(|part| holds(part));
    is_snake.then_some("Snake Keylogger")
}

const LONGEST: usize = 256;

const SNAKE: [&[u8]; 4] = [
    b" - Passwords ID - ",
    b" - keystroke Logs ID - ",
    b" - Clipboard Logs ID - ",
    b" - Screenshot Logs ID - ",
];

/// `PW_user-HOST_2024_12_04_17_05_41.html`.
fn is_agent_tesla(name: &[u8]) -> bool {
    let kinds: [&[u8]; 4] = [b"PW_", b"KL_", b"CO_", b"Contacts_"];
    let rest = kinds.iter().find_map(|kind| name.strip_prefix(*kind));
    let rest =
        rest.and_then(|rest| rest.strip_suffix(b".html").or_else(|| rest.strip_suffix(b".txt")));
    let Some((whose, time)) =
        rest.and_then(|rest| rest.split_at_checked(rest.len().checked_sub(TIME.len())?))
    else {
        return false;
    };
    let is_time = time.iter().zip(TIME).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        _ => byte == form,
    });
    let hyphen = whose.iter().position(|byte| *byte == b'-');
    is_time && hyphen.is_some_and(|at| at > 0 && at + 1 < whose.len())
}

const TIME: &[u8] = b"_0000_00_00_00_00_00";

pub(super) const CONTENT: Rule = Rule {
    id: "infostealer-content",
    kind: Kind::Security { attack: &["T1048.003", "T1555.003", "T1056.001"] },
    help: "A file begins as the reports of a known stealer of passwords do.",
    meaning: "It holds passwords or what was typed on a machine, and with whom it is now knows them.",
    evidence: "The first line of what was moved: Time:, User Name: and Computer Name: in HTML, as Agent \
               Tesla writes it, or PW | user | Snake, as Snake Keylogger does.",
    false_positives: "Inventories of machines that are made alike.",
    fix: "Take the client off the network and change every password that was used on it.",
    check: Check::Session(content),
};

fn content(case: &Case<'_>, found: &mut Found) {
    for file in File::all(case).filter(|file| file.mark() == Some(Mark::Stolen)) {
        if file.is_in(&case.policy.harmless) {
            continue;
        }
        let title = format!(
            "{}: {}.",
            file.told("what begins as a password stealer's report"),
            case.name(file.transfer)
        );
        let draft = file.draft(Severity::Critical, Certainty::High, title).explained(
            "Its first line has the fields of such a report, in their order; what it says is not \
             repeated here."
                .to_owned(),
        );
        found.add(case, file.seen(draft));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_stealers_are_known_to_the_letter() {
        for (name, wanted) in [
            ("PW_user-HOST_2024_12_04_17_05_41.html", Some("Agent Tesla")),
            ("KL_a.b-WIN-10_2026_02_03_01_02_03.html", Some("Agent Tesla")),
            ("CO_Edge Chromium_Default.txt_u-H_2025_01_31_10_11_12.txt", Some("Agent Tesla")),
            ("HawkEye_Keylogger_Stealer_Records_HOST 5.2.2019 6:07:08 PM.txt", Some("HawkEye")),
            ("HOST - Passwords ID - 1234.txt", Some("Snake Keylogger")),
            ("HOST - Screenshot Logs ID - 9.png", Some("Snake Keylogger")),
            ("PW_2024_12_04_17_05_41.html", None),
            ("PW_user-HOST_2024_12_04.html", None),
            ("PW_user-_2024_12_04_17_05_41.html", None),
            ("KL_.txt", None),
            ("CO_report-2024.txt", None),
            ("Passwords ID.txt", None),
            ("", None),
        ] {
            assert_eq!(family(name.as_bytes()), wanted, "{name}");
        }
    }
}
