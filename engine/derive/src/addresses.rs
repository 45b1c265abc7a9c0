//! `openstack.addresses`: which addresses of a server are of the internet.
//!
//! Most servers have none, and the facts about them are equal but for the project: what
//! a rule says of one it says of all. Addresses themselves differ from server to server.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use tidegate_model::Fact;

use crate::single::Single;
use crate::unreadable;

pub(crate) const KIND: &str = "openstack.addresses";
pub(crate) const SERVER: &str = "compute.server";

pub(crate) static ADDRESSES: Single =
    Single { kind: KIND, input: SERVER, possible: "openstack/compute.server/", body };

/// A server, as far as it matters here.
/// Source: <https://docs.openstack.org/api-ref/compute/#list-servers-detailed>.
#[derive(Deserialize)]
struct Server<'t> {
    #[serde(borrow)]
    addresses: BTreeMap<Cow<'t, str>, Vec<Address<'t>>>,
    #[serde(borrow, rename = "accessIPv4")]
    access_ipv4: Cow<'t, str>,
    #[serde(borrow, rename = "accessIPv6")]
    access_ipv6: Cow<'t, str>,
    #[serde(borrow)]
    tenant_id: Cow<'t, str>,
}

#[derive(Deserialize)]
struct Address<'t> {
    #[serde(borrow)]
    addr: Cow<'t, str>,
    #[serde(borrow, rename = "OS-EXT-IPS:type")]
    how: Option<Cow<'t, str>>,
}

/// What the fact says.
#[derive(Serialize)]
struct Body<'t> {
    external: Vec<External<'t>>,
    /// Only beside fixed addresses of the internet, so that other servers are alike.
    internal: Vec<&'t str>,
    tenant_id: &'t str,
}

#[derive(Serialize)]
struct External<'t> {
    addr: &'t str,
    path: String,
    #[serde(rename = "type")]
    how: &'t str,
}

fn body(server: &Fact) -> Option<String> {
    let text = &server.resource.body;
    let read = serde_json::from_str(text).map_err(|error| format!("as a server: {error}"));
    let told = read.and_then(|server: Server<'_>| {
        serde_json::to_string(&told(&server)?).map_err(|error| error.to_string())
    });
    Some(told.unwrap_or_else(|why| unreadable(&why)))
}

/// Sorts the addresses; an error is one that is none.
fn told<'t>(server: &'t Server<'_>) -> Result<Body<'t>, String> {
    let (mut external, mut internal) = (Vec::new(), Vec::new());
    for (network, list) in &server.addresses {
        for Address { addr, how } in list {
            let how = how.as_deref().unwrap_or("fixed");
            let path = || format!("/addresses/{}", escaped(network));
            if is_internal(addr).ok_or_else(|| none(&path(), addr))? {
                internal.extend((how == "fixed").then_some(addr.as_ref()));
            } else {
                external.push(External { addr, path: path(), how });
            }
        }
    }
    if !external.iter().any(|e| e.how == "fixed") {
        internal.clear();
    }
    let access = [("/accessIPv4", &server.access_ipv4), ("/accessIPv6", &server.access_ipv6)];
    for (path, addr) in access.into_iter().filter(|(_, addr)| !addr.is_empty()) {
        if !is_internal(addr).ok_or_else(|| none(path, addr))? {
            external.push(External { addr, path: path.to_owned(), how: "access" });
        }
    }
    Ok(Body { external, internal, tenant_id: &server.tenant_id })
}

fn none(path: &str, addr: &str) -> String {
    format!("`{path}`: `{addr}` is no IP address")
}

/// A name as a segment of a pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Whether the internet does not route an address; none if it is no address. RFC 1918,
/// RFC 6598, RFC 3927, RFC 4193, link-local and loopback; of the IANA special-purpose
/// registries those that networks are built of, not examples and reserved ones, whose
/// use where the world may see it is worth a look.
fn is_internal(text: &str) -> Option<bool> {
    Some(match text.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    })
}
