"""What an operator does on the testbed for `live_plan.rs`: follows a wave of a plan step by step, and disturbs it.

operator.py choose        unlocks the server that is locked, and prints hosts to update: one
                          beside that of the affinity groups, then the other zone's
operator.py follow PLAN   carries the first wave out, in the order of its phases
operator.py intrude HOST  starts a server there and prints its id
operator.py kill HOST     tells nova that the host is down
operator.py revive HOST
operator.py restore       deletes the servers of `intrude`, makes all hosts serve again, locks
                          the server
"""

import json
import sys
import time

import openstack

NAME = "tidegate-live-plan"
WAIT_S = 90
# What the seed locks.
LOCKED = "alpha-db-1"

cloud = openstack.connect(cloud="testbed")
compute = cloud.compute
compute.default_microversion = "2.90"


def until(what, holds):
    end = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"still not after {WAIT_S} s: {what}")
        time.sleep(0.5)


def service(host):
    (found,) = compute.services(binary="nova-compute", host=host)
    return found


def change(host, **body):
    answer = compute.put(f"/os-services/{service(host).id}", json=body, microversion="2.90")
    if answer.status_code >= 400:
        sys.exit(f"{host}: {body}: {answer.status_code} {answer.text}")


def servers_on(host):
    return [s.id for s in compute.servers(all_projects=True, host=host)]


def groups_hold():
    """Every anti-affinity group has at most one member on any host."""
    where = {s.id: s.compute_host for s in compute.servers(all_projects=True)}
    checked = 0
    for group in compute.server_groups(all_projects=True):
        if group.policy != "anti-affinity":
            continue
        hosts = [where[m] for m in group.member_ids if where.get(m)]
        if len(set(hosts)) != len(hosts):
            sys.exit(f"group {group.name} {group.id} is broken: {hosts}")
        checked += 1
    return checked


def migrate(step):
    vm, source, target = step["vm"], step["from"], step["to"]
    if step["kind"] != "live":
        sys.exit(f"{vm}: a {step['kind']} migration was not expected")
    if (at := compute.get_server(vm).compute_host) != source:
        sys.exit(f"{vm} is on {at}, and the plan has it on {source}")

    def accepted():
        # Nova's scheduler remembers which servers a host has, and a live migration does not
        # make it forget the source: until nova-compute's next sync (120 s unless
        # scheduler_instance_sync_interval says otherwise) anti-affinity refuses a host that
        # a member of the group has just left.
        try:
            compute.live_migrate_server(vm, host=target, block_migration="auto")
        except openstack.exceptions.BadRequestException as refused:
            if "No valid host" not in str(refused):
                raise
            return False
        return True

    until(f"nova takes {vm} from {source} to {target}", accepted)

    def over():
        server = compute.get_server(vm)
        if server.status == "ERROR":
            sys.exit(f"{vm} is in ERROR after its migration to {target}")
        records = compute.get("/os-migrations", params={"instance_uuid": vm}, microversion="2.90")
        states = {m["status"] for m in records.json()["migrations"]}
        return (
            (server.status, server.task_state, server.compute_host) == ("ACTIVE", None, target)
            and states <= {"completed", "done", "confirmed", "error", "failed", "cancelled"}
        )

    until(f"{vm} from {source} on {target}", over)


def locked():
    (found,) = compute.servers(all_projects=True, name=f"^{LOCKED}$")
    return compute.get_server(found.id)


def choose():
    # On which hosts Nova put the servers of the seed differs from start to start.
    compute.unlock_server(locked().id)
    together = {m for g in compute.server_groups(all_projects=True) if g.policy == "affinity" for m in g.member_ids}
    bound = {s.compute_host for s in compute.servers(all_projects=True) if s.id in together}
    zones = {s.host: s.availability_zone for s in compute.services(binary="nova-compute")}
    (zone,) = {zones[host] for host in bound}
    beside = [h for h in zones if zones[h] == zone and h not in bound]
    alone = min(beside, key=lambda h: (len(servers_on(h)), h))
    print(json.dumps({"hosts": [alone, *sorted(h for h in zones if zones[h] != zone)]}))


def follow(path):
    with open(path, encoding="utf-8") as file:
        wave = json.load(file)["waves"][0]
    moves = checks = 0
    for step in sorted(wave["steps"], key=lambda s: s["phase"]):
        op, host = step["op"], step.get("host")
        if op == "cordon":
            change(host, status="disabled", disabled_reason=NAME)
        elif op == "migrate":
            migrate(step)
            moves += 1
            checks += groups_hold()
        elif op == "stop":
            if left := servers_on(host):
                sys.exit(f"{host} is to be stopped with servers on it: {left}")
            change(host, forced_down=True)
        elif op == "start":
            change(host, forced_down=False)
        elif op == "verify":
            until(f"{host} is up", lambda: service(host).state == "up")
        elif op == "uncordon":
            change(host, status="enabled")
        elif op not in ("update", "reboot"):
            sys.exit(f"step {step['id']} is not known")
    print(json.dumps({"moves": moves, "groups_checked": checks}))


def intrude(host):
    # The seed has more than one image of this name.
    image = next(cloud.image.images(name="Ubuntu 24.04", status="active"))
    server = compute.create_server(
        name=NAME,
        flavor_id=compute.find_flavor("SCS-1V-4-10").id,
        image_id=image.id,
        networks="none",
        availability_zone=f"{service(host).availability_zone}:{host}",
    )
    until("the server runs", lambda: compute.get_server(server.id).status == "ACTIVE")
    if (at := compute.get_server(server.id).compute_host) != host:
        sys.exit(f"the server is on {at} instead of {host}")
    print(json.dumps({"server": server.id}))


def restore():
    for found in compute.services(binary="nova-compute"):
        if found.is_forced_down:
            change(found.host, forced_down=False)
        if found.disabled_reason == NAME:
            change(found.host, status="enabled")
    made = [s.id for s in compute.servers(all_projects=True, name=NAME)]
    for server in made:
        compute.delete_server(server, ignore_missing=True)
    gone = lambda: not list(compute.servers(all_projects=True, name=NAME))
    until("the servers are deleted", gone)
    if not locked().is_locked:
        compute.lock_server(locked().id, locked_reason="database")


match sys.argv[1:]:
    case ["choose"]:
        choose()
    case ["follow", plan]:
        follow(plan)
    case ["intrude", host]:
        intrude(host)
    case ["kill", host]:
        change(host, forced_down=True)
    case ["revive", host]:
        change(host, forced_down=False)
        until(f"{host} is up", lambda: service(host).state == "up")
    case ["restore"]:
        restore()
    case _:
        sys.exit(__doc__)
