"""Says what the SCS reference suite would say of a cloud.

`judge` takes what a project member is told by the APIs and gives PASS, FAIL or
ABORT for every testcase that only reads, of every version of the scope. It is
written from the prose of the standards and of their tests, apart from the
bundle that it is compared with, in the language of the reference, so that
`int`, `re`, `strptime`, `None` and a missing key do what they do there.

Where the prose leaves open what happens, the answer holds every verdict that a
reading of it gives, the likeliest first. Each such place is a name in `OPEN`.

It does not judge what has to be probed: entropy, backups, secrets.
"""

import math
import re
from datetime import datetime, timezone

from flavor_name import parse_any
from tables import (
    CAPI_NAMES,
    CAPI_SOURCES,
    FREQUENCIES,
    MIB,
    NAMED_SOURCES,
    PERIODS,
    PURPOSES,
    STANDARD_FLAVORS,
)

OPEN = {
    "absent build date raises": "strptime is given None, instead of the property failing",
    "images that never change are not read": "their unreadable build date is no matter",
    "unreadable build date is ignored": "recency then counts from created_at",
    "unreadable build date fails": "recency then fails instead of raising",
    "empty text is absent": "uuid_validity, hw_disk_bus, image_build_date, provided_until",
    "scheme in any case": "HTTPS:// is a scheme too",
    "size unknown is zero": "an image without data fits any min_disk",
    "first flavor wins": "of several with one scs:name-v2, or one name",
    "one index of flavors": "by scs:name-v2, else by name, the last of all wins",
    "every image of a name": "source-* look at all of one name, instead of the last",
    "recency per name": "of several with one name only the last is judged",
    "unnamed is empty text": "a null name, instead of raising",
    "old names are not weighed": "semantics of v1 names",
    "digits are ASCII": "in last-N, instead of those of any script",
    "leap second": "second 60 is read",
    "stop at the first failure": "so that a later image cannot raise",
}


class Cloud:
    """What a project member is told, and how the prose is read."""

    def __init__(self, answers, now, reading):
        self.answers = answers
        self.now = now
        self.reading = reading

    @property
    def images(self):
        """The images that count, in the order of the listing."""
        return [i for i in self.answers["images"] if i.get("visibility") in ("public", "community")]

    def reads(self, name):
        """Whether the other reading of an open place is taken."""
        assert name in OPEN
        return self.reading == name

    def every(self, items, test):
        """Whether all pass. An item that raises decides, whatever others say."""
        if self.reads("stop at the first failure"):
            return all(test(item) for item in items)
        return all([test(item) for item in items])

    def text(self, image, name):
        value = image.get(name)
        if value == "" and self.reads("empty text is absent"):
            return None
        return value

    def date(self, text):
        """Reads a date as UTC. ValueError if it is none, TypeError of None."""
        if self.reads("leap second") and isinstance(text, str):
            text = re.sub(r":6[01](Z?)$", r":59\1", text)
        for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
            try:
                return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
            except ValueError:
                pass
        raise ValueError(f"`{text}` is no date")

    def is_date(self, text):
        try:
            self.date(text)
        except ValueError:
            return False
        return True


def scs_flavors(cloud):
    return [f for f in cloud.answers["flavors"] if f["name"].startswith("SCS-")]


def flavor_syntax(cloud):
    def test(flavor):
        try:
            parse_any(flavor["name"])
        except ValueError:
            return False
        return True

    return cloud.every(scs_flavors(cloud), test)


def flavor_semantics(cloud):
    def test(flavor):
        try:
            promise = parse_any(flavor["name"])
        except ValueError:
            return True
        if ":" in flavor["name"] and cloud.reads("old names are not weighed"):
            return True
        # A name such as `SCS-2V-4-` promises no size: comparing with it raises.
        disk = flavor.get("disk", 0) >= promise.disk
        ram = math.floor((flavor.get("ram", 0) + 51) / 102.4) / 10 >= promise.ram
        return flavor.get("vcpus", 0) >= promise.cpus and ram and disk

    return cloud.every(scs_flavors(cloud), test)


def specs_of(flavor):
    return flavor.get("extra_specs", {})


def standard_flavor(name):
    cpus, ram, disk = STANDARD_FLAVORS[name]
    wanted = {
        "scs:cpu-type": "crowded-core" if "L" in name else "shared-core",
        "scs:name-v1": "SCS-" + name[len("SCS-") :].replace("-", ":"),
        "scs:name-v2": name,
    }
    if disk:
        wanted["scs:disk0-type"] = "ssd"

    def test(cloud):
        flavors = cloud.answers["flavors"]
        if cloud.reads("first flavor wins"):
            flavors = flavors[::-1]
        by_spec = {specs_of(f).get("scs:name-v2"): f for f in flavors}
        by_name = {f.get("name"): f for f in flavors}
        found = by_spec.get(name) or by_name.get(name)
        if cloud.reads("one index of flavors"):
            found = {specs_of(f).get("scs:name-v2", f["name"]): f for f in flavors}.get(name)
        if found is None:
            return False
        specs = specs_of(found)
        size = tuple(found.get(key, 0) for key in ("vcpus", "ram", "disk"))
        return size == (cpus, ram * MIB, disk) and all(
            specs.get(key) == value for key, value in wanted.items()
        )

    return test


def prop(test):
    return lambda cloud: cloud.every(cloud.images, lambda image: bool(test(cloud, image)))


def min_disk(cloud, image):
    size = image.get("size")
    if size is None and cloud.reads("size unknown is zero"):
        size = 0
    return image.get("min_disk") and image["min_disk"] * 2**30 >= size


def build_date(cloud, image):
    text = image.get("image_build_date")
    if text is None and not cloud.reads("absent build date raises"):
        return False
    try:
        built = cloud.date(text)
    except ValueError:
        return False
    return built <= cloud.date(image.get("created_at")) and built <= cloud.now


def image_source(cloud, image):
    flags = re.IGNORECASE if cloud.reads("scheme in any case") else 0
    source = image.get("image_source")
    return source == "private" or re.match(r"(https?|ftps?)://", source or "", flags)


def uuid_validity(cloud, image):
    text = cloud.text(image, "uuid_validity")
    if text is None or text in ("none", "notice", "forever"):
        return True
    if text.startswith("last-"):
        number = text[len("last-") :]
        return number.isdecimal() and (number.isascii() or not cloud.reads("digits are ASCII"))
    return cloud.is_date(text)


def age(cloud, image):
    """`fine`, `outdated`, or `error` where provided_until cannot be read."""
    period = PERIODS.get(image.get("replace_frequency", "never"))
    if period is None and cloud.reads("images that never change are not read"):
        return "fine"
    text = cloud.text(image, "image_build_date")
    if text is None:
        text = image.get("created_at")
    try:
        built = cloud.date(text)
    except ValueError:
        if cloud.reads("unreadable build date fails"):
            return "error"
        if not cloud.reads("unreadable build date is ignored"):
            raise
        built = cloud.date(image.get("created_at"))
    if period is None or (cloud.now - built).total_seconds() <= 1.1 * period:
        return "fine"
    if cloud.reads("empty text is absent") and image["provided_until"] == "":
        return "outdated"
    until = image["provided_until"]
    if until in ("none", "notice"):
        return "fine"
    try:
        return "fine" if cloud.date(until) < cloud.now else "outdated"
    except ValueError:
        return "error"


def recency(cloud):
    ages = [(image.get("name"), age(cloud, image)) for image in cloud.images]
    last = dict(ages)
    passes = True
    for name, state in last.items() if cloud.reads("recency per name") else ages:
        if name is None and cloud.reads("unnamed is empty text"):
            name = ""
        if state == "outdated":
            passes &= last.get(name.rsplit(" ", 1)[0]) == "fine"
        passes &= state != "error"
    return passes


def purpose_uniqueness(cloud):
    seen = [
        (image.get("architecture"), image["os_distro"], image["os_version"])
        for image in cloud.images
        if image.get("visibility") == "public"
        and not image.get("os_hidden")
        and image.get("os_distro")
        and image.get("os_version")
        and image.get("os_purpose") == "generic"
    ]
    return len(seen) == len(set(seen))


def source_of_named(name, prefixes):
    def test(cloud):
        found = [i for i in cloud.images if i.get("name") == name]
        if not cloud.reads("every image of a name"):
            found = found[-1:]
        return cloud.every(found, lambda i: (i.get("image_source") or "").startswith(prefixes))

    return test


def source_of_capi(pattern):
    def test(cloud):
        def right(image):
            name = image.get("name")
            if name is None and cloud.reads("unnamed is empty text"):
                name = ""
            source = image.get("image_source") or ""
            return not re.match(pattern, name) or source.startswith(CAPI_SOURCES)

        return cloud.every(cloud.images, right)

    return test


def volume_type_syntax(cloud):
    def test(kind):
        found = re.match(r"\[scs:([^\[\]]+)\]", kind.get("description") or "")
        if not found:
            return True
        aspects = [part.strip() for part in found[1].split(",")]
        known = all(aspect in ("encrypted", "replicated") for aspect in aspects)
        return known and aspects == sorted(set(aspects))

    return cloud.every(cloud.answers["volume_types"], test)


def default_rules(cloud):
    rules = cloud.answers["default_rules"]
    needed = {(v, use) for v in ("IPv4", "IPv6") for use in ("default", "custom")}
    passes = True
    for rule in rules:
        if rule.get("direction") == "ingress":
            own = rule.get("remote_group_id") == "PARENT"
            passes &= own and not rule.get("used_in_non_default_sg")
        elif rule.get("remote_ip_prefix") is None:
            if rule.get("used_in_default_sg"):
                needed.discard((rule.get("ethertype"), "default"))
            if rule.get("used_in_non_default_sg"):
                needed.discard((rule.get("ethertype"), "custom"))
    return passes and not needed


def offers(*types):
    return lambda cloud: any(s["type"] in types for s in cloud.answers["catalog"])


def swift_s3(cloud):
    if not offers("object-store")(cloud):
        return True
    answer = cloud.answers["s3"]
    return any(code in answer for code in ("InvalidAccessKeyId", "NoSuchKey"))


TESTCASES = {
    "scs-0100-syntax-check": flavor_syntax,
    "scs-0100-semantics-check": flavor_semantics,
    "scs-0102-prop-architecture": prop(
        lambda c, i: i.get("architecture") in ("x86_64", "aarch64", "risc-v")
    ),
    "scs-0102-prop-min_disk": prop(min_disk),
    "scs-0102-prop-min_ram": prop(lambda c, i: i.get("min_ram")),
    "scs-0102-prop-os_version": prop(lambda c, i: i.get("os_version")),
    "scs-0102-prop-os_distro": prop(lambda c, i: i.get("os_distro")),
    "scs-0102-prop-os_purpose": prop(lambda c, i: i.get("os_purpose") in PURPOSES),
    "scs-0102-prop-hw_disk_bus": prop(
        lambda c, i: c.text(i, "hw_disk_bus") in (None, "virtio", "scsi")
    ),
    "scs-0102-prop-image_build_date": prop(build_date),
    "scs-0102-prop-image_original_user": prop(lambda c, i: i.get("image_original_user")),
    "scs-0102-prop-image_source": prop(image_source),
    "scs-0102-prop-image_description": prop(lambda c, i: i.get("image_description")),
    "scs-0102-prop-replace_frequency": prop(lambda c, i: i.get("replace_frequency") in FREQUENCIES),
    "scs-0102-prop-provided_until": prop(lambda c, i: i.get("provided_until")),
    "scs-0102-prop-uuid_validity": prop(uuid_validity),
    "scs-0102-image-recency": recency,
    "scs-0102-os_purpose-uniqueness": purpose_uniqueness,
    **{
        "scs-0103-flavor-" + name[len("SCS-") :].lower(): standard_flavor(name)
        for name in STANDARD_FLAVORS
    },
    **{f"scs-0104-source-{key}": source_of_capi(p) for key, p in CAPI_NAMES.items()},
    **{f"scs-0104-source-{key}": source_of_named(*of) for key, of in NAMED_SOURCES.items()},
    **{
        f"scs-0104-image-{key}": lambda cloud, name=NAMED_SOURCES[key][0]: any(
            image.get("name") == name for image in cloud.images
        )
        for key in ("ubuntu-2404", "ubuntu-2204")
    },
    "scs-0114-syntax-check": volume_type_syntax,
    "scs-0115-default-rules": default_rules,
    **{
        f"scs-0123-service-{kind}": offers(kind)
        for kind in ("compute", "identity", "image", "network", "load-balancer", "placement")
    },
    "scs-0123-storage-apis": offers("volume", "volumev3", "block-storage"),
    "scs-0123-service-s3": offers("object-store-s3"),
    "scs-0123-swift-s3": swift_s3,
    # With a key manager it has to be probed.
    "scs-0116-permissions": lambda cloud: not offers("key-manager")(cloud),
}


def judge_one(testcase, answers, now, reading):
    roles = answers["roles"]
    if "member" not in roles or {"admin", "manager"} & set(roles):
        return "ABORT"
    try:
        return "PASS" if TESTCASES[testcase](Cloud(answers, now, reading)) else "FAIL"
    except Exception:  # As the reference does, whatever it is.
        return "ABORT"


def judge(answers, now):
    """Gives each testcase's verdicts, the likeliest first; mostly just one.

    `answers` holds what a project member is told: `roles`, `catalog`, `flavors`
    in the order of their ids, `images` newest first (`/v2/images?member_status=all`),
    `volume_types`, `default_rules`, and `s3`, the object store's words on a
    wrong access key. `now` is when the suite is started.

    A list that the cloud cannot be asked for, lacking the service, is None.

    A testcase that cannot be told from these is left out: the default rules of
    a Neutron without that API (`"404"`), secrets where there is a key manager.
    """
    made = {}
    for testcase in TESTCASES:
        if testcase == "scs-0115-default-rules" and answers["default_rules"] == "404":
            continue
        if testcase == "scs-0116-permissions" and offers("key-manager")(Cloud(answers, now, None)):
            continue
        verdicts = [judge_one(testcase, answers, now, reading) for reading in (None, *OPEN)]
        made[testcase] = list(dict.fromkeys(verdicts))
    return made
