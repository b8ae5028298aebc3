//! The leaf of a certificate chain.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::objects::oid_registry;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use crate::hash::{hex, sha256};

/// Whom a certificate names, by whose word and for how long (RFC 5280 §4.1). Nothing is checked:
/// signatures, trust and revocation are the client's affair.
///
/// The texts are what the sender wrote, control characters included.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// As `CN=example.org, O=Example`, in the certificate's order.
    pub subject: String,
    pub issuer: String,
    /// Seconds since the Unix epoch. Years up to 9999 are lawful, and used for "never".
    pub not_before: i64,
    /// Seconds since the Unix epoch; the certificate is good to the end of this second.
    pub not_after: i64,
    /// DNS names and IP addresses it is for (RFC 5280 §4.2.1.6), in its order; the first hundred.
    pub names: Vec<String>,
    /// SHA-256 of the whole certificate, which is what browsers and `openssl x509 -fingerprint`
    /// show.
    pub sha256: [u8; 32],
    /// It names itself as issuer, and no other key (RFC 5280 §3.2). The signature is not checked.
    pub self_signed: bool,
}

impl Certificate {
    /// Reads a Certificate message's body (RFC 5246 §7.4.2), of which only the leaf must be
    /// whole: it comes first. `None` for an empty chain and for what is not X.509.
    pub(super) fn parse_message(body: &[u8]) -> Option<Self> {
        let (_chain_len, chain) = body.split_first_chunk::<3>()?;
        let (&[high, middle, low], rest) = chain.split_first_chunk::<3>()?;
        let len = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
        Self::parse(rest.get(..len)?)
    }

    /// Bytes of what it holds.
    pub(super) fn weight(&self) -> usize {
        let names = self.names.iter().map(|name| size_of::<String>() + name.len()).sum::<usize>();
        self.subject.len() + self.issuer.len() + names
    }

    /// Reads one certificate in DER.
    fn parse(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        Some(Self {
            subject: name_text(certificate.subject()),
            issuer: name_text(certificate.issuer()),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            names: names(&certificate),
            sha256: sha256(der),
            self_signed: is_self_signed(&certificate),
        })
    }
}

/// The name, if need be with what is not text replaced: one bad attribute should not hide the
/// others.
fn name_text(name: &X509Name<'_>) -> String {
    name.to_string_with_registry(oid_registry()).unwrap_or_else(|_| {
        let values = name.iter_attributes().map(|a| String::from_utf8_lossy(a.as_slice()));
        values.collect::<Vec<_>>().join(", ")
    })
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension.value.general_names.iter().filter_map(host_text).take(MAX_NAMES).collect()
}

fn host_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => Some(address_text(octets)),
        _ => None,
    }
}

/// An address has 4 or 16 octets; of any other number they are shown as they are.
fn address_text(octets: &[u8]) -> String {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
    let v6 = || <[u8; 16]>::try_from(octets).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
    v4.or_else(|_| v6())
        .map_or_else(|_| format!("0x{}", hex(octets)), |address| address.to_string())
}

/// Same names, and the key identifiers, where given, do not contradict: a CA may have named
/// itself like its customer.
fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    let (mut own, mut signer) = (None, None);
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => own = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(authority) => {
                signer = authority.key_identifier.as_ref().map(|id| id.0);
            }
            _ => {}
        }
    }
    let same_key = own.is_none() || signer.is_none() || own == signer;
    same_key && certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// How many names are kept: what public CAs put into one certificate.
const MAX_NAMES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::tests::bytes;
    use crate::tls::tests::recordings::ISSUED;

    #[test]
    fn addresses_are_written_as_usual_and_others_as_they_are() {
        assert_eq!(address_text(&[127, 0, 0, 1]), "127.0.0.1");
        let mut v6 = [0; 16];
        v6[15] = 1;
        assert_eq!(address_text(&v6), "::1");
        assert_eq!(address_text(&[1, 2, 3]), "0x010203");
    }

    /// As `openssl x509` of OpenSSL 3.0 has it.
    #[test]
    fn one_that_a_ca_issued_is_read() {
        let der = bytes(ISSUED);
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(
            certificate.subject,
            "C=DE, O=Grün, Inc., CN=*.example.org, Email=a@example.org"
        );
        assert_eq!(certificate.issuer, "CN=Example CA");
        assert!(!certificate.self_signed);
        assert_eq!(certificate.names, ["*.example.org"], "neither mail address nor URI");
        assert_eq!((certificate.not_before, certificate.not_after), (1_795_507_777, 4_949_107_777));
    }

    #[test]
    fn the_leaf_is_read_from_a_chain_that_is_cut() {
        let der = bytes(ISSUED);
        let len = u16::try_from(der.len()).unwrap().to_be_bytes();
        let body = [b"\x02\0\0\0", &len[..], &der, b"\0\x01"].concat();
        assert!(Certificate::parse_message(&body).is_some());
        assert!(Certificate::parse_message(&body[..body.len() - 3]).is_none());
    }

    #[test]
    fn no_certificate_is_none() {
        for body in [
            &b""[..],
            b"\0\0\0",
            b"\0\0\x03\0\0\0",
            b"\0\0\x05\0\0\x02\x30\0",
            b"\0\0\x09\0\0\x06ab",
        ] {
            assert_eq!(Certificate::parse_message(body), None, "{}", body.escape_ascii());
        }
    }
}
