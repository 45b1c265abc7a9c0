//! Which rules a new security group has, where Neutron cannot tell: before
//! 2023.2 there is no `default-security-group-rules`.
//!
//! Source: SCS standard scs-0115-v1.

use serde_json::{Map, Value, json};
use tidegate_openstack::Method;

use crate::fact::Fact;
use crate::region::{Creation, Halt, Region, Silence};
use crate::thing::Thing;

/// The members of a rule that are facts.
const MEMBERS: [&str; 5] =
    ["direction", "ethertype", "remote_group_id", "remote_ip_prefix", "protocol"];

pub(crate) async fn probe(region: &Region<'_>) -> Result<Fact, Halt> {
    let api = match region.api("network").await {
        Ok(Some(api)) => api,
        Ok(None) => return Ok(Fact::failed("the catalog has no network service")),
        Err(e) => return Ok(Fact::failed(e.to_string())),
    };
    match api.send(Method::GET, "default-security-group-rules", None).await {
        Ok(reply) if reply.status == 404 => {}
        Ok(reply) if reply.ok() => {
            let why = "the network service lists its default rules, so nothing was tried";
            return Ok(Fact::not_offered(why));
        }
        Ok(reply) => return Ok(Fact::failed(format!("the service answered {}", reply.said))),
        Err(e) => return Ok(Fact::failed(e.to_string())),
    }
    let body = json!({"security_group": {"name": region.name_of("security-group")}});
    let thing = Thing::SecurityGroup;
    let made = region.create(
        &api,
        thing,
        "security-group",
        "security-groups",
        &body,
        "/security_group/id",
    );
    let reply = match made.await? {
        Creation::Made { reply, .. } => reply,
        Creation::Refused(reply) => {
            let why = format!("cannot create a security group: {}", reply.said);
            return Ok(Fact::failed(why));
        }
        Creation::Unknown(Silence { why, .. }) => {
            return Ok(Fact::failed(format!("cannot create a security group: {why}")));
        }
    };
    let rules = reply.body.pointer("/security_group/security_group_rules");
    let Some(rules) = rules.and_then(Value::as_array) else {
        return Ok(Fact::failed("the new security group came without its rules"));
    };
    let rules: Vec<Value> = rules.iter().map(facts).collect();
    Ok(Fact::done().with("rules", rules))
}

fn facts(rule: &Value) -> Value {
    let member = |name: &str| (name.to_owned(), rule.get(name).cloned().unwrap_or_default());
    Value::Object(MEMBERS.into_iter().map(member).collect::<Map<_, _>>())
}
