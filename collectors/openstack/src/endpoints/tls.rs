//! Which versions of TLS a host takes, and the certificate that it shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use serde_json::{Map, Value, json};
use tidegate_model::Timestamp;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::hello::{Offer, Version, offer};
use super::{address, certificate};
use crate::probe::{Nobody, distrust};

/// How to ask a host.
pub(super) struct Handshake {
    judge: Arc<Verifier>,
    provider: Arc<CryptoProvider>,
    now: Now,
    limit: Duration,
}

/// The time at which certificates are looked at.
#[derive(Debug, Clone, Copy)]
struct Now(UnixTime);

impl TimeProvider for Now {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

impl Handshake {
    /// Trusts whom the machine trusts, and the cloud's own authorities.
    ///
    /// # Errors
    /// In a clause, if nobody is trusted at all.
    pub(super) fn new(nobody: &Nobody, now: Timestamp, limit: Duration) -> Result<Self, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let judge = Verifier::new_with_extra_roots(nobody.roots(), provider.clone())
            .map_err(|e| format!("no authority is trusted here: {e}"))?;
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let now = Now(UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        Ok(Self { judge: Arc::new(judge), provider, now, limit })
    }

    /// The body of `endpoint.tls`; `told` are members that it has anyway.
    pub(super) async fn facts(&self, host: &str, port: u16, told: Map<String, Value>) -> Value {
        let address = address(host, port);
        let mut body = told;
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("address", address.as_str().into());
        put("host", host.into());
        put("port", port.into());
        let mut offers = Vec::new();
        for version in Version::ALL {
            let offer = offer(version, &address, host, self.limit).await;
            // Whoever is not there is not asked four times.
            let silent = matches!(offer, Offer::Unknown(_)) && offers.is_empty();
            offers.push((version, offer));
            if silent {
                break;
            }
        }
        let spoke = offers.iter().any(|(_, o)| matches!(o, Offer::Accepted | Offer::Refused));
        put("reached", spoke.into());
        put("protocols", protocols(&offers));
        if !spoke {
            let why = offers.iter().find_map(|(_, offer)| match offer {
                Offer::Unknown(why) => Some(why.as_str()),
                Offer::Accepted | Offer::Refused | Offer::Closed => None,
            });
            put("error", why.unwrap_or("the connection is closed without an answer").into());
            return Value::Object(body);
        }
        match self.certificate(&address, host).await {
            Ok(certificate) => put("certificate", Value::Object(certificate)),
            Err(why) => put("error", why.into()),
        };
        Value::Object(body)
    }

    /// What the certificate says that a handshake shows.
    async fn certificate(&self, address: &str, host: &str) -> Result<Map<String, Value>, String> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| "the host has no name that a certificate could have".to_owned())?;
        let witness = Arc::new(Witness { judge: self.judge.clone(), seen: Mutex::default() });
        let config = ClientConfig::builder_with_details(self.provider.clone(), Arc::new(self.now))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(witness.clone())
            .with_no_client_auth();
        let handshake = async {
            let stream = TcpStream::connect(address).await?;
            TlsConnector::from(Arc::new(config)).connect(name.clone(), stream).await
        };
        let end = tokio::time::timeout(self.limit, handshake).await;
        let Some((leaf, trust)) = witness.seen() else {
            return Err(match end {
                Err(_) => "no handshake within the time-out".to_owned(),
                Ok(Err(e)) => format!("no handshake: {e}"),
                Ok(Ok(_)) => "the server shows no certificate".to_owned(),
            });
        };
        let mut facts = certificate::facts(&leaf)?;
        let parsed = ParsedCertificate::try_from(&leaf).map_err(|e| e.to_string())?;
        let matches = verify_server_name(&parsed, &name).is_ok();
        facts.insert("matches_host".to_owned(), matches.into());
        facts.insert("trusted".to_owned(), trust.is_ok().into());
        if let Err(why) = trust {
            facts.insert("why_not_trusted".to_owned(), distrust(&why).into());
        }
        Ok(facts)
    }
}

/// Per version `accepted`, `refused` or `unknown`. Whoever closes the connection
/// without a word refuses the version if it takes another one.
fn protocols(offers: &[(Version, Offer)]) -> Value {
    let takes_one = offers.iter().any(|(_, o)| *o == Offer::Accepted);
    let said = |version: Version| {
        let found = offers.iter().find(|(v, _)| *v == version).map(|(_, o)| o);
        match found {
            Some(Offer::Accepted) => "accepted",
            Some(Offer::Refused) => "refused",
            Some(Offer::Closed) if takes_one => "refused",
            Some(Offer::Closed | Offer::Unknown(_)) | None => "unknown",
        }
    };
    Version::ALL
        .iter()
        .map(|v| (v.name().to_owned(), json!(said(*v))))
        .collect::<Map<_, _>>()
        .into()
}

/// The leaf, and why it is not trusted.
type Seen = (CertificateDer<'static>, Result<(), String>);

/// Keeps what a server shows and what the judge says of it, and lets the handshake
/// go on in any case: nothing is ever sent over it.
#[derive(Debug)]
struct Witness {
    judge: Arc<Verifier>,
    seen: Mutex<Option<Seen>>,
}

impl Witness {
    fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let trust = self.judge.verify_server_cert(leaf, chain, name, ocsp, now);
        let trust = trust.map(drop).map_err(|e| e.to_string().to_lowercase());
        let seen = (leaf.clone().into_owned(), trust);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
