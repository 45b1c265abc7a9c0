use super::*;
use crate::kind::ROW;

const SERVERS: Row = Row { kind: "compute.server", list: "servers", ..ROW };

fn read(row: &'static Row, parent: Option<&str>, body: &str) -> (Vec<Resource>, Option<String>) {
    let body = Bytes::from(body.to_owned());
    let cut = cut(row, &body).unwrap();
    let kind = Kind::new(row.kind).unwrap();
    let (source, region) = (Arc::from("openstack/x"), Arc::from("R"));
    let origin = Origin {
        row,
        kind: &kind,
        source: &source,
        region: Some(&region),
        parent,
        read_at: Timestamp::UNIX_EPOCH,
        key: None,
    };
    origin.resources(cut.items.iter().map(|r| &body[r.clone()]).collect::<Vec<_>>().into_iter())
}

#[track_caller]
fn keys(row: &'static Row, parent: Option<&str>, body: &str, expected: &[&str]) {
    let (made, problem) = read(row, parent, body);
    assert_eq!(problem, None);
    assert_eq!(made.iter().map(|r| r.key.as_str()).collect::<Vec<_>>(), expected);
}

#[test]
fn next_pages_are_found_in_every_style() {
    let next = |text: &str| cut(&SERVERS, &Bytes::from(text.to_owned())).unwrap().next;
    for text in [
        r#"{"servers":[],"servers_links":[{"rel":"next","href":"http://h/x?marker=a&limit=2"}]}"#,
        r#"{"links":{"self":"x","next":"http://h/x?marker=a&limit=2"},"servers":[]}"#,
        r#"{"servers":[],"next":"/v2/images?marker=a&limit=2"}"#,
    ] {
        assert_eq!(next(text).as_deref(), Some("marker=a&limit=2"), "{text}");
    }
    assert_eq!(next(r#"{"servers":[],"links":{"next":null}}"#), None);
    assert_eq!(next(r#"{"servers":[],"servers_links":[{"rel":"previous","href":"?a"}]}"#), None);
}

#[test]
fn answers_that_are_none_are_told_in_a_clause() {
    let why = |text: &str| cut(&SERVERS, &Bytes::from(text.to_owned())).err().unwrap();
    assert_eq!(why(r#"{"servers":[{"a"#), "the answer breaks off after 15 bytes");
    assert_eq!(why("<html>"), "the answer is HTML in the place of JSON");
    assert_eq!(why(r#"{"volumes":[]}"#), "the answer has no member `servers`");
    assert_eq!(why("[]"), "the answer is not the JSON expected");
    assert_eq!(why(r#"{"servers":[]} x"#), "the answer is not the JSON expected");
}

#[test]
fn ids_are_members_numbers_parents_or_references() {
    keys(
        &SERVERS,
        None,
        r#"{"servers":[{"id":"a"},{"id":7}]}"#,
        &["openstack/compute.server/R/a", "openstack/compute.server/R/7"],
    );
    const PAIR: Row = Row { id: Id::ParentAnd(&["/name"]), shape: Shape::Wrapped("k"), ..SERVERS };
    keys(
        &PAIR,
        Some("u"),
        r#"{"servers":[{"k":{"name":"n n"}}]}"#,
        &["openstack/compute.server/R/u/n%20n"],
    );
    const REF: Row = Row { id: Id::Fields(&["/secret_ref"]), ..SERVERS };
    keys(
        &REF,
        None,
        r#"{"servers":[{"secret_ref":"http://h/v1/secrets/x"}]}"#,
        &["openstack/compute.server/R/x"],
    );
    const ASSIGNMENT: Row = Row { id: Id::Assignment, ..SERVERS };
    keys(
        &ASSIGNMENT,
        None,
        r#"{"servers":[{"role":{"id":"r"},"group":{"id":"g"},"scope":{"system":{"all":true}}},
            {"role":{"id":"r"},"user":{"id":"u"},"scope":{"domain":{"id":"d"},"OS-INHERIT:inherited_to":"projects"}}]}"#,
        &[
            "openstack/compute.server/R/group:g/system:all/r",
            "openstack/compute.server/R/user:u/domain:d/r/projects",
        ],
    );
}

#[test]
fn an_item_that_cannot_be_used_is_left_out_and_told() {
    let (made, problem) = read(&SERVERS, None, r#"{"servers":[{"id":"a"},{"name":"b"}]}"#);
    assert_eq!(made.len(), 1);
    assert_eq!(problem.as_deref(), Some("an item has no `id`"));
}

#[test]
fn kinds_that_may_lack_ids_are_known_by_their_content() {
    const RULES: Row = Row { id: Id::OrContent(&["/id"]), ..SERVERS };
    let list = r#"{"servers":[{"id":"a","b":1},{"b":2,"c":3},{"c":3,"b":2},{"b":4}]}"#;
    let (made, problem) = read(&RULES, None, list);
    assert_eq!(problem, None);
    let ids: Vec<_> = made.iter().map(|r| r.key.id()).collect();
    assert_eq!(ids[0], "a");
    // The second and the third are equal, so they are one.
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(ids[1].starts_with("sha256-") && ids[2].starts_with("sha256-"), "{ids:?}");
}

#[test]
fn lists_without_order_get_one() {
    let mut body = r#"{"a":["x","b"],"tags":["z","b","c"]}"#.to_owned();
    sort_texts(&mut body, "tags");
    assert_eq!(body, r#"{"a":["x","b"],"tags":["b","c","z"]}"#);
    let mut odd = r#"{"tags":[{"z":1},"b"]}"#.to_owned();
    sort_texts(&mut odd, "tags");
    assert_eq!(odd, r#"{"tags":[{"z":1},"b"]}"#);
}

#[test]
fn facts_stand_in_their_own_member() {
    let facts = [("listings", r#"["member"]"#.to_owned())];
    assert_eq!(with_facts("{}", &facts).unwrap(), r#"{"tidegate":{"listings":["member"]}}"#);
    assert_eq!(
        with_facts(r#"{"a":1,"z":2}"#, &facts).unwrap(),
        r#"{"a":1,"tidegate":{"listings":["member"]},"z":2}"#
    );
}
