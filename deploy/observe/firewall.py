"""Which packet filters stand in front of a host, and which iptables writes their rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy.observe.pairs import number, pairs

COMMAND = """
command -v ufw >/dev/null && echo "ufw=$(ufw status | head -n 1)"
command -v firewall-cmd >/dev/null && echo "firewalld=$(firewall-cmd --state 2>&1 | head -n 1)"
if [ -d /sys/module/nf_tables ] || ! [ -e /proc/modules ]; then  # or asking would load the module
  set -f; IFS='
'
  drops=
  for line in $(nft list chains | grep -E 'hook (input|forward) .*policy drop'); do drops="$drops$line|"; done
  set +f; unset IFS
  echo "nft=$drops"
fi
command -v iptables >/dev/null && echo "iptables=$(iptables --version)"
if [ -s /proc/net/ip_tables_names ]; then
  rules=$(iptables-legacy-save | grep -E '^(-A|:INPUT DROP)')
  echo "legacy=$(echo "$rules" | grep -c '^-A')"
  case $rules in *:INPUT\\ DROP*) echo input=DROP ;; esac
fi
:
"""
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+) ?\(?(nf_tables|legacy)?")


@dataclass(frozen=True, slots=True)
class Firewall:
    """`ufw` and `firewalld` are None where they are not installed.

    `dropping` are input and forward chains whose policy is drop; `backend` is nf_tables or legacy.
    """

    ufw: bool | None
    firewalld: bool | None
    dropping: tuple[str, ...]
    iptables: tuple[int, int, int] | None
    backend: str | None
    legacy_rules: int


def _version(text: str) -> tuple[tuple[int, int, int] | None, str | None]:
    found = _VERSION.search(text)
    if found is None:
        return None, None
    return (int(found[1]), int(found[2]), int(found[3])), found[4] or "legacy"


def parse(text: str) -> Firewall:
    """Read the pairs; nothing installed is an answer too."""
    found = pairs(text)
    version, backend = _version(found.get("iptables", ""))
    dropping = [chain.strip() for chain in found.get("nft", "").split("|") if chain.strip()]
    if found.get("input") == "DROP":
        dropping.append("iptables INPUT")
    return Firewall(
        ufw=found["ufw"] == "Status: active" if "ufw" in found else None,
        firewalld=found["firewalld"] == "running" if "firewalld" in found else None,
        dropping=tuple(dropping),
        iptables=version,
        backend=backend,
        legacy_rules=number(found.get("legacy")) or 0,
    )
