//! What a token may see, told from its roles and scope.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_model::Visibility;

/// Whose eyes a token gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) user: String,
    pub(crate) project: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) system: bool,
    pub(crate) roles: BTreeSet<String>,
}

/// How an API narrows a listing that it answers with 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// It shows everything or answers 403: hypervisors, services, endpoints.
    Whole,
    /// It shows everything to the admin role and silently the own project's
    /// (and public) things to others: Neutron, Cinder, Glance, flavors.
    Filtered,
    /// Keystone: as `Whole` for a project's admin and for system scope, the
    /// own domain for a token of a domain.
    Identity,
    /// Everything to a token for the system, the own project's things to
    /// others, without a word: Ironic.
    System,
    /// Everything to whoever has one of the usual roles, silently nothing to
    /// others: Neutron's default rules.
    Readers,
    /// The own project's things, whatever the role.
    Own,
}

impl Scope {
    /// Whether the `admin` role is held. In the default policies of Nova,
    /// Neutron, Cinder and Glance it counts for the whole cloud, in whatever
    /// project it is held.
    pub(crate) fn is_admin(&self) -> bool {
        self.roles.contains("admin")
    }

    fn has_usual_role(&self) -> bool {
        ["reader", "member", "manager", "admin"].iter().any(|r| self.roles.contains(*r))
    }

    /// What a listing showed that was answered with 200. A service that
    /// `needs_project` answers a token without one with empty lists, also for
    /// what an admin may see.
    pub(crate) fn visibility(&self, view: View, needs_project: bool) -> Visibility {
        if needs_project && self.project.is_none() {
            return Visibility::Public;
        }
        match view {
            View::Whole => Visibility::All,
            View::Filtered if self.is_admin() => Visibility::All,
            View::System if self.system => Visibility::All,
            View::Readers if self.has_usual_role() => Visibility::All,
            View::Readers => Visibility::Public,
            View::Identity if self.domain.is_none() && (self.is_admin() || self.system) => {
                Visibility::All
            }
            View::Filtered | View::Identity | View::System | View::Own => self.own(),
        }
    }

    /// The own project, else the own domain, else what is public.
    pub(crate) fn own(&self) -> Visibility {
        match (&self.project, &self.domain) {
            (Some(project), _) => {
                Visibility::Projects(BTreeSet::from([Arc::from(project.as_str())]))
            }
            (None, Some(domain)) => Visibility::Domain(Arc::from(domain.as_str())),
            (None, None) => Visibility::Public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(project: Option<&str>, domain: Option<&str>, system: bool, role: &str) -> Scope {
        Scope {
            user: "u".into(),
            project: project.map(Into::into),
            domain: domain.map(Into::into),
            system,
            roles: BTreeSet::from([role.to_owned()]),
        }
    }

    #[test]
    fn a_filtered_listing_is_whole_for_admins_only() {
        let admin = scope(Some("p"), None, false, "admin");
        let member = scope(Some("p"), None, false, "member");
        let reader = scope(None, None, true, "reader");
        assert_eq!(admin.visibility(View::Filtered, false), Visibility::All);
        assert_eq!(member.visibility(View::Filtered, false), member.own());
        assert_eq!(reader.visibility(View::Filtered, false), Visibility::Public);
        assert_eq!(reader.visibility(View::Identity, false), Visibility::All);
    }

    #[test]
    fn what_only_the_system_or_the_usual_roles_are_shown() {
        let admin = scope(Some("p"), None, false, "admin");
        let system = scope(None, None, true, "reader");
        let odd = scope(Some("p"), None, false, "object-store-operator");
        assert_eq!(admin.visibility(View::System, false), admin.own());
        assert_eq!(system.visibility(View::System, false), Visibility::All);
        assert_eq!(admin.visibility(View::Readers, true), Visibility::All);
        assert_eq!(odd.visibility(View::Readers, true), Visibility::Public);
    }

    #[test]
    fn an_empty_answer_to_a_token_without_project_is_not_the_whole() {
        let system = scope(None, None, true, "admin");
        assert_eq!(system.visibility(View::Filtered, true), Visibility::Public);
        assert_eq!(system.visibility(View::Whole, true), Visibility::Public);
    }

    #[test]
    fn an_admin_of_a_domain_sees_that_domain_in_keystone() {
        let admin = scope(None, Some("d"), false, "admin");
        assert_eq!(admin.visibility(View::Identity, false), Visibility::Domain("d".into()));
        assert_eq!(admin.visibility(View::Filtered, false), Visibility::All);
    }
}
