# METADATA
# title: There is a recent backup of the cluster
# description: >-
#   The newest snapshot of etcd that k3s or RKE2 records, or the newest completed Velero
#   backup of all namespaces, is not older than `hours`. Backups that leave no object in the
#   cluster (a timer on the host, a cloud's own) are not seen: then this is missing. Whether
#   one can be restored is not seen either.
# scope: package
# custom:
#   id: k8s.upgrade.etcd-backup-age
#   severity: high
#   input: collection
#   per: subject
#   kinds: [velero.io.Backup, k3s.cattle.io.ETCDSnapshotFile]
#   absent: [velero.io.Backup, k3s.cattle.io.ETCDSnapshotFile]
#   time: true
#   standard: https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/#backing-up-an-etcd-cluster
#   remediation: >-
#     etcdctl snapshot save FILE on a control-plane node (k3s, RKE2: `etcd-snapshot save`),
#     or `velero backup create NAME --wait`; keep it outside of the cluster, and try to
#     restore it before an upgrade.
#   parameters:
#     hours: 24
package k8s.upgrade.etcd_backup_age

import rego.v1

backups contains {"key": backup.key, "at": backup.body.status.completionTimestamp} if {
	some backup in input.resources["velero.io.Backup"]
	backup.body.status.phase == "Completed"
	count(object.get(backup.body.spec, "includedNamespaces", ["*"])) == 0
}

backups contains {"key": backup.key, "at": backup.body.status.completionTimestamp} if {
	some backup in input.resources["velero.io.Backup"]
	backup.body.status.phase == "Completed"
	"*" in object.get(backup.body.spec, "includedNamespaces", ["*"])
}

backups contains {"key": backup.key, "at": backup.body.status.creationTime} if {
	some backup in input.resources["k3s.cattle.io.ETCDSnapshotFile"]
	backup.body.status.readyToUse == true
}

times := {at | some b in backups; at := time.parse_rfc3339_ns(b.at)}

limit := (input.parameters.hours * 3600) * 1000000000

newest contains b if {
	some b in backups
	time.parse_rfc3339_ns(b.at) == max(times)
}

age := time.parse_rfc3339_ns(input.now) - max(times)

violations contains {
	"resource": b.key,
	"message": sprintf("the newest backup is of %s", [b.at]),
	"path": "/status",
	"found": b.at,
	"wanted": sprintf("at most %d hours old", [input.parameters.hours]),
} if {
	age > limit
	some b in newest
}

verdict := "missing" if count(backups) == 0

verdict := "pass" if age <= limit

verdict := "fail" if age > limit

valid_until := time.format(max(times) + limit) if verdict == "pass"

valid_until := "9999-01-01T00:00:00Z" if verdict in {"fail", "missing"}

reason := "no object in the cluster tells of a backup" if count(backups) == 0
