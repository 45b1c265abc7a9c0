# Settings of the Ceph testbed; process functions are those of the OpenStack one. Sourced, never run.
# shellcheck shell=bash disable=SC1091,SC2034

CEPH_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$CEPH_HERE/../openstack/lib/common.sh"
OPENSTACK=$DIR
DIR=$OPENSTACK/ceph
LOG=$DIR/log RUN=$DIR/run STATE=$DIR/state CONF=$DIR/ceph.conf
P_MON=16789 P_LOW=16800 P_HIGH=16999
