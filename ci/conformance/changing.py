"""What changes have in common."""

import copy

from values import ABSENT


def put(thing, key, value):
    if value is ABSENT:
        thing.pop(key, None)
    else:
        thing[key] = value
    return f"{key} = {'absent' if value is ABSENT else repr(value)} ({thing.get('name')})"


def again(chance, things, number):
    """A copy of one of them, with an id of its own, at a random place of order."""
    made = copy.deepcopy(chance.choice(things))
    made["id"] = f"{chance.randrange(99_999_999):08d}{made['id'][8:-8]}{number:08d}"
    things.append(made)
    return made


def pick(chance, cloud, kind):
    """One of these, mostly one that is there; a made one if there is none."""
    return chance.choice(cloud[kind]) if cloud[kind] else {"name": "none", "extra_specs": {}}
