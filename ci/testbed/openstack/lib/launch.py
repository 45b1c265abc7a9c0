"""Starts OpenStack services as forks of one import.

    launch.py FAMILY...

Importing nova costs five CPU seconds, three of them in libraries that all
projects share, and twenty processes run. So the shared libraries are imported
once; a fork of that for each family imports the family's code; and every
service is a fork of its family, put into its own session, with its own log and
pid file. A family waits, after the import, for what its services need
(FAMILIES.needs). Services that already run are left alone. Exits once
everything is forked; 1 if a family failed, and names it.

Environment: TB_DIR (work directory), TB_PORTS (`name=port` pairs), TB_COMPUTES,
TB_NETS (host names), TB_ADMIN_PW.
"""
import gc
import importlib
import json
import os
import shlex
import signal
import socket
import sys
import time
import urllib.request
import warnings

DIR = os.environ['TB_DIR']
ETC, LOG, RUN, STATE = (os.path.join(DIR, d) for d in ('etc', 'log', 'run', 'state'))
LIB = os.path.dirname(os.path.abspath(__file__))
PORTS = {k: int(v) for k, v in (p.split('=') for p in os.environ['TB_PORTS'].split())}
COMPUTES = os.environ['TB_COMPUTES'].split()


def main_of(module, function, argv, **env):
    """A service that is the console script `module:function` with these arguments."""
    return {'run': lambda: getattr(importlib.import_module(module), function)(), 'argv': argv, 'env': env}


def api_of(name, module, argv, **env):
    """A service that is the WSGI application of `module` below gunicorn, on the port of `name`."""
    def run():
        from gunicorn.app.wsgiapp import run as gunicorn
        gunicorn()
    # Nova asks neutron for the ports of hundreds of servers in one query string:
    # the default limit of 4094 bytes makes that an error 500 of nova.
    gunicorn_argv = ['gunicorn', '--bind', '127.0.0.1:%d' % PORTS[name], '--workers', '1', '--threads', '8',
                     '--worker-class', 'gthread', '--timeout', '180', '--graceful-timeout', '5', '--keep-alive', '30',
                     '--limit-request-line', '0', '--limit-request-field_size', '65536', '--worker-tmp-dir', '/dev/shm',
                     '--no-control-socket', 'wsgi_shim:application']
    return {'run': run, 'argv': gunicorn_argv, 'env': dict(env, TB_MODULE=module, TB_ARGV=shlex.join(argv))}


def conf(project, *files):
    return [a for f in files for a in ('--config-file', os.path.join(ETC, project, f))]


NOVA = conf('nova', 'nova.conf')
NEUTRON = conf('neutron', 'neutron.conf', 'ml2_conf.ini')
CINDER = conf('cinder', 'cinder.conf')

# preload: modules to import, in order. None may build an application object;
# `module:function` is also called. Decorators read the configuration while a
# module is imported (the spacing of nova's periodic tasks, for one), so CONFIG
# stands where the daemon itself would have parsed `conf`: after its command
# modules, which register command line options, before its managers.
CONFIG = 'parse the configuration'
# Imported once for all families.
SHARED = ['gunicorn.app.wsgiapp', 'gunicorn.workers.gthread', 'pymysql', 'sqlalchemy.orm', 'sqlalchemy.dialects.mysql.pymysql',
          'alembic.migration', 'oslo_config.cfg', 'oslo_context.context', 'oslo_db.api', 'oslo_db.options',
          'oslo_db.sqlalchemy.enginefacade', 'oslo_db.sqlalchemy.models', 'oslo_db.sqlalchemy.utils', 'oslo_log.log',
          'oslo_messaging', 'oslo_messaging._drivers.impl_rabbit', 'oslo_policy.policy', 'oslo_policy.opts',
          'oslo_concurrency.lockutils', 'oslo_concurrency.processutils', 'oslo_serialization.jsonutils', 'oslo_utils.timeutils',
          'oslo_utils.uuidutils', 'oslo_utils.netutils', 'oslo_utils.strutils', 'oslo_cache.core', 'oslo_cache.backends.memcache_pool',
          'oslo_middleware', 'oslo_versionedobjects.base', 'keystonemiddleware.auth_token', 'keystoneauth1.loading',
          'keystoneauth1.identity', 'kombu', 'amqp', 'webob', 'webob.dec', 'routes.middleware', 'paste.deploy', 'paste.urlmap',
          'jsonschema', 'stevedore', 'requests', 'cryptography.x509', 'cryptography.fernet', 'dogpile.cache', 'yaml',
          'multiprocessing', 'futurist', 'netaddr', 'tenacity', 'openstack', 'openstack.connection']
FAMILIES = {
    'keystone': {
        'preload': ['keystone.server.wsgi', CONFIG, 'keystone.server.flask.application',
                          'oslo_cache.backends.memcache_pool'],
        'conf': conf('keystone', 'keystone.conf'),
        'needs': ['db'],
        'services': {
            'keystone': api_of('keystone', 'keystone.wsgi.api', ['keystone-wsgi'],
                               OS_KEYSTONE_CONFIG_DIR=os.path.join(ETC, 'keystone'),
                               OS_KEYSTONE_CONFIG_FILES='keystone.conf'),
        },
    },
    'placement': {
        'preload': ['placement.wsgi', 'placement.deploy'],
        'needs': ['db', 'keystone'],
        'services': {
            'placement': api_of('placement', 'placement.wsgi.api', ['placement-api'],
                                OS_PLACEMENT_CONFIG_DIR=os.path.join(ETC, 'placement')),
        },
    },
    'barbican': {
        'preload': ['testbed_barbican'],
        'needs': ['db', 'keystone'],
        'services': {
            'barbican': api_of('barbican', 'testbed_barbican', ['barbican-api']),
        },
    },
    'glance': {
        'preload': ['glance.common.wsgi_app', CONFIG, 'glance.api.v2.router'],
        'conf': conf('glance', 'glance-api.conf'),
        'needs': ['db', 'mq', 'keystone'],
        'services': {
            'glance': api_of('glance', 'glance.wsgi.api', ['glance-api'],
                             OS_GLANCE_CONFIG_DIR=os.path.join(ETC, 'glance')),
        },
    },
    'nova': {
        'preload': ['nova.cmd.compute', 'nova.cmd.conductor', 'nova.cmd.scheduler', CONFIG,
                          'nova.compute.manager', 'nova.conductor.manager', 'nova.scheduler.manager',
                          'nova.virt.testbed', 'nova.api.openstack.compute.routes', 'nova.api.openstack.wsgi_app'],
        'conf': NOVA,
        'needs': ['db', 'mq', 'keystone', 'placement'],
        'services': dict(
            {
                # nova's WSGI entry hands the FIRST configuration file to paste.deploy.
                'nova-api': api_of('nova', 'nova.wsgi.osapi_compute', ['nova-api'],
                                   OS_NOVA_CONFIG_DIR=os.path.join(ETC, 'nova'),
                                   OS_NOVA_CONFIG_FILES='api-paste.ini;nova.conf'),
                'nova-conductor': main_of('nova.cmd.conductor', 'main', ['nova-conductor'] + NOVA),
                'nova-scheduler': main_of('nova.cmd.scheduler', 'main', ['nova-scheduler'] + NOVA),
            },
            **{'nova-' + h: main_of('nova.cmd.compute', 'main',
                                    ['nova-compute'] + NOVA + conf('nova', h + '/compute.conf')) for h in COMPUTES}),
    },
    'neutron': {
        'preload': ['neutron.cmd.server', 'neutron.common.config:register_common_config_options', CONFIG,
                          'neutron.plugins.ml2.plugin', 'neutron.plugins.ml2.rpc',
                          'neutron.services.l3_router.l3_router_plugin', 'neutron.services.qos.qos_plugin',
                          'neutron.services.trunk.plugin', 'neutron.agent.rpc', 'openstack'],
        'conf': NEUTRON,
        'needs': ['db', 'mq', 'keystone'],
        'services': {
            'neutron-api': api_of('neutron', 'neutron.wsgi.api', ['neutron-api'] + NEUTRON),
            'neutron-rpc': main_of('neutron.cmd.server', 'main_rpc', ['neutron-rpc-server'] + NEUTRON),
            'neutron-agents': main_of('fake_agents', 'main', ['fake-agents'] + NEUTRON,
                                      TB_AGENTS_DOWN=os.path.join(DIR, 'agents-down')),
        },
    },
    'cinder': {
        'preload': ['cinder.cmd.volume', 'cinder.cmd.scheduler', 'cinder.cmd.backup', 'cinder.objects:register_all',
                    'cinder.wsgi.wsgi', CONFIG, 'cinder.volume.manager', 'cinder.scheduler.manager', 'cinder.api.v3.router'],
        'conf': CINDER,
        'needs': ['db', 'mq', 'keystone'],
        'services': {
            'cinder-api': api_of('cinder', 'cinder.wsgi.api', ['cinder-api'] + CINDER),
            'cinder-scheduler': main_of('cinder.cmd.scheduler', 'main', ['cinder-scheduler'] + CINDER),
            'cinder-volume': main_of('cinder.cmd.volume', 'main', ['cinder-volume'] + CINDER),
            'cinder-backup': main_of('cinder.cmd.backup', 'main', ['cinder-backup'] + CINDER),
        },
    },
}
# A service that calls another at once, and waits long for an answer that never
# comes, is forked only when that queue has a consumer.
AFTER_QUEUE = dict({'nova-' + h: 'conductor' for h in COMPUTES}, **{'neutron-agents': 'q-reports-plugin'})


def start_time(pid):
    """The start time of a live process, None if it is gone or a zombie (as common.sh has it)."""
    try:
        with open('/proc/%d/stat' % pid) as f:
            fields = f.read().rsplit(') ', 1)[1].split()
    except OSError:
        return None
    return None if fields[0] in 'ZX' else fields[19]


def alive(name):
    try:
        with open(os.path.join(RUN, name + '.pid')) as f:
            pid, was = f.read().split()
    except (OSError, ValueError):
        return False
    return start_time(int(pid)) == was


def met(need):
    if need == 'db':
        # The marker is written when the schemas are complete.
        if not os.path.exists(os.path.join(STATE, '.schema')):
            return False
    if need == 'keystone' and not (os.path.exists(os.path.join(RUN, 'keystone.warm'))
                                   and os.path.exists(os.path.join(STATE, '.bootstrapped'))):
        return False
    try:
        with socket.create_connection(('127.0.0.1', PORTS[need]), 1) as s:
            if need in ('db', 'mq'):
                return True
            s.sendall(b'GET / HTTP/1.0\r\n\r\n')
            return s.recv(5) == b'HTTP/'
    except OSError:
        return False


def warm_keystone():
    """One authorised request, alone, before the others come.

    Keystone loads its policy on first use, and a second thread that comes
    meanwhile is refused: a service whose token could not be validated then
    gives up for its whole start.
    """
    url = 'http://127.0.0.1:%d/v3/auth/tokens' % PORTS['keystone']
    who = {'name': 'admin', 'password': os.environ['TB_ADMIN_PW'], 'domain': {'id': 'default'}}
    body = {'auth': {'identity': {'methods': ['password'], 'password': {'user': who}},
                     'scope': {'project': {'name': 'admin', 'domain': {'id': 'default'}}}}}
    end = time.time() + 60
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(
                    url, json.dumps(body).encode(), {'Content-Type': 'application/json'}), timeout=60) as r:
                token = r.headers['X-Subject-Token']
            with urllib.request.urlopen(urllib.request.Request(
                    url, headers={'X-Auth-Token': token, 'X-Subject-Token': token}), timeout=60):
                break
        except OSError as e:
            if time.time() > end:
                sys.exit('keystone does not answer: %s' % e)
            time.sleep(0.1)
    with open(os.path.join(RUN, 'keystone.warm'), 'w'):
        pass


def fork(name, service):
    log = os.path.join(LOG, name + '.log')
    if os.path.exists(log):
        os.replace(log, log + '.old')
    pid = os.fork()
    if pid:
        with open(os.path.join(RUN, name + '.pid'), 'w') as f:
            f.write('%d %s\n' % (pid, start_time(pid) or 0))
        return
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chdir(RUN)
        fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.closerange(3, 256)
        os.environ.update(service['env'])
        sys.argv = list(service['argv'])
        code = service['run']()
        sys.exit(code)
    except SystemExit:
        raise
    except BaseException:
        import traceback
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def consumed(queue):
    """Does a service listen on this queue of the message bus?"""
    import amqp
    try:
        with amqp.Connection('127.0.0.1:%d' % PORTS['mq'], 'guest', 'guest') as connection:
            return connection.channel().queue_declare(queue, passive=True).consumer_count > 0
    except (OSError, amqp.exceptions.AMQPError):
        return False


def wait(what, condition):
    end = time.time() + 300
    while not condition():
        if time.time() > end:
            sys.exit('waited too long for ' + what)
        time.sleep(0.1)


def preload(modules, config=None, project=None):
    for entry in modules:
        if entry is CONFIG:
            from oslo_config import cfg
            cfg.CONF(config, project=project)
            continue
        module, _, function = entry.partition(':')
        loaded = importlib.import_module(module)
        if function:
            getattr(loaded, function)()
    if CONFIG in modules:
        cfg.CONF.clear()    # each service parses its own arguments


def preload_shared():
    warnings.simplefilter('ignore')
    # Cinder's daemons and nova-manage still patch the standard library for eventlet by default;
    # that excludes shared imports, and native threads do work.
    os.environ.update(PYTHONWARNINGS='ignore', OS_CINDER_DISABLE_EVENTLET_PATCHING='1', OS_NOVA_DISABLE_EVENTLET_PATCHING='1')
    sys.path.insert(0, LIB)
    # Everything runs with native threads, and nova refuses to once eventlet is
    # imported, which several libraries try and do without.
    sys.modules['eventlet'] = None
    from oslo_service import backend
    backend.init_backend(backend.BackendType.THREADING)
    preload(SHARED)
    del sys.modules['eventlet']
    print('shared libraries: %.1f CPU s' % time.process_time(), flush=True)


def start_family(name):
    family = FAMILIES[name]
    t = time.time()
    preload(family['preload'], family.get('conf'), name)
    print('imported in %.1f s, %.1f CPU s' % (time.time() - t, time.process_time()), flush=True)
    for need in family['needs']:
        wait(need, lambda: met(need))
    gc.collect()
    gc.freeze()
    for s, service in family['services'].items():
        if not alive(s):
            if s in AFTER_QUEUE:
                wait('queue ' + AFTER_QUEUE[s], lambda: consumed(AFTER_QUEUE[s]))
            fork(s, service)
    if name == 'keystone':
        warm_keystone()
    print('forked after %.1f s' % (time.time() - t), flush=True)


def main():
    wanted = [f for f in sys.argv[1:] if not all(alive(s) for s in FAMILIES[f]['services'])]
    if not wanted:
        return
    preload_shared()
    sys.argv = sys.argv[:1]
    gc.collect()
    gc.freeze()
    children = {}
    for name in wanted:
        pid = os.fork()
        if pid:
            children[pid] = name
            continue
        log = os.open(os.path.join(LOG, 'launch-%s.log' % name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        start_family(name)
        return
    failed = []
    while children:
        pid, status = os.wait()
        name = children.pop(pid)
        if status:
            failed.append(name)
    if failed:
        sys.exit('failed: ' + ' '.join(failed))


if __name__ == '__main__':
    main()
