"""The GitHub action, its steps run one after the other as the runner would."""

import contextlib
import hashlib
import os
import re

import yaml

from common import (EXAMPLE, GATES, PLANTED, TIDEGATE, changed_cloud, check, folder, needs, new_findings, read, run, same,
                    served, write)

ACTION = os.path.join(GATES, "github")


class Runner:
    """Runs the action's scripts with inputs, and keeps outputs and the summary."""

    def __init__(self, work):
        self.work = work
        self.checkout = os.path.join(work, "checkout")
        self.temp = os.path.join(work, "temp")
        for path in (self.checkout, self.temp):
            os.makedirs(path, exist_ok=True)
        with open(os.path.join(ACTION, "action.yml"), encoding="utf-8") as f:
            self.action = yaml.safe_load(f)

    def use(self, code=0, **given):
        """Runs the steps until one fails, which must end with `code`."""
        inputs = {name: about["default"] for name, about in self.action["inputs"].items()}
        for name, value in given.items():
            name = name.replace("_", "-")
            check(name in inputs, "the action has no input", name)
            inputs[name] = value
        self.outputs, self.summary, self.uploads, ended = {}, "", [], 0
        self.log = ""
        for step in self.action["runs"]["steps"]:
            if "uses" in step:
                wanted = inputs["upload-sarif"] == "true" and self.outputs.get("scan", {}).get("sarif")
                if wanted:
                    self.uploads.append({k: self.value(v, inputs) for k, v in step["with"].items()})
            elif not ended:
                ended = self.run(step, inputs)
        same("the job's end: " + self.log[-2000:], ended, code)
        return self.outputs.get("scan", {})

    def run(self, step, inputs):
        files = {name: os.path.join(self.work, name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            write(path, "")
        env = {k: self.value(v, inputs) for k, v in step["env"].items()}
        env.update(files, GITHUB_ACTION_PATH=ACTION, RUNNER_TEMP=self.temp)
        if hasattr(self, "path"):
            env["PATH"] = self.path
        # The runner's own way to call bash.
        shell = ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        ran = run(shell, env=env, cwd=self.checkout, code=None)
        self.log += ran.stdout + ran.stderr
        pairs = (line.split("=", 1) for line in read(files["GITHUB_OUTPUT"]).splitlines())
        self.outputs[step["id"]] = dict(pairs)
        self.summary += read(files["GITHUB_STEP_SUMMARY"])
        return ran.returncode

    def value(self, text, inputs):
        def expression(found):
            kind, _, rest = found.group(1).partition(".")
            if kind == "inputs":
                return inputs[rest]
            step, _, name = rest.partition(".outputs.")
            return self.outputs.get(step, {}).get(name, "")

        return re.sub(r"\$\{\{ *([^ }]+) *\}\}", expression, text)


@contextlib.contextmanager
def runner():
    needs(TIDEGATE, "build it with: cargo build -p tidegate")
    with folder() as work:
        yield Runner(work)


def the_action_reports_and_ends_as_tidegate_does():
    with runner() as github, served(EXAMPLE, os.path.join(github.work, "c.yaml")) as clouds:
        secret = read(clouds)
        out = github.use(2, binary=TIDEGATE, clouds_yaml=secret, cloud="example", upload_sarif="true", category="prod")
        same("exit code", out["exit-code"], "2")
        for name in ("json", "junit", "sarif", "markdown"):
            check(os.path.isfile(os.path.join(github.checkout, out[name])), name, "was not written")
        same("uploads", github.uploads, [{"sarif_file": "tidegate-reports/tidegate.sarif", "category": "prod"}])
        check("AlmaLinux 9" in github.summary and len(github.summary.encode()) <= 1 << 20, "the step's summary")
        check("::error title=tidegate::findings" in github.log, github.log[-500:])
        # Neither the credentials nor the cloud's state are left behind.
        same("left in the runner's folder", os.listdir(github.temp), [])
        password = re.search(r"password: *(\S+)", secret).group(1)
        check(f"password: {password}" not in github.log + github.summary, "the password was printed")

        out = github.use(64, binary=TIDEGATE, clouds_yaml=secret, cloud="nowhere", upload_sarif="true")
        # What the first run left is not taken for this one's.
        same("outputs", out, {"exit-code": "64"})
        same("uploads", github.uploads, [])
        check("no result" in github.log, github.log[-500:])


def the_action_reports_only_what_is_new():
    with runner() as github, \
            served(EXAMPLE, os.path.join(github.work, "a.yaml")) as unchanged, \
            served(changed_cloud(github.work), os.path.join(github.work, "b.yaml")) as changed:
        common = {"binary": TIDEGATE, "cloud": "example", "only_new": "true", "baseline": "known.json"}
        out = github.use(2, clouds_yaml=read(unchanged), **common)
        check("there is no baseline `known.json` yet" in github.log, github.log[-500:])
        os.rename(os.path.join(github.checkout, out["json"]), os.path.join(github.checkout, "known.json"))
        same_file = {**common, "baseline": "tidegate-reports/tidegate-junit.xml"}
        github.use(64, clouds_yaml=read(unchanged), **same_file)
        check("a report that this run writes" in github.log, github.log[-500:])
        github.use(3, clouds_yaml=read(unchanged), **common)
        check("could not be judged" in github.log, github.log[-500:])
        github.use(0, clouds_yaml=read(unchanged), fail_on_incomplete="false", **common)
        out = github.use(2, clouds_yaml=read(changed), fail_on_incomplete="false", **common)
        found = new_findings(os.path.join(github.checkout, os.path.dirname(out["json"])))
        for form, new in found.items():
            same("new findings in " + form, [rule.rpartition(".")[2] for rule, _ in new], [PLANTED[0]])
        check(PLANTED[1] in github.summary and "AlmaLinux" not in github.summary, "the step's summary")


def the_action_runs_no_input_as_code():
    with runner() as github:
        mark = os.path.join(github.work, "mark")
        evil = f"$(touch {mark}) `touch {mark}`; touch {mark} #' \" *"
        for name in ("cloud", "scope", "bundle", "waivers", "fail_on", "reports", "formats", "category"):
            inputs = {"binary": TIDEGATE, "args": "--example", "formats": "json", name: evil}
            # A folder may be named like this, and a category is only handed on.
            github.use({"reports": 2, "category": 2}.get(name, 64), **inputs)
            check(not os.path.exists(mark), name, "was run as code")


def the_action_finds_the_program():
    with runner() as github:
        with open(TIDEGATE, "rb") as f:
            sha256 = hashlib.sha256(f.read()).hexdigest()
        url = "file://" + TIDEGATE
        example = {"args": "--example", "formats": "json"}
        github.use(1, binary="/nowhere/tidegate")
        check("there is no program `/nowhere/tidegate`" in github.log, github.log)
        github.use(1, download_url=url)
        check("needs sha256" in github.log, github.log)
        github.use(1, download_url=url, sha256="0" * 64)
        check(f"has the SHA-256 {sha256}" in github.log, github.log)
        same("downloaded and refused", os.listdir(os.path.join(github.temp, "tidegate-bin")), [])
        github.use(1, download_url="file:///nowhere", sha256=sha256)
        check("cannot download" in github.log, github.log)
        github.use(2, download_url=url, sha256=sha256, **example)

        # On the PATH; then without it, built by cargo, which is not waited for here.
        tools = os.path.join(github.work, "bin")
        os.mkdir(tools)
        os.symlink(TIDEGATE, os.path.join(tools, "tidegate"))
        github.path = tools + ":/usr/bin:/bin"
        github.use(2, **example)
        os.remove(os.path.join(tools, "tidegate"))
        github.use(1, **example)
        check("there is no cargo to build it" in github.log, github.log)
        write(os.path.join(tools, "cargo"),
              f'#!/bin/sh\necho "cargo $* in $PWD"\nmkdir -p "$CARGO_TARGET_DIR/release"\n'
              f'cp {TIDEGATE} "$CARGO_TARGET_DIR/release/tidegate"\n', 0o755)
        github.use(2, **example)
        root = os.path.dirname(os.path.dirname(GATES))
        check(f"cargo build --release --locked --bin tidegate in {root}" in github.log, github.log)


TESTS = [
    the_action_reports_and_ends_as_tidegate_does,
    the_action_reports_only_what_is_new,
    the_action_runs_no_input_as_code,
    the_action_finds_the_program,
]
