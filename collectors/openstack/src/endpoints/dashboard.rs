//! What the first page of the dashboard says: cookies and headers.

use http::HeaderMap;
use reqwest::{Client, Response};
use serde_json::{Map, Value, json};
use url::Url;

use super::{address, silence};

/// Redirections that are followed: from the root to the page that asks for a
/// password there are one or two.
const STEPS: usize = 3;

/// How much of the page is read.
const LONGEST: usize = 512 * 1024;

/// Headers that are facts.
const HEADERS: [&str; 5] = [
    "content-security-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
];

/// An address that is none of a dashboard. It is not repeated, since a password may
/// be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadDashboard {
    /// Not an absolute URL of http or https.
    #[error("the dashboard's address does not begin with `https://` or `http://` and a host")]
    NoUrl,
    /// It has a user or a password.
    #[error("the dashboard's address has a user or a password in it")]
    Credentials,
}

/// Reads where a dashboard is.
///
/// # Errors
/// It is no URL of http or https, or holds a user or a password.
pub fn dashboard_address(text: &str) -> Result<Url, BadDashboard> {
    let url = Url::parse(text).map_err(|_| BadDashboard::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(BadDashboard::NoUrl);
    }
    if has_credentials(&url) {
        return Err(BadDashboard::Credentials);
    }
    Ok(url)
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Fetches the page; redirections to other hosts are not followed, nor those to an
/// address with a password.
///
/// # Errors
/// In a clause without the address, if that is not usable.
pub(super) async fn facts(client: &Client, url: &str) -> Result<Value, String> {
    let mut at = dashboard_address(url).map_err(|e| e.to_string())?;
    let host = at.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = at.port_or_known_default().ok_or_else(|| BadDashboard::NoUrl.to_string())?;
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("address", address(&host, port).into());
    let mut cookies = Map::new();
    for step in 0..=STEPS {
        put("url", at.as_str().into());
        let answer = match client.get(at.clone()).send().await {
            Ok(answer) => answer,
            Err(e) => {
                put("reached", false.into());
                put("error", silence(&e).into());
                break;
            }
        };
        for (name, cookie) in set_cookies(answer.headers()) {
            cookies.insert(name, cookie);
        }
        let next = answer.headers().get("location").and_then(|l| l.to_str().ok());
        let next = next.filter(|_| answer.status().is_redirection()).and_then(|l| at.join(l).ok());
        let same = |next: &Url| {
            (next.host(), next.port_or_known_default()) == (at.host(), at.port_or_known_default())
        };
        let followed = next.filter(same).filter(|next| step < STEPS && !has_credentials(next));
        if let Some(next) = followed {
            at = next;
            continue;
        }
        put("reached", true.into());
        put("status", answer.status().as_u16().into());
        put("headers", headers(answer.headers()));
        put("autocomplete", autocomplete(&page(answer).await).into());
        break;
    }
    put("cookies", Value::Array(cookies.into_iter().map(|(_, cookie)| cookie).collect()));
    Ok(Value::Object(body))
}

fn headers(all: &HeaderMap) -> Value {
    let kept = HEADERS.iter().filter_map(|name| {
        let value = all.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), Value::from(value)))
    });
    Value::Object(kept.collect())
}

/// Cookies by name, without their value.
fn set_cookies(all: &HeaderMap) -> impl Iterator<Item = (String, Value)> {
    all.get_all("set-cookie").iter().filter_map(|value| {
        let mut parts = value.to_str().ok()?.split(';').map(str::trim);
        let name = parts.next()?.split('=').next()?.to_owned();
        let attributes: Vec<(String, &str)> = parts
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .map(|(k, v)| (k.to_ascii_lowercase(), v))
            .collect();
        let has = |wanted: &str| attributes.iter().any(|(k, _)| k == wanted);
        let same_site = attributes.iter().find(|(k, _)| k == "samesite");
        let cookie = json!({"name": name, "secure": has("secure"), "http_only": has("httponly"),
            "same_site": same_site.map(|(_, v)| v.to_ascii_lowercase())});
        Some((name, cookie))
    })
}

async fn page(mut answer: Response) -> String {
    let mut body = Vec::new();
    while body.len() < LONGEST
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(LONGEST);
    String::from_utf8_lossy(&body).into_owned()
}

/// What the page tells browsers about keeping the password: `on`, `off` (also by
/// `new-password`), `unset`, or `none` if it asks for no password.
fn autocomplete(page: &str) -> &'static str {
    let page = page.to_ascii_lowercase();
    let inputs = page.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
    let attribute = |tag: &str, name: &str| {
        let value = tag.split_once(&format!("{name}="))?.1;
        let value = value.trim_start_matches(['"', '\'']);
        Some(value.split(['"', '\'', ' ', '/']).next().unwrap_or_default().to_owned())
    };
    let password = inputs.into_iter().find(|t| attribute(t, "type").as_deref() == Some("password"));
    let form = page.split("<form").skip(1).filter_map(|rest| rest.split('>').next());
    let of_form = form.filter_map(|t| attribute(t, "autocomplete")).next();
    match password.map(|tag| attribute(tag, "autocomplete").or(of_form)) {
        None => "none",
        Some(None) => "unset",
        Some(Some(value)) if value == "off" || value == "new-password" => "off",
        Some(Some(_)) => "on",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_whether_browsers_keep_the_password() {
        let check = |page, expected| assert_eq!(autocomplete(page), expected, "{page}");
        check(
            "<form><input name=a type=\"text\"><input type=\"password\" autocomplete='off'>",
            "off",
        );
        check("<form autocomplete=\"off\"><INPUT TYPE=\"password\" name=\"p\"/>", "off");
        check("<input type=\"password\" autocomplete=\"current-password\">", "on");
        check("<input autocomplete=\"off\" type=\"text\"><input type=\"password\">", "unset");
        check("<html>no form</html>", "none");
    }

    #[tokio::test]
    async fn an_address_with_a_password_is_refused_and_not_repeated() {
        let check = |text: &'static str, expected| {
            assert_eq!(dashboard_address(text).unwrap_err(), expected, "{text}");
        };
        check("ops:hunter2@dash.example", BadDashboard::NoUrl);
        check("dash.example", BadDashboard::NoUrl);
        check("ftp://dash.example", BadDashboard::NoUrl);
        check("https://ops:hunter2@dash.example", BadDashboard::Credentials);
        check("https://ops@dash.example", BadDashboard::Credentials);
        assert!(dashboard_address("https://dash.example/horizon").is_ok());
        let said = facts(&Client::new(), "ops:hunter2@dash.example").await.unwrap_err();
        assert!(!said.contains("ops") && !said.contains("hunter2"), "{said}");
    }

    #[test]
    fn a_cookie_is_told_without_its_value() {
        let mut all = HeaderMap::new();
        all.append("set-cookie", "csrftoken=SECRET; Path=/; Secure; SameSite=Lax".parse().unwrap());
        all.append("set-cookie", "sessionid=SECRET; httponly".parse().unwrap());
        let told: Vec<Value> = set_cookies(&all).map(|(_, c)| c).collect();
        assert_eq!(
            Value::from(told),
            json!([
                {"name": "csrftoken", "secure": true, "http_only": false, "same_site": "lax"},
                {"name": "sessionid", "secure": false, "http_only": true, "same_site": null},
            ])
        );
    }
}
