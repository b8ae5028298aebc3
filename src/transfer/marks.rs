//! What a file's beginning shows beside its media type.

/// What the first octets of a file show that a reader of a capture should look at. Those of the file
/// on disk, where what was on the wire stands for another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mark {
    Program(Program),
    /// An archive whose entries, or whose list of them, are encrypted. 7z says so at its end only.
    EncryptedArchive,
    /// A page that a web server runs, with a call that runs what a visitor sends, or hidden code.
    WebShell,
    /// What a program that steals passwords or keys writes at the head of its reports.
    Stolen,
    PrivateKey,
}

/// What runs when it is opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
    /// PE, of Windows.
    Windows,
    /// ELF, of Linux and its kin.
    Elf,
    /// Of macOS.
    MachO,
    /// A text that begins with `#!`.
    Script,
    /// DEX, of Android.
    Android,
    /// A JAR.
    Java,
    /// MSI, of Windows.
    Installer,
    /// LNK, of Windows: it runs what it names.
    Shortcut,
}

/// What `head` shows. Text is looked through only where it begins as text does.
pub(super) fn mark(head: &[u8]) -> Option<Mark> {
    if let Some(program) = program(head) {
        return Some(Mark::Program(program));
    }
    if is_encrypted_zip(head) || is_encrypted_rar(head) {
        return Some(Mark::EncryptedArchive);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if is_private_key(text) {
        return Some(Mark::PrivateKey);
    }
    if is_stolen(text) {
        return Some(Mark::Stolen);
    }
    page(text).filter(|(page, kind)| runs_what_is_sent(page, *kind)).map(|_| Mark::WebShell)
}

fn program(head: &[u8]) -> Option<Program> {
    match head.get(..4)? {
        [b'M', b'Z', ..] => is_portable_executable(head).then_some(Program::Windows),
        [0x7f, b'E', b'L', b'F'] => is_elf_program(head).then_some(Program::Elf),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf] | [0xce | 0xcf, 0xfa, 0xed, 0xfe] => Some(Program::MachO),
        // Of several machines; a Java class begins alike, and has its version there, 45 at least.
        [0xca, 0xfe, 0xba, 0xbe] => {
            let is_fat = matches!(head.get(4..8), Some([0, 0, 0, 1..=42]));
            is_fat.then_some(Program::MachO)
        }
        [b'#', b'!', b'/' | b' ', _] => Some(Program::Script),
        b"dex\n" => Some(Program::Android),
        b"PK\x03\x04" => is_jar(head).then_some(Program::Java),
        [0xd0, 0xcf, 0x11, 0xe0] => is_installer(head).then_some(Program::Installer),
        [0x4c, 0, 0, 0] => head.starts_with(SHORTCUT).then_some(Program::Shortcut),
        _ => None,
    }
}

/// The size of its header and the CLSID of a shell link ([MS-SHLLINK] §2.1).
const SHORTCUT: &[u8] = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";

/// The DOS header names the place of the real one.
fn is_portable_executable(head: &[u8]) -> bool {
    let at = u32_at(head, 0x3c).and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| head.get(at..)).is_some_and(|rest| rest.starts_with(b"PE\0\0"))
}

/// What runs or is loaded; not objects and core dumps.
fn is_elf_program(head: &[u8]) -> bool {
    // The type stands in the order that the sixth octet tells.
    let kind = match head.get(5) {
        Some(2) => head.get(17),
        _ => head.get(16),
    };
    matches!(kind, Some(2 | 3))
}

/// What `jar` writes first.
fn is_jar(head: &[u8]) -> bool {
    head.get(30..).is_some_and(|name| name.starts_with(b"META-INF/"))
}

/// A compound file whose root has the class of Windows' installer ([MS-CFB] §2.6.1).
fn is_installer(head: &[u8]) -> bool {
    let shift = u16_at(head, 30).filter(|shift| matches!(shift, 9 | 12));
    let sector = u32_at(head, 48).and_then(|sector| usize::try_from(sector).ok());
    let root = shift
        .zip(sector)
        .and_then(|(shift, sector)| head.get(sector.checked_add(1)?.checked_mul(1 << shift)?..));
    root.and_then(|root| root.get(80..)).is_some_and(|class| class.starts_with(INSTALLER))
}

/// {000C1084-0000-0000-C000-000000000046}
const INSTALLER: &[u8] = b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";

/// Bit 0 of the flags of an entry (APPNOTE.TXT §4.4.4), of those that lie within `head`: folders
/// come first, and are not encrypted.
fn is_encrypted_zip(head: &[u8]) -> bool {
    let mut entry = head;
    while entry.starts_with(b"PK\x03\x04") {
        let (Some(version), Some(flags), Some(method)) =
            (u16_at(entry, 4), u16_at(entry, 6), u16_at(entry, 8))
        else {
            return false;
        };
        if version > 63 || !matches!(method, 0..=20 | 93..=99) {
            return false;
        }
        if flags & 1 != 0 {
            return true;
        }
        // With bit 3 the length comes behind the content.
        let lengths = [u32_at(entry, 18), u16_at(entry, 26).map(u32::from)];
        let lengths = lengths.into_iter().chain([u16_at(entry, 28).map(u32::from)]);
        let next = lengths.sum::<Option<u32>>().and_then(|len| usize::try_from(len).ok());
        let next = next.filter(|_| flags & 8 == 0).and_then(|len| len.checked_add(30));
        entry = next.and_then(|next| entry.get(next..)).unwrap_or_default();
    }
    false
}

/// RAR 5: an encryption header comes first. RAR 4: a flag of the archive's header, or of the first
/// file's.
fn is_encrypted_rar(head: &[u8]) -> bool {
    if let Some(blocks) = head.strip_prefix(b"Rar!\x1a\x07\x01\0") {
        // A checksum, a length of up to three octets, and the kind of header.
        let mut size = blocks.iter().skip(4).take(3);
        let len = size.position(|octet| octet & 0x80 == 0);
        return len.and_then(|len| blocks.get(5 + len)) == Some(&4);
    }
    let Some(blocks) = head.strip_prefix(b"Rar!\x1a\x07\0") else { return false };
    let flags = |block: &[u8], kind: u8| {
        u16_at(block, 3).filter(|_| block.get(2) == Some(&kind)).unwrap_or(0)
    };
    let file = u16_at(blocks, 5).and_then(|len| blocks.get(usize::from(len)..));
    flags(blocks, 0x73) & 0x80 != 0 || flags(file.unwrap_or_default(), 0x74) & 4 != 0
}

/// PEM (RFC 7468 §10, §11) of any kind, and PuTTY's.
fn is_private_key(text: &[u8]) -> bool {
    if let Some(label) = text.strip_prefix(b"-----BEGIN ") {
        let line = label.get(..LONGEST_LABEL.min(label.len())).unwrap_or_default();
        let end = line.iter().position(|byte| *byte == b'-').unwrap_or(0);
        let label = line.get(..end).unwrap_or_default();
        return label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    }
    text.starts_with(b"PuTTY-User-Key-File-")
}

const LONGEST_LABEL: usize = 64;

/// Agent Tesla begins with `Time: …<br>User Name: …<br>Computer Name: …` (as Corelight's
/// zeek-agenttesla-detector has it), Snake Keylogger with `PW | user | Snake`.
fn is_stolen(text: &[u8]) -> bool {
    if text.starts_with(b"Time:") {
        let line = text.get(..LONGEST_HEADING.min(text.len())).unwrap_or_default();
        return after(line, b"<br>User Name:")
            .and_then(|rest| after(rest, b"<br>Computer Name:"))
            .is_some();
    }
    if text.starts_with(b"PW | ") || text.starts_with(b"KP | ") {
        let line = text.split(|byte| *byte == b'\r' || *byte == b'\n').next();
        return line.is_some_and(|line| line.ends_with(b" | Snake"));
    }
    false
}

const LONGEST_HEADING: usize = 512;

/// What stands behind `wanted`.
fn after<'a>(text: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(wanted.len()).position(|part| part == wanted)?;
    text.get(at + wanted.len()..)
}

/// What a page is written in.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Page {
    Php,
    /// ASP, ASP.NET, JSP.
    Percent,
}

/// From the first tag on that makes a web server run what follows. In a picture it is looked for in
/// the first octets only.
fn page(text: &[u8]) -> Option<(&[u8], Page)> {
    let is_picture =
        [&b"GIF8"[..], b"\x89PNG", b"\xff\xd8\xff"].iter().any(|magic| text.starts_with(magic));
    let looked = match is_picture {
        true => text.get(..PICTURE.min(text.len()))?,
        false => Some(text).filter(|text| begins_as_text(text))?,
    };
    // Most texts have none, which is found out faster.
    if !looked.contains(&b'<') {
        return None;
    }
    looked.iter().enumerate().find_map(|(at, byte)| {
        let is_tag = *byte == b'<' && matches!(looked.get(at + 1), Some(b'?' | b'%'));
        let tag = text.get(at..).filter(|_| is_tag)?;
        let is_php = begins_with(tag, b"<?php") || tag.starts_with(b"<?=");
        let is_percent = tag.starts_with(b"<%") && !is_picture;
        let kind = if is_php { Page::Php } else { Page::Percent };
        (is_php || is_percent).then_some((tag, kind))
    })
}

/// Octets of a picture that are looked at.
const PICTURE: usize = 512;

fn begins_as_text(text: &[u8]) -> bool {
    let first = text.get(..64.min(text.len())).unwrap_or_default();
    first.iter().all(|byte| *byte >= b' ' || byte.is_ascii_whitespace())
}

/// Whether a page takes something of a request, and runs commands or code. A page that a server runs
/// does either often; both in its first octets is what web shells look like. Code that is decoded or
/// taken from the request in the very call needs no second sign.
fn runs_what_is_sent(page: &[u8], kind: Page) -> bool {
    let (mut takes, mut runs, mut has_runtime, mut has_exec) = (false, false, false, false);
    let mut at = 0;
    for word in page.split(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_')) {
        let (start, end) = (at, at + word.len());
        at = end + 1;
        if word.len() < 3 || word.len() > LONGEST_WORD {
            continue;
        }
        let before = page.get(..start).unwrap_or_default();
        let behind = page.get(end..).unwrap_or_default();
        let is = |words: &[&[u8]]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        let is_method = [&b"->"[..], b"::", b"."].iter().any(|sign| before.ends_with(sign));
        takes |= match kind {
            Page::Php => is(REQUEST) && before.ends_with(b"$") || before.ends_with(b"php://"),
            Page::Percent => is(&[b"request"]),
        };
        if !is_method && is(EVALUATES) {
            let argument = argument(behind);
            if HIDDEN.iter().any(|hidden| begins_with(argument, hidden)) {
                return true;
            }
            runs |= kind == Page::Php && argument.starts_with(b"$");
        }
        let is_call = behind.trim_ascii_start().starts_with(b"(");
        runs |= kind == Page::Php && !is_method && is_call && is(COMMANDS);
        has_runtime |= is(&[b"getRuntime"]);
        has_exec |= is(&[b"exec"]);
        runs |= kind == Page::Percent
            && (is(&[b"ProcessBuilder"])
                || is(&[b"WScript"]) && begins_with(behind, b".Shell")
                || is(&[b"cmd", b"powershell"]) && begins_with(behind, b".exe"));
        if takes && (runs || has_runtime && has_exec) {
            return true;
        }
    }
    false
}

const LONGEST_WORD: usize = 16;

/// PHP's arrays of what a visitor sends.
const REQUEST: &[&[u8]] = &[b"_GET", b"_POST", b"_REQUEST", b"_COOKIE"];

const COMMANDS: &[&[u8]] =
    &[b"system", b"exec", b"shell_exec", b"passthru", b"popen", b"proc_open", b"pcntl_exec"];

/// Run a text as code, in PHP and in ASP.
const EVALUATES: &[&[u8]] = &[b"eval", b"assert", b"execute", b"ExecuteGlobal"];

/// What is run in a web shell and nowhere else.
const HIDDEN: &[&[u8]] = &[
    b"base64_decode",
    b"gzinflate",
    b"gzuncompress",
    b"str_rot13",
    b"$_GET",
    b"$_POST",
    b"$_REQUEST",
    b"$_COOKIE",
    b"request",
];

/// The argument of a call, with or without a bracket.
fn argument(behind: &[u8]) -> &[u8] {
    let behind = behind.trim_ascii_start();
    behind.strip_prefix(b"(").unwrap_or(behind).trim_ascii_start()
}

fn begins_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
}

fn u16_at(head: &[u8], at: usize) -> Option<u16> {
    head.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_at(head: &[u8], at: usize) -> Option<u32> {
    head.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `bytes` at places, zeros between.
    fn laid(parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut head = Vec::new();
        for (at, bytes) in parts {
            head.resize(head.len().max(at + bytes.len()), 0);
            head[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        head
    }

    #[test]
    fn programs_are_told_from_what_begins_like_one() {
        for (head, wanted) in [
            (laid(&[(0, b"MZ"), (0x3c, b"\x40"), (0x40, b"PE\0\0")]), Some(Program::Windows)),
            (laid(&[(0, b"MZ"), (0x3c, b"\xff\xff\xff\xff")]), None),
            (b"MZ is a text about programs".to_vec(), None),
            (laid(&[(0, b"\x7fELF\x02\x01\x01"), (16, b"\x02\0")]), Some(Program::Elf)),
            (laid(&[(0, b"\x7fELF\x02\x02\x01"), (16, b"\0\x03")]), Some(Program::Elf)),
            (laid(&[(0, b"\x7fELF\x02\x01\x01"), (16, b"\x04\0")]), None),
            (b"\xcf\xfa\xed\xfe\x07\0\0\x01".to_vec(), Some(Program::MachO)),
            (b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec(), Some(Program::MachO)),
            (b"\xca\xfe\xba\xbe\0\0\0\x41".to_vec(), None),
            (b"#!/bin/sh\n".to_vec(), Some(Program::Script)),
            (b"#!shebang".to_vec(), None),
            (b"dex\n035\0".to_vec(), Some(Program::Android)),
            (laid(&[(0, b"PK\x03\x04\x0a"), (30, b"META-INF/")]), Some(Program::Java)),
            (laid(&[(0, b"PK\x03\x04\x0a"), (30, b"mimetype")]), None),
            (
                laid(&[(0, b"\xd0\xcf\x11\xe0"), (30, b"\x09\0"), (512 + 80, INSTALLER)]),
                Some(Program::Installer),
            ),
            (laid(&[(0, b"\xd0\xcf\x11\xe0"), (30, b"\x09\0"), (700, b"\0")]), None),
            (laid(&[(0, b"\xd0\xcf\x11\xe0"), (48, b"\xff\xff\xff\xff")]), None),
            (SHORTCUT.to_vec(), Some(Program::Shortcut)),
            (b"\x4c\0\0\0".to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(mark(&head), wanted.map(Mark::Program), "{}", head.escape_ascii());
        }
    }

    #[test]
    fn encrypted_archives_say_so() {
        let entry = |flags: u8, name: &[u8]| {
            laid(&[
                (0, b"PK\x03\x04\x14"),
                (6, &[flags]),
                (8, b"\x08"),
                (26, &[name.len() as u8]),
                (30, name),
            ])
        };
        let folder_first = [entry(0, b"docs/"), entry(1, b"docs/plan.txt")].concat();
        for (head, wanted) in [
            (entry(1, b"plan.txt"), true),
            (entry(0, b"plan.txt"), false),
            (entry(8, b"plan.txt"), false),
            (folder_first, true),
            // No version and no method that there is.
            (b"PK\x03\x04\xff\xff\x01\0\x08\0".to_vec(), false),
            (b"Rar!\x1a\x07\x01\0\0\0\0\0\x21\x04".to_vec(), true),
            (b"Rar!\x1a\x07\x01\0\0\0\0\0\xa1\x02\x04".to_vec(), true),
            (b"Rar!\x1a\x07\x01\0\0\0\0\0\x21\x01".to_vec(), false),
            (b"Rar!\x1a\x07\0\0\0\x73\x80\0\x0d\0".to_vec(), true),
            (laid(&[(0, b"Rar!\x1a\x07\0\0\0\x73\0\0\x0d\0"), (22, b"\x74\x04\0")]), true),
            (laid(&[(0, b"Rar!\x1a\x07\0\0\0\x73\0\0\x0d\0"), (22, b"\x74\0\0")]), false),
            (b"7z\xbc\xaf\x27\x1c".to_vec(), false),
        ] {
            let found = mark(&head) == Some(Mark::EncryptedArchive);
            assert_eq!(found, wanted, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn web_shells_take_and_run() {
        for (page, wanted) in [
            ("<?php eval($_POST['c']); ?>", true),
            ("GIF89a;\n<?php system($_GET['cmd']); ?>", true),
            ("\u{feff}<?php @eval(base64_decode('aGk='));", true),
            ("<html>\n<?= shell_exec ( $_REQUEST['x'] ) ?>", true),
            ("<?php $c = file_get_contents('php://input'); eval($c);", true),
            ("<%eval request(\"pass\")%>", true),
            ("<%@ Page Language=\"Jscript\"%><%eval(Request.Item[\"x\"],\"unsafe\");%>", true),
            ("<% Runtime.getRuntime().exec(request.getParameter(\"c\")); %>", true),
            ("<% Set s = CreateObject(\"WSCRIPT.SHELL\")\ns.Run Request(\"c\") %>", true),
            // What ordinary pages do.
            ("<?php function field($n) { return $_POST[$n] ?? ''; }", false),
            ("<?php $db->exec($_POST['q']); curl_exec($h);", false),
            ("<?php echo $_GET['x']; ?><script>eval('(' + text + ')')</script>", false),
            ("<?php system('date'); ?>", false),
            ("<% used = Runtime.getRuntime().totalMemory(); request.getRequestURI(); %>", false),
            ("<% conn.Execute(Request(\"q\")) %>", false),
            ("<?xml version=\"1.0\"?><a>eval($_POST['c'])</a>", false),
            ("<?php", false),
            ("a text about eval($_POST['c'])", false),
        ] {
            assert_eq!(mark(page.as_bytes()) == Some(Mark::WebShell), wanted, "{page}");
        }
        assert_eq!(mark(b"\0\0<?php eval($_POST['c']); ?>"), None);
    }

    #[test]
    fn keys_and_reports_of_stealers_are_known_by_their_first_line() {
        for (text, wanted) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----\n", Some(Mark::PrivateKey)),
            ("-----BEGIN PRIVATE KEY-----\n", Some(Mark::PrivateKey)),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", Some(Mark::PrivateKey)),
            ("PuTTY-User-Key-File-3: ssh-ed25519\r\n", Some(Mark::PrivateKey)),
            ("-----BEGIN PUBLIC KEY-----\n", None),
            ("-----BEGIN CERTIFICATE-----\n", None),
            ("-----BEGIN ", None),
            (
                "Time: 01/02/2026 03:04:05<br>User Name: a<br>Computer Name: B<br>OSFullName: C",
                Some(Mark::Stolen),
            ),
            ("Time: 01/02/2026<br>Computer Name: B<br>User Name: a", None),
            ("PW | someone | Snake\r\n\r\n", Some(Mark::Stolen)),
            ("PW | someone | Cobra\r\n", None),
            ("Time: never\n", None),
        ] {
            assert_eq!(mark(text.as_bytes()), wanted, "{text}");
        }
    }
}
