//! What the next command is understood by.

use std::collections::VecDeque;

use super::request::Representation;
use crate::ftp::{self, Command, Directory, Reply, Verb};

/// The state of a session that commands change and commands are read in.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) directory: Directory,
    pub(super) representation: Representation,
    /// The field, and what it was, of a TYPE, MODE or STRU not answered yet.
    before: VecDeque<(usize, Verb, Option<Vec<u8>>)>,
    /// Of `before`, at most.
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
            representation,
            before: VecDeque::new(),
            most,
            overflows: 0,
            rest: None,
            from_start,
        }
    }

    /// Takes a TYPE, MODE or STRU at its word until it is refused: a transfer may be pipelined
    /// behind it.
    pub(super) fn set(&mut self, index: usize, command: &Command) {
        let value = command.arg.trim_ascii();
        let value = (value.len() <= LONGEST).then(|| value.to_ascii_uppercase());
        if let Some(field) = self.representation.field(command.verb) {
            let before = std::mem::replace(field, value);
            if self.before.len() >= self.most {
                self.before.pop_front();
                self.overflows += 1;
            }
            self.before.push_back((index, command.verb, before));
        }
    }

    /// The TYPE, MODE or STRU of an exchange was answered: refused, it changed nothing.
    pub(super) fn answer(&mut self, index: usize, verb: Verb, is_refused: bool) {
        let Some(field) = self.representation.field(verb) else { return };
        let at = self.before.iter().position(|(exchange, ..)| *exchange == index);
        // What is not remembered may have been anything.
        let value = at.and_then(|at| self.before.remove(at)).and_then(|(.., value)| value);
        if is_refused {
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
        let named = ftp::quoted_path(reply.text()).filter(|path| path.starts_with(b"/"));
        self.directory = match (verb, named) {
            (Verb::Pwd | Verb::Cwd | Verb::Cdup, Some(path)) => Directory::named(&path),
            (Verb::Cwd, None) => self.directory.enter(arg),
            (Verb::Cdup, None) => self.directory.enter(b".."),
            _ => return,
        };
    }

    /// Commands may have been lost, and what they changed is not known.
    pub(super) fn forget(&mut self) {
        self.directory = Directory::default();
        self.representation = Representation::default();
        self.before.clear();
        self.rest = None;
    }

    /// `REIN` (RFC 959 §4.1.1): as after the greeting.
    pub(super) fn reset(&mut self) {
        self.directory = Directory::default();
        self.representation = Representation::initial();
        self.before.clear();
        self.rest = None;
    }
}

/// Bytes of the longest value of TYPE, MODE or STRU there is, and some: `L 255`. What is longer
/// says nothing.
const LONGEST: usize = 16;
