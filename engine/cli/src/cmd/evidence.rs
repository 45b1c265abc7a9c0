//! Facts of a snapshot that no listing of the cloud gives: what probes and test
//! suites found and people stated, which is carried from one snapshot into the
//! next until it is replaced, and files of configuration.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tidegate_files::{FilesError, SignatureStatus, TEST_RESULT};
use tidegate_model::{
    Collected, Facts as _, FactsError, Kind, KindCoverage, Resource, ResourceKey, Status, Subject,
    Timestamp, Visibility,
};
use tidegate_redact::RedactionKey;
use tidegate_signature::{AllowedSigners, VerifyError};
use tidegate_store::{At, SnapshotReader, Store, StoreError};

use crate::args::Sources;
use crate::cmd::store::failure;
use crate::cmd::targets::Target;
use crate::failure::{Failure, Result};
use crate::output::Ui;
use crate::rules::System;

/// The kind of what people state.
const STATEMENT: &str = "attestation.statement";

/// The namespace of signatures of statements.
const NAMESPACE: &str = "attestation";

/// What one snapshot is given besides the listings.
#[derive(Default)]
pub(crate) struct Evidence {
    /// What probes found just now.
    pub(crate) probes: Vec<Resource>,
    /// What was read from files, resources and coverage.
    pub(crate) files: Vec<Collected>,
}

impl Evidence {
    /// Reads the files handed in with a command, before anything is collected.
    pub(crate) fn read(
        ui: &mut Ui,
        sources: &Sources,
        subject: &Subject,
        key: Option<&RedactionKey>,
        now: Timestamp,
    ) -> Result<Self> {
        let mut files = Vec::new();
        let failed = |e: FilesError| {
            let hint = e.hint();
            Failure::from_error(&e).hint(hint)
        };
        if let Some(dir) = &sources.config_dir {
            files.extend(tidegate_files::oslo(dir, now, key).map_err(failed)?);
        }
        if !sources.test_results.is_empty() {
            let paths = &sources.test_results;
            files.extend(tidegate_files::test_results(paths, now, key).map_err(failed)?);
        }
        if !sources.attestation.is_empty() {
            let signers = sources.allowed_signers.as_deref().map(signers).transpose()?;
            let verify = |message: &[u8], armored: &str| match &signers {
                Some(signers) => status(signers.verify(armored, NAMESPACE, message, now)),
                None => SignatureStatus::UnknownSigner {
                    problem: "no allowed signers are named".to_owned(),
                    key: None,
                },
            };
            let paths = &sources.attestation;
            let read = tidegate_files::attestations(paths, subject, now, key, Some(&verify));
            let read = read.map_err(failed)?;
            for notice in &read.notices {
                ui.warn(&notice.to_string());
            }
            files.extend(read.collected);
        }
        Ok(Self { probes: Vec::new(), files })
    }

    /// All of it, together with what the last snapshot holds and nothing here
    /// replaces. The kinds of probes and statements are complete each time, so
    /// that a rule can tell "never probed" from "not looked"; that of test results
    /// so for clusters, and for others once some were handed in. How long a result counts is for the rules to say.
    pub(crate) async fn complete(
        self,
        store: &Store,
        Target { subject, source, .. }: &Target,
        now: Timestamp,
    ) -> Result<Vec<Collected>> {
        let Self { probes, files } = self;
        let (statement, test_result) = (kind(STATEMENT)?, kind(TEST_RESULT)?);
        let given = |kind: &Kind| {
            files.iter().any(|c| matches!(c, Collected::Coverage(cover) if cover.kind == *kind))
        };
        let mut kinds: Vec<Kind> =
            tidegate_probe::KINDS.into_iter().map(kind).collect::<Result<_>>()?;
        let regions: Vec<Option<&str>> = source.regions().into_iter().map(Some).collect();
        let mut wanted: Vec<(Kind, Vec<Option<&str>>)> =
            kinds.iter().map(|kind| (kind.clone(), regions.clone())).collect();
        if !given(&statement) {
            kinds.push(statement.clone());
            wanted.push((statement, vec![None]));
        }
        let mut tested = source.system() == System::Kubernetes;
        let known: BTreeSet<ResourceKey> = probes.iter().map(|r| r.key.clone()).collect();
        let mut all = probes;
        match store.resolve(subject, &At::default()).await {
            Ok(last) => {
                let facts = store.snapshot(&last).await.map_err(failure)?;
                tested |= facts.meta().coverage_of(&test_result).next().is_some();
                if !given(&test_result) {
                    kinds.push(test_result.clone());
                }
                let held = held(facts, kinds).await?;
                // What was erased cannot be carried: nothing of it is left.
                let carried = |r: &Resource| !known.contains(&r.key) && !r.is_erased();
                all.extend(held.into_iter().filter(carried));
            }
            Err(StoreError::NoSubject { .. }) => {}
            Err(e) => return Err(failure(e)),
        }
        if tested && !given(&test_result) {
            wanted.push((test_result, vec![None]));
        }
        let mut out = files;
        let mut coverage = Vec::new();
        for (kind, regions) in wanted {
            // A region that is not asked this time stays as it is.
            for region in regions {
                let here = |r: &&Resource| r.kind == kind && r.region.as_deref() == region;
                let page: Vec<Resource> = all.iter().filter(here).cloned().collect();
                coverage.push(Collected::Coverage(KindCoverage {
                    source: Arc::from(match (region, kind.as_str()) {
                        (Some(_), _) => "probe",
                        (None, TEST_RESULT) => "test results",
                        (None, _) => "attestations",
                    }),
                    region: region.map(Arc::from),
                    status: Status::Complete { count: page.len() as u64 },
                    kind: kind.clone(),
                    visibility: Visibility::All,
                    read_from: now,
                    read_until: now,
                }));
                out.push(Collected::Page(page));
            }
        }
        out.extend(coverage);
        Ok(out)
    }
}

fn kind(name: &str) -> Result<Kind> {
    Kind::new(name).map_err(|e| Failure::from_error(&e))
}

/// Reads the allowed signers of statements.
fn signers(path: &Path) -> Result<AllowedSigners> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::usage(format!("cannot read the allowed signers `{shown}`: {e}"))
            .hint("name a file in the format of ssh-keygen, ALLOWED SIGNERS")
    })?;
    AllowedSigners::parse(&text).map_err(|e| {
        Failure::new(format!("cannot use the allowed signers `{shown}`")).caused_by(Some(&e))
    })
}

fn status(
    verified: std::result::Result<tidegate_signature::Signer, VerifyError>,
) -> SignatureStatus {
    match verified {
        Ok(signer) => SignatureStatus::Valid {
            principal: signer.principal,
            key: signer.key_fingerprint,
            until: signer.valid_before,
        },
        Err(e) => {
            let problem = e.to_string();
            match e {
                VerifyError::NotASignature { .. }
                | VerifyError::WrongNamespace { .. }
                | VerifyError::UnfitKey { .. }
                | VerifyError::Mismatch { .. } => SignatureStatus::Invalid { problem },
                VerifyError::UnknownKey { key } => {
                    SignatureStatus::UnknownSigner { problem, key: Some(key) }
                }
                VerifyError::NotForNamespace { .. }
                | VerifyError::NotYetValid { .. }
                | VerifyError::Expired { .. } => {
                    SignatureStatus::UnknownSigner { problem, key: None }
                }
            }
        }
    }
}

/// The resources of some kinds in a snapshot.
async fn held(facts: SnapshotReader, kinds: Vec<Kind>) -> Result<Vec<Resource>> {
    let id = facts.meta().id.clone();
    let read = move || -> std::result::Result<Vec<Resource>, FactsError> {
        let mut all = Vec::new();
        for kind in &kinds {
            facts.each(kind, &mut |fact| all.push(fact.resource))?;
        }
        Ok(all)
    };
    let broke =
        |e| Failure::new(format!("reading the evidence of `{id}` broke off")).caused_by(Some(&e));
    tokio::task::spawn_blocking(read).await.map_err(broke)?.map_err(|e| Failure::from_error(&e))
}
