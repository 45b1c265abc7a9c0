//! Whether a secret can be created, listed and deleted.
//!
//! Source: SCS standard scs-0116-v1.

use serde_json::{Value, json};
use tidegate_openstack::{ApiError, Method, Reply};

use crate::fact::{Fact, Outcome};
use crate::region::{Creation, Halt, Region, Silence};
use crate::thing::Thing;

/// What became of one operation.
struct Step {
    op: &'static str,
    status: Option<u16>,
    error: Option<String>,
    /// Whether it was tried at all.
    tried: bool,
}

impl Step {
    fn of(op: &'static str, answer: Result<Reply, ApiError>) -> Self {
        match answer {
            Ok(reply) => {
                let error = reply.message.clone().filter(|_| !reply.ok());
                Self { op, status: Some(reply.status), error, tried: true }
            }
            Err(e) => Self { op, status: None, error: Some(e.to_string()), tried: true },
        }
    }

    fn ok(&self) -> bool {
        self.status.is_some_and(|s| (200..300).contains(&s))
    }

    /// Whether it says something about permissions. A service that is down,
    /// overloaded or does not know the token says nothing.
    fn says(&self) -> bool {
        self.ok() || self.status.is_some_and(|s| (400..500).contains(&s) && s != 401 && s != 429)
    }

    fn to_json(&self) -> Value {
        let mut step = json!({"op": self.op, "status": self.status});
        if let (Some(error), Some(step)) = (&self.error, step.as_object_mut()) {
            step.insert("error".into(), json!(error));
        }
        step
    }
}

pub(crate) async fn probe(region: &Region<'_>) -> Result<Fact, Halt> {
    let api = match region.api("key-manager").await {
        Ok(Some(api)) => api,
        Ok(None) => return Ok(Fact::not_offered("the catalog has no key-manager")),
        Err(e) => return Ok(Fact::failed(e.to_string())),
    };
    let name = region.name_of("secret");
    // The payload is no secret: it says what it is.
    let body = json!({
        "name": name,
        "payload": "tidegate-probe",
        "payload_content_type": "text/plain",
        "secret_type": "opaque",
    });
    let created = region.create(&api, Thing::Secret, "secret", "secrets", &body, "/secret_ref");
    let (create, id) = match created.await? {
        Creation::Made { id, reply } => (Step::of("create", Ok(reply)), Some(id)),
        Creation::Refused(reply) => (Step::of("create", Ok(reply)), None),
        Creation::Unknown(Silence { status, message: error, .. }) => {
            (Step { op: "create", status, error, tried: true }, None)
        }
    };
    let listed = api.send(Method::GET, &format!("secrets?name={name}&limit=10"), None).await;
    let shown = listed.as_ref().ok().filter(|r| r.ok()).map(|r| {
        let all = r.body.get("secrets").and_then(Value::as_array);
        all.is_some_and(|all| all.iter().any(|s| s.get("name") == Some(&json!(name))))
    });
    let mut list = Step::of("list", listed);
    if id.is_some() && shown == Some(false) {
        list.error = Some("the list lacks the secret that was created".to_owned());
    }
    let delete = match &id {
        Some(id) => {
            let answer = api.send(Method::DELETE, &format!("secrets/{id}"), None).await;
            let step = Step::of("delete", answer);
            if step.ok() {
                region.close("secret").await?;
            }
            step
        }
        None => Step {
            op: "delete",
            status: None,
            error: Some("there was nothing to delete".to_owned()),
            tried: false,
        },
    };
    Ok(conclude(&[create, list, delete]))
}

/// A refusal is a result, whatever else went wrong; otherwise every operation
/// must have had an answer that says something.
fn conclude(steps: &[Step]) -> Fact {
    let refused = steps.iter().any(|s| s.says() && !s.ok());
    let silent = steps.iter().find(|s| s.tried && !s.says()).filter(|_| !refused);
    let mut fact = Fact::done();
    if let Some(step) = silent {
        let status = step.status.map(|s| format!("the service answered {s}"));
        let why: Vec<String> = status.into_iter().chain(step.error.clone()).collect();
        let why = why.join(": ");
        fact.outcome = Outcome::Failed(format!("cannot {} a secret: {why}", step.op));
    }
    fact.with("steps", steps.iter().map(Step::to_json).collect::<Vec<_>>())
}
