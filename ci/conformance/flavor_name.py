"""Reads SCS flavor names, as the standard's own checker is described to do.

Standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming
"""

import re
from typing import NamedTuple, Optional

CPU_GENERATIONS = {"i": range(7), "z": range(7), "a": range(6), "r": range(1)}
GPU_GENERATIONS = {
    "N": ("", "f", "k", "m", "p", "v", "t", "a", "l", "g", "b", "u"),
    "A": ("", "0.4", "0.5", "1", "1.1", "2", "2.1", "3", "3.1", "3.5", "4", "4.1", "5.1"),
    "I": ("", "0.9", "0.95", "1", "2", "3", "4"),
}


class Promise(NamedTuple):
    """What a name promises: virtual CPUs, GiB of RAM, GB of disk.

    `disk` is 0 without a disk part and None where the part names no size.
    """

    cpus: int
    ram: float
    disk: Optional[int]


class Syntax(NamedTuple):
    """Delimiters, which are all that differs between versions of the grammar."""

    inner: str
    outer: str
    hypervisors: str


V2 = Syntax("-", "_", "kvm|chy|xen|vmw|hyv|bms")
V1 = Syntax(":", "-", "kvm|xen|vmw|hyv|bms")


def parse(name, syntax=V2):
    """Reads `name`, which begins with `SCS-`; ValueError says why it is none."""
    rest = name[len("SCS-") :]

    def take(pattern):
        nonlocal rest
        found = re.match(pattern, rest)
        if found:
            rest = rest[found.end() :]
        return found

    inner, outer = re.escape(syntax.inner), re.escape(syntax.outer)
    main = take(rf"([0-9]*)([LVTC])(i?){inner}([0-9.]*)(u?)(o?)")
    if not main:
        raise ValueError("no CPUs and RAM")
    cpus, ram = positive(main[1]), float(main[4])
    if ram <= 0 or ram % 0.5:
        raise ValueError(f"RAM {ram}")
    size = 0
    disk = take(rf"{inner}(?:([0-9]*)x)?([0-9]*)([nhsp]?)")
    if disk:
        positive(disk[1] or "1")
        size = positive(disk[2]) if disk[2] else None
    take(rf"{outer}(?:{syntax.hypervisors})")
    take(rf"{outer}hwv")
    brand = take(rf"{outer}([izar])([0-9]*)(h*)(?={outer}|\Z)")
    if brand:
        if brand[2] and int(brand[2]) not in CPU_GENERATIONS[brand[1]]:
            raise ValueError(f"CPU generation {brand[2]}")
        performance(brand[3], 3)
    # The generation takes all that is neither delimiter nor `h`: an InfiniBand
    # suffix too, which makes `_GNa_ib` wrong. So it is in the reference.
    gpu = take(rf"{outer}[Gg]([NAI])([^{inner}h]*)(?:{inner}([0-9]+))?(h*)(?:{inner}([0-9]+))?(h*)")
    if gpu:
        if gpu[2] not in GPU_GENERATIONS[gpu[1]]:
            raise ValueError(f"GPU generation {gpu[2]}")
        for number in (gpu[3], gpu[5]):
            positive(number or "1")
        performance(gpu[4], 2)
        performance(gpu[6], 2)
    take(rf"{outer}ib")
    if rest:
        raise ValueError(f"extra characters {rest}")
    return Promise(cpus, ram, size)


def parse_any(name):
    """Reads a name in today's syntax, else in the first, which is tolerated."""
    try:
        return parse(name, V2)
    except ValueError:
        return parse(name, V1)


def positive(digits):
    number = int(digits)
    if number < 1:
        raise ValueError(f"`{digits}` is not positive")
    return number


def performance(flags, most):
    if len(flags) > most:
        raise ValueError(f"performance `{flags}`")
