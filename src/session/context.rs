//! What the next command is understood by.

use std::collections::VecDeque;

use super::request::{Code, Representation};
use crate::ftp::{self, Command, Directory, Reply, Verb};

/// The state of a session that commands change and commands are read in.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) directory: Directory,
    pub(super) representation: Representation,
    /// The representation without what is asked for and not answered yet.
    settled: Representation,
    /// TYPE, MODE and STRU not answered yet: exchange, and value.
    asked: VecDeque<(usize, Verb, Option<Code>)>,
    /// Of `asked`, at most.
    most: usize,
    /// Changes that cannot be taken back any more.
    pub(super) overflows: u64,
    /// The restart offset of the next transfer, and the exchange of the `REST` that set it.
    pub(super) rest: Option<(usize, u64)>,
    pub(super) from_start: bool,
}

impl Context {
    pub(super) fn new(from_start: bool, most: usize) -> Self {
        let representation =
            if from_start { Representation::initial() } else { Representation::default() };
        Self {
            directory: Directory::default(),
            settled: representation,
            representation,
            asked: VecDeque::new(),
            most,
            overflows: 0,
            rest: None,
            from_start,
        }
    }

    /// Takes a TYPE, MODE or STRU at its word until it is refused: a transfer may be pipelined
    /// behind it.
    pub(super) fn set(&mut self, index: usize, command: &Command) {
        let value = Code::new(command.arg().trim_ascii());
        if let Some(field) = self.representation.field(command.verb) {
            *field = value;
            self.asked.push_back((index, command.verb, value));
        }
        if self.asked.len() > self.most
            && let Some((_, verb, _)) = self.asked.pop_front()
        {
            // Its answer would not be understood.
            self.overflows += 1;
            self.settle(verb, None);
        }
    }

    /// The TYPE, MODE or STRU of an exchange was answered: refused, it changed nothing. Replies
    /// come in order, so those before it stay at their word.
    pub(super) fn answer(&mut self, index: usize, is_refused: bool) {
        let Some(at) = self.asked.iter().position(|(exchange, ..)| *exchange == index) else {
            return;
        };
        for (exchange, verb, value) in self.asked.drain(..=at).collect::<Vec<_>>() {
            if exchange != index || !is_refused {
                self.settle(verb, value);
            }
        }
        self.representation = self.settled;
        for (_, verb, value) in &self.asked {
            if let Some(field) = self.representation.field(*verb) {
                *field = *value;
            }
        }
    }

    fn settle(&mut self, verb: Verb, value: Option<Code>) {
        if let Some(field) = self.settled.field(verb) {
            *field = value;
        }
    }

    pub(super) fn path_of(&self, verb: Verb, name: Option<&[u8]>) -> Option<Vec<u8>> {
        match name {
            Some(name) => Some(self.directory.join(name)),
            // A listing without a name is of the working directory, as far as that is known.
            None if verb.is_listing() => {
                Some(self.directory.path().to_vec()).filter(|path| !path.is_empty())
            }
            None => None,
        }
    }

    /// Follows the working directory through an accepted command.
    pub(super) fn move_to(&mut self, verb: Verb, arg: &[u8], reply: &Reply) {
        let paths = self.directory.paths();
        let named = ftp::quoted_path(reply.first_line()).filter(|path| paths.is_absolute(path));
        self.directory = match (verb, named) {
            (Verb::Pwd | Verb::Cwd | Verb::Cdup, Some(path)) => Directory::named(&path, paths),
            (Verb::Cwd, None) => self.directory.enter(arg),
            (Verb::Cdup, None) => self.directory.enter(b".."),
            _ => return,
        };
    }

    /// Commands may have been lost, and what they changed is not known.
    pub(super) fn forget(&mut self) {
        self.directory.forget();
        self.set_all(Representation::default());
    }

    /// `REIN` (RFC 959 §4.1.1): as after the greeting.
    pub(super) fn reset(&mut self) {
        self.directory.forget();
        self.set_all(Representation::initial());
    }

    fn set_all(&mut self, representation: Representation) {
        self.settled = representation;
        self.representation = representation;
        self.asked.clear();
        self.rest = None;
    }
}
