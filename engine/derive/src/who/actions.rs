//! Actions of services, and the roles that their default policies let.
//!
//! Only what the published defaults say plainly, with secure RBAC (no
//! deprecated rules): a cloud may override each in its `policy.yaml`, which no
//! API tells. `role:admin` counts on whichever project it is held: the services
//! do not compare it with the project of the resource.

use serde::Serialize;

/// Which roles a default policy lets do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// `SERVICE:ACTION`.
    pub action: &'static str,
    /// The name of the rule in the service's policy.
    pub rule: &'static str,
    /// Who may.
    #[serde(skip)]
    pub(super) lets: &'static [Lets],
    /// Where the defaults are published.
    pub source: &'static str,
}

/// A role, and where it must be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lets {
    pub(super) role: &'static str,
    pub(super) place: Place,
}

/// Where a role must be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On the project, domain or system that is asked about.
    Here,
    /// On the domain of what is asked about.
    Domain,
    /// On the system.
    System,
    /// On any project, that of the resource or not.
    AnyProject,
    /// On any project, domain or the system.
    Anywhere,
}

const fn lets(role: &'static str, place: Place) -> Lets {
    Lets { role, place }
}

/// `role:admin` and `project_id`.
const MEMBER: &[Lets] = &[lets("member", Place::Here), lets("admin", Place::AnyProject)];
const READER: &[Lets] = &[lets("reader", Place::Here), lets("admin", Place::AnyProject)];
const ADMIN: &[Lets] = &[lets("admin", Place::AnyProject)];
/// `rule:admin_required` of Keystone.
const KEYSTONE_ADMIN: &[Lets] = &[lets("admin", Place::Anywhere)];
/// The same or a manager of the domain, since 2024.2.
const DOMAIN_MANAGER: &[Lets] = &[lets("admin", Place::Anywhere), lets("manager", Place::Domain)];
/// The same or a reader of the system or the domain.
const DOMAIN_READER: &[Lets] =
    &[lets("admin", Place::Anywhere), lets("reader", Place::System), lets("reader", Place::Domain)];

const NOVA: &str = "https://docs.openstack.org/nova/latest/configuration/policy.html";
const CINDER: &str =
    "https://docs.openstack.org/cinder/latest/configuration/block-storage/policy.html";
const NEUTRON: &str = "https://docs.openstack.org/neutron/latest/configuration/policy.html";
const GLANCE: &str = "https://docs.openstack.org/glance/latest/configuration/glance_policy.html";
const KEYSTONE: &str = "https://docs.openstack.org/keystone/latest/configuration/policy.html";

const fn row(
    action: &'static str,
    rule: &'static str,
    lets: &'static [Lets],
    source: &'static str,
) -> Policy {
    Policy { action, rule, lets, source }
}

static ACTIONS: [Policy; 24] = [
    row("compute:create", "os_compute_api:servers:create", MEMBER, NOVA),
    row("compute:delete", "os_compute_api:servers:delete", MEMBER, NOVA),
    row("compute:reboot", "os_compute_api:servers:reboot", MEMBER, NOVA),
    row("compute:show", "os_compute_api:servers:show", READER, NOVA),
    row("compute:start", "os_compute_api:servers:start", MEMBER, NOVA),
    row("compute:stop", "os_compute_api:servers:stop", MEMBER, NOVA),
    row("identity:create_domain", "identity:create_domain", KEYSTONE_ADMIN, KEYSTONE),
    row("identity:create_group", "identity:create_group", DOMAIN_MANAGER, KEYSTONE),
    row("identity:create_project", "identity:create_project", DOMAIN_MANAGER, KEYSTONE),
    row("identity:create_role", "identity:create_role", KEYSTONE_ADMIN, KEYSTONE),
    row("identity:create_user", "identity:create_user", DOMAIN_MANAGER, KEYSTONE),
    row("identity:delete_domain", "identity:delete_domain", KEYSTONE_ADMIN, KEYSTONE),
    row("identity:delete_project", "identity:delete_project", DOMAIN_MANAGER, KEYSTONE),
    row("identity:delete_role", "identity:delete_role", KEYSTONE_ADMIN, KEYSTONE),
    row("identity:delete_user", "identity:delete_user", DOMAIN_MANAGER, KEYSTONE),
    row("identity:list_users", "identity:list_users", DOMAIN_READER, KEYSTONE),
    row("identity:update_user", "identity:update_user", DOMAIN_MANAGER, KEYSTONE),
    row("image:create", "add_image", MEMBER, GLANCE),
    row("image:delete", "delete_image", MEMBER, GLANCE),
    row("image:publicize", "publicize_image", ADMIN, GLANCE),
    row("network:create_network", "create_network", MEMBER, NEUTRON),
    row("network:create_security_group", "create_security_group", MEMBER, NEUTRON),
    row("volume:create", "volume:create", MEMBER, CINDER),
    row("volume:delete", "volume:delete", MEMBER, CINDER),
];

/// All actions, in order of name.
pub fn actions() -> impl Iterator<Item = &'static Policy> {
    ACTIONS.iter()
}

pub(super) fn action(name: &str) -> Option<&'static Policy> {
    ACTIONS.iter().find(|a| a.action == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_in_order_and_each_lets_somebody() {
        let names: Vec<&str> = actions().map(|a| a.action).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        assert!(actions().all(|a| !a.lets.is_empty() && a.action.contains(':')));
    }
}
