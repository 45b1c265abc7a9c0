"""The GitLab template's script, against a small GitLab and a served cloud."""

import contextlib
import http.server
import json
import os
import shutil
import threading
import urllib.parse

from common import (EXAMPLE, GATES, PLANTED, TIDEGATE, changed_cloud, check, folder, needs, new_findings, read, run, same,
                    served, write)

SCRIPT = os.path.join(GATES, "gitlab", "gate.sh")
BRANCH = "release/2026 & more"
TOKEN = "token-of-a-job"


class GitLab(http.server.BaseHTTPRequestHandler):
    """Gives the newest artifact of a branch's job, as the Jobs API does."""

    artifacts = {}
    # What the API answers to everything, for tests of its bad days.
    status = None

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        project, _, rest = address.path.partition("/jobs/artifacts/")
        branch, _, file = rest.partition("/raw/")
        job = urllib.parse.parse_qs(address.query).get("job", [""])[0]
        allowed = self.headers.get("JOB-TOKEN") == TOKEN or self.headers.get("PRIVATE-TOKEN") == "of-a-project"
        body = self.artifacts.get((project, urllib.parse.unquote(branch), file, job), b"")
        code = self.status or (401 if not allowed else 200 if body else 404)
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body if code == 200 else b'{"message":"no"}')

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def gitlab():
    handler = type("Fresh", (GitLab,), {"artifacts": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield handler, "http://127.0.0.1:%d/api/v4" % server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def job(work, api, mode, clouds, code, lax=None, **variables):
    """Runs the script as a job would, in a checkout of its own."""
    checkout = os.path.join(work, "checkout")
    shutil.rmtree(checkout, ignore_errors=True)
    os.mkdir(checkout)
    if lax:
        shutil.copy(lax, checkout)
    env = {
        "TIDEGATE": needs(TIDEGATE, "build it with: cargo build -p tidegate"),
        "OS_CLIENT_CONFIG_FILE": clouds,
        "GATE_CLOUD": "example",
        "GATE_FORMATS": "junit sarif code-quality csv json markdown",
        "CI_API_V4_URL": api,
        "CI_PROJECT_ID": "7",
        "CI_DEFAULT_BRANCH": BRANCH,
        "CI_JOB_TOKEN": TOKEN,
        **variables,
    }
    ran = run([SCRIPT, mode], env={k: v for k, v in env.items() if v is not None}, cwd=checkout, code=code)
    check(TOKEN not in ran.stdout + ran.stderr, "the token was printed")
    same("left in the checkout", set(os.listdir(checkout)) - {"tidegate.yaml"}, {"tidegate-reports"})
    return ran, os.path.join(checkout, "tidegate-reports")


def keep(handler, reports):
    """What GitLab does with the artifacts of a job that ended well."""
    with open(os.path.join(reports, "tidegate.json"), "rb") as f:
        key = ("/api/v4/projects/7", BRANCH, "tidegate-reports/tidegate.json", "tidegate-baseline")
        handler.artifacts[key] = f.read()


def gitlab_reports_only_what_is_new():
    with folder() as work, gitlab() as (handler, api), \
            served(EXAMPLE, os.path.join(work, "a.yaml")) as unchanged, \
            served(changed_cloud(work), os.path.join(work, "b.yaml")) as changed:
        # Without a baseline everything counts, and the job fails.
        ran, reports = job(work, api, "compare", unchanged, 2)
        check("there is no baseline" in ran.stderr, ran.stderr)
        check(len(new_findings(reports)["junit"]) > 3, "the example has findings")

        ran, reports = job(work, api, "record", unchanged, 0)
        check("ended with 2" in ran.stdout, ran.stdout)
        keep(handler, reports)

        # An unchanged cloud: nothing new. What could not be judged stays
        # undecided, so the job still ends with 3 unless that is switched off.
        _, reports = job(work, api, "compare", unchanged, 3)
        same("new", {f: [] for f in new_findings(reports)}, new_findings(reports))
        same("CSV", [r for r in read(reports + "/tidegate.csv").splitlines() if ",fail," in r], [])
        _, reports = job(work, api, "compare", unchanged, 0, GATE_FAIL_ON_INCOMPLETE="false")
        same("new", {f: [] for f in new_findings(reports)}, new_findings(reports))

        # One planted change: exactly that one, in each format.
        _, reports = job(work, api, "compare", changed, 2)
        rule, image = PLANTED
        for form, found in new_findings(reports).items():
            same("new findings in " + form, len(found), 1)
            check(rule in found[0][0] and image in found[0][1], form, found)
        rows = [r for r in read(reports + "/tidegate.csv").splitlines() if ",fail," in r]
        same("new findings in CSV", len(rows), 1)
        check(rule in rows[0] and image in rows[0], rows)
        text = read(reports + "/tidegate.md")
        same("new findings in Markdown", text.count("`amd64`"), 1)
        check(image in text, "the image is not in the Markdown")
        check("AlmaLinux" not in text, "a known finding is in the Markdown")

        # A file in the checkout does not decide, unless it is named.
        lax = write(os.path.join(work, "lax", "tidegate.yaml"),
                    "schema: tidegate.config/v1\nfail_on: critical\nfail_on_incomplete: false\nonly_new: true\n"
                    "baseline: latest~1\n")
        job(work, api, "compare", changed, 2, lax=lax)
        job(work, api, "compare", changed, 2, GATE_CONFIG=lax, GATE_FAIL_ON="low")
        job(work, api, "compare", changed, 0, GATE_CONFIG=lax, GATE_BUNDLE="scs-compatible-iaas")

        # The record of a changed cloud is whole: a comparison has no place in it.
        _, reports = job(work, api, "record", changed, 0, GATE_ONLY_NEW="true", GATE_CONFIG=lax, GATE_FORMATS="junit")
        check(len(all_findings(reports)) > 3, "known findings are in the record")


def all_findings(reports):
    report = json.loads(read(os.path.join(reports, "tidegate.json")))
    return [f for s in report["subjects"] for r in s["rules"] for f in r["findings"]]


def gitlab_says_what_went_wrong():
    with folder() as work, gitlab() as (handler, api):
        def fails(mode, code, text, **variables):
            checkout = os.path.join(work, "checkout")
            os.makedirs(checkout, exist_ok=True)
            env = {"TIDEGATE": TIDEGATE, "GATE_EXAMPLE": "true", "CI_API_V4_URL": api, "CI_PROJECT_ID": "7",
                   "CI_DEFAULT_BRANCH": BRANCH, "CI_JOB_TOKEN": TOKEN, **variables}
            ran = run([SCRIPT, *mode], env=env, cwd=checkout, code=code)
            check(text in ran.stderr, "wanted", text, "in", ran.stderr)

        fails([], 64, "usage: gate.sh record|compare")
        fails(["compare"], 1, "GitLab answered 401", GATE_GITLAB_TOKEN="expired")
        handler.status = 500
        fails(["compare"], 1, "GitLab answered 500")
        handler.status = None
        fails(["compare"], 1, "could not be reached", CI_API_V4_URL="http://127.0.0.1:1/api/v4")
        # A tool that failed is no record: the branch's last one stays.
        fails(["record"], 1, "no clouds.yaml found", GATE_EXAMPLE="", GATE_CLOUD="nowhere")
        fails(["record"], 64, "not installed", TIDEGATE="/nowhere/tidegate")
        fails(["record"], 64, "must be true or false", GATE_FAIL_ON_INCOMPLETE="no")
        fails(["record"], 64, "has no file", GATE_FORMATS="pdf")
        fails(["record"], 64, "", GATE_FAIL_ON="hihg")
        # A project's token is taken before the job's.
        key = ("/api/v4/projects/7", BRANCH, "tidegate-reports/tidegate.json", "tidegate-baseline")
        handler.artifacts[key] = b"{}"
        fails(["compare"], 1, "cannot use baseline", GATE_GITLAB_TOKEN="of-a-project", CI_JOB_TOKEN="none")


TESTS = [gitlab_reports_only_what_is_new, gitlab_says_what_went_wrong]
