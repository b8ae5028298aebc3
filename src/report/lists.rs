//! The long lists of the document: several threads make the text of their records, which is most
//! of the work of writing it, and it is written in order.

use std::io::{self, Write};
use std::thread;

use crossbeam_channel::bounded;
use serde::Serialize;

use super::visible;

/// A part of a text: at hand, or made when its turn comes.
pub(super) enum Piece<'a> {
    Text(&'a [u8]),
    Made(Box<Make<'a>>),
}

/// Appends a text.
type Make<'a> = dyn Fn(&mut Vec<u8>) -> serde_json::Result<()> + Sync + 'a;

/// A list as the value of a field of the document. `weight` tells the bytes of a fact; `record` makes
/// an element of one and its place.
pub(super) fn list<'a, F: Sync, R: Serialize>(
    facts: &'a [F],
    weight: fn(&F) -> usize,
    record: impl Fn(usize, &'a F) -> R + Copy + Sync + 'a,
) -> Vec<Piece<'a>> {
    if facts.is_empty() {
        return vec![Piece::Text(b"[]")];
    }
    let mut pieces = Vec::new();
    let mut before: &[u8] = b"[\n    ";
    let mut left = facts;
    while !left.is_empty() {
        let mut sum = 0;
        let taken = left.iter().take_while(|fact| {
            let is_room = sum < PIECE_BYTES;
            sum += weight(fact);
            is_room
        });
        let (piece, rest) = left.split_at(taken.count());
        pieces.push(Piece::Text(before));
        let first = facts.len() - left.len();
        pieces.push(Piece::Made(Box::new(move |text| spell(piece, first, record, text))));
        before = SEPARATOR;
        left = rest;
    }
    pieces.push(Piece::Text(b"\n  ]"));
    pieces
}

/// Bytes of facts whose text is made in one go: some ten times as much.
const PIECE_BYTES: usize = 64 << 10;

const SEPARATOR: &[u8] = b",\n    ";

fn spell<'a, F, R: Serialize>(
    facts: &'a [F],
    first: usize,
    record: impl Fn(usize, &'a F) -> R,
    text: &mut Vec<u8>,
) -> serde_json::Result<()> {
    for (nth, fact) in facts.iter().enumerate() {
        if nth > 0 {
            text.extend_from_slice(SEPARATOR);
        }
        visible::append_pretty(text, &record(first + nth, fact))?;
    }
    Ok(())
}

/// Writes the pieces in their order; the threads make those that are not at hand.
pub(super) fn write(pieces: &[Piece<'_>], threads: usize, out: &mut dyn Write) -> io::Result<()> {
    let makes: Vec<&Make<'_>> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Made(make) => Some(&**make),
        })
        .collect();
    match threads.min(makes.len()) {
        0 | 1 => {
            let mut text = Vec::new();
            for piece in pieces {
                match piece {
                    Piece::Text(text) => out.write_all(text)?,
                    Piece::Made(make) => {
                        text.clear();
                        make(&mut text)?;
                        out.write_all(&text)?;
                    }
                }
            }
            Ok(())
        }
        threads => write_beside(pieces, &makes, threads, out),
    }
}

/// The threads take turns, so who waits for the next text knows whose it is.
fn write_beside(
    pieces: &[Piece<'_>],
    makes: &[&Make<'_>],
    threads: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    thread::scope(|scope| {
        let makers: Vec<_> = (0..threads)
            .map(|first| {
                let (to, texts) = bounded::<serde_json::Result<Vec<u8>>>(1);
                let (used, spare) = bounded::<Vec<u8>>(2);
                scope.spawn(move || {
                    for make in makes.iter().skip(first).step_by(threads) {
                        let mut text = spare.try_recv().unwrap_or_default();
                        text.clear();
                        let made = make(&mut text).map(|()| text);
                        if to.send(made).is_err() {
                            return;
                        }
                    }
                });
                (texts, used)
            })
            .collect();
        let mut turns = makers.iter().cycle();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.write_all(text)?,
                Piece::Made(_) => {
                    let Some((texts, used)) = turns.next() else { break };
                    // A maker that panicked sends nothing; its panic goes on where the scope ends.
                    let Ok(text) = texts.recv() else { break };
                    let text = text?;
                    out.write_all(&text)?;
                    let _ = used.send(text);
                }
            }
        }
        Ok(())
    })
}
