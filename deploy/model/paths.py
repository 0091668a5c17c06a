"""Where things are kept on the controller: pure functions of the environment and a name."""

from __future__ import annotations

import os
from pathlib import Path

OWN = "slipway"


def _xdg(variable: str, default: str) -> Path:
    """Return a base directory; the XDG specification ignores one that is not absolute."""
    set_to = Path(os.environ.get(variable, ""))
    return set_to if set_to.is_absolute() else Path.home() / default


def state_home() -> Path:
    """Return the directory of everything that a run must find again."""
    return _xdg("XDG_STATE_HOME", ".local/state") / OWN


def cache_home() -> Path:
    """Return the directory of what can be made or fetched again."""
    return _xdg("XDG_CACHE_HOME", ".cache") / OWN


def cluster_state(name: str) -> Path:
    """Return the directory of what the controller keeps about a cluster."""
    return state_home() / name


def known_hosts(name: str) -> Path:
    """Return the file of the host keys that were accepted for a cluster."""
    return cluster_state(name) / "known_hosts"


def run_lock(name: str) -> Path:
    """Return the file that a run on a cluster holds locked."""
    return cluster_state(name) / "lock"


def logs(name: str) -> Path:
    """Return the directory of a cluster's run logs."""
    return cluster_state(name) / "logs"


def reports(name: str) -> Path:
    """Return the directory of a cluster's reports."""
    return cluster_state(name) / "reports"


def told(name: str) -> Path:
    """Return the file of what the hooks of a nightly run were told last."""
    return cluster_state(name) / "told.json"


def kubeconfig(name: str) -> Path:
    """Return the file that `slipway kubeconfig` writes."""
    return cluster_state(name) / "kubeconfig"


def lab_state(lab: str) -> Path:
    """Return the directory of what a lab keeps, its SSH key among it.

    No cluster is called `labs`: a name that a lab's directory could collide with is refused by the model.
    """
    return state_home() / "labs" / lab


def lock_file(inventory: Path) -> Path:
    """Return the lock file that lies beside an inventory: `lab.yaml` -> `lab.lock.yaml`."""
    return inventory.with_name(f"{inventory.stem}.lock.yaml")
