"""The registry of images and models: Harbor or the plain CNCF registry, and who may pull from it."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import catalog, context
from deploy.model import Cluster, Registry, RegistryProvider
from deploy.operations import derived, kube, secrets
from deploy.operations.derived import Login, Target
from deploy.operations.secrets import Copy
from deploy.steps.registry import distribution, harbor, objects
from deploy.steps.registry.objects import AUTHORITY, LOGIN, PHASE, PULL, TLS


@deploy("Registry")
def registry() -> None:
    """Install the registry, and give the models' namespace its login."""
    cluster = context.cluster()
    wanted = cluster.registry
    if wanted is None or not context.speaks():
        return
    if wanted.provider is RegistryProvider.HARBOR:
        harbor.installed(cluster, wanted)
    else:
        image = catalog.lock.load(context.lock_path()).image("registry").pinned
        distribution.installed(cluster, wanted, image)
    pullers(cluster, wanted)


def pullers(cluster: Cluster, registry: Registry) -> None:
    """Let the models' pods pull: the login, and the CA that signed the registry's certificate."""
    if not cluster.models:
        return
    kube.applied(name="Make the models' namespace", objects=[objects.models()], until=PHASE)
    derived.derived(
        name="Let the models' pods pull",
        source=LOGIN,
        key="password",
        target=Target(PULL, ".dockerconfigjson", type="kubernetes.io/dockerconfigjson"),
        form=Login(registry.user, registry.hostname),
        until=PHASE,
    )
    secrets.copied(
        name="Let the models' pods trust the registry",
        wanted=[Copy(TLS, AUTHORITY, {"ca.crt": "ca.crt"}, PHASE)],
    )
