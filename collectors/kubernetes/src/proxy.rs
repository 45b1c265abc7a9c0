//! The proxy that variables of the environment name for an API server, as
//! kubectl reads them.

use std::net::IpAddr;

use http::Uri;

/// The proxy for `server`: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, unless
/// `NO_PROXY` covers its host. Loopback addresses never go through one. The
/// error is one clause.
pub(crate) fn choose<'e>(
    server: &Uri,
    var: &dyn Fn(&str) -> Option<&'e str>,
) -> Result<Option<Uri>, String> {
    let name = if server.scheme_str() == Some("http") { "HTTP_PROXY" } else { "HTTPS_PROXY" };
    let either = |name: &str| var(name).or_else(|| var(&name.to_ascii_lowercase()));
    let Some(proxy) = either(name) else { return Ok(None) };
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|a| a.is_loopback()) {
        return Ok(None);
    }
    let excepted = either("NO_PROXY").unwrap_or_default();
    if excepted.split([',', ' ']).any(|one| covers(one.trim(), &host, address)) {
        return Ok(None);
    }
    let proxy = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    // The address may hold a password and is not repeated.
    proxy.parse().map(Some).map_err(|_| format!("the variable `{name}` is no URL"))
}

/// Whether an entry of `NO_PROXY` covers a host: `*`, a name with or without
/// the domains below it, an address, or a block of addresses.
fn covers(entry: &str, host: &str, address: Option<IpAddr>) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry == "*" {
        return true;
    }
    if let (Some(address), Some((block, bits))) = (address, entry.split_once('/')) {
        let (Ok(block), Ok(bits)) = (block.parse::<IpAddr>(), bits.parse::<u32>()) else {
            return false;
        };
        return in_block(address, block, bits);
    }
    let entry = entry.to_ascii_lowercase();
    // A port at the end narrows an exception; ignoring it would widen it, and
    // API servers are named without.
    let name = entry.trim_start_matches("*.").trim_start_matches('.');
    host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
}

fn in_block(address: IpAddr, block: IpAddr, bits: u32) -> bool {
    let number = |a: IpAddr| match a {
        IpAddr::V4(a) => (u128::from(a.to_bits()) << 96, 32),
        IpAddr::V6(a) => (a.to_bits(), 128),
    };
    let ((a, width), (b, other)) = (number(address), number(block));
    let rest = 128 - bits.min(width);
    width == other && bits <= width && (rest == 128 || a >> rest == b >> rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(server: &str, vars: &[(&str, &'static str)], expected: Option<&str>) {
        let var = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        let chosen = choose(&server.parse().unwrap(), &var).unwrap();
        assert_eq!(chosen.map(|u| u.to_string()).as_deref(), expected, "{server} {vars:?}");
    }

    #[test]
    fn a_proxy_is_chosen_by_scheme_and_left_out_by_exception() {
        let proxy = ("HTTPS_PROXY", "http://proxy.example:3128");
        let there = Some("http://proxy.example:3128/");
        check("https://k8s.example:6443", &[proxy], there);
        check("https://k8s.example:6443", &[("https_proxy", "proxy.example:3128")], there);
        check("http://k8s.example", &[proxy], None);
        check("https://127.0.0.1:6443", &[proxy], None);
        check("https://[::1]:6443", &[proxy], None);
        for (host, except, covered) in [
            ("k8s.example", "example", true),
            ("k8s.example", ".example, other", true),
            ("k8sexample", "example", false),
            ("10.8.3.4", "10.8.0.0/16", true),
            ("10.9.3.4", "10.8.0.0/16", false),
            ("10.9.3.4", "0.0.0.0/0", true),
            ("[2001:db8::1]", "2001:db8::/32", true),
            ("10.9.3.4", "*", true),
        ] {
            let want = if covered { None } else { there };
            check(&format!("https://{host}:6443"), &[proxy, ("NO_PROXY", except)], want);
        }
    }
}
