"""Cluster objects as facts; asked on a host that has the cluster's admin rights."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import api, kube


class _Objects(FactBase[kube.Objects]):
    """Objects of an API; one that printed nothing was silent."""

    @staticmethod
    @override
    def default() -> kube.Objects:
        return kube.Objects(kube.Reach.SILENT)

    @override
    def process(self, output: list[str]) -> kube.Objects:
        return kube.parse(output)


class Tried(_Objects):
    """Return how an apply would leave the objects on stdin (`_stdin=`, a JSON List), by a dry run.

    .. code:: python

        Objects(Reach.ANSWERS, would={Key("", "Namespace", "", "x"): {...}}, errors=())
    """

    @override
    def command(self) -> str:
        return kube.try_command()


class Got(_Objects):
    """Return the objects that one `kubectl get ... -o json` shows; `words` are quoted for a shell.

    .. code:: python

        Objects(Reach.ANSWERS, live={Key("", "Node", "", "cp1"): {...}})
    """

    @override
    def command(self, words: str) -> str:
        return kube.get_command(words)


class Read(_Objects):
    """Return the objects at these paths of the API; one that is not there is left out.

    .. code:: python

        Objects(Reach.ANSWERS, live={Key("", "Node", "", "cp1"): {...}})
    """

    @override
    def command(self, paths: Sequence[str]) -> str:
        return api.command(paths)

    @override
    def process(self, output: list[str]) -> kube.Objects:
        return api.parse(output)


class Described(Read):
    """Return the metadata alone of the objects at these paths, as objects of the kind PartialObjectMetadata.

    .. code:: python

        Objects(Reach.ANSWERS, live={Key("meta.k8s.io", "PartialObjectMetadata", "x", "tls"): {...}})
    """

    @override
    def command(self, paths: Sequence[str]) -> str:
        return api.metadata_command(paths)
