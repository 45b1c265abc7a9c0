"""Many flavors, images and volume types in one cloud, compared one by one.

A rule's verdict on a cloud is one bit. Its violations name what is wrong, so a
cloud of thousands of oddities tells about each of them: those that the rule
complains of must be those that the oracle fails when it is given them alone.
"""

import random

import oracle
from clouds import compliant, instant, volume_type
from mutations import MUTATIONS
from values import DESCRIPTIONS

NOW = "2026-08-21T09:00:00Z"
FLAVORS = ("scs-0100-syntax-check", "scs-0100-semantics-check")
IMAGES = tuple(t for t in oracle.TESTCASES if t.startswith("scs-0102-prop-")) + (
    "scs-0102-image-recency",
)
TYPES = ("scs-0114-syntax-check",)


def world(seed, size):
    """A cloud with about `size` flavors and images, none of which raises."""
    chance = random.Random(f"bulk {seed}")
    now = instant(NOW)
    made = compliant(now)
    first = {kind: made[kind][0] for kind in ("flavors", "images")}
    for kind, names in (
        ("flavors", ("flavor name", "flavor size")),
        (
            "images",
            (
                "image property",
                "image number",
                "image build date",
                "image boundary",
                "image provided_until",
            ),
        ),
    ):
        made[kind] = []
        for number in range(size):
            one = dict(first[kind]) | {"id": f"{number:08d}-b01c-4000-8000-000000000000"}
            if kind == "flavors":
                one["extra_specs"] = {}
            for name in chance.choices(
                names, k=1 if kind == "flavors" else chance.choice((1, 2, 3))
            ):
                MUTATIONS[name][1](chance, {kind: [one]}, now)
            # So that none is another's replacement.
            if kind == "images":
                one["name"] = f"i{number}"
            answers = {"roles": ["member"], kind: [one]}
            if not any(
                "ABORT" in v
                for t in (FLAVORS if kind == "flavors" else IMAGES)
                for v in verdicts(t, answers, now)[:1]
            ):
                made[kind].append(one)
    made["volume_types"] = [volume_type(f"t{n}", d, n) for n, d in enumerate(DESCRIPTIONS)]
    return made, now


def verdicts(testcase, answers, now):
    readings = (None, *oracle.OPEN)
    return list(dict.fromkeys(oracle.judge_one(testcase, answers, now, r) for r in readings))


def expected(made, now):
    """Yields testcase, what is judged, and its verdicts."""
    for kind, testcases in (("flavors", FLAVORS), ("images", IMAGES), ("volume_types", TYPES)):
        for one in made[kind]:
            for testcase in testcases:
                yield testcase, one, verdicts(testcase, {"roles": ["member"], kind: [one]}, now)
