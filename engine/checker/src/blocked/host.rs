//! What is said of a host itself, of its pool, its quorums and its placement groups, and
//! of versions.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_model::fleet::{HostState, Member, Quorum};
use tidegate_model::plan::Blocked;

use super::numbers::{compare, has, named};
use super::{Court, Moment};
use crate::ground::{Place, serves};
use crate::{skew, versions};

type Judged = Result<(), String>;

impl Court<'_> {
    pub(super) fn state(&self, blocked: &Blocked, host: usize) -> Judged {
        match self.ground.host(host).state {
            HostState::Down => compare(blocked, &[("state", json!("down"))]),
            HostState::Up | HostState::Disabled => Err("it is not down".to_owned()),
        }
    }

    pub(super) fn budget(&self, blocked: &Blocked) -> Judged {
        let intent = self.ground.intent;
        if has(blocked, "canary") {
            compare(blocked, &[("canary", json!(intent.canary))])?;
            return match intent.canary {
                Some(0) => Ok(()),
                Some(_) | None => Err("waves may have targets".to_owned()),
            };
        }
        let target = blocked.target.as_str();
        let mut nodes = self.ground.fleet.kubernetes.iter().flat_map(|k| &k.nodes);
        let cluster = nodes.find(|n| n.id == target).map(|n| n.cluster.as_str());
        let of_host = self.ground.hosts.get(target).map(|&h| self.ground.host(h).pool.as_str());
        // A host that is a node counts in both.
        let said = named(blocked, "pool")?;
        let pool = [of_host, cluster].into_iter().flatten().find(|pool| *pool == said);
        let pool = pool.ok_or_else(|| format!("it is not of pool `{said}`"))?;
        let Some(limit) = intent.max_unavailable.get(pool) else {
            return Err(format!("the intent has no `max_unavailable` of pool `{pool}`"));
        };
        let hosts = self.ground.fleet.hosts.iter().filter(|h| h.pool == pool && h.id != target);
        let out = hosts.filter(|h| !serves(h)).count() as u64;
        let counted =
            [("pool", json!(pool)), ("max_unavailable", json!(limit)), ("out", json!(out))];
        compare(blocked, &counted)?;
        if out < u64::from(*limit) {
            return Err(format!("{out} of pool `{pool}` are out of service, {limit} may be"));
        }
        Ok(())
    }

    pub(super) fn quorum(&self, blocked: &Blocked, host: usize) -> Judged {
        let id = named(blocked, "quorum")?;
        let quorum = self.ground.fleet.quorums.iter().find(|q| q.id == id);
        let quorum = quorum.ok_or_else(|| format!("there is no quorum `{id}`"))?;
        let members = quorum.members.len();
        let mut counted = vec![("quorum", json!(id)), ("members", json!(members))];
        let (here, elsewhere) = if has(blocked, "vm") {
            let vm = self.vm_on(blocked, host)?;
            counted.push(("vm", json!(self.ground.vm(vm).id)));
            (1, self.out_of_step(quorum, Place::Vm(vm))?)
        } else {
            let of = |m: &&Member| self.ground.member(m) == Some(Place::Host(host));
            let here = quorum.members.iter().filter(of).count();
            counted.push(("members_here", json!(here)));
            (here, self.out_of_step(quorum, Place::Host(host))?)
        };
        counted.push(("out_elsewhere", json!(elsewhere)));
        compare(blocked, &counted)?;
        if here < 2 && elsewhere == 0 && members > 2 {
            return Err(format!("quorum `{id}` has {members} members, all others of them in step"));
        }
        Ok(())
    }

    /// How many members of a quorum are out besides one of its own.
    fn out_of_step(&self, quorum: &Quorum, own: Place) -> Result<usize, String> {
        let mine = |m: &Member| self.ground.member(m) == Some(own);
        if !quorum.members.iter().any(mine) {
            return Err(format!("quorum `{}` has no member there", quorum.id));
        }
        let down = |m: &Member| match self.ground.member(m) {
            Some(Place::Host(h)) => self.start.state.is_down(h),
            Some(Place::Vm(vm)) => self.start.state.is_down(self.start.state.place[vm]),
            None => true,
        };
        let out = |m: &&Member| !mine(m) && (!quorum.synced.contains(m) || down(m));
        Ok(quorum.members.iter().filter(out).count())
    }

    pub(super) fn ceph(&self, blocked: &Blocked, host: usize) -> Judged {
        let Some(ceph) = &self.ground.fleet.ceph else {
            return Err("there is no Ceph".to_owned());
        };
        let target = blocked.target.as_str();
        let mine = || ceph.osds.iter().filter(|o| o.host == target);
        let domains: BTreeSet<&str> =
            mine().map(|o| o.domain.as_deref().unwrap_or(&o.host)).collect();
        if domains.is_empty() {
            return Err("it has no OSD".to_owned());
        }
        if has(blocked, "failure_domains") {
            compare(blocked, &[("failure_domains", json!(domains))])?;
            return match domains.len() {
                1 => Err("its OSDs are in one failure domain".to_owned()),
                _ => Ok(()),
            };
        }
        let id = named(blocked, "pg")?;
        let pg = ceph.pgs.iter().find(|pg| pg.id == id);
        let pg = pg.ok_or_else(|| format!("there is no pg `{id}`"))?;
        let stands = |osd: &&String| {
            let osd = ceph.osds.iter().find(|o| o.id == **osd);
            let on = osd.and_then(|o| self.ground.hosts.get(o.host.as_str()).copied());
            on.is_some_and(|h| h != host && !self.start.state.is_down(h))
        };
        let up = pg.acting.iter().filter(stands).count();
        let pool = ceph.pools.iter().find(|p| p.id == pg.pool);
        let least = pool.map_or(u32::MAX, |p| p.min_size);
        compare(
            blocked,
            &[
                ("pg", json!(id)),
                ("clean", json!(pg.clean)),
                ("up_without_it", json!(up)),
                ("min_size", json!(least)),
            ],
        )?;
        if pg.clean && up as u64 >= u64::from(least) {
            return Err(format!("pg `{id}` is clean and has {up} OSDs up without it"));
        }
        Ok(())
    }

    pub(super) fn version(&mut self, blocked: &Blocked) -> Judged {
        let target = blocked.target.as_str();
        let component = named(blocked, "component")?;
        let ground = self.ground;
        let mut wanted = ground.wanted.get(target).into_iter().flatten();
        let Some(want) = wanted.find(|want| want.component == component) else {
            return Err(format!("the intent does not want `{component}` on it"));
        };
        let mut counted = vec![("component", json!(component)), ("to", json!(want.to))];
        if has(blocked, "from") {
            let from = self.start.state.version(target, component);
            counted.push(("from", json!(from)));
            compare(blocked, &counted)?;
            // On a node it has to be near to others, so it has to be known.
            let unknown = from.is_none() && self.ground.nodes.contains_key(target);
            let refused =
                |from: &str| versions::refused(self.rules, component, from, want.to).is_some();
            return match unknown || from.is_some_and(refused) {
                true => Ok(()),
                false => Err("that step is allowed".to_owned()),
            };
        }
        if has(blocked, "beside") {
            return self.in_the_end(blocked, |court, end| court.skew(blocked, end, &counted));
        }
        let other = named(blocked, "other")?;
        let version = self.start.state.version(other, component);
        let version = version.ok_or_else(|| format!("`{other}` has no `{component}`"))?;
        let known = self.rules.components.get(component);
        counted.push(("other", json!(other)));
        counted.push(("version", json!(version)));
        counted.push(("may_differ_by", json!(known.and_then(|c| c.spread))));
        compare(blocked, &counted)?;
        let rules = self.rules;
        let range = self.ranges.entry((want.component, want.to));
        let range =
            range.or_insert_with(|| versions::range(ground.fleet, rules, component, want.to));
        match range.is_some_and(|range| versions::far(rules, component, version, range)) {
            true => Ok(()),
            false => Err(format!("no version is too far from `{version}`")),
        }
    }

    /// A component of Kubernetes would be too far from another one, before the plan and in
    /// the end.
    fn skew(&self, blocked: &Blocked, end: &Moment<'_>, counted: &[(&str, Value)]) -> Judged {
        let (ground, rules, target) = (self.ground, self.rules, blocked.target.as_str());
        let pair = skew::Pair {
            component: named(blocked, "component")?,
            beside: named(blocked, "beside")?,
            on: named(blocked, "on")?,
            limited: named(blocked, "limited")?,
        };
        let skew::Pair { component, beside, on, limited } = pair;
        let found = skew::between(ground, &end.state, rules, target, &pair);
        let Some((version, limits)) = found else {
            return Err(format!("`{component}` would be near enough to `{beside}` on `{on}`"));
        };
        let mut counted = counted.to_vec();
        counted.extend([
            ("beside", json!(beside)),
            ("on", json!(on)),
            ("version", json!(version)),
            ("limited", json!(limited)),
            ("may_be_older_by", json!(limits.older)),
            ("may_be_newer_by", json!(limits.newer)),
        ]);
        compare(blocked, &counted)?;
        match skew::refuses(ground, &self.start.state, rules, target) {
            true => Ok(()),
            false => Err("it is near enough to all before the plan".to_owned()),
        }
    }

    pub(super) fn order(&self, blocked: &Blocked, host: usize) -> Judged {
        let id = named(blocked, "quorum")?;
        let quorum = self.ground.fleet.quorums.iter().find(|q| q.id == id);
        let quorum = quorum.ok_or_else(|| format!("there is no quorum `{id}`"))?;
        let of = |m: &Member| match self.ground.member(m) {
            Some(Place::Host(h)) => Some(h),
            Some(Place::Vm(_)) | None => None,
        };
        let leader = quorum.leader.as_ref().and_then(of);
        let members: Vec<usize> = quorum.members.iter().filter_map(of).collect();
        let wave = |host: usize| {
            let id = &self.ground.host(host).id;
            self.plan.waves.iter().find(|w| w.targets.contains(id))
        };
        let name = |key| -> Result<usize, String> {
            let other = named(blocked, key)?;
            let found = self.ground.hosts.get(other).copied();
            found.ok_or_else(|| format!("there is no host `{other}`"))
        };
        if has(blocked, "comes_after") {
            let other = name("comes_after")?;
            let other_id = &self.ground.host(other).id;
            compare(blocked, &[("quorum", json!(id)), ("comes_after", json!(other_id))])?;
            let before = leader == Some(other) && other != host && wave(other).is_some();
            return match before && members.contains(&host) {
                true => Ok(()),
                false => Err(format!("`{other_id}` does not lead it, or no wave updates it")),
            };
        }
        let other = name("waits_for")?;
        let other_id = &self.ground.host(other).id;
        compare(blocked, &[("quorum", json!(id)), ("waits_for", json!(other_id))])?;
        if leader != Some(host) || !members.contains(&other) || other == host {
            return Err(format!("it does not lead a quorum that `{other_id}` is a member of"));
        }
        // Within a zone, and where zones have no turns, it would be updated after that.
        let zone = self.ground.zone_of[host];
        match wave(other).is_some()
            && self.ground.zone_of[other] != zone
            && self.elsewhere_than(zone)
        {
            true => Ok(()),
            false => Err(format!("nothing keeps it from being updated after `{other_id}`")),
        }
    }

    /// Whether zones have turns, and one other than this one has its turn in the plan.
    fn elsewhere_than(&self, zone: usize) -> bool {
        let of = |t: &String| self.ground.hosts.get(t.as_str()).map(|&h| self.ground.zone_of[h]);
        let mut targets = self.plan.waves.iter().flat_map(|w| &w.targets);
        self.ground.intent.one_zone_at_a_time
            && targets.any(|t| of(t).is_some_and(|other| other != zone))
    }
}
