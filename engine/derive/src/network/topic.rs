//! What depends on what: who tells about a topic, and who reads of it.

use super::item::{Body, Item};

/// The hash of a topic. Two topics with one hash do no harm: a little more is
/// made again than need be.
pub(super) type Topic = u64;

/// Those of one resource. A change of it, or of something it reads of, is news
/// on all that it tells about.
#[derive(Debug, Default)]
pub(super) struct Topics {
    pub(super) reads: Vec<Topic>,
    pub(super) tells: Vec<Topic>,
}

/// What stands for itself because nobody can say what it belongs to.
pub(super) const ALONE: Topic = 0;

/// The topics of a region.
#[derive(Debug, Clone, Copy)]
pub(super) struct Topical<'r> {
    pub(super) region: &'r str,
}

impl Topical<'_> {
    pub(super) fn address_group(self, id: &str) -> Topic {
        self.topic(1, id)
    }

    /// A security group and its rules.
    pub(super) fn group(self, id: &str) -> Topic {
        self.topic(2, id)
    }

    pub(super) fn network(self, id: &str) -> Topic {
        self.topic(3, id)
    }

    pub(super) fn subnet(self, id: &str) -> Topic {
        self.topic(4, id)
    }

    pub(super) fn router(self, id: &str) -> Topic {
        self.topic(5, id)
    }

    /// The routers that a subnet has.
    pub(super) fn routes(self, subnet: &str) -> Topic {
        self.topic(6, subnet)
    }

    /// The floating IPs that lead to a port.
    pub(super) fn floating(self, port: &str) -> Topic {
        self.topic(7, port)
    }

    /// The addresses of a network that ports without a device hold, and what
    /// leads to them.
    pub(super) fn virtuals(self, network: &str) -> Topic {
        self.topic(8, network)
    }

    /// FNV-1a.
    fn topic(self, sort: u8, id: &str) -> Topic {
        let bytes = self.region.bytes().chain([b'/', sort]).chain(id.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        hash.max(1)
    }

    pub(super) fn of(self, item: &Item) -> Topics {
        let mut topics = Topics::default();
        let Topics { reads, tells } = &mut topics;
        let id = item.id.as_str();
        match &item.body {
            Body::AddressGroup(_) => tells.push(self.address_group(id)),
            Body::Rule(Ok(rule)) => {
                if let super::read::Remote::AddressGroup(group) = &rule.remote {
                    reads.push(self.address_group(group));
                }
                tells.push(self.group(&rule.group));
            }
            Body::Rule(Err((Some(group), _))) => tells.push(self.group(group)),
            Body::Rule(Err((None, _))) | Body::Floating(Err(_)) => tells.push(ALONE),
            Body::Group => {
                reads.push(self.group(id));
                tells.push(self.group(id));
            }
            Body::Network(_) => tells.push(self.network(id)),
            Body::Subnet(_) => tells.push(self.subnet(id)),
            Body::Router(router) => {
                let network = router.as_ref().ok().and_then(|r| r.network());
                reads.extend(network.map(|n| self.network(n)));
                tells.push(self.router(id));
            }
            Body::Floating(Ok(floating)) => {
                let forwarded = floating.forwardings.iter().map(|f| &f.port);
                let ports = floating.port.iter().map(|(port, _)| port).chain(forwarded);
                tells.extend(ports.map(|p| self.floating(p)));
            }
            Body::Port(Err(_)) => {}
            Body::Port(Ok(port)) => {
                let subnets = || port.fixed.iter().map(|f| f.subnet.as_str());
                if port.is_interface() {
                    reads.push(self.router(&port.device));
                    tells.extend(subnets().map(|s| self.routes(s)));
                }
                if port.is_neutron() {
                    return topics;
                }
                reads.push(self.network(&port.network));
                reads.push(self.floating(id));
                reads.extend(port.groups.iter().map(|g| self.group(g)));
                for subnet in subnets() {
                    reads.extend([self.subnet(subnet), self.routes(subnet)]);
                }
                if !port.pairs.is_empty() {
                    reads.push(self.virtuals(&port.network));
                }
                if port.is_virtual() {
                    tells.push(self.virtuals(&port.network));
                }
            }
        }
        topics
    }
}
