"""Models: what is served, and what the engine is told."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from deploy.model.forms import (
    DIGEST,
    ENVIRONMENT,
    IMAGE,
    MODEL_NAME,
    ROUTED,
    Name,
    Quantity,
    Size,
    Switch,
    Version,
)
from deploy.model.placement import Placement
from deploy.model.secret import SecretRef
from deploy.model.section import Section, setting
from deploy.model.source import Source
from deploy.model.values import Change, Vendor

HOME = "home"


class Engine(StrEnum):
    """What serves a model."""

    VLLM = "vllm"


class Accelerator(StrEnum):
    """What a model is computed on, and so which build of the engine."""

    CPU = "cpu"
    CUDA = "cuda"
    ROCM = "rocm"
    XPU = "xpu"


class ModelExposure(StrEnum):
    """From where a model is reached."""

    LOAD_BALANCER = "load-balancer"
    CLUSTER = "cluster"
    GATEWAY = "gateway"


OF_VENDOR = {
    Vendor.NVIDIA: Accelerator.CUDA,
    Vendor.AMD: Accelerator.ROCM,
    Vendor.INTEL: Accelerator.XPU,
}
VERSION = "{version}"


def _beside(value: str, info: ValidationInfo) -> str:
    """Make a path absolute that was written from the inventory's directory, where that is known."""
    home: Path | None = (info.context or {}).get(HOME)
    return str(home.resolve() / Path(value).expanduser()) if home else value


class ModelGpus(Section):
    """The GPUs that each replica gets."""

    vendor: Vendor = setting(Change.ROLLING, "Who made them.")
    model: Annotated[str, Field(min_length=1)] | None = setting(
        Change.ROLLING, "Their model; left out, any of the vendor's that is declared.", default=None
    )
    count: Annotated[int, Field(strict=True, ge=1, le=64)] = setting(
        Change.ROLLING, "How many of them each replica gets.", default=1
    )
    memory: Size | None = setting(Change.ROLLING, "The least memory of each.", default=None)
    profile: Annotated[str, Field(min_length=1)] | None = setting(
        Change.ROLLING, "Parts of GPUs in place of whole ones, such as 1g.10gb.", default=None
    )


class Gateway(Section):
    """The Gateway that a model's route is attached to."""

    name: Name = setting(Change.LIVE, "The Gateway's name.")
    namespace: Name = setting(Change.LIVE, "The namespace that it is in.")
    hostname: Annotated[str, Field(pattern=ROUTED)] | None = setting(
        Change.LIVE, "The host name that is routed; left out, every one.", default=None
    )


class Model(Section):
    """One model, served with an OpenAI-compatible API by vLLM."""

    name: Annotated[str, Field(pattern=MODEL_NAME)] = setting(
        Change.LIVE, "What clients call it, and what its objects are named after."
    )
    engine: Engine = setting(Change.ROLLING, "What serves it.", default=Engine.VLLM)
    accelerator: Accelerator | None = setting(
        Change.ROLLING, "What it is computed on; left out, by the vendor of `gpus`, or cpu.", default=None
    )
    image: Annotated[str, Field(pattern=IMAGE)] | None = setting(
        Change.ROLLING,
        "An image in place of the pinned one; the lock file pins it, by the digest given here if any.",
        default=None,
    )
    source: Source = setting(Change.ROLLING, "Where its files come from.")
    checksum: Annotated[str, Field(pattern=DIGEST)] | None = setting(
        Change.ROLLING,
        "The digest of its files: sha256 of the sorted `sha256sum` lines of all of them.",
        default=None,
    )
    weights: Size = setting(
        Change.ROLLING, "How much its files take on disk; 2.2 times as much must be free to fetch them."
    )
    config: Annotated[str, Field(min_length=1), AfterValidator(_beside)] | None = setting(
        Change.LIVE,
        "The model's config.json, from the inventory's directory: whether its KV cache fits is judged by it.",
        default=None,
    )
    random_weights: Switch = setting(
        Change.LIVE, "Whether its files hold random weights, as a test's do; reports say so.", default=False
    )
    gpus: ModelGpus | None = setting(Change.ROLLING, "The GPUs of each replica.", default=None)
    cpu: Quantity = setting(Change.ROLLING, "The CPU that each replica asks for.", default="2")
    memory: Size = setting(Change.ROLLING, "The memory that each replica asks for and may not exceed.")
    shared_memory: Size | None = setting(
        Change.ROLLING,
        "The size of /dev/shm, which counts as memory; left out, 1Gi, or 8Gi with several GPUs.",
        default=None,
    )
    storage_class: Name | None = setting(
        Change.LIVE, "The class of its volume; left out, the default one.", default=None
    )
    volume: Name | None = setting(
        Change.LIVE,
        "The volume of storage.nfs or storage.volumes that its files go to, all its versions' to one.",
        default=None,
    )
    shared_volume: Switch = setting(
        Change.LIVE,
        "Whether its class gives a volume to several nodes at once (ReadWriteMany), as slipway-nfs does.",
        default=False,
    )
    context: Annotated[int, Field(strict=True, ge=1)] = setting(
        Change.ROLLING, "The longest prompt and answer together, in tokens (--max-model-len)."
    )
    concurrency: Annotated[int, Field(strict=True, ge=1)] = setting(
        Change.ROLLING, "How many requests are computed at once (--max-num-seqs).", default=16
    )
    dtype: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] | None = setting(
        Change.ROLLING, "The type of weights and activations, such as bfloat16.", default=None
    )
    quantization: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")] | None = setting(
        Change.ROLLING, "How the weights are quantised, such as awq, gptq or fp8.", default=None
    )
    kv_cache_dtype: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] | None = setting(
        Change.ROLLING, "The type of the KV cache, such as fp8.", default=None
    )
    kv_cache: Size | None = setting(
        Change.ROLLING,
        "The size of the KV cache, on each GPU or in the pod; left out, what the memory leaves.",
        default=None,
    )
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = setting(
        Change.ROLLING, "The share of each GPU's memory that is used; left out, vLLM's own.", default=None
    )
    tensor_parallel: Annotated[int, Field(strict=True, ge=1)] | None = setting(
        Change.ROLLING, "Over how many GPUs every layer is split; left out, over all of them.", default=None
    )
    pipeline_parallel: Annotated[int, Field(strict=True, ge=1)] = setting(
        Change.ROLLING, "Over how many groups of GPUs the layers are spread.", default=1
    )
    data_parallel: Annotated[int, Field(strict=True, ge=1)] = setting(
        Change.ROLLING,
        "How many engines of a pod share its requests, each with GPUs and with `concurrency` of its own.",
        default=1,
    )
    trust_remote_code: Switch = setting(
        Change.ROLLING, "Whether code that comes with the model is run.", default=False
    )
    arguments: tuple[str, ...] = setting(
        Change.ROLLING, "More arguments of `vllm serve`, each as one text.", default=()
    )
    environment: dict[Annotated[str, Field(pattern=ENVIRONMENT)], str] = setting(
        Change.ROLLING,
        "More of the engine's environment, and no secrets; HTTPS_PROXY, NO_PROXY and HF_ENDPOINT hold for"
        " what fetches its files too.",
        default_factory=dict,
    )
    groups: tuple[Annotated[int, Field(strict=True, ge=1)], ...] = setting(
        Change.ROLLING,
        "Groups that its pods are in beside their own, by number, such as one that may read source.pvc.",
        default=(),
    )
    replicas: Annotated[int, Field(strict=True, ge=1, le=64)] = setting(
        Change.ROLLING, "How many pods serve it.", default=1
    )
    placement: Placement = setting(Change.ROLLING, "The nodes it may run on.", default=Placement())
    expose: ModelExposure = setting(
        Change.LIVE, "From where it is reached.", default=ModelExposure.LOAD_BALANCER
    )
    gateway: Gateway | None = setting(
        Change.LIVE, "The Gateway that it is reached through, with expose: gateway.", default=None
    )
    api_key: SecretRef = setting(
        Change.ROLLING, "Where the key that clients send is found.", default=SecretRef(generate=True)
    )
    version: Version = setting(
        Change.ROLLING,
        "The version that is served; each keeps a volume of its own, so that going back is this line.",
        default="1",
    )
    loads_per_second: Size = setting(
        Change.ROLLING, "How fast weights are read; probes wait as long as that takes.", default="200M"
    )
    drain_seconds: Annotated[int, Field(strict=True, ge=0, le=3600)] = setting(
        Change.ROLLING, "How long answers that have begun may take to end when a pod is stopped.", default=90
    )

    @property
    def device(self) -> Accelerator:
        """What it is computed on."""
        return self.accelerator or (OF_VENDOR[self.gpus.vendor] if self.gpus else Accelerator.CPU)

    @property
    def computed_on(self) -> Accelerator:
        """What it is computed on in truth: a build of vLLM for a processor leaves the pod's GPUs alone."""
        build = (self.image or "").partition("@")[0].rpartition("/")[2].partition(":")[0]
        return next((each for each in Accelerator if build == f"vllm-openai-{each}"), self.device)

    @property
    def image_key(self) -> str:
        """The lock file's key of its image."""
        return f"model-{self.name}" if self.image else f"vllm-{self.device}"

    @property
    def shards(self) -> int:
        """Over how many GPUs its engines are spread in all; 1 on a processor."""
        return self.split * self.pipeline_parallel * self.data_parallel

    @property
    def split(self) -> int:
        """Over how many GPUs every layer is split."""
        if self.tensor_parallel is not None:
            return self.tensor_parallel
        groups = self.pipeline_parallel * self.data_parallel
        return max(self.gpus.count // groups, 1) if self.gpus else 1

    @property
    def is_dummy(self) -> bool:
        """Say whether it is served with random weights in place of its own."""
        joined = " ".join(self.arguments).replace("=", " ").split()
        return ("--load-format", "dummy") in pairwise(joined)

    @property
    def is_random(self) -> bool:
        """Say whether what it answers means nothing, by its files or because they are not read."""
        return self.random_weights or self.is_dummy

    @property
    def origin(self) -> dict[str, Any]:
        """Its source as it is for this version, without what is secret or says only where it lies."""
        plain = self.source.model_dump(exclude={"token", "credentials", "ca"}, exclude_none=True)
        return {
            key: value.replace(VERSION, self.version) if isinstance(value, str) else value
            for key, value in plain.items()
        }
