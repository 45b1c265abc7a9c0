//! A fleet in dense tables. Ids are indexes, made here and below the length of
//! every table that is read by them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidegate_model::Fleet;
use tidegate_model::fleet::{GroupPolicy, HostState, Member, Migratable, VmState};
use tidegate_model::plan::{Done, MoveKind};

/// A host, a virtual machine, a zone, a group, a class.
pub(crate) type Id = usize;

/// Reads a table by an id that was made for it.
pub(crate) fn at<T>(table: &[T], id: Id) -> &T {
    #[expect(clippy::indexing_slicing, reason = "INVARIANT: ids are below the length of tables")]
    &table[id]
}

/// As [`at`], to change.
pub(crate) fn at_mut<T>(table: &mut [T], id: Id) -> &mut T {
    #[expect(clippy::indexing_slicing, reason = "INVARIANT: ids are below the length of tables")]
    &mut table[id]
}

/// Reads a table of rows.
pub(crate) fn cell<T>(table: &[Vec<T>], row: Id, column: Id) -> &T {
    at(at(table, row).as_slice(), column)
}

/// What planning needs to know of a host.
#[derive(Debug)]
pub(crate) struct HostRow<'f> {
    pub(crate) zone: Id,
    pub(crate) pool: &'f str,
    /// The quorums that have a member on it.
    pub(crate) quorums: Vec<usize>,
    /// The failure domains of its OSDs.
    pub(crate) domains: BTreeSet<&'f str>,
    /// Up and taking work when the facts were taken.
    pub(crate) serves: bool,
    pub(crate) down: bool,
    /// By class, in thousandths.
    pub(crate) usable: Vec<i64>,
    /// Which virtual machines it could take, as an index of a profile.
    profile: usize,
    pub(crate) max_in: u32,
    pub(crate) max_out: u32,
}

/// What planning needs to know of a virtual machine.
#[derive(Debug)]
pub(crate) struct VmRow {
    pub(crate) host: Id,
    pub(crate) demand: Vec<i64>,
    pub(crate) profile: usize,
    /// How it moves; absent if it cannot.
    pub(crate) kind: Option<MoveKind>,
    pub(crate) moving_to: Option<Id>,
    /// Groups with anti-affinity.
    pub(crate) apart: Vec<Id>,
    /// Whether a group with affinity holds it.
    pub(crate) together: bool,
    /// What must not move at the same time: quorums, and control planes.
    pub(crate) one_by_one: Vec<usize>,
}

/// The fleet.
#[derive(Debug)]
pub(crate) struct Arena<'f> {
    pub(crate) fleet: &'f Fleet,
    pub(crate) classes: Vec<&'f str>,
    pub(crate) hosts: Vec<HostRow<'f>>,
    pub(crate) vms: Vec<VmRow>,
    /// By group: how many members a host may have.
    pub(crate) max_per_host: Vec<u32>,
    pub(crate) host_ids: HashMap<&'f str, Id>,
    vm_ids: HashMap<&'f str, Id>,
    /// By profile of a virtual machine, then of a host: whether it may be there.
    fits: Vec<Vec<bool>>,
    /// By profile of a virtual machine: how many hosts that take work it may be on.
    homes: Vec<usize>,
    /// By host: a virtual machine that was moving to it from the start.
    pub(crate) expected: HashMap<Id, Id>,
    /// By OSD: its host.
    pub(crate) osds: HashMap<&'f str, Id>,
    /// Waves that earlier plans have done, oldest first.
    pub(crate) done: Vec<Done>,
}

impl<'f> Arena<'f> {
    pub(crate) fn new(fleet: &'f Fleet, done: Vec<Done>) -> Self {
        let names = fleet.hosts.iter().flat_map(|h| h.capacity.keys());
        let names = names.chain(fleet.vms.iter().flat_map(|v| v.demand.keys()));
        let classes: BTreeSet<&str> = names.map(String::as_str).collect();
        let classes: Vec<&str> = classes.into_iter().collect();
        let zones: HashMap<&str, Id> =
            fleet.zones.iter().enumerate().map(|(n, z)| (z.as_str(), n)).collect();
        let host_ids: HashMap<&str, Id> =
            fleet.hosts.iter().enumerate().map(|(n, h)| (h.id.as_str(), n)).collect();
        let vm_ids: HashMap<&str, Id> =
            fleet.vms.iter().enumerate().map(|(n, v)| (v.id.as_str(), n)).collect();

        // Hosts and virtual machines that are alike in everything that decides
        // who may be where share a profile: there are few, and each pair is
        // compared once.
        let mut host_profiles: BTreeMap<_, usize> = BTreeMap::new();
        let hosts: Vec<HostRow<'_>> = fleet
            .hosts
            .iter()
            .map(|h| {
                let next = host_profiles.len();
                let what = (&h.traits, &h.aggregates, h.zone.as_str());
                HostRow {
                    zone: zones.get(h.zone.as_str()).copied().unwrap_or(0),
                    pool: &h.pool,
                    quorums: Vec::new(),
                    domains: BTreeSet::new(),
                    serves: h.state == HostState::Up,
                    down: h.state == HostState::Down,
                    usable: classes.iter().map(|c| h.usable(c).0).collect(),
                    profile: *host_profiles.entry(what).or_insert(next),
                    max_in: h.max_migrations.incoming,
                    max_out: h.max_migrations.outgoing,
                }
            })
            .collect();
        let mut vm_profiles: BTreeMap<_, usize> = BTreeMap::new();
        let mut vms: Vec<VmRow> = Vec::with_capacity(fleet.vms.len());
        for vm in &fleet.vms {
            let host = host_ids.get(vm.host.as_str()).copied().unwrap_or(0);
            let home = fleet.hosts.get(host).map_or("", |h| h.zone.as_str());
            let pinned = vm.zone_pinned.then_some(home);
            let next = vm_profiles.len();
            let what = (&vm.requires, &vm.forbids, &vm.aggregates, pinned);
            let live = matches!(vm.state, VmState::Active | VmState::Paused);
            let off = vm.state == VmState::Shutoff;
            let kind = match vm.migratable {
                _ if vm.migrating_to.is_some() => None,
                Migratable::Live if live => Some(MoveKind::Live),
                Migratable::Cold if live || off => Some(MoveKind::Cold),
                Migratable::Live if off => Some(MoveKind::Cold),
                Migratable::Live | Migratable::Cold | Migratable::No => None,
            };
            vms.push(VmRow {
                host,
                demand: classes.iter().map(|c| vm.demand.get(*c).map_or(0, |a| a.0)).collect(),
                profile: *vm_profiles.entry(what).or_insert(next),
                kind,
                moving_to: vm.migrating_to.as_deref().and_then(|h| host_ids.get(h).copied()),
                apart: Vec::new(),
                together: false,
                one_by_one: Vec::new(),
            });
        }
        let mut fits = vec![vec![false; host_profiles.len()]; vm_profiles.len()];
        for ((requires, forbids, aggregates, pinned), v) in &vm_profiles {
            for ((traits, within, zone), h) in &host_profiles {
                *at_mut(at_mut(fits.as_mut_slice(), *v).as_mut_slice(), *h) = requires
                    .is_subset(traits)
                    && forbids.is_disjoint(traits)
                    && aggregates.is_subset(within)
                    && pinned.is_none_or(|p| p == *zone);
            }
        }
        let mut homes = vec![0; vm_profiles.len()];
        for row in hosts.iter().filter(|h| h.serves) {
            for (profile, count) in homes.iter_mut().enumerate() {
                *count += usize::from(*cell(&fits, profile, row.profile));
            }
        }
        let expected =
            vms.iter().enumerate().filter_map(|(vm, row)| Some((row.moving_to?, vm))).collect();
        let osds = fleet.ceph.iter().flat_map(|c| &c.osds);
        let osds = osds.filter_map(|o| Some((o.id.as_str(), *host_ids.get(o.host.as_str())?)));
        let osds = osds.collect();
        let mut arena = Self {
            homes,
            expected,
            osds,
            done,
            fleet,
            classes,
            hosts,
            vms,
            max_per_host: fleet.groups.iter().map(|g| g.max_per_host).collect(),
            host_ids,
            vm_ids,
            fits,
        };
        arena.groups();
        arena.one_by_one();
        arena
    }

    fn groups(&mut self) {
        for (group, facts) in self.fleet.groups.iter().enumerate() {
            for member in &facts.members {
                let Some(&vm) = self.vm_ids.get(member.as_str()) else { continue };
                let row = at_mut(&mut self.vms, vm);
                match facts.policy {
                    GroupPolicy::AntiAffinity => row.apart.push(group),
                    GroupPolicy::Affinity => row.together |= facts.members.len() > 1,
                    GroupPolicy::SoftAffinity | GroupPolicy::SoftAntiAffinity => {}
                }
            }
        }
    }

    /// What of a host or virtual machine is one of several that keep each other up.
    fn one_by_one(&mut self) {
        for osd in self.fleet.ceph.iter().flat_map(|c| &c.osds) {
            if let Some(&host) = self.host_ids.get(osd.host.as_str()) {
                let domain = osd.domain.as_deref().unwrap_or(&osd.host);
                at_mut(&mut self.hosts, host).domains.insert(domain);
            }
        }
        for (n, quorum) in self.fleet.quorums.iter().enumerate() {
            for member in &quorum.members {
                match self.seat(member) {
                    Some(Seat::Host(host)) => at_mut(&mut self.hosts, host).quorums.push(n),
                    Some(Seat::Vm(vm)) => at_mut(&mut self.vms, vm).one_by_one.push(n),
                    None => {}
                }
            }
        }
        let mut clusters: BTreeMap<&str, usize> = BTreeMap::new();
        for node in self.fleet.kubernetes.iter().flat_map(|k| &k.nodes).filter(|n| n.control_plane)
        {
            let next = self.fleet.quorums.len() + clusters.len();
            let cluster = *clusters.entry(&node.cluster).or_insert(next);
            if let Some(&vm) = node.vm.as_deref().and_then(|v| self.vm_ids.get(v)) {
                at_mut(&mut self.vms, vm).one_by_one.push(cluster);
            }
        }
    }

    /// Whether any virtual machine is a member of a quorum or of a control plane.
    pub(crate) fn any_one_by_one(&self) -> bool {
        let quorums = self.fleet.quorums.iter().flat_map(|q| &q.members);
        let mut nodes = self.fleet.kubernetes.iter().flat_map(|k| &k.nodes);
        quorums.into_iter().any(|m| matches!(m, Member::Vm(_)))
            || nodes.any(|n| n.control_plane && n.vm.is_some())
    }

    /// Where a member of a quorum sits.
    pub(crate) fn seat(&self, member: &Member) -> Option<Seat> {
        match member {
            Member::Host(id) => self.host_ids.get(id.as_str()).map(|h| Seat::Host(*h)),
            Member::Vm(id) => self.vm_ids.get(id.as_str()).map(|v| Seat::Vm(*v)),
        }
    }

    /// The members of a group.
    pub(crate) fn members(&self, group: Id) -> Vec<Id> {
        let members = self.fleet.groups.get(group).map(|g| g.members.as_slice());
        let ids = members.unwrap_or_default().iter();
        ids.filter_map(|m| self.vm_ids.get(m.as_str()).copied()).collect()
    }

    /// Whether a virtual machine must stay in its zone.
    pub(crate) fn pinned(&self, vm: Id) -> bool {
        self.fleet.vms.get(vm).is_none_or(|v| v.zone_pinned)
    }

    /// Whether a virtual machine may be on a host, room aside.
    pub(crate) fn may(&self, vm: Id, host: Id) -> bool {
        let (vm, host) = (at(&self.vms, vm).profile, at(&self.hosts, host).profile);
        *cell(&self.fits, vm, host)
    }

    /// How many hosts besides its own take work and could have it, room aside.
    pub(crate) fn other_homes(&self, vm: Id) -> usize {
        let row = at(&self.vms, vm);
        let own = at(&self.hosts, row.host).serves && self.may(vm, row.host);
        at(&self.homes, row.profile).saturating_sub(usize::from(own))
    }

    pub(crate) fn host_id(&self, host: Id) -> &'f str {
        self.fleet.hosts.get(host).map_or("", |h| h.id.as_str())
    }

    pub(crate) fn vm_id(&self, vm: Id) -> &'f str {
        self.fleet.vms.get(vm).map_or("", |v| v.id.as_str())
    }
}

/// Where a member of a quorum sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    Host(Id),
    Vm(Id),
}
