#!/usr/bin/env python3
"""Tells where waivers are wrong, as comments on lines for a review.

    waiver_comments.py PATH...

Runs `tidegate waiver check` on each file (of folders, on each *.yaml and *.yml)
and prints {path: [{line, message, level}]}, which is Zuul's `file_comments`.
An empty object if nothing is wrong. Ends with 1 if tidegate could not be run.
Needs Python 3.6 and nothing else: it runs on the node.
"""

import json
import os
import re
import subprocess
import sys


def files(path):
    """The file, or the waiver files of a folder in order of name."""
    if not os.path.isdir(path):
        return [path]
    names = sorted(n for n in os.listdir(path) if n.endswith((".yaml", ".yml")))
    return [os.path.join(path, name) for name in names]


def line_of(text, waiver):
    """The line where the waiver's id stands, 1 if it is written in another way."""
    wanted = re.compile(r"""^[\s-]*id:\s*["']?%s["']?\s*(#.*)?$""" % re.escape(waiver))
    for number, line in enumerate(text.splitlines(), 1):
        if wanted.match(line):
            return number
    return 1


def comments(path):
    run = subprocess.run(
        [os.environ.get("TIDEGATE") or "tidegate", "waiver", "check", path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
    )
    if run.returncode == 0:
        return []
    try:
        with open(path, encoding="utf-8") as f:
            text = f.read()
    except OSError as e:
        sys.exit("cannot read `%s`: %s" % (path, e.strerror))
    if run.returncode == 2:
        found = []
        for row in run.stdout.splitlines():
            waiver, state = re.split(r"\s{2,}", row.strip())[:2]
            found.append((line_of(text, waiver), "waiver `%s` is %s" % (waiver, state)))
        return found
    if run.returncode != 1:
        sys.exit(run.stderr)
    message = run.stderr.strip()
    message = message[len("error: "):] if message.startswith("error: ") else message
    at = re.search(r"\bat line (\d+) column \d+", message)
    waiver = re.search(r"waiver `([^`]*)`", message)
    line = int(at.group(1)) if at else line_of(text, waiver.group(1)) if waiver else 1
    return [(line, message)]


def main(paths):
    result = {}
    for path in paths:
        for file in files(path):
            found = [{"line": line, "message": message, "level": "error"} for line, message in comments(file)]
            if found:
                result[os.path.normpath(file)] = found
    print(json.dumps(result, sort_keys=True))


if __name__ == "__main__":
    main(sys.argv[1:])
