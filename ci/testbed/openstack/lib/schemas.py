"""Makes all database schemas, the keys of keystone and its first user: what the *-manage commands do.

    schemas.py REGION ADMIN_PASSWORD KEYSTONE_URL DATABASE_URL

The commands of one project run one after the other, projects at the same time,
each command as a fork of one import (see launch.py). Logs go to sync-PROJECT.log.
"""
import importlib
import os
import sys

import launch

region, password, keystone, database = sys.argv[1:]
KEYSTONE = launch.conf('keystone', 'keystone.conf')
OWNER = ['--keystone-user', 'root', '--keystone-group', 'root']
# project: (module with main(), argument lists in order). The longest comes first.
COMMANDS = {
    'neutron': ('neutron.db.migration.cli', [launch.NEUTRON + ['upgrade', 'heads']]),
    'nova': ('nova.cmd.manage', [
        launch.NOVA + ['api_db', 'sync'],
        launch.NOVA + ['cell_v2', 'map_cell0', '--database_connection', database + '/nova_cell0?charset=utf8mb4'],
        launch.NOVA + ['cell_v2', 'create_cell', '--name=cell1'],
        launch.NOVA + ['db', 'sync']]),
    'keystone': ('keystone.cmd.manage', [
        KEYSTONE + ['db_sync'],
        KEYSTONE + ['fernet_setup'] + OWNER,
        KEYSTONE + ['credential_setup'] + OWNER,
        KEYSTONE + ['bootstrap', '--bootstrap-password', password, '--bootstrap-region-id', region]
        + [a for i in ('public', 'internal', 'admin') for a in ('--bootstrap-%s-url' % i, keystone + '/v3')]]),
    'cinder': ('cinder.cmd.manage', [launch.CINDER + ['db', 'sync']]),
    'barbican': ('barbican.cmd.db_manage', [['--dburl', database + '/barbican?charset=utf8mb4', 'upgrade']]),
    'glance': ('glance.cmd.manage', [launch.conf('glance', 'glance-api.conf') + ['db_sync']]),
    'placement': ('placement.cmd.manage', [launch.conf('placement', 'placement.conf') + ['db', 'sync']]),
}


def child(f, *args):
    """Runs f in a fork; returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = f(*args) or 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
        if isinstance(e.code, str):
            print(e.code, file=sys.stderr)
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def sync(project):
    log = os.open(os.path.join(launch.LOG, 'sync-%s.log' % project), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    module, commands = COMMANDS[project]
    main = importlib.import_module(module).main
    for argv in commands:
        def run(argv=argv):
            sys.argv = [project + '-manage'] + argv
            return main()
        if os.waitpid(child(run), 0)[1]:
            print('failed: ' + ' '.join(argv[-3:]), file=sys.stderr)
            return 1
    return 0


launch.preload_shared()
running = {child(sync, p): p for p in COMMANDS}
failed = []
while running:
    pid, status = os.wait()
    project = running.pop(pid)
    if status:
        failed.append(project)
if failed:
    sys.exit('failed: ' + ' '.join(failed))
