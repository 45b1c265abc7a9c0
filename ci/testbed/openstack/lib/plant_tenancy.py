"""Plants grants that nobody should have, and some like them that are in order; takes them away again.

    plant_tenancy.py [--remove | --revoke NAME]

Administrators by every road that keystone knows, managers beyond their domain, customers in the domain of others, and
the account of a service outside of its project. Everybody signs in with the password `secret`.
"""
import json
import sys

from rest import Cloud

PREFIX = 'planted-'
CUSTOMERS, RIVALS = 'customers', PREFIX + 'rivals'
CREDENTIAL_SECRET = 'planted-credential-secret'

# Name: domain. Those of rivals go with their domain.
USERS = {
    'admin': CUSTOMERS, 'trustee': CUSTOMERS, 'second-trustee': CUSTOMERS, 'group-admin': CUSTOMERS, 'inherits': CUSTOMERS,
    'escalated': CUSTOMERS, 'manager-admin': CUSTOMERS, 'foreign-manager': CUSTOMERS, 'system-manager': CUSTOMERS,
    'manager': CUSTOMERS, 'auditor': CUSTOMERS, 'crosser': CUSTOMERS, 'plain': CUSTOMERS, 'fading': CUSTOMERS,
    'left': CUSTOMERS, 'service': 'Default', 'local': RIVALS, 'below': RIVALS}
DISABLED = ('left',)
GROUP = 'admins'
# Who, as user or group: role, where. `below` and `within` are inherited.
GRANTS = [
    ('user', 'admin', 'admin', 'project', 'alpha'),
    ('group', GROUP, 'admin', 'project', 'beta'),
    ('user', 'inherits', 'admin', 'within', RIVALS),
    ('user', 'escalated', PREFIX + 'support-role', 'project', 'gamma'),
    ('user', 'manager-admin', 'manager', 'domain', CUSTOMERS),
    ('user', 'manager-admin', 'admin', 'project', 'alpha'),
    ('user', 'foreign-manager', 'manager', 'domain', RIVALS),
    ('user', 'system-manager', 'manager', 'system', None),
    ('user', 'manager', 'manager', 'domain', CUSTOMERS),
    ('user', 'auditor', 'reader', 'system', None),
    ('user', 'crosser', 'member', 'project', PREFIX + 'web'),
    ('user', 'plain', 'member', 'project', 'beta'),
    ('user', 'fading', 'member', 'project', 'beta'),
    ('user', 'fading', 'creator', 'project', 'beta'),
    ('user', 'left', 'admin', 'project', 'gamma'),
    ('user', 'service', 'service', 'project', 'service'),
    ('user', 'service', 'member', 'project', 'alpha'),
    ('user', 'local', PREFIX + 'local-role', 'project', PREFIX + 'web'),
    ('user', 'below', 'member', 'below', PREFIX + 'web')]


class Planted:
    """What there is by now, by name; makes the rest."""

    def __init__(self):
        self.cloud = Cloud()
        self.domains = self.by_name('/domains', 'domains')
        self.projects = self.by_name('/projects', 'projects')
        # Those of a domain are in no plain list.
        self.roles = self.by_name('/roles', 'roles')
        if RIVALS in self.domains:
            self.roles.update(self.by_name('/roles?domain_id=' + self.domains[RIVALS], 'roles'))
        self.users = self.by_name('/users', 'users')
        self.groups = self.by_name('/groups', 'groups')

    def get(self, path):
        return self.cloud.get('identity', path)

    def by_name(self, path, key):
        return {x['name']: x['id'] for x in self.get(path)[key]}

    def ensure(self, have, kind, name, **body):
        if name not in have:
            have[name] = self.cloud.post('identity', '/%ss' % kind, {kind: dict(body, name=name)})[kind]['id']
        return have[name]

    def path(self, sort, who, role, place, where):
        actor = self.users[PREFIX + who] if sort == 'user' else self.groups[PREFIX + who]
        grant = '%ss/%s/roles/%s' % (sort, actor, self.roles[role])
        if place == 'system':
            return '/system/' + grant
        of = self.domains if place in ('domain', 'within') else self.projects
        path = '/%s/%s/%s' % ('domains' if of is self.domains else 'projects', of[where], grant)
        return '/OS-INHERIT%s/inherited_to_projects' % path if place in ('below', 'within') else path

    def sign_in(self, who, project):
        return Cloud('testbed-member', username=PREFIX + who, project_name=project)

    def plant(self):
        rivals = self.ensure(self.domains, 'domain', RIVALS)
        web = self.ensure(self.projects, 'project', PREFIX + 'web', domain_id=rivals)
        self.ensure(self.projects, 'project', PREFIX + 'shop', domain_id=rivals, parent_id=web)
        for name, domain in USERS.items():
            self.ensure(self.users, 'user', PREFIX + name, domain_id=self.domains[domain], password='secret',
                        enabled=name not in DISABLED)
        group = self.ensure(self.groups, 'group', PREFIX + GROUP, domain_id=self.domains[CUSTOMERS])
        self.cloud.put('identity', '/groups/%s/users/%s' % (group, self.users[PREFIX + 'group-admin']))
        self.ensure(self.roles, 'role', PREFIX + 'support-role')
        self.ensure(self.roles, 'role', PREFIX + 'local-role', domain_id=rivals)
        for prior, implied in ((PREFIX + 'support-role', 'admin'), (PREFIX + 'local-role', 'member')):
            path = '/roles/%s/implies/%s' % (self.roles[prior], self.roles[implied])
            self.cloud.put('identity', path, ok=(409,))
        for grant in GRANTS:
            self.cloud.put('identity', self.path(*grant))
        trust = self.trust(self.sign_in('admin', 'alpha'), 'admin', 'trustee', 'alpha', ['admin'], allow_redelegation=True,
                           redelegation_count=2)
        trusted = Cloud('testbed-member', username=PREFIX + 'trustee', project_name=None, project_domain_name=None, trust_id=trust)
        second = self.trust(trusted, 'admin', 'second-trustee', 'alpha', ['admin'])
        lost = self.trust(self.sign_in('fading', 'beta'), 'fading', 'plain', 'beta', ['creator', 'member'])
        # A trust whose trustor lost one of its roles gives none.
        self.revoke('fading-creator')
        ids = {'unrestricted': self.credential('admin', 'alpha', unrestricted=True),
               'restricted': self.credential('plain', 'beta', roles=[{'name': 'member'}]),
               'trust': trust, 'second-trust': second, 'lost-trust': lost}
        for have in (self.domains, self.projects, self.roles, self.users, self.groups):
            ids.update({name[len(PREFIX):]: id for name, id in have.items() if name.startswith(PREFIX)})
        return ids

    def trust(self, cloud, trustor, trustee, project, roles, **more):
        trustor, trustee = self.users[PREFIX + trustor], self.users[PREFIX + trustee]
        for t in self.get('/OS-TRUST/trusts?trustee_user_id=' + trustee)['trusts']:
            return t['id']
        return cloud.post('identity', '/OS-TRUST/trusts', {'trust': dict(
            more, trustor_user_id=trustor, trustee_user_id=trustee, project_id=self.projects[project], impersonation=True,
            roles=[{'name': r} for r in roles])})['trust']['id']

    def credential(self, who, project, **more):
        path = '/users/%s/application_credentials' % self.users[PREFIX + who]
        for c in self.get(path)['application_credentials']:
            return c['id']
        return self.sign_in(who, project).post('identity', path, {'application_credential': dict(
            more, name=PREFIX + who, secret=CREDENTIAL_SECRET)})['application_credential']['id']

    def revoke(self, name):
        """Takes the grants away that are of WHO-ROLE, such as `admin-admin`."""
        for grant in GRANTS:
            if '%s-%s' % (grant[1], grant[2]) == name:
                self.cloud.delete('identity', self.path(*grant), ok=(404,))

    def remove(self):
        # Grants, trusts and credentials go with the users.
        for kind, have in (('users', self.users), ('groups', self.groups), ('roles', self.roles)):
            for name, id in have.items():
                if name.startswith(PREFIX):
                    self.cloud.delete('identity', '/%s/%s' % (kind, id), ok=(404,))
        for name in (PREFIX + 'shop', PREFIX + 'web'):
            if name in self.projects:
                self.cloud.delete('identity', '/projects/' + self.projects[name])
        if RIVALS in self.domains:
            path = '/domains/' + self.domains[RIVALS]
            self.cloud.patch('identity', path, {'domain': {'enabled': False}})
            self.cloud.delete('identity', path)


def main():
    planted = Planted()
    if sys.argv[1:] == ['--remove']:
        planted.remove()
    elif sys.argv[1:2] == ['--revoke']:
        planted.revoke(sys.argv[2])
    else:
        print(json.dumps(planted.plant(), indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
