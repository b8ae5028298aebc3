//! TLS as records show it, for scripts.

// Every test target uses its own part of this file; a target is a crate nobody imports.
#![allow(dead_code, unreachable_pub)]

use super::program::noise;
use super::script::{Conn, From, FtpScript};

/// A record with its header.
pub fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (body.len() as u16).to_be_bytes();
    [&[kind, 3, 3, high, low], body].concat()
}

pub fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = (body.len() as u32).to_be_bytes();
    record(0x16, &[&[kind, high, middle, low], body].concat())
}

/// The smallest hello, for `name`.
pub fn client_hello(name: &[u8]) -> Vec<u8> {
    let long = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let names = long(&[&[0][..], &long(name)].concat());
    let extensions = long(&[&[0, 0][..], &long(&names)].concat());
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0, 0x9c, 1, 0], &extensions].concat();
    handshake(1, &body)
}

/// TLS 1.2 with TLS_RSA_WITH_AES_128_GCM_SHA256.
pub fn server_hello() -> Vec<u8> {
    handshake(2, &[&[3, 3][..], &[8; 32], &[0, 0, 0x9c, 0]].concat())
}

/// Records of that many octets of content, as they would be sealed.
pub fn sealed(octets: usize) -> Vec<u8> {
    let each = |content: &[u8]| record(0x17, &[content, &[0; 24]].concat());
    noise(9, octets).chunks(4096).flat_map(each).collect()
}

pub fn shake_hands(script: &mut FtpScript, conn: Conn, [client, server]: [From; 2]) {
    let done = record(0x14, &[1]);
    script.send(conn, client, &client_hello(b"ftp.example.org"));
    script.send(conn, server, &[server_hello(), handshake(14, b"")].concat());
    script.send(
        conn,
        client,
        &[handshake(16, b"key"), done.clone(), record(0x16, &[0; 40])].concat(),
    );
    script.send(conn, server, &[done, record(0x16, &[0; 40])].concat());
}

/// Client and server of a connection that the client opened.
pub const ENDS: [From; 2] = [From::Originator, From::Responder];

/// A session up to the end of its clear text.
pub fn begin(script: &mut FtpScript, ends: [&str; 2]) -> Conn {
    let control = script.connect(ends[0], ends[1]);
    script.dialogue(control, &["< 220 ready", "> AUTH TLS", "< 234 go on"]);
    shake_hands(script, control, ENDS);
    script.send(control, From::Originator, &sealed(40));
    script.send(control, From::Responder, &sealed(60));
    control
}
