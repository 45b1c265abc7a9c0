"""The storage host's way to a volume: the file in which the volume driver keeps it, in place of a block device.

cinder.conf names the manager. Everything else of a backup is cinder's own:
its volume manager is asked for the connection, its posix driver reads, packs
and writes.
"""
from cinder.backup import manager
from cinder.volume import volume_utils

import testbed_cinder

# The real one asks privsep for the host's initiator names.
volume_utils.brick_get_connector_properties = lambda *args, **kwargs: {'host': 'storage-01', 'ip': '127.0.0.1'}


class FileConnector:
    def disconnect_volume(self, *args, **kwargs):
        pass


class TestbedBackupManager(manager.BackupManager):
    def _connect_device(self, conn):
        path = testbed_cinder.path_of(conn['data']['volume_id'])
        return {'conn': conn, 'device': {'path': path}, 'connector': FileConnector()}
