//! `tidegate query`: ask the store with SQL.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_policy::Bundle;
use tidegate_sql::{Answer, Exported, Session, SqlError};
use tidegate_store::At;

use crate::args::Query;
use crate::bundles;
use crate::cmd::Context;
use crate::cmd::check::clouds_of;
use crate::cmd::store::failure;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, QueryFormat, columns};

pub(crate) async fn run(ctx: &mut Context<'_>, args: Query) -> Result<Exit> {
    if args.list {
        return list(ctx, args.bundle);
    }
    let sql = match (&args.sql, &args.file, &args.saved) {
        (Some(sql), _, _) => Some(sql.clone()),
        (_, Some(file), _) => Some(read(file)?),
        (_, _, Some(name)) => Some(saved(ctx, name, args.bundle)?),
        (None, None, None) => None,
    };
    let binary = args.format.format == QueryFormat::Parquet && args.format.file.is_none();
    if binary && ctx.env.stdout_is_terminal {
        return Err(
            Failure::usage("Parquet is not for a terminal").hint("name a file: -f parquet=FILE")
        );
    }
    let at = At::from_str(&args.at).map_err(|e| Failure::usage(e.to_string()))?;
    let store = ctx.store().await?;
    let subjects = clouds_of(ctx, &store, &args.cloud, &at).await?;
    let wanted = match (args.export, sql) {
        (Some(file), sql) => Wanted::Export { file, tables: args.table, sql },
        (None, Some(sql)) if args.explain => Wanted::Plan(sql),
        (None, Some(sql)) => Wanted::Answer(sql, args.max_rows),
        (None, None) => return Err(Failure::usage("there is no query").hint(HINT)),
    };
    let until = Instant::now() + Duration::from_secs(args.max_seconds);
    let done = tokio::task::spawn_blocking(move || {
        let session =
            Session::open(&store, &subjects, &at, Arc::new(move || Instant::now() > until))?;
        wanted.run(&session)
    })
    .await
    .map_err(|e| Failure::new("the query broke off").caused_by(Some(&e)))?
    .map_err(refusal)?;
    match done {
        Done::Plan(lines) => {
            ctx.ui.write(args.format.file.as_deref(), &(lines.join("\n") + "\n"))?
        }
        Done::Exported(exported) => {
            for note in &exported.notes {
                ctx.ui.warn(note);
            }
            for (table, rows) in &exported.tables {
                ctx.ui.status(&format!("{table}: {rows} rows"));
            }
        }
        Done::Answer(answer) => {
            for note in &answer.notes {
                ctx.ui.warn(note);
            }
            write(ctx, &args.format, &answer)?;
        }
    }
    Ok(Exit::Ok)
}

const HINT: &str = "write it in quotes, as in tidegate query \"SELECT name, status FROM servers\"; \
                    tidegate query --list shows saved ones";

/// What is to be done in a session.
enum Wanted {
    Answer(String, usize),
    Plan(String),
    Export { file: PathBuf, tables: Vec<String>, sql: Option<String> },
}

enum Done {
    Answer(Answer),
    Plan(Vec<String>),
    Exported(Exported),
}

impl Wanted {
    fn run(self, session: &Session) -> std::result::Result<Done, SqlError> {
        match self {
            Self::Answer(sql, rows) => session.query(&sql, rows).map(Done::Answer),
            Self::Plan(sql) => session.explain(&sql).map(Done::Plan),
            Self::Export { file, tables, sql } => {
                let mut name = file.file_name().unwrap_or_default().to_owned();
                name.push(format!(".{}.tmp", std::process::id()));
                let beside = file.with_file_name(name);
                let made = session.export(&beside, &tables, sql.as_deref()).and_then(|done| {
                    let renamed = std::fs::rename(&beside, &file);
                    renamed.map_err(|e| SqlError::Export { path: file, source: Box::new(e) })?;
                    Ok(done)
                });
                if made.is_err() {
                    // What was written so far helps nobody.
                    let _ = std::fs::remove_file(&beside);
                }
                made.map(Done::Exported)
            }
        }
    }
}

/// A query that is wrong is wrong usage; everything else is a failure.
fn refusal(error: SqlError) -> Failure {
    let usage = error.is_usage();
    let hint = match &error {
        SqlError::NoTable { .. } => Some("all tables: tidegate query \"PRAGMA table_list\""),
        SqlError::NoColumn { .. } => {
            Some("all columns of a table: tidegate query \"PRAGMA table_info(TABLE)\"")
        }
        SqlError::TimeLimit => {
            Some("allow more with --max-seconds N, or ask for less: a kind, a key, a time")
        }
        SqlError::RowLimit { .. } => Some("allow more with --max-rows N, or add LIMIT N"),
        SqlError::Empty => Some(HINT),
        _ => None,
    };
    let text = match error {
        SqlError::Store(error) => failure(error),
        error => Failure::from_error(&error),
    };
    let text = if usage { text.into_usage() } else { text };
    hint.into_iter().fold(text, Failure::hint)
}

fn write(ctx: &mut Context<'_>, output: &Output<QueryFormat>, answer: &Answer) -> Result<()> {
    let file = output.file.as_deref();
    match output.format {
        QueryFormat::Table => {
            let rows = answer.rows.iter().map(|r| r.iter().map(ToString::to_string).collect());
            let all: Vec<_> = std::iter::once(answer.columns.clone()).chain(rows).collect();
            ctx.ui.write(file, &columns(&all))
        }
        QueryFormat::Json => ctx.ui.write_with(file, &mut |out| answer.write_json(out)),
        QueryFormat::Csv => ctx.ui.write_with(file, &mut |out| {
            let mut out = std::io::BufWriter::new(out);
            let mut row = |cells: &[String]| {
                let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
                tidegate_report::csv_row(&mut out, &cells)
            };
            row(&answer.columns)?;
            for cells in &answer.rows {
                row(&cells.iter().map(ToString::to_string).collect::<Vec<_>>())?;
            }
            std::io::Write::flush(&mut out)
        }),
        QueryFormat::Parquet => {
            let mut bytes = Vec::new();
            let made = answer.write_parquet(&mut bytes);
            made.map_err(|e| Failure::new("cannot write Parquet").caused_by(Some(&e)))?;
            ctx.ui.write_with(file, &mut |out| out.write_all(&bytes))
        }
    }
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|e| {
        Failure::usage(format!("cannot read the query in `{}`: {e}", file.display()))
            .hint("name a file with one statement of SQL")
    })
}

/// The saved queries of the bundles asked for and of the built-in ones: bundle,
/// name, text.
fn all_saved(ctx: &Context<'_>, named: Vec<String>) -> Result<Vec<(String, String, String)>> {
    let mut names = ctx.config.bundles(named);
    names.extend(bundles::with_queries());
    let loaded = bundles::load_all(names.iter().map(String::as_str))?;
    let of = |b: &Bundle| {
        let bundle = b.name().to_owned();
        let one =
            move |(name, text): (&String, &String)| (bundle.clone(), name.clone(), text.clone());
        b.queries().iter().map(one).collect::<Vec<_>>()
    };
    Ok(loaded.iter().flat_map(of).collect())
}

fn list(ctx: &mut Context<'_>, named: Vec<String>) -> Result<Exit> {
    let head = ["QUERY", "BUNDLE", "WHAT IT TELLS"].map(str::to_owned).to_vec();
    let row = |(bundle, name, text): (String, String, String)| {
        let first = text.lines().next().and_then(|line| line.trim().strip_prefix("--"));
        vec![name, bundle, first.unwrap_or_default().trim().to_owned()]
    };
    let rows = all_saved(ctx, named)?.into_iter().map(row);
    ctx.ui.write(None, &columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>()))?;
    Ok(Exit::Ok)
}

/// The text of a saved query, `NAME` or `BUNDLE/NAME`.
fn saved(ctx: &Context<'_>, wanted: &str, named: Vec<String>) -> Result<String> {
    let all = all_saved(ctx, named)?;
    let is = |(bundle, name, _): &&(String, String, String)| {
        name == wanted || format!("{bundle}/{name}") == wanted
    };
    match all.iter().filter(is).collect::<Vec<_>>().as_slice() {
        [(_, _, text)] => Ok(text.clone()),
        [] => {
            let known: Vec<&str> = all.iter().map(|(_, name, _)| name.as_str()).collect();
            Err(Failure::usage(format!("there is no saved query `{wanted}`"))
                .hint(format!("there are: {}", known.join(", "))))
        }
        many => {
            let names: Vec<String> = many.iter().map(|(b, n, _)| format!("{b}/{n}")).collect();
            Err(Failure::usage(format!("several bundles have a saved query `{wanted}`"))
                .hint(format!("name one of them: {}", names.join(", "))))
        }
    }
}
