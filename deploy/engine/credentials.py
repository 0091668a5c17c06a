"""The cluster's kubeconfig: fetched from a control plane, named after the cluster, merged with others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from deploy.engine.session import Session
from deploy.errors import InventoryError, RunError, UnreachableError
from deploy.model.api_server import ADMIN, PORT

Config = dict[str, Any]
NAMED = ("clusters", "users", "contexts")


def fetch(session: Session) -> Config:
    """Return the admin's kubeconfig of the first control plane that has one."""
    for node in session.cluster.control_planes:
        try:
            ran = session.run(node.name, f"cat {ADMIN}")
        except UnreachableError:
            continue
        if ran.ok:
            return renamed(yaml.safe_load(ran.out), session.cluster.name, str(session.cluster.endpoint))
    if not any(node.name in session.hosts for node in session.cluster.control_planes):
        raise session.speechless()
    causes = "".join(f"\n{cause}" for cause in session.unreachable.values())
    raise RunError(f"no control plane of {session.cluster.name} has {ADMIN}; run slipway apply first{causes}")


def renamed(config: Config, name: str, endpoint: str) -> Config:
    """Return a kubeconfig of one cluster, with that cluster's name everywhere and its endpoint as server."""
    cluster = {**config["clusters"][0]["cluster"], "server": f"https://{endpoint}:{PORT}"}
    user = f"{name}-admin"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": config["users"][0]["user"]}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }


def merged(there: Config, new: Config, name: str) -> Config:
    """Return a kubeconfig with another's entries in it; what was there stays, and stays current."""
    both = {**there, **{key: _together(there.get(key) or [], new[key]) for key in NAMED}}
    both["current-context"] = there.get("current-context") or name
    return {"apiVersion": "v1", "kind": "Config", **both}


def load(path: Path) -> Config:
    """Return a person's kubeconfig; an empty one when there is none."""
    if not path.exists():
        return {}
    try:
        found = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise InventoryError(f"{path} is not valid YAML, so nothing was merged into it: {error}") from None
    if not isinstance(found, dict):
        raise InventoryError(f"{path} is not a kubeconfig: it holds a {type(found).__name__}")
    return found


def write(path: Path, config: Config) -> None:
    """Write a kubeconfig for its owner only, whole or not at all; what a link leads to is written, too."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    part.chmod(0o600)
    part.replace(path)


def _together(there: list[Config], new: list[Config]) -> list[Config]:
    names = {entry["name"] for entry in new}
    return [*(entry for entry in there if entry.get("name") not in names), *new]
