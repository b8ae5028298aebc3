//! Every bound in the program, each with its unit and its reason.

/// What is held at most while a capture is read. Damage of a file is reported with the input. A
/// bound of what was said or moved that is reached is named in `capture.limits_reached`, by its
/// field here (without `_each` and `_all`), with how often; lines and replies that were cut say so themselves, too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of one record or block of a capture file. Ordinary snap lengths are 256 KiB;
    /// beyond this a length field is damage, not data.
    pub record_bytes: usize,
    /// Bytes of one pcapng section header or interface description. Its options become a list
    /// of eight times their size, and a real one is a few hundred bytes.
    pub description_bytes: usize,
    /// Interfaces remembered in one pcapng section. A merge of many captures has some
    /// hundreds; without a bound a file of nothing but descriptions would fill memory.
    pub interfaces: usize,
    /// Places of damage kept for each input; the rest is only counted.
    pub damage_kept: usize,
    /// Bytes searched for the next record behind one that cannot be. A search takes a fraction of
    /// a second, and no ordinary block is longer.
    pub resync_bytes: u64,
    /// Bytes a decompressor may take for its window, which the compressed file chooses.
    /// `xz -9` wants 65 MiB, `zstd --long` 128 MiB.
    pub decoder_bytes: u64,
    /// Bytes a compressed input may unpack to without a packet among them, and in all before
    /// [`unpack_ratio`](Self::unpack_ratio) is looked at: a second of work.
    pub unpacked_bytes: u64,
    /// Times its size a compressed input may unpack to. gzip cannot exceed 1,032, and zeros moved
    /// in segments of 64 KiB come to 6,500 with the best of the others: what is beyond was made
    /// to be unpacked. Packets below it are read however many they are, for they cost time and no
    /// memory.
    pub unpack_ratio: u64,
    /// Bytes kept of sessions and transfers while files are extracted, to put together what several
    /// transfers moved of one: some 20,000 sessions.
    pub joining_bytes: usize,
    /// Pieces of files that are hashed together while they are read again: some KiB each.
    pub joined_pieces: usize,
    /// Bytes a transfer in MODE C or Z may unpack to before [`decoded_ratio`](Self::decoded_ratio)
    /// is looked at: with SHA-256 a second of work.
    pub decoded_bytes: u64,
    /// Times its size on the wire such a transfer may unpack to. Text comes to 10, logs to 50.
    pub decoded_ratio: u64,
    /// Transfers in MODE Z unpacked at one time: some 72 KiB each.
    pub decoders: usize,
    /// Tunnels within tunnels. A provider's backbone has two or three.
    pub tunnel_depth: usize,
    /// Tunnels told apart. What is in others is counted.
    pub tunnels: u16,
    /// IP datagrams that wait for their fragments. A real capture has a handful.
    pub fragmented_datagrams: usize,
    /// Bytes held of them.
    pub fragment_bytes: usize,
    /// Seconds of the capture's clock they wait. Linux waits 30 and other hosts up to 60; the
    /// longer, the likelier pieces of two datagrams of the same identification are mixed
    /// (RFC 4963).
    pub fragment_seconds: u32,

    /// TCP connections followed at one time. One costs two to five kilobytes: floods of connections
    /// stay below 256 MB, as many sessions in the middle of a long dialogue do not.
    pub connections: usize,
    /// TCP connections remembered as nobody's business, at some 80 bytes each.
    pub ignored_connections: usize,
    /// Bytes held because they were captured before the bytes in front of them, in one direction
    /// of one connection: the largest receive window in common use.
    pub early_bytes_each: usize,
    /// The same for all connections together. Reported as `early_bytes`, either of them.
    pub early_bytes_all: usize,
    /// Bytes of each direction of a connection remembered, to tell a differing copy: some thirty
    /// lines of a dialogue. Older ones are not compared; nothing is lost, so it is not reported.
    pub remembered_bytes: usize,
    /// The same of the first data connections open at one time: what a retransmission of a common
    /// window reaches back.
    pub compared_bytes: usize,
    /// So many of them.
    pub compared: usize,
    /// Anomalies of segments listed of one direction of a connection. Those beyond are counted.
    pub anomalies: usize,
    /// Bytes of either direction after which a connection of which nobody knows what it speaks is
    /// called no FTP, unless its port says so. A greeting of a screenful fits. Reported as
    /// `unclear_bytes`.
    pub unclear_bytes_each: usize,
    /// Bytes held of all such connections together; with more, the port decides at once.
    pub unclear_bytes_all: usize,
    /// Connections on a port of FTP that are none: the first of them are named.
    pub not_ftp: usize,
    /// Connections to ports that attacks open on servers.
    pub watched: usize,
    /// Endpoints, other than by port, where FTP was found by what was said: the next connection
    /// there is taken for FTP from the start.
    pub servers: usize,
    /// Pairs of hosts that had a session, to know what an orphan between them is; and encrypted
    /// sessions of which it is remembered when they were open.
    pub host_pairs: usize,

    /// Bytes kept of one line of a control connection. RFC 959 has no bound; paths end at 4 KiB.
    pub line_bytes: usize,
    /// Bytes of text kept of one reply. FEAT, HELP and STAT listings are the long ones.
    pub reply_bytes: usize,
    /// Replies kept of one command: some 1yz and the final one are usual (RFC 959 §5.4).
    pub replies: usize,
    /// Lines of a server that are no replies, kept of one exchange.
    pub malformed_lines: usize,
    /// Commands of one session that wait for their replies, and its transfers that wait for their
    /// end (`open_transfers`). Real pipelines are some tens long.
    pub pending_commands: usize,
    /// Transfers of all sessions that wait for their end: each costs half a kilobyte and its name.
    pub open_transfers: usize,
    /// PASVs, PORTs, TYPEs and their kin of one session that pipelined commands may still use, or
    /// that a refusal may still undo.
    pub setups: usize,
    /// Bytes that the sessions not over yet may hold together of what was said, where exchanges
    /// leave as they become final. With more, the session at hand gives up its oldest exchanges,
    /// lines and replies are kept to 512 bytes, and TLS handshakes are not read.
    pub text_bytes: usize,
    /// The same where everything is kept for one document; and bytes kept in it.
    pub document_bytes: usize,
    /// Sessions kept for a document. Those beyond are counted.
    pub sessions: usize,
    /// Sessions kept on which no byte was seen: a flood of SYNs makes millions.
    pub empty_sessions: usize,
    /// Exchanges kept of one session, and transfers named in it (`session_transfers`). Those
    /// beyond are counted.
    pub exchanges: usize,
    /// Transfers kept for a document. Those beyond are counted.
    pub transfers: usize,

    /// Data connections that were announced and not withdrawn: one for each session, and those of
    /// pipelines.
    pub promises: usize,
    /// The same of one address. Sessions of a server with one passive port share it; every new
    /// connection to it must look at all of them.
    pub promises_each: usize,
    /// Data connections that no transfer asks for, kept as orphans or until one does. Those under
    /// way when the capture began are `suspects`.
    pub orphans: usize,
    /// Data connections kept that were tried and led to no transfer: what a diagnosis looks at.
    pub attempts: usize,
    /// Findings kept, each of another cause.
    pub findings: usize,
    /// Bytes of standard input that the terminal interface writes to a private file, to read them
    /// again.
    pub spool_bytes: u64,
    /// Bytes of text kept of one listing, to know the sizes in it.
    pub listing_bytes: usize,
    /// File sizes remembered of one session, to check later transfers.
    pub sizes: usize,
    /// Missing ranges listed of one direction of a data connection. Those beyond are counted.
    pub ranges: usize,
    /// Length of one extracted file, holes included. No bound: a file is no longer than what was
    /// captured of it and its holes, and who loses evidence to a bound should have asked for it.
    pub file_bytes: u64,
    /// Captured bytes extracted to all files together, holes apart. No bound, for the same reason.
    pub total_bytes: u64,
    /// Holes in extracted files, all together and beyond as many bytes as were captured. Most file
    /// systems need no room for them; some do, and so does who copies the files.
    pub hole_bytes: u64,
    /// Bytes of holes that are hashed as zeros, all together: a packet or two make a hole of
    /// 1 GiB, and a second of work.
    pub hole_bytes_hashed: u64,
    /// Names on disk that extraction makes.
    pub files: u64,
    /// Extracted files of sessions that are not over, about three kilobytes each: the manifest says of
    /// them what only the end of the session tells.
    pub waiting_files: usize,
    /// Extracted files open at one time, with a buffer of 64 KiB each. Systems allow a program 256
    /// or 1,024, some users fewer.
    pub open_files: usize,
    /// Bytes that all data connections together may hold of their beginnings (the media type
    /// shows in the first 4 KiB), of listings, of TLS handshakes, and of lists of ranges. Beyond, a
    /// media type or a size may stay unknown, ranges are counted only, and TLS is measured only.
    pub carried_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 16 << 20,
            description_bytes: 1 << 20,
            interfaces: 1 << 16,
            damage_kept: 16,
            resync_bytes: 64 << 20,
            decoder_bytes: 256 << 20,
            unpacked_bytes: 1 << 30,
            unpack_ratio: 10_000,
            joining_bytes: 128 << 20,
            joined_pieces: 1 << 14,
            decoded_bytes: 1 << 30,
            decoded_ratio: 200,
            decoders: 256,
            tunnel_depth: 8,
            tunnels: u16::MAX,
            fragmented_datagrams: 1 << 12,
            fragment_bytes: 16 << 20,
            fragment_seconds: 30,
            connections: 3 << 14,
            ignored_connections: 1 << 19,
            early_bytes_each: 16 << 20,
            early_bytes_all: 64 << 20,
            remembered_bytes: 1 << 10,
            compared_bytes: 64 << 10,
            compared: 256,
            anomalies: 64,
            unclear_bytes_each: 4 << 10,
            unclear_bytes_all: 16 << 20,
            not_ftp: 1000,
            watched: 1000,
            servers: 1 << 14,
            host_pairs: 1 << 16,
            line_bytes: 16 << 10,
            reply_bytes: 256 << 10,
            replies: 64,
            malformed_lines: 64,
            pending_commands: 1 << 10,
            open_transfers: 1 << 15,
            setups: 64,
            text_bytes: 64 << 20,
            document_bytes: 1 << 30,
            sessions: 1 << 20,
            empty_sessions: 1 << 14,
            exchanges: 1 << 17,
            transfers: 1 << 20,
            promises: 1 << 16,
            promises_each: 256,
            orphans: 1 << 14,
            attempts: 1 << 14,
            findings: 10_000,
            spool_bytes: 16 << 30,
            listing_bytes: 1 << 20,
            sizes: 1 << 16,
            ranges: 1 << 10,
            file_bytes: u64::MAX,
            total_bytes: u64::MAX,
            hole_bytes: 64 << 30,
            hole_bytes_hashed: 1 << 30,
            files: 1 << 20,
            waiting_files: 1 << 16,
            open_files: 32,
            carried_bytes: 32 << 20,
        }
    }
}
