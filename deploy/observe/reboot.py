"""What a host waits for that only a reboot brings: a kernel, a driver, what modprobe.d says of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploy.observe import kernels
from deploy.observe.gpu_state import MODULES
from deploy.observe.kernels import Kernels
from deploy.observe.pairs import UnreadableError

__all__ = ["COMMAND", "UnreadableError", "Waiting", "parse"]

# a module that is loaded keeps its version and its options until it goes, and a GPU's goes with a reboot only
COMMAND = f"""{kernels.COMMAND}
for m in {" ".join(MODULES)}; do
  [ -d "/sys/module/$m" ] || continue
  echo "loaded $m"
  v=-; [ -r "/sys/module/$m/version" ] && read -r v < "/sys/module/$m/version"
  echo "version $m $v $(modinfo -F version "$m" 2>/dev/null | head -n 1)"
  grep -hsE "^[[:space:]]*(blacklist|options)[[:space:]]+$m([[:space:]]|$)" \\
    /etc/modprobe.d/*.conf /run/modprobe.d/*.conf | while read -r word name rest; do
    case $word in blacklist) echo "blacklist $m" ;; esac
    for o in $rest; do
      p=; f="/sys/module/$m/parameters/${{o%%=*}}"
      [ -r "$f" ] && read -r p < "$f" && echo "option $m ${{o%%=*}} ${{o#*=}} $p"
    done
  done
done
:
"""
TREE = "-"
# how sysfs writes what modprobe.d says in more than one way
TRUTH = {"y": "1", "yes": "1", "true": "1", "on": "1", "n": "0", "no": "0", "false": "0", "off": "0"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What could wait for a reboot.

    `versions` are (loaded, installed) by module, where one is installed that has a version; loaded is `-` for
    one of the kernel's tree, which has none. `options` are (module, name, wanted, live).
    """

    kernels: Kernels
    loaded: frozenset[str]
    blacklisted: frozenset[str]
    versions: Mapping[str, tuple[str, str]]
    options: tuple[tuple[str, str, str, str], ...]

    def reasons(self, *, nvidia: bool) -> Iterator[str]:
        """Say why the host needs a reboot; `nvidia`: its GPUs are NVIDIA's, which nouveau keeps from them."""
        if waits := self.kernels.waits:
            yield waits
        for name, (loaded, installed) in self.versions.items():
            if loaded != installed:
                runs = f"the kernel's own {name}" if loaded == TREE else f"{name} {loaded}"
                yield f"{runs} is loaded, {installed} is installed"
        if nvidia and "nouveau" in self.loaded & self.blacklisted:
            yield "nouveau is loaded, which /etc/modprobe.d keeps away from the next boot on"
        for module, name, wanted, live in self.options:
            if _plain(wanted) != _plain(live):
                yield f"{module} runs with {name}={live}, /etc/modprobe.d says {wanted}"


def parse(text: str) -> Waiting:
    """Read the tagged lines; raise UnreadableError when the host did not name its kernel."""
    loaded: set[str] = set()
    blacklisted: set[str] = set()
    versions: dict[str, tuple[str, str]] = {}
    options: dict[tuple[str, str], tuple[str, str]] = {}
    for line in text.splitlines():
        match line.split():
            case ["loaded", module]:
                loaded.add(module)
            case ["blacklist", module]:
                blacklisted.add(module)
            case ["version", module, now, then]:
                versions[module] = now, then
            case ["option", module, name, wanted, live]:
                options[module, name] = wanted, live  # of several lines the last one counts
    said = tuple((*key, *value) for key, value in options.items())
    return Waiting(kernels.parse(text), frozenset(loaded), frozenset(blacklisted), versions, said)


def _plain(value: str) -> str:
    """Return a parameter's value in one spelling: sysfs says Y and 3 where a file says 1 and 0x3."""
    value = TRUTH.get(value.lower(), value)
    try:
        return str(int(value, 0))
    except ValueError:
        return value
