"""Which resolv.conf a host's pods can use: through a stub on loopback CoreDNS would ask itself."""

from __future__ import annotations

from collections.abc import Sequence

PLAIN = "/etc/resolv.conf"
BEHIND_STUB = "/run/systemd/resolve/resolv.conf"

COMMAND = f"cat {PLAIN} 2>/dev/null; [ -s {BEHIND_STUB} ] && echo '# has-upstream'; echo '# end'"


def parse(lines: Sequence[str]) -> str | None:
    """Return systemd-resolved's own list when the plain file names its stub; None when cut off."""
    if "# end" not in lines:
        return None
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ") and len(line.split()) > 1]
    stub = bool(servers) and all(server.startswith("127.") for server in servers)
    return BEHIND_STUB if stub and "# has-upstream" in lines else PLAIN
