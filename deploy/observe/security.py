"""AppArmor and SELinux on a host."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, pairs

COMMAND = """
v=N; read -r v < /sys/module/apparmor/parameters/enabled; echo "apparmor=$v"
command -v apparmor_parser >/dev/null && echo parser=yes || echo parser=no
v=none; read -r v < /sys/fs/selinux/enforce; echo "selinux=$v"
command -v semodule >/dev/null && echo "k3s_policy=$(semodule -l | grep -c '^k3s')"
:
"""


@dataclass(frozen=True, slots=True)
class Security:
    """`enforcing` is SELinux' mode; `k3s_policy` whether its policy for k3s is there."""

    apparmor: bool
    apparmor_parser: bool
    enforcing: bool
    k3s_policy: bool


def parse(text: str) -> Security:
    """Read the pairs."""
    found = pairs(text)
    if "apparmor" not in found:
        raise UnreadableError("nothing was said about AppArmor")
    return Security(
        apparmor=found["apparmor"] == "Y",
        apparmor_parser=found.get("parser") == "yes",
        enforcing=found.get("selinux") == "1",
        k3s_policy=found.get("k3s_policy", "0") not in ("", "0"),
    )
