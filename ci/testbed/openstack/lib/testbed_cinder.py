"""Cinder volume driver: each volume is a small file, whatever its size; capacity is bookkeeping in memory.

What the API shows is real. The file holds enough for a backup to read and a
restore to bring back.
"""
import os
import shutil

from cinder.volume import driver
from oslo_config import cfg

OPTS = [cfg.FloatOpt('testbed_capacity_gb', default=100000.0)]
# Two files of a backup and a half, by backup_file_size.
DATA_BYTES = 80 * 1024


def path_of(id):
    """Where the data of a volume or snapshot is."""
    folder = os.path.join(cfg.CONF.state_path, 'volumes')
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, id)


def write(id):
    line = ('volume %s\n' % id).encode()
    with open(path_of(id), 'wb') as f:
        f.write((line * (DATA_BYTES // len(line) + 1))[:DATA_BYTES])


def copy(source, target):
    # A volume of an older testbed has no file.
    if not os.path.exists(path_of(source)):
        write(source)
    shutil.copyfile(path_of(source), path_of(target))


def remove(id):
    try:
        os.unlink(path_of(id))
    except FileNotFoundError:
        pass


class TestbedDriver(driver.VolumeDriver):
    VERSION = '1.1'

    def __init__(self, *a, **kw):
        super().__init__(*a, **kw)
        self.configuration.append_config_values(OPTS)
        self._sizes = {}

    def do_setup(self, context): pass
    def check_for_setup_error(self): pass

    def create_volume(self, volume):
        self._sizes[volume.id] = volume.size
        write(volume.id)

    def delete_volume(self, volume):
        self._sizes.pop(volume.id, None)
        remove(volume.id)

    def create_snapshot(self, snapshot): copy(snapshot.volume_id, snapshot.id)
    def delete_snapshot(self, snapshot): remove(snapshot.id)

    def create_cloned_volume(self, volume, src_vref):
        self._sizes[volume.id] = volume.size
        copy(src_vref.id, volume.id)

    def create_volume_from_snapshot(self, volume, snapshot):
        self._sizes[volume.id] = volume.size
        copy(snapshot.id, volume.id)

    def extend_volume(self, volume, new_size): self._sizes[volume.id] = new_size

    def ensure_export(self, context, volume):
        if not os.path.exists(path_of(volume.id)):
            write(volume.id)

    def create_export(self, context, volume, connector): pass
    def remove_export(self, context, volume): pass
    def initialize_connection(self, volume, connector):
        return {'driver_volume_type': 'rbd', 'data': {
            'name': 'volumes/volume-%s' % volume.id, 'hosts': ['127.0.0.1'], 'ports': ['6789'],
            'cluster_name': 'ceph', 'auth_enabled': False, 'volume_id': volume.id}}
    def terminate_connection(self, volume, connector, **kw): pass
    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False): pass
    def clone_image(self, context, volume, image_location, image_meta, image_service):
        self.create_volume(volume); return {}, True     # "copy on write clone", no data copied

    def _update_volume_stats(self):
        total = self.configuration.testbed_capacity_gb
        used = float(sum(self._sizes.values()))
        self._stats = {'volume_backend_name': self.configuration.volume_backend_name,
                       'vendor_name': 'Testbed', 'driver_version': self.VERSION, 'storage_protocol': 'ceph',
                       'pools': [{'pool_name': self.configuration.volume_backend_name,
                                  'total_capacity_gb': total, 'free_capacity_gb': total - used,
                                  'provisioned_capacity_gb': used, 'allocated_capacity_gb': used,
                                  'max_over_subscription_ratio': 1.0, 'reserved_percentage': 0,
                                  'thin_provisioning_support': True, 'multiattach': True}]}
