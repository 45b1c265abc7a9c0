//! One wave as a plan of its own, for the checker.

use std::collections::BTreeSet;

use tidegate_model::fleet::Fleet;
use tidegate_model::intent::{Intent, Matching, Selector, Target};
use tidegate_model::plan::{Plan, Wave};

use crate::Inputs;

/// The fleet as of now, the intent of the wave's targets alone, and the wave as the
/// only one of its plan, behind those that are done.
///
/// The checker demands that every target is in a wave or blocked, and that what a
/// plan says of itself is true; what is said of the other waves is left out.
pub(crate) fn alone(inputs: &Inputs<'_>, intent: &Intent) -> (Fleet, Intent, Plan) {
    let Inputs { plan, wave, .. } = *inputs;
    let fleet = Fleet { taken_at: inputs.now, ..inputs.fleet.clone() };
    let ids: BTreeSet<String> = wave.targets.iter().cloned().collect();
    let narrowed = |target: &Target| {
        let mut of = match &target.selector {
            Selector::All(_) => Matching::default(),
            Selector::Some(of) => of.clone(),
        };
        of.ids = Some(match of.ids {
            Some(some) => some.intersection(&ids).cloned().collect(),
            None => ids.clone(),
        });
        Target { selector: Selector::Some(of), ..target.clone() }
    };
    let intent =
        Intent { targets: intent.targets.iter().map(narrowed).collect(), ..intent.clone() };
    let alone = Plan {
        schema: plan.schema.clone(),
        id: plan.id.clone(),
        generation: plan.generation,
        parent: plan.parent.clone(),
        snapshots: plan.snapshots.clone(),
        fleet_sha256: plan.fleet_sha256,
        intent_sha256: plan.intent_sha256,
        policy_digest: plan.policy_digest,
        rules_version: plan.rules_version.clone(),
        done: plan.done.clone(),
        since: plan.since,
        waves: vec![Wave { n: 1, ..wave.clone() }],
        blocked: Vec::new(),
        bounds: Vec::new(),
        migrations_bound: None,
        deadlines: Vec::new(),
        entities: std::collections::BTreeMap::new(),
    };
    (fleet, intent, alone)
}
