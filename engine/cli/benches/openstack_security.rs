//! CPU time and memory of judging a cloud with the whole bundle
//! `openstack-security`, cold and after one security group was changed, and how
//! the time of each rule grows with the cloud.
//!
//! `openstack_security [RESOURCES…]`: sizes in rising order, by default 10,000,
//! 50,000 and 100,000. A generated cloud is served on loopback and collected, so
//! bodies are as a collector makes them; that is not measured. What it does not
//! have is taken for listed and empty.
//!
//! Prints one JSON object per line. The bounds are 3 s and 600 MB for 100,000
//! resources cold, and 0.05 s after the change. Memory is what judging adds:
//! `base_mib` is what the facts take here and what serving them has left behind. A
//! rule whose time grows more than twice as much as the cloud fails the bench:
//! what is quadratic grows tenfold.

#[path = "../../policy/benches/cloud/mod.rs"]
mod cloud;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use cloud::{Cloud, Dice, measure};
use tidegate_model::{
    Change, ChangeOp, Collected, Counts, Fact, Kind, KindCoverage, RuleId, SnapshotId,
    SnapshotMeta, Status, Subject, Timestamp, Visibility,
};
use tidegate_policy::{Bundle, Options, Parameters, RuleSet, evaluate};
use tidegate_replay::{Mix, Recording, Replay, Size, generate};

const SIZES: [usize; 3] = [10_000, 50_000, 100_000];
const COLD_S: f64 = 3.0;
const COLD_MIB: f64 = 600.0;
const CHANGED_S: f64 = 0.05;

/// How much more than the cloud a rule's time may grow. Caches that no longer
/// hold the facts cost up to half as much again.
const GROWTH: f64 = 2.0;

/// A rule that takes less than this at the largest size is not looked at; at the
/// smallest it runs until it took as long: the scheduler counts in steps of up to 10 ms.
const NOTABLE_S: f64 = 0.05;

/// Compiles the bundle and those whose data it uses.
fn compile() -> anyhow::Result<RuleSet> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let own = folder.join("openstack-security");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(own.join(".manifest"))?)?;
    let uses = manifest.pointer("/metadata/tidegate/uses").and_then(|u| u.as_array());
    let uses = uses.into_iter().flatten().filter_map(|u| u.as_str()).map(|name| folder.join(name));
    let bundles = [own].into_iter().chain(uses).map(|path| Bundle::from_path(&path));
    Ok(RuleSet::compile(bundles.collect::<Result<_, _>>()?, &Parameters::default())?)
}

/// Collects a served cloud into memory.
async fn collect(recording: Recording, set: &RuleSet) -> anyhow::Result<Cloud> {
    let replay = Replay::start(recording).await?;
    replay.forget_requests();
    let account = [
        ("OS_AUTH_URL", replay.auth_url()),
        ("OS_USERNAME", "admin".to_owned()),
        ("OS_PASSWORD", "secret".to_owned()),
        ("OS_PROJECT_NAME", "admin".to_owned()),
        ("OS_USER_DOMAIN_NAME", "Default".to_owned()),
        ("OS_PROJECT_DOMAIN_NAME", "Default".to_owned()),
    ];
    let vars = account.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let env = tidegate_openstack::Environment { vars, cwd: "/".into(), home: None };
    let settings = tidegate_openstack::Config::load(&env)?.cloud(Some("envvars"))?;
    let timeouts = tidegate_openstack::Timeouts::default();
    let source = tidegate_openstack::Cloud::connect(&settings, &timeouts).await?;
    let options = tidegate_openstack::Options::new(Arc::new(|| Timestamp::UNIX_EPOCH));
    let (tx, mut rx) = tokio::sync::mpsc::channel(4);
    let mut kinds: BTreeMap<Kind, BTreeMap<_, Fact>> = BTreeMap::new();
    let mut coverage = Vec::new();
    let take = async {
        while let Some(got) = rx.recv().await {
            match got {
                Collected::Page(page) => {
                    for resource in page {
                        let of_kind = kinds.entry(resource.kind.clone()).or_default();
                        let key = resource.key.clone();
                        of_kind.insert(key, Fact { resource, unseen_since: None });
                    }
                }
                Collected::Coverage(c) => coverage.push(c),
            }
        }
    };
    let (done, ()) = tokio::join!(tidegate_openstack::collect(&source, &options, tx), take);
    done?;
    coverage.retain(|c| matches!(c.status, Status::Complete { .. }));
    let seen: BTreeSet<Kind> = coverage.iter().map(|c| c.kind.clone()).collect();
    coverage.extend(set.kinds().into_iter().filter(|k| !seen.contains(k)).map(empty));
    let id = SnapshotId { subject: Subject::new("bench")?, seq: 1 };
    let meta = SnapshotMeta { id, taken_at: Timestamp::UNIX_EPOCH, coverage };
    Ok(Cloud { meta, kinds, changes: Vec::new() })
}

/// A kind that was listed, and of which there is nothing.
fn empty(kind: Kind) -> KindCoverage {
    let regional = !kind.as_str().starts_with("identity.");
    KindCoverage {
        source: Arc::from("openstack/bench"),
        region: regional.then(|| Arc::from("RegionOne")),
        kind,
        status: Status::Complete { count: 0 },
        visibility: Visibility::All,
        read_from: Timestamp::UNIX_EPOCH,
        read_until: Timestamp::UNIX_EPOCH,
    }
}

/// Opens a rule of one security group to the world and gives the group another
/// description.
fn change(cloud: &mut Cloud) -> anyhow::Result<()> {
    cloud.meta.id.seq += 1;
    let mut dice = Dice(11);
    let open = |body: &mut serde_json::Value| {
        body["remote_ip_prefix"] = "0.0.0.0/0".into();
        body["revision_number"] = 99.into();
        body["security_group_id"].as_str().map(str::to_owned)
    };
    let rules = Kind::new("network.security_group_rule")?;
    let rule = edit(cloud, &rules, dice.roll(10) as usize, open)?;
    let group = rule.context("a rule has no group")?;
    let groups = Kind::new("network.security_group")?;
    let at = cloud.kinds.get(&groups).into_iter().flatten();
    let at = at.map(|(key, _)| key.id()).position(|id| id == group).context("no such group")?;
    edit(cloud, &groups, at, |body| body["description"] = "changed".into())?;
    cloud.changes.sort();
    Ok(())
}

/// Edits the body of the resource at this place of its kind.
fn edit<T>(
    cloud: &mut Cloud,
    kind: &Kind,
    at: usize,
    with: impl FnOnce(&mut serde_json::Value) -> T,
) -> anyhow::Result<T> {
    let fact = cloud.kinds.get_mut(kind).and_then(|k| k.values_mut().nth(at));
    let fact = fact.with_context(|| format!("there are too few `{kind}`"))?;
    let mut body = serde_json::from_str(&fact.resource.body)?;
    let told = with(&mut body);
    fact.resource.body = Arc::from(body.to_string());
    let key = fact.resource.key.clone();
    cloud.changes.push(Change { key, kind: kind.clone(), op: ChangeOp::Put });
    Ok(told)
}

/// Forgets the peak of memory so far.
fn forget_peak() -> anyhow::Result<()> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

/// The peak of memory since then, in MiB.
fn peak() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib: f64 = line.unwrap_or_default().trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// CPU seconds of judging one rule so many times, and how many verdicts of each kind.
fn alone(set: &RuleSet, cloud: &Cloud, rule: &RuleId, times: u32) -> anyhow::Result<(f64, Counts)> {
    let only = Some(BTreeSet::from([rule.clone()]));
    let options = Options { only, ..Options::fresh(Timestamp::UNIX_EPOCH) };
    let (took, judged) = measure(|| {
        for _ in 1..times {
            evaluate(set, cloud, &options)?;
        }
        Ok(evaluate(set, cloud, &options)?)
    })?;
    Ok((took, judged.evaluation.rules.get(rule).map(|o| o.counts).unwrap_or_default()))
}

/// CPU seconds of judging one rule once, where that takes less than the scheduler can
/// tell.
fn precisely(set: &RuleSet, cloud: &Cloud, rule: &RuleId) -> anyhow::Result<f64> {
    let mut times = 4;
    loop {
        let (took, _) = alone(set, cloud, rule, times)?;
        if took >= NOTABLE_S || times > 1000 {
            return Ok(took / f64::from(times));
        }
        times *= 4;
    }
}

fn count(cloud: &Cloud) -> usize {
    cloud.kinds.values().map(BTreeMap::len).sum()
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn whole(set: &RuleSet, cloud: &mut Cloud) -> anyhow::Result<()> {
    let resources = count(cloud);
    let rules = set.rules().count();
    let share = resources as f64 / 100_000.0;
    let time = Timestamp::UNIX_EPOCH;
    forget_peak()?;
    let base_mib = peak()?;
    let (cold, judged) = measure(|| Ok(evaluate(set, cloud, &Options::fresh(time))?))?;
    let memory = peak()? - base_mib;
    let findings: usize = judged.evaluation.rules.values().map(|o| o.findings.len()).sum();
    println!(
        "{{\"bench\":\"openstack-security\",\"resources\":{resources},\"rules\":{rules},\"judged\":{},\"findings\":{findings},\"cpu_s\":{cold:.3},\"bound_s\":{:.2},\"ratio\":{:.3},\"base_mib\":{base_mib:.0},\"added_mib\":{memory:.0},\"bound_mib\":{COLD_MIB},\"memory_ratio\":{:.3}}}",
        judged.stats.judged,
        COLD_S * share,
        cold / (COLD_S * share),
        memory / COLD_MIB,
    );
    change(cloud)?;
    let options = Options { prior: Some(&judged.carry), ..Options::fresh(time) };
    let (changed, next) = measure(|| Ok(evaluate(set, cloud, &options)?))?;
    anyhow::ensure!(next.stats.carried, "the prior blob must fit");
    println!(
        "{{\"bench\":\"openstack-security-changed\",\"resources\":{resources},\"changed\":{},\"judged\":{},\"read\":{},\"blob_bytes\":{},\"cpu_s\":{changed:.4},\"bound_s\":{CHANGED_S},\"ratio\":{:.3}}}",
        cloud.changes.len(),
        next.stats.judged,
        next.stats.read,
        judged.carry.len(),
        changed / CHANGED_S,
    );
    Ok(())
}

/// Rules whose time grew more than the cloud, from the smaller to the larger one.
#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn grown(set: &RuleSet, small: &Cloud, large: &Cloud) -> anyhow::Result<Vec<String>> {
    let times = count(large) as f64 / count(small) as f64;
    let mut steep = Vec::new();
    for rule in set.rules() {
        let (at_large, Counts { pass, fail, abort, .. }) = alone(set, large, &rule.id, 1)?;
        // What takes no time has none that could grow.
        let at_small = match at_large {
            NOTABLE_S.. => Some(precisely(set, small, &rule.id)?),
            _ => None,
        };
        let growth = at_small.map(|small| at_large / small / times);
        let shown =
            |n: Option<f64>, places| n.map_or("null".to_owned(), |n| format!("{n:.places$}"));
        println!(
            "{{\"bench\":\"openstack-security-rule\",\"rule\":\"{}\",\"pass\":{pass},\"fail\":{fail},\"abort\":{abort},\"small_cpu_s\":{},\"large_cpu_s\":{at_large:.4},\"growth\":{},\"bound\":{GROWTH}}}",
            rule.id,
            shown(at_small, 5),
            shown(growth, 2),
        );
        if let Some(growth) = growth.filter(|g| *g > GROWTH) {
            steep.push(format!("{} ({growth:.1})", rule.id));
        }
    }
    Ok(steep)
}

fn main() -> anyhow::Result<()> {
    let given = std::env::args().skip(1).filter(|a| !a.starts_with('-'));
    let mut sizes: Vec<usize> = given.map(|a| a.parse()).collect::<Result<_, _>>()?;
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    let set = compile()?;
    let mut clouds: Vec<Cloud> = Vec::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for resources in sizes {
        let size = Size { mix: Mix::Tenancy, ..Size::resources(resources) };
        let mut cloud = runtime.block_on(collect(generate(1, size), &set))?;
        whole(&set, &mut cloud)?;
        // The first and the last are compared; between them nothing is kept.
        clouds.truncate(1);
        clouds.push(cloud);
    }
    let steep = match clouds.as_slice() {
        [small, .., large] => grown(&set, small, large)?,
        _ => Vec::new(),
    };
    anyhow::ensure!(steep.is_empty(), "grow faster than the cloud: {}", steep.join(", "));
    Ok(())
}
