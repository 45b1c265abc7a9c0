//! What is refused, stopped or not wholly known says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_model::{Status, Visibility};
use tidegate_store::At;

use super::support::*;
use crate::{Session, SqlError};

#[track_caller]
fn refused(sql: &str, expected: &str) {
    let error = example().ask("latest", sql).unwrap_err();
    assert_eq!(error.to_string(), expected, "{sql}");
    assert!(error.is_usage(), "{sql}");
}

#[test]
fn what_does_not_only_read_is_refused() {
    let no = |what: &str| format!("the query may only read: {what} is not allowed");
    refused("INSERT INTO servers (id) VALUES ('x')", &no("INSERT into `servers`"));
    refused("DELETE FROM servers", &no("changing a table"));
    refused("UPDATE servers SET name = 'x'", &no("changing a table"));
    refused("DROP TABLE servers", &no("DELETE from `sqlite_master`"));
    refused("CREATE TABLE t (a)", &no("INSERT into `sqlite_master`"));
    refused("CREATE TEMP TABLE t AS SELECT 1", &no("INSERT into `sqlite_temp_master`"));
    refused("ATTACH 'x.sqlite' AS x", &no("ATTACH"));
    refused("VACUUM INTO 'x.sqlite'", &no("this statement"));
    refused("BEGIN", &no("a transaction"));
    refused("PRAGMA hard_heap_limit = 0", &no("PRAGMA hard_heap_limit = 0"));
    refused("PRAGMA writable_schema = 1", &no("PRAGMA writable_schema = 1"));
    refused("SELECT load_extension('x')", &no("the function load_extension"));
    refused("WITH d AS (SELECT 1) DELETE FROM servers", &no("changing a table"));
}

#[test]
fn one_statement_is_asked_for() {
    refused("", "the query is empty");
    refused("  -- nothing\n;", "the query is empty");
    let several = "the query has more than one statement; leave all but one out";
    refused("SELECT 1; DROP TABLE servers", several);
    refused("SELECT 1; nonsense", several);
    refused("SELECT 1; SELECT 2", several);
    refused("SELECT '\0'", "cannot understand the query: it contains a NUL character");
    example().check("latest", "SELECT 1; -- and no more\n ;", &["1"]);
}

#[test]
fn what_is_misspelt_is_told_with_what_is_near() {
    refused("SELECT * FROM server", "there is no table `server`; did you mean `servers`?");
    refused("SELECT * FROM main.prots", "there is no table `main.prots`; did you mean `ports` or `roots`?");
}
