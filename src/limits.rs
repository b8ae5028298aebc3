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
    /// Bytes a decompressor may take for its window, which the compressed file chooses.
    /// `xz -9` wants 65 MiB, `zstd --long` 128 MiB.
    pub decoder_bytes: u64,
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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 16 << 20,
            description_bytes: 1 << 20,
            interfaces: 1 << 16,
            damage_kept: 16,
            decoder_bytes: 256 << 20,
            tunnel_depth: 8,
            tunnels: u16::MAX,
            fragmented_datagrams: 1 << 12,
            fragment_bytes: 16 << 20,
            fragment_seconds: 30,
            connections: 1 << 17,
            early_bytes_each: 16 << 20,
            early_bytes_all: 64 << 20,
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
        }
    }
}
