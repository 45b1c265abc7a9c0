//! `tidegate config`: what holds and why, and a file to begin with.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use tidegate_store::Bucket;

use crate::args::{Config as Args, ConfigShow, With};
use crate::cmd::Context;
use crate::config::{Config, FilePlace, Name, Origin, Setting, TEMPLATE};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, columns};

/// The version of `config show -f json`.
const SHOWN: &str = "tidegate.settings/v1";

pub(crate) fn run(ctx: &mut Context<'_>, args: &Args) -> Result<Exit> {
    match args {
        Args::Show(args) => show(ctx, args),
        Args::Init { file, force } => init(ctx, file, *force),
    }
}

/// A setting as it is shown.
struct Row {
    name: String,
    value: Value,
    origin: Origin,
}

fn row<T>(name: &str, setting: &Setting<T>, value: impl FnOnce(&T) -> Value) -> Row {
    Row { name: name.to_owned(), value: value(&setting.value), origin: setting.origin.clone() }
}

fn show(ctx: &mut Context<'_>, args: &ConfigShow) -> Result<Exit> {
    let rows = rows(ctx, args)?;
    let file = ctx.config.found.as_ref().map(|f| f.value.display().to_string());
    let text = match args.format.format {
        Format::Json => {
            let members = rows.iter().map(|r| {
                (r.name.clone(), json!({ "value": r.value, "origin": described(&r.origin) }))
            });
            let settings: serde_json::Map<String, Value> = members.collect();
            let all = json!({ "schema_version": SHOWN, "file": file, "settings": settings });
            let text = serde_json::to_string_pretty(&all);
            text.map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))? + "\n"
        }
        Format::Table => {
            let lines = rows.iter().map(|r| {
                let mut line = vec![r.name.clone(), plain(&r.value)];
                line.extend(args.origin.then(|| r.origin.to_string()));
                line
            });
            let head = vec!["file".to_owned(), file.unwrap_or_else(|| "-".to_owned())];
            columns(&std::iter::once(head).chain(lines).collect::<Vec<_>>())
        }
    };
    ctx.ui.write(args.format.file.as_deref(), &text)?;
    Ok(Exit::Ok)
}

/// Every setting, as the commands are given it.
fn rows(ctx: &Context<'_>, args: &ConfigShow) -> Result<Vec<Row>> {
    let config = &ctx.config;
    // Combinations that a scan refuses are refused here too; `--all` is not
    // looked up, since that needs clouds.yaml.
    let every = || Ok(vec![Name::Cloud("*".to_owned())]);
    config.wanted(&args.targets, &args.sources, every)?;
    let clouds = config.clouds(&args.targets, every)?;
    let mut rows = vec![
        row("store", &config.store(&ctx.global)?, |p| store(p)),
        row("retention", &config.retention_setting(), |r| json!(r)),
        row("targets", &clouds, |names| {
            json!(names.as_ref().map(|l| l.iter().map(Name::as_str).collect::<Vec<_>>()))
        }),
    ];
    targets(config, args, &mut rows);
    let rules = config.rules(&args.rules)?;
    rows.push(row("bundles", &rules.bundles, |l| json!(l)));
    rows.push(row("scopes", &rules.scopes, |l| json!(l)));
    rows.push(row("frameworks", &rules.frameworks, |l| json!(l)));
    rows.push(row("mode", &rules.mode, |m| json!(m.map(|m| m.name()))));
    for parameter in &rules.parameters {
        let p = &parameter.value;
        let rule = p.rule.as_ref().map(|r| format!("{r}.")).unwrap_or_default();
        let name = format!("parameters.{rule}{}", p.name);
        rows.push(row(&name, parameter, |p| p.value.clone()));
    }
    let reporting = config.gate(&args.gate, config.formats(&[])?)?;
    rows.push(row("waivers", &reporting.waivers, |l| l.iter().map(|p| path(p)).collect()));
    rows.push(row("baseline", &reporting.baseline, |b| json!(b)));
    rows.push(row("only_new", &reporting.only_new, |b| json!(b)));
    rows.push(row("fail_on", &reporting.fail_on, |s| json!(s)));
    rows.push(row("fail_on_incomplete", &reporting.fail_on_incomplete, |b| json!(b)));
    rows.push(row("formats", &reporting.formats, |l| {
        l.iter().map(|o| Value::from(o.to_string())).collect()
    }));
    Ok(rows)
}

/// What the targets of the file hand in, unless flags do.
fn targets(config: &Config, args: &ConfigShow, rows: &mut Vec<Row>) {
    let names = |all: &[With]| all.iter().map(|w| Value::from(w.name())).collect::<Value>();
    for target in config.file_targets() {
        let name = |key: &str| format!("targets.{}.{key}", target.subject);
        match &target.place {
            FilePlace::Cloud(cloud) => rows.push(row(&name("cloud"), cloud, |c| json!(c))),
            FilePlace::Cluster { context, kubeconfig } => {
                rows.extend(context.iter().map(|c| row(&name("context"), c, |c| json!(c))));
                rows.extend(kubeconfig.iter().map(|k| row(&name("kubeconfig"), k, |k| path(k))));
            }
        }
        let several = [
            ("attestation", &target.attestation, &args.sources.attestation),
            ("test_results", &target.test_results, &args.sources.test_results),
        ];
        for (key, setting, flag) in several {
            if let Some(all) = setting.as_ref().filter(|_| flag.is_empty()) {
                let list = |l: &Vec<_>| l.iter().map(|p: &std::path::PathBuf| path(p)).collect();
                rows.push(row(&name(key), all, list));
            }
        }
        let own = [
            ("allowed_signers", &target.allowed_signers, &args.sources.allowed_signers),
            ("config_dir", &target.config_dir, &args.sources.config_dir),
        ];
        for (key, setting, flag) in own {
            if let (Some(setting), None) = (setting, flag) {
                rows.push(row(&name(key), setting, |p| path(p)));
            }
        }
        if let Some(with) = target.with.as_ref().filter(|_| args.sources.with.is_empty()) {
            rows.push(row(&name("with"), with, |all| names(all)));
        }
        if let (Some(url), None) = (&target.dashboard, &args.sources.dashboard) {
            rows.push(row(&name("dashboard"), url, |url| json!(url)));
        }
    }
    let sources = &args.sources;
    let mut flag = |key: &str, name, value: Value| {
        rows.push(Row { name: key.to_owned(), value, origin: Origin::Flag(name) });
    };
    if !sources.attestation.is_empty() {
        let all = sources.attestation.iter().map(|p| path(p)).collect();
        flag("attestation", "--attestation", all);
    }
    if !sources.test_results.is_empty() {
        let all = sources.test_results.iter().map(|p| path(p)).collect();
        flag("test_results", "--test-results", all);
    }
    if let Some(file) = &sources.allowed_signers {
        flag("allowed_signers", "--allowed-signers", path(file));
    }
    if let Some(dir) = &sources.config_dir {
        flag("config_dir", "--config-dir", path(dir));
    }
    if !sources.with.is_empty() {
        flag("with", "--with", names(&sources.with));
    }
    if let Some(url) = &sources.dashboard {
        flag("dashboard", "--dashboard", url.as_str().into());
    }
}

/// A folder, or the address of a bucket.
fn store(place: &Path) -> Value {
    Bucket::shown(&place.to_string_lossy()).into()
}

fn path(path: &Path) -> Value {
    path.to_string_lossy().into()
}

fn described(origin: &Origin) -> Value {
    match origin {
        Origin::Flag(name) => json!({ "from": "flag", "name": name }),
        Origin::Env(name) => json!({ "from": "variable", "name": name }),
        Origin::File { path, line } => {
            json!({ "from": "file", "file": path.to_string_lossy(), "line": line })
        }
        Origin::Default => json!({ "from": "default" }),
    }
}

/// A value on one line; `-` for none.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn init(ctx: &mut Context<'_>, file: &Path, force: bool) -> Result<Exit> {
    let shown = file.display();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    let written = options.open(file).and_then(|mut f| f.write_all(TEMPLATE.as_bytes()));
    written.map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::new(format!("`{shown}` is there already"))
            .hint("name another file, or overwrite it with --force"),
        _ => Failure::new(format!("cannot write `{shown}`: {e}"))
            .hint("name a file in a folder that exists and can be written"),
    })?;
    ctx.ui.status(&format!("wrote {shown}; see what holds with: tidegate config show --origin"));
    Ok(Exit::Ok)
}
