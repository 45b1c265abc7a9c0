//! What services say to requests without a token.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Map, Value, json};

use super::{Extra, Spot, silence};
use crate::request::message;

/// One byte more than the middleware of OpenStack's services lets through by
/// default.
///
/// Source: oslo.middleware, `max_request_body_size`.
const TOO_LARGE: usize = 114_688 + 1;

/// The services that have that middleware in the pipeline they come with, before
/// the one that asks for a token.
const LIMITED: [&str; 4] = ["identity", "compute", "block-storage", "shared-file-system"];

/// What Keystone says to whoever it does not know, unless it is set to tell why.
const REFUSAL: &str = "The request you have made requires authentication.";

/// A user that no cloud has.
const NOBODY: &str = "tidegate-doesnotexist";

/// Whether a service is asked for the fact.
pub(super) fn concerns(extra: Extra, spot: &Spot) -> bool {
    match extra {
        Extra::Anonymous => true,
        Extra::AuthErrors => spot.service.name == "identity",
        Extra::BodyLimit => LIMITED.contains(&spot.service.name),
        Extra::Tls | Extra::Dashboard => false,
    }
}

/// Asks one service once.
pub(super) async fn facts(extra: Extra, client: &Client, spot: &Spot) -> Value {
    // What the service lists first is its usual list.
    let list = spot.service.rows.first().map_or("", |row| row.path);
    let path = if extra == Extra::AuthErrors { "auth/tokens" } else { list };
    let url = format!("{}{path}", spot.base);
    let request = match extra {
        Extra::AuthErrors => json_body(client, &url, sign_in().to_string()),
        Extra::BodyLimit => json_body(client, &url, " ".repeat(TOO_LARGE)),
        Extra::Anonymous | Extra::Tls | Extra::Dashboard => client.get(&url),
    };
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("service", spot.service.name.into());
    put("interface", spot.interface.as_str().into());
    put("url", url.as_str().into());
    put("path", path.into());
    if extra == Extra::BodyLimit {
        put("sent_bytes", TOO_LARGE.into());
    }
    match request.send().await {
        Err(e) => {
            put("reached", false.into());
            put("error", silence(&e).into());
        }
        Ok(answer) => {
            put("reached", true.into());
            put("status", answer.status().as_u16().into());
            if extra == Extra::AuthErrors {
                let said = text(answer).await;
                // What could not be read names nothing, and hides nothing either.
                if let Some(said) = &said {
                    put("names_reason", (said.trim() != REFUSAL).into());
                }
                put("message", said.into());
            }
        }
    }
    Value::Object(body)
}

fn json_body(client: &Client, url: &str, body: String) -> RequestBuilder {
    client.post(url).header("content-type", "application/json").body(body)
}

fn sign_in() -> Value {
    let domain = json!({"id": "default"});
    json!({"auth": {"identity": {
        "methods": ["password"],
        "password": {"user": {"name": NOBODY, "domain": domain, "password": NOBODY}},
    }}})
}

/// The message of an error, shortened.
async fn text(answer: Response) -> Option<String> {
    message(&answer.bytes().await.ok()?)
}
