//! Keys in, screens out: no terminal, no thread, no time.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::app::{Effect, Screen, State};
use super::keys::{Action, KEYS};
use super::load::{Ready, Told, Wanted, Work, read_all};
use super::session::{Manner, SessionView};
use super::theme::Theme;
use super::{row, view};
use crate::analysis::Policy;
use crate::analyzer::AnalysisOptions;
use crate::capture::{ReadOptions, Source};
use crate::session::{SessionId, TransferId};

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (140, 40);

fn work(sample: &str) -> Work {
    Work {
        sources: vec![Source::File(PathBuf::from(format!("samples/{sample}")))],
        analysis: AnalysisOptions::default(),
        reading: ReadOptions::default(),
        policy: Policy::default(),
    }
}

fn ready(sample: &str) -> Ready {
    read_all(&work(sample)).unwrap()
}

/// What is on the screen of a sample after some keys. A word in brackets is a key's name, anything
/// else is typed.
struct Shown {
    state: State,
    effect: Effect,
}

impl Shown {
    fn new(sample: &str, size: (u16, u16)) -> Self {
        let mut state = State::new(sample.to_owned(), size);
        state.take(ready(sample));
        Self { state, effect: Effect::None }
    }

    fn press(mut self, keys: &str) -> Self {
        let mut rest = keys;
        while let Some(c) = rest.chars().next() {
            let named = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let (code, left) = match named {
                Some((name, left)) => (named_key(name), left),
                None => (KeyCode::Char(c), rest.strip_prefix(c).unwrap_or_default()),
            };
            self.effect = self.state.press(KeyEvent::from(code));
            self.fetch();
            rest = left;
        }
        self
    }

    /// One key, and what is wanted stays wanted.
    fn press_one(mut self, key: &str) -> Self {
        let name = key.strip_prefix('[').and_then(|key| key.strip_suffix(']'));
        let code = name.map_or_else(|| KeyCode::Char(key.chars().next().unwrap()), named_key);
        self.effect = self.state.press(KeyEvent::from(code));
        self
    }

    /// Puts together what is wanted, as another thread would.
    fn fetch(&mut self) {
        if let Some(ready) = self.state.ready.clone()
            && let Some(wanted) = self.state.wanted.take()
        {
            self.state.hear(ready.tell(wanted));
        }
    }

    fn drawn(&self, theme: Theme) -> String {
        let (width, height) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view::draw(&self.state, theme, frame)).unwrap();
        let lines = (0..height).map(|y| {
            let cells = (0..width).map(|x| terminal.backend().buffer()[(x, y)].symbol());
            cells.collect::<String>().trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }

    fn text(&self) -> String {
        self.drawn(Theme::new(false, false))
    }

    #[track_caller]
    fn shows(self, wanted: &str) -> Self {
        let text = self.text();
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
        self
    }

    #[track_caller]
    fn hides(self, unwanted: &str) -> Self {
        let text = self.text();
        assert!(!text.contains(unwanted), "{unwanted:?} in:\n{text}");
        self
    }
}

fn named_key(name: &str) -> KeyCode {
    match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Tab" => KeyCode::Tab,
        "Down" => KeyCode::Down,
        "Up" => KeyCode::Up,
        "End" => KeyCode::End,
        "Home" => KeyCode::Home,
        other => panic!("no key {other}"),
    }
}

/// The screens as they are, to be looked at when they change.
#[test]
fn every_screen_is_as_it_was() {
    for (name, sample, keys) in [
        ("overview", "passive.pcap", ""),
        ("sessions", "passive.pcap", "2"),
        ("session", "fail-passive-refused.pcap", "2[Enter][Down][Down]"),
        ("ladder", "fail-passive-refused.pcap", "2[Enter]l"),
        ("ladder-copy", "fxp-both.pcap", "2[Enter]l"),
        ("ladder-copy-unseen", "fxp-unseen.pcap", "2[Enter]l"),
        ("files", "passive.pcap", "4[Down]"),
        ("files-of-pieces", "resume.pcap", "4"),
        ("tree", "mlsd.pcap", "4t"),
        ("findings", "fail-passive-refused.pcap", "5"),
        ("help", "passive.pcap", "2?"),
    ] {
        for size in [SMALL, LARGE] {
            let shown = Shown::new(sample, size).press(keys).text();
            let path = format!("tests/golden/tui/{name}-{}x{}.txt", size.0, size.1);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::create_dir_all("tests/golden/tui").unwrap();
                std::fs::write(&path, &shown).unwrap();
            }
            let wanted = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(shown == wanted, "{path} differs; UPDATE_GOLDEN=1 writes it anew:\n{shown}");
        }
    }
}

#[test]
fn no_screen_is_wider_than_its_window_or_fails_in_a_small_one() {
    for size in [(60, 16), (61, 17), (80, 24), (59, 40), (80, 15), (1, 1), (300, 100)] {
        for screen in ["1", "2", "2[Enter]", "2[Enter]l", "4", "4t", "5", "2?"] {
            let shown = Shown::new("names.pcapng", size).press(screen);
            shown.text();
            shown.drawn(Theme::new(true, true));
        }
    }
    Shown::new("passive.pcap", (59, 20)).shows("too small");
}

#[test]
fn who_took_a_file_takes_few_keys() {
    let keys = "4/missing[Enter][Enter]";
    let shown = Shown::new("passive.pcap", SMALL).press(keys);
    assert_eq!(shown.state.screen, Screen::Session);
    shown.shows("missing.txt").shows("labuser");
}

#[test]
fn a_filter_finds_by_field_and_escape_takes_it_off() {
    let shown = Shown::new("passive.pcap", SMALL).press("4/outcome:refused[Enter]");
    let shown = shown.shows("missing.txt").hides("dot.png").shows("1 of ");
    let shown = shown.press("[Esc]").shows("dot.png");
    shown.press("/size>20k").shows("noise-20k.bin").hides("dot.png");
}

#[test]
fn parts_of_one_file_tell_so() {
    let shown = Shown::new("resume-elsewhere.pcap", LARGE).press("4/big[Enter]");
    let shown = shown.shows("file1 /big.bin").shows("pieces: t1 0–24,576  t2 20,480–70,000");
    let shown = shown.press("[Down]").shows("part of file1: t").shows("whole");
    let shown = shown.press("/outcome:whole[Enter]").shows("1 of 3");
    // Its last part leads to the session that moved it.
    shown.press("[Enter]").shows("s2  ");
}

#[test]
fn n_goes_on_to_what_is_looked_for_even_when_the_filter_is_off() {
    let path = |shown: &Shown| {
        let row = shown.state.files.chosen().unwrap();
        shown.state.file_rows()[row].path.clone()
    };
    let shown = Shown::new("passive.pcap", SMALL).press("4n").shows("/ looks for something");
    let shown = shown.press("/bin[Enter][Esc]").hides("filter:");
    let mut found = Vec::new();
    let mut shown = shown.press("[Home]n");
    while shown.state.message.is_none() {
        found.push(path(&shown));
        shown = shown.press("n");
    }
    assert!(!found.is_empty() && found.iter().all(|path| path.ends_with(".bin")), "{found:?}");
    let shown = shown.shows("Nothing further on").press("[End]N");
    assert_eq!(found.last(), Some(&path(&shown)));
    // In a session it is lines, or findings where nothing was looked for.
    let shown = Shown::new("fail-passive-refused.pcap", SMALL).press("2[Enter]n");
    let line = |shown: &Shown| shown.state.session.as_ref().unwrap().chosen_text().unwrap();
    assert!(line(&shown).contains("refused: "), "{}", line(&shown));
    let shown = shown.press("[Home]/login[Enter]");
    assert!(line(&shown).contains("230 Login"), "{}", line(&shown));
    let shown = Shown::new("mlsd.pcap", SMALL).press("4t/notes[Enter]");
    let tree = shown.state.tree.as_ref().unwrap();
    assert!(tree.lines[tree.chosen].name.contains("notes"), "{}", shown.text());
}

#[test]
fn a_wireshark_filter_is_of_the_line_that_is_chosen() {
    let filter = |keys: &str| match Shown::new("passive.pcap", SMALL).press(keys).effect {
        Effect::Copy(text) => text,
        other => panic!("{other:?}"),
    };
    let control = filter("2[Enter]w");
    assert!(control.contains("tcp.port == 21"), "{control}");
    let data = filter("2[Enter]/SYN[Enter]nnw");
    assert!(!data.contains("tcp.port == 21 ") && data.contains("tcp.port == 5"), "{data}");
    let transfer = filter("4/hello[Enter][Enter]w");
    assert_eq!(transfer, filter("4/hello[Enter]w"));
    let finding = Shown::new("fail-passive-refused.pcap", SMALL).press("5w").effect;
    assert!(matches!(&finding, Effect::Copy(text) if text.contains("tcp.port == 21")));
}

#[test]
fn a_copy_between_servers_is_drawn_with_both() {
    let shown = Shown::new("fxp-both.pcap", LARGE).press("2[Enter]");
    let own = shown.state.session.as_ref().unwrap().lines.len();
    let shown = shown.press("l");
    let view = shown.state.session.as_ref().unwrap();
    assert!(view.lines.len() > own, "the other session is told, too");
    let text = shown.text();
    assert!(text.contains('┼'), "data goes from server to server:\n{text}");
    let shown = shown.press("l");
    assert_eq!(shown.state.session.as_ref().unwrap().lines.len(), own);
}

#[test]
fn what_goes_on_is_marked_and_followed() {
    let all = ready("mirror.pcap");
    let open = row::SessionRow { is_open: true, user: String::new(), ..all.sessions[0].clone() };
    let mut state = State::new("mirror.pcap".to_owned(), SMALL);
    state.hear(Told::Row(open.clone()));
    state.look();
    let mut shown = Shown { state, effect: Effect::None }.press("2").shows("open").shows("goes on");
    // It may match later what it did not match at first.
    shown = shown.press("/user:labuser[Enter]").shows("0 of 1");
    shown.state.hear(Told::Row(all.sessions[0].clone()));
    shown.state.look_again();
    let mut shown = shown.shows("1 of 1").hides("goes on");
    // What comes late does not open it again.
    shown.state.hear(Told::Row(open));
    shown.hides("goes on");
}

#[test]
fn more_of_a_session_keeps_what_is_chosen_and_follows_its_end() {
    let all = ready("passive.pcap");
    let id = all.sessions[0].id;
    let manner = Manner { is_open: true, ..Manner::default() };
    let whole = || SessionView::new(&all.analysis, id, manner).unwrap();
    let begun = |lines: usize| {
        let mut view = whole();
        view.lines.truncate(lines);
        view
    };
    let mut before = begun(8);
    before.chosen = 3;
    let mut after = whole();
    after.follow_on(before);
    assert_eq!(after.chosen, 3);
    let mut before = begun(8);
    before.chosen = 7;
    let mut after = whole();
    after.follow_on(before);
    assert_eq!(after.chosen + 1, after.lines.len());
}

#[test]
fn a_long_word_is_read_to_its_end() {
    let shown = Shown::new("passive.pcap", (60, 20)).press("4/hello[Enter][Enter]");
    let text = shown.text();
    let sides: String = text.lines().map(|line| line.trim_start_matches('│')).collect();
    assert!(
        sides.contains("75e1bcdfefc11c2572d738c367335b0d3332495fbd0a5ac2ee24f4c7c12c34d7"),
        "{text}"
    );
}

#[test]
fn lists_are_sorted_by_the_next_column_and_reversed() {
    let first = |shown: &Shown| {
        let row = shown.state.files.visible(1).next().unwrap().1;
        shown.state.file_rows()[row].path.clone()
    };
    let shown = Shown::new("passive.pcap", SMALL).press("4ss");
    assert!(first(&shown).ends_with("noise-20k.bin"), "{}", first(&shown));
    let shown = shown.press("r");
    assert!(!first(&shown).ends_with("noise-20k.bin"));
}

#[test]
fn escape_goes_back_the_way_that_was_come() {
    let shown = Shown::new("passive.pcap", SMALL).press("2[Enter]");
    assert_eq!(shown.state.screen, Screen::Session);
    let shown = shown.press("[Esc]");
    assert_eq!(shown.state.screen, Screen::Sessions);
    let shown = shown.press("[Esc]");
    assert_eq!(shown.state.screen, Screen::Overview);
    assert_eq!(shown.press("[Esc]").effect, Effect::None);
}

#[test]
fn passwords_are_shown_only_when_it_was_confirmed() {
    let shown = Shown::new("passive.pcap", SMALL).press("2[Enter]").hides("lab-secret-1");
    let shown = shown.press("pno[Enter]").hides("lab-secret-1");
    let shown = shown.press("pyes[Enter]").shows("lab-secret-1");
    shown.press("p").hides("lab-secret-1");
}

#[test]
fn what_is_chosen_is_extracted_copied_and_filtered_for() {
    let shown = Shown::new("passive.pcap", SMALL).press("4e");
    assert!(matches!(&shown.effect, Effect::Extract(files) if files.len() == 1));
    let shown = shown.press("E");
    let all = shown.state.file_rows().len();
    assert!(matches!(&shown.effect, Effect::Extract(files) if files.len() == all));
    let shown = shown.press("w");
    assert!(matches!(&shown.effect, Effect::Copy(text) if text.contains("tcp.port == ")));
    let shown = shown.press("y");
    assert!(matches!(&shown.effect, Effect::Copy(text) if !text.is_empty()));
    assert_eq!(shown.press("q").effect, Effect::Quit);
}

#[test]
fn a_finding_leads_to_its_line_and_a_frame_can_be_jumped_to() {
    let shown = Shown::new("fail-passive-refused.pcap", SMALL).press("5[Enter]");
    assert_eq!(shown.state.screen, Screen::Session);
    let shown = shown.press("[Home]f12[Enter]");
    let session = shown.state.session.as_ref().unwrap();
    let line = session.chosen_line().unwrap();
    let frame: u64 = line.frame.trim_start_matches('#').parse().unwrap();
    assert!(frame >= 12, "{frame}");
    shown.press("fxyz[Enter]").shows("A frame number is expected");
}

#[test]
fn while_it_loads_the_list_fills_and_the_bar_tells_how_far() {
    let all = ready("mirror.pcap");
    let mut state = State::new("mirror.pcap".to_owned(), SMALL);
    state.reading = Some(super::app::Reading { bytes: 500, total: Some(1000), seconds: 1.0 });
    state.hear(Told::Row(all.sessions[0].clone()));
    state.look();
    let shown = Shown { state, effect: Effect::None }.press("2").shows("[#####.....] 500 B of");
    let mut shown = shown.shows("1 of 1").press("[Enter]");
    let id = all.sessions[0].id;
    assert_eq!(shown.state.wanted.take(), Some(Wanted::Session { id, is_ladder: false }));
    shown.state.hear(all.tell(Wanted::Session { id, is_ladder: false }));
    let mut shown = shown.shows("USER labuser").press("2");
    shown.state.hear(Told::Row(all.sessions[1].clone()));
    shown.state.look();
    let mut shown = shown.shows("2 of 2");
    shown.state.take(all);
    let shown = shown.hides("of 1,000");
    assert_eq!(shown.press("1").press("[Esc][Esc][Esc][Esc]").effect, Effect::None);
}

#[test]
fn escape_while_it_loads_stops_reading() {
    let state = State::new("x".to_owned(), SMALL);
    let shown = Shown { state, effect: Effect::None }.press("[Esc]");
    assert_eq!(shown.effect, Effect::StopReading);
}

#[test]
fn the_mouse_chooses_and_opens() {
    let mut shown = Shown::new("passive.pcap", SMALL).press("2");
    shown.state.click(5, 4);
    assert_eq!(shown.state.sessions.place(), 1);
    shown.state.click(5, 4);
    shown.fetch();
    assert_eq!(shown.state.screen, Screen::Session);
    let tabs = shown.text();
    let at = tabs.lines().next().unwrap().find("4 Files").unwrap();
    shown.state.click(at as u16, 0);
    assert_eq!(shown.state.screen, Screen::Files);
}

#[test]
fn the_help_names_every_key_of_its_screen() {
    for (key, screen) in [("1", Screen::Overview), ("4", Screen::Files), ("5", Screen::Findings)] {
        let shown = Shown::new("passive.pcap", LARGE).press(key).press("?");
        let text = shown.text();
        for key in KEYS.iter().filter(|key| key.works_on(screen)) {
            assert!(text.contains(key.help), "{} in:\n{text}", key.help);
        }
        assert!(!shown.press("x").state.is_help);
    }
}

#[test]
fn nothing_from_the_wire_acts_on_the_terminal() {
    for keys in ["2", "2[Enter]", "4", "4t", "5"] {
        let text = Shown::new("names.pcapng", LARGE).press(keys).text();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{}", text.escape_debug());
    }
    // The cells of a screen take no control characters: what was escaped is seen.
    for keys in ["4", "5"] {
        Shown::new("attack-escape.pcap", LARGE).press(keys).shows(r"a\x1b[2Jb.txt");
    }
}

#[test]
fn without_line_drawing_only_names_have_other_characters() {
    for keys in ["1", "2", "2[Enter]", "2[Enter]l", "4", "5", "2?"] {
        let text = Shown::new("passive.pcap", SMALL).press(keys).drawn(Theme::new(false, true));
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn a_hundred_thousand_sessions_scroll_without_being_drawn() {
    let one = ready("passive.pcap").sessions.remove(0);
    let mut state = State::new("many".to_owned(), SMALL);
    for nth in 0..100_000 {
        let row = row::SessionRow { id: SessionId(nth), ..one.clone() };
        state.hear(Told::Row(row));
    }
    while state.look() {}
    let shown = Shown { state, effect: Effect::None }.press("2[End]").shows("s99999");
    let mut shown = shown;
    let started = Instant::now();
    for _ in 0..100 {
        shown.state.update(Action::Up);
        shown.text();
    }
    // Far more than it takes, and far less than drawing every row would.
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

/// `cargo test --release --lib -- --ignored --nocapture answered_within_a_frame`: the time from a key
/// to the screen that answers it, without the terminal's.
#[test]
#[ignore = "a measurement, for a release build"]
fn every_key_is_answered_within_a_frame_among_a_hundred_thousand_sessions() {
    let mut analysis = ready("passive.pcap").analysis;
    let (session, transfer) = (analysis.sessions[0].clone(), analysis.transfers[1].clone());
    for nth in 1000..101_000 {
        let (mut session, mut transfer) = (session.clone(), transfer.clone());
        session.id = SessionId(nth);
        session.login.user = Some(format!("user{}", nth * 7919 % 100_003).into_bytes().into());
        transfer.request.id = TransferId(nth);
        session.transfers = vec![transfer.request.id];
        transfer.session = session.id;
        transfer.request.path = Some(format!("/pub/{}.bin", nth * 7919 % 100_003).into_bytes());
        analysis.sessions.push(session);
        analysis.transfers.push(transfer);
    }
    let mut loading = State::new("many".to_owned(), LARGE);
    let ready = Ready::new(analysis);
    ready.sessions.iter().for_each(|row| loading.hear(Told::Row(row.clone())));
    ready.files.iter().for_each(|row| loading.hear(Told::File(row.clone())));
    while loading.look() {}
    let mut read = State::new("many".to_owned(), LARGE);
    read.take(ready);
    while read.look() {}
    for (what, state) in [("while it loads", loading), ("once it is read", read)] {
        let slowest = slowest_key(Shown { state, effect: Effect::None });
        println!("{what}: slowest key {:?} in {:?}", slowest.1, slowest.0);
        assert!(slowest.0.as_millis() < 16, "{what}: {slowest:?}");
    }
}

fn slowest_key(mut shown: Shown) -> (Duration, String) {
    let mut slowest = (Duration::ZERO, String::new());
    for keys in [
        "1[Down][Down][Enter]w",
        "2[Down][Up][End][Home]sssssssssrw/user77[Enter]nN[Enter]yw/at[Enter]l[Esc]",
        "4[Down][End][Home]sssssr/77.bin[Enter]nNyw[Esc][Esc]n[Enter]",
        "5[Down]w?[Esc]12345",
    ] {
        let mut rest = keys;
        while !rest.is_empty() {
            let end = if rest.starts_with('[') { rest.find(']').unwrap() } else { 0 };
            let (key, left) = rest.split_at(end + 1);
            let started = Instant::now();
            shown = shown.press_one(key);
            shown.state.look();
            let mut terminal = Terminal::new(TestBackend::new(LARGE.0, LARGE.1)).unwrap();
            let theme = Theme::new(true, false);
            terminal.draw(|frame| view::draw(&shown.state, theme, frame)).unwrap();
            slowest = slowest.max((started.elapsed(), format!("{key} of {keys}")));
            // Others do this meanwhile.
            shown.fetch();
            while shown.state.look() {}
            rest = left;
        }
    }
    slowest
}
