"""What is wrong with an inventory's models that its values alone do not tell: GPUs, memory, arguments."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.catalog import vllm_arguments
from deploy.errors import InventoryError
from deploy.gpu.need import NeedError, amount, nodes_for
from deploy.model import Cluster
from deploy.model.mistake import Mistake, Place
from deploy.model.serving import Accelerator, Model
from deploy.serving import fit, placing, shape, together, versions
from deploy.serving.shape import Shape

# checks SRV-06: the largest file is read into memory on its way to a GPU; hubs cut weights to files of 5 GB
SHARD = 5 * 10**9
# Xe-HPG, which vLLM's flash attention leaves out (vllm-project/vllm#24817); its maintainers name Triton's in
# its place, which did not run for all (vllm-project/vllm-xpu-kernels#92)
ALCHEMIST = (
    *("A310", "A380", "A580", "A750", "A770"),
    *("A30M", "A50", "A60", "A60M"),
    *("Flex 140", "Flex 170"),
)


def mistakes(cluster: Cluster) -> list[Mistake]:
    """Return what cannot work."""
    found = [*vllm_arguments.mistakes(cluster)]
    for index, model in enumerate(cluster.models):
        if len(model.source.kinds) == 1:
            found += _of(cluster, model, ("models", index))
    return [*found, *together.gpu_mistakes(cluster)]


def _of(cluster: Cluster, model: Model, place: Place) -> Iterator[Mistake]:
    try:
        seen = fit.of(cluster, model)
    except NeedError as error:
        yield Mistake((*place, "gpus"), str(error))
        return
    except InventoryError as error:
        yield Mistake((*place, "config"), str(error))
        return
    if model.data_parallel > 1 and model.gpus is None:
        text = "goes with gpus only, and there are none; set replicas instead"
        yield Mistake((*place, "data_parallel"), text)
    if seen.fits is False:
        key = "gpus" if model.gpus else "memory"
        yield Mistake((*place, key), f"{model.name} does not fit: {seen.text}; {_advice(model)}")
    if seen.at_once == 0 and seen.kept is not None:
        holds = seen.kept * model.context // (seen.one or 1)
        text = f"{model.kv_cache} holds {holds} tokens, and a sequence may have {model.context}"
        yield Mistake((*place, "kv_cache"), f"{text}; raise it, or lower context")
    if amount(fit.shared_memory(model)) >= amount(model.memory):
        text = f"shared_memory takes {fit.shared_memory(model)} of it, and leaves nothing; ask for more"
        yield Mistake((*place, "memory"), text)
    known = shape.read(model)
    if pooling := _pools(model, known):
        text = "it makes vectors or scores, and verify would ask it for text"
        yield Mistake((*place, pooling), f"{text}; wanted a model that answers with text")
    if known:
        yield from _shaped(model, known, place)
    yield from _unplaced(cluster, model, place)


def _pools(model: Model, known: Shape | None) -> str | None:
    """Return what says that a model makes vectors or scores."""
    told = (vllm_arguments.value(model, "runner"), vllm_arguments.value(model, "convert"))
    if told[0] == "pooling" or told[1] in ("embed", "classify"):
        return "arguments"
    return "config" if known and known.pools and told[0] is None else None


def _shaped(model: Model, known: Shape, place: Place) -> Iterator[Mistake]:
    """Yield what the model itself does not allow."""
    if known.longest is not None and model.context > known.longest:
        text = f"{model.context} tokens, and the model was made for {known.longest}; lower it, or set in"
        text += " --hf-overrides what makes it longer: rope_parameters, and max_position_embeddings with YaRN"
        yield Mistake((*place, "context"), text)
    if not known.splits(model.split):
        all_of_it = model.split * model.pipeline_parallel
        best = max(each for each in range(1, all_of_it + 1) if all_of_it % each == 0 and known.splits(each))
        key = "gpus" if model.gpus and model.tensor_parallel is None else "tensor_parallel"
        yield Mistake(
            (*place, key),
            f"{known.queries} attention heads, of which {known.heads} are cached, cannot be split evenly over"
            f" {model.split}; set tensor_parallel: {best} and pipeline_parallel: {all_of_it // best}"
            f"{', or ask for another number of GPUs' if model.gpus else ''}",
        )


def _unplaced(cluster: Cluster, model: Model, place: Place) -> Iterator[Mistake]:
    able = placing.labelled(cluster, model)
    if not able:
        yield Mistake((*place, "placement"), "no node that could run this model has these labels")
    elif not placing.nodes(cluster, model):
        said = ", ".join(
            f"{node.name} has {taint.key}={taint.value}:{taint.effect}"
            for node in able
            for taint in placing.untolerated(node, model)
        )
        text = f"its pods would tolerate no node that could run it: {said}; add to placement.tolerations"
        yield Mistake((*place, "placement"), text)


def _advice(model: Model) -> str:
    if model.gpus:
        return "lower context, use a quantised model, or more or larger GPUs"
    cache = "lower context or kv_cache" if model.kv_cache else "set kv_cache, lower context"
    return f"ask for more memory, {cache}, or use a quantised model"


def warnings(cluster: Cluster) -> list[Mistake]:
    """Return what works, and likely not as wished."""
    found: list[Mistake] = [*versions.warnings(cluster)]
    for index, model in enumerate(cluster.models):
        try:
            seen = fit.of(cluster, model)
        except InventoryError:
            continue
        if text := seen.unjudged:
            text += (
                "; set kv_cache"
                if seen.misunderstood
                else "; name the model's config.json here, or set kv_cache"
            )
            found.append(Mistake(("models", index, "config"), text))
        if text := seen.crowded:
            found.append(Mistake(("models", index, "concurrency"), text))
        wanted = 1.2 * (min(int(amount(model.weights)), SHARD) + int(amount(fit.shared_memory(model))))
        if model.gpus and amount(model.memory) < wanted:
            text = f"{model.memory} is less than {fit.gib(int(wanted))}, what loading takes: the largest file"
            text += " and shared_memory, and a fifth more"
            found.append(Mistake(("models", index, "memory"), text))
        found += _experimental(cluster, model, ("models", index))
    return found


def _experimental(cluster: Cluster, model: Model, place: Place) -> Iterator[Mistake]:
    """Yield what nobody has seen work: cards that vLLM leaves out, and several Intel GPUs in one pod.

    oneCCL asks for pidfd_getfd, which containerd's profile (contrib/seccomp) ties to CAP_SYS_PTRACE, and that
    the Pod Security Standard of the models' namespace gives to nobody.
    """
    if model.gpus is None or model.device is not Accelerator.XPU:
        return
    said = []
    found = {gpus.model for _, gpus in nodes_for(cluster, fit.need(model.gpus)) if gpus.model in ALCHEMIST}
    if found and not model.image:
        said.append(
            f"vLLM's attention for Intel GPUs does not support {', '.join(sorted(found))}, so this is an"
            " experiment; try --attention-backend=TRITON_ATTN in arguments, or another image"
        )
    if model.gpus.count > 1 and model.computed_on is Accelerator.XPU:
        said.append(
            f"{model.gpus.count} Intel GPUs in one pod need a system call that no pod of a model may make,"
            " and what oneCCL falls back to hung or aborted for others (uxlfoundation/oneCCL#217, #213); set"
            " count: 1 where one holds the model"
        )
    if said:
        yield Mistake((*place, "gpus"), "; ".join(said))
