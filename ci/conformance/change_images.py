"""Changes to images. Each takes (chance, cloud, now) and says what it did."""

from datetime import timedelta, timezone

from changing import again, pick, put
from values import ABSENT, COMMON, DATE_SHAPES, IMAGE_NAMES, ODD_DATES, PROPERTIES, SOURCES


def image_property(chance, cloud, now):
    name = chance.choice(list(PROPERTIES))
    one = pick(chance, cloud, "images")
    return put(one, name, chance.choice(PROPERTIES[name] + COMMON))


def image_number(chance, cloud, now):
    one = pick(chance, cloud, "images")
    name, values = chance.choice(
        (
            ("min_disk", (0, 1, 2, 3, 4, 8, 100, 2**31 - 1)),
            ("min_ram", (0, 1, 63, 64, 512, 10**6)),
            (
                "size",
                (0, 1, 2**30, 8 * 2**30, 8 * 2**30 + 1, 8 * 2**30 - 1, 3 * 2**30 + 1, 2**50, None),
            ),
            ("virtual_size", (None, 0, 2**50)),
        )
    )
    said = put(one, name, chance.choice(values))
    if one.get("size", 0) is None:
        one["status"] = "queued"
    return said


def build_date(chance, cloud, now):
    one = pick(chance, cloud, "images")
    if chance.random() < 0.4:
        return put(one, "image_build_date", chance.choice(ODD_DATES + COMMON))
    shift = timedelta(seconds=chance.choice((0, -1, 1, -60, 60, -86400, 86400, -5 * 86400)))
    base = chance.choice((now, now - timedelta(days=5), now - timedelta(days=40)))
    if chance.random() < 0.6:
        one["created_at"] = base.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    shape = chance.choice(DATE_SHAPES if chance.random() < 0.6 else DATE_SHAPES[:4])
    return (
        put(one, "image_build_date", (base + shift).strftime(shape))
        + f" of {one.get('created_at')}"
    )


def boundary(chance, cloud, now):
    """An age at the end of a period, and what excuses it."""
    hour = 3600
    periods = {
        "yearly": 365 * 24 * hour,
        "quarterly": 92 * 24 * hour,
        "monthly": 31 * 24 * hour,
        "weekly": 175 * hour,
        "daily": 25 * hour,
    }
    name, seconds = chance.choice(list(periods.items()))
    one = pick(chance, cloud, "images")
    grace = chance.choice((11, 11, 11, 10))
    shift = chance.choice((0, 1, -1, 60, -60, 3600, -3600, 86400, 100 * 86400))
    built = now.replace(microsecond=0) - timedelta(seconds=seconds * grace // 10 + shift)
    one["replace_frequency"] = name
    one["created_at"] = built.strftime("%Y-%m-%dT%H:%M:%SZ")
    put(
        one,
        "image_build_date",
        ABSENT if chance.random() < 0.15 else built.strftime(DATE_SHAPES[chance.randrange(4)]),
    )
    if chance.random() < 0.5:
        provided_until(chance, cloud, now, one)
    if chance.random() < 0.4:
        one["name"] = chance.choice(IMAGE_NAMES)
    keys = ("name", "replace_frequency", "created_at", "image_build_date", "provided_until")
    return str({key: one.get(key) for key in keys})


def provided_until(chance, cloud, now, one=None):
    one = one or pick(chance, cloud, "images")
    shift = timedelta(seconds=chance.choice((-86400, -3600, -2, 2, 3600, 86400)))
    near = (now + shift).strftime(chance.choice(DATE_SHAPES[:8]))
    return put(
        one,
        "provided_until",
        chance.choice((near, near, near) + PROPERTIES["provided_until"] + COMMON),
    )


def image_name(chance, cloud, now):
    one = pick(chance, cloud, "images")
    before = one.get("name")
    value = chance.choice(IMAGE_NAMES) if chance.random() < 0.97 else None
    one["name"] = value
    if chance.random() < 0.5:
        put(one, "image_source", chance.choice(SOURCES))
    return f"{before!r} is now {value!r} from {one.get('image_source')!r}"


def image_source(chance, cloud, now):
    one = pick(chance, cloud, "images")
    said = put(one, "image_source", chance.choice(SOURCES))
    return f"{one['name']!r}: {said}"


def image_sight(chance, cloud, now):
    one = pick(chance, cloud, "images")
    owner = chance.choice(("0d1c5a8e6f1b4c1d9c5f3b7a2e4d6f80", one.get("owner")))
    one |= {
        "visibility": chance.choice(("public", "community", "private", "shared")),
        "os_hidden": chance.random() < 0.3,
        "owner": owner,
    }
    if chance.random() < 0.5:
        image_property(chance, {"images": [one]}, now)
    return str({k: one.get(k) for k in ("name", "visibility", "os_hidden", "owner")})


def image_copy(chance, cloud, now):
    if not cloud["images"]:
        return "nothing"
    one = again(chance, cloud["images"], 77)
    said = []
    for change in (image_name, image_sight, image_property, boundary, image_number):
        if chance.random() < 0.4:
            said.append(change(chance, {"images": [one]}, now))
    return f"of {one['name']!r}: {said}"


def image_gone(chance, cloud, now):
    if chance.random() < 0.1 or not cloud["images"]:
        cloud["images"].clear()
        return "all"
    return cloud["images"].pop(chance.randrange(len(cloud["images"])))["name"]
