"""FakeDriver with capacity from the environment, stable node uuids and restart tolerance."""
import os
import uuid
from nova.virt import fake, hardware
from nova.compute import power_state


def _uuid(node):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, 'testbed-node-%s' % node))


class TestbedDriver(fake.FakeDriver):
    vcpus = int(os.environ.get('TB_VCPUS', 64))
    memory_mb = int(os.environ.get('TB_MEMORY_MB', 524288))
    local_gb = int(os.environ.get('TB_LOCAL_GB', 4000))

    def __init__(self, virtapi, read_only=False):
        super().__init__(virtapi, read_only)
        self.host_status_base['hypervisor_type'] = 'QEMU'
        self.host_status_base['hypervisor_version'] = 8002002
        self.host_status_base['disk_available_least'] = self.local_gb
        # ImagePropertiesFilter compares image property hypervisor_type with this list
        self.host_status_base['supported_instances'] = [
            ('x86_64', 'kvm', 'hvm'), ('x86_64', 'qemu', 'hvm')]

    # upstream uses uuidsentinel: a new random node uuid per process, which nova-compute
    # refuses on its second start. Make it a function of the node name.
    def get_available_resource(self, nodename):
        res = super().get_available_resource(nodename)
        if res:
            res['uuid'] = _uuid(nodename)
        return res

    def get_nodenames_by_uuid(self, refresh=False):
        return {_uuid(n): n for n in self.get_available_nodes()}

    # instances live in memory only: adopt what the database says after a restart
    def get_info(self, instance, use_cache=True):
        if instance.uuid not in self.instances:
            state = instance.power_state
            if state is None:
                state = power_state.RUNNING
            self.instances[instance.uuid] = fake.FakeInstance(
                instance.name, state, instance.uuid)
        return hardware.InstanceInfo(state=self.instances[instance.uuid].state)

    def get_host_uptime(self):
        return ' 10:00:00 up 42 days,  3:14,  0 users,  load average: 0.50, 0.40, 0.30'

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        super().update_provider_tree(provider_tree, nodename, allocations)
        provider_tree.add_traits(nodename, 'HW_CPU_X86_AVX2', 'HW_CPU_X86_AESNI')
