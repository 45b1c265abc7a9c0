//! What the benches share: a snapshot in memory, numbers from a seed, and CPU
//! time.

use std::collections::BTreeMap;

use tidegate_model::{Change, Fact, Facts, FactsError, Kind, ResourceKey, SnapshotMeta};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One snapshot in memory.
pub(crate) struct Cloud {
    pub(crate) meta: SnapshotMeta,
    pub(crate) kinds: BTreeMap<Kind, BTreeMap<ResourceKey, Fact>>,
    /// Since the snapshot before.
    pub(crate) changes: Vec<Change>,
}

impl Facts for Cloud {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn each(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        self.kinds.get(kind).into_iter().flat_map(BTreeMap::values).cloned().for_each(visit);
        Ok(())
    }

    fn fetch(&self, keys: &[ResourceKey], visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        let find = |k: &ResourceKey| self.kinds.get(k.kind())?.get(k).cloned();
        keys.iter().filter_map(find).for_each(visit);
        Ok(())
    }

    fn changes_since(&self, seq: u64) -> Result<Option<Vec<Change>>, FactsError> {
        Ok((seq + 1 == self.meta.id.seq).then(|| self.changes.clone()))
    }

    fn at(&self, _seq: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError> {
        Ok(None)
    }
}

/// Numbers from a seed, so that every run has the same cloud.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// CPU time of this thread in seconds, from the scheduler's own count.
fn cpu() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns: u64 = stat.split(' ').next().unwrap_or_default().parse()?;
    Ok(ns as f64 / 1e9)
}

/// The least of three runs, in seconds: others use the machine too.
pub(crate) fn measure<T>(mut work: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<(f64, T)> {
    let mut best: Option<(f64, T)> = None;
    for _ in 0..3 {
        let before = cpu()?;
        let result = work()?;
        let took = cpu()? - before;
        if best.as_ref().is_none_or(|(b, _)| took < *b) {
            best = Some((took, result));
        }
    }
    best.ok_or_else(|| anyhow::anyhow!("nothing was measured"))
}
