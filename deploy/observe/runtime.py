"""The container runtime on a host: its version, its configuration, whether it answers."""

from __future__ import annotations

import base64
import binascii
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from deploy.observe.pairs import pairs

CONFIG = "/etc/containerd/config.toml"
K3S = "/var/lib/rancher/k3s/agent/etc/containerd"
# what files say alone: of a version and of an answer nothing
CONFIGURED = f"""
[ -r {CONFIG} ] && echo "config=$(head -c 48000 {CONFIG} | base64 -w0)"
if [ -d {K3S} ]; then
  for f in {K3S}/*; do [ -e "$f" ] && {{ v=; IFS= read -r v < "$f"; echo "k3s_${{f##*/}}=$v"; }}; done
fi
for d in /etc/cdi /var/run/cdi; do
  [ -d "$d" ] || continue
  said=
  for f in "$d"/*; do [ -e "$f" ] && said="$said${{f##*/}} "; done
  echo "cdi_$d=$said"
done
:
"""
COMMAND = f"""
c=$(command -v containerd) && echo "version=$("$c" --version)"
if [ -S /run/containerd/containerd.sock ]; then
  timeout 3 ctr -t 2s version >/dev/null && echo socket=answers || echo socket=silent
fi
{CONFIGURED}"""
_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Runtime:
    """`version` is None where containerd is not installed; `config` where it has no file.

    `config` is {} for a file that is no TOML, and `answers` None without a socket.
    """

    version: tuple[int, int, int] | None
    answers: bool | None
    config: dict[str, Any] | None
    broken_config: bool
    k3s_files: dict[str, str]
    cdi: dict[str, tuple[str, ...]]

    @property
    def schema(self) -> int:
        """The configuration's version: 1 when it names none."""
        version = (self.config or {}).get("version", 1)
        return version if isinstance(version, int) else 1

    @property
    def plugins(self) -> frozenset[str]:
        """The plugin ids that the configuration sets."""
        plugins = (self.config or {}).get("plugins", {})
        return frozenset(plugins) if isinstance(plugins, dict) else frozenset()

    def setting(self, key: str) -> object:
        """Return a key of the CRI's plugin, under either of its names; None when it is not set."""
        plugins = (self.config or {}).get("plugins", {})
        for name in ("io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"):
            plugin = plugins.get(name) if isinstance(plugins, dict) else None
            if isinstance(plugin, dict) and key in plugin:
                return plugin[key]
        return None

    @property
    def cgroup_driver(self) -> str:
        """Who makes the cgroups: systemd where runc is told so, and otherwise runc by itself."""
        found: Any = self.setting("containerd")
        for key in ("runtimes", "runc", "options", "SystemdCgroup"):
            found = found.get(key) if isinstance(found, dict) else None
        return "systemd" if found is True else "cgroupfs"

    @property
    def disabled(self) -> tuple[str, ...]:
        """The plugins that the configuration turns off."""
        found = (self.config or {}).get("disabled_plugins", [])
        return tuple(str(each) for each in found) if isinstance(found, list) else ()


def _config(text: str) -> tuple[dict[str, Any], bool]:
    try:
        return tomllib.loads(base64.b64decode(text, validate=True).decode()), False
    except (binascii.Error, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return {}, True


def parse(text: str) -> Runtime:
    """Read the pairs; none at all is a host without a runtime."""
    found = pairs(text)
    version = _VERSION.search(found.get("version", ""))
    config, broken = _config(found["config"]) if "config" in found else (None, False)
    return Runtime(
        version=(int(version[1]), int(version[2]), int(version[3])) if version else None,
        answers=found["socket"] == "answers" if "socket" in found else None,
        config=config,
        broken_config=broken,
        k3s_files={key[4:]: value for key, value in found.items() if key.startswith("k3s_")},
        cdi={key[4:]: tuple(value.split()) for key, value in found.items() if key.startswith("cdi_")},
    )
