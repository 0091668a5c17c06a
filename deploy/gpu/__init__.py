"""GPUs for workloads: what is asked of a cluster, as claims or as extended resources."""

from deploy.gpu.need import Need, NeedError
from deploy.gpu.wiring import Wiring, digest, wired

__all__ = ["Need", "NeedError", "Wiring", "digest", "wired"]
