"""Models, served: their Secrets, their files fetched once, their engines, and how they are reached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyinfra import host
from pyinfra.api import deploy

from deploy import catalog, context
from deploy.catalog.lock import Lock, LockedImage
from deploy.model import Cluster, Distribution, SecretRef
from deploy.model.serving import Model, ModelExposure
from deploy.model.source import SourceKind
from deploy.operations import derived, images, jobs, kube, models, secrets, serving_images
from deploy.operations import rollouts as operations
from deploy.operations.derived import Login, Target
from deploy.operations.images import Image
from deploy.operations.jobs import Wanted
from deploy.operations.models import Rollout
from deploy.operations.secrets import Copy, Given, Keep, Value, Where
from deploy.serving import names, placing, timing
from deploy.steps.object_store import ORIGIN as STORE
from deploy.steps.object_store.objects import TLS as STORE_TLS
from deploy.steps.serving import exposed, pods, populate, sources, vllm

PHASE = "serving"
# where containerd finds the mirrors of registries
CERTS = {
    Distribution.KUBEADM: images.CERTS,
    Distribution.K3S: "/var/lib/rancher/k3s/agent/etc/containerd/certs.d",
}
# 10 GB over a slow line
PULL_SECONDS = 7200
# as much over the hosts' own network, and unpacked
INSIDE_SECONDS = 900
# a Deployment is seen to be ready a little after its pod is
SLACK = 120


def pulling() -> None:
    """Begin to pull what serves models on this host; the phase `serving-images` waits for it."""
    if wanted := _images():
        certs = CERTS[context.cluster().kubernetes.distribution]
        serving_images.begun(name="Begin to pull what serves models", images=wanted, certs=certs)


@deploy("Serving images")
def pulled() -> None:
    """Have what serves models on every host that may serve one."""
    if wanted := _images():
        certs = CERTS[context.cluster().kubernetes.distribution]
        serving_images.pulled(
            name="Pull what serves models", images=wanted, certs=certs, _timeout=2 * PULL_SECONDS
        )


def _images() -> list[Image]:
    """Return the images of the models that may run on the current host; of our registry, pods pull."""
    cluster, node = context.cluster(), context.node()
    others = [model for model in cluster.models if not pods.is_of_our_registry(cluster, model)]
    here = [model for model in others if node in placing.nodes(cluster, model)]
    locked = catalog.lock.load(context.lock_path()) if here else None
    found = [locked.image(model.image_key, model.image) for model in here] if locked else []
    return [Image(image.ref, image.digest) for image in dict.fromkeys(found)]


@deploy("Serving")
def serving() -> None:
    """Serve every model."""
    cluster = context.cluster()
    if not context.speaks() or not cluster.models:
        return
    kube.applied(name="Make the models' namespace", objects=[names.home()], until=PHASE)
    # which may say what is not served: before files are fetched, which may take hours
    _routes(cluster)
    _secrets(cluster, Path(context.lock_path()).parent)
    _files(cluster)
    _engines(cluster)
    _unrouted(cluster)


def _routes(cluster: Cluster) -> None:
    """Have Gateways lead to the models that they expose; the Gateway API is not slipway's to bring."""
    models = [each for each in cluster.models if each.expose is ModelExposure.GATEWAY]
    if models:
        named = ", ".join(each.name for each in models)
        kube.applied(
            name="Route Gateways to the models",
            objects=[exposed.route(each) for each in models],
            until=PHASE,
            unserved=f"the API server does not serve {exposed.ROUTES}, by which {named} is to be exposed, and"
            " slipway does not bring it; install the Gateway API and a controller of Gateways, or set"
            " models[].expose to load-balancer or cluster",
        )


def _unrouted(cluster: Cluster) -> None:
    """Leave no Gateway that leads to a model which is exposed in another way now."""
    others = [exposed.unrouted(each) for each in cluster.models if each.expose is not ModelExposure.GATEWAY]
    if others:
        name = "Remove routes to models that no Gateway exposes"
        kube.gone(name=name, objects=others, in_the_way=False)


def _secrets(cluster: Cluster, home: Path) -> None:
    kept: list[Keep] = []
    copied: list[Copy] = []
    for model in cluster.models:
        wanted = [(names.workload(model), names.API_KEY, model.api_key)]
        if model.source.token is not None:
            wanted.append((names.hub_secret(model), names.TOKEN, model.source.token))
        for name, key, ref in wanted:
            origin = Where(secrets.HOME, name)
            kept.append(Keep(origin, {key: secrets.referred(ref, home)}))
            copied.append(_copy(origin, name, [key], PHASE))
    if any(model.source.kind is SourceKind.S3 for model in cluster.models):
        copied += _store(cluster)
    for model in cluster.models:
        if known := _registry(model, home):
            origin = Where(secrets.HOME, names.registry_login(model))
            kept.append(Keep(origin, known))
            copied += (
                [_copy(origin, names.registry_ca(model), ["ca.crt"], PHASE)] if "ca.crt" in known else []
            )
    secrets.kept(name="Keep the models' keys and tokens", wanted=kept, until=PHASE)
    secrets.copied(name="Give the models their Secrets", wanted=copied)
    for model in host.loop([each for each in cluster.models if each.source.credentials]):
        assert model.source.credentials is not None  # noqa: S101 - those alone are gone through
        name = names.registry_login(model)
        derived.derived(
            name=f"Give {model.name} its registry's login",
            source=Where(secrets.HOME, name),
            key="password",
            target=Target(
                Where(names.NAMESPACE, name), ".dockerconfigjson", type="kubernetes.io/dockerconfigjson"
            ),
            form=Login(model.source.credentials.username, sources.login_host(model)),
            until=PHASE,
        )


def _registry(model: Model, home: Path) -> dict[str, Value]:
    """Return what is kept of a ModelKit's registry that is not the cluster's own: a password, a CA."""
    found: dict[str, Value] = {}
    if model.source.credentials is not None:
        found["password"] = secrets.referred(model.source.credentials.password, home)
    if model.source.ca is not None:
        found["ca.crt"] = Given(SecretRef(file=model.source.ca), home)
    return found


def _store(cluster: Cluster) -> list[Copy]:
    """Return what lets the models' pods read the store, and trust who signed its certificate."""
    store = cluster.object_store
    assert store is not None  # noqa: S101 - the rules of the model: an S3 source has a store
    keys = ["access-key", "secret-key"]
    found = [_copy(STORE, names.STORE, keys, "object-store")]
    if not store.is_external or store.ca is not None:
        signed = STORE if store.is_external else STORE_TLS
        found.append(_copy(signed, names.STORE_CA, ["ca.crt"], "object-store"))
    return found


def _copy(source: Where, target: str, keys: Sequence[str], until: str) -> Copy:
    return Copy(source, Where(names.NAMESPACE, target), {key: key for key in keys}, until)


def _files(cluster: Cluster) -> None:
    """Have every model's files in its volume."""
    lock = catalog.lock.load(context.lock_path())
    fetched = [model for model in cluster.models if names.fetched(model)]
    folders = [model for model in cluster.models if model.source.kind is SourceKind.HOST_PATH]
    claims = [
        *(populate.claim(model) for model in fetched),
        *(each for model in folders for each in populate.local(model)),
    ]
    if claims:
        models.claimed(name="Make the models' volumes", claims=claims, until="storage")
    wanted = [
        Wanted(
            populate.job(cluster, model, _fetcher(lock, model).pinned),
            names.claim(model),
            timing.fetching(model),
        )
        for model in fetched
    ]
    if wanted:
        jobs.completed(
            name="Fetch the models",
            namespace=names.NAMESPACE,
            label=names.MODEL_LABEL,
            wanted=wanted,
            _timeout=sum(each.seconds for each in wanted) + SLACK,
        )


def _fetcher(lock: Lock, model: Model) -> LockedImage:
    """Return the image that fetches a model's files, which for the hub is the engine's own."""
    key = populate.image_key(model)
    return lock.image(key, model.image if key == model.image_key else None)


def _engines(cluster: Cluster) -> None:
    """Run every model's engine, and wait until it answers."""
    lock = catalog.lock.load(context.lock_path())
    objects, rollouts = [vllm.middleware()], []
    for model in cluster.models:
        before, workload = vllm.deployment(cluster, model, lock.image(model.image_key, model.image).pinned)
        objects += [*before, *exposed.objects(model), workload]
        rollouts.append(_rollout(cluster, model))
    kube.applied(name="Serve the models", objects=objects, until=PHASE)
    for model in host.loop(cluster.models):
        operations.current(
            name=f"Have {model.name} read its present key",
            workload=f"deployment/{names.workload(model)}",
            namespace=names.NAMESPACE,
            selector=_selector(model),
            secrets=[Where(names.NAMESPACE, names.workload(model))],
        )
    models.ready(
        name="Wait for the models",
        namespace=names.NAMESPACE,
        rollouts=rollouts,
        until=PHASE,
        _timeout=sum(each.seconds for each in rollouts) + SLACK,
    )


def _rollout(cluster: Cluster, model: Model) -> Rollout:
    times = timing.of(model)
    pulls = INSIDE_SECONDS if pods.is_of_our_registry(cluster, model) else 0
    return Rollout(names.workload(model), _selector(model), times.startup + times.grace + pulls + SLACK)


def _selector(model: Model) -> str:
    return ",".join(f"{key}={value}" for key, value in names.selector(model, vllm.COMPONENT).items())
