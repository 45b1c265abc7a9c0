"""Asks keystone itself who holds which role where, as JSON on stdout.

It is the second opinion that `tidegate policy who-can` is held against, so it shares nothing with the project but the
keys of resources. See README.md.
"""
import json
import sys

import keystoneauth1.exceptions
from keystoneauth1 import session
from keystoneauth1.identity import v3

from plant_tenancy import CREDENTIAL_SECRET, PREFIX
from rest import Cloud

cloud = Cloud()
URL = cloud.session.auth.auth_url


def get(path, key):
    return cloud.get('identity', path)[key]


def key(kind, id):
    return 'openstack/identity.%s/-/%s' % (kind, id)


def roles_of(**auth):
    """The roles in a token, `None` if keystone gives none."""
    try:
        access = v3.Password(URL, **auth) if 'password' in auth else v3.ApplicationCredential(URL, **auth)
        return sorted(access.get_access(session.Session()).role_names)
    except (keystoneauth1.exceptions.Forbidden, keystoneauth1.exceptions.Unauthorized):
        return None


def effective():
    """Key of a domain or project, or `system`: role: ids of users, groups and inheritance and implied roles followed."""
    out = {'system': {}}
    for kind in ('domain', 'project'):
        out.update({key(kind, x['id']): {} for x in get('/%ss' % kind, kind + 's')})
    for a in get('/role_assignments?effective&include_names', 'role_assignments'):
        scope = a['scope']
        at = next(key(kind, scope[kind]['id']) for kind in ('domain', 'project') if kind in scope)
        out[at].setdefault(a['role']['name'], set()).add(a['user']['id'])
    # That list leaves the system out, and so does one with `scope.system`: it is asked with a token of each.
    for a in get('/role_assignments?scope.system=all', 'role_assignments'):
        for role in roles_of(user_id=a['user']['id'], password='secret', system_scope='all') or ():
            out['system'].setdefault(role, set()).add(a['user']['id'])
    return {at: {role: sorted(users) for role, users in roles.items()} for at, roles in out.items()}


def tokens(users):
    """What tokens are worth: of trusts by id, of the planted application credentials by name."""
    trusts, credentials = {}, {}
    for t in get('/OS-TRUST/trusts', 'trusts'):
        trustee = t['trustee_user_id']
        roles = roles_of(user_id=trustee, password='secret', trust_id=t['id'])
        trusts[t['id']] = {'user': trustee, 'project': key('project', t['project_id']), 'roles': roles or []}
    for user in users:
        for c in get('/users/%s/application_credentials' % user, 'application_credentials'):
            if c['name'].startswith(PREFIX):
                roles = roles_of(application_credential_id=c['id'], application_credential_secret=CREDENTIAL_SECRET)
                credentials[c['name']] = {'user': user, 'project': key('project', c['project_id']), 'roles': roles or []}
    return trusts, credentials


def makers(users, held, trusts):
    """Key of a domain: ids of those of `users` who can make a user in it, which is tried."""
    domains = [d['id'] for d in get('/domains', 'domains')]

    def attempts(user):
        scopes = [at for at, roles in held.items() if any(user in ids for ids in roles.values())]
        for at in scopes:
            kind, id = ('system', 'all') if at == 'system' else (at.split('/')[1].split('.')[1], at.split('/')[3])
            yield {'system_scope': id} if kind == 'system' else {kind + '_id': id}
        yield from ({'trust_id': t} for t, of in trusts.items() if of['user'] == user)

    def can(user):
        found = set()
        for scope in attempts(user):
            own = session.Session(auth=v3.Password(URL, user_id=user, password='secret', **scope))
            found.update(domain for domain in domains if domain not in found and made(own, user, domain))
        return found

    def made(own, user, domain):
        body = {'user': {'name': '%sby-%s' % (PREFIX, user), 'domain_id': domain, 'enabled': False}}
        try:
            answer = own.post(URL + '/users', json=body)
        except (keystoneauth1.exceptions.Forbidden, keystoneauth1.exceptions.Unauthorized):
            return False
        cloud.delete('identity', '/users/' + answer.json()['user']['id'])
        return True

    # One after the other: of two at once, this keystone was seen to take each for the other.
    found = {user: can(user) for user in users}
    return {key('domain', d): sorted(u for u in users if d in found[u]) for d in domains}


def main():
    planted = sorted(u['id'] for u in get('/users', 'users') if u['name'].startswith(PREFIX))
    held = effective()
    trusts, credentials = tokens(planted)
    print(json.dumps({'roles': sorted(r['name'] for r in get('/roles', 'roles')), 'effective': held, 'trusts': trusts, 'credentials': credentials, 'planted': planted,
                      'create_user': makers(planted, held, trusts)}, indent=1, sort_keys=True))


main()
