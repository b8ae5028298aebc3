//! Every key: whoever dispatches them and the help read the same table.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::app::Screen;

/// What a key, or the mouse, asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Go(Screen),
    NextScreen,
    PreviousScreen,
    Down,
    Up,
    PageDown,
    PageUp,
    First,
    Last,
    Open,
    Back,
    Filter,
    NextMatch,
    PreviousMatch,
    Sort,
    Reverse,
    Ladder,
    Frame,
    Tree,
    Extract,
    ExtractAll,
    Hex,
    Copy,
    Wireshark,
    Secrets,
    Help,
    Quit,
}

/// A key and where it works.
pub(super) struct Key {
    pub(super) code: KeyCode,
    pub(super) action: Action,
    /// `None` is everywhere.
    pub(super) screens: &'static [Screen],
    pub(super) help: &'static str,
    /// What the foot of the screen calls it, if it stands there.
    pub(super) foot: Option<&'static str>,
}

const ALL: &[Screen] = &[];
const LISTS: &[Screen] = &[Screen::Sessions, Screen::Files, Screen::Findings];

const fn key(
    code: KeyCode,
    action: Action,
    screens: &'static [Screen],
    help: &'static str,
    foot: Option<&'static str>,
) -> Key {
    Key { code, action, screens, help, foot }
}

/// Every key there is, in the order of the help.
pub(super) const KEYS: &[Key] = &[
    key(KeyCode::Enter, Action::Open, ALL, "open what is chosen", Some("open")),
    key(KeyCode::Esc, Action::Back, ALL, "go back one step; while loading: stop and keep", None),
    key(
        KeyCode::Char('/'),
        Action::Filter,
        LISTS,
        "filter: user:bob size>1M report",
        Some("filter"),
    ),
    key(
        KeyCode::Char('/'),
        Action::Filter,
        &[Screen::Session],
        "look for words; n and N go on",
        Some("find"),
    ),
    key(
        KeyCode::Char('s'),
        Action::Sort,
        &[Screen::Sessions, Screen::Files],
        "sort by the next column",
        Some("sort"),
    ),
    key(
        KeyCode::Char('r'),
        Action::Reverse,
        &[Screen::Sessions, Screen::Files],
        "reverse the order",
        None,
    ),
    key(
        KeyCode::Char('l'),
        Action::Ladder,
        &[Screen::Session],
        "ladder or timeline",
        Some("ladder"),
    ),
    key(KeyCode::Char('f'), Action::Frame, &[Screen::Session], "jump to a frame", Some("frame")),
    key(
        KeyCode::Char('e'),
        Action::Extract,
        &[Screen::Files, Screen::Session],
        "extract the file that is chosen",
        Some("extract"),
    ),
    key(
        KeyCode::Char('E'),
        Action::ExtractAll,
        &[Screen::Files],
        "extract all that are shown",
        None,
    ),
    key(
        KeyCode::Char('x'),
        Action::Hex,
        &[Screen::Files],
        "preview as text or in hexadecimal",
        None,
    ),
    key(
        KeyCode::Char('t'),
        Action::Tree,
        &[Screen::Files],
        "what clients saw of the servers",
        Some("tree"),
    ),
    key(
        KeyCode::Char('n'),
        Action::NextMatch,
        ALL,
        "next, previous match (in a session: or finding)",
        None,
    ),
    key(
        KeyCode::Char('N'),
        Action::PreviousMatch,
        ALL,
        "next, previous match (in a session: or finding)",
        None,
    ),
    key(KeyCode::Char('y'), Action::Copy, ALL, "copy: hash, path, address or line", None),
    key(
        KeyCode::Char('w'),
        Action::Wireshark,
        ALL,
        "copy a Wireshark display filter",
        Some("Wireshark"),
    ),
    key(KeyCode::Char('p'), Action::Secrets, ALL, "show passwords, once confirmed", None),
    key(KeyCode::Down, Action::Down, ALL, "down, up", None),
    key(KeyCode::Char('j'), Action::Down, ALL, "down, up", None),
    key(KeyCode::Up, Action::Up, ALL, "down, up", None),
    key(KeyCode::Char('k'), Action::Up, ALL, "down, up", None),
    key(KeyCode::PageDown, Action::PageDown, ALL, "a page down, up", None),
    key(KeyCode::Char(' '), Action::PageDown, ALL, "a page down, up", None),
    key(KeyCode::PageUp, Action::PageUp, ALL, "a page down, up", None),
    key(KeyCode::Home, Action::First, ALL, "to the first, last", None),
    key(KeyCode::Char('g'), Action::First, ALL, "to the first, last", None),
    key(KeyCode::End, Action::Last, ALL, "to the first, last", None),
    key(KeyCode::Char('G'), Action::Last, ALL, "to the first, last", None),
    key(KeyCode::Char('1'), Action::Go(Screen::Overview), ALL, "the screens, as numbered", None),
    key(KeyCode::Char('2'), Action::Go(Screen::Sessions), ALL, "the screens, as numbered", None),
    key(KeyCode::Char('3'), Action::Go(Screen::Session), ALL, "the screens, as numbered", None),
    key(KeyCode::Char('4'), Action::Go(Screen::Files), ALL, "the screens, as numbered", None),
    key(KeyCode::Char('5'), Action::Go(Screen::Findings), ALL, "the screens, as numbered", None),
    key(KeyCode::Tab, Action::NextScreen, ALL, "next, previous screen", None),
    key(KeyCode::BackTab, Action::PreviousScreen, ALL, "next, previous screen", None),
    key(KeyCode::Char('?'), Action::Help, ALL, "these keys", Some("keys")),
    key(KeyCode::Char('q'), Action::Quit, ALL, "quit", None),
    key(KeyCode::Char(':'), Action::Quit, ALL, "quit", None),
];

impl Key {
    pub(super) fn works_on(&self, screen: Screen) -> bool {
        self.screens.is_empty() || self.screens.contains(&screen)
    }

    /// Its name, as a keyboard has it.
    pub(super) fn name(&self) -> String {
        match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            other => other.to_string(),
        }
    }
}

/// What a key asks for on a screen.
pub(super) fn action_for(event: KeyEvent, screen: Screen) -> Option<Action> {
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return (event.code == KeyCode::Char('c')).then_some(Action::Quit);
    }
    let key = KEYS.iter().find(|key| key.code == event.code && key.works_on(screen));
    key.map(|key| key.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for screen in Screen::ALL {
            let mut codes: Vec<_> =
                KEYS.iter().filter(|key| key.works_on(screen)).map(|key| key.code).collect();
            let all = codes.len();
            codes.sort_by_key(|code| format!("{code:?}"));
            codes.dedup();
            assert_eq!(codes.len(), all, "{screen:?}");
        }
    }

    #[test]
    fn control_c_quits_and_other_control_keys_do_nothing() {
        let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(action_for(control('c'), Screen::Files), Some(Action::Quit));
        assert_eq!(action_for(control('e'), Screen::Files), None);
    }
}
