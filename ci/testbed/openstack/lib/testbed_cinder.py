"""Cinder volume driver that keeps no data: what the API shows is real, capacity is bookkeeping in memory."""
from cinder.volume import configuration
from cinder.volume import driver
from oslo_config import cfg

OPTS = [cfg.FloatOpt('testbed_capacity_gb', default=100000.0)]


class TestbedDriver(driver.VolumeDriver):
    VERSION = '1.0'

    def __init__(self, *a, **kw):
        super().__init__(*a, **kw)
        self.configuration.append_config_values(OPTS)
        self._sizes = {}

    def do_setup(self, context): pass
    def check_for_setup_error(self): pass
    def create_volume(self, volume): self._sizes[volume.id] = volume.size
    def delete_volume(self, volume): self._sizes.pop(volume.id, None)
    def create_snapshot(self, snapshot): pass
    def delete_snapshot(self, snapshot): pass
    def create_cloned_volume(self, volume, src_vref): self.create_volume(volume)
    def create_volume_from_snapshot(self, volume, snapshot): self.create_volume(volume)
    def extend_volume(self, volume, new_size): self._sizes[volume.id] = new_size
    def ensure_export(self, context, volume): pass
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
