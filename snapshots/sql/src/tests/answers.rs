//! Answers equal what is plain from the data.

use super::support::*;

#[test]
fn tables_are_as_of_the_snapshot() {
    let e = example();
    let servers = "SELECT id, status, vcpus, host, project, unseen_since FROM servers ORDER BY id";
    e.check("prod1@1", servers, &["a ACTIVE 1 h1 p1 -", "b ACTIVE 2 h1 p2 -"]);
    e.check("2026-01-03", servers, &["a ACTIVE 4 h1 p1 -", "b ACTIVE 2 h1 p2 -"]);
    e.check("latest", servers, &["a ACTIVE 4 h1 p1 -", "c ERROR 8 h1 p2 -"]);
}
