"""What all tests use: places, programs, a served cloud."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

GATES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CI = os.path.dirname(GATES)
ROOT = os.path.dirname(CI)
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "tidegate")
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(CACHE, "target")
TIDEGATE = os.environ.get("TIDEGATE") or os.path.join(TARGET, "debug", "tidegate")
SERVE = os.path.join(TARGET, "debug", "examples", "serve")
EXAMPLE = os.path.join(ROOT, "collectors", "replay", "example")

verbose = False


class Skipped(Exception):
    """This machine lacks what the test needs."""


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in what))


def same(what, found, wanted):
    check(found == wanted, "%s: found %r, wanted %r" % (what, found, wanted))


def needs(path, how):
    if not os.path.exists(path):
        raise AssertionError("there is no `%s`: %s" % (path, how))
    return path


def run(arguments, env=None, cwd=None, code=0):
    """Runs a program with nothing of the environment but PATH and `env`, in a home of its own."""
    with folder() as home:
        base = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}
        ran = subprocess.run(
            arguments, env={**base, **(env or {})}, cwd=cwd, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
    if verbose:
        print(ran.args, ran.returncode, ran.stdout, ran.stderr, sep="\n")
    if code is not None:
        check(ran.returncode == code, "%s ended with %s, not %s:\n%s\n%s"
              % (arguments, ran.returncode, code, ran.stdout[-3000:], ran.stderr[-3000:]))
    return ran


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="tidegate-gates-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def write(path, text, mode=None):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    if mode is not None:
        os.chmod(path, mode)
    return path


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


# The image that `changed_cloud` spoils, and the rule that it then breaks.
PLANTED = ("scs-0102-prop-architecture", "1a000001-1a6e-4000-8000-000000000001")


def changed_cloud(work):
    """A copy of the example recording in which one image became wrong."""
    copy = os.path.join(work, "changed")
    shutil.copytree(EXAMPLE, copy)
    path = os.path.join(copy, "image", "images.json")
    listing = json.loads(read(path))
    image = next(i for i in listing["images"] if i["id"] == PLANTED[1])
    same("the image before", image["architecture"], "x86_64")
    image["architecture"] = "amd64"
    write(path, json.dumps(listing))
    return copy


@contextlib.contextmanager
def served(recording, config):
    """Serves a recording on loopback and writes a clouds.yaml with `example`."""
    needs(SERVE, "build it with: cargo build -p tidegate-replay --example serve")
    server = subprocess.Popen([SERVE, "--recording", recording, "--config", config], stdout=subprocess.PIPE, text=True)
    try:
        for line in server.stdout:
            if line.startswith("items "):
                break
        else:
            raise AssertionError("the replay server did not start")
        yield config
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def new_findings(reports):
    """What is new, as each report's own reader would count it: {format: [(rule, text)]}."""
    found = {}
    report = json.loads(read(os.path.join(reports, "tidegate.json")))
    rules = [r for s in report["subjects"] for r in s["rules"]]
    found["json"] = [(r["id"], f.get("resource") or "") for r in rules for f in r["findings"] if f["verdict"] == "fail"]
    sarif = json.loads(read(os.path.join(reports, "tidegate.sarif")))
    found["sarif"] = [
        (r["ruleId"], json.dumps(r)) for run_ in sarif["runs"] for r in run_["results"]
        if r.get("kind", "fail") == "fail" and not r.get("suppressions")
    ]
    junit = ElementTree.parse(os.path.join(reports, "tidegate-junit.xml"))
    failures = [c for c in junit.iter("testcase") if c.find("failure") is not None]
    # A testcase of the scope fails with its rule; its text refers to the rule's suite.
    findings = [c for c in failures if c.find("failure").get("type") != "main"]
    found["junit"] = [(c.get("classname"), c.get("name") + "".join(c.itertext())) for c in findings]
    for testcase in set(failures) - set(findings):
        rule = testcase.get("name").rpartition("/")[2]
        check(any(rule in suite for suite, _ in found["junit"]), rule, "fails in the scope only")
    quality = json.loads(read(os.path.join(reports, "tidegate-code-quality.json")))
    # What could not be judged is always told; it is not new.
    undecided = ("not judged: ", "no evidence: ")
    found["code-quality"] = [
        (q["check_name"], q["description"]) for q in quality if not q["description"].startswith(undecided)
    ]
    return found
