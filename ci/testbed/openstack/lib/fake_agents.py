"""Neutron agents that exist on the message bus only.

Reports the state of OVS, DHCP, L3 and metadata agents for all hosts over the
real RPC, so that ML2 binds ports; marks bound ports as up and ready for DHCP;
syncs routers and sets the status of floating IPs. Hosts named in the file
$TB_AGENTS_DOWN, one per line, are silent: their agents count as dead after
neutron's agent_down_time of 75 s. Wires nothing.
"""
import os
import sys
import time
import traceback

REPORT_EVERY = 20
SYNC_EVERY = 10
PORTS_PER_CALL = 50


def agents(computes, nets):
    for n, host in enumerate(computes + nets, 1):
        yield {'binary': 'neutron-openvswitch-agent', 'host': host, 'topic': 'N/A', 'agent_type': 'Open vSwitch agent',
               'availability_zone': None,
               'configurations': {'bridge_mappings': {'physnet1': 'br-ex'}, 'tunnel_types': ['vxlan'],
                                  'tunneling_ip': '127.0.1.%d' % n, 'devices': 0, 'l2_population': False,
                                  'arp_responder_enabled': False, 'enable_distributed_routing': False,
                                  'log_agent_heartbeats': False, 'extensions': ['qos'], 'datapath_type': 'system',
                                  'ovs_capabilities': {'datapath_types': ['system'], 'iface_types': ['vxlan']},
                                  'vhostuser_socket_dir': '/var/run/openvswitch', 'ovs_hybrid_plug': False,
                                  'in_distributed_mode': False, 'integration_bridge': 'br-int',
                                  'resource_provider_bandwidths': {}, 'baremetal_smartnic': False}}
    for host in nets:
        yield {'binary': 'neutron-dhcp-agent', 'host': host, 'topic': 'dhcp_agent', 'agent_type': 'DHCP agent',
               'availability_zone': 'nova',
               'configurations': {'dhcp_driver': 'neutron.agent.linux.dhcp.Dnsmasq', 'dhcp_lease_duration': 86400,
                                  'log_agent_heartbeats': False, 'networks': 0, 'subnets': 0, 'ports': 0}}
        yield {'binary': 'neutron-l3-agent', 'host': host, 'topic': 'l3_agent', 'agent_type': 'L3 agent',
               'availability_zone': 'nova',
               'configurations': {'agent_mode': 'legacy', 'handle_internal_only_routers': True, 'routers': 0,
                                  'ex_gw_ports': 0, 'interfaces': 0, 'floating_ips': 0,
                                  'interface_driver': 'openvswitch', 'log_agent_heartbeats': False, 'extensions': []}}
        yield {'binary': 'neutron-metadata-agent', 'host': host, 'topic': 'N/A', 'agent_type': 'Metadata agent',
               'availability_zone': None,
               'configurations': {'metadata_proxy_socket': '/run/metadata_proxy', 'nova_metadata_host': '127.0.0.1',
                                  'nova_metadata_port': 8775, 'log_agent_heartbeats': False}}


def silent_hosts():
    try:
        with open(os.environ['TB_AGENTS_DOWN']) as f:
            return set(f.read().split())
    except OSError:
        return set()


def main():
    from neutron.common import config
    from neutron.conf.agent import common as agent_conf
    from oslo_config import cfg
    config.register_common_config_options()
    # PluginReportStateAPI reads [AGENT] report_interval.
    agent_conf.register_agent_state_opts_helper(cfg.CONF)
    config.init(sys.argv[1:])
    config.setup_logging()
    import openstack
    import oslo_messaging
    from neutron.agent import rpc as agent_rpc
    from neutron_lib import context, rpc
    from neutron_lib.agent import topics

    computes, nets = os.environ['TB_COMPUTES'].split(), os.environ['TB_NETS'].split()
    ctx = context.get_admin_context_without_session()
    state_rpc = agent_rpc.PluginReportStateAPI(topics.REPORTS)
    plugin_rpc = agent_rpc.PluginApi(topics.PLUGIN)
    dhcp_rpc = rpc.get_client(oslo_messaging.Target(topic=topics.PLUGIN, version='1.0', namespace=None))
    l3_rpc = rpc.get_client(oslo_messaging.Target(topic=topics.L3PLUGIN, version='1.0'))
    known, last_report, last_sync, cloud = set(), 0, 0, None
    while True:
        try:
            now, silent = time.time(), silent_hosts()
            if now - last_report > REPORT_EVERY:
                for agent in agents(computes, nets):
                    if agent['host'] in silent:
                        continue
                    key = (agent['host'], agent['agent_type'])
                    if key not in known:
                        agent['start_flag'] = True
                    state_rpc.report_state(ctx, agent, use_call=key not in known)
                    known.add(key)
                last_report = now
            cloud = cloud or openstack.connect()
            down = cloud.network.get('/ports?status=DOWN&fields=id&fields=binding:host_id').json()['ports']
            by_host = {}
            for port in down:
                if port.get('binding:host_id'):
                    by_host.setdefault(port['binding:host_id'], []).append(port['id'])
            for host, ids in by_host.items():
                if host in silent:
                    continue
                for i in range(0, len(ids), PORTS_PER_CALL):
                    chunk = ids[i:i + PORTS_PER_CALL]
                    dhcp_rpc.prepare(version='1.5').call(ctx, 'dhcp_ready_on_ports', port_ids=chunk)
                    plugin_rpc.update_device_list(ctx, chunk, [], 'ovs-agent-' + host, host)
            if now - last_sync > SYNC_EVERY:
                for host in nets:
                    if host in silent:
                        continue
                    for router in l3_rpc.prepare().call(ctx, 'sync_routers', host=host):
                        # As the real agent does, only what differs: each report counts as an update.
                        status = {f['id']: 'ACTIVE' for f in router.get('_floatingips', [])
                                  if f.get('status') != 'ACTIVE'}
                        if status:
                            l3_rpc.prepare(version='1.1').call(ctx, 'update_floatingip_statuses',
                                                               router_id=router['id'], fip_statuses=status)
                last_sync = now
        except Exception:
            traceback.print_exc()
            sys.stderr.flush()
            cloud = None
        time.sleep(2)
