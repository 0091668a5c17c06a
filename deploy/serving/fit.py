"""Whether a model fits: weights and KV cache against the memory of its GPUs, or of its pod."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from deploy.catalog import vllm_arguments
from deploy.gpu.need import GIB, Need, amount, memory_of, nodes_for
from deploy.model import Cluster
from deploy.model.serving import Model, ModelGpus
from deploy.serving import shape
from deploy.serving.shape import Shape

# what the engine takes beside weights and cache: CUDA graphs, activations (checks SRV-02); on a processor
# 1.1 to 1.4 GiB were measured with a model of no weight
ENGINE = int(1.5 * GIB)
# vllm/config/cache.py, CacheConfig.gpu_memory_utilization
UTILIZATION = 0.92
# the least memory of a GPU for batches of so many tokens; those of an A100 are the smallest, whatever it has
BATCHES = ((160 * GIB, 16384), (70 * GIB, 8192), (0, 2048))
SHARED_MEMORY = {False: "1Gi", True: "8Gi"}
PROFILE = re.compile(r"\.(\d+)gb")


@dataclass(frozen=True, slots=True)
class Fit:
    """What a model takes of one GPU, or of its pod, in bytes.

    `one` is the cache of the longest sequence, `beside` what else a pod's memory holds while it is divided.
    Where its config.json has what is `misunderstood`, `one` is the most that it can be, and left out where so
    much does not fit.
    """

    model: Model
    where: str
    has: int | None
    weights: int
    one: int | None
    engine: int = ENGINE
    beside: int = 0
    misunderstood: tuple[str, ...] = ()

    @property
    def kept(self) -> int | None:
        """The KV cache that is declared, on each GPU or in the pod."""
        return int(amount(self.model.kv_cache)) if self.model.kv_cache else None

    @property
    def least(self) -> int:
        """What the engine must have to start: weights, itself, and the cache declared or of one sequence."""
        return self.weights + self.engine + self.beside + (self.kept or self.one or 0)

    @property
    def left(self) -> int | None:
        """What is left for a KV cache whose size is not declared; None when that is not known."""
        return None if self.has is None else self.has - self.weights - self.engine - self.beside

    @property
    def fits(self) -> bool | None:
        """Say whether the engine can start, with some cache; None when its memory is not known."""
        if self.has is None or self.left is None:
            return None
        return self.least <= self.has and self.left > 0

    @property
    def at_once(self) -> int | None:
        """How many of the longest sequences fit into the cache at once; None when that is not known."""
        cache = self.kept or self.left
        return None if not self.one or cache is None else max(cache // self.one, 0)

    @property
    def text(self) -> str:
        """The numbers, for an operator."""
        parts = [f"weights {gib(self.weights)}", f"engine {gib(self.engine)}"]
        if self.beside:
            parts.append(f"files as they are read and /dev/shm {gib(self.beside)}")
        if self.kept is not None:
            parts.append(f"KV cache {gib(self.kept)}")
        elif self.one is None:
            parts.append(f"KV cache unknown{'' if self.misunderstood else ' without models[].config'}")
        else:
            parts.append(f"KV cache of one sequence of {self.model.context} tokens {gib(self.one)}")
        has = "unknown" if self.has is None else gib(self.has)
        return f"{', '.join(parts)}: together {gib(self.least)} of {has}, {self.where}"

    @property
    def unjudged(self) -> str | None:
        """Say that nothing tells how much cache a sequence needs, nor how much there is to be."""
        if self.one is not None or self.kept is not None:
            return None
        text = f"whether a sequence of {self.model.context} tokens fits into the KV cache is not known"
        strange = ", ".join(self.misunderstood)
        return text + (f", since nothing here knows what {strange} in config.json means" if strange else "")

    @property
    def crowded(self) -> str | None:
        """Say that fewer of the longest sequences fit at once than are to be computed."""
        if not self.fits or self.at_once is None or self.at_once >= self.model.concurrency:
            return None
        least = "at least " if self.misunderstood else ""
        return (
            f"{least}{self.at_once} of {self.model.concurrency} sequences of {self.model.context} tokens fit"
            " into the KV cache at once; shorter ones do, the others wait"
        )


def gib(count: int) -> str:
    """Return bytes as people read them."""
    return f"{count / GIB:.1f} GiB" if count >= GIB // 10 else f"{count / 2**20:.1f} MiB"


def shared_memory(model: Model) -> str:
    """Return the size of /dev/shm: collectives of several GPUs go through it (NVIDIA/nccl#525)."""
    return model.shared_memory or SHARED_MEMORY[model.shards > 1]


def of(cluster: Cluster, model: Model) -> Fit:
    """Return how a model fits; raise NeedError when no node has its GPUs, InventoryError for its config."""
    known, weights = shape.read(model), int(amount(model.weights))
    if model.gpus is None:
        return _judged(_of_pod(model, _cache(model, known, 0)), known)
    memory, name = _smallest(cluster, model.gpus)
    one = _cache(model, known, 0 if memory is None or "A100" in name else memory)
    part = one if one is None else one // model.pipeline_parallel
    # every engine has all weights but those of experts, of which nothing tells how many there are
    copies = model.data_parallel if known and not known.experts else 1
    weights = weights * copies // model.shards
    if memory is None:
        return Fit(model, f"the memory of one {name} is not known", None, weights, part)
    share = model.gpu_memory_utilization or UTILIZATION
    where = f"{share:g} of one {name} with {gib(memory)}"
    return _judged(Fit(model, where, int(memory * share), weights, part), known)


def _judged(seen: Fit, known: Shape | None) -> Fit:
    if known is None or not known.layers.misunderstood:
        return seen
    seen = replace(seen, misunderstood=known.layers.misunderstood)
    return replace(seen, one=None) if seen.fits is False or seen.at_once == 0 else seen


def _cache(model: Model, known: Shape | None, memory: int) -> int | None:
    """Return the cache of the longest sequence on one of so large GPUs, for all groups of layers together.

    Two batches are computed at once, or one more than there are groups (vLLM 0.32.0, vllm/config/vllm.py
    max_in_flight_tokens; how large they are by itself: vllm/engine/arg_utils.py get_batch_defaults).
    """
    if known is None:
        return None
    given = vllm_arguments.value(model, "max-num-batched-tokens") or ""
    batch = int(given) if given.isdecimal() else next(size for least, size in BATCHES if memory >= least)
    in_flight = (model.pipeline_parallel + 1) * batch
    return known.kv_bytes(model.context, model.split, model.kv_cache_dtype, in_flight)


def kv_cache(model: Model) -> int | None:
    """Return how many bytes the engine is told to keep for each of a model's parts; None: what it finds.

    On a processor it would take a share of all memory, and knows nothing of /dev/shm and its other processes.
    """
    if model.gpus:
        return int(amount(model.kv_cache)) if model.kv_cache else None
    seen = _of_pod(model, None)
    return max(seen.kept or seen.left or 0, 0) // model.shards


def _of_pod(model: Model, one: int | None) -> Fit:
    """Return the same on a processor, where all parts of a model are processes of one pod.

    Files that were read count as used memory, of which the engine takes no cache though it could be had
    again (vLLM 0.32.0, vllm/v1/worker/cpu_worker.py: determine_available_memory).
    """
    whole = one if one is None else one * model.split
    weights, engine = int(amount(model.weights)), ENGINE * model.shards
    beside = 0 if model.kv_cache else weights + int(amount(shared_memory(model)))
    where = f"models[].memory {model.memory}"
    return Fit(model, where, int(amount(model.memory)), weights, whole, engine, beside)


def need(gpus: ModelGpus) -> Need:
    """Return what one replica asks of the cluster."""
    models = (gpus.model,) if gpus.model else ()
    return Need(gpus.vendor, gpus.count, models, gpus.memory, gpus.profile)


def _smallest(cluster: Cluster, gpus: ModelGpus) -> tuple[int | None, str]:
    """Return the memory of the smallest GPU that the engine can get, and what that is called."""
    if gpus.profile:
        size = PROFILE.search(gpus.profile)
        return int(size[1]) * GIB if size else None, gpus.profile
    known = [(memory_of(each), each.model) for _, each in nodes_for(cluster, need(gpus))]
    sizes = [(size, model_name) for size, model_name in known if size is not None]
    return min(sizes) if len(sizes) == len(known) else (None, known[0][1])
