//! Which rules judge which subject: those asked for, or by default those of the
//! system that it is one of.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_model::{Kind, KindCoverage};
use tidegate_report::{FrameworkReport, SubjectReport};

use crate::bundles::{self, Resolved};
use crate::config::{Parameter, RuleChoice, Setting};
use crate::failure::Result;
use crate::frameworks::Frameworks;

/// What a subject is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum System {
    OpenStack,
    Kubernetes,
}

impl System {
    pub(crate) const ALL: [Self; 2] = [Self::OpenStack, Self::Kubernetes];

    /// What a snapshot with this coverage is of, by the APIs that were asked.
    pub(crate) fn of(coverage: &[KindCoverage]) -> Self {
        let cluster = coverage.iter().any(|c| c.source.starts_with("kubernetes/"));
        if cluster { Self::Kubernetes } else { Self::OpenStack }
    }

    /// The system whose kind this is: kinds of the Kubernetes API end in a name
    /// with a capital. `None` for what may be stated about either.
    pub(crate) fn of_kind(kind: &Kind) -> Option<Self> {
        let kind = kind.as_str();
        let (first, last) = (kind.split('.').next(), kind.rsplit('.').next());
        let capital = last.is_some_and(|l| l.starts_with(|c: char| c.is_ascii_uppercase()));
        match first {
            Some("attestation") => None,
            Some("kubernetes") => Some(Self::Kubernetes),
            _ if capital => Some(Self::Kubernetes),
            _ => Some(Self::OpenStack),
        }
    }
}

/// The rules of a run.
pub(crate) struct Rules {
    choice: RuleChoice,
    frameworks: Frameworks,
    openstack: OnceCell<Arc<Resolved>>,
    kubernetes: OnceCell<Arc<Resolved>>,
}

impl Rules {
    /// Loads and compiles rules that were asked for, so that what is wrong with
    /// them is told at once; those that each system has by default are compiled
    /// when a subject needs them.
    ///
    /// # Errors
    /// What is wrong with a bundle, a scope, a framework, a parameter or the
    /// reference date.
    pub(crate) fn new(choice: RuleChoice) -> Result<Self> {
        bundles::reference_time(&choice)?;
        let frameworks = Frameworks::of(&choice)?;
        let choice = frameworks.choose(choice);
        let (openstack, kubernetes) = (OnceCell::new(), OnceCell::new());
        let rules = Self { choice, frameworks, openstack, kubernetes };
        if !rules.choice.by_default() {
            let all = bundles::resolve(&rules.choice, System::OpenStack)?;
            let of = |system| Arc::new(all.narrowed(system));
            rules.openstack.get_or_init(|| of(System::OpenStack));
            rules.kubernetes.get_or_init(|| of(System::Kubernetes));
        }
        Ok(rules)
    }

    /// The rules of a system's subjects.
    ///
    /// # Errors
    /// As [`Rules::new`].
    pub(crate) fn of(&self, system: System) -> Result<Arc<Resolved>> {
        let cell = match system {
            System::OpenStack => &self.openstack,
            System::Kubernetes => &self.kubernetes,
        };
        match cell.get() {
            Some(resolved) => Ok(resolved.clone()),
            None => {
                let resolved = Arc::new(bundles::resolve(&self.choice, system)?);
                Ok(cell.get_or_init(|| resolved).clone())
            }
        }
    }

    /// What is known of the controls of the frameworks asked for.
    pub(crate) fn frameworks(&self, subjects: &[SubjectReport]) -> Vec<FrameworkReport> {
        let used = self.openstack.get().into_iter().chain(self.kubernetes.get());
        let more = used.flat_map(|r| r.metas.clone()).collect();
        self.frameworks.report(subjects, &more)
    }

    /// What `--mode` says.
    pub(crate) fn mode(&self) -> Option<&'static str> {
        self.choice.mode.value.map(crate::args::Mode::name)
    }

    /// The parameters that were set, as `[RULE.]NAME=VALUE`.
    pub(crate) fn parameters(&self) -> Vec<String> {
        let shown = |p: &Setting<Parameter>| {
            let Parameter { rule, name, value } = &p.value;
            let rule = rule.as_ref().map_or_else(String::new, |r| format!("{r}."));
            format!("{rule}{name}={value}")
        };
        self.choice.parameters.iter().map(shown).collect()
    }

    /// The scopes whose version was named, with it, of all rules used so far.
    pub(crate) fn forced(&self) -> Vec<(String, String)> {
        let used = self.openstack.get().into_iter().chain(self.kubernetes.get());
        let all: BTreeSet<(String, String)> = used.flat_map(|r| r.forced()).collect();
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_tells_its_system() {
        let of = |k: &str| System::of_kind(&Kind::new(k).unwrap());
        assert_eq!(of("compute.server"), Some(System::OpenStack));
        assert_eq!(of("config.oslo"), Some(System::OpenStack));
        assert_eq!(of("core.Pod"), Some(System::Kubernetes));
        assert_eq!(of("policy.networking.k8s.io.AdminNetworkPolicy"), Some(System::Kubernetes));
        assert_eq!(of("kubernetes.workload"), Some(System::Kubernetes));
        assert_eq!(of("attestation.statement"), None);
    }
}
