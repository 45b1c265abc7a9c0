//! The first message of a TLS handshake, written by hand, since no maintained
//! library offers the versions that are to be refused: it offers one version, and
//! the first record of the answer says whether the server takes it.
//!
//! It holds no secret and leads to no connection: after the answer it is closed.
//!
//! Sources: RFC 2246, 4346, 5246 and 8446, sections 7.4.1 and 4.1.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl Version {
    pub(super) const ALL: [Self; 4] = [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tls10 => "tls1.0",
            Self::Tls11 => "tls1.1",
            Self::Tls12 => "tls1.2",
            Self::Tls13 => "tls1.3",
        }
    }

    fn code(self) -> [u8; 2] {
        match self {
            Self::Tls10 => [3, 1],
            Self::Tls11 => [3, 2],
            Self::Tls12 => [3, 3],
            Self::Tls13 => [3, 4],
        }
    }
}

/// What a server says to an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Offer {
    /// It goes on with that version.
    Accepted,
    /// It says no.
    Refused,
    /// It closes the connection without a word, as some do to say no.
    Closed,
    /// It does not answer, or not in TLS.
    Unknown(String),
}

/// Offers one version to whoever listens at `address` (`host:port`).
pub(super) async fn offer(version: Version, address: &str, host: &str, limit: Duration) -> Offer {
    match tokio::time::timeout(limit, ask(version, address, host)).await {
        Ok(offer) => offer,
        Err(_) => Offer::Unknown("no answer within the time-out".to_owned()),
    }
}

async fn ask(version: Version, address: &str, host: &str) -> Offer {
    let broken = |e: io::Error| match e.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => Offer::Closed,
        _ => Offer::Unknown(e.to_string()),
    };
    let mut stream = match TcpStream::connect(address).await {
        Ok(stream) => stream,
        Err(e) => return Offer::Unknown(e.to_string()),
    };
    if let Err(e) = stream.write_all(&hello(version, host)).await {
        return broken(e);
    }
    answer(&mut stream, version).await.unwrap_or_else(broken)
}

/// Reads records until one says whether the version is taken: a server may warn
/// first, as of a name that it does not know.
async fn answer(stream: &mut (impl AsyncRead + Unpin), version: Version) -> io::Result<Offer> {
    for _ in 0..RECORDS {
        let mut head = [0; 5];
        stream.read_exact(&mut head).await?;
        let [kind, major, _, high, low] = head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        // A record holds 16 kB at most.
        if !matches!(kind, ALERT | HANDSHAKE) || major != 3 || length > 1 << 14 {
            return Ok(Offer::Unknown("the answer is not TLS".to_owned()));
        }
        let mut record = vec![0; length];
        stream.read_exact(&mut record).await?;
        if kind != ALERT || record.first() != Some(&WARNING) {
            return Ok(read(kind, &record, version));
        }
    }
    Ok(Offer::Unknown("the server only warns".to_owned()))
}

/// How many records of an answer are read.
const RECORDS: usize = 4;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// The levels of an alert; only the second ends the handshake.
const WARNING: u8 = 1;
const FATAL: u8 = 2;

const SERVER_HELLO: u8 = 2;
const SUPPORTED_VERSIONS: u16 = 43;

/// Reads the record of an answer that decides.
fn read(kind: u8, record: &[u8], offered: Version) -> Offer {
    match (kind, record.first()) {
        (ALERT, Some(&FATAL)) => Offer::Refused,
        (ALERT, _) => Offer::Unknown("the answer is an alert of no known level".to_owned()),
        (HANDSHAKE, Some(&SERVER_HELLO)) => match chosen(record) {
            Some(version) if version == offered.code() => Offer::Accepted,
            // What it is willing to speak is worse still.
            Some([3, 0]) => Offer::Unknown("the answer is SSL 3.0".to_owned()),
            Some(_) => Offer::Refused,
            None => Offer::Unknown("the answer breaks off".to_owned()),
        },
        _ => Offer::Unknown("the answer is no ServerHello".to_owned()),
    }
}

/// The version that a ServerHello, or a HelloRetryRequest, which has the same
/// form, chooses.
fn chosen(hello: &[u8]) -> Option<[u8; 2]> {
    let two = |at: usize| Some([*hello.get(at)?, *hello.get(at + 1)?]);
    // Type, length, version, random.
    let legacy = two(4)?;
    let session = usize::from(*hello.get(38)?);
    // Session id, cipher suite, compression.
    let mut at = 39 + session + 3;
    let Some(length) = two(at) else { return Some(legacy) };
    let end = at + 2 + usize::from(u16::from_be_bytes(length));
    at += 2;
    while at < end {
        let (kind, length) = (u16::from_be_bytes(two(at)?), u16::from_be_bytes(two(at + 2)?));
        if kind == SUPPORTED_VERSIONS {
            return two(at + 4);
        }
        at += 4 + usize::from(length);
    }
    Some(legacy)
}

/// Suites that servers of the last twenty years have, so that a refusal is one of
/// the version: elliptic and plain Diffie-Hellman and RSA, with AES, `ChaCha20` and
/// 3DES. The last stands for secure renegotiation.
const SUITES_12: [u16; 24] = [
    0xc02c, 0xc02b, 0xc030, 0xc02f, 0xcca9, 0xcca8, 0x009f, 0x009e, 0xc024, 0xc023, 0xc028, 0xc027,
    0xc00a, 0xc009, 0xc014, 0xc013, 0x0039, 0x0033, 0x009d, 0x009c, 0x0035, 0x002f, 0x000a, 0x00ff,
];

/// Those that there were before TLS 1.2, also the bad ones: without encryption,
/// without a certificate, with RC4, DES or keys for export. Whoever takes one of them
/// takes the version.
const SUITES_OLD: [u16; 50] = [
    0xc00a, 0xc009, 0xc014, 0xc013, 0x0039, 0x0033, 0x0035, 0x002f, 0x0038, 0x0032, 0xc008, 0xc012,
    0x0016, 0x0013, 0x000a, 0x0088, 0x0084, 0x0045, 0x0041, 0x009a, 0x0096, 0x0007, 0xc007, 0xc011,
    0x0005, 0x0004, 0x0015, 0x0012, 0x0009, 0x0014, 0x0008, 0x0006, 0x0003, 0xc019, 0xc018, 0xc017,
    0xc016, 0xc015, 0x003a, 0x0034, 0x001b, 0x0018, 0x001a, 0x0019, 0x0017, 0xc010, 0xc006, 0x0002,
    0x0001, 0x00ff,
];

/// Those of TLS 1.3.
const SUITES_13: [u16; 3] = [0x1301, 0x1302, 0x1303];

/// x25519, secp256r1, secp384r1, secp521r1, ffdhe2048.
const GROUPS: [u16; 5] = [0x001d, 0x0017, 0x0018, 0x0019, 0x0100];

/// ECDSA, RSA-PSS and RSA with SHA-256 to SHA-512, then with SHA-1.
const SIGNATURES: [u16; 11] =
    [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201, 0x0203];

/// A ClientHello that offers one version.
fn hello(version: Version, host: &str) -> Vec<u8> {
    let numbers = |all: &[u16]| all.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
    let newest = version == Version::Tls13;
    let mut extensions = Vec::new();
    let mut extend = |kind: u16, content: Vec<u8>| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(counted(content));
    };
    // An address is no server name.
    if host.parse::<std::net::IpAddr>().is_err() {
        let name = [vec![0], counted(host.as_bytes().to_vec())].concat();
        extend(0, counted(name));
    }
    extend(10, counted(numbers(&GROUPS)));
    extend(11, vec![1, 0]);
    if version >= Version::Tls12 {
        extend(13, counted(numbers(&SIGNATURES)));
    }
    if newest {
        extend(SUPPORTED_VERSIONS, vec![2, 3, 4]);
        // No share of a key: the server is to answer with the request for one.
        extend(51, counted(Vec::new()));
    }
    let suites: &[u16] = match version {
        Version::Tls10 | Version::Tls11 => &SUITES_OLD,
        Version::Tls12 => &SUITES_12,
        Version::Tls13 => &SUITES_13,
    };
    let legacy = if newest { Version::Tls12.code() } else { version.code() };
    let mut body = legacy.to_vec();
    // What should be random protects a connection, and there will be none.
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend(counted(numbers(suites)));
    body.extend([1, 0]);
    body.extend(counted(extensions));
    // A length of three bytes.
    let message = [vec![1, 0], counted(body)].concat();
    [vec![HANDSHAKE, 3, 1], counted(message)].concat()
}

/// The bytes after their length in two bytes. All lengths here are below 1 kB.
fn counted(bytes: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [length.to_be_bytes().to_vec(), bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_hello(version: [u8; 2], extensions: &[u8]) -> Vec<u8> {
        let mut body = version.to_vec();
        body.extend([7; 32]);
        body.extend([0, 0xc0, 0x2f, 0]);
        if !extensions.is_empty() {
            body.extend(counted(extensions.to_vec()));
        }
        [vec![SERVER_HELLO, 0], counted(body)].concat()
    }

    #[test]
    fn the_answer_says_which_version_is_taken() {
        let check = |record: &[u8], offered, expected| {
            assert_eq!(read(HANDSHAKE, record, offered), expected);
        };
        check(&server_hello([3, 1], &[]), Version::Tls10, Offer::Accepted);
        check(&server_hello([3, 1], &[]), Version::Tls11, Offer::Refused);
        let worse = Offer::Unknown("the answer is SSL 3.0".into());
        check(&server_hello([3, 0], &[]), Version::Tls10, worse);
        check(&server_hello([3, 3], &[0xff, 1, 0, 1, 0]), Version::Tls12, Offer::Accepted);
        let retry = server_hello([3, 3], &[0, 51, 0, 2, 0, 29, 0, 43, 0, 2, 3, 4]);
        check(&retry, Version::Tls13, Offer::Accepted);
        check(&server_hello([3, 3], &[]), Version::Tls13, Offer::Refused);
        let short = |n: usize| server_hello([3, 3], &[]).get(..n).unwrap().to_vec();
        check(&short(20), Version::Tls12, Offer::Unknown("the answer breaks off".into()));
        assert_eq!(read(ALERT, &[2, 70], Version::Tls10), Offer::Refused);
    }

    #[tokio::test]
    async fn a_warning_is_no_refusal() {
        let record =
            |kind: u8, content: &[u8]| [vec![kind, 3, 3], counted(content.to_vec())].concat();
        let unrecognized_name = record(ALERT, &[WARNING, 112]);
        let takes = record(HANDSHAKE, &server_hello([3, 1], &[]));
        let check = async |parts: &[&[u8]], expected: Offer| {
            let bytes = parts.concat();
            assert_eq!(answer(&mut bytes.as_slice(), Version::Tls10).await.unwrap(), expected);
        };
        check(&[&unrecognized_name, &takes], Offer::Accepted).await;
        check(&[&unrecognized_name, &record(ALERT, &[FATAL, 70])], Offer::Refused).await;
        let warnings = [unrecognized_name.as_slice(); RECORDS];
        check(&warnings, Offer::Unknown("the server only warns".into())).await;
        let odd = "the answer is an alert of no known level";
        check(&[&record(ALERT, &[])], Offer::Unknown(odd.into())).await;
        let end = answer(&mut unrecognized_name.as_slice(), Version::Tls10).await.unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_hello_has_the_lengths_that_it_says() {
        for version in Version::ALL {
            for host in ["an-api-of-the-region-one.cloud.example", "192.0.2.1"] {
                let bytes = hello(version, host);
                let long = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
                assert_eq!(bytes.len(), 5 + long(3));
                assert_eq!(bytes.len(), 9 + long(7));
                // Some old load balancers never answer longer ones.
                assert!(bytes.len() < 256, "{}", bytes.len());
                assert_eq!(bytes.windows(13).any(|w| w == b"cloud.example"), host != "192.0.2.1");
            }
        }
    }
}
