//! Probes a cloud, region by region, and cleans up after each probe.

use tidegate_model::Resource;
use tidegate_openstack::Cloud;

use crate::clean::{Cleaned, clean_run};
use crate::fact::Fact;
use crate::journal::{Journal, JournalError};
use crate::plan::{Plan, Probe, Setting};
use crate::region::{Budget, Halt, Region};
use crate::{backup, entropy, key_manager, security_group};

/// What came of a run.
#[derive(Debug)]
pub struct Probed {
    /// One resource per probe and region, of the kinds [`crate::KINDS`].
    pub resources: Vec<Resource>,
    /// What became of all that was created.
    pub cleaned: Cleaned,
}

/// Carries out a plan in every region of the cloud, one probe after another, and
/// removes what each created. A probe that cannot be carried out is a result
/// with the reason.
///
/// Dropping the future leaves things behind; [`crate::clean`] then removes them.
///
/// # Errors
/// [`JournalError`] if the journal fails; what was created before is then left
/// for [`crate::clean`].
pub async fn run(
    cloud: &Cloud,
    plan: &Plan,
    journal: &dyn Journal,
    setting: &Setting,
) -> Result<Probed, JournalError> {
    let budget = Budget::new(plan);
    let mut probed = Probed { resources: Vec::new(), cleaned: Cleaned::default() };
    for name in cloud.regions() {
        let run = &plan.run;
        let region = Region { cloud, name, run, journal, setting, budget: &budget };
        for probe in &plan.probes {
            setting.tell(&format!("{name}: {}", probe.kind()));
            let fact = match one(&region, *probe).await {
                Ok(fact) => fact,
                Err(Halt::Budget(why)) => Fact::failed(why),
                Err(Halt::Journal(e)) => return Err(e),
            };
            probed.resources.extend(fact.resource(*probe, cloud, name, run, setting));
            // What could not be removed is tried again after each probe, and
            // told as it was found the last time.
            let cleaned = clean_run(cloud, journal, setting, run).await?;
            probed.cleaned.removed.extend(cleaned.removed);
            probed.cleaned.left = cleaned.left;
        }
    }
    Ok(probed)
}

async fn one(region: &Region<'_>, probe: Probe) -> Result<Fact, Halt> {
    region.budget.time()?;
    match probe {
        Probe::KeyManager => key_manager::probe(region).await,
        Probe::DefaultSecurityGroup => security_group::probe(region).await,
        Probe::Backup => backup::probe(region).await,
        Probe::Entropy => entropy::probe(region).await,
    }
}
