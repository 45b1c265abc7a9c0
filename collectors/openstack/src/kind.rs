//! The shape of the table: a service, and a row per kind.

use crate::scope::View;

/// One API of a cloud.
#[derive(Debug)]
pub(crate) struct Service {
    /// The first part of its kinds and of its source, `openstack/<name>`.
    pub(crate) name: &'static str,
    /// Service types under which catalogs list it, official one first.
    pub(crate) types: &'static [&'static str],
    /// The path segment that a catalog URL without version lacks.
    pub(crate) version: &'static str,
    /// The newest microversion whose answers the table was written against.
    pub(crate) microversion: Option<Microversion>,
    /// Whether a token without project is answered with empty lists in the
    /// place of 403, so that 200 says nothing about what there is.
    pub(crate) needs_project: bool,
    /// A header that every request carries.
    pub(crate) header: Option<(&'static str, &'static str)>,
    /// Its kinds. Long listings stand first, since they take longest.
    pub(crate) rows: &'static [Row],
}

/// The microversion that is asked for; a cloud that is older gets its own
/// newest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Microversion {
    /// The name in `OpenStack-API-Version`.
    pub(crate) service: &'static str,
    /// An older header that the service also reads, if any.
    pub(crate) legacy: Option<&'static str>,
    /// Major and minor.
    pub(crate) newest: (u32, u32),
}

/// One kind of resource.
#[derive(Debug)]
pub(crate) struct Row {
    /// `service.thing`.
    pub(crate) kind: &'static str,
    /// Path below the service's root. `{parent}`, `{project}` and `{user}` are
    /// filled in; the latter two are those of the token.
    pub(crate) path: &'static str,
    /// The query that asks for the most.
    pub(crate) query: &'static str,
    /// The member of the answer that holds the list, or the one resource.
    pub(crate) list: &'static str,
    /// How items stand in the answer.
    pub(crate) shape: Shape,
    /// What identifies an item in its region.
    pub(crate) id: Id,
    /// JSON Pointer of the display name.
    pub(crate) name: &'static str,
    /// JSON Pointers of the owning project, first hit wins.
    pub(crate) project: &'static [&'static str],
    /// How long lists are cut.
    pub(crate) paging: Paging,
    /// Whether each region has its own.
    pub(crate) regional: bool,
    /// What the listing shows.
    pub(crate) view: View,
    /// Whether a cell of Nova that does not answer is left out in silence.
    pub(crate) cells: bool,
    /// What to ask if that is answered with 403.
    pub(crate) fallback: Option<Fallback>,
    /// Asked once for each resource of this kind, in the place of one listing.
    pub(crate) parent: Option<&'static str>,
    /// Which of those: JSON Pointer and text that it must have; all if absent.
    pub(crate) only: Option<(&'static str, &'static str)>,
    /// The member of `body.tidegate` that holds the parent's id, where the items
    /// themselves do not say whose they are.
    pub(crate) told: Option<&'static str>,
    /// Members that change by themselves, dropped at any depth. `links` always
    /// is.
    pub(crate) volatile: &'static [&'static str],
    /// Members whose value never leaves the collector, at any depth, besides
    /// those that are secret wherever they stand ([`tidegate_redact::secret_name`]).
    pub(crate) secret: &'static [&'static str],
    /// Members that are arrays of texts whose order means nothing and changes
    /// from answer to answer; they are sorted.
    pub(crate) unordered: &'static [&'static str],
    /// How the row is read.
    pub(crate) reader: Reader,
}

/// How items stand in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A list of items.
    List,
    /// A list of objects that hold the item in this member.
    Wrapped(&'static str),
    /// The member is the item.
    One,
    /// The whole answer is the item.
    Whole,
    /// The answer is the list, in no member.
    Bare,
}

/// What identifies an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Id {
    /// Members by pointer, outermost first.
    Fields(&'static [&'static str]),
    /// The same; an item that has none of them is known by its content. For kinds
    /// that certification looks at: what stands in for a cloud in tests leaves
    /// ids out, and nothing else refers to these.
    OrContent(&'static [&'static str]),
    /// There is one per parent: its id.
    Parent,
    /// The parent's id, then these members.
    ParentAnd(&'static [&'static str]),
    /// Keystone's role assignments: actor, scope, role, inheritance.
    Assignment,
}

/// How long lists are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// One answer holds all.
    None,
    /// `limit`, then the query of the next link: `<list>_links`, `links.next`
    /// or `next`. The link's host and path are not used: behind proxies they
    /// are often wrong.
    Links,
    /// `limit` and `offset` until a page comes back empty.
    Offset,
    /// `limit` and `marker`, which is this member of the last item, until a page
    /// comes back empty.
    Marker(&'static str),
}

/// What to ask if the wide question is forbidden.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fallback {
    /// Path, as in [`Row::path`].
    pub(crate) path: &'static str,
    /// Query.
    pub(crate) query: &'static str,
    /// What that shows.
    pub(crate) view: View,
}

/// How a row is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Listing or sub-listing, as the row says.
    Rest,
    /// Glance: several listings merged into one resource per image.
    Images,
    /// Nothing is asked: what the token says.
    Token,
    /// Swift: an account's headers.
    Account,
    /// Swift: the headers of every container of every account that may be read.
    Containers,
    /// The version document, above the service's root.
    Version,
    /// What the object store's host says to an S3 request of nobody.
    S3,
}

/// The row of a service's version, for `..VERSION`.
pub(crate) const VERSION: Row = Row {
    id: Id::Parent,
    name: "",
    project: &[],
    paging: Paging::None,
    view: View::Whole,
    reader: Reader::Version,
    ..ROW
};

/// The usual row, for `..ROW`.
pub(crate) const ROW: Row = Row {
    kind: "",
    path: "",
    query: "",
    list: "",
    shape: Shape::List,
    id: Id::Fields(&["/id"]),
    name: "/name",
    project: &["/project_id", "/tenant_id"],
    paging: Paging::Links,
    regional: true,
    view: View::Filtered,
    cells: false,
    fallback: None,
    parent: None,
    only: None,
    told: None,
    volatile: &[],
    secret: &[],
    unordered: &[],
    reader: Reader::Rest,
};
