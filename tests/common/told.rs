//! Parts of dialogues that many scripts have in common.

// Every test target uses its own part of this file; a target is a crate nobody imports.
#![allow(dead_code, unreachable_pub)]

use super::script::{Conn, From, FtpScript};

/// The control connection of [`log_in`].
pub const CONTROL: [&str; 2] = ["10.0.0.1:40000", "10.0.0.2:21"];

pub const LOGIN: [&str; 9] = [
    "< 220 ready",
    "> USER bob",
    "< 331 password",
    "> PASS secret-word",
    "< 230 in",
    "> TYPE I",
    "< 200 binary",
    "> PWD",
    "< 257 \"/home/bob\" is the current directory",
];

/// A session that is logged in, binary, and in `/home/bob`.
pub fn log_in(script: &mut FtpScript) -> Conn {
    log_in_as(script, CONTROL)
}

/// The same between other ends.
pub fn log_in_as(script: &mut FtpScript, [client, server]: [&str; 2]) -> Conn {
    let control = script.connect(client, server);
    script.dialogue(control, &LOGIN);
    control
}

/// What a 227 or a PORT says of a port at 10.0.0.`host`.
pub fn host_port(host: u8, port: u16) -> String {
    let [high, low] = port.to_be_bytes();
    format!("10,0,0,{host},{high},{low}")
}

/// `PASV` and the server's port.
pub fn pasv(script: &mut FtpScript, control: Conn, port: u16) {
    let announced = format!("< 227 Entering Passive Mode ({}).", host_port(2, port));
    script.dialogue(control, &["> PASV", &announced]);
}

/// `PORT` with a port of the client, accepted.
pub fn port(script: &mut FtpScript, control: Conn, port: u16) {
    script.dialogue(control, &[&format!("> PORT {}", host_port(1, port)), "< 200 ok"]);
}

/// The client dials the server's data port.
pub fn dial(script: &mut FtpScript, from: u16, to: u16) -> Conn {
    script.connect(&format!("10.0.0.1:{from}"), &format!("10.0.0.2:{to}"))
}

/// All of a data connection's content, and its end by the sender.
pub fn carry(script: &mut FtpScript, data: Conn, from: From, content: &[u8]) {
    script.send(data, from, content);
    script.close(data, from);
}

/// A passive transfer from the 227 to the 226. `RETR f`, for example, is the command.
pub fn fetch(
    script: &mut FtpScript,
    control: Conn,
    command: &str,
    ports: [u16; 2],
    content: &[u8],
) {
    pasv(script, control, ports[1]);
    let data = dial(script, ports[0], ports[1]);
    script.dialogue(control, &[&format!("> {command}"), "< 150 here it comes"]);
    let is_upload = ["STOR", "STOU", "APPE"].iter().any(|verb| command.starts_with(verb));
    carry(script, data, if is_upload { From::Originator } else { From::Responder }, content);
    script.dialogue(control, &["< 226 done"]);
}

/// `QUIT` and the end of the control connection.
pub fn quit(script: &mut FtpScript, control: Conn) {
    script.dialogue(control, &["> QUIT", "< 221 bye"]);
    script.close(control, From::Responder);
}

/// A whole capture: a passive RETR of `f`. `tell` tells its data connection, the FIN included.
pub fn download(tell: impl FnOnce(&mut FtpScript, Conn)) -> FtpScript {
    let mut script = FtpScript::new();
    let control = log_in(&mut script);
    pasv(&mut script, control, 30000);
    let data = dial(&mut script, 40001, 30000);
    script.dialogue(control, &["> RETR f", "< 150 here it comes"]);
    tell(&mut script, data);
    script.dialogue(control, &["< 226 done"]);
    quit(&mut script, control);
    script
}
