//! gzip, member after member.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::input::Input;
use super::stream::{Packed, Unpack, nothing_packed};

/// Unpacks all members of a gzip file (RFC 1952 §2.2).
///
/// Not flate2's `MultiGzDecoder`: that takes zero padding after the last member, which tapes
/// and block devices leave, for a broken member.
pub(super) struct Gzip {
    member: GzDecoder<Packed>,
    is_over: bool,
}

impl Gzip {
    pub(super) fn new(packed: Packed) -> Self {
        Self { member: GzDecoder::new(packed), is_over: false }
    }

    /// Makes ready for the next member, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        skip_zeros(self.member.get_mut())?;
        if self.member.get_mut().fill_buf()?.is_empty() {
            self.is_over = true;
        } else {
            let rest = self.member.reset(nothing_packed());
            self.member.reset(rest);
        }
        Ok(())
    }
}

impl Read for Gzip {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.is_over {
            let count = self.member.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}

impl Unpack for Gzip {
    fn input(&self) -> &Input {
        self.member.get_ref().get_ref().input()
    }
    fn input_mut(&mut self) -> &mut Input {
        self.member.get_mut().get_mut().input_mut()
    }
}

fn skip_zeros(packed: &mut Packed) -> io::Result<()> {
    loop {
        let zeros = packed.fill_buf()?.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok(());
        }
        packed.consume(zeros);
    }
}
