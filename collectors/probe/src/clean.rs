//! Removes what the journal says may still be there.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_openstack::{Api, Cloud, Method};
use tokio::time::Instant;

use crate::journal::{Entry, Event, Journal, JournalError, open_entries};
use crate::plan::Setting;
use crate::thing::{Thing, id_of, prefix};

/// What became of the resources that a journal left open.
#[derive(Debug, Clone, Default)]
pub struct Cleaned {
    /// Names of those that were there and are gone now.
    pub removed: Vec<String>,
    /// Those that could not be removed; they stay open in the journal.
    pub left: Vec<Left>,
}

/// Something that could not be removed.
#[derive(Debug, Clone)]
pub struct Left {
    /// What the journal says of it.
    pub entry: Entry,
    /// Why it is still there, or why that is not known; one clause.
    pub why: String,
}

/// Removes whatever the journal has open, of all runs, what needs others before
/// them, and waits until it is gone. Takes [`crate::Pace::allowance`] at most,
/// and a request more.
///
/// Nothing is deleted whose name does not begin with the prefix of the run that
/// the entry names. An entry without id is looked up by name; not finding it
/// counts once the entry is older than [`crate::Pace::settle`].
///
/// # Errors
/// [`JournalError`] if the journal fails. What the cloud refuses is in
/// [`Cleaned::left`].
pub async fn clean(
    cloud: &Cloud,
    journal: &dyn Journal,
    setting: &Setting,
) -> Result<Cleaned, JournalError> {
    sweep(cloud, journal, setting, None).await
}

/// The same for one run.
pub(crate) async fn clean_run(
    cloud: &Cloud,
    journal: &dyn Journal,
    setting: &Setting,
    run: &str,
) -> Result<Cleaned, JournalError> {
    sweep(cloud, journal, setting, Some(run)).await
}

async fn sweep(
    cloud: &Cloud,
    journal: &dyn Journal,
    setting: &Setting,
    run: Option<&str>,
) -> Result<Cleaned, JournalError> {
    let events = journal.read().await?;
    let mut entries = open_entries(&events);
    entries.retain(|e| run.is_none_or(|run| e.run == run));
    let until = Instant::now() + setting.pace.allowance;
    let mut cleaned = Cleaned::default();
    for entry in &entries {
        let limit = until.min(Instant::now() + setting.pace.each.max(setting.pace.settle));
        let removal = Removal { cloud, setting, entry, events: &events, until: limit };
        match removal.run().await {
            Ok(there) => {
                let Entry { run, region, name, .. } = entry.clone();
                if there {
                    cleaned.removed.push(name.clone());
                }
                journal.append(&Event::Closed { run, region, name }).await?;
            }
            Err(why) => cleaned.left.push(Left { entry: entry.clone(), why }),
        }
    }
    Ok(cleaned)
}

struct Removal<'a> {
    cloud: &'a Cloud,
    setting: &'a Setting,
    entry: &'a Entry,
    events: &'a [Event],
    until: Instant,
}

impl Removal<'_> {
    /// Whether there was something; the error says why it may still be there.
    async fn run(&self) -> Result<bool, String> {
        let entry = self.entry;
        if !entry.well_formed() {
            return Err("its entry in the journal is not one of a probe".to_owned());
        }
        if entry.project.as_deref() != self.cloud.project() {
            let project = entry.project.as_deref().unwrap_or("none");
            return Err(format!(
                "it was made in project `{project}`, and the token is for another"
            ));
        }
        let place = entry.thing.place();
        let setting = self.setting;
        let api =
            self.cloud.api(&entry.region, place.service, setting.retry, setting.now.clone()).await;
        let api = match api {
            Ok(Some(api)) => api,
            Ok(None) => return Err(format!("the catalog has no {} any more", place.service)),
            Err(e) => return Err(e.to_string()),
        };
        setting.tell(&format!("{}: removing {}", entry.region, entry.name));
        let ids = match &entry.id {
            Some(id) => vec![id.clone()],
            None => self.find(&api).await?,
        };
        let mut there = false;
        for id in &ids {
            there |= self.delete(&api, id).await?;
        }
        Ok(there)
    }

    /// The ids of what has the name of an entry whose id was never learned. It
    /// may still be in the making, so for a while not finding it means nothing.
    async fn find(&self, api: &Api) -> Result<Vec<String>, String> {
        loop {
            let found = self.look_up(api).await?;
            let age = (self.setting.now)().duration_since(self.entry.at);
            let settled = Duration::try_from(age).is_ok_and(|age| age >= self.setting.pace.settle);
            if !found.is_empty() || settled {
                return Ok(found);
            }
            if Instant::now() >= self.until {
                return Err("it is not there, but may still appear: clean again later".to_owned());
            }
            tokio::time::sleep(self.setting.pace.poll).await;
        }
    }

    async fn look_up(&self, api: &Api) -> Result<Vec<String>, String> {
        let place = self.entry.thing.place();
        let mut ids = Vec::new();
        for name in self.names() {
            let path = format!("{}?name={name}", place.list_path);
            let reply = api.send(Method::GET, &path, None).await.map_err(|e| e.to_string())?;
            if !reply.ok() {
                return Err(format!("cannot look it up: {}", reply.said));
            }
            let Some(all) = reply.body.get(place.list).and_then(Value::as_array) else {
                return Err(format!("cannot look it up: the answer has no `{}`", place.list));
            };
            // Nova takes the name for a pattern, so it is compared here.
            let named = all.iter().filter(|one| one.get("name") == Some(&json!(name)));
            let id = named.filter_map(|one| {
                let id = one.get("id").or_else(|| one.get("secret_ref"))?.as_str()?;
                Some(id_of(id).to_owned())
            });
            ids.extend(id.filter(|id| !self.is_another(id)));
        }
        Ok(ids)
    }

    /// The names under which it may be found. Cinder gives a restored volume
    /// the name of the one that was backed up.
    fn names(&self) -> Vec<&str> {
        let mut names = vec![self.entry.name.as_str()];
        if self.entry.thing == Thing::Volume {
            names.extend(self.entries().map(|e| e.name.as_str()));
            names.sort_unstable();
            names.dedup();
        }
        names
    }

    /// All that was ever entered of the same run, region and type.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.events.iter().filter_map(|event| match event {
            Event::Open(e) => Some(e).filter(|e| {
                (&e.run, &e.region, e.thing)
                    == (&self.entry.run, &self.entry.region, self.entry.thing)
                    && e.well_formed()
            }),
            Event::Created { .. } | Event::Closed { .. } => None,
        })
    }

    /// Whether the id is known as that of another entry.
    fn is_another(&self, found: &str) -> bool {
        self.events.iter().any(|event| match event {
            Event::Created { id, name, .. } => id == found && *name != self.entry.name,
            Event::Open(_) | Event::Closed { .. } => false,
        })
    }

    /// Deletes one and waits until it is gone. Whether it was there.
    async fn delete(&self, api: &Api, id: &str) -> Result<bool, String> {
        let place = self.entry.thing.place();
        let path = format!("{}/{id}", place.path);
        let mut there = false;
        let mut sent = false;
        let started = Instant::now();
        loop {
            let last = match api.send(Method::GET, &path, None).await {
                Ok(reply) if reply.status == 404 && there => return Ok(true),
                // It was gone before, if the service can be believed: one that
                // is misrouted answers 404 to everything.
                Ok(reply) if reply.status == 404 => match self.look_up(api).await {
                    Ok(found) if !found.iter().any(|f| f == id) => return Ok(false),
                    Ok(_) => format!("`{id}` is listed, and not found"),
                    Err(why) => why,
                },
                Ok(reply) if reply.ok() => {
                    there = true;
                    let one = reply.body.pointer(place.one).unwrap_or(&Value::Null);
                    let text = |member| one.get(member).and_then(Value::as_str);
                    let name = text("name").unwrap_or_default();
                    if !name.starts_with(&prefix(&self.entry.run)) {
                        return Err(format!(
                            "`{id}` is named `{name}`, so it is not deleted: rename it back or delete it yourself"
                        ));
                    }
                    let status = text("status").unwrap_or_default().to_ascii_lowercase();
                    if status == "error_deleting" {
                        return Err(format!("`{id}` is `{status}`"));
                    }
                    if sent {
                        let seconds = started.elapsed().as_secs();
                        format!("`{id}` is still there {seconds} s after it was deleted")
                    } else {
                        self.release(api, id, one).await;
                        match api.send(Method::DELETE, &path, None).await {
                            Ok(reply) if reply.status == 404 => return Ok(there),
                            Ok(reply) if reply.ok() && place.at_once => return Ok(there),
                            Ok(reply) if reply.ok() => {
                                sent = true;
                                format!("`{id}` is still there")
                            }
                            Ok(reply) if reply.status == 403 => {
                                return Err(format!("cannot delete `{id}`: {}", reply.said));
                            }
                            Ok(reply) => format!("cannot delete `{id}`: {}", reply.said),
                            Err(e) => format!("cannot delete `{id}`: {e}"),
                        }
                    }
                }
                Ok(reply) => format!("cannot look at `{id}`: {}", reply.said),
                Err(e) => format!("cannot look at `{id}`: {e}"),
            };
            if Instant::now() >= self.until {
                return Err(last);
            }
            tokio::time::sleep(self.setting.pace.poll).await;
        }
    }

    /// Undoes what keeps something from being deleted. What does not work
    /// shows when it is deleted.
    async fn release(&self, api: &Api, id: &str, one: &Value) {
        match self.entry.thing {
            Thing::Router => self.detach_subnets(api, id).await,
            Thing::Volume => {
                // By now the server is gone, or it is told.
                let all = one.get("attachments").and_then(Value::as_array);
                let id = |a: &Value| Some(a.get("attachment_id")?.as_str()?.to_owned());
                for id in all.into_iter().flatten().filter_map(id) {
                    let path = format!("attachments/{id}");
                    let answer = api.send(Method::DELETE, &path, None).await;
                    tracing::debug!(path, ?answer, "detached");
                }
            }
            Thing::Server
            | Thing::Port
            | Thing::Backup
            | Thing::Subnet
            | Thing::Network
            | Thing::SecurityGroup
            | Thing::Secret => {}
        }
    }

    /// Takes the run's own subnets off the router.
    async fn detach_subnets(&self, api: &Api, router: &str) {
        let ports = api.send(Method::GET, &format!("ports?device_id={router}"), None).await;
        let Ok(ports) = ports else { return };
        let ports = ports.body.get("ports").and_then(Value::as_array).cloned().unwrap_or_default();
        let addresses = ports.iter().filter_map(|p| p.get("fixed_ips")?.as_array());
        let subnets = addresses.flatten().filter_map(|a| a.get("subnet_id")?.as_str());
        for subnet in subnets {
            let seen = api.send(Method::GET, &format!("subnets/{subnet}"), None).await;
            let own = seen.is_ok_and(|seen| {
                let name = seen.text("/subnet/name").unwrap_or_default();
                name.starts_with(&prefix(&self.entry.run))
            });
            if own {
                let path = format!("routers/{router}/remove_router_interface");
                let body = json!({"subnet_id": subnet});
                let answer = api.send(Method::PUT, &path, Some(&body)).await;
                tracing::debug!(path, ?answer, "detached");
            }
        }
    }
}
