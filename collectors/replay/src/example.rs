//! The files of the bundled example cloud, inside the binary.

/// Path below `example/` and content.
pub(crate) const FILES: &[(&str, &[u8])] = &[
    ("block-storage/services.json", include_bytes!("../example/block-storage/services.json")),
    ("block-storage/types.json", include_bytes!("../example/block-storage/types.json")),
    (
        "block-storage/volumes_detail.json",
        include_bytes!("../example/block-storage/volumes_detail.json"),
    ),
    ("compute/aggregates.json", include_bytes!("../example/compute/aggregates.json")),
    (
        "compute/availability_zones.json",
        include_bytes!("../example/compute/availability_zones.json"),
    ),
    ("compute/flavors_detail.json", include_bytes!("../example/compute/flavors_detail.json")),
    ("compute/server-groups.json", include_bytes!("../example/compute/server-groups.json")),
    ("compute/servers_detail.json", include_bytes!("../example/compute/servers_detail.json")),
    ("compute/services.json", include_bytes!("../example/compute/services.json")),
    ("identity/domains.json", include_bytes!("../example/identity/domains.json")),
    ("identity/endpoints.json", include_bytes!("../example/identity/endpoints.json")),
    ("identity/groups.json", include_bytes!("../example/identity/groups.json")),
    ("identity/projects.json", include_bytes!("../example/identity/projects.json")),
    ("identity/regions.json", include_bytes!("../example/identity/regions.json")),
    ("identity/role_assignments.json", include_bytes!("../example/identity/role_assignments.json")),
    ("identity/roles.json", include_bytes!("../example/identity/roles.json")),
    ("identity/services.json", include_bytes!("../example/identity/services.json")),
    ("identity/users.json", include_bytes!("../example/identity/users.json")),
    ("image/community.json", include_bytes!("../example/image/community.json")),
    ("image/hidden.json", include_bytes!("../example/image/hidden.json")),
    ("image/images.json", include_bytes!("../example/image/images.json")),
    ("index.json", include_bytes!("../example/index.json")),
    ("network/agents.json", include_bytes!("../example/network/agents.json")),
    (
        "network/default-security-group-rules.json",
        include_bytes!("../example/network/default-security-group-rules.json"),
    ),
    ("network/floatingips.json", include_bytes!("../example/network/floatingips.json")),
    ("network/networks.json", include_bytes!("../example/network/networks.json")),
    ("network/ports.json", include_bytes!("../example/network/ports.json")),
    ("network/routers.json", include_bytes!("../example/network/routers.json")),
    (
        "network/security-group-rules.json",
        include_bytes!("../example/network/security-group-rules.json"),
    ),
    ("network/security-groups.json", include_bytes!("../example/network/security-groups.json")),
    ("network/subnets.json", include_bytes!("../example/network/subnets.json")),
    (
        "placement/resource_providers.json",
        include_bytes!("../example/placement/resource_providers.json"),
    ),
];
