//! What TLS shows of itself from outside.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::parts::{Shown, wire_text};
use crate::analysis::Charset;
use crate::hash::Hex;
use crate::time::of_seconds;
use crate::tls::{Certificate, PlainBytes, TlsFacts, Version};

/// What a TLS connection shows of itself without being decrypted.
#[derive(Serialize, JsonSchema)]
pub struct TlsRecord<'a> {
    /// The one in use: `TLS 1.2`, `TLS 1.3` …
    pub version: Option<Shown<Version>>,
    /// The host the client asked for.
    pub server_name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name_hex: Option<String>,
    /// By its IANA name, or its number in hexadecimal.
    pub cipher: Option<Cow<'static, str>>,
    /// The application protocol agreed on; TLS 1.3 hides it.
    pub alpn: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn_hex: Option<String>,
    /// Fingerprints of the client.
    pub ja3: Option<&'a str>,
    pub ja4: Option<&'a str>,
    /// It took up the keys of an earlier connection.
    pub resumed: Option<bool>,
    /// The server's; TLS 1.3 hides it.
    pub certificate: Option<CertificateRecord<'a>>,
}

impl<'a> TlsRecord<'a> {
    pub(super) fn new(tls: &'a TlsFacts) -> Self {
        let (client, server) = (tls.client_hello(), tls.server_hello());
        let name = client.and_then(|hello| hello.server_name.as_deref());
        let (server_name, server_name_hex) = wire_text(name, Charset::default());
        let alpn = server.and_then(|hello| hello.alpn.as_deref());
        let (alpn, alpn_hex) = wire_text(alpn, Charset::default());
        Self {
            version: server.map(|hello| Shown(hello.version)),
            server_name,
            server_name_hex,
            cipher: server.map(|hello| hello.cipher_name()),
            alpn,
            alpn_hex,
            ja3: client.map(|hello| &*hello.ja3),
            ja4: client.map(|hello| &*hello.ja4),
            resumed: tls.resumed(),
            certificate: tls.certificate().map(CertificateRecord::new),
        }
    }
}

/// A certificate as its sender gave it: nothing is checked.
#[derive(Serialize, JsonSchema)]
pub struct CertificateRecord<'a> {
    pub subject: &'a str,
    pub issuer: &'a str,
    /// RFC 3339, in whole seconds.
    pub not_before: Option<String>,
    pub not_after: Option<String>,
    /// DNS names and IP addresses it is for; the first hundred.
    pub names: &'a [String],
    /// Of the certificate in DER.
    pub sha256: Shown<Hex<[u8; 32]>>,
    /// It names itself as issuer; the signature is not checked.
    pub self_signed: bool,
}

impl<'a> CertificateRecord<'a> {
    fn new(certificate: &'a Certificate) -> Self {
        let Certificate { subject, issuer, not_before, not_after, names, sha256, self_signed } =
            certificate;
        Self {
            subject,
            issuer,
            not_before: of_seconds(*not_before),
            not_after: of_seconds(*not_after),
            names,
            sha256: Shown(Hex(*sha256)),
            self_signed: *self_signed,
        }
    }
}

/// Bounds of the size of what was moved under encryption.
#[derive(Serialize, JsonSchema)]
pub struct EstimateRecord {
    pub least: u64,
    pub most: u64,
}

pub(super) fn estimate(bytes: PlainBytes) -> EstimateRecord {
    EstimateRecord { least: bytes.least, most: bytes.most }
}
