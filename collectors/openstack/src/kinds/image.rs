//! Glance.
//!
//! Who sees what: an admin sees everybody's images; others see public, own,
//! community (when asked for) and shared ones. One resource per image; which
//! listings showed it stands in `body.tidegate.listings`, since the SCS tests
//! read only the one called `member`.

use crate::kind::{Id, Paging, ROW, Reader, Row, Service, VERSION};

pub(super) static SERVICE: Service = Service {
    name: "image",
    types: &["image"],
    version: "v2",
    microversion: None,
    needs_project: false,
    header: None,
    rows: &ROWS,
};

/// The listings of images: name and query.
pub(crate) const LISTINGS: [(&str, &str); 4] = [
    ("member", "member_status=all"),
    ("community", "visibility=community"),
    ("hidden", "os_hidden=true&member_status=all"),
    ("hidden-community", "os_hidden=true&visibility=community"),
];

static ROWS: [Row; 3] = [
    Row {
        kind: "image.image",
        path: "images",
        list: "images",
        id: Id::OrContent(&["/id"]),
        project: &["/owner"],
        reader: Reader::Images,
        // They may hold credentials of the backend.
        secret: &["locations", "direct_url"],
        // Paths that follow from the id.
        volatile: &["self", "file", "schema"],
        unordered: &["tags"],
        ..ROW
    },
    // Glance refuses the question for images of other visibilities.
    Row {
        kind: "image.member",
        path: "images/{parent}/members",
        list: "members",
        id: Id::ParentAnd(&["/member_id"]),
        name: "",
        project: &["/member_id"],
        paging: Paging::None,
        parent: Some("image.image"),
        only: Some(("/visibility", "shared")),
        volatile: &["schema"],
        ..ROW
    },
    Row { kind: "image.version", ..VERSION },
];
