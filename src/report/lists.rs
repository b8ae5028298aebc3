//! The long lists of the document: several threads make the text of their records, which is most
//! of the work of writing it, and it is written in order.

use std::io::{self, Write};
use std::thread;

use crossbeam_channel::bounded;
use serde::Serialize;

use super::visible;

/// How the records of a list are made.
pub(super) struct List<'a, F, R> {
    pub(super) facts: &'a [F],
    /// Bytes of a fact, to make pieces of the same size.
    pub(super) weight: fn(&F) -> usize,
    pub(super) record: &'a (dyn Fn(&F) -> R + Sync),
}

impl<F: Sync, R: Serialize> List<'_, F, R> {
    /// Writes the list as the value of a field of the document.
    pub(super) fn write(&self, threads: usize, out: &mut dyn Write) -> io::Result<()> {
        if self.facts.is_empty() {
            return out.write_all(b"[]");
        }
        let pieces = self.pieces();
        out.write_all(b"[")?;
        match threads {
            0 | 1 => {
                let mut text = Vec::new();
                for piece in pieces {
                    self.spell(piece, &mut text)?;
                    out.write_all(&text)?;
                }
            }
            _ => self.write_beside(threads.min(pieces.len()), &pieces, out)?,
        }
        out.write_all(b"\n  ]")
    }

    /// The threads take turns, so who waits for the next piece knows whose it is.
    fn write_beside(&self, threads: usize, pieces: &[&[F]], out: &mut dyn Write) -> io::Result<()> {
        thread::scope(|scope| {
            let makers: Vec<_> = (0..threads)
                .map(|first| {
                    let (to, texts) = bounded::<io::Result<Vec<u8>>>(1);
                    let (used, spare) = bounded::<Vec<u8>>(2);
                    scope.spawn(move || {
                        for piece in pieces.iter().skip(first).step_by(threads) {
                            let mut text = spare.try_recv().unwrap_or_default();
                            let made = self.spell(piece, &mut text).map(|()| text);
                            if to.send(made).is_err() {
                                return;
                            }
                        }
                    });
                    (texts, used)
                })
                .collect();
            for (texts, used) in makers.iter().cycle().take(pieces.len()) {
                // A maker that panicked sends nothing; its panic goes on where the scope ends.
                let Ok(text) = texts.recv() else { break };
                let text = text?;
                out.write_all(&text)?;
                let _ = used.send(text);
            }
            Ok(())
        })
    }

    /// As many facts at a time as have some bytes, at least one.
    fn pieces(&self) -> Vec<&[F]> {
        let mut left = self.facts;
        let mut pieces = Vec::new();
        while !left.is_empty() {
            let mut weight = 0;
            let facts = left.iter().take_while(|fact| {
                let is_room = weight < PIECE_BYTES;
                weight += (self.weight)(fact);
                is_room
            });
            let (piece, rest) = left.split_at(facts.count());
            pieces.push(piece);
            left = rest;
        }
        pieces
    }

    /// The text of some facts, with what stands before each.
    fn spell(&self, facts: &[F], text: &mut Vec<u8>) -> io::Result<()> {
        text.clear();
        for fact in facts {
            let is_first = self.facts.first().is_some_and(|first| std::ptr::eq(first, fact));
            text.extend_from_slice(if is_first { b"\n    " } else { b",\n    " });
            visible::append_pretty(text, &(self.record)(fact))?;
        }
        Ok(())
    }
}

/// Bytes of facts whose text is made in one go: some ten times as much.
const PIECE_BYTES: usize = 64 << 10;
