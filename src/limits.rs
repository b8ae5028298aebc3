//! Every bound in the program, each with its unit and its reason.

/// What is held at most while a capture is read. Damage of a file is reported with the input; a
/// bound that costs connections, sessions, exchanges or held bytes by its name in
/// `capture.limits_reached`; missing ranges beyond those listed with their transfer. Text of a
/// listing and sizes beyond their bounds are passed over: they are only checks.
#[derive(Clone, Debug)]
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
    /// TCP connections followed at one time; four times as many are remembered as nobody's
    /// business. A followed one costs one to four kilobytes,
    /// and a control connection what was said on it lately.
    pub connections: usize,
    /// Bytes held because they were captured before the bytes in front of them, in one direction
    /// of one connection: the largest receive window in common use.
    pub early_bytes_each: usize,
    /// The same for all connections together.
    pub early_bytes_all: usize,
    /// Data connections open at one time of which the last 64 KiB of each direction are remembered,
    /// to tell a retransmission that differs. Of those beyond, the last 4 KiB are.
    pub compared: usize,
    /// Anomalies of segments listed of one direction of a connection. Those beyond are counted.
    pub anomalies: usize,
    /// Bytes kept of one line of a control connection. RFC 959 has no bound; paths end at 4 KiB.
    pub line_bytes: usize,
    /// Bytes of text kept of one reply. FEAT, HELP and STAT listings are the long ones.
    pub reply_bytes: usize,
    /// Commands of one session that wait for their replies.
    pub pending_commands: usize,
    /// Sessions kept. Those beyond are counted.
    pub sessions: usize,
    /// Sessions kept on which no byte was seen: a flood of SYNs makes millions.
    pub empty_sessions: usize,
    /// Exchanges kept of one session. Those beyond are counted.
    pub exchanges: usize,
    /// Data connections that were announced and not yet seen.
    pub promises: usize,
    /// Data connections that nothing announces, kept as orphans or until something does.
    pub orphans: usize,
    /// Bytes of text kept of one listing, to know the sizes in it.
    pub listing_bytes: usize,
    /// File sizes remembered of one session.
    pub sizes: usize,
    /// Missing ranges listed of one transfer. Those beyond are counted as bytes only.
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
            tunnel_depth: 8,
            tunnels: u16::MAX,
            fragmented_datagrams: 1 << 12,
            fragment_bytes: 16 << 20,
            fragment_seconds: 30,
            connections: 1 << 17,
            early_bytes_each: 16 << 20,
            early_bytes_all: 64 << 20,
            compared: 256,
            anomalies: 64,
            line_bytes: 16 << 10,
            reply_bytes: 256 << 10,
            pending_commands: 1 << 10,
            sessions: 1 << 20,
            empty_sessions: 1 << 14,
            exchanges: 1 << 17,
            promises: 1 << 16,
            orphans: 1 << 14,
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
        }
    }
}
