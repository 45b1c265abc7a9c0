"""A thin REST client for the testbed's scripts: one session per cloud, plain JSON in and out.

No object layer on purpose: it is what the API says, and no call but the one
that is written down.
"""
import os

import yaml
from keystoneauth1 import session
from keystoneauth1.identity import v3

# Catalogue types; fixed microversions, so that shapes do not change with the pins.
SERVICE = {'identity': 'identity', 'compute': 'compute', 'network': 'network', 'image': 'image',
           'volume': 'block-storage', 'placement': 'placement', 'key-manager': 'key-manager'}
MICROVERSION = {'compute': '2.96', 'volume': '3.71', 'placement': '1.39'}
# The catalogue gives some endpoints without the version part.
PREFIX = {'network': '/v2.0', 'image': '/v2', 'key-manager': '/v1'}


class Error(Exception):
    def __init__(self, response):
        super().__init__('%s %s: %d %s' % (response.request.method, response.url, response.status_code,
                                           response.text[:300]))
        self.status = response.status_code


class Cloud:
    def __init__(self, name='testbed', **override):
        with open(os.environ['OS_CLIENT_CONFIG_FILE']) as f:
            auth = dict(yaml.safe_load(f)['clouds'][name]['auth'])
        auth.update(override)
        self.session = session.Session(auth=v3.Password(**auth), split_loggers=False)

    def call(self, method, service, path, body=None, mv=None, ok=(), **kw):
        headers = dict(kw.pop('headers', {}))
        mv = mv or MICROVERSION.get(service)
        if mv:
            kind = {'compute': 'compute', 'volume': 'volume', 'placement': 'placement'}[service]
            headers['OpenStack-API-Version'] = '%s %s' % (kind, mv)
        if body is not None:
            kw['json'] = body
        base = self.session.get_endpoint(service_type=SERVICE[service], interface='public').rstrip('/')
        r = self.session.request(base + PREFIX.get(service, '') + path, method, headers=headers, raise_exc=False, **kw)
        if r.status_code >= 400 and r.status_code not in ok:
            raise Error(r)
        return r.json() if r.content and 'json' in r.headers.get('Content-Type', '') else {}

    def get(self, service, path, **kw):
        return self.call('GET', service, path, **kw)

    def post(self, service, path, body=None, **kw):
        return self.call('POST', service, path, body, **kw)

    def put(self, service, path, body=None, **kw):
        return self.call('PUT', service, path, body, **kw)

    def patch(self, service, path, body=None, **kw):
        return self.call('PATCH', service, path, body, **kw)

    def delete(self, service, path, **kw):
        return self.call('DELETE', service, path, **kw)
