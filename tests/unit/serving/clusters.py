"""Clusters with models, for the tests of serving."""

from __future__ import annotations

from typing import Any

from deploy.model import Cluster
from deploy.model.mistake import written
from deploy.serving import mistakes

CONFIG = {
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "hidden_size": 3584,
    "max_position_embeddings": 32768,
    "torch_dtype": "bfloat16",
}
"""Of Qwen2.5-7B-Instruct."""
TINY: dict[str, Any] = {
    "name": "tiny",
    "source": {"s3": "s3://models/tiny/{version}"},
    "weights": "64Mi",
    "memory": "4Gi",
    "context": 256,
    "concurrency": 4,
    "kv_cache": "4Mi",
    "dtype": "bfloat16",
    "arguments": ["--enforce-eager", "--distributed-executor-backend=uni"],
    "environment": {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "OMP_NUM_THREADS": "1"},
}
ARC: dict[str, Any] = {
    "name": "qwen",
    "source": {"modelkit": "registry.home.arpa/models/qwen:{version}"},
    "checksum": f"sha256:{'a' * 64}",
    "weights": "15Gi",
    "memory": "24Gi",
    "cpu": "8",
    "context": 8192,
    "gpus": {"vendor": "intel", "model": "A770", "count": 2},
    "groups": [993],
    "placement": {"tolerations": [{"key": "dedicated", "value": "gpu"}]},
}
HUB: dict[str, Any] = {
    "name": "llama",
    "source": {"hub": "meta-llama/Llama-3.1-8B", "revision": "b" * 40, "token": {"env": "HF_TOKEN"}},
    "weights": "16Gi",
    "memory": "40Gi",
    "context": 4096,
    "accelerator": "cpu",
    "expose": "gateway",
    "gateway": {"name": "front", "namespace": "gateways", "hostname": "llama.home.arpa"},
    "replicas": 2,
    "storage_class": "slipway-nfs",
    "volume": "shared",
}
FOLDER: dict[str, Any] = {
    "name": "mine",
    "source": {"host_path": "/data/mine", "node": "w1"},
    "weights": "1Gi",
    "memory": "8Gi",
    "context": 2048,
    "expose": "cluster",
    "arguments": ["--load-format", "dummy"],
}
EXPORT = {"name": "shared", "server": "192.168.1.5", "path": "/export/models", "size": "100Gi"}
A770 = {"vendor": "intel", "model": "A770", "count": 2, "allocation": "dra"}


def cluster(*models: dict[str, Any], **keys: Any) -> Cluster:
    """Return a cluster of a control plane, a worker, and a worker with two A770, that serves these models."""
    nodes = [
        {"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]},
        {"name": "w1", "address": "192.168.1.12", "roles": ["worker"]},
        {"name": "arc1", "address": "192.168.1.13", "roles": ["worker"], "gpus": A770},
    ]
    return Cluster.model_validate(
        {
            "name": "homelab",
            "nodes": nodes,
            "load_balancer": {"pool": ["192.168.1.240-192.168.1.250"]},
            "storage": {"path": "/data/volumes", "nfs": [EXPORT]},
            "object_store": {"buckets": ["models"]},
            "registry": {"provider": "distribution", "hostname": "registry.home.arpa"},
            "models": list(models),
            **keys,
        }
    )


def said(*models: dict[str, Any], **keys: Any) -> list[str]:
    """Return what refuses these models, as an operator reads it."""
    return [f"{written(each.place)}: {each.text}" for each in mistakes.mistakes(cluster(*models, **keys))]


def warned(*models: dict[str, Any]) -> list[str]:
    """Return what is only warned of."""
    return [f"{written(each.place)}: {each.text}" for each in mistakes.warnings(cluster(*models))]
