"""Cinder backups that copy nothing: the records and states of the API are real, the data is not.

cinder.conf names both classes. The manager never attaches the volume, since
the volume driver has no data to attach.
"""
import io

from cinder.backup import driver
from cinder.backup import manager
from cinder.volume import volume_utils

# The real one asks privsep for the host's initiator names.
volume_utils.brick_get_connector_properties = lambda *args, **kwargs: {'host': 'storage-01', 'ip': '127.0.0.1'}


class TestbedBackupManager(manager.BackupManager):
    def _attach_device(self, *args, **kwargs):
        return {'device': {'path': io.BytesIO()}}

    def _detach_device(self, *args, **kwargs):
        pass


class TestbedBackupDriver(driver.BackupDriver):
    def backup(self, backup, volume_file, backup_metadata=False):
        return {'object_count': 1, 'container': 'testbed'}

    def restore(self, backup, volume_id, volume_file, volume_is_new):
        pass

    def delete_backup(self, backup):
        pass

    def check_for_setup_error(self):
        pass
