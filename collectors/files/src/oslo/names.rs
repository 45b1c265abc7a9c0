//! Which files of a configuration folder are read, by their names.
//!
//! A folder such as `/etc/kolla` also holds Apache's, RabbitMQ's and libvirt's
//! files, which end in `.conf` too and are not of this dialect. The names tell
//! them apart; what a file says does not, since a broken file must be told.

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Options of `oslo.config`.
    Options,
    /// Rules of `oslo.policy`.
    Rules,
}

/// Services that read `oslo.config` files.
///
/// Source: the projects of OpenStack's governance list that deploy daemons.
/// Swift and Horizon are left out: theirs are of other dialects.
const SERVICES: [&str; 27] = [
    "aodh",
    "barbican",
    "blazar",
    "ceilometer",
    "cinder",
    "cloudkitty",
    "cyborg",
    "designate",
    "freezer",
    "glance",
    "gnocchi",
    "heat",
    "ironic",
    "keystone",
    "magnum",
    "manila",
    "masakari",
    "masakarimonitors",
    "mistral",
    "neutron",
    "nova",
    "octavia",
    "placement",
    "tacker",
    "trove",
    "watcher",
    "zun",
];

/// Files of Neutron's drivers that end in `.ini`; so do those of its agents,
/// `*_agent.ini`. Other `.ini` files are PasteDeploy's and uWSGI's.
const INI: [&str; 3] = ["bgp_dragent.ini", "fwaas_driver.ini", "ml2_conf.ini"];

/// Words in the names of files that belong to web servers, to dnsmasq, to
/// rootwrap and to Python's logging.
const OTHERS: [&str; 6] = ["wsgi", "httpd", "apache", "dnsmasq", "rootwrap", "logging"];

/// Folders below a service that hold keys and certificates, which may not be
/// readable and must not be read.
const KEYS: [&str; 9] = [
    "ca-certificates",
    "certificates",
    "certs",
    "credential-keys",
    "fernet-keys",
    "jws-keys",
    "private",
    "rootwrap.d",
    "ssl",
];

/// The service that a folder belongs to: `nova` for `nova`, `nova-api` and
/// `nova_compute`.
pub(crate) fn service(folder: &str) -> Option<&'static str> {
    SERVICES.into_iter().find(|s| {
        let rest = folder.strip_prefix(s);
        rest.is_some_and(|r| r.is_empty() || r.starts_with(['-', '_', '.']))
    })
}

/// Whether a folder below a service is looked into.
pub(crate) fn is_looked_into(folder: &str) -> bool {
    !KEYS.contains(&folder)
}

/// What a file holds; `folder` is the name of the folder it stands in. `None`
/// if it is not read.
pub(crate) fn holds(folder: &str, file: &str) -> Option<Holds> {
    if folder == "policy.d" || matches!(file, "policy.yaml" | "policy.yml" | "policy.json") {
        return Some(Holds::Rules);
    }
    let ours = match file.strip_suffix(".conf") {
        Some(_) if folder.ends_with(".conf.d") => true,
        Some(stem) => service(stem).is_some() && !OTHERS.iter().any(|o| stem.contains(o)),
        None => INI.contains(&file) || file.ends_with("_agent.ini"),
    };
    ours.then_some(Holds::Options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_services_are_told_from_others() {
        for (folder, file) in [
            ("keystone", "keystone.conf"),
            ("nova-api", "nova.conf"),
            ("glance-api", "glance-api.conf"),
            ("domains", "keystone.example.conf"),
            ("nova.conf.d", "10-local.conf"),
            ("ml2", "ml2_conf.ini"),
            ("neutron-ovn-agent", "ovn_agent.ini"),
            ("masakari", "masakarimonitors.conf"),
        ] {
            assert_eq!(holds(folder, file), Some(Holds::Options), "{file}");
        }
        for (folder, file) in
            [("nova", "policy.yaml"), ("nova", "policy.json"), ("policy.d", "10-x")]
        {
            assert_eq!(holds(folder, file), Some(Holds::Rules), "{file}");
        }
        for (folder, file) in [
            ("keystone", "wsgi-keystone.conf"),
            ("placement-api", "placement-api-wsgi.conf"),
            ("nova-libvirt", "libvirtd.conf"),
            ("ironic-http", "ironic-http-httpd.conf"),
            ("ironic-dnsmasq", "ironic-dnsmasq.conf"),
            ("nova-compute", "ceph.conf"),
            ("nova", "rootwrap.conf"),
            ("barbican-api", "barbican-api-paste.ini"),
            ("nova-api", "config.json"),
            ("novalike", "novalike.conf"),
            ("keystone", "keystone.conf.bak"),
        ] {
            assert_eq!(holds(folder, file), None, "{file}");
        }
        assert_eq!(service("nova-api"), Some("nova"));
        assert_eq!(service("masakarimonitors"), Some("masakarimonitors"));
        assert_eq!((service("rabbitmq"), service("novalike")), (None, None));
    }
}
