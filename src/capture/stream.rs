//! Compression taken off: recognised by content, unpacked as it is read.

use std::io::{self, BufReader, Chain, Cursor, Read};

use bzip2::bufread::MultiBzDecoder;
use liblzma::bufread::XzDecoder;

use super::damage::DamageKind;
use super::facts::Compression;
use super::gzip::Gzip;
use super::input::Input;
use super::lz4::Lz4;

/// The bytes of a capture, whatever they are packed in.
pub(super) struct Stream {
    from: Box<dyn Unpack + Send>,
    pub(super) compression: Option<Compression>,
    decoder_bytes: u64,
}

impl Stream {
    /// Looks at the first bytes and chooses the decoder. `decoder_bytes` bounds its window.
    pub(super) fn open(mut input: Input, decoder_bytes: u64) -> io::Result<Self> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        input.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let compression = recognise(&head);
        let raw = Cursor::new(head).chain(input);
        let from: Box<dyn Unpack + Send> = match compression {
            None => Box::new(raw),
            Some(Compression::Gzip) => Box::new(Gzip::new(packed(raw))),
            Some(Compression::Zstd) => Box::new(zstd_decoder(raw, decoder_bytes)?),
            Some(Compression::Lz4) => Box::new(Lz4::new(packed(raw))),
            Some(Compression::Bzip2) => Box::new(MultiBzDecoder::new(packed(raw))),
            Some(Compression::Xz) => Box::new(xz_decoder(raw, decoder_bytes)?),
        };
        Ok(Self { from, compression, decoder_bytes })
    }

    /// One that is known not to be compressed.
    pub(super) fn plain(input: Input) -> Self {
        let raw = Cursor::new(Vec::new()).chain(input);
        Self { from: Box::new(raw), compression: None, decoder_bytes: 0 }
    }

    /// Reads into `into`, less than fits if a decoder is between: what a failing decoder
    /// had unpacked in that very call is lost, so calls are kept small.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.compression.is_none() {
            return self.from.read(into);
        }
        let wanted = into.len().min(UNPACK_BYTES);
        self.from.read(into.get_mut(..wanted).unwrap_or_default())
    }

    /// What an error means; `None` if reading was only stopped.
    pub(super) fn failed(&self, error: &io::Error) -> Option<DamageKind> {
        if let Some(reason) = self.input().failure() {
            return Some(DamageKind::ReadFailed(reason.to_owned()));
        }
        let Some(compression) = self.compression else {
            return Some(DamageKind::ReadFailed(error.to_string()));
        };
        (!self.input().is_stopped()).then(|| match error.kind() {
            io::ErrorKind::UnexpectedEof => DamageKind::StreamCut(compression),
            _ if is_too_big(error) => {
                DamageKind::DecoderTooBig { compression, limit: self.decoder_bytes }
            }
            _ => DamageKind::StreamCorrupt { compression, reason: error.to_string() },
        })
    }

    pub(super) fn input(&self) -> &Input {
        self.from.input()
    }

    pub(super) fn input_mut(&mut self) -> &mut Input {
        self.from.input_mut()
    }
}

/// Whether a decoder failed because it may not take the memory the file asks for.
fn is_too_big(error: &io::Error) -> bool {
    let xz = error.get_ref().and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
    // zstd has a text and nothing else.
    xz == Some(&liblzma::stream::Error::MemLimit)
        || error.to_string().starts_with("Frame requires too much memory")
}

/// The source, with the bytes that were looked at put back in front.
pub(super) type Raw = Chain<Cursor<Vec<u8>>, Input>;
pub(super) type Packed = BufReader<Raw>;

/// A reader that knows the raw input below it.
pub(super) trait Unpack: Read {
    fn input(&self) -> &Input;
    fn input_mut(&mut self) -> &mut Input;
}

impl Unpack for Raw {
    fn input(&self) -> &Input {
        self.get_ref().1
    }
    fn input_mut(&mut self) -> &mut Input {
        self.get_mut().1
    }
}

impl Unpack for zstd::Decoder<'static, Packed> {
    fn input(&self) -> &Input {
        self.get_ref().get_ref().input()
    }
    fn input_mut(&mut self) -> &mut Input {
        self.get_mut().get_mut().input_mut()
    }
}

impl Unpack for MultiBzDecoder<Packed> {
    fn input(&self) -> &Input {
        self.get_ref().get_ref().input()
    }
    fn input_mut(&mut self) -> &mut Input {
        self.get_mut().get_mut().input_mut()
    }
}

impl Unpack for XzDecoder<Packed> {
    fn input(&self) -> &Input {
        self.get_ref().get_ref().input()
    }
    fn input_mut(&mut self) -> &mut Input {
        self.get_mut().get_mut().input_mut()
    }
}

/// A packed stream without bytes, to stand in for one that is being moved.
pub(super) fn nothing_packed() -> Packed {
    BufReader::with_capacity(0, Cursor::new(Vec::new()).chain(Input::empty()))
}

fn packed(raw: Raw) -> Packed {
    BufReader::with_capacity(PACKED_BYTES, raw)
}

fn zstd_decoder(raw: Raw, decoder_bytes: u64) -> io::Result<zstd::Decoder<'static, Packed>> {
    let mut decoder = zstd::Decoder::with_buffer(packed(raw))?;
    decoder.window_log_max(decoder_bytes.max(1 << 10).ilog2().min(ZSTD_WINDOW_LOG))?;
    Ok(decoder)
}

fn xz_decoder(raw: Raw, decoder_bytes: u64) -> io::Result<XzDecoder<Packed>> {
    let coder =
        liblzma::stream::Stream::new_stream_decoder(decoder_bytes, liblzma::stream::CONCATENATED)?;
    Ok(XzDecoder::new_stream(packed(raw), coder))
}

pub(super) fn recognise(head: &[u8]) -> Option<Compression> {
    match head {
        [0x1f, 0x8b, 0x08, ..] => Some(Compression::Gzip),
        // The second is a skippable frame, with which pzstd begins.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Some(Compression::Zstd)
        }
        [0x04, 0x22, 0x4d, 0x18, ..] => Some(Compression::Lz4),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Compression::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => Some(Compression::Xz),
        _ => None,
    }
}

/// The longest magic number, xz's.
const HEAD_BYTES: usize = 6;
const PACKED_BYTES: usize = 64 << 10;
const UNPACK_BYTES: usize = 8 << 10;
/// 128 MiB, the window of `zstd --long`; the reference decoder refuses more unless told.
const ZSTD_WINDOW_LOG: u32 = 27;
