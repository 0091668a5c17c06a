"""NetworkPolicies: who reaches a pod, and whom it asks. flannel alone enforces none; k3s does by kube-router.

A rule that says from where knows pods, not nodes. So it is for what pods alone ask; what a node or a load
balancer passes on, such as containerd's pulls, comes from whichever address it has on the way: a client's, a
node's, a tunnel's. There a rule is for a port, whoever asks. What a kubelet asks a pod of its own node is let
in by every policy (kubernetes.io, Network Policies).

A rule that knows pods has to learn of a new one: with kube-router, the first connection of a pod that asks at
once is mostly refused, and none a tenth of a second later. So who asks where there is such a rule asks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Object = dict[str, Any]


def tcp(port: int) -> Object:
    """Return a port of a rule."""
    return {"port": port, "protocol": "TCP"}


NAMES: Object = {"ports": [{"port": 53, "protocol": "UDP"}, tcp(53)]}
"""That a pod may ask for names."""
PODS: Object = {"from": [{"namespaceSelector": {}}]}
"""Every pod of the cluster that has a network of its own."""


def policy(
    metadata: Object,
    selector: Mapping[str, str],
    ingress: Sequence[Object] = (),
    egress: Sequence[Object] | None = (),
) -> Object:
    """Return the policy of the pods with these labels: refused is what no rule allows; None is for any."""
    spec: Object = {
        "podSelector": {"matchLabels": dict(selector)},
        "policyTypes": ["Ingress"] if egress is None else ["Ingress", "Egress"],
        # an empty list is not kept, and would be looked for in vain
        **({"ingress": [*ingress]} if ingress else {}),
        **({"egress": [*egress]} if egress else {}),
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
