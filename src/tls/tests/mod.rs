pub(super) mod recordings;

use self::recordings::*;
use super::*;

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(pair).collect()
}

fn facts(parts: &[&[u8]]) -> SideFacts {
    let mut side = TlsSide::new();
    parts.iter().for_each(|part| side.push(part));
    side.finish()
}

fn pair(client: &str, server: &str) -> (SideFacts, SideFacts) {
    (facts(&[&bytes(client)]), facts(&[&bytes(server)]))
}

fn plain(server: &SideFacts, side: &SideFacts) -> (u64, u64) {
    let bounds = plain_bytes(server.server_hello.as_ref().unwrap(), side).unwrap();
    (bounds.least, bounds.most)
}

/// JA3 as tshark 4.0.17 says, JA4 as the document says it is made, from tshark's fields.
#[test]
fn a_client_hello_is_read() {
    for (client, ja3, ja4, has_ticket, has_psk) in [
        (
            TLS12_CLIENT,
            "7707b7a086c2211e9be2c7b9d7fab855",
            "t12d0208fp_6d4732649639_e7e480e5a997",
            false,
            false,
        ),
        (
            TLS12_AGAIN_CLIENT,
            "b02556f93e2118422605ed1dd88f25ec",
            "t12d0209fp_6d4732649639_8932e62835fd",
            true,
            false,
        ),
        (
            TLS13_CLIENT,
            "f146948b4a599d4d7ddf071b74696983",
            "t13d041000_16476d049b0b_78f1d400d464",
            false,
            false,
        ),
        (
            TLS13_AGAIN_CLIENT,
            "5d70a188544fb769122c0d9b2509a405",
            "t13d041100_16476d049b0b_6775ac8fe30b",
            false,
            true,
        ),
        (
            GREASE_CLIENT,
            "15666a86b86ed568f476bf15e000843a",
            "t13d0308h2_342068d8c85c_852744dc2114",
            false,
            false,
        ),
    ] {
        let hello = facts(&[&bytes(client)]).client_hello.unwrap();
        assert_eq!((hello.ja3.as_str(), hello.ja4.as_str()), (ja3, ja4));
        assert_eq!(hello.server_name.as_deref(), Some(&b"ftp.example.org"[..]));
        assert_eq!((hello.has_ticket, hello.has_psk), (has_ticket, has_psk), "{ja4}");
    }
}

#[test]
fn tls_1_2_shows_its_certificate_and_exact_lengths() {
    let (client, server) = pair(TLS12_CLIENT, TLS12_SERVER);
    let offered = client.client_hello.as_ref().unwrap();
    assert_eq!(offered.version, Version::TLS_1_2);
    assert_eq!(offered.alpn, [b"ftp"]);
    let chosen = server.server_hello.as_ref().unwrap();
    assert_eq!(chosen.version, Version::TLS_1_2);
    assert_eq!(chosen.cipher_name(), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    assert_eq!(chosen.alpn.as_deref(), Some(&b"ftp"[..]));

    // As `openssl x509` has it.
    let certificate = server.certificate.as_ref().unwrap();
    assert_eq!(certificate.subject, "O=Example, CN=ftp.example.org");
    assert_eq!(certificate.issuer, certificate.subject);
    assert_eq!((certificate.not_before, certificate.not_after), (1_795_507_563, 1_827_043_563));
    assert_eq!(certificate.names, ["ftp.example.org", "192.0.2.1", "2001:db8::1"]);
    assert_eq!(certificate.sha256[..4], [0xb9, 0x17, 0xde, 0x98]);
    assert!(certificate.self_signed);

    assert_eq!(resumed(&client, &server), Some(false));
    assert_eq!((plain(&server, &client), plain(&server, &server)), ((10, 10), (20, 20)));
    for side in [&client, &server] {
        assert!(side.is_tls && side.lost.is_none());
        assert_eq!(side.flight, Flight::Full);
    }
}

#[test]
fn tls_1_2_resumes_without_a_certificate() {
    let (client, server) = pair(TLS12_AGAIN_CLIENT, TLS12_AGAIN_SERVER);
    assert_eq!(server.certificate, None);
    assert_eq!((client.flight, server.flight), (Flight::Short, Flight::Short));
    assert_eq!(resumed(&client, &server), Some(true));
    assert_eq!((plain(&server, &client), plain(&server, &server)), ((10, 10), (20, 20)));
}

#[test]
fn tls_1_3_is_seen_through_a_retry_and_its_disguise() {
    for (client, server, again) in
        [(TLS13_CLIENT, TLS13_SERVER, false), (TLS13_AGAIN_CLIENT, TLS13_AGAIN_SERVER, true)]
    {
        assert!(hello::is_retry(&bytes(server)[9..]));
        let (client, server) = pair(client, server);
        let chosen = server.server_hello.as_ref().unwrap();
        assert_eq!(chosen.version, Version::TLS_1_3);
        assert_eq!(chosen.cipher_name(), "TLS_AES_256_GCM_SHA384");
        assert_eq!(resumed(&client, &server), Some(again));
        assert_eq!(server.certificate, None);
        assert_eq!(client.traffic.first_lengths, [69, 27, 19], "Finished, data, close_notify");
        assert_eq!(plain(&server, &client), (10, 12));
        let (least, most) = plain(&server, &server);
        assert!((least..=most).contains(&20), "{least}..={most}");
    }
}

#[test]
fn how_the_bytes_are_cut_makes_no_difference() {
    let mut rng = Lcg(0x7150);
    for recording in ALL {
        let all = bytes(recording);
        let wanted = facts(&[&all]);
        let single: Vec<&[u8]> = all.chunks(1).collect();
        assert_eq!(facts(&single), wanted);
        for _ in 0..50 {
            let mut rest = all.as_slice();
            let mut side = TlsSide::new();
            while !rest.is_empty() {
                let (part, after) = rest.split_at(rng.below(rest.len()).max(1));
                side.push(part);
                rest = after;
            }
            assert_eq!(side.finish(), wanted);
        }
    }
}

#[test]
fn an_end_anywhere_takes_away_but_never_adds() {
    for recording in ALL {
        let all = bytes(recording);
        let wanted = facts(&[&all]);
        for end in 0..all.len() {
            let cut = facts(&[&all[..end]]);
            assert_eq!((cut.is_tls, cut.lost), (end >= 5, None), "{end}");
            assert!(cut.client_hello.is_none() || cut.client_hello == wanted.client_hello);
            assert!(cut.server_hello.is_none() || cut.server_hello == wanted.server_hello);
            assert!(cut.certificate.is_none() || cut.certificate == wanted.certificate);
            assert!(cut.traffic.application_bytes <= wanted.traffic.application_bytes);
        }
    }
}

#[test]
fn missing_bytes_inside_a_record_cost_that_record_only() {
    let all = bytes(TLS12_SERVER);
    let whole = facts(&[&all]);
    // Inside the Certificate message; its record begins at the ServerHello's end.
    let mut side = TlsSide::new();
    side.push(&all[..200]);
    side.gap(100);
    side.push(&all[300..]);
    let holed = side.finish();
    assert_eq!((holed.lost, &holed.certificate, holed.flight), (None, &None, Flight::Open));
    assert_eq!(holed.server_hello, whole.server_hello);
    assert_eq!(holed.traffic, whole.traffic);

    // Over the end of a record.
    let mut side = TlsSide::new();
    side.push(&all[..200]);
    side.gap(800);
    side.push(&all[1000..]);
    let lost = side.finish();
    assert_eq!((lost.is_tls, lost.lost), (true, Some(Loss::Gap)));
    assert_eq!(lost.server_hello, whole.server_hello);
    assert_eq!(lost.traffic.application_records, 0);

    // Before all.
    let mut side = TlsSide::new();
    side.gap(u64::MAX);
    side.push(&all);
    assert_eq!(side.finish(), SideFacts { lost: Some(Loss::Gap), ..SideFacts::default() });
}

#[test]
fn a_gap_of_any_place_and_length_is_survived() {
    let mut rng = Lcg(0x6a9);
    for recording in ALL {
        let all = bytes(recording);
        let wanted = facts(&[&all]);
        for _ in 0..500 {
            let from = rng.below(all.len());
            let to = from + 1 + rng.below((all.len() - from).min(60));
            let mut side = TlsSide::new();
            side.push(&all[..from]);
            side.gap((to - from) as u64);
            side.push(all.get(to..).unwrap_or_default());
            let holed = side.finish();
            assert!(holed.lost != Some(Loss::NotARecord), "{from}..{to}");
            assert!(holed.traffic.application_bytes <= wanted.traffic.application_bytes);
            assert!(holed.lost.is_some() || holed.traffic == wanted.traffic, "{from}..{to}");
        }
    }
}

#[test]
fn what_is_not_tls_is_said_to_be_none() {
    let ftp = facts(&[b"220 (vsFTPd 3.0.3)\r\n"]);
    assert_eq!((ftp.is_tls, ftp.lost), (false, Some(Loss::NotARecord)));
    let short = facts(&[b"\x16\x03"]);
    assert_eq!((short.is_tls, short.lost), (false, None));
    // TLS that ends in something else: bytes after the last record.
    let mut bytes = bytes(TLS12_CLIENT);
    bytes.extend(b"QUIT\r\n");
    let garbled = facts(&[&bytes]);
    assert_eq!((garbled.is_tls, garbled.lost), (true, Some(Loss::NotARecord)));
    assert_eq!(garbled.traffic.application_records, 1);
}

#[test]
fn large_records_stream_through() {
    let mut side = TlsSide::new();
    let record = [&b"\x17\x03\x03\x40\x11"[..], &[0xa5; 16_401]].concat();
    for _ in 0..1000 {
        for part in record.chunks(1460) {
            side.push(part);
        }
    }
    assert!(matches!(side.clear, Clear::Over), "nothing is held");
    let traffic = side.finish().traffic;
    assert_eq!((traffic.application_records, traffic.application_bytes), (1000, 16_401_000));
    assert_eq!(traffic.first_lengths.len(), 8);
}

/// Damaged recordings and plain noise: no panic, and no loop without end.
#[test]
fn damage_of_any_kind_is_survived() {
    let mut rng = Lcg(0xda_a6e);
    for recording in ALL {
        let all = bytes(recording);
        for _ in 0..2000 {
            let mut damaged = all.clone();
            for _ in 0..1 + rng.below(4) {
                let at = rng.below(damaged.len());
                damaged[at] = rng.below(256) as u8;
            }
            facts(&[&damaged]);
        }
    }
    for _ in 0..2000 {
        let kind = 20 + rng.below(5) as u8;
        let mut noise = vec![kind, 3, 3, 0, rng.below(256) as u8];
        noise.extend((0..rng.below(600)).map(|_| rng.below(256) as u8));
        facts(&[&noise]);
    }
}

const ALL: [&str; 9] = [
    TLS12_CLIENT,
    TLS12_SERVER,
    TLS12_AGAIN_CLIENT,
    TLS12_AGAIN_SERVER,
    TLS13_CLIENT,
    TLS13_SERVER,
    TLS13_AGAIN_CLIENT,
    TLS13_AGAIN_SERVER,
    GREASE_CLIENT,
];

/// Numbers that look random and are the same each time.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

/// An alert is two octets, a fatal one begins with 2; encrypted ones are longer.
#[test]
fn a_fatal_alert_in_clear_text_is_read() {
    let read = |parts: &[&[u8]]| {
        let side = facts(parts);
        (side.fatal_alert.map(|alert| alert.0), side.traffic.alert_records)
    };
    assert_eq!(read(&[b"\x15\x03\x03\0\x02\x02\x30"]), (Some(48), 1));
    assert_eq!(read(&[b"\x15\x03\x03\0\x02\x02", b"\x30"]), (Some(48), 1));
    assert_eq!(read(&[b"\x15\x03\x03\0\x02\x01\x00"]), (None, 1));
    assert_eq!(read(&[b"\x15\x03\x03\0\x02\x02\x28\x15\x03\x03\0\x02\x02\x30"]), (Some(40), 2));
    assert_eq!(read(&[&[&b"\x15\x03\x03\0\x1a"[..], &[2; 26]].concat()]), (None, 1));
    let mut side = TlsSide::new();
    side.push(b"\x15\x03\x03\0\x02\x02");
    side.gap(1);
    side.push(b"\x15\x03\x03\0\x02\x01\x02");
    assert_eq!(side.finish().fatal_alert, None);
    assert_eq!(Alert(48).name(), Some("unknown_ca"));
    assert_eq!(Alert(7).name(), None);
}
