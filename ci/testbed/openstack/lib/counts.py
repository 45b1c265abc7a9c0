"""Counts what a cloud shows of each kind, every page of it, as JSON on stdout.

It is the second opinion that integration tests hold a collector against, so
it shares nothing with the project but the names of the kinds.
"""
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import keystoneauth1.exceptions

from rest import Cloud, Error

# kind: (service, path, key of the list). The path asks for everything that an
# administrator may see, as the openstack client does with its --all options.
LISTS = {
    'identity.domain': ('identity', '/domains', 'domains'),
    'identity.project': ('identity', '/projects', 'projects'),
    'identity.user': ('identity', '/users', 'users'),
    'identity.group': ('identity', '/groups', 'groups'),
    'identity.role': ('identity', '/roles', 'roles'),
    'identity.role_assignment': ('identity', '/role_assignments', 'role_assignments'),
    'identity.role_inference': ('identity', '/role_inferences', 'role_inferences'),
    'identity.region': ('identity', '/regions', 'regions'),
    'identity.service': ('identity', '/services', 'services'),
    'identity.endpoint': ('identity', '/endpoints', 'endpoints'),
    'identity.credential': ('identity', '/credentials', 'credentials'),
    'identity.trust': ('identity', '/OS-TRUST/trusts', 'trusts'),
    'identity.policy': ('identity', '/policies', 'policies'),
    'identity.registered_limit': ('identity', '/registered_limits', 'registered_limits'),
    'identity.limit': ('identity', '/limits', 'limits'),
    'compute.server': ('compute', '/servers?all_tenants=1&limit=200', 'servers'),
    'compute.flavor': ('compute', '/flavors?is_public=None', 'flavors'),
    'compute.hypervisor': ('compute', '/os-hypervisors', 'hypervisors'),
    'compute.service': ('compute', '/os-services', 'services'),
    'compute.aggregate': ('compute', '/os-aggregates', 'aggregates'),
    'compute.availability_zone': ('compute', '/os-availability-zone', 'availabilityZoneInfo'),
    'compute.server_group': ('compute', '/os-server-groups?all_projects=True', 'server_groups'),
    'compute.migration': ('compute', '/os-migrations', 'migrations'),
    'network.network': ('network', '/networks', 'networks'),
    'network.subnet': ('network', '/subnets', 'subnets'),
    'network.subnet_pool': ('network', '/subnetpools', 'subnetpools'),
    'network.port': ('network', '/ports', 'ports'),
    'network.router': ('network', '/routers', 'routers'),
    'network.floating_ip': ('network', '/floatingips', 'floatingips'),
    'network.security_group': ('network', '/security-groups', 'security_groups'),
    'network.security_group_rule': ('network', '/security-group-rules', 'security_group_rules'),
    'network.default_security_group_rule': ('network', '/default-security-group-rules', 'default_security_group_rules'),
    'network.address_scope': ('network', '/address-scopes', 'address_scopes'),
    'network.address_group': ('network', '/address-groups', 'address_groups'),
    'network.rbac_policy': ('network', '/rbac-policies', 'rbac_policies'),
    'network.qos_policy': ('network', '/qos/policies', 'policies'),
    'network.trunk': ('network', '/trunks', 'trunks'),
    'network.agent': ('network', '/agents', 'agents'),
    'network.availability_zone': ('network', '/availability_zones', 'availability_zones'),
    'network.extension': ('network', '/extensions', 'extensions'),
    'block-storage.volume': ('volume', '/volumes?all_tenants=1', 'volumes'),
    'block-storage.snapshot': ('volume', '/snapshots?all_tenants=1', 'snapshots'),
    'block-storage.backup': ('volume', '/backups?all_tenants=1', 'backups'),
    'block-storage.attachment': ('volume', '/attachments?all_tenants=1', 'attachments'),
    'block-storage.transfer': ('volume', '/volume-transfers?all_tenants=1', 'transfers'),
    'block-storage.type': ('volume', '/types?is_public=None', 'volume_types'),
    'block-storage.group_type': ('volume', '/group_types?is_public=None', 'group_types'),
    'block-storage.qos_spec': ('volume', '/qos-specs', 'qos_specs'),
    'block-storage.service': ('volume', '/os-services', 'services'),
    'block-storage.pool': ('volume', '/scheduler-stats/get_pools', 'pools'),
    'block-storage.availability_zone': ('volume', '/os-availability-zone', 'availabilityZoneInfo'),
    'key-manager.secret': ('key-manager', '/secrets', 'secrets'),
    'key-manager.container': ('key-manager', '/containers', 'containers'),
    'placement.resource_provider': ('placement', '/resource_providers', 'resource_providers'),
    'placement.resource_class': ('placement', '/resource_classes', 'resource_classes'),
    'placement.trait': ('placement', '/traits', 'traits'),
}
# Barbican says 401 to a token without project.
NOT_SHOWN = (401, 403, 404)
# kind: (kind whose members are asked one by one, path with the id, service, key)
PER_MEMBER = {
    'identity.application_credential': ('identity.user', '/users/%s/application_credentials', 'identity', 'application_credentials'),
    'identity.ec2_credential': ('identity.user', '/users/%s/credentials/OS-EC2', 'identity', 'credentials'),
    'compute.keypair': ('identity.user', '/os-keypairs?user_id=%s', 'compute', 'keypairs'),
    'network.port_forwarding': ('network.floating_ip', '/floatingips/%s/port_forwardings', 'network', 'port_forwardings'),
    'placement.inventory': ('placement.resource_provider', '/resource_providers/%s/inventories', 'placement', 'inventories'),
}
# Glance leaves hidden images, and community images of others, out of its plain list.
IMAGES = {'default': '/images', 'hidden': '/images?os_hidden=true', 'community': '/images?visibility=community',
          'all': '/images?visibility=all'}


def pages(cloud, service, path, key):
    """All members of a list, over all pages, in order."""
    rows = []
    while path:
        answer = cloud.get(service, path)
        rows += answer[key]
        path = answer.get('next')       # glance: without host, with the version
        if path and path.startswith('/v2'):
            path = path[3:]
        if path and path.startswith('http'):    # barbican: the whole address
            path = path[len(path_of(cloud, service)):]
        # Cinder calls it volume_type_links although the list is volume_types.
        for link in [link for name in answer if name.endswith('_links') for link in answer[name]]:
            if link['rel'] == 'next':
                url = urlsplit(link['href'])
                base = urlsplit(path_of(cloud, service)).path.rstrip('/')
                path = url.path[len(base):] + '?' + url.query
    return rows


def path_of(cloud, service):
    from rest import PREFIX, SERVICE
    return cloud.session.get_endpoint(service_type=SERVICE[service], interface='public').rstrip('/') + PREFIX.get(service, '')


def main():
    cloud = Cloud(sys.argv[1])
    counts, members = {}, {}

    def lists(kind):
        try:
            members[kind] = pages(cloud, *LISTS[kind])
            counts[kind] = len(members[kind])
        except Error as e:
            if e.status not in NOT_SHOWN:
                raise

    def of_each(kind):
        parent, path, service, key = PER_MEMBER[kind]
        if parent not in members:
            return
        try:
            counts[kind] = sum(len(cloud.get(service, path % m.get('id', m.get('uuid')))[key]) for m in members[parent])
        except Error as e:
            if e.status not in NOT_SHOWN:
                raise

    def images(name):
        try:
            return name, {i['id'] for i in pages(cloud, 'image', IMAGES[name], 'images')}
        except Error as e:
            if e.status not in NOT_SHOWN:
                raise
            return name, None

    with ThreadPoolExecutor(8) as pool:
        for f in [pool.submit(lists, kind) for kind in LISTS]:
            f.result()
        for f in [pool.submit(of_each, kind) for kind in PER_MEMBER]:
            f.result()
        seen = dict(pool.map(images, IMAGES))
    if seen['default'] is not None:
        counts['image.image'] = len(set().union(*(s for s in seen.values() if s)))
        for name in ('default', 'hidden', 'community'):
            counts['image.image/' + name] = len(seen[name] or ())
    json.dump(counts, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == '__main__':
    try:
        main()
    except (Error, keystoneauth1.exceptions.ClientException) as e:
        sys.exit('error: %s' % e)
