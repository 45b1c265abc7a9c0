//! Makes clouds of any size, the same ones every time.
//!
//! Everything follows from the seed, so that two runs, or two machines, bench
//! the same bytes. The second night differs from the first in the fraction of
//! resources asked for: of these nine in ten changed and one in ten is gone, with
//! a new one in its place.

mod frame;
mod items;
mod tenancy;

use bytes::Bytes;
use serde_json::Value;

use crate::recording::{Account, Recording};

/// How large a cloud to make.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// About how many resources in all.
    pub resources: usize,
    /// What they are.
    pub mix: Mix,
    /// Which night it is, from 1.
    pub night: u32,
    /// What part of the resources differs from the night before, 0 to 1.
    pub changed: f64,
}

/// What a cloud is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Of a hundred resources 40 servers, 40 ports, 15 volumes and 5 security
    /// groups and rules; projects, users, flavors, images and hypervisors to go
    /// with them.
    Inventory,
    /// Of a hundred resources 42 servers, 18 ports, 16 volumes, 4 security groups
    /// with 16 rules, 2 floating IPs, a snapshot and a backup; and besides what
    /// rules on security ask for: keypairs, credentials, routers, load balancers,
    /// quotas, inventories. All of it grows with the cloud.
    Tenancy,
}

impl Size {
    /// A cloud with about this many servers: a hundred resources for forty of
    /// them.
    #[must_use]
    pub fn servers(servers: usize) -> Self {
        Self::resources(servers.saturating_mul(5) / 2)
    }

    /// A cloud with about this many resources.
    #[must_use]
    pub fn resources(resources: usize) -> Self {
        Self { resources, mix: Mix::Inventory, night: 1, changed: 0.01 }
    }
}

/// Makes a cloud of one region. Sign in as `admin` with `secret` for project
/// `admin`.
#[must_use]
pub fn generate(seed: u64, size: Size) -> Recording {
    let admin = Account {
        user: "admin".to_owned(),
        password: "secret".to_owned(),
        project: Some("admin".to_owned()),
        roles: vec!["admin".to_owned(), "member".to_owned(), "reader".to_owned()],
        application_credential: None,
    };
    let mut cloud = Recording::new(&["RegionOne"], vec![admin]);
    for (service, newest) in [("compute", "2.96"), ("block-storage", "3.71"), ("placement", "1.39")]
    {
        cloud.microversions.insert(service.to_owned(), newest.to_owned());
    }
    let of = |percent: usize| (size.resources * percent / 100).max(1);
    let tenancy = size.mix == Mix::Tenancy;
    let [servers, ports, volumes, groups, rules] = match size.mix {
        Mix::Inventory => [40, 40, 15, 1, 4].map(of),
        Mix::Tenancy => [42, 18, 16, 4, 16].map(of),
    };
    let projects = (size.resources / 500).clamp(3, if tenancy { usize::MAX } else { 100 });
    let maker = Maker {
        seed,
        night: size.night,
        changed: size.changed,
        projects,
        users: if tenancy { projects } else { projects.min(50) },
        hypervisors: (size.resources / 100).clamp(3, 100),
        servers,
        groups: if tenancy { groups } else { 20 },
    };
    let lists: [(&str, &str, &str, u8, usize, Make); 5] = [
        ("compute", "servers/detail", "servers", b's', servers, Maker::server),
        ("network", "ports", "ports", b'p', ports, Maker::port),
        ("block-storage", "volumes/detail", "volumes", b'v', volumes, Maker::volume),
        ("network", "security-groups", "security_groups", b'g', groups, Maker::group),
        ("network", "security-group-rules", "security_group_rules", b'r', rules, Maker::rule),
    ];
    for (service, path, key, kind, count, make) in lists {
        cloud.list(service, path, key, maker.many(kind, count, make));
    }
    maker.frame(&mut cloud);
    if tenancy {
        maker.tenancy(&mut cloud, [of(2), of(1)]);
    }
    cloud
}

/// Makes one item.
type Make = fn(&Maker, usize, Version) -> Value;

/// Makes items of one list that are the same every night.
fn list(count: usize, make: &dyn Fn(usize) -> Value) -> Vec<Bytes> {
    (0..count).map(|n| Bytes::from(make(n).to_string())).collect()
}

struct Maker {
    seed: u64,
    night: u32,
    changed: f64,
    projects: usize,
    users: usize,
    hypervisors: usize,
    servers: usize,
    /// Over how many security groups ports and rules are spread.
    groups: usize,
}

/// What is special about one item on this night.
#[derive(Clone, Copy)]
struct Version {
    /// Grows each night that the item changes.
    changes: u64,
    /// Grows each night that it is replaced by a new one.
    life: u64,
}

impl Maker {
    /// SplitMix64 over what the number is for.
    fn number(&self, kind: u8, at: usize, salt: u64) -> u64 {
        let mut z = self
            .seed
            .wrapping_add((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .wrapping_add(u64::from(kind) << 56)
            .wrapping_add(salt.wrapping_mul(0xd1b5_4a32_d192_ed03));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn version(&self, kind: u8, at: usize) -> Version {
        let mut version = Version { changes: 0, life: 0 };
        for night in 2..=self.night {
            let draw = self.number(kind, at, 1000 + u64::from(night));
            let part = (draw >> 11) as f64 / (1_u64 << 53) as f64;
            if part < self.changed / 10.0 {
                version.life += 1;
            } else if part < self.changed {
                version.changes += 1;
            }
        }
        version
    }

    fn uuid(&self, kind: u8, at: usize, life: u64) -> String {
        let (a, b) = (self.number(kind, at, 2 * life), self.number(kind, at, 2 * life + 1));
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }

    /// An id as Keystone has them.
    fn hex(&self, kind: u8, at: usize) -> String {
        self.uuid(kind, at, 0).replace('-', "")
    }

    /// The id that an item has tonight.
    fn id(&self, kind: u8, at: usize) -> String {
        self.uuid(kind, at, self.version(kind, at).life)
    }

    fn many(&self, kind: u8, count: usize, make: Make) -> Vec<Bytes> {
        (0..count)
            .map(|at| Bytes::from(make(self, at, self.version(kind, at)).to_string()))
            .collect()
    }

    fn project(&self, kind: u8, at: usize) -> String {
        let n = self.number(kind, at, 77) as usize % self.projects;
        self.hex(b'P', n)
    }

    fn host(&self, at: usize) -> String {
        format!("compute-{:03}", self.number(b'h', at, 5) as usize % self.hypervisors)
    }

    fn address(&self, at: usize) -> String {
        format!("10.{}.{}.{}", (at >> 16) & 0xff, (at >> 8) & 0xff, at & 0xff)
    }

    fn mac(&self, at: usize) -> String {
        format!("fa:16:3e:{:02x}:{:02x}:{:02x}", (at >> 16) & 0xff, (at >> 8) & 0xff, at & 0xff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(cloud: &Recording) -> Vec<String> {
        let one = |e: &crate::recording::Entry| match &e.body {
            crate::recording::Body::List { items, .. } => {
                items.iter().map(|i| String::from_utf8_lossy(i).into_owned()).collect()
            }
            crate::recording::Body::Whole(_) => Vec::new(),
        };
        cloud.entries.iter().flat_map(one).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_cloud_and_another_another() {
        let size = Size::resources(1000);
        assert_eq!(bytes_of(&generate(7, size)), bytes_of(&generate(7, size)));
        assert_ne!(bytes_of(&generate(7, size)), bytes_of(&generate(8, size)));
    }

    #[test]
    fn a_tenancy_has_what_was_asked_for_and_grows_with_it() {
        let size = |resources| Size { mix: Mix::Tenancy, ..Size::resources(resources) };
        let [small, large] = [1_000, 10_000].map(|n| generate(7, size(n)).size().0);
        assert!((1_000..1_400).contains(&small), "{small}");
        assert!((10_000..11_000).contains(&large), "{large}");
        let rules = |cloud: &Recording| {
            let lines = bytes_of(cloud);
            let group = |line: &String| {
                let item: Value = serde_json::from_str(line).unwrap();
                item["security_group_id"].as_str().map(str::to_owned)
            };
            let mut groups = std::collections::BTreeMap::new();
            lines.iter().filter_map(group).for_each(|g| *groups.entry(g).or_insert(0) += 1);
            groups.into_values().max()
        };
        let most = [1_000, 10_000].map(|n| rules(&generate(7, size(n))));
        assert_eq!(most, [Some(4), Some(4)], "rules per group stay as many");
    }

    #[test]
    fn the_second_night_differs_by_about_what_was_asked() {
        let size = Size { changed: 0.02, ..Size::resources(5_000) };
        let one = bytes_of(&generate(7, size));
        let two = bytes_of(&generate(7, Size { night: 2, ..size }));
        let differ = one.iter().zip(&two).filter(|(a, b)| a != b).count();
        // Ports and rules that name a replaced server or group change with it.
        assert!((70..230).contains(&differ), "{differ} of {}", one.len());
    }
}
