//! When a resource that was not seen is gone: only if a complete listing
//! should have shown it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_model::{Kind, KindCoverage, Status, Visibility};

/// The listings of one kind, by region.
#[derive(Debug, Default)]
pub(crate) struct Listings<'c>(BTreeMap<Option<&'c str>, Vec<&'c KindCoverage>>);

impl<'c> Listings<'c> {
    /// Those of `kind` among all coverage of a snapshot.
    pub(crate) fn of(kind: &Kind, coverage: &'c [KindCoverage]) -> Self {
        let mut regions: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for c in coverage.iter().filter(|c| c.kind == *kind) {
            regions.entry(c.region.as_deref()).or_default().push(c);
        }
        Self(regions)
    }

    fn region<'s>(&'s self, region: Option<&'s Arc<str>>) -> &'s [&'s KindCoverage] {
        self.0.get(&region.map(AsRef::as_ref)).map_or(&[], Vec::as_slice)
    }

    /// Whether what is not listed in `self` is gone, if it was last seen by
    /// `last`.
    ///
    /// Every listing of `self` must be complete (the worst counts for the
    /// whole), and each view under which it may have been seen must be
    /// contained in one of `self`. Where nothing says how it was seen, by
    /// everybody's eyes is assumed, the hardest to contain.
    pub(crate) fn disprove(&self, region: Option<&Arc<str>>, last: &Listings<'_>) -> bool {
        let now = self.region(region);
        let complete = |c: &&KindCoverage| matches!(c.status, Status::Complete { .. });
        if now.is_empty() || !now.iter().all(complete) {
            return false;
        }
        let contained = |v: &Visibility| now.iter().any(|c| c.visibility.contains(v));
        let last = last.region(region);
        if last.is_empty() {
            return contained(&Visibility::All);
        }
        last.iter().all(|c| contained(&c.visibility))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(status: Status, visibility: Visibility) -> KindCoverage {
        KindCoverage {
            source: "openstack/compute".into(),
            region: Some("r".into()),
            kind: Kind::new("compute.server").unwrap(),
            status,
            visibility,
            read_from: "2026-11-22T00:00:00Z".parse().unwrap(),
            read_until: "2026-11-22T00:00:01Z".parse().unwrap(),
        }
    }

    fn projects(ids: &[&str]) -> Visibility {
        Visibility::Projects(ids.iter().map(|&i| Arc::from(i)).collect())
    }

    #[track_caller]
    fn check(now: &[&KindCoverage], last: &[&KindCoverage], gone: bool) {
        let [now, last] = [now, last].map(|l| l.iter().map(|&c| c.clone()).collect::<Vec<_>>());
        let kind = Kind::new("compute.server").unwrap();
        let (now, last) = (Listings::of(&kind, &now), Listings::of(&kind, &last));
        assert_eq!(now.disprove(Some(&"r".into()), &last), gone);
        assert!(!now.disprove(Some(&"other".into()), &last));
    }

    #[test]
    fn only_a_complete_listing_with_as_much_in_view_removes() {
        let complete = || Status::Complete { count: 0 };
        let all = listing(complete(), Visibility::All);
        let reader = listing(complete(), projects(&["a"]));
        let other = listing(complete(), projects(&["b"]));
        let failed = listing(Status::Failed { reason: "500".into() }, Visibility::All);
        check(&[&all], &[&all], true);
        check(&[&all], &[&reader], true);
        check(&[&reader], &[&all], false);
        check(&[&reader], &[&reader], true);
        check(&[&reader], &[&reader, &other], false);
        check(&[&reader, &other], &[&reader, &other], true);
        check(&[&reader, &failed], &[&reader], false);
        check(&[&failed], &[&all], false);
        check(&[], &[&all], false);
        check(&[&all], &[], true);
        check(&[&reader], &[], false);
        for status in [
            Status::Absent,
            Status::Forbidden,
            Status::Inconsistent,
            Status::Subset { selector: "host=a".into() },
        ] {
            check(&[&listing(status, Visibility::All)], &[&all], false);
        }
    }
}
