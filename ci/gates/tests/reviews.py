"""What comments on changes: the Zuul role, run by Ansible, and the pre-commit hooks."""

import datetime
import json
import os
import re
import shutil
import sys

from common import EXAMPLE, GATES, ROOT, TIDEGATE, check, folder, needs, read, run, same, served, write

ROLE = os.path.join(GATES, "zuul", "playbooks", "roles", "tidegate-gate")

VALID = """\
# A remark, so that lines are not counted from the first waiver.
waivers:
- id: W-1
  rules: [scs-0103-flavor-8v-32]
  resources: ["openstack/compute.flavor/*"]
  reason: ordered
  owner: jane@example.org
  expires: EXPIRES
"""
OLD = VALID.replace("W-1", "W-2").replace("EXPIRES", "2020-01-01")
WRONG = VALID.replace("reason:", "raeson:").replace("EXPIRES", "2020-01-01")
EMPTY = VALID.replace("reason: ordered", 'reason: ""').replace("EXPIRES", "2020-01-01")

# Stands in for Zuul's own module: keeps what each call returns.
ZUUL_RETURN = """\
#!/usr/bin/python
import json, os
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={"data": {"type": "dict"}})
with open(os.environ["ZUUL_RETURNED"], "a") as f:
    f.write(json.dumps(module.params["data"]["zuul"]) + "\\n")
module.exit_json(changed=False)
"""


def within_a_year():
    return (datetime.date.today() + datetime.timedelta(days=90)).isoformat()


def play(work, playbook, variables, code):
    """Runs a playbook on this machine; what it returned to Zuul, and its log."""
    returned = write(os.path.join(work, "returned"), "")
    write(os.path.join(work, "library", "zuul_return.py"), ZUUL_RETURN)
    temp = os.path.join(work, "temp")
    os.makedirs(temp, exist_ok=True)
    given = {
        "zuul": {"project": {"src_dir": os.path.join(work, "src")}, "executor": {"log_root": os.path.join(work, "logs")}},
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "tidegate_binary": needs(TIDEGATE, "build it with: cargo build -p tidegate"),
        **variables,
    }
    arguments = write(os.path.join(work, "variables.json"), json.dumps(given))
    env = {"ANSIBLE_LIBRARY": os.path.join(work, "library"), "ANSIBLE_HOME": work, "ZUUL_RETURNED": returned,
           "TMPDIR": temp, "ANSIBLE_LOCAL_TEMP": temp, "ANSIBLE_REMOTE_TEMP": temp, "ANSIBLE_NOCOLOR": "1"}
    ran = run(["ansible-playbook", "-v", "-i", "localhost,", "-e", "@" + arguments,
               os.path.join(GATES, "zuul", "playbooks", playbook)], env=env, cwd=work, code=code)
    values = {}
    for line in read(returned).splitlines():
        values.update(json.loads(line))
    left = [n for n in os.listdir(temp) if n.startswith("tidegate-")]
    same("left on the node", left, [])
    return values, ran.stdout


def zuul_comments_on_the_lines_of_waivers():
    with folder() as work:
        waivers = os.path.join(work, "src", "waivers")
        write(os.path.join(waivers, "good.yaml"), VALID.replace("EXPIRES", within_a_year()))
        only = {"tidegate_waivers": ["waivers"]}
        values, _ = play(work, "waivers.yaml", only, 0)
        same("comments", values, {})
        write(os.path.join(waivers, "old.yaml"), OLD)
        write(os.path.join(waivers, "wrong.yaml"), WRONG)
        write(os.path.join(waivers, "empty one.yml"), EMPTY)
        values, _ = play(work, "waivers.yaml", {"tidegate_waivers": ["waivers", "waivers/old.yaml"]}, 2)
        comments = values["file_comments"]
        same("files", sorted(comments), ["waivers/empty one.yml", "waivers/old.yaml", "waivers/wrong.yaml"])
        same("expired", comments["waivers/old.yaml"], [{"line": 3, "message": "waiver `W-2` is expired", "level": "error"}])
        (wrong,) = comments["waivers/wrong.yaml"]
        same("line", wrong["line"], 6)
        check("unknown field `raeson`" in wrong["message"], wrong)
        (empty,) = comments["waivers/empty one.yml"]
        check(empty["line"] == 3 and "`reason` is empty" in empty["message"], empty)
        # What cannot be read is no review comment but a failure of the job.
        _, log = play(work, "waivers.yaml", {"tidegate_waivers": ["nowhere"]}, 2)
        check("cannot read `nowhere`" in log, log[-2000:])


def zuul_returns_reports_and_ends_as_tidegate_does():
    with folder() as work, served(EXAMPLE, os.path.join(work, "c.yaml")) as clouds:
        os.mkdir(os.path.join(work, "src"))
        given = {"tidegate_clouds": {"yaml": read(clouds)}, "tidegate_cloud": ["example"]}
        values, log = play(work, "gate.yaml", given, 2)
        check("findings at or above the threshold" in log, log[-2000:])
        names = ["tidegate-junit.xml", "tidegate.html", "tidegate.json", "tidegate.md"]
        same("artifacts", [a["url"] for a in values["artifacts"]], ["tidegate/" + n for n in names])
        same("types", {a["metadata"]["type"] for a in values["artifacts"]}, {"unit_test_report", "tidegate_report"})
        same("fetched", sorted(os.listdir(os.path.join(work, "logs", "tidegate"))), names)
        password = re.search(r"password: *(\S+)", read(clouds)).group(1)
        check(f"password: {password}" not in log, "the password was logged")

        # Against what was found just now, nothing is new.
        known = os.path.join(work, "src", "known.json")
        shutil.copy(os.path.join(work, "logs", "tidegate", "tidegate.json"), known)
        given.update(tidegate_baseline="known.json", tidegate_only_new=True, tidegate_fail_on_incomplete=False)
        play(work, "gate.yaml", given, 0)

        values, log = play(work, "gate.yaml", {**given, "tidegate_cloud": ["nowhere"]}, 2)
        check("no result: tidegate ended with 64" in log, log[-2000:])
        same("artifacts of a failure", values["artifacts"], [])


def hooks_judge_what_was_changed():
    with folder() as work:
        def git(*arguments, cwd):
            run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], cwd=cwd)

        # A repository with the hooks as people will refer to them.
        hooks = os.path.join(work, "hooks")
        shutil.copytree(os.path.join(GATES, "pre-commit"), os.path.join(hooks, "ci", "gates", "pre-commit"))
        shutil.copy(os.path.join(ROOT, ".pre-commit-hooks.yaml"), hooks)
        git("init", "-q", cwd=hooks)
        git("add", "-A", cwd=hooks)
        git("commit", "-q", "-m", "hooks", cwd=hooks)
        mine = os.path.join(work, "mine")
        shutil.copytree(os.path.join(ROOT, "policies"), os.path.join(mine, "policies"))
        write(os.path.join(mine, "waivers", "a.yaml"), VALID.replace("EXPIRES", within_a_year()))
        write(os.path.join(mine, "other.yaml"), "a: 1\n")
        git("init", "-q", cwd=mine)
        git("add", "-A", cwd=mine)
        tools = os.path.join(work, "bin")
        os.mkdir(tools)
        os.symlink(TIDEGATE, os.path.join(tools, "tidegate"))
        env = {"PATH": tools + os.pathsep + os.environ["PATH"], "PRE_COMMIT_HOME": os.path.join(work, "cache")}

        def hook(name, code, *files):
            ran = run(["pre-commit", "try-repo", "--verbose", hooks, name, "--files", *files],
                      env=env, cwd=mine, code=code)
            return ran.stdout

        hook("tidegate-waiver-check", 0, "waivers/a.yaml", "other.yaml")
        write(os.path.join(mine, "waivers", "b.yaml"), OLD)
        text = hook("tidegate-waiver-check", 1, "waivers/a.yaml", "waivers/b.yaml")
        check("W-2" in text and "expired" in text, text)
        check("Skipped" in hook("tidegate-policy-test", 0, "waivers/none.md"), "a file that is no policy")
        check("passed" not in hook("tidegate-policy-test", 0, "other.yaml").lower().replace("...passed", ""),
              "a file of no bundle was tested")
        settings = write(os.path.join(mine, "tidegate.yaml"), "schema: tidegate.config/v1\nfail_on: high\n")
        hook("tidegate-config-check", 0, "tidegate.yaml", "other.yaml")
        write(settings, read(settings).replace("fail_on", "fail_onn"))
        text = hook("tidegate-config-check", 1, "tidegate.yaml")
        check("tidegate.yaml:2: unknown key `fail_onn`" in text, text)
        os.remove(settings)
        bundle = "policies/scs-compatible-iaas"
        cases = os.path.join(mine, bundle, "scs-0102", "prop_architecture", "cases.yaml")
        text = hook("tidegate-policy-test", 0, os.path.relpath(cases, mine))
        check(" 0 failed" in text, text)
        spoilt = read(cases)
        check("verdict: pass" in spoilt, "the case has another form")
        write(cases, spoilt.replace("verdict: pass", "verdict: abort", 1))
        text = hook("tidegate-policy-test", 1, os.path.relpath(cases, mine))
        check("1 failed" in text or "2 failed" in text, text)


TESTS = [
    zuul_comments_on_the_lines_of_waivers,
    zuul_returns_reports_and_ends_as_tidegate_does,
    hooks_judge_what_was_changed,
]
