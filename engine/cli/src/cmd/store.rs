//! `tidegate store`: look after the store itself.

use tidegate_store::StoreError;

use crate::args::Store;
use crate::cmd::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

pub(crate) async fn run(ctx: &mut Context<'_>, args: &Store) -> Result<Exit> {
    match args {
        Store::Reindex => {
            let store = ctx.store().await?;
            let report = store.reindex().await.map_err(failure)?;
            let mut text = String::new();
            for (subject, snapshots) in &report.snapshots {
                text.push_str(&format!("{subject}: {snapshots} snapshots\n"));
            }
            for problem in &report.problems {
                ctx.ui.warn(problem);
            }
            ctx.ui.write(None, &text)?;
            Ok(if report.problems.is_empty() { Exit::Ok } else { Exit::Failed })
        }
    }
}

/// Asking the store for what it does not hold is wrong usage; everything else
/// is a failure of the tool.
pub(crate) fn failure(error: StoreError) -> Failure {
    let text = Failure::from_error(&error);
    match error {
        StoreError::NoSubject { .. }
        | StoreError::NoSnapshot { .. }
        | StoreError::NoneBefore { .. }
        | StoreError::TooFarBack { .. }
        | StoreError::OtherSubject { .. } => text.into_usage(),
        StoreError::Locked { .. }
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. }
        | StoreError::Missing { .. }
        | StoreError::Conflict { .. }
        | StoreError::BadResource { .. }
        | StoreError::Objects { .. }
        | StoreError::Io { .. }
        | StoreError::Encode { .. }
        | StoreError::Index { .. } => text,
    }
}
