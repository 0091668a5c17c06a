"""What fetches from each kind of source: its command, what it is told, who it is, and whom it trusts."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from deploy import render
from deploy.model import Cluster
from deploy.model.serving import Model
from deploy.model.source import SourceKind
from deploy.serving import names
from deploy.steps.serving.pods import Object, secret, variable

CA, LOGIN = "ca", "login"
TRUST = f"/run/{CA}:/etc/ssl/certs"
# by which name clients look for an account at Docker Hub (oras-go registry/remote/credentials/registry.go)
DOCKER_HUB = {"docker.io": "https://index.docker.io/v1/"}


@dataclass(frozen=True, slots=True)
class Fetching:
    """How files come into $WORK; `volumes` are Secrets, each mounted under /run by its name."""

    command: Sequence[str]
    environment: Sequence[Object]
    volumes: Sequence[Object] = ()
    aliases: Sequence[Object] = ()


def of(cluster: Cluster, model: Model) -> Fetching:
    """Return how a model is fetched."""
    match model.source.kind:
        case SourceKind.MODELKIT:
            return _modelkit(cluster, model)
        case SourceKind.S3:
            return _bucket(cluster, model)
        case _:
            return _hub(model)


def reference(model: Model) -> str:
    """Return a ModelKit's reference, by its digest where one is known."""
    ref = str(model.origin["modelkit"])
    if model.checksum is None:
        return ref
    name = ref.partition("@")[0]
    repository, colon, tag = name.rpartition(":")
    return f"{name if not colon or '/' in tag else repository}@{model.checksum}"


def pushed(cluster: Cluster, model: Model) -> str:
    """Return what a person types to get a ModelKit into its registry; a digest comes about by pushing."""
    ref = str(model.origin["modelkit"]).partition("@")[0]
    push = f"kit push {ref}, or oras cp FROM {ref}"
    registry = cluster.registry
    if registry is None or not registry.holds(ref):
        return push
    return f"kit login {registry.hostname} --username {shlex.quote(registry.user)}, {push}"


def login_host(model: Model) -> str:
    """Return what a ModelKit's registry is called in a file of logins."""
    host = str(model.origin["modelkit"]).partition("/")[0]
    return DOCKER_HUB.get(host, host)


def _modelkit(cluster: Cluster, model: Model) -> Fetching:
    registry, source = cluster.registry, model.source
    login = names.registry_login(model) if source.credentials else None
    ca = names.registry_ca(model) if source.ca else None
    aliases: list[Object] = []
    others = [variable("OTHERS", "1"), *_way(model)]
    if registry is not None and registry.holds(str(model.origin["modelkit"])):
        login, ca, others = names.PULL, names.REGISTRY_CA, []
        # inside the cluster, and not out by the load balancer and back
        aliases = [{"ip": str(cluster.registry_address), "hostnames": [registry.hostname]}]
    program = render.file("serving/kit.sh").decode()
    environment = [
        variable("MODELKIT_REF", reference(model)),
        variable("PUSH", pushed(cluster, model)),
        *others,
        # read where kit has no logins of its own (kitops pkg/lib/network/auth.go)
        *([variable("DOCKER_CONFIG", f"/run/{LOGIN}")] if login else []),
        *([variable("SSL_CERT_DIR", TRUST)] if ca else []),
    ]
    items = [{"key": ".dockerconfigjson", "path": "config.json"}]
    volumes: list[Object] = [{"name": CA, "secret": {"secretName": ca}}] if ca else []
    if login:
        volumes.append({"name": LOGIN, "secret": {"secretName": login, "items": items}})
    command = ["/bin/sh", "-c", program, "kit", *_plain(cluster, model)]
    return Fetching(command, environment, volumes, aliases)


def _plain(cluster: Cluster, model: Model) -> list[str]:
    """Return the flag for a registry without TLS, which only a declared mirror may be."""
    mirror = cluster.artifacts.registry_mirror or ""
    host = str(model.origin["modelkit"]).partition("/")[0]
    return ["--plain-http"] if mirror == f"http://{host}" else []


def _bucket(cluster: Cluster, model: Model) -> Fetching:
    """Return the copy; a store that is away for a minute or two is waited for."""
    store = cluster.object_store
    assert store is not None  # noqa: S101 - the rules of the model: an S3 source has a store
    # the store's certificate is by a CA that no image knows
    trusts = not store.is_external or store.ca is not None
    source = model.origin["s3"].removeprefix("s3://").rstrip("/")
    program = render.file("serving/s3.sh").decode()
    waits = ["--retries=20", "--retries-sleep=6s", "--contimeout=10s"]
    shown = ["--stats=20s", "--stats-one-line", "-v"]
    settings = {
        "SOURCE": model.origin["s3"],
        "RCLONE_CONFIG": "/notfound",  # kept in memory
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENDPOINT": store.url,
        "RCLONE_S3_REGION": store.region,
        "RCLONE_S3_FORCE_PATH_STYLE": "true",
        "RCLONE_S3_NO_CHECK_BUCKET": "true",
        **({"SSL_CERT_DIR": TRUST} if trusts else {}),
    }
    environment = [
        *(variable(name, value) for name, value in settings.items()),
        secret("RCLONE_S3_ACCESS_KEY_ID", names.STORE, "access-key"),
        secret("RCLONE_S3_SECRET_ACCESS_KEY", names.STORE, "secret-key"),
        *(_way(model) if store.is_external else []),
    ]
    volumes: list[Object] = [{"name": CA, "secret": {"secretName": names.STORE_CA}}] if trusts else []
    return Fetching(["/bin/sh", "-c", program, "s3", f":s3:{source}", *waits, *shown], environment, volumes)


def _hub(model: Model) -> Fetching:
    program = render.file("serving/hub.py").decode()
    token = [secret("HF_TOKEN", names.hub_secret(model), names.TOKEN)] if model.source.token else []
    origin = model.origin
    command = ["python3", "-c", program, origin["hub"], origin["revision"], *origin.get("include", ())]
    return Fetching(command, [*token, *_way(model)])


def _way(model: Model) -> list[Object]:
    """Return the proxies, and the hub's endpoint, that kit, rclone and the hub's library all heed."""
    return [variable(name, value) for name, value in names.way(model).items()]
