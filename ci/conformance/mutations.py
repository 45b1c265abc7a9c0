"""Changes to a cloud. Each takes (chance, cloud, now) and says what it did."""

from change_flavors import (
    flavor_copy,
    flavor_gone,
    flavor_name,
    flavor_sight,
    flavor_size,
    flavor_spec,
)
from change_images import (
    boundary,
    build_date,
    image_copy,
    image_gone,
    image_name,
    image_number,
    image_property,
    image_sight,
    image_source,
    provided_until,
)
from changing import again, pick, put
from values import ABSENT, DESCRIPTIONS, PROPERTIES, RULE_FIELDS, SECRETS, TYPES


def volume_type(chance, cloud, now):
    if chance.random() < 0.05:
        cloud["volume_types"].clear()
        return "none"
    one = pick(chance, cloud, "volume_types")
    if chance.random() < 0.2 and "id" in one:
        one = again(chance, cloud["volume_types"], 77)
        one["name"] += "-copy"
    if chance.random() < 0.15:
        one |= {
            "is_public": False,
            "os-volume-type-access:is_public": False,
            "shared": chance.random() < 0.5,
        }
    value = chance.choice(DESCRIPTIONS)
    return (
        put(one, "description", value)
        + f" public {one.get('is_public')} shared {one.get('shared')}"
    )


def default_rule(chance, cloud, now):
    rules = cloud["default_rules"]
    if rules == "404":
        return "none"
    what = chance.random()
    if what < 0.04:
        cloud["default_rules"] = "404"
        return "no such API"
    if what < 0.08 or not rules:
        rules.clear()
        return "all gone"
    if what < 0.25:
        return f"gone: {rules.pop(chance.randrange(len(rules)))}"
    one = again(chance, rules, len(rules) + 70) if what < 0.5 else chance.choice(rules)
    for key in chance.sample(list(RULE_FIELDS), chance.choice((1, 1, 2, 3))):
        one[key] = chance.choice(RULE_FIELDS[key])
    return str({key: one[key] for key in RULE_FIELDS})


def catalog(chance, cloud, now):
    entries = cloud["catalog"]
    what = chance.random()
    kinds = [e["type"] for e in entries]
    if what < 0.35:
        kind = chance.choice(kinds)
        if kind != "identity":
            entries[:] = [e for e in entries if e["type"] != kind]
        return f"{kind} gone"
    if what < 0.55 and "block-storage" in kinds:
        names = chance.choice(
            (
                ("volumev3",),
                ("volume",),
                ("volumev3", "volumev2"),
                ("block-store",),
                ("volumev3", "block-storage"),
            )
        )
        entries[:] = [e for e in entries if e["type"] != "block-storage"]
        entries += [{"type": name, "endpoints": True} for name in names]
        return f"block-storage is {names}"
    if what < 0.7:
        entry = chance.choice([e for e in entries if e["type"] != "identity"])
        entry["endpoints"] = False
        return f"{entry['type']} has no address"
    kind = chance.choice(TYPES)
    if kind in kinds:
        return f"{kind} is there"
    if kind == "object-store":
        s3(chance, cloud, now)
    entries.append({"type": kind, "endpoints": chance.random() < 0.8 or kind == "object-store"})
    return f"{entries[-1]} {cloud['s3']}"


def s3(chance, cloud, now):
    if not any(e["type"] == "object-store" for e in cloud["catalog"]):
        cloud["catalog"].append({"type": "object-store", "endpoints": True})
    cloud["s3"] = chance.choice(
        (
            (403, "InvalidAccessKeyId"),
            (404, "NoSuchKey"),
            (403, "AccessDenied"),
            (404, "NoSuchBucket"),
            (403, "SignatureDoesNotMatch"),
            (404, "NoSuchKeyPair"),
            (400, "InvalidRequest"),
            (403, "invalidaccesskeyid"),
            (200, "ListAllMyBucketsResult"),
            (403, "InvalidAccessKeyIdX"),
        )
    )
    return str(cloud["s3"])


FIELDS = {
    "flavors": ("vcpus", "ram", "disk", "extra_specs", "name", "os-flavor-access:is_public"),
    "images": (
        "os_hidden",
        "created_at",
        "size",
        "min_disk",
        "min_ram",
        "name",
        "visibility",
        "owner",
    ),
    "volume_types": ("description", "is_public", "os-volume-type-access:is_public"),
    "default_rules": (
        "remote_group_id",
        "remote_ip_prefix",
        "used_in_default_sg",
        "used_in_non_default_sg",
        "ethertype",
        "direction",
    ),
}


def field(chance, cloud, now):
    """Takes out what the APIs always give. To break off is no wrong then."""
    kind = chance.choice(list(FIELDS))
    if cloud[kind] in ([], "404"):
        return "nothing"
    one = chance.choice(cloud[kind])
    cloud["damaged"] = True
    return f"of {kind}: {put(one, chance.choice(FIELDS[kind]), ABSENT)}"


def secret(chance, cloud, now):
    """Puts into a judged text what must not be stored. Breaking off is no wrong."""
    cloud["damaged"] = True
    text = chance.choice(SECRETS)
    if chance.random() < 0.4 and cloud["volume_types"]:
        start = chance.choice(("[scs:foo] ", "[scs:encrypted] ", "[SCS:x] "))
        return put(chance.choice(cloud["volume_types"]), "description", start + text)
    one = pick(chance, cloud, "images")
    name = chance.choice(("image_source", "image_source", *PROPERTIES))
    start = one.get("image_source") or "https://a/"
    return put(one, name, f"{start}?{text}" if name == "image_source" else text)


def refusal(chance, cloud, now):
    kind = chance.choice(list(FIELDS))
    cloud["errors"][kind] = chance.choice((403, 404) if kind != "default_rules" else (403,))
    return f"{kind}: {cloud['errors'][kind]}"


# What can be changed, and how often it is against the others.
MUTATIONS = {
    "image property": (4, image_property),
    "image number": (2, image_number),
    "image build date": (2, build_date),
    "image boundary": (3, boundary),
    "image provided_until": (1, provided_until),
    "image name": (2, image_name),
    "image source": (1, image_source),
    "image sight": (2, image_sight),
    "image copy": (3, image_copy),
    "image gone": (1, image_gone),
    "flavor name": (4, flavor_name),
    "flavor size": (2, flavor_size),
    "flavor spec": (2, flavor_spec),
    "flavor copy": (2, flavor_copy),
    "flavor sight": (1, flavor_sight),
    "flavor gone": (1, flavor_gone),
    "volume type": (4, volume_type),
    "default rule": (4, default_rule),
    "catalog": (4, catalog),
    "s3": (1, s3),
    "field": (1, field),
    "refusal": (1, refusal),
    "secret": (1, secret),
}
