"""How names are resolved on a host: its own name, and the servers that are asked."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from deploy.observe.resolver import BEHIND_STUB, PLAIN

COMMAND = f"""
read -r h < /proc/sys/kernel/hostname
IFS='
'
for line in $(getent ahostsv4 "$h"); do echo "self ${{line%% *}}"; done
unset IFS
for f in {BEHIND_STUB} {PLAIN}; do
  [ -r "$f" ] && echo "file $f" && while read -r k v rest; do
    [ "$k" = nameserver ] && echo "server $f $v"
    [ "$k" = search ] && echo "search $f $v $rest"
  done < "$f"
done
:
"""


@dataclass(frozen=True, slots=True)
class Names:
    """`own` are the addresses that the host's own name leads to; `servers` the name servers by file."""

    own: tuple[str, ...]
    servers: dict[str, tuple[str, ...]]

    def kubelet_file(self, configured: str | None) -> str:
        """Return the file the kubelet hands to pods: the configured one, else the one that names no stub."""
        plain = self.servers.get(PLAIN, ())
        stub = bool(plain) and all(is_loopback(server) for server in plain)
        return configured or (BEHIND_STUB if stub and BEHIND_STUB in self.servers else PLAIN)


def is_loopback(server: str) -> bool:
    """Say whether a name server is the host itself; what is no address is none."""
    try:
        return ip_address(server.partition("%")[0]).is_loopback
    except ValueError:
        return False


def parse(text: str) -> Names:
    """Read the tagged lines."""
    own: list[str] = []
    servers: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        match line.split():
            case ["self", address] if address not in own:
                own.append(address)
            case ["file", path]:
                servers.setdefault(path, ())
            case ["server", path, server]:
                servers[path] = (*servers.get(path, ()), server)
    return Names(tuple(own), servers)
