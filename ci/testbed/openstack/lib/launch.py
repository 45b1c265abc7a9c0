"""Starts the OpenStack services of one family as children of one import.

    launch.py FAMILY

Importing nova costs five CPU seconds, and nine nova processes run. So each
family's code is imported once here and every service is a fork of that, put
into its own session, with its own log and pid file. Families run at the same
time; each waits, after the import, for what its services need (FAMILIES.needs).
Services that already run are left alone. Exits once everything is forked.

Environment: TB_DIR (work directory), TB_PORTS (`name=port` pairs), TB_COMPUTES,
TB_NETS (host names).
"""
import gc
import importlib
import os
import shlex
import signal
import socket
import sys
import time
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
                     'wsgi_shim:application']
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
# Cinder's daemons patch the standard library for eventlet at import and its API
# must not be patched, hence two families.
CONFIG = 'parse the configuration'
WEB = ['gunicorn.app.wsgiapp', 'gunicorn.workers.gthread', 'pymysql']
FAMILIES = {
    'keystone': {
        'preload': WEB + ['keystone.server.wsgi', CONFIG, 'keystone.server.flask.application',
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
        'preload': WEB + ['placement.wsgi', 'placement.deploy'],
        'needs': ['db'],
        'services': {
            'placement': api_of('placement', 'placement.wsgi.api', ['placement-api'],
                                OS_PLACEMENT_CONFIG_DIR=os.path.join(ETC, 'placement')),
        },
    },
    'glance': {
        'preload': WEB + ['glance.common.wsgi_app', CONFIG, 'glance.api.v2.router'],
        'conf': conf('glance', 'glance-api.conf'),
        'needs': ['db', 'mq'],
        'services': {
            'glance': api_of('glance', 'glance.wsgi.api', ['glance-api'],
                             OS_GLANCE_CONFIG_DIR=os.path.join(ETC, 'glance')),
        },
    },
    'nova': {
        'preload': WEB + ['nova.cmd.compute', 'nova.cmd.conductor', 'nova.cmd.scheduler', CONFIG,
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
        'preload': WEB + ['neutron.cmd.server', 'neutron.common.config:register_common_config_options', CONFIG,
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
    'cinder-api': {
        'preload': WEB + ['cinder.objects:register_all', 'cinder.wsgi.wsgi', CONFIG, 'cinder.api.v3.router'],
        'conf': CINDER,
        'needs': ['db', 'mq', 'keystone'],
        'services': {
            'cinder-api': api_of('cinder', 'cinder.wsgi.api', ['cinder-api'] + CINDER),
        },
    },
    'cinder': {
        'preload': ['cinder.cmd.volume', 'cinder.cmd.scheduler', 'cinder.cmd.backup', 'pymysql',
                    'cinder.objects:register_all', CONFIG,
                    'cinder.volume.manager', 'cinder.scheduler.manager', 'testbed_backup'],
        'conf': CINDER,
        'needs': ['db', 'mq', 'keystone'],
        'services': {
            'cinder-scheduler': main_of('cinder.cmd.scheduler', 'main', ['cinder-scheduler'] + CINDER),
            'cinder-volume': main_of('cinder.cmd.volume', 'main', ['cinder-volume'] + CINDER),
            'cinder-backup': main_of('cinder.cmd.backup', 'main', ['cinder-backup'] + CINDER),
        },
    },
}


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
    try:
        with socket.create_connection(('127.0.0.1', PORTS[need]), 1) as s:
            if need in ('db', 'mq'):
                return True
            s.sendall(b'GET / HTTP/1.0\r\n\r\n')
            return s.recv(5) == b'HTTP/'
    except OSError:
        return False


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
        if 'eventlet.hubs' in sys.modules:
            # The hub of the parent lost its epoll descriptor above.
            from eventlet import hubs
            hubs.use_hub()
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


def main():
    name = sys.argv[1]
    family = FAMILIES[name]
    if all(alive(s) for s in family['services']):
        return
    warnings.simplefilter('ignore')
    os.environ['PYTHONWARNINGS'] = 'ignore'
    sys.path.insert(0, LIB)
    t = time.time()
    cpu = time.process_time()
    sys.argv = sys.argv[:1]
    for entry in family['preload']:
        if entry is CONFIG:
            from oslo_config import cfg
            cfg.CONF(family['conf'], project=name.partition('-')[0])
            continue
        module, _, function = entry.partition(':')
        loaded = importlib.import_module(module)
        if function:
            getattr(loaded, function)()
    if CONFIG in family['preload']:
        cfg.CONF.clear()    # each service parses its own arguments
    print('imported in %.1f s, %.1f CPU s' % (time.time() - t, time.process_time() - cpu), flush=True)
    end = time.time() + 300
    for need in family['needs']:
        while not met(need):
            if time.time() > end:
                sys.exit('%s: waited too long for %s' % (name, need))
            time.sleep(0.1)
    gc.collect()
    gc.freeze()
    for s, service in family['services'].items():
        if not alive(s):
            fork(s, service)
    print('forked after %.1f s' % (time.time() - t), flush=True)


if __name__ == '__main__':
    main()
