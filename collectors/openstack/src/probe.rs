//! Signing in, where the SDK says too little or does too little: why it did
//! not work, and application credentials that are given by name.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use openstack_sdk::config::CloudConfig;
use openstack_sdk::{AuthError, OpenStackError};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tidegate_retry::innermost;

use crate::config::{Settings, Timeouts};
use crate::error::CollectError;

/// Puts the SDK's error into words that a user can act on. The SDK's discovery
/// swallows what the network said, so then the address is asked once more.
pub(crate) async fn explain(
    settings: &Settings,
    config: &CloudConfig,
    timeouts: &Timeouts,
    e: OpenStackError,
) -> CollectError {
    match e {
        OpenStackError::AuthError { source } => refused(settings, source),
        OpenStackError::Communication { source } => network(settings, &source),
        OpenStackError::IOWithPath { source, path } => {
            CollectError::BadConfig { path: path.into(), why: source.to_string() }
        }
        OpenStackError::AuthHelperError { .. } => CollectError::NoUsableAuth {
            cloud: settings.name.clone(),
            why: "a part of the credentials is missing".to_owned(),
        },
        OpenStackError::Discovery { .. } => match client(config, timeouts) {
            Err(e) => network(settings, &e),
            Ok(client) => match client.get(&settings.auth_url).send().await {
                Err(e) => network(settings, &e),
                Ok(answer) => CollectError::NotKeystone {
                    auth_url: settings.auth_url.clone(),
                    why: format!("it answered {} without a version document", answer.status()),
                },
            },
        },
        other => CollectError::SignIn { cloud: settings.name.clone(), source: Arc::new(other) },
    }
}

fn refused(settings: &Settings, e: AuthError) -> CollectError {
    let (code, said) = match &e {
        AuthError::Identity(e) => (e.code, e.message.clone()),
        AuthError::UnknownAuth { code, message } => {
            (u32::from(*code), message.clone().unwrap_or_default())
        }
        AuthError::Reqwest { source } => return network(settings, source),
        _ => (0, String::new()),
    };
    let (cloud, auth_url) = (settings.name.clone(), settings.auth_url.clone());
    let by_token = settings.cloud.auth_type.as_deref() == Some("v3token");
    match code {
        // A token that is gone is 404 to Keystone.
        401 | 404 if by_token => CollectError::ExpiredToken { cloud, auth_url },
        401 => CollectError::WrongPassword { cloud, auth_url },
        403 => CollectError::ScopeRefused { cloud, said },
        0 => CollectError::SignIn { cloud, source: Arc::new(e) },
        code => CollectError::NotKeystone {
            auth_url,
            why: format!("it answered {code} to the request for a token"),
        },
    }
}

fn network(settings: &Settings, e: &reqwest::Error) -> CollectError {
    let auth_url = settings.auth_url.clone();
    let why = innermost(e);
    let mut at: Option<&(dyn Error + 'static)> = Some(e);
    while let Some(cause) = at {
        let text = cause.to_string().to_lowercase();
        if text.contains("certificate") || text.contains("unknownissuer") {
            return CollectError::UntrustedCertificate { auth_url, why: distrust(&why) };
        }
        at = cause.source();
    }
    let why = if e.is_timeout() { "no answer within the time-out".to_owned() } else { why };
    CollectError::Unreachable { auth_url, why }
}

/// What is wrong with a certificate, in words; the TLS library says it in the
/// names of its types.
pub(crate) fn distrust(why: &str) -> String {
    let known = [
        ("unknownissuer", "it is signed by an unknown authority"),
        ("causedasendentity", "it is an authority's own certificate, which servers must not show"),
        ("notvalidforname", "it is for another name"),
        ("not valid for name", "it is for another name"),
        ("not valid yet", "it is not valid yet"),
        ("expired", "it has expired"),
    ];
    let found = known.iter().find(|(mark, _)| why.contains(mark));
    found.map_or_else(|| why.to_owned(), |(_, words)| (*words).to_owned())
}

fn client(config: &CloudConfig, timeouts: &Timeouts) -> Result<Client, reqwest::Error> {
    // Credentials go in its requests, so it goes nowhere else.
    Nobody::new(config, timeouts).client()
}

/// How a cloud is reached by somebody who is not signed in: trust and
/// time-outs, no credentials.
#[derive(Clone)]
pub(crate) struct Nobody {
    /// The PEM texts of the cloud's own authorities.
    bundle: Vec<u8>,
    verify: bool,
    timeouts: Timeouts,
}

impl Nobody {
    pub(crate) fn new(config: &CloudConfig, timeouts: &Timeouts) -> Self {
        let bundle = config.cacert.as_ref().and_then(|path| std::fs::read(path).ok());
        Self {
            bundle: bundle.unwrap_or_default(),
            verify: config.verify != Some(false),
            timeouts: *timeouts,
        }
    }

    /// The same with time-outs of at most this.
    pub(crate) fn limited(&self, limit: Duration) -> Self {
        let Timeouts { request, connect } = self.timeouts;
        let timeouts = Timeouts { request: request.min(limit), connect: connect.min(limit) };
        Self { timeouts, ..self.clone() }
    }

    /// The cloud's own authorities.
    pub(crate) fn roots(&self) -> impl Iterator<Item = CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(&self.bundle).flatten()
    }

    fn builder(&self) -> ClientBuilder {
        let Timeouts { request, connect } = self.timeouts;
        let mut builder = Client::builder().timeout(request).connect_timeout(connect);
        for certificate in self.roots().filter_map(|c| Certificate::from_der(&c).ok()) {
            builder = builder.add_root_certificate(certificate);
        }
        builder.danger_accept_invalid_certs(!self.verify)
    }

    /// A client that shows answers as they are, redirections too.
    pub(crate) fn client(&self) -> Result<Client, reqwest::Error> {
        self.builder().redirect(Policy::none()).build()
    }
}

/// Finds the id of an application credential that is given by name. The SDK
/// signs in by id only; one request by name tells it.
pub(crate) async fn name_to_id(
    settings: &Settings,
    config: &mut CloudConfig,
    timeouts: &Timeouts,
) -> Result<(), CollectError> {
    let by_name = config.auth_type.as_deref() == Some("v3applicationcredential")
        && config.auth.as_ref().is_some_and(|a| a.application_credential_id.is_none());
    // `Serialize` is how the SDK itself takes secrets out of the configuration.
    let auth = match by_name.then(|| serde_json::to_value(&config.auth)) {
        Some(Ok(auth)) => auth,
        Some(Err(_)) | None => return Ok(()),
    };
    let domain = match auth.get("user_domain_id").filter(|d| !d.is_null()) {
        Some(id) => json!({ "id": id }),
        None => json!({ "name": auth.get("user_domain_name") }),
    };
    let user = match auth.get("user_id").filter(|u| !u.is_null()) {
        Some(id) => json!({ "id": id }),
        None => json!({ "name": auth.get("username"), "domain": domain }),
    };
    let body = json!({"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {
            "name": auth.get("application_credential_name"),
            "secret": auth.get("application_credential_secret"),
            "user": user,
        },
    }}});
    let root = settings.auth_url.trim_end_matches('/');
    let version = if root.ends_with("/v3") { "" } else { "/v3" };
    let client = client(config, timeouts).map_err(|e| network(settings, &e))?;
    let request = client
        .post(format!("{root}{version}/auth/tokens?nocatalog"))
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.map_err(|e| network(settings, &e))?;
    let status = answer.status().as_u16();
    let text = answer.bytes().await.map_err(|e| network(settings, &e))?;
    if !(200..300).contains(&status) {
        return Err(refused(settings, AuthError::UnknownAuth { code: status, message: None }));
    }
    let token: Value = serde_json::from_slice(&text).unwrap_or_default();
    let id = token.pointer("/token/application_credential/id").and_then(Value::as_str);
    let Some(id) = id else {
        return Err(CollectError::NoUsableAuth {
            cloud: settings.name.clone(),
            why: "Keystone does not say which id the application credential has".to_owned(),
        });
    };
    if let Some(auth) = &mut config.auth {
        auth.application_credential_id = Some(id.to_owned());
    }
    Ok(())
}
