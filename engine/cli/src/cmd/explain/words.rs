//! Derived facts of OpenStack in words; their shapes are in `docs/derived.md`.

use serde_json::{Map, Value};
use tidegate_model::Resource;

/// A line each; none for kinds that are no use in words.
pub(super) fn of(resource: &Resource) -> Vec<String> {
    let Ok(body) = serde_json::from_str::<Value>(&resource.body) else {
        return vec!["cannot be read".to_owned()];
    };
    if let Some(why) = body.pointer("/tidegate/unreadable").and_then(Value::as_str) {
        return vec![format!("cannot be told: {why}")];
    }
    match resource.kind.as_str() {
        "openstack.opening" => opening(&body),
        "openstack.exposure" => exposure(&body),
        "openstack.access" => access(&body),
        _ => Vec::new(),
    }
}

fn opening(body: &Value) -> Vec<String> {
    let mut lines = ranges(body, "lets the whole world in on");
    if lines.is_empty() {
        lines.push("lets the whole world in on nothing".to_owned());
    }
    for (_, wide) in members(body, "wide") {
        let (prefix, rule) = (text(wide, "prefix"), text(wide, "rule"));
        lines.push(format!("lets in {prefix} on {} by rule `{rule}`", ports(wide)));
    }
    let out: Vec<&str> = members(body, "egress").map(|(family, _)| name(family)).collect();
    if !out.is_empty() {
        lines.push(format!("lets everything out to everywhere ({})", out.join(", ")));
    }
    lines
}

fn exposure(body: &Value) -> Vec<String> {
    if body.get("neutron") == Some(&Value::Bool(true)) {
        return vec![format!("is a port of Neutron itself ({})", text(body, "device_owner"))];
    }
    let mut lines: Vec<String> = members(body, "ways").map(|(_, w)| way(w)).collect();
    if lines.is_empty() {
        lines.push("no way leads to it from the world".to_owned());
    }
    let exposed = ranges(body, "the world reaches");
    if exposed.is_empty() && body.get("exposed").is_some() {
        lines.push("the world reaches nothing".to_owned());
    }
    lines.extend(exposed);
    for (pair, _) in members(body, "pairs") {
        lines.push(format!("may use {pair} by an allowed address pair"));
    }
    lines
}

/// How the world comes to an address.
fn way(way: &Value) -> String {
    let named = |what: &str, member: &str| {
        let id = way.get(member).and_then(Value::as_str);
        id.map(|id| format!(" {what} `{id}`")).unwrap_or_default()
    };
    let address = text(way, "address");
    let fixed = way.get("fixed").and_then(Value::as_str).unwrap_or("an address");
    let through = named("through router", "router");
    let outside = named("of external network", "network");
    let floating = format!("{}{outside}", named("floating IP", "floating_ip"));
    let how = match text(way, "how") {
        "floating_ip" => format!("{floating} leads to {fixed}{through}"),
        "forwarding" => format!("{floating} forwards {} to {fixed}{through}", ports(way)),
        "pair" => format!(
            "{floating} leads to the virtual address {fixed}, which its address pair {} allows{through}",
            text(way, "pair")
        ),
        "external" => format!(" it stands in{}", named("the external network", "network")),
        "provider" => format!(" it stands in{}", named("the provider network", "network")),
        "routed" => format!(
            "{} is routed{through}{}",
            named("subnet", "subnet"),
            named("to external network", "network")
        ),
        other => format!(" {other}"),
    };
    let public = match way.get("public") {
        Some(Value::Bool(false)) => " (private: reached from where that network is)",
        _ => "",
    };
    format!("{address}{public}:{how}")
}

/// What is open, a line for each range.
fn ranges(body: &Value, verb: &str) -> Vec<String> {
    let whole = members(body, "all").map(|(_, all)| (all, "everything".to_owned()));
    let some = ["tcp", "udp", "icmp", "other"].into_iter();
    let some = some.flat_map(|protocol| members(body, protocol)).map(|(_, r)| (r, ports(r)));
    let line = |(range, what): (&Value, String)| {
        let rules: Vec<String> = members(range, "rules").map(|(id, t)| through(id, t)).collect();
        let why = match rules.as_slice() {
            [] => "port security is off".to_owned(),
            rules => rules.join("; "),
        };
        format!("{verb} {what} ({}): {why}", name(text(range, "family")))
    };
    whole.chain(some).map(line).collect()
}

fn through(id: &str, rule: &Value) -> String {
    let member = |name: &str| rule.get(name).and_then(Value::as_str);
    let whom = match (member("remote"), member("address_group")) {
        (Some(prefix), _) => prefix.to_owned(),
        (None, Some(group)) => format!("address group `{group}`"),
        (None, None) => "everybody".to_owned(),
    };
    format!("rule `{id}` of group `{}` lets in {whom}", text(rule, "group"))
}

/// `tcp 22`, `udp 1-65535`, `icmp 8/0`, `gre`.
fn ports(range: &Value) -> String {
    let number = |name: &str| range.get(name).and_then(Value::as_u64);
    let protocol = text(range, "protocol");
    match (number("from"), number("to"), number("type"), number("code")) {
        (Some(from), Some(to), _, _) if from == to => format!("{protocol} {from}"),
        (Some(from), Some(to), _, _) => format!("{protocol} {from}-{to}"),
        (_, _, Some(of), Some(code)) => format!("{protocol} {of}/{code}"),
        (_, _, Some(of), None) => format!("{protocol} {of}"),
        (_, _, None, _) => protocol.to_owned(),
    }
}

fn access(body: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (role, scopes) in members(body, "roles") {
        for (scope, chains) in scopes.as_object().into_iter().flatten() {
            let described = body.get("scopes").and_then(|s| s.get(scope));
            let name = described.and_then(|d| d.get("name")).and_then(Value::as_str);
            let name = name.map(|n| format!(" `{n}`")).unwrap_or_default();
            let chain = |(chain, granted): (&String, &Value)| {
                let granted = granted.as_str().unwrap_or_default();
                let by = match chain.split_once('/') {
                    Some((what, id)) => format!("by {what} `{id}`"),
                    None => "directly".to_owned(),
                };
                if granted == role { by } else { format!("{by} as `{granted}`, which implies it") }
            };
            let chains = chains.as_object().into_iter().flatten().map(chain);
            let chains = chains.collect::<Vec<_>>().join("; ");
            lines.push(format!("has `{role}` on {scope}{name}: {chains}"));
        }
    }
    if lines.is_empty() {
        lines.push("has no role".to_owned());
    }
    lines
}

fn members<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn name(family: &str) -> &'static str {
    if family == "ipv6" { "IPv6" } else { "IPv4" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn range() -> Value {
        let rules = json!({"r": {"address_group": null, "from": 22, "group": "g", "protocol": "tcp", "remote": "0.0.0.0/0", "to": 22}});
        json!({"ipv4:22-22": {"family": "ipv4", "from": 22, "protocol": "tcp", "rules": rules, "to": 22}})
    }

    #[test]
    fn an_exposure_tells_the_way_and_the_rule() {
        let way = json!({"address": "198.51.100.7", "family": "ipv4", "fixed": "10.0.0.5", "floating_ip": "f", "how": "floating_ip", "network": "ext", "public": true, "router": "rt"});
        let body = json!({"exposed": true, "neutron": false, "pairs": {"10.0.0.0/8": {}}, "tcp": range(), "ways": {"floating_ip:198.51.100.7": way}});
        assert_eq!(
            exposure(&body),
            [
                "198.51.100.7: floating IP `f` of external network `ext` leads to 10.0.0.5 through router `rt`",
                "the world reaches tcp 22 (IPv4): rule `r` of group `g` lets in 0.0.0.0/0",
                "may use 10.0.0.0/8 by an allowed address pair",
            ]
        );
        let nothing = json!({"exposed": false, "ways": {}});
        assert_eq!(
            exposure(&nothing),
            ["no way leads to it from the world", "the world reaches nothing"]
        );
    }

    #[test]
    fn an_opening_tells_what_everybody_may_do() {
        let wide = json!({"r:0.0.0.0/1": {"from": null, "prefix": "0.0.0.0/1", "protocol": "any", "rule": "r", "to": null}});
        let body = json!({"egress": {"ipv4": {}}, "tcp": range(), "wide": wide});
        assert_eq!(
            opening(&body),
            [
                "lets the whole world in on tcp 22 (IPv4): rule `r` of group `g` lets in 0.0.0.0/0",
                "lets in 0.0.0.0/1 on any by rule `r`",
                "lets everything out to everywhere (IPv4)",
            ]
        );
    }

    #[test]
    fn access_tells_each_chain() {
        let chains = json!({"direct": "admin", "group/g": "boss"});
        let body = json!({"roles": {"admin": {"project/p": chains}}, "scopes": {"project/p": {"name": "shop"}}});
        assert_eq!(
            access(&body),
            ["has `admin` on project/p `shop`: directly; by group `g` as `boss`, which implies it"]
        );
        assert_eq!(access(&json!({"roles": {}})), ["has no role"]);
    }
}
