//! Random histories and random queries: answers equal a plain computation over
//! the resources, with constraints handed down and without, with the index and
//! from segments alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tidegate_model::{Resource, Status, Visibility};
use tidegate_store::{At, Store};

use super::support::*;
use crate::{Answer, Session, Value};

const STATUS: [&str; 3] = ["ACTIVE", "ERROR", "it's"];

/// A server: status, vCPUs. A port: the number of its server.
#[derive(Debug, Clone, Default)]
struct Night {
    servers: BTreeMap<u8, (u8, u8)>,
    ports: BTreeMap<u8, u8>,
    /// Whether the ports could be read.
    seen: bool,
}

fn night() -> impl Strategy<Value = Night> {
    let servers = prop::collection::btree_map(0..6_u8, (0..3_u8, 0..4_u8), 0..6);
    let ports = prop::collection::btree_map(0..6_u8, 0..8_u8, 0..6);
    (servers, ports, prop::bool::weighted(0.8)).prop_map(|(servers, ports, seen)| Night {
        servers,
        ports,
        seen,
    })
}

/// A constraint, as SQL and as a test.
#[derive(Debug, Clone)]
enum Filter {
    Id(u8),
    Status(u8),
    Vcpus(&'static str, u8),
    Key(u8),
}

fn filter() -> impl Strategy<Value = Filter> {
    prop_oneof![
        (0..7_u8).prop_map(Filter::Id),
        (0..3_u8).prop_map(Filter::Status),
        (prop::sample::select(vec!["=", "<", ">="]), 0..4_u8)
            .prop_map(|(o, n)| Filter::Vcpus(o, n)),
        (0..7_u8).prop_map(Filter::Key),
    ]
}

impl Filter {
    fn sql(&self) -> String {
        match self {
            Self::Id(id) => format!("s.id = 's{id}'"),
            Self::Status(n) => {
                format!("s.status = '{}'", STATUS[usize::from(*n)].replace('\'', "''"))
            }
            Self::Vcpus(op, n) => format!("s.vcpus {op} {n}"),
            Self::Key(id) => format!("s.key = 'openstack/compute.server/r1/s{id}'"),
        }
    }

    fn holds(&self, id: u8, server: (u8, u8)) -> bool {
        match self {
            Self::Id(wanted) | Self::Key(wanted) => *wanted == id,
            Self::Status(wanted) => *wanted == server.0,
            Self::Vcpus("=", n) => server.1 == *n,
            Self::Vcpus("<", n) => server.1 < *n,
            Self::Vcpus(_, n) => server.1 >= *n,
        }
    }
}

impl Night {
    fn resources(&self) -> Vec<Resource> {
        let server = |(id, (status, vcpus)): (&u8, &(u8, u8))| {
            let status = STATUS[usize::from(*status)];
            let body = format!(
                r#"{{"id":"s{id}","name":"n{vcpus}","status":"{status}","flavor":{{"vcpus":{vcpus}}}}}"#
            );
            resource("compute.server", &format!("s{id}"), &body)
        };
        let port = |(id, device): (&u8, &u8)| {
            let body = format!(r#"{{"id":"p{id}","device_id":"s{device}"}}"#);
            resource("network.port", &format!("p{id}"), &body)
        };
        let ports = self.ports.iter().filter(|_| self.seen);
        self.servers.iter().map(server).chain(ports.map(port)).collect()
    }
}

/// Which ports there are after each night, and since which one they are unseen.
fn ports(nights: &[Night]) -> Vec<BTreeMap<u8, (u8, Option<u64>)>> {
    let mut now: BTreeMap<u8, (u8, Option<u64>)> = BTreeMap::new();
    (1..)
        .zip(nights)
        .map(|(seq, night)| {
            if night.seen {
                now = night.ports.iter().map(|(id, device)| (*id, (*device, None))).collect();
            } else {
                now.values_mut().for_each(|(_, unseen)| *unseen = Some(unseen.unwrap_or(seq)));
            }
            now.clone()
        })
        .collect()
}

fn sorted(answer: &Answer) -> Vec<String> {
    let mut lines = lines(answer);
    lines.sort();
    lines
}

fn either(filters: &[Filter], any: bool, id: u8, server: (u8, u8)) -> bool {
    if any {
        filters.iter().any(|f| f.holds(id, server))
    } else {
        filters.iter().all(|f| f.holds(id, server))
    }
}

fn joined(filters: &[Filter], any: bool) -> String {
    let all: Vec<String> = filters.iter().map(Filter::sql).collect();
    let all = all.join(if any { " OR " } else { " AND " });
    if all.is_empty() { "1".to_owned() } else { format!("({all})") }
}

/// What is asked at one snapshot, with the answer that is plain.
fn at_a_snapshot(
    nights: &[Night],
    seq: usize,
    filters: &[Filter],
    any: bool,
) -> Vec<(String, Vec<String>)> {
    let servers = &nights[seq - 1].servers;
    let any = any && !filters.is_empty();
    let chosen = || servers.iter().filter(|(id, s)| either(filters, any, **id, **s));
    let ports = &ports(&nights[..seq])[seq - 1];
    let filter = joined(filters, any);
    let plain =
        chosen().map(|(id, (status, n))| format!("s{id} {} {n}", STATUS[usize::from(*status)]));
    let pairs = chosen().flat_map(|(id, (_, n))| {
        let own = ports.iter().filter(move |(_, (device, _))| device == id);
        own.map(move |(port, (_, unseen))| {
            let unseen = unseen.map_or("-".to_owned(), |u| Value::time(day(u - 1)).to_string());
            format!("p{port} s{id} {n} {unseen}")
        })
    });
    let devices = chosen().filter(|(id, _)| ports.values().all(|(device, _)| device != *id));
    vec![
        (format!("SELECT s.id, s.status, s.vcpus FROM servers s WHERE {filter}"), plain.collect()),
        (
            format!(
                "SELECT p.id, s.id, s.vcpus, p.unseen_since FROM servers s \
                 JOIN ports p ON p.device_id = s.id WHERE {filter}"
            ),
            pairs.collect(),
        ),
        (
            format!(
                "SELECT s.id FROM servers s WHERE {filter} AND NOT EXISTS \
                 (SELECT 1 FROM ports p WHERE p.body ->> 'device_id' = s.id)"
            ),
            devices.map(|(id, _)| format!("s{id}")).collect(),
        ),
    ]
}

/// What is asked of the history of servers.
fn of_history(
    nights: &[Night],
    filters: &[Filter],
    window: (usize, usize),
) -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    let mut created = Vec::new();
    for id in 0..6_u8 {
        let mut before: Option<(u8, u8)> = None;
        for (seq, night) in (1..).zip(nights) {
            let now = night.servers.get(&id).copied();
            if let Some(server) = now.filter(|_| now != before) {
                let end = (seq..=nights.len()).find(|later| {
                    nights.get(*later).is_some_and(|n| n.servers.get(&id) != Some(&server))
                });
                let end = end.map_or("-".to_owned(), |e| (e + 1).to_string());
                let inside = (window.0..=window.1).contains(&seq);
                let by_id = filters.iter().all(|f| !matches!(f, Filter::Id(i) if *i != id));
                let by_key = filters.iter().all(|f| !matches!(f, Filter::Key(k) if *k != id));
                if inside && by_id && by_key {
                    rows.push(format!("s{id} {seq} {end} {}", server.1));
                    if before.is_none() {
                        created.push(format!("s{id}"));
                    }
                }
            }
            before = now;
        }
    }
    let constrained: Vec<String> = filters
        .iter()
        .filter(|f| matches!(f, Filter::Id(_) | Filter::Key(_)))
        .map(Filter::sql)
        .collect();
    let constrained =
        if constrained.is_empty() { "1".to_owned() } else { constrained.join(" AND ") };
    let [from, to] = [window.0, window.1].map(|seq| Value::time(day(seq as u64)).to_string());
    let (low, high) = window;
    vec![
        (
            format!(
                "SELECT s.id, s.seq, s.until_seq, s.body ->> '$.flavor.vcpus' FROM history s \
                 WHERE s.kind = 'compute.server' AND s.valid_from >= '{from}' \
                 AND s.valid_from <= '{to}' AND {constrained}"
            ),
            rows,
        ),
        (
            format!(
                "SELECT s.id FROM history s WHERE s.kind = 'compute.server' \
                 AND s.seq BETWEEN {low} AND {high} AND s.change = 'created' AND {constrained}"
            ),
            created,
        ),
    ]
}

fn check(session: &Session, questions: &[(String, Vec<String>)], how: &str) {
    for (sql, expected) in questions {
        let mut expected = expected.clone();
        expected.sort();
        // Asked twice: the second time tables are at hand.
        for _ in 0..2 {
            assert_eq!(sorted(&session.query(sql, 10_000).unwrap()), expected, "{how}: {sql}");
        }
    }
}

proptest! {
    #![proptest_config(cases(48))]
    #[test]
    fn answers_equal_a_plain_computation(
        nights in prop::collection::vec(night(), 1..6),
        filters in prop::collection::vec(filter(), 0..3),
        any in any::<bool>(),
        (low, high) in (1..6_usize, 1..6_usize),
    ) {
        let e = Example::new();
        for (taken, night) in (1..).zip(&nights) {
            let status =
                if night.seen { Status::Complete { count: 0 } } else { Status::Forbidden };
            let ports = coverage("network.port", status, Visibility::All);
            e.collect("prod1", taken, night.resources(), vec![complete("compute.server"), ports]);
        }
        let last = nights.len();
        let alone = e.runtime.block_on(Store::open_for_records(e.folder.path())).unwrap();
        for seq in [1, last] {
            let at = format!("prod1@{seq}");
            let questions = at_a_snapshot(&nights, seq, &filters, any);
            check(&e.session(&at), &questions, "pushed down");
            check(&e.without_pushdown(&at), &questions, "all gone through");
            let at: At = at.parse().unwrap();
            let session = Session::open(&alone, &e.subjects(), &at, Arc::new(|| false)).unwrap();
            check(&session, &questions, "from segments");
        }
        let questions = of_history(&nights, &filters, (low, high));
        check(&e.session("latest"), &questions, "pushed down");
        check(&e.without_pushdown("latest"), &questions, "all gone through");
        let session = Session::open(&alone, &e.subjects(), &At::default(), Arc::new(|| false));
        check(&session.unwrap(), &questions, "from segments");
    }
}

/// Words of SQL in any order: an answer or an error, never a panic, and the
/// session goes on.
const WORDS: [&str; 44] = [
    "SELECT",
    "FROM",
    "WHERE",
    "servers",
    "ports",
    "history",
    "resources",
    "findings",
    "coverage",
    "id",
    "key",
    "kind",
    "body",
    "seq",
    "valid_from",
    "name",
    "=",
    "<",
    ">",
    "IN",
    "(",
    ")",
    ",",
    "*",
    "'a'",
    "1",
    "NULL",
    "AND",
    "OR",
    "NOT",
    "JOIN",
    "ON",
    "ORDER BY",
    "GROUP BY",
    "count",
    "->>",
    "'$.x'",
    "LIKE",
    "COLLATE NOCASE",
    "IS",
    "LIMIT",
    "UNION",
    "\"compute.server\"",
    ";",
];

#[test]
fn arbitrary_text_never_panics() {
    let e = example();
    let session = e.session("latest");
    let words = prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..16);
    let words = words.prop_map(|w| format!("SELECT {}", w.join(" ")));
    let text = prop_oneof![words, "\\PC{0,60}"];
    proptest::test_runner::TestRunner::new(cases(1500))
        .run(&text, |sql| {
            let _ = session.query(&sql, 1000);
            let _ = session.explain(&sql);
            Ok(())
        })
        .unwrap();
    assert_eq!(lines(&session.query("SELECT count(*) FROM servers", 1).unwrap()), ["2"]);
}

#[test]
fn values_of_other_types_and_ways_to_compare_find_what_sqlite_finds() {
    let e = example();
    let both = |sql: &str, expected: usize| {
        for session in [e.session("latest"), e.without_pushdown("latest")] {
            assert_eq!(session.query(sql, 100).unwrap().rows.len(), expected, "{sql}");
        }
    };
    both("SELECT id FROM servers WHERE id = 'A'", 0);
    both("SELECT id FROM servers WHERE id = 'A' COLLATE NOCASE", 1);
    both("SELECT id FROM servers WHERE id = 1", 0);
    both("SELECT id FROM servers WHERE id = NULL", 0);
    both("SELECT id FROM servers WHERE id IS NULL", 0);
    both("SELECT id FROM servers WHERE vcpus = '4'", 1);
    both("SELECT id FROM servers WHERE id = x'61'", 0);
    both("SELECT id FROM servers WHERE id IN ('a', 'c', 'c', 'z')", 2);
    both("SELECT id FROM servers WHERE key LIKE 'OPENSTACK/%'", 2);
    both("SELECT id FROM history WHERE seq = '2'", 1);
    both("SELECT id FROM history WHERE seq > 1.5 AND seq < 2.5", 1);
    both("SELECT id FROM history WHERE valid_from > 5 AND kind = 'compute.server'", 0);
    both("SELECT id FROM history WHERE kind = 'no kind'", 0);
    both("SELECT id FROM history WHERE key = 'nothing'", 0);
    both("SELECT * FROM servers a, servers b WHERE a.project = b.project", 2);
}
