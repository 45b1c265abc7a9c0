"""Changes to flavors. Each takes (chance, cloud, now) and says what it did."""

import string

from changing import again, pick, put
from values import NAMES, SPEC_VALUES


def any_name(chance):
    """A flavor name by the grammar, or nearly."""

    def maybe(p, *values):
        return chance.choice(values) if chance.random() < p else ""

    digits = ("0", "1", "2", "4", "8", "01", "16", "128")
    name = "SCS-" + chance.choice(digits[1:]) + chance.choice("LVTC") + maybe(0.1, "i") + "-"
    name += chance.choice(
        ("1", "2", "4", "0.5", "1.5", "4.", ".5", "3.25", "10.5", "0", "08", "1.50", "1..5", "4.0")
    )
    name += maybe(0.15, "u", "o", "uo", "ou")
    if chance.random() < 0.6:
        name += (
            "-"
            + maybe(0.3, "x", "2x", "0x", "10x", "3x")
            + maybe(0.8, "5", "10", "20", "0", "010", "1.5")
        )
        name += maybe(0.4, "n", "h", "s", "p", "q")
    name += maybe(0.2, "_kvm", "_chy", "_xen", "_vmw", "_hyv", "_bms", "_foo", "_KVM")
    name += maybe(0.2, "_hwv", "_hwv_")
    name += maybe(
        0.3,
        "_"
        + chance.choice("izarI")
        + maybe(0.7, *digits[:5], "5", "6", "7", "00", "06")
        + maybe(0.3, "h", "hh", "hhh", "hhhh"),
    )
    if chance.random() < 0.3:
        name += "_" + chance.choice("GGGg") + chance.choice("NNAAIX")
        name += maybe(
            0.8,
            *"fkmpvtalgbuz",
            "0.4",
            "0.5",
            "0",
            "1",
            "1.1",
            "2",
            "2.1",
            "3",
            "3.1",
            "3.5",
            "4",
            "4.1",
            "5",
            "5.1",
            "0.9",
            "0.95",
        )
        name += maybe(0.6, "-0", "-1", "-72", "-072") + maybe(0.2, "h", "hh", "hhh")
        name += maybe(0.4, "-0", "-16", "-24") + maybe(0.2, "h", "hh", "hhh")
    name += maybe(0.2, "_ib", "_ib_i", "_IB", "_i_ib", "_ibx")
    if chance.random() < 0.3:
        name = "SCS-" + name[4:].replace("-", ":").replace("_", "-")
    if chance.random() < 0.2:
        at = chance.randrange(1, len(name))
        name = (
            name[:at]
            + chance.choice(("", chance.choice(string.printable[:94]), "é"))
            + name[at + chance.choice((0, 1)) :]
        )
    return name.strip() or "x"


def flavor_name(chance, cloud, now):
    one = pick(chance, cloud, "flavors")
    before = one["name"]
    one["name"] = chance.choice(NAMES) if chance.random() < 0.3 else any_name(chance)
    if chance.random() < 0.7:
        return fit(chance, one)
    return f"{before!r} is now {one['name']!r}"


def fit(chance, one):
    """Gives it about what the name promises."""
    parts = one["name"].replace(":", "-").replace("_", "-").split("-") + ["", "", ""]
    number = lambda t: (
        float("".join(c for c in t if c in "0123456789.") or 0) if t.count(".") < 2 else 1
    )
    try:
        size = parts[3].split("x")[-1]
        cpus, ram, disk = int(number(parts[1])), int(number(parts[2]) * 1024), int(number(size))
    except ValueError:
        cpus, ram, disk = 1, 1024, 0
    one["vcpus"] = max(1, min(cpus, 2**31 - 1) + chance.choice((0, 0, 0, 1, -1)))
    one["ram"] = max(1, ram + chance.choice((0, 0, 0, 1, -1, -50, -51, -52, -102, -103, 1024)))
    one["disk"] = max(0, disk + chance.choice((0, 0, 0, 1, -1)))
    return str({k: one[k] for k in ("name", "vcpus", "ram", "disk")})


def flavor_size(chance, cloud, now):
    one = pick(chance, cloud, "flavors")
    key = chance.choice(("vcpus", "ram", "disk"))
    steps = {
        "vcpus": (1, -1, 100),
        "disk": (1, -1, 20, 100),
        "ram": (1, -1, -50, -51, -52, -102, -103, 1024),
    }
    return put(one, key, max(0, one.get(key, 0) + chance.choice(steps[key])))


def flavor_spec(chance, cloud, now):
    one = pick(chance, cloud, "flavors")
    key = chance.choice(
        (
            "scs:cpu-type",
            "scs:name-v1",
            "scs:name-v2",
            "scs:disk0-type",
            "scs:disk1-type",
            "scs:Name-v2",
            "x",
        )
    )
    names = tuple(f["name"] for f in cloud["flavors"]) + (
        "SCS-1V-4",
        "SCS-2V-4-20s",
        "SCS-2V-4:20s",
        "scs-1v-4",
    )
    names += tuple(n.replace("-", ":").replace("SCS:", "SCS-") for n in names)
    value = chance.choice(SPEC_VALUES + names)
    if chance.random() < 0.05:
        one["extra_specs"] = {}
    return f"{one['name']!r}: {put(one['extra_specs'], key, value)}"


def flavor_copy(chance, cloud, now):
    if not cloud["flavors"]:
        return "nothing"
    one = again(chance, cloud["flavors"], 77)
    before = one["name"]
    one["name"] = chance.choice((before + "-copy", any_name(chance), "m1.copy", before.lower()))
    said = [f"copy of {before!r} is {one['name']!r}"]
    for change in (flavor_spec, flavor_size, flavor_sight):
        if chance.random() < 0.5:
            said.append(change(chance, {"flavors": [one]}, now))
    return str(said)


def flavor_sight(chance, cloud, now):
    one = pick(chance, cloud, "flavors")
    one |= {"os-flavor-access:is_public": False, "shared": chance.random() < 0.5}
    if chance.random() < 0.5:
        flavor_spec(chance, {"flavors": [one]}, now)
    return f"{one['name']!r} is private, {'shared with us' if one['shared'] else 'not ours'}"


def flavor_gone(chance, cloud, now):
    if chance.random() < 0.1 or not cloud["flavors"]:
        cloud["flavors"].clear()
        return "all"
    return cloud["flavors"].pop(chance.randrange(len(cloud["flavors"])))["name"]
