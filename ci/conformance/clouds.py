"""Makes clouds: a compliant one, and such that differ from it by chance.

`world(seed)` gives a cloud with one to six changes, their names, and the time
at which it is judged. The same seed gives the same cloud.
`told(world, credential)` is what the APIs tell somebody.
"""

import copy
import random
from datetime import datetime, timedelta, timezone

from mutations import MUTATIONS
from tables import STANDARD_FLAVORS

PROJECT = "0d1c5a8e6f1b4c1d9c5f3b7a2e4d6f80"
OTHER = "5b7e2f9a3c8d4e6f9a0b1c2d3e4f5061"
CREDENTIALS = {
    "member": ["member", "reader"],
    "admin": ["admin", "manager", "member", "reader"],
    "reader": ["reader"],
}
SERVICES = (
    "compute",
    "identity",
    "image",
    "network",
    "load-balancer",
    "placement",
    "block-storage",
)
# The fields that small stand-ins for a cloud have: those that are judged.
KEPT = {
    "flavors": ("id", "name", "vcpus", "ram", "disk", "extra_specs"),
    "volume_types": ("id", "name", "description"),
    "default_rules": (
        "direction",
        "ethertype",
        "remote_group_id",
        "remote_ip_prefix",
        "used_in_default_sg",
        "used_in_non_default_sg",
    ),
}
# And those of images that they do not.
LEFT_OUT = (
    "owner",
    "os_hidden",
    "status",
    "protected",
    "disk_format",
    "container_format",
    "virtual_size",
    "checksum",
    "os_hash_algo",
    "os_hash_value",
    "updated_at",
    "tags",
    "schema",
)
# Times of judging: ordinary, after a leap day, at new year, between seconds.
TIMES = (
    "2026-08-21T09:00:00Z",
    "2026-08-21T09:00:00.500000Z",
    "2027-01-01T00:00:00Z",
    "2028-03-01T12:34:56Z",
    "2028-02-29T23:59:59Z",
    "2026-03-29T01:30:00Z",
)


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def stamp(time):
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def flavor(name, vcpus, ram, disk, specs, number):
    return {
        "id": f"{number:08d}-f1a0-4000-8000-000000000000",
        "name": name,
        "vcpus": vcpus,
        "ram": ram,
        "disk": disk,
        "swap": 0,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": True,
        "rxtx_factor": 1.0,
        "description": None,
        "extra_specs": specs,
        "links": [],
    }


def standard_flavors():
    for number, (name, (cpus, ram, disk)) in enumerate(STANDARD_FLAVORS.items()):
        specs = {
            "scs:cpu-type": "crowded-core" if "L" in name else "shared-core",
            "scs:name-v1": "SCS-" + name[4:].replace("-", ":"),
            "scs:name-v2": name,
        }
        if disk:
            specs["scs:disk0-type"] = "ssd"
        yield flavor(name, cpus, ram * 1024, disk, specs, number)
    yield flavor("m1.tiny", 1, 512, 1, {}, 900)
    yield flavor("SCS-16T-64-3x10s_bms_hwv_i3h_GNa-64_ib", 16, 65536, 10, {}, 901)


def image(name, distro, version, source, created, number, **more):
    return {
        "id": f"{number:08d}-1a6e-4000-8000-000000000000",
        "name": name,
        "owner": OTHER,
        "visibility": "public",
        "os_hidden": False,
        "status": "active",
        "protected": False,
        "disk_format": "raw",
        "container_format": "bare",
        "size": 3 * 2**30,
        "virtual_size": 8 * 2**30,
        "min_disk": 8,
        "min_ram": 512,
        "checksum": "5c2c4178b52b0125c78e9b6ae66f1907",
        "os_hash_algo": "sha512",
        "os_hash_value": "2b" * 64,
        "created_at": stamp(created),
        "updated_at": stamp(created),
        "tags": [],
        "schema": "/v2/schemas/image",
        "architecture": "x86_64",
        "os_distro": distro,
        "os_version": version,
        "hw_disk_bus": "scsi",
        "hw_scsi_model": "virtio-scsi",
        "hypervisor_type": "qemu",
        "hw_rng_model": "virtio",
        "os_purpose": "generic",
        "image_build_date": created.strftime("%Y-%m-%d"),
        "image_original_user": distro,
        "image_source": source,
        "image_description": f"{distro} {version}",
        "replace_frequency": "monthly",
        "provided_until": "2032-04-30",
        "uuid_validity": "last-3",
        "hotfix_hours": "0",
    } | more


def standard_images(now):
    ubuntu, debian = "https://cloud-images.ubuntu.com/", "https://cloud.debian.org/images/cloud/"
    capi = "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/"
    made = [
        ("Ubuntu 24.04", "ubuntu", "24.04", f"{ubuntu}releases/noble/release/a.img", {}),
        ("Ubuntu 22.04", "ubuntu", "22.04", f"{ubuntu}jammy/current/a.img", {}),
        ("Ubuntu 20.04", "ubuntu", "20.04", f"{ubuntu}focal/a", {"replace_frequency": "never"}),
        ("Debian 13", "debian", "13", f"{debian}trixie/a.raw", {}),
        ("Debian 12", "debian", "12", f"{debian}bookworm/a.raw", {"provided_until": "notice"}),
        ("Debian 11", "debian", "11", f"{debian}bullseye/a.raw", {"uuid_validity": "none"}),
        ("ubuntu-capi-image v1.33.1", "ubuntu", "24.04", f"{capi}a", {"os_purpose": "k8snode"}),
        ("ubuntu-capi-image-v1.34", "ubuntu", "24.04", f"{capi}b", {"os_purpose": "k8snode"}),
        ("Router", "openwrt", "23", "private", {"os_purpose": "network"}),
    ]
    for number, (name, distro, version, source, more) in enumerate(made):
        created = now - timedelta(days=5, hours=number)
        yield image(name, distro, version, source, created, number, **more)
    old = now - timedelta(days=80)
    more = {"os_purpose": "oldgeneric"}
    yield image("Ubuntu 24.04 prev", "ubuntu", "24.04", f"{ubuntu}noble/a", old, 50, **more)


def rule(direction, version, number, **more):
    return {
        "id": f"{number:08d}-d0d0-4000-8000-000000000000",
        "direction": direction,
        "ethertype": version,
        "remote_group_id": None,
        "remote_address_group_id": None,
        "remote_ip_prefix": None,
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "used_in_default_sg": True,
        "used_in_non_default_sg": direction == "egress",
        "standard_attr_id": number,
        "description": "",
    } | more


def volume_type(name, description, number):
    return {
        "id": f"{number:08d}-7e9e-4000-8000-000000000000",
        "name": name,
        "description": description,
        "is_public": True,
        "os-volume-type-access:is_public": True,
        "qos_specs_id": None,
        "extra_specs": {},
    }


def compliant(now):
    """A cloud that passes every testcase but the one on `object-store-s3`."""
    return {
        "catalog": [{"type": kind, "endpoints": True} for kind in SERVICES],
        "flavors": list(standard_flavors()),
        "images": list(standard_images(now)),
        "volume_types": [
            volume_type("ssd", "[scs:encrypted, replicated] fast", 1),
            volume_type("hdd", "[scs:replicated]", 2),
            volume_type("__DEFAULT__", None, 3),
        ],
        "default_rules": [
            rule("egress", "IPv4", 1),
            rule("egress", "IPv6", 2),
            rule("ingress", "IPv4", 3, remote_group_id="PARENT"),
            rule("ingress", "IPv6", 4, remote_group_id="PARENT"),
        ],
        "s3": (403, "InvalidAccessKeyId"),
        # Lists that are refused, and with which status.
        "errors": {},
        # Whether fields lack that the APIs always give, or hold secrets.
        "damaged": False,
        # Whether only the fields of KEPT are shown, and in what way.
        "bare": False,
    }


def world(seed, only=None):
    """The cloud of a seed, its changes in words, and when it is judged."""
    chance = random.Random(seed)
    now = instant(chance.choice(TIMES))
    made = compliant(now)
    changes = change(
        chance, made, now, chance.choice((1, 1, 1, 2, 2, 3, 4, 6)) if seed else 0, only
    )
    made["bare"] = seed and chance.choice((False,) * 8 + ("bare", "bare, without ids"))
    return made, changes + [made["bare"]] * bool(made["bare"]), now


def next_day(seed, made, now, only=None):
    """That cloud after one to three changes more, a while later or earlier."""
    chance = random.Random(f"next day {seed}")
    later = copy.deepcopy(made)
    now += timedelta(seconds=chance.choice((0, 1, 3600, 86400, 40 * 86400, -3600)))
    return later, change(chance, later, now, chance.choice((1, 1, 2, 3)), only), now


def change(chance, made, now, times, only):
    """Changes a cloud so many times by chance; says what was done."""
    names = [n for n, (weight, _) in MUTATIONS.items() for _ in range(weight) if (only or "") in n]
    done = []
    for _ in range(times):
        name = chance.choice(names)
        done.append(f"{name}: {MUTATIONS[name][1](chance, made, now)}")
    return done


def told(made, credential):
    """What the APIs tell a user of PROJECT with the roles of `credential`."""
    admin = "admin" in CREDENTIALS[credential]
    shown = {
        "roles": CREDENTIALS[credential],
        "catalog": made["catalog"],
        "default_rules": made["default_rules"],
        "s3": f"An error occurred ({made['s3'][1]})" if made["s3"][0] >= 300 else "",
    }
    shown["flavors"] = [
        {k: v for k, v in f.items() if k != "shared"}
        for f in sorted(made["flavors"], key=lambda f: f["id"])
        if admin or f.get("os-flavor-access:is_public", True) or f.get("shared")
    ]
    shown["volume_types"] = [
        {k: v for k, v in t.items() if k != "shared"}
        for t in made["volume_types"]
        if admin or t.get("is_public", True) or t.get("shared")
    ]
    shown["images"] = images(made, admin, hidden=False, visibility=None)
    for kind in KEPT:
        if made["bare"] and isinstance(shown[kind], list):
            shown[kind] = [bare(one, KEPT[kind], made["bare"]) for one in shown[kind]]
    return shown


def bare(one, keep, how):
    """The kept fields; without the id where that is how."""
    keep = set(keep) - ({"id"} if "without ids" in how else set())
    return {key: value for key, value in one.items() if key in keep}


def images(made, admin, hidden, visibility):
    """A listing of images as Glance gives it, newest first."""

    def seen(one):
        if bool(one.get("os_hidden")) != hidden:
            return False
        if visibility == "community":
            return one.get("visibility") == "community"
        own = one.get("owner") == PROJECT
        return (
            one.get("visibility") == "public"
            or own
            or admin
            and one.get("visibility") != "community"
        )

    found = [one for one in made["images"] if seen(one)]
    found.sort(key=lambda one: (one.get("created_at") or "", one["id"]), reverse=True)
    if made["bare"]:
        return [bare(one, one.keys() - set(LEFT_OUT), "bare") for one in found]
    return found


def expected(made, everybody=False):
    """The answers from which the reference's verdict follows: a member's.

    With `everybody`, those of a member whose project has nothing shared with
    it. An admin cannot see in a listing what is shared with whom.

    A service that is not in the catalog, or without address there, cannot be
    asked, which is None; nor is there a list where it is refused.
    """
    shown = told(made, "member")
    if everybody:
        shown["flavors"] = [
            f for f in shown["flavors"] if f.get("os-flavor-access:is_public", True)
        ]
        shown["volume_types"] = [t for t in shown["volume_types"] if t.get("is_public", True)]
    kinds = {s["type"] for s in made["catalog"] if s["endpoints"]}
    lacks = {
        "flavors": not kinds & {"compute"},
        "images": not kinds & {"image"},
        "volume_types": not kinds
        & {"block-storage", "volumev3", "block-store", "volumev2", "volume"},
        "default_rules": not kinds & {"network"},
    }
    return shown | {key: None for key, missing in lacks.items() if missing or key in made["errors"]}
