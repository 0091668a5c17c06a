"""A model -> the arguments of `vllm serve`."""

from __future__ import annotations

from deploy.model.serving import Model
from deploy.serving import fit, names

QUIET = "/health,/metrics"
# a class of files/serving, which refuses every path that asks for no key
ALLOWLIST = "slipway_allowlist.Allowlist"


def arguments(model: Model) -> list[str]:
    """Return everything behind `vllm serve`; the key is not among it: everybody sees arguments."""
    typed: dict[str, object] = {
        "--served-model-name": model.name,
        "--host": "0.0.0.0",  # noqa: S104 - a pod's own network; who may ask is the NetworkPolicy's to say
        "--port": names.PORT,
        "--max-model-len": model.context,
        "--max-num-seqs": model.concurrency,
        "--dtype": model.dtype,
        "--quantization": model.quantization,
        "--kv-cache-dtype": model.kv_cache_dtype,
        "--kv-cache-memory-bytes": fit.kv_cache(model),
        "--gpu-memory-utilization": model.gpu_memory_utilization,
        "--tensor-parallel-size": model.split if model.split > 1 else None,
        "--pipeline-parallel-size": model.pipeline_parallel if model.pipeline_parallel > 1 else None,
        "--data-parallel-size": model.data_parallel if model.data_parallel > 1 else None,
        "--shutdown-timeout": model.drain_seconds,
        "--disable-access-log-for-endpoints": QUIET,
        "--middleware": ALLOWLIST,
    }
    given = [f"{name}={value}" for name, value in typed.items() if value is not None]
    trusted = ["--trust-remote-code"] if model.trust_remote_code else []
    return [names.folder(model), *given, *trusted, *model.arguments]
