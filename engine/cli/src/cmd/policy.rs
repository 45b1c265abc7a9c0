//! `tidegate policy`: work on bundles.

use tidegate_policy::{Limits, Parameters, run_cases};

use crate::args::Policy;
use crate::bundles;
use crate::cmd::Context;
use crate::exit::Exit;
use crate::failure::Result;

pub(crate) fn run(ctx: &mut Context<'_>, args: Policy) -> Result<Exit> {
    match args {
        Policy::Test { bundle } => test(ctx, bundle),
    }
}

/// Runs the cases of each bundle on its own, so that one bundle's rules cannot
/// lend another's cases a verdict.
fn test(ctx: &mut Context<'_>, mut names: Vec<String>) -> Result<Exit> {
    if names.is_empty() {
        names = bundles::built_in();
    }
    let (mut passed, mut failed) = (0, 0);
    for name in &names {
        let rule_set =
            bundles::compile(bundles::load_all([name.as_str()])?, &Parameters::default())?;
        let report = run_cases(&rule_set, Limits::default());
        for f in &report.failures {
            let text = format!(
                "FAIL {}/{}: {}\n     expected {}\n     got      {}\n",
                f.bundle, f.file, f.case, f.expected, f.got
            );
            ctx.ui.write(None, &text)?;
        }
        passed += report.passed;
        failed += report.failed;
    }
    ctx.ui.write(None, &format!("{passed} passed, {failed} failed\n"))?;
    Ok(if failed == 0 { Exit::Ok } else { Exit::Findings })
}
