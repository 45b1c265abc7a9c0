"""The files for other tools, given to their schemas and to linters."""

import glob
import json
import os
import re

import yaml

from common import CI, GATES, ROOT, check, folder, run, same, write


def scripts():
    """Every file below ci/gates and ci/package that a shell runs."""
    found = []
    for top in ("gates", "package"):
        for path, _, names in os.walk(os.path.join(CI, top)):
            for name in names:
                file = os.path.join(path, name)
                with open(file, "rb") as f:
                    first = f.readline()
                if re.match(rb"#!.*\b(ba)?sh\b", first):
                    found.append(file)
    return found


def shell_scripts_are_sound():
    found = scripts()
    for wanted in ("gate", "scan.sh", "install.sh", "gate.sh", "policy-test", "config-check", "deb"):
        check(any(f.endswith("/" + wanted) for f in found), "no script", wanted)
    run(["shellcheck", "--external-sources", *found])
    for file in found:
        check(os.access(file, os.X_OK), file, "is not executable")


def action_fits_its_schema():
    path = os.path.join(GATES, "github", "action.yml")
    run(["check-jsonschema", "--builtin-schema", "vendor.github-actions", path])
    with open(path, encoding="utf-8") as f:
        action = yaml.safe_load(f)
    used = set()
    for step in action["runs"]["steps"]:
        # An expression in a script would let whoever names a branch run code.
        check("${{" not in step.get("run", ""), "an expression in a script:", step)
        used |= set(re.findall(r"inputs\.([a-z0-9-]+)", json.dumps(step)))
        for script in re.findall(r"\$GITHUB_ACTION_PATH/([a-z.]+)", step.get("run", "")):
            check(os.access(os.path.join(GATES, "github", script), os.X_OK), script, "cannot be run")
    same("inputs that steps use", used, set(action["inputs"]))


def gitlab_template_fits_its_schema():
    path = os.path.join(GATES, "gitlab", "tidegate.yml")
    run(["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", path])
    with open(path, encoding="utf-8") as f:
        template = yaml.safe_load(f)
    # The script builds on these names.
    same("reports", template[".tidegate"]["artifacts"]["reports"], {
        "junit": "tidegate-reports/tidegate-junit.xml",
        "codequality": "tidegate-reports/tidegate-code-quality.json",
    })
    check("tidegate-baseline" in template and "tidegate" in template, "a job is missing")


def hooks_fit_their_schema():
    path = os.path.join(ROOT, ".pre-commit-hooks.yaml")
    run(["pre-commit", "validate-manifest", path])
    with open(path, encoding="utf-8") as f:
        files = {hook["id"]: re.compile(hook["files"]) for hook in yaml.safe_load(f)}
    waivers = files["tidegate-waiver-check"].search
    for name in ("waivers/prod1.yaml", "clouds/waivers/a.yml", "waivers.yaml", "prod1-waivers.yaml", "waiver.yml"):
        check(waivers(name), name, "is not taken for waivers")
    for name in ("docs/waivers.md", "waivers/README", "policies/waived/rule.yaml", "waivers/old/deep.yaml"):
        check(not waivers(name), name, "is taken for waivers")
    policies = files["tidegate-policy-test"].search
    for name in ("b/.manifest", "b/r/rule.rego", "b/r/cases.yaml", "b/data.json"):
        check(policies(name), name, "is not taken for a policy")


def manifests_fit_kubernetes():
    first = ["Namespace", "ServiceAccount"]
    manifest_fits("tidegate.yaml", [*first, "PersistentVolumeClaim", "NetworkPolicy", "CronJob"])
    manifest_fits("bucket.yaml", [*first, "ConfigMap", "NetworkPolicy", "CronJob", "CronJob"])


def manifest_fits(name, kinds):
    path = os.path.join(CI, "package", "kubernetes", name)
    for version in ("1.29", "1.37"):
        run(["kubernetes-validate", "--strict", "--kubernetes-version", version, path])
    with open(path, encoding="utf-8") as f:
        documents = list(yaml.safe_load_all(f))
    # No role is bound.
    same("kinds", [d["kind"] for d in documents], kinds)
    same("the account's token", documents[1]["automountServiceAccountToken"], False)
    for job in documents:
        if job["kind"] == "CronJob":
            pod_is_restricted(job["spec"]["jobTemplate"]["spec"]["template"]["spec"])


def pod_is_restricted(pod):
    # What the Pod Security Standard "restricted" asks for, and a read-only root.
    same("the pod's token", pod["automountServiceAccountToken"], False)
    same("non-root", pod["securityContext"]["runAsNonRoot"], True)
    same("seccomp", pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        check(key not in pod, key)
    for container in pod["containers"]:
        context = container["securityContext"]
        same("escalation", context["allowPrivilegeEscalation"], False)
        same("read-only root", context["readOnlyRootFilesystem"], True)
        same("capabilities", context["capabilities"], {"drop": ["ALL"]})
    for volume in pod["volumes"]:
        check("hostPath" not in volume, volume)
    mounts = {m["name"] for c in pod["containers"] for m in c["volumeMounts"]}
    same("mounted volumes", mounts, {v["name"] for v in pod["volumes"]})


def a_wrong_file_is_refused():
    """The readers above do read: a spoilt copy of each does not pass."""
    cases = [
        (os.path.join(GATES, "github", "action.yml"), "using: composite", "using: composed",
         ["check-jsonschema", "--builtin-schema", "vendor.github-actions"]),
        (os.path.join(GATES, "gitlab", "tidegate.yml"), "- if: $CI_COMMIT", "- iff: $CI_COMMIT",
         ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"]),
        (os.path.join(CI, "package", "kubernetes", "tidegate.yaml"), "readOnlyRootFilesystem", "readOnlyRoot",
         ["kubernetes-validate", "--strict", "--kubernetes-version", "1.37"]),
        (os.path.join(ROOT, ".pre-commit-hooks.yaml"), "entry:", "enter:", ["pre-commit", "validate-manifest"]),
    ]
    with folder() as work:
        for path, word, other, command in cases:
            with open(path, encoding="utf-8") as f:
                text = f.read()
            check(word in text, word, "is not in", path)
            spoilt = write(os.path.join(work, os.path.basename(path)), text.replace(word, other))
            ran = run([*command, spoilt], cwd=work, code=None)
            check(ran.returncode != 0, spoilt, "passed with", other)


def zuul_and_playbooks_are_sound():
    zuul = os.path.join(GATES, "zuul")
    playbooks = glob.glob(os.path.join(zuul, "playbooks", "*.yaml"))
    same("playbooks", len(playbooks), 2)
    with folder() as work:
        # zuul_return is Zuul's own module; here it only has to be there.
        write(os.path.join(work, "library", "zuul_return.py"), "#!/usr/bin/python\n")
        env = {"ANSIBLE_LIBRARY": os.path.join(work, "library"), "ANSIBLE_HOME": work}
        for playbook in playbooks:
            run(["ansible-playbook", "--syntax-check", "-i", "localhost,", playbook], env=env, cwd=work)
    with open(os.path.join(zuul, "zuul.d", "jobs.yaml"), encoding="utf-8") as f:
        items = yaml.safe_load(f)
    jobs = {i["job"]["name"]: i["job"] for i in items if "job" in i}
    semaphores = {i["semaphore"]["name"] for i in items if "semaphore" in i}
    for job in jobs.values():
        check(os.path.isfile(os.path.join(ROOT, job["run"])), job["run"], "does not exist")
        for semaphore in job.get("semaphores", []):
            check(semaphore["name"] in semaphores, semaphore, "is not defined")
    same("credentials only after review", jobs["tidegate-gate"]["post-review"], True)


TESTS = [
    shell_scripts_are_sound,
    action_fits_its_schema,
    gitlab_template_fits_its_schema,
    hooks_fit_their_schema,
    manifests_fit_kubernetes,
    a_wrong_file_is_refused,
    zuul_and_playbooks_are_sound,
]
