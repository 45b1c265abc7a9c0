#!/usr/bin/env python3
"""Checks an archive of `tidegate snapshot export` without tidegate.

    python3 check_export.py audit.tar

Computes every leaf and every root anew and compares them with the manifests and
the checkpoint. It does not check signatures; it prints the checkpoint, to compare
with one that was kept elsewhere. Needs only Python's standard library.
"""

import base64
import hashlib
import json
import sys
import tarfile


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root(leaves):
    """RFC 6962, 2.1."""
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01", root(leaves[:k]), root(leaves[k:]))


def require(right, what):
    if not right:
        sys.exit(f"wrong: {what}")


def main():
    with tarfile.open(sys.argv[1]) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}

    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ", 1)
        require(sha256(files[name]).hex() == digest, name)

    note = files["checkpoint.note"].decode()
    origin, size, log_root = note.split("\n\n")[0].split("\n")[:3]
    manifests = [files[f"manifests/{n}.json"] for n in range(1, int(size) + 1)]
    for before, after in zip(manifests, manifests[1:]):
        require(json.loads(after)["previous"] == sha256(before).hex(), "the chain of manifests")
    log = root([sha256(b"\x00", manifest) for manifest in manifests])
    require(base64.b64decode(log_root) == log, "the root of the checkpoint")
    print("checkpoint: right")

    kinds = {name[6:-7]: text for name, text in files.items() if name.startswith("state/")}
    found = {}
    for kind, text in kinds.items():
        leaves = []
        for line in text.decode().splitlines():
            row = json.loads(line)
            leaf = bytes.fromhex(row["leaf"])
            if row["salt"] is not None:
                # What was hashed is the text of the body, not what a parser makes of it.
                start = len('{"body":')
                _, end = json.JSONDecoder().raw_decode(line, start)
                inner = sha256(bytes.fromhex(row["salt"]), line[start:end].encode())
                require(leaf == sha256(b"\x00", row["key"].encode(), inner), row["key"])
            leaves.append(leaf)
        found[kind] = {"count": len(leaves), "root": root(leaves).hex()}
    named = [n for n, m in enumerate(manifests, 1) if json.loads(m)["kinds"] == found]
    require(named, "no manifest names these roots")
    print(f"state: right, of {origin.split('/')[1]}@{named[-1]}")

    if "verdicts/recorded.json" in files:
        payload = sha256(files["verdicts/recorded.salt"], files["verdicts/recorded.json"]).hex()
        records = [json.loads(t) for n, t in files.items() if n.startswith("records/")]
        require(payload in [record["payload"] for record in records], "the recorded verdicts")
        print("recorded verdicts: right")
    print(note, end="")


if __name__ == "__main__":
    main()
