"""Fills the testbed: one process, plain REST, independent parts at the same time.

    seed.py SERVERS

Everything is looked up by name first, so an interrupted run can be repeated.
The names and the faults planted here are listed in README.md.
"""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import keystoneauth1.exceptions

from rest import Cloud, Error

T0 = time.time()
PROJECTS = ('alpha', 'beta', 'gamma')
POOL = ThreadPoolExecutor(24)
COMPUTES = os.environ['TB_COMPUTES'].split()

admin = Cloud('testbed')


def say(text):
    print('[%5.1fs] %s' % (time.time() - T0, text), flush=True)


def part(f):
    """Decorator: runs the function in the pool at once; its name becomes the future of its result."""
    def run():
        r = f()
        say(f.__name__.replace('_', ' '))
        return r
    return POOL.submit(run)


def each(f, items):
    """Runs f on all items at the same time, in threads of its own: parts wait for each other inside the pool."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(f, items))


def by_name(cloud, service, path, key):
    return {x['name']: x for x in cloud.get(service, path)[key]}


def ensure(cloud, service, path, key, plural, name, query='', **body):
    """The object with this name, created with `body` if there is none."""
    sep = '&' if '?' in query else '?'
    for x in cloud.get(service, path + query + sep + 'name=' + name.replace(' ', '%20'))[plural]:
        if x['name'] == name:
            return x
    return cloud.post(service, path, {key: dict(body, name=name)})[key]


def wait_status(cloud, service, path, key, wanted, seconds=300):
    end = time.time() + seconds
    while True:
        x = cloud.get(service, path)[key]
        status = x['status'].lower()
        if status == wanted:
            return x
        if status.startswith('error') or time.time() > end:
            raise SystemExit('%s is %s instead of %s' % (path, status, wanted))
        time.sleep(0.5)


# --- identity of the start ---------------------------------------------------

customers = admin.get('identity', '/domains?name=customers')['domains'][0]['id']
project = {p['name']: p['id'] for p in admin.get('identity', '/projects?domain_id=' + customers)['projects']}
user = {u['name']: u['id'] for u in admin.get('identity', '/users?domain_id=' + customers)['users']}
role = {r['name']: r['id'] for r in admin.get('identity', '/roles')['roles']}


def member(name):
    """The ordinary user of a project."""
    return Cloud('testbed-member', username=name + '-user', project_name=name)


cloud = {p: member(p) for p in PROJECTS}


@part
def identity():
    group = ensure(admin, 'identity', '/groups', 'group', 'groups', 'operators', '?domain_id=' + customers, domain_id=customers)
    admin.put('identity', '/projects/%s/groups/%s/roles/%s' % (project['alpha'], group['id'], role['reader']))
    admin.put('identity', '/groups/%s/users/%s' % (group['id'], user['alpha-user']))
    ensure(admin, 'identity', '/users', 'user', 'users', 'gamma-leaver', '?domain_id=' + customers, domain_id=customers,
           password='secret', enabled=False, default_project_id=project['gamma'])
    ensure(admin, 'identity', '/users', 'user', 'users', 'robot', '?domain_id=' + customers, domain_id=customers,
           password='secret', options={'ignore_password_expiry': True, 'ignore_lockout_failure_attempts': True})
    auditor = ensure(admin, 'identity', '/roles', 'role', 'roles', 'auditor')
    operator = ensure(admin, 'identity', '/roles', 'role', 'roles', 'operator')
    admin.put('identity', '/roles/%s/implies/%s' % (auditor['id'], role['reader']), ok=(409,))
    admin.put('identity', '/roles/%s/implies/%s' % (operator['id'], role['manager']), ok=(409,))
    admin.put('identity', '/projects/%s/users/%s/roles/%s' % (project['beta'], user['beta-user'], auditor['id']))

    alpha = cloud['alpha']
    me = user['alpha-user']
    if not admin.get('identity', '/OS-TRUST/trusts?trustor_user_id=' + me, ok=(403,)).get('trusts'):
        alpha.post('identity', '/OS-TRUST/trusts', {'trust': {
            'trustor_user_id': me, 'trustee_user_id': user['beta-user'], 'project_id': project['alpha'],
            'impersonation': True, 'roles': [{'name': 'member'}]}})
    if not alpha.get('identity', '/users/%s/credentials/OS-EC2' % me)['credentials']:
        alpha.post('identity', '/users/%s/credentials/OS-EC2' % me, {'tenant_id': project['alpha']})
    have = {c['name'] for c in alpha.get('identity', '/users/%s/application_credentials' % me)['application_credentials']}
    for name, body in (
            ('terraform', {'unrestricted': True, 'secret': 'canary-appcred-secret-1'}),
            ('backup-job', {'secret': 'canary-appcred-secret-2', 'expires_at': '2036-01-01T00:00:00Z', 'roles': [{'name': 'reader'}],
                            'access_rules': [{'service': 'block-storage', 'method': 'GET', 'path': '/v3/**'}]})):
        if name not in have:
            alpha.post('identity', '/users/%s/application_credentials' % me, {'application_credential': dict(body, name=name)})

    services = {s['type']: s['id'] for s in admin.get('identity', '/services')['services']}
    registered = {r['resource_name'] for r in admin.get('identity', '/registered_limits')['registered_limits']}
    for resource, default in (('image_count_total', 100), ('image_size_total', 100000)):
        if resource not in registered:
            admin.post('identity', '/registered_limits', {'registered_limits': [{
                'service_id': services['image'], 'region_id': 'RegionOne', 'resource_name': resource, 'default_limit': default}]})
    if not admin.get('identity', '/limits?project_id=' + project['alpha'])['limits']:
        admin.post('identity', '/limits', {'limits': [{
            'service_id': services['image'], 'region_id': 'RegionOne', 'project_id': project['alpha'],
            'resource_name': 'image_count_total', 'resource_limit': 20}]})


# --- flavors -----------------------------------------------------------------

# Mandatory flavors of SCS-0103: SCS-8V-16 is missing, SCS-2V-16 has half its
# memory, SCS-4V-32 has no extra specs.
SCS = [  # name, vcpus, MiB, GB, disk type
    ('SCS-1V-4', 1, 4096, 0, None), ('SCS-2V-8', 2, 8192, 0, None), ('SCS-4V-16', 4, 16384, 0, None),
    ('SCS-8V-32', 8, 32768, 0, None), ('SCS-1V-2', 1, 2048, 0, None), ('SCS-2V-4', 2, 4096, 0, None),
    ('SCS-4V-8', 4, 8192, 0, None), ('SCS-16V-32', 16, 32768, 0, None), ('SCS-1V-8', 1, 8192, 0, None),
    ('SCS-2V-16', 2, 8192, 0, None), ('SCS-4V-32', 4, 32768, 0, None), ('SCS-1L-1', 1, 1024, 0, None),
    ('SCS-2V-4-20s', 2, 4096, 20, 'ssd'), ('SCS-4V-16-100s', 4, 16384, 100, 'ssd'),
    ('SCS-1V-4-10', 1, 4096, 10, 'network'), ('SCS-16T-64', 16, 65536, 0, None)]
CPU = {'L': 'crowded-core', 'V': 'shared-core', 'T': 'dedicated-thread'}
PRIVATE = [  # name, vcpus, MiB, GB, extra specs
    ('gpu.a100', 8, 65536, 100, {'pci_passthrough:alias': 'a100:1', 'resources:VGPU': '1'}),
    ('huge', 512, 1048576, 100, {'hw:cpu_policy': 'dedicated', 'hw:mem_page_size': '1GB'})]


@part
def flavors():
    have = by_name(admin, 'compute', '/flavors/detail?is_public=None', 'flavors')

    def make(name, vcpus, ram, disk, specs, public=True):
        if name in have:
            return
        f = admin.post('compute', '/flavors', {'flavor': {
            'name': name, 'vcpus': vcpus, 'ram': ram, 'disk': disk, 'os-flavor-access:is_public': public}})['flavor']
        have[name] = f
        if specs:
            admin.post('compute', '/flavors/%s/os-extra_specs' % f['id'], {'extra_specs': specs})
        if not public:
            admin.post('compute', '/flavors/%s/action' % f['id'], {'addTenantAccess': {'tenant': project['gamma']}})

    def scs(row):
        name, vcpus, ram, disk, kind = row
        specs = {'scs:cpu-type': CPU[name[5 if name[5] in CPU else 6]], 'scs:name-v1': 'SCS-' + name[4:].replace('-', ':'),
                 'scs:name-v2': name, 'hw_rng:allowed': 'true'}
        if kind:
            specs['scs:disk0-type'] = kind
        if name == 'SCS-16T-64':
            specs['aggregate_instance_extra_specs:pool'] = 'ssd'
        make(name, vcpus, ram, disk, {} if name == 'SCS-4V-32' else specs)

    each(scs, SCS)
    make('m1.tiny', 1, 512, 1, {})
    for row in PRIVATE:
        make(*row, public=False)
    return {n: f['id'] for n, f in have.items()}


# --- images ------------------------------------------------------------------

def scs_image(distro, version, build, **change):
    p = {'architecture': 'x86_64', 'hypervisor_type': 'qemu', 'hw_disk_bus': 'scsi', 'hw_scsi_model': 'virtio-scsi',
         'hw_rng_model': 'virtio', 'os_distro': distro, 'os_version': version, 'os_purpose': 'generic', 'min_disk': 8, 'min_ram': 512,
         'image_build_date': build, 'image_original_user': distro, 'image_source': 'https://images.example/%s.raw' % distro,
         'image_description': 'https://images.example/' + distro, 'replace_frequency': 'yearly', 'uuid_validity': 'last-3',
         'provided_until': '2036-04-30', 'hotfix_hours': '0', 'visibility': 'public', 'protected': True}
    p.update(change)
    return {k: v for k, v in p.items() if v is not None}


IMAGES = [  # project, name, properties
    (None, 'Ubuntu 24.04', scs_image('ubuntu', '24.04', '2026-11-01', image_source='https://cloud-images.ubuntu.com/noble/current/')),
    (None, 'Debian 12', scs_image('debian', '12', '2026-10-15', image_source='https://cloud.debian.org/images/cloud/bookworm/')),
    # Outdated: built long ago, to be replaced monthly.
    (None, 'Debian 11', scs_image('debian', '11', '2024-01-02', replace_frequency='monthly', protected=False)),
    # Wrong or missing: bus, purpose, memory, source, frequency.
    (None, 'AlmaLinux 9', scs_image('almalinux', '9', '2026-11-01', hw_disk_bus='ide', os_purpose=None, min_ram=0,
                                    image_source='unknown', replace_frequency='sometimes', protected=False)),
    (None, 'Ubuntu 22.04 old', scs_image('ubuntu', '22.04', '2026-09-01', os_hidden=True)),
    (None, 'Fedora 38', scs_image('fedora', '38', '2024-05-01', provided_until='2024-05-21', os_hidden=True)),
    ('beta', 'beta-tools', {'visibility': 'community', 'min_disk': 2}),
    ('alpha', 'alpha-appliance', {'visibility': 'shared', 'min_disk': 2}),
    ('alpha', 'alpha-golden', {'visibility': 'private', 'min_disk': 2, 'os_admin_password': 'canary-image-password'})]


@part
def images():
    have = {}
    for query in ('?limit=100', '?limit=100&os_hidden=true', '?limit=100&visibility=community'):
        have.update(by_name(admin, 'image', '/images' + query, 'images'))

    def make(row):
        owner, name, properties = row
        c = cloud[owner] if owner else admin
        image = have.get(name) or c.post('image', '/images', dict(properties, name=name, container_format='bare', disk_format='raw'))
        if image['status'] == 'queued':
            c.call('PUT', 'image', '/images/%s/file' % image['id'], data=('testbed image %s\n' % name).encode() * 64,
                   headers={'Content-Type': 'application/octet-stream'})
        if name == 'alpha-appliance':
            path = '/images/%s/members' % image['id']
            c.post('image', path, {'member': project['beta']}, ok=(409,))
            cloud['beta'].put('image', path + '/' + project['beta'], {'status': 'accepted'})
            c.post('image', path, {'member': project['gamma']}, ok=(409,))
        return name, image['id']

    return dict(each(make, IMAGES))


# --- hosts -------------------------------------------------------------------

@part
def aggregates():
    have = by_name(admin, 'compute', '/os-aggregates', 'aggregates')
    for name, hosts, metadata in (('az-1', COMPUTES[:3], {'availability_zone': 'az-1'}),
                                  ('az-2', COMPUTES[3:], {'availability_zone': 'az-2'}),
                                  ('pool-ssd', [COMPUTES[0], COMPUTES[3]], {'pool': 'ssd'})):
        a = have.get(name) or admin.post('compute', '/os-aggregates', {'aggregate': {
            'name': name, 'availability_zone': metadata.get('availability_zone')}})['aggregate']
        if 'pool' in metadata:
            admin.post('compute', '/os-aggregates/%s/action' % a['id'], {'set_metadata': {'metadata': metadata}})
        for h in hosts:
            if h not in a.get('hosts', []):
                admin.post('compute', '/os-aggregates/%s/action' % a['id'], {'add_host': {'host': h}})


# --- networks ----------------------------------------------------------------

def net(kind, name, query='', **body):
    plural = {'policy': 'policies'}.get(kind, kind + 's')
    path = {'policy': '/qos/policies', 'security_group': '/security-groups', 'rbac_policy': '/rbac-policies',
            'address_group': '/address-groups', 'address_scope': '/address-scopes'}.get(kind, '/' + plural)
    return ensure(admin, 'network', path, kind, plural, name, query, **body)


@part
def public_network():
    n = net('network', 'public', **{'router:external': True, 'provider:network_type': 'flat',
                                    'provider:physical_network': 'physnet1', 'port_security_enabled': False})
    net('subnet', 'public-v4', network_id=n['id'], ip_version=4, cidr='203.0.113.0/24', enable_dhcp=False)
    return n['id']


WORLD = ('0.0.0.0/0', '::/0')
RULES = {  # group: (protocol, port or None, prefix)
    'web': [('tcp', 22, '192.0.2.0/24'), ('tcp', 443, WORLD[0])],
    'open-ssh': [('tcp', 22, WORLD[0]), ('tcp', 22, WORLD[1])],
    'halves': [('tcp', 3306, '0.0.0.0/1'), ('tcp', 3306, '128.0.0.0/1')],
    'any-any': [(None, None, WORLD[0])]}
GROUPS = {'alpha': ['web'], 'beta': ['web', 'open-ssh'], 'gamma': ['web', 'any-any', 'halves']}


@part
def networks():
    def make(arg):
        i, p = arg
        owner = {'project_id': project[p]}
        n = net('network', 'net-' + p, **owner)
        s = net('subnet', 'subnet-' + p, network_id=n['id'], ip_version=4, cidr='10.%d.0.0/20' % i, dns_nameservers=['9.9.9.9'], **owner)
        groups = {}
        for g in GROUPS[p]:
            groups[g] = net('security_group', '%s-%s' % (g, p), description='' if g == 'halves' else g + ' of ' + p, **owner)
            if len(groups[g]['security_group_rules']) <= 2:
                admin.post('network', '/security-group-rules', {'security_group_rules': [
                    dict(owner, security_group_id=groups[g]['id'], direction='ingress', protocol=protocol, port_range_min=port,
                         port_range_max=port, remote_ip_prefix=prefix, ethertype='IPv6' if ':' in prefix else 'IPv4')
                    for protocol, port, prefix in RULES[g]]})
        r = net('router', 'router-' + p, external_gateway_info={'network_id': public_network.result()}, **owner)
        if not admin.get('network', '/ports?device_id=%s&network_id=%s' % (r['id'], n['id']))['ports']:
            admin.put('network', '/routers/%s/add_router_interface' % r['id'], {'subnet_id': s['id']})
        return p, {'net': n['id'], 'subnet': s['id'], 'groups': {g: x['id'] for g, x in groups.items()}}

    return dict(each(make, enumerate(PROJECTS, 1)))


@part
def network_extras():
    scope = net('address_scope', 'shared-v4', ip_version=4, shared=True)
    net('subnetpool', 'shared-pool', address_scope_id=scope['id'], prefixes=['10.64.0.0/12'], default_prefixlen=26, shared=True)
    net('address_group', 'office', project_id=project['alpha'], description='office networks',
        addresses=['192.0.2.0/24', '198.51.100.7/32'])
    policy = net('policy', 'gold', shared=True, description='100 Mbit/s')
    if not policy.get('rules'):
        admin.post('network', '/qos/policies/%s/bandwidth_limit_rules' % policy['id'],
                   {'bandwidth_limit_rule': {'max_kbps': 100000, 'direction': 'egress'}})
    n = networks.result()
    if not [r for r in admin.get('network', '/rbac-policies')['rbac_policies'] if r['object_id'] == n['alpha']['net']]:
        for target in (project['beta'], '*'):
            admin.post('network', '/rbac-policies', {'rbac_policy': {
                'object_type': 'network', 'object_id': n['alpha']['net'], 'action': 'access_as_shared', 'target_tenant': target}})
    owner = {'project_id': project['gamma'], 'network_id': n['gamma']['net']}
    parent, sub = net('port', 'trunk-parent', **owner), net('port', 'trunk-sub', **owner)
    net('port', 'gamma-unprotected', port_security_enabled=False, **owner)
    net('port', 'gamma-any-pair', allowed_address_pairs=[{'ip_address': '0.0.0.0/0'}], **owner)
    net('trunk', 'gamma-trunk', project_id=project['gamma'], port_id=parent['id'],
        sub_ports=[{'port_id': sub['id'], 'segmentation_type': 'vlan', 'segmentation_id': 101}])
    net('subnet', 'subnet-gamma-v6', network_id=n['gamma']['net'], project_id=project['gamma'], ip_version=6,
        cidr='2001:db8:3::/64', ipv6_ra_mode='slaac', ipv6_address_mode='slaac')
    if not admin.get('network', '/floatingips?project_id=' + project['beta'])['floatingips']:
        admin.post('network', '/floatingips', {'floatingip': {
            'floating_network_id': public_network.result(), 'project_id': project['beta'], 'description': 'unused'}})


@part
def quotas():
    p = project['alpha']
    admin.put('compute', '/os-quota-sets/' + p, {'quota_set': {'instances': 20, 'cores': 80, 'ram': 409600}})
    admin.put('network', '/quotas/' + p, {'quota': {'network': 10, 'port': 100, 'floatingip': 5}})
    admin.put('volume', '/os-quota-sets/' + p, {'quota_set': {'volumes': 20, 'gigabytes': 1000, 'snapshots': 10}})


# --- volumes -----------------------------------------------------------------

@part
def volume_types():
    have = by_name(admin, 'volume', '/types?is_public=None', 'volume_types')
    for name, backend, description, public in (
            ('ssd', 'ceph-ssd', '[scs:replicated] three copies on SSD', True),
            ('hdd', 'ceph-hdd', 'three copies on disks, description without the SCS list', True),
            ('ssd-encrypted', 'ceph-ssd', '[scs:encrypted, replicated] LUKS on SSD', True),
            ('weak-encrypted', 'ceph-hdd', 'encrypted with a short key', False)):
        if name in have:
            continue
        t = admin.post('volume', '/types', {'volume_type': {
            'name': name, 'description': description, 'os-volume-type-access:is_public': public,
            'extra_specs': {'volume_backend_name': backend}}})['volume_type']
        have[name] = t
        if 'encrypted' in name:
            admin.post('volume', '/types/%s/encryption' % t['id'], {'encryption': {
                'provider': 'luks', 'cipher': 'aes-xts-plain64', 'control_location': 'front-end',
                'key_size': 128 if name.startswith('weak') else 256}})
        if not public:
            admin.post('volume', '/types/%s/action' % t['id'], {'addProjectAccess': {'project': project['gamma']}})
    if not admin.get('volume', '/qos-specs')['qos_specs']:
        q = admin.post('volume', '/qos-specs', {'qos_specs': {
            'name': 'hdd-limit', 'consumer': 'front-end', 'total_iops_sec': '500'}})['qos_specs']
        admin.get('volume', '/qos-specs/%s/associate?vol_type_id=%s' % (q['id'], have['hdd']['id']))


@part
def volumes():
    volume_types.result()
    have = {}
    for p in PROJECTS:
        have.update(by_name(cloud[p], 'volume', '/volumes/detail', 'volumes'))

    def make(row):
        p, name, size, kind, extra = row
        v = have.get(name) or cloud[p].post('volume', '/volumes', {'volume': dict(
            extra, name=name, size=size, volume_type=kind)})['volume']
        if v['status'] not in ('in-use', 'awaiting-transfer'):
            wait_status(cloud[p], 'volume', '/volumes/' + v['id'], 'volume', 'available')
        return name, v['id']

    made = dict(each(make, [
        ('alpha', 'alpha-data-1', 10, 'ssd', {}),
        ('alpha', 'alpha-data-2', 20, 'hdd', {'metadata': {'api_token': 'canary-volume-metadata-token'}}),
        ('alpha', 'alpha-vault', 5, 'ssd-encrypted', {}),
        ('beta', 'beta-scratch', 1, 'hdd', {}),
        ('beta', 'beta-handover', 1, 'ssd', {}),
        ('gamma', 'gamma-boot', 10, 'ssd', {'imageRef': images.result()['Ubuntu 24.04']})]))
    alpha, beta = cloud['alpha'], cloud['beta']
    if 'alpha-snap' not in by_name(alpha, 'volume', '/snapshots', 'snapshots'):
        s = alpha.post('volume', '/snapshots', {'snapshot': {
            'name': 'alpha-snap', 'volume_id': made['alpha-data-2'], 'metadata': {'password': 'canary-snapshot-password'}}})['snapshot']
        wait_status(alpha, 'volume', '/snapshots/' + s['id'], 'snapshot', 'available')
    if 'alpha-backup' not in by_name(alpha, 'volume', '/backups', 'backups'):
        b = alpha.post('volume', '/backups', {'backup': {'name': 'alpha-backup', 'volume_id': made['alpha-data-2']}})['backup']
        wait_status(alpha, 'volume', '/backups/' + b['id'], 'backup', 'available')
    if not beta.get('volume', '/volume-transfers')['transfers']:
        beta.post('volume', '/volume-transfers', {'transfer': {'volume_id': made['beta-handover'], 'name': 'handover'}})
    return made


# --- key manager -------------------------------------------------------------

@part
def secrets():
    for c, names in ((admin, ['signing-key-%d' % i for i in range(1, 6)]), (cloud['alpha'], ['alpha-tls-key'])):
        for name in names:
            if not c.get('key-manager', '/secrets?name=' + name)['secrets']:
                c.post('key-manager', '/secrets', {'name': name, 'payload': 'canary-secret-payload', 'payload_content_type': 'text/plain'})
        if not c.get('key-manager', '/containers')['containers']:
            refs = c.get('key-manager', '/secrets?name=' + names[0])['secrets']
            c.post('key-manager', '/containers', {'name': 'keys', 'type': 'generic', 'secret_refs': [
                {'name': 'key', 'secret_ref': refs[0]['secret_ref']}]})


# --- servers -----------------------------------------------------------------

def keys(p):
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    have = {k['keypair']['name'] for k in cloud[p].get('compute', '/os-keypairs')['keypairs']}
    wanted = [('key-' + p, ed25519.Ed25519PrivateKey.generate)]
    if p == 'beta':
        wanted.append(('key-weak', lambda: rsa.generate_private_key(65537, 2048)))
    for name, generate in wanted:
        if name not in have:
            public = generate().public_key().public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH).decode()
            cloud[p].post('compute', '/os-keypairs', {'keypair': {'name': name, 'type': 'ssh', 'public_key': public + ' ' + name}})


POLICIES = {'db': 'anti-affinity', 'web': 'soft-anti-affinity', 'cache': 'affinity'}
FLAVOR = {'db': 'SCS-4V-16-100s', 'web': 'SCS-2V-4-20s', 'cache': 'SCS-1V-4-10'}


@part
def server_requests():
    def make(p):
        c = cloud[p]
        keys(p)
        groups = by_name(c, 'compute', '/os-server-groups', 'server_groups')
        have = {s['name'] for s in c.get('compute', '/servers')['servers']}
        for kind, policy in POLICIES.items():
            if kind not in groups:
                groups[kind] = c.post('compute', '/os-server-groups', {'server_group': {'name': kind, 'policy': policy}})['server_group']
            f, image, n = flavors.result(), images.result(), networks.result()[p]
            aggregates.result()
            name = '%s-%s' % (p, kind)
            if name + '-1' in have:
                continue
            metadata = {'role': kind}
            if name == 'beta-web':
                metadata['db_password'] = 'canary-server-metadata-password'
            server = {'name': name, 'flavorRef': f[FLAVOR[kind]], 'imageRef': image['Debian 11' if name == 'gamma-web' else 'Ubuntu 24.04'],
                      'networks': [{'uuid': n['net']}], 'metadata': metadata, 'min_count': 3, 'max_count': 3,
                      'security_groups': [{'name': '%s-%s' % (g, p)} for g in GROUPS[p] if g == 'web' or kind == 'web'],
                      'tags': ['critical'] if kind == 'db' else ['stage-test']}
            if kind != 'cache':
                server['key_name'] = 'key-' + p
            else:
                server['availability_zone'] = 'az-1'
            if name == 'alpha-web':
                server['user_data'] = 'I2Nsb3VkLWNvbmZpZwpwYXNzd29yZDogY2FuYXJ5LXVzZXItZGF0YS1wYXNzd29yZAo='
                server['config_drive'] = True
            c.post('compute', '/servers', {'server': server, 'OS-SCH-HNT:scheduler_hints': {'group': groups[kind]['id']}})
        if p == 'gamma':
            n = networks.result()[p]
            if 'gamma-too-big' not in have:
                c.post('compute', '/servers', {'server': {
                    'name': 'gamma-too-big', 'flavorRef': f['huge'], 'imageRef': image['Ubuntu 24.04'], 'networks': 'none'}})
            if 'gamma-boot' not in have:
                c.post('compute', '/servers', {'server': {
                    'name': 'gamma-boot', 'flavorRef': f['SCS-1V-2'], 'networks': [{'uuid': n['net']}],
                    'block_device_mapping_v2': [{'source_type': 'volume', 'destination_type': 'volume', 'boot_index': 0,
                                                 'uuid': volumes.result()['gamma-boot']}]}})

    each(make, PROJECTS)


def servers_of():
    return {s['name']: s for s in admin.get('compute', '/servers/detail?all_tenants=1&limit=1000')['servers']}


def settled(seconds=900):
    """Waits until no server is being built."""
    # The plain list: a list with details asks neutron for the ports of every server.
    end = time.time() + seconds
    while True:
        building = admin.get('compute', '/servers?all_tenants=1&limit=1000&status=BUILD')['servers']
        if not building:
            return
        if time.time() > end:
            raise SystemExit('%d servers are still being built' % len(building))
        time.sleep(1)


def finish(servers):
    """What needs running servers: attachment, floating IP, stopped, locked and migrated servers."""
    bad = [s['name'] for s in servers.values() if s['status'] == 'ERROR' and s['name'] != 'gamma-too-big']
    if bad:
        raise SystemExit('servers in error: ' + ', '.join(bad))

    def attach():
        s = servers['alpha-db-1']
        if not s['os-extended-volumes:volumes_attached']:
            cloud['alpha'].post('compute', '/servers/%s/os-volume_attachments' % s['id'],
                                {'volumeAttachment': {'volumeId': volumes.result()['alpha-data-1']}})
            wait_status(cloud['alpha'], 'volume', '/volumes/' + volumes.result()['alpha-data-1'], 'volume', 'in-use')

    def address():
        if not admin.get('network', '/floatingips?project_id=' + project['alpha'])['floatingips']:
            port = admin.get('network', '/ports?device_id=' + servers['alpha-web-1']['id'])['ports'][0]
            cloud['alpha'].post('network', '/floatingips', {'floatingip': {
                'floating_network_id': public_network.result(), 'port_id': port['id'], 'project_id': project['alpha']}})

    def states():
        if servers['gamma-cache-3']['status'] == 'ACTIVE':
            cloud['gamma'].post('compute', '/servers/%s/action' % servers['gamma-cache-3']['id'], {'os-stop': None})
        cloud['alpha'].post('compute', '/servers/%s/action' % servers['alpha-db-1']['id'], {'lock': {'locked_reason': 'database'}})

    def migrate():
        s = servers['alpha-web-2']
        if admin.get('compute', '/os-migrations?instance_uuid=' + s['id'])['migrations']:
            return
        admin.post('compute', '/servers/%s/action' % s['id'], {'os-migrateLive': {'host': None, 'block_migration': 'auto'}})
        end = time.time() + 90
        while time.time() < end:
            got = [m['status'] for m in admin.get('compute', '/os-migrations?instance_uuid=' + s['id'])['migrations']]
            if got == ['completed']:
                return
            time.sleep(0.5)
        raise SystemExit('the live migration does not end: %s' % got)

    each(lambda f: f(), [attach, address, states, migrate])
    say('attachment, floating IP, server states, live migration')


def bulk(wanted):
    """Servers of the smallest flavor in project beta until there are `wanted` in all."""
    missing = wanted - len(servers_of())
    if missing <= 0:
        return
    t, f, n = time.time(), flavors.result(), networks.result()['beta']
    tag = 'bulk-%d' % int(t)
    small = f['SCS-1V-4-10']
    while missing > 0:
        count = min(50, missing)
        missing -= count
        cloud['beta'].post('compute', '/servers', {'server': {
            'name': tag, 'flavorRef': small, 'imageRef': images.result()['Ubuntu 24.04'], 'networks': [{'uuid': n['net']}],
            'min_count': count, 'max_count': count, 'metadata': {'role': 'bulk'}}})
    settled(3600)
    say('%d servers in all, the bulk took %.0f s' % (len(servers_of()), time.time() - t))


def main():
    marker = os.path.join(os.environ['TB_STATE'], '.seeded')
    parts = [identity, flavors, images, aggregates, public_network, networks, network_extras, quotas, volume_types, volumes, secrets,
             server_requests]
    for p in parts:
        p.result()
    settled()
    finish(servers_of())
    open(marker, 'w').close()
    bulk(int(sys.argv[1]))
    say('seeded')


if __name__ == '__main__':
    try:
        main()
        code = 0
    except (Error, keystoneauth1.exceptions.ClientException, SystemExit) as e:
        print('error: %s' % e, file=sys.stderr, flush=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    os._exit(code)      # threads of a failed run may still wait for their requests
