//! What a certificate says.

use std::net::IpAddr;

use serde_json::{Map, Value, json};
use tidegate_model::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Subject, issuer, names, validity and whether it is signed by itself. The error
/// is one clause.
pub(super) fn facts(der: &[u8]) -> Result<Map<String, Value>, String> {
    let broken = |e: x509_cert::der::Error| format!("the certificate is not usable: {e}");
    let certificate = Certificate::from_der(der).map_err(broken)?;
    let inside = certificate.tbs_certificate();
    let names = inside.get_extension::<SubjectAltName>().map_err(broken)?;
    let names: Vec<String> =
        names.iter().flat_map(|(_, names)| &names.0).filter_map(name).collect();
    let time = |time: &x509_cert::time::Time| {
        let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
        let time = Timestamp::from_second(seconds);
        time.map(|t| t.to_string()).map_err(|e| format!("the certificate is not usable: {e}"))
    };
    let validity = inside.validity();
    let (subject, issuer) = (inside.subject(), inside.issuer());
    let same = subject.to_der().map_err(broken)? == issuer.to_der().map_err(broken)?;
    let facts = json!({
        "subject": subject.to_string(),
        "issuer": issuer.to_string(),
        "names": names,
        "not_before": time(&validity.not_before)?,
        "not_after": time(&validity.not_after)?,
        "self_signed": same,
    });
    Ok(facts.as_object().cloned().unwrap_or_default())
}

/// A host name or an address; others are not what a service is reached by.
fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
            address.ok().map(|a| a.to_string())
        }
        GeneralName::OtherName(_)
        | GeneralName::Rfc822Name(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::UniformResourceIdentifier(_)
        | GeneralName::RegisteredId(_) => None,
    }
}
