"""Barbican's WSGI application, with its configuration where the testbed keeps it.

Barbican's own entry reads /etc/barbican, and takes no arguments: each of its
modules parses the configuration anew while it is imported, from the files
that oslo.config finds for the project. So this module has to be the first.
"""
import os
import sys

from oslo_config import cfg

ETC = os.path.join(os.environ['TB_DIR'], 'etc', 'barbican')

cfg.find_config_files = lambda *args, **kwargs: [os.path.join(ETC, 'barbican.conf')]

# Barbican also puts its own object in place of cfg.CONF, where whoever was
# imported before has registered its options: the middleware is imported anew.
for name in [m for m in sys.modules if m.split('.')[0] == 'keystonemiddleware']:
    del sys.modules[name]

import barbican.api.app         # noqa: E402
import barbican.api.controllers.versions    # noqa: E402,F401


def __getattr__(name):
    """Builds `application` when it is first asked for: it needs the database, which importing does not."""
    if name != 'application':
        raise AttributeError(name)
    from paste import deploy
    return deploy.loadapp('config:' + os.path.join(ETC, 'barbican-api-paste.ini'))
