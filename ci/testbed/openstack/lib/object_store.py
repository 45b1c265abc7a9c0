"""Enters the object gateway of the Ceph testbed into the catalog, or takes it out: `object_store.py REGION PASSWORD [ROOT]`.

ROOT is `http://HOST:PORT`; without one the gateway does not run, and what the
catalog says of it is removed. Also makes the user by which the gateway asks
keystone about tokens and EC2 credentials.
"""
import sys

from rest import Cloud

region, password = sys.argv[1:3]
url = sys.argv[3] + '/swift/v1' if len(sys.argv) > 3 else None
cloud = Cloud()
services = cloud.get('identity', '/services?type=object-store')['services']
if url is None:
    for service in services:
        cloud.delete('identity', '/services/' + service['id'])
    sys.exit()

if not cloud.get('identity', '/users?name=ceph&domain_id=default')['users']:
    project = cloud.get('identity', '/projects?name=service&domain_id=default')['projects'][0]['id']
    user = cloud.post('identity', '/users', {'user': {
        'name': 'ceph', 'domain_id': 'default', 'password': password, 'default_project_id': project}})['user']['id']
    for role in cloud.get('identity', '/roles')['roles']:
        if role['name'] in ('admin', 'service'):
            cloud.put('identity', '/projects/%s/users/%s/roles/%s' % (project, user, role['id']))
if not services:
    services = [cloud.post('identity', '/services', {'service': {'name': 'swift', 'type': 'object-store'}})['service']]
have = cloud.get('identity', '/endpoints?service_id=' + services[0]['id'])['endpoints']
for interface in ('public', 'internal', 'admin'):
    if interface not in {e['interface'] for e in have}:
        cloud.post('identity', '/endpoints', {'endpoint': {
            'service_id': services[0]['id'], 'interface': interface, 'url': url, 'region_id': region}})
