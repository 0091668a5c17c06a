"""What holds the package manager, what is half installed, held, blacklisted; which packages matter here."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

# an upgrade of one of these at night has stopped a node
KUBERNETES = ("kubelet", "kubeadm", "kubectl", "containerd", "containerd.io", "cri-o", "k3s")
DRIVERS = (
    "nvidia-driver-*", "nvidia-open*", "libnvidia-compute-*", "nvidia-dkms-*",
    "amdgpu-dkms", "intel-i915-dkms", "cuda-drivers",
)  # fmt: skip
# dpkg knows what is held; apt-mark would write its cache to answer
COMMAND = """
for p in /proc/[0-9]*; do
  c=; read -r c < "$p/comm" || continue
  case $c in apt-get|aptitude|dpkg|unattended-upgr|dnf|dnf5|yum|rpm|zypper|cloud-init)
    echo "busy ${p#/proc/} $c" ;;
  esac
done
if command -v dpkg-query >/dev/null; then
  echo "manager apt"
  { dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Abbrev}\\n' || echo unread; } |
    grep -E '^(unread$|package (kube|containerd|cri-o|k3s|nvidia|libnvidia|amdgpu|intel-i915|cuda-drivers))'
  audit=$(dpkg --audit)
  [ -n "$audit" ] && echo "broken $(echo "$audit" | grep -E '^ [a-z0-9]' | cut -d' ' -f2 | tr '\\n' ' ')"
  apt-config dump Unattended-Upgrade::Package-Blacklist | while read -r key value; do
    case $key in *::) echo "blacklisted $value" ;; esac
  done
elif command -v rpm >/dev/null; then
  echo "manager dnf"
  { rpm -qa --qf 'package %{NAME} %{VERSION} ii\\n' || echo unread; } |
    grep -E '^(unread$|package (kubelet|kubeadm|kubectl|containerd|cri-o|k3s|nvidia|kmod-nvidia|amdgpu))'
  dnf -q versionlock list | while read -r name; do echo "held $name"; done
else
  echo "manager none"
fi
:
"""


@dataclass(frozen=True, slots=True)
class PackageState:
    """`manager` is apt, dnf or none; `busy` are running package managers as (pid, name)."""

    manager: str
    busy: tuple[tuple[str, str], ...]
    broken: tuple[str, ...]
    packages: dict[str, str]
    held: tuple[str, ...]
    blacklisted: tuple[str, ...]

    @property
    def unheld(self) -> tuple[str, ...]:
        """The precious packages that the next upgrade may replace."""
        return tuple(
            name
            for name in sorted(self.packages)
            if any(fnmatch(name, pattern) for pattern in (*KUBERNETES, *DRIVERS)) and not self._is_held(name)
        )

    def _is_held(self, name: str) -> bool:
        return name in self.held or any(entry.startswith((f"{name}-", f"{name}:")) for entry in self.held)


def parse(text: str) -> PackageState | None:
    """Read the tagged lines; None when the package manager is not named, or did not list its packages."""
    manager, busy, broken, held, blacklisted = "", [], [], [], []
    packages: dict[str, str] = {}
    for line in text.splitlines():
        match line.split():
            case ["manager", manager]:
                pass
            case ["unread"]:
                return None
            case ["busy", pid, name]:
                busy.append((pid, name))
            case ["broken", *names]:
                broken += names or ["one that dpkg --audit names"]
            case ["package", name, version, status] if status[1:2] == "i":
                packages[name] = version
                if status.startswith("h"):
                    held.append(name)
            case ["held", name]:
                held.append(name)
            case ["blacklisted", *pattern]:
                blacklisted.append(" ".join(pattern).strip('";'))
    if not manager:
        return None
    return PackageState(manager, tuple(busy), tuple(broken), packages, tuple(held), tuple(blacklisted))
