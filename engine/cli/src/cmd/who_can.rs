//! `tidegate policy who-can`: who may do something, by which grants.

use std::str::FromStr as _;

use serde_json::json;
use tidegate_derive::Derived;
use tidegate_derive::who::{Grant, Holder, Holders, WhoError, who_can};
use tidegate_model::{Kind, SnapshotId};
use tidegate_store::At;

use crate::cmd::Context;
use crate::cmd::show::one_subject;
use crate::cmd::store::{failure, resolve};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output, columns};

/// What is asked.
pub(crate) struct Asked {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) cloud: Option<String>,
    pub(crate) at: String,
}

pub(crate) async fn run(ctx: &mut Context<'_>, asked: Asked, output: &Output) -> Result<Exit> {
    let at = At::from_str(&asked.at).map_err(|e| Failure::usage(e.to_string()))?;
    let store = ctx.store().await?;
    let subject = one_subject(ctx, &store, asked.cloud.as_deref(), &[&at]).await?;
    let id = resolve(ctx, &store, &subject, &at).await?;
    let facts = store.snapshot(&id).await.map_err(failure)?;
    let (action, resource) = (asked.action.clone(), asked.resource.clone());
    let found = tokio::task::spawn_blocking(move || {
        let derived = Derived::new(&facts, std::iter::empty::<&Kind>());
        who_can(&derived, &action, &resource)
    })
    .await
    .map_err(|e| Failure::new("the answer broke off").caused_by(Some(&e)))?;
    let found = found.map_err(|e| refusal(&e, &id))?;
    let text = match output.format {
        Format::Table => table(&found),
        Format::Json => json(&asked, &id, &found)?,
    };
    ctx.ui.write(output.file.as_deref(), &text)?;
    ctx.ui.status(&format!("{id}: {} may: {}", found.holders.len(), found.asks));
    if let Some(policy) = &found.policy {
        ctx.ui.status(&format!("by the default policy, {}", policy.source));
    }
    Ok(Exit::Ok)
}

fn refusal(error: &WhoError, id: &SnapshotId) -> Failure {
    let text = error.to_string();
    match error {
        WhoError::Facts(_) => Failure::from_error(error),
        WhoError::Action { known, .. } => Failure::usage(text).hint(known),
        WhoError::Resource { hint, .. } => Failure::usage(text).hint(hint),
        WhoError::NotSeen(_) => Failure::undecided(text)
            .hint(format!("tidegate snapshot show KIND --at {id} shows what was seen of a kind")),
    }
}

fn table(found: &Holders) -> String {
    let head = ["WHO", "NAME", "ID", "WHERE", "BY"].map(str::to_owned).to_vec();
    let row = |holder: &Holder, grant: &Grant| {
        let Holder { kind, name, id, enabled, grants: _ } = holder;
        let Grant { role: _, scope, chain, only, expires_at } = grant;
        let mut by = chain.join(" \u{2192} ");
        if !only.is_empty() {
            by.push_str(&format!("; only {}", only.join(", ")));
        }
        if let Some(end) = expires_at {
            by.push_str(&format!("; until {end}"));
        }
        let kind = match enabled {
            Some(false) => format!("{kind} (disabled)"),
            Some(true) | None => kind.clone(),
        };
        vec![kind, name.clone(), id.clone(), scope.clone(), by]
    };
    let rows = found.holders.iter().flat_map(|h| h.grants.iter().map(move |g| row(h, g)));
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

fn json(asked: &Asked, id: &SnapshotId, found: &Holders) -> Result<String> {
    let Asked { action, resource, cloud: _, at: _ } = asked;
    let Holders { asks, policy, holders } = found;
    let value = json!({
        "schema": "tidegate.who-can/v1",
        "snapshot": id,
        "action": action,
        "resource": resource,
        "asks": asks,
        "policy": policy,
        "holders": holders,
    });
    let text = serde_json::to_string_pretty(&value);
    Ok(text.map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))? + "\n")
}
