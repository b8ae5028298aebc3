//! What was said.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::DocumentOptions;
use super::parts::{
    PlaceRecord, Shown, is_false, is_zero, place, time, transfer_id, wire_text, wire_texts,
};
use crate::analysis::Charset;
use crate::analysis::secret::{Secrets, is_lost, secret_of};
use crate::session::{Exchange, Received, Sent};
use crate::time::Timestamp;

/// One command and everything the server said to it.
#[derive(Serialize, JsonSchema)]
pub struct ExchangeRecord<'a> {
    /// `null` for replies nobody asked for.
    pub command: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_hex: Option<String>,
    pub argument: Option<ArgumentRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument_hex: Option<String>,
    /// The beginning or the end of the line was not captured, or it was too long to keep.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
    #[serde(flatten)]
    pub place: Option<PlaceRecord>,
    pub time: Option<Shown<Timestamp>>,
    #[schemars(with = "Vec<ReplyRecord<'a>>")]
    pub replies: ReplyRecords<'a>,
    /// Lines of the server that were no replies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub malformed: Vec<LineRecord<'a>>,
    /// `null` while unknown; without a leading slash, from a directory the capture does not show.
    pub cwd: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd_hex: Option<String>,
    pub transfer: Option<String>,
}

impl<'a> ExchangeRecord<'a> {
    /// `secrets` are those of its session.
    pub fn new(
        exchange: &'a Exchange,
        charset: Charset,
        secrets: &'a Secrets,
        options: DocumentOptions,
    ) -> Self {
        let several = options.several_inputs;
        let sent = exchange.sent.as_ref();
        let secret = sent.and_then(secret_of);
        let (argument, argument_hex) = argument(sent, secret.clone(), charset, secrets, options);
        let hiding = Hiding { secrets, own: secret.filter(|_| !options.show_secrets) };
        let (cwd, cwd_hex) =
            wire_text(Some(&exchange.cwd[..]).filter(|cwd| !cwd.is_empty()), charset);
        let name = sent.map(|sent| command_name(sent, options.show_secrets));
        let (command, command_hex) = wire_text(name, charset);
        let stamp = exchange.stamp();
        let malformed = exchange.malformed.iter();
        Self {
            command,
            command_hex,
            argument,
            argument_hex,
            partial: sent.is_some_and(|sent| sent.is_partial),
            place: stamp.map(|stamp| place(stamp, several)),
            time: stamp.and_then(|stamp| time(stamp.at)),
            malformed: malformed
                .map(|(stamp, line)| {
                    let (text, text_hex) = wire_text(Some(hiding.hide(line)), charset);
                    LineRecord {
                        text: text.unwrap_or_default(),
                        text_hex,
                        place: place(*stamp, several),
                        time: time(stamp.at),
                    }
                })
                .collect(),
            replies: ReplyRecords { facts: &exchange.replies, hiding, charset, several },
            cwd,
            cwd_hex,
            transfer: exchange.transfer.map(transfer_id),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ArgumentRecord<'a> {
    Text(Cow<'a, str>),
    Secret(SecretRecord<'a>),
}

/// The replies to a command: the record of each is made when it is written.
pub struct ReplyRecords<'a> {
    facts: &'a [Received],
    hiding: Hiding<'a>,
    charset: Charset,
    several: bool,
}

impl Serialize for ReplyRecords<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { facts, hiding, charset, several } = self;
        serializer.collect_seq(
            facts.iter().map(|received| ReplyRecord::new(received, hiding, *charset, *several)),
        )
    }
}

/// What is taken out of the answers to a command.
struct Hiding<'a> {
    /// Those of the session.
    secrets: &'a Secrets,
    /// That of the command itself.
    own: Option<Cow<'a, [u8]>>,
}

impl Hiding<'_> {
    fn hide<'t>(&self, line: &'t [u8]) -> Cow<'t, [u8]> {
        self.secrets.hide(line, self.own.as_deref())
    }
}

#[derive(Serialize, JsonSchema)]
pub struct ReplyRecord<'a> {
    pub code: u16,
    /// One string a line.
    pub text: Vec<Cow<'a, str>>,
    /// Of those lines, in their order, `null` for those that are UTF-8; absent if all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text_hex: Vec<Option<String>>,
    /// Bytes of text that were not kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub dropped_bytes: u64,
    /// Its end was not captured.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
    #[serde(flatten)]
    pub place: PlaceRecord,
    pub time: Option<Shown<Timestamp>>,
}

impl<'a> ReplyRecord<'a> {
    fn new(received: &'a Received, hiding: &Hiding<'_>, charset: Charset, several: bool) -> Self {
        let reply = &received.reply;
        let (text, text_hex) = wire_texts(reply.lines().map(|line| hiding.hide(line)), charset);
        Self {
            code: reply.code,
            text,
            text_hex,
            dropped_bytes: reply.dropped.into(),
            partial: reply.torn,
            place: place(received.stamp, several),
            time: time(received.stamp.at),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct LineRecord<'a> {
    pub text: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_hex: Option<String>,
    #[serde(flatten)]
    pub place: PlaceRecord,
    pub time: Option<Shown<Timestamp>>,
}

/// A password: masked with its length, or shown.
#[derive(Serialize, JsonSchema)]
pub struct SecretRecord<'a> {
    pub masked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_hex: Option<String>,
}

impl<'a> SecretRecord<'a> {
    pub(super) fn new(raw: Cow<'a, [u8]>, charset: Charset, show: bool) -> Self {
        let length = (!show).then_some(raw.len());
        let (text, text_hex) = wire_text(Some(raw).filter(|_| show), charset);
        Self { masked: !show, length, text, text_hex }
    }
}

/// What follows the verb, masked if it is a secret, and its bytes if they are not UTF-8.
fn argument<'a>(
    sent: Option<&'a Sent>,
    secret: Option<Cow<'a, [u8]>>,
    charset: Charset,
    secrets: &Secrets,
    options: DocumentOptions,
) -> (Option<ArgumentRecord<'a>>, Option<String>) {
    if let Some(secret) = secret {
        let record = SecretRecord::new(secret, charset, options.show_secrets);
        return (Some(ArgumentRecord::Secret(record)), None);
    }
    let raw = sent.map(|sent| sent.command.arg()).filter(|arg| !arg.is_empty());
    let raw = raw.map(|raw| secrets.hide(raw, None));
    let (text, hex) = wire_text(raw, charset);
    (text.map(ArgumentRecord::Text), hex)
}

fn command_name(sent: &Sent, show_secrets: bool) -> Cow<'_, [u8]> {
    let command = &sent.command;
    if is_lost(command, sent.is_headless) && !show_secrets {
        return Cow::default();
    }
    // Nearly all clients spell verbs as usual.
    let is_usual = !command.word().iter().any(u8::is_ascii_lowercase);
    if is_usual { command.word().into() } else { command.name().into() }
}
