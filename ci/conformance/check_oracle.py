#!/usr/bin/env -S python3 -B
"""Holds the oracle against recorded verdicts of the reference suite.

The recordings are in `vectors`. Prints differences; exit code 1 if there are any.
"""

import json
import sys
from datetime import datetime, timezone
from pathlib import Path

from flavor_name import V1, V2, parse
from oracle import TESTCASES, judge

# The recorded clouds were judged on the day of the commit of the reference.
NOW = datetime(2026, 8, 21, 9, 0, tzinfo=timezone.utc)
EMPTY = {
    "roles": ["member"],
    "catalog": [],
    "flavors": [],
    "images": [],
    "volume_types": [],
    "default_rules": [],
    "s3": "",
}


def listed(image):
    """An image as Glance lists it, of one as the SDK gives it."""
    made = {k: v for k, v in image.items() if k != "properties"} | image.get("properties", {})
    for sdk, glance in (("is_hidden", "os_hidden"), ("hash_algo", "os_hash_algo")):
        if sdk in made:
            made[glance] = made.pop(sdk)
    return made


def main(folder):
    wrong = count = 0

    def hold(what, testcase, wanted, **answers):
        nonlocal wrong, count
        if testcase not in TESTCASES:
            return
        count += 1
        wanted = wanted.split("(")[0]
        got = judge(EMPTY | answers, NOW)[testcase]
        if got[0] != wanted:
            wrong += 1
            print(f"{what}: {testcase}: oracle {got}, reference {wanted}")

    def vectors(name):
        return json.loads((folder / f"{name}.json").read_text())["vectors"]

    for v in vectors("flavor_names"):
        flavor = {
            "name": v["name"],
            "vcpus": 1000,
            "ram": 1 << 30,
            "disk": 10**6,
            "extra_specs": {},
        }
        verdict = "FAIL" if v["syntax_check"] == "invalid" else "PASS"
        hold(v["name"], "scs-0100-syntax-check", verdict, flavors=[flavor])
        for syntax, key in ((V2, "v2_v3"), (V1, "v1")):
            if key not in v or v[key]["result"] == "not-scs":
                continue
            count += 1
            try:
                parse(v["name"], syntax)
                got = "valid"
            except ValueError:
                got = "invalid"
            if got != v[key]["result"]:
                wrong += 1
                print(f"{v['name']}: {key} {got}, reference {v[key]['result']}")
    for v in vectors("flavor_semantics"):
        flavor = {
            "name": v["name"],
            "vcpus": v["vcpus"],
            "ram": v["ram_mib"],
            "disk": v["disk_gib"],
            "extra_specs": {},
        }
        for key in ("scs-0100-syntax-check", "scs-0100-semantics-check"):
            hold(v["name"], key, v[key], flavors=[flavor])
    for v in vectors("standard_flavors"):
        hold(v["label"], v["testcase"], v["result"], flavors=v["flavors"])
    base, *changes = vectors("image_metadata_props")
    for v in changes:
        image = base["base"] | {"properties": dict(base["base"]["properties"])}
        for key, value in v["change"].items():
            (image if key in image else image["properties"])[key] = value
        for key, verdict in v["results"].items():
            hold(v["change"], key, verdict, images=[listed(image)])
    for name, key in (
        ("image_purpose_uniqueness", "scs-0102-os_purpose-uniqueness"),
        ("image_recency", "scs-0102-image-recency"),
    ):
        for v in vectors(name):
            hold(v["label"], key, v[key], images=[listed(i) for i in v["images"]])
    for v in vectors("standard_images"):
        images = [{"name": n, "visibility": "public", "image_source": s} for n, s in v["images"]]
        key = {"Ubuntu 24.04": "ubuntu-2404"}.get(
            v["spec"], v["spec"].replace("ubuntu-capi-image", "capi")
        )
        hold(v["images"], f"scs-0104-source-{key}", v["source"], images=images)
        hold(v["images"], f"scs-0104-image-{key}", v["image"], images=images)
    for v in vectors("volume_types"):
        types = [{"description": d} for d in v["descriptions"]]
        hold(
            v["descriptions"],
            "scs-0114-syntax-check",
            v["scs-0114-syntax-check"],
            volume_types=types,
        )
    for v in vectors("security_group_rules"):
        hold(v["label"], "scs-0115-default-rules", v["default-rules-api"], default_rules=v["rules"])
    print(f"{count - wrong} of {count} recorded verdicts agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent / "vectors"))
