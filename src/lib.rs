//! ftpscope reads packet captures and tells the story of the FTP in them.
//!
//! # The floors
//!
//! Each floor knows only those below it, and returns what it found; nothing below
//! [`analyzer`] knows who uses it.
//!
//! | floor | turns | into |
//! |---|---|---|
//! | [`capture`] | bytes on disk | frames |
//! | [`decode`] | frames | TCP segments, or a reason why not |
//! | [`tcp`] | segments | ordered streams, gaps, conflicts |
//! | [`ftp`] | bytes | lines, commands, replies, addresses; knows no packets |
//! | [`tls`] | bytes | what TLS shows of itself from outside; knows no packets |
//! | [`session`] | lines | sessions, exchanges, and who promised which data connection |
//! | [`transfer`] | data connections | files and listings, what they mean and what became of them |
//! | [`analysis`] | everything | one result: held against what was said, put together to files and trees |
//! | [`report`] | the result | JSON, text, files on disk; computes no fact |
//! | [`cli`] | what the user typed | what is done |
//! | [`tui`] | the result, and keys | a screen; computes no fact |
//!
//! Below them all lie [`time`], [`hash`] and [`limits`]: every bound of the program, in one
//! place.
//!
//! # A packet's journey
//!
//! [`capture::Capture::for_each`] lends a [`capture::Frame`]; [`decode::Decoder`] finds the
//! [`decode::Segment`] in it, through tunnels and from fragments; [`tcp::ConnTable`] finds its
//! connection. Most are nobody's business, and that is the end of it: one look-up. Otherwise
//! [`tcp::Conn`] sets aside what the receiver cannot have taken ([`tcp::Anomaly`]), puts the
//! payload in order, still borrowed from the frame, and hands it on as [`tcp::ConnEvent`]s.
//!
//! # A byte's journey
//!
//! What a new connection is, the port may say, or a promise made on a control connection, or
//! what is said on it ([`session::Sniffer`]); until that is clear an [`session::Unknown`] keeps
//! what was said. A byte of a control connection becomes part of a line, a command or a reply,
//! and an [`session::Exchange`]. A byte of a data connection goes to the hashes and the sinks of
//! a [`transfer::Builder`]; where it only stands for a byte of the file (TYPE A, MODE Z), what it
//! stands for goes there too, made by a [`transfer::decode::Decoder`].
//!
//! # How results leave
//!
//! A command that moves something becomes a [`session::Request`]. When it has been answered and
//! its connection has ended, both halves meet in a [`transfer::Transfer`], which is judged and
//! handed to a [`analysis::Collector`]; so is a session when it is over. One collector keeps
//! everything ([`analysis::Keeper`]), and when a session is over holds against its files what it
//! said of them; one writes JSON lines and forgets, one gives files their names. So one pass serves
//! a large capture and a small one. Rules look at what is kept when all is over
//! ([`analysis::rules`]), and an auditor's questions are answered from both
//! ([`analysis::Audit`]). Content is not kept: it is read again when it is asked for
//! ([`analyzer::replay`]), from a place noted near it ([`capture::Marks`]), or where a server
//! stated a hash that was not made ([`analyzer::verify`]). Results of a session captured at two
//! places wait for each other in [`analysis::Legs`].
//!
//! # What goes on at the same time
//!
//! The packets' way is one thread's. Beside it, each where it pays and none with `--threads 1`:
//! files are read, unpacked and hashed ahead ([`capture::ReadAhead`]); long streams are hashed, each
//! hash of each stream on its own ([`hash::Workers`]); results are looked at, and kept or written as
//! `--lines` ([`analysis::collect_beside`]); rules are asked ([`analysis::rules`]); the lists of a
//! document are spelled out. All queues are bounded, and who fills one waits. Nothing that comes out
//! depends on who is first: batches of a stream are hashed in their order, results are passed on in
//! theirs, chunks are read alike with one thread.
//!
//! With more processors more hashes and more of a document are made at once; the packets' way is
//! the bound then. It could be parted by pairs of hosts, which sessions, their data connections and
//! their twins seldom leave; what would have to be joined afterwards are the numbers of sessions
//! and transfers, and copies between servers.
//!
//! # What is believed
//!
//! A capture is evidence, not the truth: it may start late, end early, miss packets or show them
//! twice. So a fact carries the [`time::Stamp`] of the frame that shows it, and what was not
//! seen is said: a gap with its length, an outcome short of `complete`, a link with its
//! confidence, a limit that was reached. Bad traffic is data, never an error.

pub mod analysis;
pub mod analyzer;
pub mod capture;
pub mod cli;
pub mod decode;
pub mod ftp;
pub mod hash;
pub mod limits;
pub mod report;
pub mod session;
pub mod tcp;
pub mod time;
pub mod tls;
pub mod transfer;
pub mod tui;
