//! `kubernetes.component`: the static pods of `kube-system`, as the cluster
//! shows them. What the control plane runs as is so known without all the other
//! workloads, which change all the time.

use tidegate_model::Fact;

use super::POD;
use super::source::Source;
use crate::single::Single;
use crate::unreadable;

pub(crate) const KIND: &str = "kubernetes.component";

pub(crate) static COMPONENTS: Single =
    Single { kind: KIND, input: POD, possible: "kubernetes/core.Pod/kube-system/", body };

/// The body for a Pod that shows a static pod, or cannot be read.
fn body(pod: &Fact) -> Option<String> {
    match Source::read(pod).pod {
        Ok(spec) if spec.is_mirror() => Some(spec.containers_body()),
        Ok(_) => None,
        Err(why) => Some(unreadable(&why)),
    }
}
