"""Plants faults beside those of the seed, and takes them away again.

SSH open to the world by roads that a look at 0.0.0.0/0 misses, a customer's
image that everybody sees, and a network agent that fell silent.
"""
import json
import os
import sys
import time

from rest import Cloud

AGENTS_DOWN = os.environ['TB_AGENTS_DOWN']
SILENT = 'network-02'
GROUPS = ('ssh-halves-alpha', 'ssh-addresses-alpha')
ADDRESSES = 'everybody-alpha'
IMAGE = 'alpha-golden'


def named(cloud, service, path, key, name):
    # Asked for by name: a plain list ends at its first page.
    return next(iter(cloud.get(service, '%s?name=%s' % (path, name))[key]), None)


def silent_agents(cloud):
    return [a for a in cloud.get('network', '/agents')['agents'] if a['host'] == SILENT]


def until(what, true):
    for _ in range(60):
        if true():
            return
        time.sleep(3)
    sys.exit('plant: %s, not within 180 s' % what)


def image(cloud):
    return named(cloud, 'image', '/images', 'images', IMAGE)


def show(cloud, visibility):
    cloud.patch('image', '/images/' + image(cloud)['id'],
                [{'op': 'replace', 'path': '/visibility', 'value': visibility}],
                headers={'Content-Type': 'application/openstack-images-v2.1-json-patch'})


def remove(cloud):
    for name in GROUPS:
        group = named(cloud, 'network', '/security-groups', 'security_groups', name)
        if group:
            cloud.delete('network', '/security-groups/' + group['id'])
    addresses = named(cloud, 'network', '/address-groups', 'address_groups', ADDRESSES)
    if addresses:
        cloud.delete('network', '/address-groups/' + addresses['id'])
    show(cloud, 'private')
    if os.path.exists(AGENTS_DOWN):
        os.remove(AGENTS_DOWN)
    until('agents of %s came back' % SILENT, lambda: all(a['alive'] for a in silent_agents(cloud)))


def plant(cloud):
    with open(AGENTS_DOWN, 'w') as f:
        f.write(SILENT + '\n')
    project = named(cloud, 'identity', '/projects', 'projects', 'alpha')['id']
    addresses = named(cloud, 'network', '/address-groups', 'address_groups', ADDRESSES)
    if not addresses:
        addresses = cloud.post('network', '/address-groups', {'address_group': {
            'name': ADDRESSES, 'project_id': project, 'addresses': ['0.0.0.0/1', '128.0.0.0/1']}})['address_group']
    sources = {
        GROUPS[0]: [{'remote_ip_prefix': p} for p in ('0.0.0.0/1', '128.0.0.0/1')],
        GROUPS[1]: [{'remote_address_group_id': addresses['id']}],
    }
    ids = {}
    for name, rules in sources.items():
        group = named(cloud, 'network', '/security-groups', 'security_groups', name)
        if not group:
            group = cloud.post('network', '/security-groups', {'security_group': {
                'name': name, 'description': 'planted', 'project_id': project}})['security_group']
            for rule in rules:
                cloud.post('network', '/security-group-rules', {'security_group_rule': {
                    'security_group_id': group['id'], 'direction': 'ingress', 'ethertype': 'IPv4', 'protocol': 'tcp',
                    'port_range_min': 20, 'port_range_max': 25, **rule}})
        ids[name] = group['id']
    show(cloud, 'public')
    ids[IMAGE] = image(cloud)['id']
    until('agents of %s died' % SILENT, lambda: not any(a['alive'] for a in silent_agents(cloud)))
    for agent in silent_agents(cloud):
        ids['agent ' + agent['binary']] = agent['id']
    return ids


def main():
    cloud = Cloud()
    if sys.argv[1] == '--remove':
        remove(cloud)
    else:
        print(json.dumps(plant(cloud), indent=1, sort_keys=True))


main()
