"""What stands between a GPU and its work: modules, signatures, kernel log, device nodes, other users."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, number, words

MODULES = ("i915", "xe", "amdgpu", "nvidia", "nouveau")
# those after which a card is to be reset or replaced; others are of programs, and come by the hundred
# (https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html)
LOST_CARD = {
    48: "memory error that could not be corrected",
    64: "memory row that could not be remapped",
    74: "NVLink error",
    79: "fell off the bus",
    95: "memory error that was not contained",
    119: "its processor (GSP) does not answer",
    120: "its processor (GSP) failed",
}
_XID = rf"NVRM: Xid [^)]*\): ({'|'.join(map(str, LOST_CARD))}),"
# NVSwitches are bridges of NVIDIA's (NVIDIA/k8s-test-infra#882); so are parts of its old chipsets, whose ids
# begin with 0.
# NVIDIA's operator may make the device nodes of its driver in the driver's own root alone
# (NVIDIA/gpu-operator cmd/nvidia-validator/driver.go, devRoot)
COMMAND = f"""
found=no; switches=0
for d in /sys/bus/pci/devices/*; do
  c=; v=; i=; read -r c < "$d/class"; read -r v < "$d/vendor"
  case $c in
  0x03*|0x12*) case $v in 0x8086|0x1002|0x10de) found=yes ;; esac ;;
  0x0680*) read -r i < "$d/device"
    case $v-$i in 0x10de-0x0*) ;; 0x10de-*) switches=$((switches + 1)) ;; esac ;;
  esac
done
[ $found = yes ] || {{ echo nogpu; exit 0; }}
echo gpu
[ $switches -gt 0 ] && echo "fabric switches=$switches state=$(systemctl is-active nvidia-fabricmanager)" \
  "version=$(nv-fabricmanager --version | sed -n 's/.*version is[ :]*\\([0-9.]*\\).*/\\1/p')"
for m in {" ".join(MODULES)}; do
  [ -d "/sys/module/$m" ] && {{ v=; read -r v < "/sys/module/$m/version"; echo "loaded $m $v"; }}
  for k in /lib/modules/*; do
    f=$(modinfo -k "${{k##*/}}" -n "$m") || continue
    case $f in *updates*|*dkms*) from=dkms ;; *) from=tree ;; esac
    echo "module ${{k##*/}} $m $from $(modinfo -k "${{k##*/}}" -F version "$m" | head -n 1)"
  done
done
grep -hsE '^[[:space:]]*blacklist' /etc/modprobe.d/*.conf /run/modprobe.d/*.conf |
  while read -r word name rest; do echo "blacklist $name"; done
for f in /sys/firmware/efi/efivars/SecureBoot-*; do
  [ -r "$f" ] || continue
  case $(od -An -t u1 "$f" | tr -s ' \\n' ' ') in
    *' 1 '|*' 1') echo "secureboot on" ;;
    *) echo "secureboot off" ;;
  esac
done
dkms status | while read -r line; do echo "dkms $line"; done
if kernel=$(dmesg); then
  echo logged
  # each apart: one that is said again and again would push the others out
  for words in '(guc|huc|dmc|firmware).*(fail|error -2)|key was rejected|resiz(e|able) bar' '{_XID}'; do
    printf '%s\\n' "$kernel" | grep -iE "$words" | tail -n 20 | while read -r line; do echo "log $line"; done
  done
fi
[ -c /dev/kfd ] && echo "node kfd"
for n in /dev/nvidia[0-9]* /run/nvidia/driver/dev/nvidia[0-9]* /dev/dri/renderD*; do
  [ -c "$n" ] && echo "node ${{n##*/}}"; done
n=0; for f in /sys/class/kfd/kfd/topology/nodes/*/gpu_id; do
  i=; read -r i < "$f" && [ "${{i:-0}}" != 0 ] && n=$((n + 1)); done; echo "kfd $n"
dpkg-query -W -f 'library ${{Package}} ${{Version}} ${{db:Status-Abbrev}}\\n' 'libnvidia-compute*' |
  grep ' ii'
ls -l /proc/[0-9]*/fd | awk '
  /^\\/proc\\// {{ split($0, p, "/"); pid = p[3] }}
  /-> \\/dev\\/(dri\\/renderD|kfd|nvidia[0-9])/ {{ print pid, $NF }}' | sort -u | head -n 50 |
  while read -r pid node; do
    c=; read -r c < "/proc/$pid/comm"
    grep -q kubepods "/proc/$pid/cgroup" || echo "user $pid $node $c"
  done
:
"""


@dataclass(frozen=True, slots=True)
class Module:
    """A driver's module for one kernel; `dkms` is one that was built on the host."""

    kernel: str
    name: str
    dkms: bool
    version: str


@dataclass(frozen=True, slots=True)
class Fabric:
    """NVSwitches on the bus; what systemd calls Fabric Manager, and its version: "" where there is none."""

    switches: int
    state: str
    version: str


@dataclass(frozen=True, slots=True)
class GpuState:
    """All of it; `present` says whether there is a GPU maker's device at all.

    `users` are (pid, device node, process). `loaded` maps modules to their version, which is "" for those
    in the kernel's tree. Without `logged` the kernel's log could not be read, and `log` says nothing.
    """

    present: bool
    loaded: dict[str, str]
    modules: tuple[Module, ...]
    blacklisted: frozenset[str]
    secure_boot: bool | None
    dkms: tuple[str, ...]
    log: tuple[str, ...]
    nodes: frozenset[str]
    kfd: int | None
    libraries: dict[str, str]
    users: tuple[tuple[str, str, str], ...]
    logged: bool = False
    fabric: Fabric | None = None


def _tagged(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        tag, _, rest = line.partition(" ")
        found.setdefault(tag, []).append(rest)
    return found


def _module(text: str) -> Module | None:
    match text.split():
        case [kernel, name, ("dkms" | "tree") as origin, *version]:
            return Module(kernel, name, origin == "dkms", version[0] if version else "")
    return None


def _library(text: str) -> tuple[str, str] | None:
    match text.split():
        case [name, version, "ii"]:
            return name, version
    return None


def _user(text: str) -> tuple[str, str, str] | None:
    match text.split():
        case [pid, node, *name]:
            return pid, node, " ".join(name) or "?"
    return None


def _fabric(text: str) -> Fabric | None:
    found = words(text)
    switches = number(found.get("switches"))
    return Fabric(switches, found.get("state", ""), found.get("version", "")) if switches else None


def parse(text: str) -> GpuState:
    """Read the tagged lines."""
    found = _tagged(text)
    if "gpu" not in found and "nogpu" not in found:
        raise UnreadableError("nothing was said about GPUs")
    loaded = (line.partition(" ") for line in found.get("loaded", []))
    secure_boot = found.get("secureboot", [])
    kfd = found.get("kfd", [])
    return GpuState(
        present="gpu" in found,
        loaded={name: version for name, _, version in loaded},
        modules=tuple(each for each in map(_module, found.get("module", [])) if each),
        blacklisted=frozenset(found.get("blacklist", [])),
        secure_boot=secure_boot[-1] == "on" if secure_boot else None,
        dkms=tuple(found.get("dkms", [])),
        log=tuple(found.get("log", [])),
        nodes=frozenset(found.get("node", [])),
        kfd=number(kfd[-1]) if kfd else None,
        libraries=dict(each for each in map(_library, found.get("library", [])) if each),
        users=tuple(each for each in map(_user, found.get("user", [])) if each),
        logged="logged" in found,
        fabric=_fabric(found["fabric"][-1]) if "fabric" in found else None,
    )
