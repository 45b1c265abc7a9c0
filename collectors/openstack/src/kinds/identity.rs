//! Keystone. It has no regions of its own: kinds are read once.
//!
//! Who sees what: lists answer 403 to mere members; an admin of a project or a
//! reader of the system sees all, a reader of a domain sees that domain.
//! Keystone does not page; a list that it cut off carries `truncated`.

use crate::kind::{Fallback, Id, Paging, ROW, Reader, Row, Service, VERSION};
use crate::scope::View;

pub(super) static SERVICE: Service = Service {
    name: "identity",
    types: &["identity"],
    version: "v3",
    microversion: None,
    needs_project: false,
    header: None,
    rows: &ROWS,
};

/// The usual row of Keystone.
const KEYSTONE: Row = Row { paging: Paging::None, regional: false, view: View::Identity, ..ROW };

static ROWS: [Row; 19] = [
    Row {
        kind: "identity.project",
        path: "projects",
        list: "projects",
        project: &["/id"],
        fallback: Some(Fallback { path: "auth/projects", query: "", view: View::Own }),
        ..KEYSTONE
    },
    Row { kind: "identity.user", path: "users", list: "users", project: &[], ..KEYSTONE },
    Row {
        kind: "identity.role_assignment",
        path: "role_assignments",
        list: "role_assignments",
        id: Id::Assignment,
        name: "",
        project: &["/scope/project/id"],
        ..KEYSTONE
    },
    Row {
        kind: "identity.token",
        id: Id::Parent,
        reader: Reader::Token,
        view: View::Whole,
        ..KEYSTONE
    },
    Row {
        kind: "identity.domain",
        path: "domains",
        list: "domains",
        project: &[],
        fallback: Some(Fallback { path: "auth/domains", query: "", view: View::Own }),
        ..KEYSTONE
    },
    Row { kind: "identity.group", path: "groups", list: "groups", project: &[], ..KEYSTONE },
    Row { kind: "identity.role", path: "roles", list: "roles", project: &[], ..KEYSTONE },
    Row {
        kind: "identity.role_inference",
        path: "role_inferences",
        list: "role_inferences",
        id: Id::Fields(&["/prior_role/id"]),
        name: "/prior_role/name",
        project: &[],
        view: View::Whole,
        ..KEYSTONE
    },
    Row {
        kind: "identity.region",
        path: "regions",
        list: "regions",
        name: "/id",
        project: &[],
        view: View::Whole,
        ..KEYSTONE
    },
    Row {
        kind: "identity.service",
        path: "services",
        list: "services",
        project: &[],
        view: View::Whole,
        ..KEYSTONE
    },
    Row {
        kind: "identity.endpoint",
        path: "endpoints",
        list: "endpoints",
        name: "/url",
        project: &[],
        view: View::Whole,
        ..KEYSTONE
    },
    Row {
        kind: "identity.trust",
        path: "OS-TRUST/trusts",
        list: "trusts",
        name: "",
        fallback: Some(Fallback {
            path: "OS-TRUST/trusts",
            query: "trustor_user_id={user}",
            view: View::Own,
        }),
        ..KEYSTONE
    },
    // The listing of trusts leaves their roles out.
    Row {
        kind: "identity.trust_role",
        path: "OS-TRUST/trusts/{parent}/roles",
        list: "roles",
        id: Id::ParentAnd(&["/id"]),
        project: &[],
        parent: Some("identity.trust"),
        told: Some("trust_id"),
        ..KEYSTONE
    },
    // Whoever it is stands in `identity.user`.
    Row {
        kind: "identity.group_member",
        path: "groups/{parent}/users",
        list: "users",
        id: Id::ParentAnd(&["/id"]),
        project: &[],
        parent: Some("identity.group"),
        told: Some("group_id"),
        volatile: &[
            "enabled",
            "options",
            "password_expires_at",
            "default_project_id",
            "description",
            "email",
        ],
        ..KEYSTONE
    },
    // Never its blob: only whose credential of which type there is.
    Row {
        kind: "identity.credential",
        path: "credentials",
        list: "credentials",
        name: "",
        secret: &["blob"],
        ..KEYSTONE
    },
    Row {
        kind: "identity.limit",
        path: "limits",
        list: "limits",
        name: "/resource_name",
        ..KEYSTONE
    },
    Row {
        kind: "identity.registered_limit",
        path: "registered_limits",
        list: "registered_limits",
        name: "/resource_name",
        project: &[],
        view: View::Whole,
        ..KEYSTONE
    },
    Row {
        kind: "identity.application_credential",
        path: "users/{parent}/application_credentials",
        list: "application_credentials",
        fallback: Some(Fallback {
            path: "users/{user}/application_credentials",
            query: "",
            view: View::Own,
        }),
        parent: Some("identity.user"),
        told: Some("user_id"),
        secret: &["secret"],
        ..KEYSTONE
    },
    Row { kind: "identity.version", regional: false, ..VERSION },
];
