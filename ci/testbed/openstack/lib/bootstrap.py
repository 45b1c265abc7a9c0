"""Makes what a new keystone needs: service users, catalogue, and the users that clouds.yaml names.

Idempotent. Prints the id of the application credential. It runs once in the
life of a schema cache, which stores its result.

    bootstrap.py '{"glance": PORT, ...}' REGION SERVICE_PASSWORD
"""
import json
import sys

from rest import Cloud

APPCRED_SECRET = 'testbed-appcred-secret'

ports, region, service_password = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
cloud = Cloud()


def ensure(kind, name, query='', **body):
    """The id of the `kind` with this name; created if there is none."""
    plural = kind + 's'
    found = cloud.get('identity', '/%s?name=%s%s' % (plural, name, query))[plural]
    if found:
        return found[0]['id']
    return cloud.post('identity', '/' + plural, {kind: dict(body, name=name)})[kind]['id']


def user(name, domain, **body):
    return ensure('user', name, '&domain_id=' + domain, domain_id=domain, **body)


def project(name, domain, **body):
    return ensure('project', name, '&domain_id=' + domain, domain_id=domain, **body)


def grant(who, role, scope):
    cloud.put('identity', '/%s/users/%s/roles/%s' % (scope, who, role))


roles = {r['name']: r['id'] for r in cloud.get('identity', '/roles')['roles']}
roles.setdefault('service', None)
roles['service'] = roles['service'] or ensure('role', 'service')

# Services.
service_project = project('service', 'default')
for name in ('nova', 'neutron', 'glance', 'cinder', 'placement', 'barbican'):
    u = user(name, 'default', password=service_password, default_project_id=service_project)
    for role in ('admin', 'service'):
        grant(u, roles[role], 'projects/' + service_project)
have = {s['type'] for s in cloud.get('identity', '/services')['services']}
for name, kind, url in (
        ('glance', 'image', 'http://127.0.0.1:%d' % ports['glance']),
        ('placement', 'placement', 'http://127.0.0.1:%d' % ports['placement']),
        ('nova', 'compute', 'http://127.0.0.1:%d/v2.1' % ports['nova']),
        ('neutron', 'network', 'http://127.0.0.1:%d' % ports['neutron']),
        ('cinder', 'block-storage', 'http://127.0.0.1:%d/v3' % ports['cinder']),
        ('barbican', 'key-manager', 'http://127.0.0.1:%d' % ports['barbican']),
        ('cinderv3', 'volumev3', 'http://127.0.0.1:%d/v3/%%(project_id)s' % ports['cinder'])):
    if kind in have:
        continue
    s = cloud.post('identity', '/services', {'service': {'name': name, 'type': kind}})['service']['id']
    for interface in ('public', 'internal', 'admin'):
        cloud.post('identity', '/endpoints', {'endpoint': {
            'service_id': s, 'interface': interface, 'url': url, 'region_id': region}})

# The users of clouds.yaml.
admin = user('admin', 'default')
admin_project = project('admin', 'default')
reader = user('reader', 'default', password='secret', default_project_id=admin_project)
grant(reader, roles['reader'], 'projects/' + admin_project)
system_reader = user('system-reader', 'default', password='secret')
grant(system_reader, roles['reader'], 'system')
customers = ensure('domain', 'customers', description='customer domain')
for name in ('alpha', 'beta', 'gamma'):
    p = project(name, customers, description='project ' + name)
    grant(admin, roles['admin'], 'projects/' + p)
    member = user(name + '-user', customers, password='secret', default_project_id=p)
    grant(member, roles['member'], 'projects/' + p)
alpha = project('alpha', customers)
grant(user('alpha-reader', customers, password='secret', default_project_id=alpha), roles['reader'], 'projects/' + alpha)
# The role that key managers asked for before they knew `member`.
roles.get('creator') or ensure('role', 'creator')

credentials = cloud.get('identity', '/users/%s/application_credentials' % admin)['application_credentials']
for c in credentials:
    if c['name'] == 'testbed':
        cloud.delete('identity', '/users/%s/application_credentials/%s' % (admin, c['id']))
c = cloud.post('identity', '/users/%s/application_credentials' % admin, {'application_credential': {
    'name': 'testbed', 'secret': APPCRED_SECRET, 'description': 'cloud testbed-appcred of clouds.yaml'}})
print(c['application_credential']['id'])
