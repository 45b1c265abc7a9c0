//! Whether a volume can be backed up and restored. What is in it is not
//! compared.
//!
//! Source: SCS standard scs-0117-v1.

use serde_json::{Value, json};
use tidegate_openstack::Api;
use tokio::time::Instant;

use crate::fact::Fact;
use crate::region::{Creation, Halt, Region, available};
use crate::thing::Thing;

/// The first of Cinder's microversions in which backups have metadata.
const BACKUP_METADATA: (u32, u32) = (3, 43);

pub(crate) async fn probe(region: &Region<'_>) -> Result<Fact, Halt> {
    let api = match region.api("block-storage").await {
        Ok(Some(api)) => api,
        Ok(None) => return Ok(Fact::failed("the catalog has no block-storage")),
        Err(e) => return Ok(Fact::failed(e.to_string())),
    };
    let mut trial = Trial { region, api, steps: Vec::new() };
    let halted = match trial.all().await {
        Ok(()) => None,
        Err(Ended::Step) => None,
        Err(Ended::Halt(Halt::Budget(why))) => Some(why),
        Err(Ended::Halt(halt)) => return Err(halt),
    };
    let fact = halted.map_or_else(Fact::done, Fact::failed);
    Ok(fact.with("steps", trial.steps))
}

/// Why the trial went no further.
enum Ended {
    /// A step failed, which is the result.
    Step,
    Halt(Halt),
}

impl From<Halt> for Ended {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

struct Trial<'a> {
    region: &'a Region<'a>,
    api: Api,
    steps: Vec<Value>,
}

impl Trial<'_> {
    async fn all(&mut self) -> Result<(), Ended> {
        let region = self.region;
        let mark = json!({"tidegate-probe": region.run});
        let body = json!({"volume": {
            "name": region.name_of("volume"), "size": 1, "metadata": mark,
        }});
        let volume =
            self.create("create-volume", Thing::Volume, "volume", "volumes", &body, "/volume/id");
        let volume = volume.await?;
        self.wait("wait-volume", Thing::Volume, &volume).await?;

        let mut body = json!({"backup": {
            "name": region.name_of("backup"), "volume_id": volume,
        }});
        let metadata = self.api.microversion().is_some_and(|v| v >= BACKUP_METADATA);
        if let Some(backup) = body.pointer_mut("/backup").filter(|_| metadata) {
            backup["metadata"] = mark;
        }
        let backup =
            self.create("create-backup", Thing::Backup, "backup", "backups", &body, "/backup/id");
        let backup = backup.await?;
        self.wait("wait-backup", Thing::Backup, &backup).await?;

        let body = json!({"restore": {"name": region.name_of("restored")}});
        let path = format!("backups/{backup}/restore");
        let id = "/restore/volume_id";
        let restored = self.create("restore", Thing::Volume, "restored", &path, &body, id);
        let restored = restored.await?;
        self.wait("wait-restored", Thing::Volume, &restored).await
    }

    async fn create(
        &mut self,
        op: &str,
        thing: Thing,
        what: &str,
        path: &str,
        body: &Value,
        id: &str,
    ) -> Result<String, Ended> {
        let started = Instant::now();
        let made = self.region.create(&self.api, thing, what, path, body, id).await?;
        let made = match made {
            Creation::Made { id, .. } => Ok(id),
            Creation::Refused(reply) => Err(reply.said),
            Creation::Unknown(silence) => Err(silence.why),
        };
        self.step(op, started, made)
    }

    async fn wait(&mut self, op: &str, thing: Thing, id: &str) -> Result<(), Ended> {
        let started = Instant::now();
        let ladder = self.region.setting.pace.ladder.iter().copied();
        let ended = self.region.wait(&self.api, thing, id, ladder, &available).await?;
        self.step(op, started, ended)
    }

    fn step<T>(&mut self, op: &str, started: Instant, got: Result<T, String>) -> Result<T, Ended> {
        let seconds = started.elapsed().as_secs();
        let mut step = json!({"op": op, "ok": got.is_ok(), "seconds": seconds});
        if let (Err(why), Some(step)) = (&got, step.as_object_mut()) {
            step.insert("error".into(), json!(why));
        }
        self.steps.push(step);
        got.map_err(|_| Ended::Step)
    }
}
