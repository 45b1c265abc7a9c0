//! What a command works with: each setting from the first of flag, variable,
//! file and default that gives it. Lists are replaced whole, parameters one by
//! one.

use std::path::PathBuf;

use tidegate_model::{RuleId, Severity};
use tidegate_store::Retention;

use super::{Config, Origin, Parameter, Setting};
use crate::args::{self, Mode};
use crate::failure::{Failure, Result};
use crate::output::{Output, ReportFormat};

/// Which rules judge, and how.
#[derive(Debug)]
pub(crate) struct RuleChoice {
    pub(crate) bundles: Setting<Vec<String>>,
    pub(crate) scopes: Setting<Vec<String>>,
    /// Frameworks to tell of; without bundles and scopes, those whose rules they
    /// map are judged.
    pub(crate) frameworks: Setting<Vec<String>>,
    /// The rules' own defaults if `None`.
    pub(crate) mode: Setting<Option<Mode>>,
    /// Later ones win.
    pub(crate) parameters: Vec<Setting<Parameter>>,
    pub(crate) reference_date: Option<String>,
}

impl RuleChoice {
    /// One bundle with its defaults.
    pub(crate) fn of_bundle(name: &str) -> Self {
        Self {
            bundles: Setting::new(vec![name.to_owned()], Origin::Default),
            scopes: Setting::new(Vec::new(), Origin::Default),
            frameworks: Setting::new(Vec::new(), Origin::Default),
            mode: Setting::new(None, Origin::Default),
            parameters: Vec::new(),
            reference_date: None,
        }
    }

    /// Whether no rules were chosen: those of each system then judge its own.
    pub(crate) fn by_default(&self) -> bool {
        self.bundles.value.is_empty() && self.scopes.value.is_empty()
    }

    /// Whether the command line chose other rules than the file is about. Then
    /// the file may have parameters that none of them has.
    pub(crate) fn other_rules(&self) -> bool {
        [&self.bundles.origin, &self.scopes.origin].iter().any(|o| matches!(o, Origin::Flag(_)))
    }
}

/// How a run reports and when it fails.
#[derive(Debug)]
pub(crate) struct Reporting {
    pub(crate) waivers: Setting<Vec<PathBuf>>,
    pub(crate) baseline: Setting<Option<String>>,
    pub(crate) only_new: Setting<bool>,
    pub(crate) fail_on: Setting<Severity>,
    pub(crate) fail_on_incomplete: Setting<bool>,
    pub(crate) formats: Setting<Vec<Output<ReportFormat>>>,
}

/// The first that is given.
fn pick<T: Clone>(
    flag: Option<(T, &'static str)>,
    env: Option<Setting<T>>,
    file: Option<&Setting<T>>,
    default: T,
) -> Setting<T> {
    let flag = flag.map(|(value, name)| Setting::new(value, Origin::Flag(name)));
    flag.or(env).or_else(|| file.cloned()).unwrap_or_else(|| Setting::new(default, Origin::Default))
}

/// A list from the command line, if it is not empty.
fn list<T: Clone>(given: &[T], name: &'static str) -> Option<(Vec<T>, &'static str)> {
    (!given.is_empty()).then(|| (given.to_vec(), name))
}

/// Two opposite flags, of which clap keeps the last.
fn switch(
    (on, on_name): (bool, &'static str),
    (off, off_name): (bool, &'static str),
) -> Option<(bool, &'static str)> {
    if on { Some((true, on_name)) } else { off.then_some((false, off_name)) }
}

impl Config {
    /// A variable, read.
    fn variable<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> std::result::Result<T, String>,
    ) -> Result<Option<Setting<T>>> {
        let Some(text) = self.env.var(name) else { return Ok(None) };
        let value = read(text).map_err(|why| {
            Failure::usage(format!("cannot use the variable `{name}`: `{text}`: {why}"))
                .hint(format!("correct it, or unset {name}"))
        })?;
        Ok(Some(Setting::new(value, Origin::Env(name))))
    }

    /// Where the store is.
    pub(crate) fn store(&self, global: &args::Global) -> Result<Setting<PathBuf>> {
        let flag = global.store.clone().map(|path| (path, "--store"));
        let env = self.variable("TIDEGATE_STORE", |text| Ok(PathBuf::from(text)))?;
        if flag.is_none() && env.is_none() && self.file.store.is_none() {
            return self.env.default_store().map(|path| Setting::new(path, Origin::Default));
        }
        Ok(pick(flag, env, self.file.store.as_ref(), PathBuf::new()))
    }

    /// Which snapshots are kept, if the file says so.
    pub(crate) fn retention(&self) -> Option<Retention> {
        self.file.retention.as_ref().map(|r| r.value.clone())
    }

    /// As [`Config::retention`], with where it comes from.
    pub(crate) fn retention_setting(&self) -> Setting<Option<String>> {
        match &self.file.retention {
            Some(r) => Setting::new(Some(r.value.to_string()), r.origin.clone()),
            None => Setting::new(None, Origin::Default),
        }
    }

    /// Which rules, and how. What the command line says of bundles or scopes
    /// replaces both: together they are the choice of rules.
    ///
    /// # Errors
    /// A `--parameter` that cannot be read.
    pub(crate) fn rules(&self, flags: &args::Rules) -> Result<RuleChoice> {
        let file = &self.file;
        let (bundles, scopes) = if flags.bundle.is_empty() && flags.scope.is_empty() {
            (
                pick(None, None, file.bundles.as_ref(), Vec::new()),
                pick(None, None, file.scopes.as_ref(), Vec::new()),
            )
        } else {
            let origin = |list: &[String], own, other| {
                Origin::Flag(if list.is_empty() { other } else { own })
            };
            (
                Setting::new(flags.bundle.clone(), origin(&flags.bundle, "--bundle", "--scope")),
                Setting::new(flags.scope.clone(), origin(&flags.scope, "--scope", "--bundle")),
            )
        };
        let own: Vec<Parameter> =
            flags.parameter.iter().map(|text| parameter(text)).collect::<Result<_>>()?;
        let mode = flags.mode.map(|mode| (Some(mode), "--mode"));
        let in_file = file.mode.as_ref().map(|m| Setting::new(Some(m.value), m.origin.clone()));
        let mode = pick(mode, None, in_file.as_ref(), None);
        let by_flag = matches!(mode.origin, Origin::Flag(_));
        let replaced = |old: &Parameter| {
            let by = |new: &Parameter| {
                new.name == old.name && (new.rule.is_none() || new.rule == old.rule)
            };
            own.iter().any(by) || (by_flag && old.name == "mode")
        };
        let mut parameters: Vec<Setting<Parameter>> =
            file.parameters.iter().filter(|p| !replaced(&p.value)).cloned().collect();
        let flag = |p| Setting::new(p, Origin::Flag("--parameter"));
        parameters.extend(own.iter().cloned().map(flag));
        let reference_date = flags.reference_date.clone();
        let frameworks = self.frameworks(&flags.framework);
        Ok(RuleChoice { bundles, scopes, frameworks, mode, parameters, reference_date })
    }

    /// The frameworks: built-in ids and folders.
    pub(crate) fn frameworks(&self, named: &[String]) -> Setting<Vec<String>> {
        let flag = list(named, "--framework");
        pick(flag, None, self.file.frameworks.as_ref(), Vec::new())
    }

    /// The bundles to list or test: those named, else the file's, else none.
    pub(crate) fn bundles(&self, named: Vec<String>) -> Vec<String> {
        if named.is_empty() {
            return pick(None, None, self.file.bundles.as_ref(), named).value;
        }
        named
    }

    /// How to report and when to fail.
    ///
    /// # Errors
    /// A variable that cannot be read, or `--only-new` without a baseline. The
    /// same in a file without a baseline reports everything: a pipeline hands
    /// the baseline in once it has one.
    pub(crate) fn reporting(&self, flags: &args::Reporting) -> Result<Reporting> {
        self.gate(&flags.gate, self.formats(&flags.format)?)
    }

    /// What to write.
    ///
    /// # Errors
    /// A variable that cannot be read.
    pub(crate) fn formats(
        &self,
        named: &[Output<ReportFormat>],
    ) -> Result<Setting<Vec<Output<ReportFormat>>>> {
        let flag = list(named, "--format");
        let read = |text: &str| text.split(',').map(|one| one.trim().parse()).collect();
        let env = self.variable("TIDEGATE_FORMAT", read)?;
        let table = vec![Output { format: ReportFormat::Table, file: None }];
        let file = self.file.formats.as_ref().filter(|f| !f.value.is_empty());
        Ok(pick(flag, env, file, table))
    }

    /// As [`Config::reporting`], for formats that are chosen already.
    pub(crate) fn gate(
        &self,
        flags: &args::Gate,
        formats: Setting<Vec<Output<ReportFormat>>>,
    ) -> Result<Reporting> {
        let file = &self.file;
        let baseline = match flags.no_baseline {
            true => Some((None, "--no-baseline")),
            false => flags.baseline.clone().map(|b| (Some(b), "--baseline")),
        };
        let env = self.variable("TIDEGATE_BASELINE", |text| Ok(Some(text.to_owned())))?;
        let in_file =
            file.baseline.as_ref().map(|b| Setting::new(Some(b.value.clone()), b.origin.clone()));
        let baseline = pick(baseline, env, in_file.as_ref(), None);
        let only_new = switch((flags.only_new, "--only-new"), (flags.no_only_new, "--no-only-new"));
        if flags.only_new && baseline.value.is_none() {
            return Err(Failure::usage("`--only-new` needs something to compare with")
                .hint("name it: --baseline SNAPSHOT or --baseline FILE"));
        }
        let fail_on = flags.fail_on.map(|s| (s, "--fail-on"));
        let read = |text: &str| text.parse().map_err(|e: tidegate_model::IdError| e.why.to_owned());
        let env = self.variable("TIDEGATE_FAIL_ON", read)?;
        let incomplete = switch(
            (flags.fail_on_incomplete, "--fail-on-incomplete"),
            (flags.no_fail_on_incomplete, "--no-fail-on-incomplete"),
        );
        Ok(Reporting {
            waivers: self.waivers(&flags.waivers, flags.no_waivers),
            baseline,
            only_new: pick(only_new, None, file.only_new.as_ref(), false),
            fail_on: pick(fail_on, env, file.fail_on.as_ref(), Severity::Low),
            fail_on_incomplete: pick(incomplete, None, file.fail_on_incomplete.as_ref(), true),
            formats,
        })
    }

    /// The waivers: files and folders.
    pub(crate) fn waivers(&self, named: &[PathBuf], none: bool) -> Setting<Vec<PathBuf>> {
        let flag = match none {
            true => Some((Vec::new(), "--no-waivers")),
            false => list(named, "--waivers"),
        };
        pick(flag, None, self.file.waivers.as_ref(), Vec::new())
    }
}

/// Reads `[RULE.]NAME=VALUE`. Ids of rules may hold dots, names do not. What is
/// not JSON is text.
fn parameter(text: &str) -> Result<Parameter> {
    let Some((place, value)) = text.split_once('=') else {
        return Err(Failure::usage(format!("`{text}` is not `[RULE.]NAME=VALUE`")));
    };
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    let (rule, name) = match place.rsplit_once('.') {
        None => (None, place),
        Some((rule, name)) => {
            let id = RuleId::new(rule).map_err(|e| Failure::usage(e.to_string()))?;
            (Some(id), name)
        }
    };
    if rule.is_none() && name == "mode" {
        return Err(Failure::usage("`mode` is not set as a parameter").hint("type --mode strict"));
    }
    Ok(Parameter { rule, name: name.to_owned(), value })
}
