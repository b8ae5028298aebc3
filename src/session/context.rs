//! What the next command is understood by.

use super::request::Representation;
use crate::ftp::{self, Command, Directory, Reply, Verb};

/// The state of a session that commands change and commands are read in.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) directory: Directory,
    pub(super) representation: Representation,
    /// The field, and what it was, of a TYPE, MODE or STRU not answered yet.
    before: Vec<(usize, Verb, Option<Vec<u8>>)>,
    pub(super) rest_offset: u64,
    pub(super) from_start: bool,
}

impl Context {
    pub(super) fn new(from_start: bool) -> Self {
        let representation =
            if from_start { Representation::initial() } else { Representation::default() };
        Self {
            directory: Directory::default(),
            representation,
            before: Vec::new(),
            rest_offset: 0,
            from_start,
        }
    }

    /// Takes a TYPE, MODE or STRU at its word until it is refused: a transfer may be pipelined
    /// behind it.
    pub(super) fn set(&mut self, index: usize, command: &Command) {
        let value = command.arg.trim_ascii().to_ascii_uppercase();
        if let Some(field) = self.representation.field(command.verb) {
            let before = field.replace(value);
            if self.before.len() < PENDING_KEPT {
                self.before.push((index, command.verb, before));
            }
        }
    }

    /// The TYPE, MODE or STRU of an exchange was answered: refused, it changed nothing.
    pub(super) fn answer(&mut self, index: usize, verb: Verb, is_refused: bool) {
        let Some(at) = self.before.iter().position(|(exchange, ..)| *exchange == index) else {
            return;
        };
        let (_, _, value) = self.before.swap_remove(at);
        if is_refused && let Some(field) = self.representation.field(verb) {
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
        self.rest_offset = 0;
    }

    /// `REIN` (RFC 959 §4.1.1): as after the greeting.
    pub(super) fn reset(&mut self) {
        self.directory = Directory::default();
        self.representation = Representation::initial();
        self.rest_offset = 0;
    }
}

/// Changes of representation that can be taken back at one time: pipelined ones.
const PENDING_KEPT: usize = 64;
