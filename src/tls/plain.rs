//! How many bytes are under the encryption.

use std::ops::RangeInclusive;

use tls_parser::{TlsCipherEnc, TlsCipherEncMode, TlsCipherMac, TlsCipherSuite, TlsPRF};

use super::{ServerHello, SideFacts, Version};

/// Bounds of what an application sent, in bytes. An estimate from outside: see [`plain_bytes`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PlainBytes {
    pub least: u64,
    pub most: u64,
}

/// Estimates how many bytes the application of one `side` sent; `server` is the connection's
/// ServerHello. `None` for ciphers nobody knows and for compressed records.
///
/// TLS ≤ 1.2: exact, but for block ciphers, whose padding is taken to be between one octet
/// and a block, as implementations do; the protocol allows 256 (RFC 5246 §6.2.3.2).
///
/// TLS 1.3: handshake and alerts look like application data. The handshake is recognised if
/// Finished has a record of its own, whose length is then known (RFC 8446 §4.4.4); else between
/// nothing and 8 KiB is taken for it. `least` also leaves room for an alert, and on the
/// server's side 1 KiB for session tickets. Padding (RFC 8446 §5.4) cannot be told from content and is
/// counted as such; so is early data (RFC 8446 §2.3), behind which Finished is not recognised.
pub fn plain_bytes(server: &ServerHello, side: &SideFacts) -> Option<PlainBytes> {
    let overhead = overhead(server)?;
    let traffic = &side.traffic;
    let under = |each: u64| {
        traffic.application_bytes.saturating_sub(traffic.application_records.saturating_mul(each))
    };
    let (least, most) = (under(*overhead.end()), under(*overhead.start()));
    if !server.version.is_1_3() {
        return Some(PlainBytes { least, most });
    }
    let each = *overhead.start();
    let (at_least, at_most) = match handshake_records(server, side) {
        Some(records) => {
            let plain = records.iter().map(|len| u64::from(*len).saturating_sub(each)).sum();
            (plain, plain)
        }
        None => (0, HANDSHAKE),
    };
    let tickets = if side.server_hello.is_some() { TICKETS } else { 0 };
    Some(PlainBytes {
        least: least.saturating_sub(at_most + tickets + ALERT),
        most: most.saturating_sub(at_least),
    })
}

/// The lengths of the records up to Finished, if it has one of its own.
fn handshake_records<'a>(server: &ServerHello, side: &'a SideFacts) -> Option<&'a [u16]> {
    let suite = TlsCipherSuite::from_id(server.cipher)?;
    // Header and one hash (RFC 8446 §4.4.4).
    let verify = if suite.prf == TlsPRF::Sha384 { 48 } else { 32 };
    let finished = overhead(server)?.start() + 4 + verify;
    let lengths = &side.traffic.first_lengths;
    let at = lengths.iter().position(|len| u64::from(*len) == finished)?;
    lengths.get(..=at)
}

/// What encryption adds to one record, in octets.
fn overhead(server: &ServerHello) -> Option<RangeInclusive<u64>> {
    if server.is_compressed {
        return None;
    }
    let suite = TlsCipherSuite::from_id(server.cipher)?;
    let exactly = |octets| Some(octets..=octets);
    // The content type is inside (RFC 8446 §5.2).
    if server.version.is_1_3() {
        return exactly(tag(suite) + 1);
    }
    let mac = mac(suite);
    match (suite.enc, suite.enc_mode) {
        // The nonce is implicit (RFC 7905 §2).
        (TlsCipherEnc::Chacha20_Poly1305, _) => exactly(tag(suite)),
        // Part of the nonce is sent along (RFC 5288 §3, RFC 6655 §3).
        (_, TlsCipherEncMode::Gcm | TlsCipherEncMode::Ccm) => exactly(EXPLICIT_NONCE + tag(suite)),
        (enc, TlsCipherEncMode::Cbc) => {
            let block = block(enc)?;
            let iv = if has_explicit_iv(server.version) { block } else { 0 };
            Some(iv + mac + 1..=iv + mac + block)
        }
        (TlsCipherEnc::Null | TlsCipherEnc::Rc4, TlsCipherEncMode::Null) => exactly(mac),
        _ => None,
    }
}

/// Since TLS 1.1 each record begins with its own (RFC 4346 §6.2.3.2).
fn has_explicit_iv(version: Version) -> bool {
    version != Version::SSL_3 && version != Version::TLS_1_0
}

/// Eight octets in suites that say so in their name (RFC 6655 §6.1), else sixteen.
fn tag(suite: &TlsCipherSuite) -> u64 {
    if suite.name.contains("CCM_8") { 8 } else { 16 }
}

fn mac(suite: &TlsCipherSuite) -> u64 {
    match suite.mac {
        TlsCipherMac::Null | TlsCipherMac::Aead => 0,
        TlsCipherMac::HmacMd5 => 16,
        TlsCipherMac::HmacSha1 => 20,
        TlsCipherMac::HmacSha256 => 32,
        TlsCipherMac::HmacSha384 => 48,
        TlsCipherMac::HmacSha512 => 64,
    }
}

fn block(enc: TlsCipherEnc) -> Option<u64> {
    match enc {
        TlsCipherEnc::Des | TlsCipherEnc::TripleDes | TlsCipherEnc::Rc2 | TlsCipherEnc::Idea => {
            Some(8)
        }
        TlsCipherEnc::Aes
        | TlsCipherEnc::Aria
        | TlsCipherEnc::Camellia
        | TlsCipherEnc::Seed
        | TlsCipherEnc::Sm4 => Some(16),
        _ => None,
    }
}

/// Room left for a handshake in TLS 1.3 that is not recognised, in octets: a chain of a few
/// certificates.
const HANDSHAKE: u64 = 8 * 1024;

/// Room left for session tickets in TLS 1.3 (RFC 8446 §4.6.1), in octets: four of OpenSSL's.
const TICKETS: u64 = 1024;

/// An alert's octets.
const ALERT: u64 = 2;

/// Octets of the nonce that are sent along with each record.
const EXPLICIT_NONCE: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Traffic;

    fn server(version: Version, cipher: &str) -> ServerHello {
        ServerHello {
            version,
            cipher: TlsCipherSuite::from_name(cipher).unwrap().id.0,
            session_id: vec![],
            has_psk: false,
            alpn: None,
            is_compressed: false,
        }
    }

    fn side(lengths: &[u16]) -> SideFacts {
        let traffic = Traffic {
            application_records: lengths.len() as u64,
            application_bytes: lengths.iter().map(|len| u64::from(*len)).sum(),
            first_lengths: lengths.to_vec(),
            alert_records: 0,
        };
        SideFacts { traffic, ..SideFacts::default() }
    }

    #[test]
    fn each_cipher_adds_its_own() {
        let (v10, v12, v13) = (Version::TLS_1_0, Version::TLS_1_2, Version::TLS_1_3);
        for (version, cipher, wanted) in [
            (v13, "TLS_AES_128_GCM_SHA256", 17..=17),
            (v13, "TLS_AES_128_CCM_8_SHA256", 9..=9),
            (v13, "TLS_CHACHA20_POLY1305_SHA256", 17..=17),
            (v12, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 24..=24),
            (v12, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 16..=16),
            (v12, "TLS_RSA_WITH_AES_128_CCM_8", 16..=16),
            (v12, "TLS_RSA_WITH_AES_128_CBC_SHA", 37..=52),
            (v12, "TLS_RSA_WITH_AES_256_CBC_SHA256", 49..=64),
            (v12, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 65..=80),
            (v10, "TLS_RSA_WITH_AES_128_CBC_SHA", 21..=36),
            (v10, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", 21..=28),
            (v10, "TLS_RSA_WITH_RC4_128_MD5", 16..=16),
            (v12, "TLS_RSA_WITH_NULL_SHA256", 32..=32),
        ] {
            assert_eq!(overhead(&server(version, cipher)), Some(wanted), "{version} {cipher}");
        }
    }

    #[test]
    fn what_cannot_be_known_is_none() {
        let known = server(Version::TLS_1_2, "TLS_RSA_WITH_AES_128_CBC_SHA");
        let compressed = ServerHello { is_compressed: true, ..known.clone() };
        let unknown = ServerHello { cipher: 0xfefe, ..known };
        assert_eq!(plain_bytes(&compressed, &side(&[100])), None);
        assert_eq!(plain_bytes(&unknown, &side(&[100])), None);
        assert_eq!(unknown.cipher_name(), "0xfefe");
    }

    #[test]
    fn in_tls_1_3_the_handshake_is_taken_off() {
        let chosen = server(Version::TLS_1_3, "TLS_AES_256_GCM_SHA384");
        let bounds = |side: &SideFacts| {
            let found = plain_bytes(&chosen, side).unwrap();
            (found.least, found.most)
        };
        // A client: Finished, 1000 bytes, close_notify.
        assert_eq!(bounds(&side(&[69, 1017, 19])), (1000, 1002));
        // A server: EncryptedExtensions, Certificate, CertificateVerify, Finished, data.
        let mut serving = side(&[23, 900, 281, 69, 5017]);
        serving.server_hello = Some(chosen.clone());
        assert_eq!(bounds(&serving), (5000 - 1024 - 2, 5000));
        // Its handshake in one record.
        assert_eq!(bounds(&side(&[1270, 10_017])), (11_253 - 8192 - 2, 11_253));
        assert_eq!(bounds(&side(&[])), (0, 0));
    }
}
