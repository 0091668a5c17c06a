"""What a Kubernetes, ours or another, has left on a host."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deploy.observe.identity import PATH as IDENTITY

PLACES = (
    "/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/kubelet.conf", "/var/lib/etcd", "/var/lib/rancher/k3s/server",
    "/var/lib/rancher/k3s/agent",
    "/etc/rancher/node/password", "/etc/cni/net.d", "/var/lib/cni/networks",
)  # fmt: skip
LINKS = ("cni0", "flannel.1", "cilium_host", "vxlan.calico", "kube-ipvs0")
COMMAND = f"""
for p in {" ".join(PLACES)}; do
  if [ -d "$p" ]; then
    for f in "$p"/* "$p"/.[!.]*; do [ -e "$f" ] || [ -L "$f" ] && {{ echo "place $p"; break; }}; done
  elif [ -e "$p" ]; then echo "place $p"; fi
  [ -e "$p" ] && [ ! -r "$p" ] && echo "unread $p"
done
for l in {" ".join(LINKS)}; do [ -e "/sys/class/net/$l" ] && echo "link $l"; done
if [ -r {IDENTITY} ]; then
  i=; while [ ${{#i}} -lt 4096 ] && read -r line || [ -n "$line" ]; do i="$i$line "; done < {IDENTITY}
  echo "identity $i"
fi
for f in /run/slipway/init /run/slipway/join /var/lib/slipway/init /var/lib/slipway/join; do
  [ -e "$f" ] && echo "marker $f"
done
for v in kubelet k3s; do command -v "$v" >/dev/null && echo "version $v $("$v" --version | head -n 1)"; done
:
"""


@dataclass(frozen=True, slots=True)
class Remains:
    """`identity` is what slipway wrote about the cluster the host belongs to; None where it did not.

    `versions` are those of kubelet and k3s, as v1.36.3. `stand_in` says that k3s is not k3s itself.
    """

    places: tuple[str, ...]
    unread: tuple[str, ...]
    links: tuple[str, ...]
    identity: dict[str, Any] | None
    versions: dict[str, str]
    stand_in: bool = False

    @property
    def cluster(self) -> str | None:
        """The name of the cluster that slipway made of this host."""
        name = (self.identity or {}).get("name")
        return name if isinstance(name, str) else None


def _identity(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def parse(text: str) -> Remains:
    """Read the tagged lines; none at all is a clean host."""
    places, unread, links = [], [], []
    identity: dict[str, Any] | None = None
    versions: dict[str, str] = {}
    stand_in = False
    for line in text.splitlines():
        tag, _, rest = line.partition(" ")
        match tag:
            case "place":
                places.append(rest)
            case "unread":
                unread.append(rest)
            case "link":
                links.append(rest)
            case "identity":
                identity = _identity(rest)
            case "version":
                name, _, said = rest.partition(" ")
                stand_in = stand_in or said.endswith("(k3s stand-in)")
                if version := next(
                    (word for word in said.split() if word[:1] == "v" and word[1:2].isdigit()), None
                ):
                    versions[name] = version
    return Remains(tuple(places), tuple(unread), tuple(links), identity, versions, stand_in)
