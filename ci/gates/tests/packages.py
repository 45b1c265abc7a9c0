"""What installs the program: systemd units, the cluster's manifest, containers, the Debian package."""

import glob
import gzip
import json
import os
import re
import shlex
import shutil
import subprocess

import yaml

from common import CACHE, CI, ROOT, TIDEGATE, Skipped, check, folder, needs, read, run, same, write

SYSTEMD = os.path.join(CI, "package", "systemd")
CONTAINERFILE = os.path.join(CI, "package", "Containerfile")


def settings(unit):
    """Every setting of a unit: {name: [values]}."""
    found = {}
    for line in read(os.path.join(SYSTEMD, unit)).splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def units_are_sound():
    if not shutil.which("systemd-analyze"):
        raise Skipped("systemd-analyze is not installed")
    with folder() as work:
        for name in ("tidegate-scan.service", "tidegate-scan.timer"):
            text = read(os.path.join(SYSTEMD, name))
            # The program is not installed here; any will do for this.
            write(os.path.join(work, name), text.replace("/usr/bin/tidegate", "/usr/bin/env"))
        units = sorted(glob.glob(os.path.join(work, "*")))
        ran = run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units])
        same("complaints of systemd-analyze verify", ran.stderr.strip(), "")
        # 0 is shut off from everything, 100 from nothing.
        run(["systemd-analyze", "security", "--offline=true", "--threshold=15", units[0]])
        loose = write(os.path.join(work, "loose.service"), "[Service]\nExecStart=/usr/bin/env\n")
        ran = run(["systemd-analyze", "security", "--offline=true", "--threshold=15", loose], code=None)
        check(ran.returncode != 0, "a unit without any protection passed")
    for when in settings("tidegate-scan.timer")["OnCalendar"]:
        run(["systemd-analyze", "calendar", when])


def the_service_runs_what_it_says():
    unit = settings("tidegate-scan.service")
    (command,) = unit["ExecStart"]
    environment = dict(e.split("=", 1) for e in unit["Environment"])
    same("scans", environment.pop("TIDEGATE_SCAN_ARGS"), "--all")
    (credential,) = unit["LoadCredential"]
    same("credential", environment["OS_CLIENT_CONFIG_FILE"], "%d/" + credential.partition(":")[0])
    with folder() as state:
        os.mkdir(os.path.join(state, unit["StateDirectory"][0]))

        def resolved(text):
            text = text.replace("/usr/bin/tidegate", needs(TIDEGATE, "build it with: cargo build -p tidegate"))
            return text.replace("$TIDEGATE_SCAN_ARGS", "--example").replace("%S", state)

        env = {k: resolved(v) for k, v in environment.items()}
        run(shlex.split(resolved(command)), env=env, cwd=resolved(unit["WorkingDirectory"][0]), code=2)
        made = sorted(os.listdir(os.path.join(state, "tidegate")))
        same("in the state directory", made, ["report.json", "store", "tidegate.prom"])
    (line,) = re.findall(r"^#TIDEGATE_SCAN_ARGS=(.*)$", read(os.path.join(SYSTEMD, "scan.env")), re.MULTILINE)
    options = re.findall(r"--[a-z-]+", line)
    check(options, "scan.env names no option")
    text = run([TIDEGATE, "scan", "--help"]).stdout
    for option in options:
        check(option in text, option, "of scan.env is no option")


def the_cron_job_runs_what_it_says():
    documents = list(yaml.safe_load_all(read(os.path.join(CI, "package", "kubernetes", "tidegate.yaml"))))
    (container,) = documents[4]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    with folder() as work:
        def here(text):
            return text.replace("/var/lib/tidegate", work).replace("--all", "--example")

        env = {e["name"]: here(e["value"]) for e in container["env"]}
        del env["OS_CLIENT_CONFIG_FILE"]
        run([TIDEGATE, *map(here, container["args"])], env=env, code=2)
        same("in the volume", sorted(os.listdir(work)), ["report.json", "store"])


def the_cluster_job_reads_with_the_roles_beside_it():
    def documents(name):
        return list(yaml.safe_load_all(read(os.path.join(CI, "package", "kubernetes", name))))

    roles = {d["metadata"]["name"] for d in documents("reader.yaml")}
    objects = documents("cluster.yaml")
    bound = {d["roleRef"]["name"] for d in objects if d["kind"] == "ClusterRoleBinding"}
    same("roles without that on Secrets", bound, roles - {"tidegate-reader-secrets"})
    (job,) = [d for d in objects if d["kind"] == "CronJob"]
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    accounts = {d["metadata"]["name"] for d in objects if d["kind"] == "ServiceAccount"}
    check(pod["serviceAccountName"] in accounts, "the job has an account that is not made")
    (config,) = [d["data"]["tidegate.yaml"] for d in objects if d["kind"] == "ConfigMap"]
    with folder() as work:
        (container,) = pod["containers"]
        write(os.path.join(work, "tidegate.yaml"), config)
        moves = {"/etc/tidegate": work, "/var/lib/tidegate": work}
        args = container["args"]
        for there, here in moves.items():
            args = [a.replace(there, here) for a in args]
        # Outside of a cluster there is nothing to scan; all else is as in one.
        ran = run([TIDEGATE, *args], env={"HOME": work, "TIDEGATE_STORE": work + "/store"}, code=64)
        check("unknown context `in-cluster`" in ran.stderr, ran.stderr)


def the_bucket_jobs_run_what_they_say():
    path = os.path.join(CI, "package", "kubernetes", "bucket.yaml")
    text = read(path)
    documents = list(yaml.safe_load_all(text))
    jobs = [d for d in documents if d["kind"] == "CronJob"]
    (settings,) = [d["data"] for d in documents if d["kind"] == "ConfigMap"]
    same("jobs", [j["metadata"]["name"] for j in jobs], ["tidegate-scan-prod1", "tidegate-compact"])
    (expression,) = re.findall(r"^#   sed '(.*)' bucket", text, re.MULTILINE)
    other = list(yaml.safe_load_all(run(["sed", expression, path]).stdout))
    names = [(d["kind"], d["metadata"]["name"]) for d in other]
    check(("CronJob", "tidegate-scan-prod2") in names, names, "of another cloud")
    check("prod1" not in json.dumps(other), "another cloud names the first")
    with folder() as work:
        for job in jobs:
            (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
            args = [a.replace("--cloud=prod1", "--example") for a in container["args"]]
            # Nobody listens there: the bucket is what they go to.
            keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "XDG_CACHE_HOME": work}
            ran = run([TIDEGATE, *args], env=settings | keys | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, code=1)
            check("127.0.0.1:9/compliance/tidegate/" in ran.stderr, ran.stderr)


def stages():
    """The container file's stages: {name: [(instruction, rest)]}, in order."""
    found, current = {}, None
    text = re.sub(r"\\\n\s*", " ", read(CONTAINERFILE))
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            current = found.setdefault(rest.split(" AS ")[1], [])
        current.append((instruction, rest))
    return found


def the_container_file_is_sound():
    found = stages()
    same("stages", list(found), ["build", "ci", "runtime"])
    same("the last stage is what a build makes", found["runtime"][0], ("FROM", "scratch AS runtime"))
    for name in ("ci", "runtime"):
        same("user of " + name, [r for i, r in found[name] if i == "USER"], ["65532:65532"])
        check(not [r for i, r in found[name] if i == "ADD"], name, "adds what was not looked at")
    for stage in found.values():
        for instruction, rest in stage:
            if instruction == "COPY" and not rest.startswith("--from="):
                source = rest.split()[0]
                check(os.path.exists(os.path.join(ROOT, source)), source, "does not exist")
    toolchain = re.search(r'channel = "([0-9.]+)"', read(os.path.join(ROOT, "rust-toolchain.toml"))).group(1)
    image = found["build"][0][1].split()[0]
    check(toolchain.startswith(re.search(r"rust:([0-9.]+)", image).group(1)), image, "is not", toolchain)


def the_images_can_be_built():
    for builder in ("podman", "buildah", "docker"):
        if shutil.which(builder) and subprocess.run([builder, "info"], capture_output=True).returncode == 0:
            break
    else:
        raise Skipped("no podman, buildah or docker works here: the container file was not built")
    for target in ("runtime", "ci"):
        run([builder, "build", "--file", CONTAINERFILE, "--target", target, "--tag", "tidegate-test:" + target, ROOT],
            env={"HOME": os.environ["HOME"]})
    run([builder, "run", "--rm", "--read-only", "--volume", "/var/lib/tidegate", "tidegate-test:runtime",
         "scan", "--example", "--quiet"], env={"HOME": os.environ["HOME"]}, code=2)


def the_static_program_runs_alone():
    """The image `runtime`, made by hand: nothing but the program and the authorities,
    a read-only root, user 65532, no privileges."""
    static = os.environ.get("TIDEGATE_STATIC")
    if not static:
        raise Skipped("TIDEGATE_STATIC names no static build (cargo build --target x86_64-unknown-linux-musl)")
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        raise Skipped("making a root of its own for the static build needs root and mount namespaces")
    with open(static, "rb") as f:
        check(b"/lib64/ld-linux" not in f.read(4096), static, "needs a loader: it is not static")
    with folder() as work:
        root = os.path.join(work, "root")
        os.chmod(work, 0o755)
        for path in ("usr/bin", "etc/ssl/certs", "var/lib/tidegate"):
            os.makedirs(os.path.join(root, path))
        shutil.copy(static, os.path.join(root, "usr/bin/tidegate"))
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", os.path.join(root, "etc/ssl/certs"))
        script = """
            mount --bind "$1" "$1"
            mount -o remount,ro,bind "$1"
            mount -t tmpfs -o uid=65532,mode=700 store "$1/var/lib/tidegate"
            exec env -i TIDEGATE_STORE=/var/lib/tidegate "$(command -v chroot)" --userspec=65532:65532 "$1" \\
                /usr/bin/tidegate scan --example --quiet --format=table --format=json=/var/lib/tidegate/report.json
        """
        ran = run(["unshare", "--mount", "sh", "-euc", script, "sh", root], code=2)
        check("scs-0102-prop-architecture" in ran.stdout, ran.stdout[-500:])


def the_debian_package_is_whole():
    tools = os.path.join(CACHE, "tools", "bin")
    path = os.environ["PATH"] + os.pathsep + tools
    if not shutil.which("cargo-deb", path=path):
        raise Skipped("cargo-deb is not installed (cargo install --locked --no-default-features cargo-deb)")
    with folder() as work:
        # A target directory of its own, so that no build of anybody is waited for.
        os.makedirs(os.path.join(work, "target", "release"))
        shutil.copy(TIDEGATE, os.path.join(work, "target", "release", "tidegate"))
        package = os.path.join(work, "tidegate.deb")
        env = {"PATH": path, "CARGO_TARGET_DIR": os.path.join(work, "target"), "HOME": os.environ["HOME"]}
        run([os.path.join(CI, "package", "deb"), "--no-build", "--fast", "--output=" + package], env=env)
        fields = run(["dpkg-deb", "--field", package]).stdout
        check("Package: tidegate\n" in fields and "Depends: libc6" in fields, fields)
        root = os.path.join(work, "root")
        run(["dpkg-deb", "--extract", package, root])
        for unit in ("tidegate-scan.service", "tidegate-scan.timer"):
            same(unit, read(os.path.join(root, "usr/lib/systemd/system", unit)), read(os.path.join(SYSTEMD, unit)))
        same("version", run([os.path.join(root, "usr/bin/tidegate"), "--version"]).stdout,
             run([TIDEGATE, "--version"]).stdout)
        run(["bash", "-n", os.path.join(root, "usr/share/bash-completion/completions/tidegate")])
        for shell in ("zsh/vendor-completions/_tidegate", "fish/vendor_completions.d/tidegate.fish"):
            check("waiver" in read(os.path.join(root, "usr/share", shell)), shell, "lacks a command")
        pages = glob.glob(os.path.join(root, "usr/share/man/man1/*.1.gz"))
        check(any(p.endswith("/tidegate.1.gz") for p in pages), "there is no manual page")
        for page in pages:
            with gzip.open(page, "rt", encoding="utf-8") as f:
                check(".TH tidegate" in f.read(), page)
        # The gate works from where the package puts it.
        gate = os.path.join(root, "usr/share/tidegate/gates/gitlab/gate.sh")
        env = {"TIDEGATE": os.path.join(root, "usr/bin/tidegate"), "GATE_EXAMPLE": "true"}
        run([gate, "record"], env=env, cwd=work)
        check(os.path.isfile(os.path.join(work, "tidegate-reports", "tidegate.json")), "the gate wrote no report")


TESTS = [
    units_are_sound,
    the_service_runs_what_it_says,
    the_cron_job_runs_what_it_says,
    the_cluster_job_reads_with_the_roles_beside_it,
    the_bucket_jobs_run_what_they_say,
    the_container_file_is_sound,
    the_images_can_be_built,
    the_static_program_runs_alone,
    the_debian_package_is_whole,
]
