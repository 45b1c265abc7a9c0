# METADATA
# title: No pod reaches the container runtime of its node
# description: >-
#   Whoever writes to the socket of containerd, CRI-O or Docker starts privileged
#   containers. Fails for the sockets in `sockets` and for folders of the node that hold
#   one.
# scope: package
# custom:
#   id: k8s.workload.runtime-socket
#   severity: critical
#   input: resource
#   kinds: [kubernetes.workload]
#   requires:
#     kubernetes.workload: [/containers, /namespace, /path, /spec]
#   controls: ['kubescape:C-0074']
#   standard: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
#   remediation: >-
#     Remove the volume. Build images with a builder that needs no socket (BuildKit
#     rootless, kaniko), and read metrics of containers from the kubelet. Node exporters
#     that mount `/` need only `/proc` and `/sys`.
#   parameters:
#     sockets:
#     - /run/docker.sock
#     - /var/run/docker.sock
#     - /run/containerd/containerd.sock
#     - /var/run/containerd/containerd.sock
#     - /run/k3s/containerd/containerd.sock
#     - /var/run/k3s/containerd/containerd.sock
#     - /run/crio/crio.sock
#     - /var/run/crio/crio.sock
#     - /run/podman/podman.sock
#     - /var/run/cri-dockerd.sock
#     - /run/cri-dockerd.sock
package k8s.workload.runtime_socket

import rego.v1

body := input.resource.body

exposes(path, sockets) if path in sockets

exposes(path, sockets) if {
	some socket in sockets
	startswith(socket, sprintf("%s/", [trim_right(path, "/")]))
}

violations contains {
	"message": sprintf("volume `%s` gives the pod `%s`, and with it the container runtime of the node", [volume.name, path]),
	"path": sprintf("%s/volumes/%d/hostPath", [body.path, n]),
	"found": path,
	"wanted": null,
} if {
	some n, volume in body.spec.volumes
	path := volume.hostPath.path
	exposes(path, input.parameters.sockets)
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
