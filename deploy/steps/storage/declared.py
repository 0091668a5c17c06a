"""Volumes that are there already: folders of single nodes, and exports that all nodes mount."""

from __future__ import annotations

from typing import Any

from deploy.model import LocalVolume, NfsVolume, Storage
from deploy.model.labels import OWNED
from deploy.model.placement import HOSTNAME
from deploy.model.storage import LOCAL_CLASS, NFS_CLASS

Object = dict[str, Any]


def objects(storage: Storage) -> list[Object]:
    """Return the declared volumes with their classes; nothing makes or deletes such a volume."""
    found: list[Object] = []
    if storage.volumes:
        # only when the pod is placed is it known whether the volume can be reached from there
        found.append(_class(LOCAL_CLASS, "WaitForFirstConsumer"))
        found += [_local(volume) for volume in storage.volumes]
    if storage.nfs:
        found.append(_class(NFS_CLASS, "Immediate"))
        found += [_nfs(volume) for volume in storage.nfs]
    return found


def _class(name: str, binding: str) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "labels": dict(OWNED)},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": binding,
        "reclaimPolicy": "Retain",
    }


def _local(volume: LocalVolume) -> Object:
    here = {"key": HOSTNAME, "operator": "In", "values": [volume.node]}
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "local": {"path": volume.path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
    }
    return _volume(volume, LOCAL_CLASS, spec)


def _nfs(volume: NfsVolume) -> Object:
    spec = {
        "accessModes": ["ReadWriteMany", "ReadOnlyMany"],
        "nfs": {"server": volume.server, "path": volume.path},
    }
    return _volume(volume, NFS_CLASS, spec)


def _volume(volume: LocalVolume | NfsVolume, class_: str, spec: Object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume.name, "labels": dict(OWNED)},
        "spec": {
            "storageClassName": class_,
            "capacity": {"storage": volume.size},
            "persistentVolumeReclaimPolicy": "Retain",
            **spec,
        },
    }
