//! Runs the cases of bundles: `policy_test DIR...`. Exit code 2 if one fails.

use std::path::PathBuf;
use std::process::ExitCode;

use tidegate_policy::{Bundle, Limits, LoadError, Parameters, RuleSet, run_cases};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]
fn main() -> ExitCode {
    let load = || -> Result<RuleSet, LoadError> {
        let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
        let mut bundles: Vec<Bundle> = Vec::new();
        while let Some(path) = paths.pop() {
            let bundle = Bundle::from_path(&path)?;
            if bundles.iter().all(|b| b.name() != bundle.name()) {
                // What a bundle uses stands beside it.
                paths.extend(bundle.uses().iter().map(|name| path.join("..").join(name)));
                bundles.push(bundle);
            }
        }
        RuleSet::compile(bundles, &Parameters::default())
    };
    let set = match load() {
        Ok(set) => set,
        Err(error) => {
            if error.faults().is_empty() {
                eprintln!("error: {error}");
            }
            for fault in error.faults() {
                eprintln!("error: {fault}");
                if let Some(hint) = &fault.hint {
                    eprintln!("  hint: {hint}");
                }
            }
            return ExitCode::from(1);
        }
    };
    let report = run_cases(&set, Limits::default());
    for f in &report.failures {
        let rule = f.rule.as_ref().map(ToString::to_string).unwrap_or_default();
        println!("{}/{}: {rule}: {}", f.bundle, f.file, f.case);
        println!("  expected {}", f.expected);
        println!("  got      {}", f.got);
    }
    println!("{} rules, {} on the interpreter", set.definitions().len(), set.interpreted());
    println!("{} passed, {} failed", report.passed, report.failed);
    if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) }
}
