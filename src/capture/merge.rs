//! Several captures as one, in time order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::ops::ControlFlow;

use super::error::CaptureError;
use super::facts::InputFacts;
use super::input::{self, Identity, Input};
use super::reader::Reader;
use super::{Frame, ReadAhead, ReadOptions, Source};
use crate::time::Timestamp;

/// Several inputs as one capture, in time order.
///
/// Rotated files would need one open file and one buffer each, so a file is looked into for
/// its first time, closed, and opened again when its turn comes. Inputs that can be read only
/// once stay open. Between inputs the earliest next packet goes first, of equal ones that of
/// the input named first; inside one input order is never changed: what follows a packet whose
/// clock jumped ahead waits with it, and what follows one that stepped back goes at once.
pub struct Capture {
    slots: Vec<Slot>,
    /// Inputs that may have packets, by the time of their next one.
    queue: BinaryHeap<Reverse<Turn>>,
    options: ReadOptions,
}

/// When an input's next packet goes, and the input's number.
type Turn = (Timestamp, usize);

impl Capture {
    /// Opens every source far enough to know its format and first time. An input that cannot
    /// be opened or is no capture is an [`InputFacts`] with `error` set and does not stop the
    /// others; fails only when nothing at all could be read.
    pub fn open(sources: &[Source], options: ReadOptions) -> Result<Self, CaptureError> {
        options.progress.set_total(total_size(sources));
        let mut capture = Self { slots: Vec::new(), queue: BinaryHeap::new(), options };
        let is_alone = sources.len() == 1;
        capture.options.marks.take_if(|_| !is_alone);
        for (number, source) in sources.iter().enumerate() {
            let state = State::new(source);
            let mut slot = Slot { number, source: source.clone(), seen: None, state };
            if let Some(time) = slot.look(is_alone, &capture.options) {
                capture.queue.push(Reverse((time, number)));
            }
            capture.slots.push(slot);
        }
        if capture.queue.is_empty() { Err(capture.nothing_readable()) } else { Ok(capture) }
    }

    /// As [`open`](Self::open), but where places were noted for a single input, reading begins at
    /// the last one from which frame number `frame` is met.
    pub fn open_near(
        sources: &[Source],
        options: ReadOptions,
        frame: u64,
    ) -> Result<Self, CaptureError> {
        let mark = options.marks.as_ref().and_then(|marks| marks.before(frame));
        let options = ReadOptions { marks: None, ..options };
        let ([source], Some(mark)) = (sources, mark) else { return Self::open(sources, options) };
        let Some(input) = Input::open_at(source, mark.offset, &options)? else {
            return Self::open(sources, options);
        };
        let mut reader = Reader::resume(input, &mark, CHUNK_BYTES, &options);
        let time = reader.advance();
        let state = State::Open(Box::new(reader));
        let slot = Slot { number: 0, source: source.clone(), seen: None, state };
        Ok(Self { slots: vec![slot], queue: BinaryHeap::from([Reverse((time, 0))]), options })
    }

    /// Feeds every frame in order to `sink`, until the end, until the stop flag is set, or
    /// until `sink` breaks; another call then goes on after that frame.
    pub fn for_each(&mut self, mut sink: impl FnMut(Frame<'_>) -> ControlFlow<()>) {
        while let Some(Reverse((time, number))) = self.queue.pop() {
            let until = self.queue.peek().map(|Reverse(turn)| *turn);
            let Some(slot) = self.slots.get_mut(number) else { continue };
            match slot.run(until, &self.options, &mut sink) {
                Run::Ended => {}
                Run::Paused(time) => self.queue.push(Reverse((time, number))),
                Run::Broken => return self.queue.push(Reverse((time, number))),
            }
        }
    }

    /// What is known of each input, in the order they were named. Inputs that are hashed are
    /// read to their ends here, unless the stop flag is set.
    pub fn finish(self) -> Vec<InputFacts> {
        let options = self.options;
        self.slots.into_iter().map(|slot| slot.finish(&options)).collect()
    }

    fn nothing_readable(self) -> CaptureError {
        let failed = self.finish().into_iter().filter_map(|facts| Some((facts.path, facts.error?)));
        CaptureError::NothingReadable(failed.collect())
    }
}

/// One input and how far it is.
struct Slot {
    number: usize,
    source: Source,
    /// Which file a look found.
    seen: Option<Identity>,
    state: State,
}

enum State {
    /// Not open; holds what a look into it told.
    Waiting(InputFacts),
    Open(Box<Reader>),
    Done(InputFacts),
}

/// How a run of packets from one input ended.
enum Run {
    Ended,
    /// Another input goes first; this one's next packet has that time.
    Paused(Timestamp),
    Broken,
}

impl State {
    fn new(source: &Source) -> Self {
        Self::Waiting(InputFacts::unread(source.path().to_owned()))
    }
}

impl Slot {
    /// Finds the time of the first packet; `None` if the input cannot be read. Leaves it
    /// open if it is the only one or cannot be opened twice.
    fn look(&mut self, is_alone: bool, options: &ReadOptions) -> Option<Timestamp> {
        if !is_alone && input::regular_size(&self.source).is_some() {
            return self.probe(options);
        }
        self.open(options).map(Reader::advance)
    }

    fn probe(&mut self, options: &ReadOptions) -> Option<Timestamp> {
        let input = Input::probe(&self.source, options);
        let none = ReadAhead::default();
        let opened = input.and_then(|input| self.reader(input, PROBE_BYTES, &none, options));
        match opened {
            Ok(mut reader) if reader.is_capture() => {
                let time = reader.advance();
                self.seen = reader.identity();
                self.wait(reader);
                Some(time)
            }
            // Opened again, for facts that hold the size and the hash of what it is instead; and
            // it may have become a capture since.
            Ok(_) => self.open(options).map(Reader::advance),
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// The open reader; `None` if the input turns out to be none.
    fn open(&mut self, options: &ReadOptions) -> Option<&mut Reader> {
        if let State::Waiting(_) = self.state {
            let input = Input::open(&self.source, self.seen, options);
            match input.and_then(|input| self.reader(input, CHUNK_BYTES, &options.ahead, options)) {
                Ok(reader) if reader.is_capture() => self.state = State::Open(Box::new(reader)),
                Ok(reader) => self.done(reader),
                Err(error) => self.fail(error),
            }
        }
        match &mut self.state {
            State::Open(reader) => Some(reader),
            State::Waiting(_) | State::Done(_) => None,
        }
    }

    /// Hands out packets as long as they go before `until`, the turn of another input.
    fn run(
        &mut self,
        until: Option<Turn>,
        options: &ReadOptions,
        sink: &mut impl FnMut(Frame<'_>) -> ControlFlow<()>,
    ) -> Run {
        let number = self.number;
        let Some(reader) = self.open(options) else { return Run::Ended };
        while let Some(record) = reader.next() {
            if until.is_some_and(|until| (reader.clock(), number) > until) {
                reader.put_back(record);
                return Run::Paused(reader.clock());
            }
            if options.progress.is_stopped() {
                reader.put_back(record);
                return Run::Broken;
            }
            if sink(reader.frame(&record)).is_break() {
                return Run::Broken;
            }
        }
        self.close();
        Run::Ended
    }
}

impl Slot {
    fn reader(
        &self,
        input: Input,
        chunk_bytes: usize,
        ahead: &ReadAhead,
        options: &ReadOptions,
    ) -> Result<Reader, CaptureError> {
        let number = u16::try_from(self.number).map_err(|_| CaptureError::TooManyInputs)?;
        Reader::open(input, number, chunk_bytes, ahead, options)
    }

    /// Lets go of the file and the buffer: there may be thousands of inputs.
    fn close(&mut self) {
        let path = self.source.path().to_owned();
        let unread = State::Done(InputFacts::unread(path));
        self.state = match mem::replace(&mut self.state, unread) {
            State::Open(reader) => State::Done(reader.finish(self.source.path().to_owned())),
            other => other,
        };
    }

    /// Remembers what a look told; what it counted will be counted again.
    fn wait(&mut self, reader: Reader) {
        let path = self.source.path().to_owned();
        let InputFacts { format, compression, link_types, path, .. } = reader.finish(path);
        let unread = InputFacts::unread(path);
        self.state = State::Waiting(InputFacts { format, compression, link_types, ..unread });
    }

    fn done(&mut self, reader: Reader) {
        self.state = State::Done(reader.finish(self.source.path().to_owned()));
    }

    fn fail(&mut self, error: CaptureError) {
        let path = self.source.path().to_owned();
        self.state = State::Done(InputFacts { error: Some(error), ..InputFacts::unread(path) });
    }

    fn finish(mut self, options: &ReadOptions) -> InputFacts {
        if options.hash_inputs && !options.progress.is_stopped() {
            self.open(options);
        }
        self.close();
        match self.state {
            State::Waiting(facts) | State::Done(facts) => facts,
            State::Open(reader) => reader.finish(self.source.path().to_owned()),
        }
    }
}

/// `None` if one of the sources has no size.
fn total_size(sources: &[Source]) -> Option<u64> {
    let size = |source: &Source| match source {
        Source::File(path) if !path.exists() || path.is_dir() => Some(0),
        _ => input::regular_size(source),
    };
    sources.iter().map(size).sum()
}

/// Of an input that is read. Large enough that reads are few, small enough to stay in the
/// processor's second-level cache.
const CHUNK_BYTES: usize = 256 << 10;
/// Of an input that is only looked into.
const PROBE_BYTES: usize = 16 << 10;
