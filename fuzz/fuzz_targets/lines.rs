//! Lines, commands and replies of a control connection.

#![no_main]

use ftpscope::ftp::{Command, Joined, LineSplitter, Reply, ReplyJoiner, Verb, is_command_word};
use ftpscope::ftp::{Directory, Paths, quoted_path, split_code};
use libfuzzer_sys::fuzz_target;

/// A line as it can be kept: text, dropped, after a gap, torn, start, end.
type Owned = (Vec<u8>, u64, bool, bool, u64, u64);

fuzz_target!(|data: &[u8]| {
    let [most, piece, gap, stream @ ..] = data else { return };
    let most = usize::from(*most) * 4;
    let gap = usize::from(*gap).min(stream.len());
    let whole = split(stream, most, stream.len().max(1), gap);
    assert_eq!(whole, split(stream, most, usize::from(*piece).max(1), gap), "pieces tell nothing");
    for pair in whole.windows(2) {
        assert!(pair[0].5 <= pair[1].4, "lines stand behind each other");
    }
    for (bytes, dropped, ..) in &whole {
        assert!(bytes.len() <= most);
        assert!(*dropped == 0 || bytes.len() <= most);
        command(bytes);
    }
    // Nothing but line ends and Telnet's signals is taken away.
    if gap == 0 && !stream.contains(&0xff) {
        let kept: u64 = whole.iter().map(|line| line.0.len() as u64 + line.1).sum();
        let ends = stream.iter().filter(|byte| **byte == b'\n').count() * 2;
        assert!(kept <= stream.len() as u64 && kept + ends as u64 + 1 >= stream.len() as u64);
    }
    replies(&whole, most);
});

/// Feeds `stream` piece by piece, with a gap of ten octets at `gap`, if that is not its beginning.
fn split(stream: &[u8], most: usize, piece: usize, gap: usize) -> Vec<Owned> {
    let mut splitter = LineSplitter::new(most, true);
    let mut lines = Vec::new();
    let mut keep = |line: ftpscope::ftp::Line<'_, ()>| {
        assert!(line.start < line.end);
        let text = line.bytes.to_vec();
        lines.push((text, line.dropped, line.after_gap, line.torn, line.start, line.end));
    };
    let (before, after) = stream.split_at(gap);
    let mut offset = 0;
    for part in before.chunks(piece) {
        splitter.push(offset, part, (), &mut keep);
        offset += part.len() as u64;
        assert!(splitter.held() <= most);
    }
    if gap > 0 {
        splitter.gap(offset, &mut keep);
        offset += 10;
    }
    for part in after.chunks(piece) {
        splitter.push(offset, part, (), &mut keep);
        offset += part.len() as u64;
        assert!(splitter.held() <= most);
    }
    splitter.end(offset, &mut keep);
    assert!(splitter.is_between_lines());
    assert_eq!(splitter.held(), 0);
    lines
}

fn command(line: &[u8]) {
    let command = Command::parse(line);
    let mut again = command.word().to_vec();
    if command.word().len() < line.len() {
        again.push(b' ');
    }
    again.extend(command.arg());
    assert_eq!(again, line, "nothing is lost");
    assert_eq!(is_command_word(command.word()), command.verb != Verb::Other);
    assert!(command.name().eq_ignore_ascii_case(command.word()));

    let home = Directory::named(b"/home", Paths::Unix);
    let entered = home.enter(command.arg());
    let path = home.join(command.arg());
    assert!(path.starts_with(b"/") || !command.arg().is_empty());
    assert_eq!(Directory::default().join(&path), path, "a path is normal once");
    assert!(entered.path().is_empty() || entered.path() == path);
    if let Some(name) = quoted_path(line) {
        assert!(name.len() + 2 <= line.len());
    }
}

fn replies(lines: &[Owned], most: usize) {
    let mut joiner = ReplyJoiner::new(most);
    for (line, ..) in lines {
        let code = split_code(line).map(|(code, ..)| code);
        match joiner.push(line) {
            Joined::Reply(reply) => {
                assert_eq!(code, Some(reply.code), "the line that ends it has its code");
                bounded(&reply, most);
                assert_eq!(joiner.held(), 0);
            }
            Joined::More => assert!(joiner.held() <= most + 24),
            Joined::Malformed => assert_eq!(code, None),
        }
    }
    if let Some(reply) = joiner.tear() {
        assert!(reply.torn);
        bounded(&reply, most);
    }
}

fn bounded(reply: &Reply, most: usize) {
    assert!((100..700).contains(&reply.code));
    assert!(reply.text.len() <= most);
}
