"""An active verify of GPUs in use: each of them answers the vendor's own tool in the pods of models.

Device nodes that are handed over (GPU-14) may still be of a card that does not answer, or of a driver that
the image's libraries do not fit. Only images for a vendor's GPUs have its tools, and only models run such.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gevent

from checks.acceptance.hands import Hands, Kubectl
from checks.cluster.snapshot import Snapshot, name_of
from checks.finding import Finding, Status
from checks.say import judged, skipped, unread
from deploy.errors import UnreachableError
from deploy.model import Cluster, Node, Vendor
from deploy.model.serving import ModelGpus
from deploy.serving import names

CHECK = "GPU-17"
CONTAINER = "vllm"
PATIENCE = 20  # seconds; a driver that hangs answers never
SIMULATED = "[ -d /run/slipway-face ]"
NONE = "no such tool"
# what kubectl says when it was the command that failed, and not the way to it
ENDED = "command terminated with exit code"
# timeout(1): its own verdict; a program that cannot be started, such as one without its libraries
LATE, NOT_RUN = 124, (126, 127)


@dataclass(frozen=True, slots=True)
class Tool:
    """A command that asks devices by the vendor's library; it says a `line` of each, of parts a `part`."""

    command: str
    line: str
    part: str | None = None

    @property
    def name(self) -> str:
        """The program."""
        return self.command.split()[0]

    @property
    def script(self) -> str:
        """The command as a shell runs it; what ROCm and oneAPI install is in no PATH that a pod has."""
        return (
            "PATH=$PATH:/opt/rocm/bin:/opt/intel/oneapi/compiler/latest/bin;"
            f" command -v {self.name} >/dev/null || {{ echo {NONE}; exit; }};"
            f" timeout {PATIENCE} {self.command} 2>&1"
        )

    def count(self, text: str, *, parts: bool) -> int:
        """Return for how many devices it answers; `parts` says that parts alone are good, as of a profile.

        By NVIDIA's `single` strategy they are given under the name of whole cards.
        """
        found = re.findall(self.part, text, re.MULTILINE) if self.part else []
        cut = bool(found) or (parts and self.part is not None)
        return len(found if cut else re.findall(self.line, text, re.MULTILINE))


# nvidia-smi is brought by CDI (NVIDIA/nvidia-container-toolkit pkg/nvcdi/driver-nvml.go); rocminfo asks HSA,
# sycl-ls Level Zero: images have them (vllm-project/vllm docker/Dockerfile.rocm_base, docker/Dockerfile.xpu)
TOOLS = {
    Vendor.NVIDIA: Tool("nvidia-smi -L", r"^GPU \d+:", r"^\s+MIG "),
    Vendor.AMD: Tool("rocminfo", r"^\s*Device Type:\s+GPU"),
    Vendor.INTEL: Tool("sycl-ls", r"^\[(?:ext_oneapi_)?level_zero:gpu"),
}


def findings(cluster: Cluster, seen: Snapshot, kubectl: Kubectl, hands: Hands) -> list[Finding]:
    """Return for every node with GPUs what they answer in the pods of models, all nodes at once."""
    pods = seen.items("pods")
    if pods is None:
        return [unread(CHECK, node.name, seen.cause("pods")) for node in cluster.gpu_nodes()]
    asked = [
        gevent.spawn(_of, node, [*_running(cluster, node, pods)], kubectl, hands)
        for node in cluster.gpu_nodes()
    ]
    return [greenlet.get() for greenlet in asked]


def _running(
    cluster: Cluster, node: Node, pods: tuple[Mapping[str, Any], ...]
) -> Iterator[tuple[ModelGpus, str]]:
    """Yield the pods on a node that serve models on GPUs."""
    models = {model.name: model for model in cluster.models}
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        model = models.get(labels.get(names.MODEL_LABEL, ""))
        if model is None or model.gpus is None:
            continue
        if not labels.items() >= names.selector(model, "server").items():
            continue
        if pod["spec"].get("nodeName") == node.name and _is_up(pod):
            yield model.gpus, name_of(pod)


def _is_up(pod: Mapping[str, Any]) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any(each["name"] == CONTAINER and "running" in (each.get("state") or {}) for each in statuses)


def _of(node: Node, pods: list[tuple[ModelGpus, str]], kubectl: Kubectl, hands: Hands) -> Finding:
    tools = " or ".join(TOOLS[vendor].name for vendor in node.gpu_vendors)
    if not pods:
        return skipped(CHECK, node.name, f"no model runs on its GPUs, and other images have no {tools}")
    try:
        if hands.run(node.name, SIMULATED, timeout=PATIENCE).rc == 0:
            return skipped(CHECK, node.name, "its GPUs are simulated: nothing is there that could answer")
        told = [_asked(gpus, pod, kubectl) for gpus, pod in pods]
    except UnreachableError as error:
        return unread(CHECK, node.name, str(error))
    said = "; ".join(text for text, _ in told)
    states = {state for _, state in told}
    if Status.FAIL not in states and Status.UNAVAILABLE in states:
        return unread(CHECK, node.name, said)
    if Status.FAIL not in states and Status.SKIPPED in states:
        return skipped(CHECK, node.name, said)
    wanted = f"an answer to {tools} from each GPU of a pod"
    return judged(CHECK, node.name, Status.FAIL not in states, found=said, wanted=wanted)


def _asked(gpus: ModelGpus, pod: str, kubectl: Kubectl) -> tuple[str, Status]:
    """Return what a pod's tool says, and what that is worth."""
    tool = TOOLS[gpus.vendor]
    words = shlex.join(["-n", names.NAMESPACE, "exec", pod, "-c", CONTAINER, "--", "sh", "-c", tool.script])
    ran = kubectl(words, timeout=PATIENCE + 10.0)
    if ran.out.strip() == NONE:
        return f"{pod}: its image has no {tool.name}", Status.SKIPPED
    said = (
        f"{pod}: {([each.strip()[:120] for each in ran.out.splitlines() if each.strip()] or ['nothing'])[-1]}"
    )
    if ran.rc == 0:
        count = tool.count(ran.out, parts=bool(gpus.profile))
        return f"{pod}: {count} of {gpus.count}", Status.PASS if count == gpus.count else Status.FAIL
    if ENDED not in ran.err:
        return f"{pod}: {ran.err.strip() or f'kubectl ended with {ran.rc}'}", Status.UNAVAILABLE
    if ran.rc in NOT_RUN:
        return said, Status.SKIPPED
    return f"{pod}: no answer in {PATIENCE} s" if ran.rc == LATE else said, Status.FAIL
