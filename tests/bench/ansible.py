"""The baseline of the same hosts as an Ansible play: what to compare with."""

from __future__ import annotations

import sys
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy import render
from deploy.lab import Lab
from deploy.model import Cluster, load_cluster, paths
from deploy.steps import baseline
from tests.lab.site import Site

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


def play(site: Site) -> list[str | Path]:
    """Write a play and its inventory beside the site's; return the command that runs it."""
    cluster = load_cluster(site.inventory)
    playbook, inventory = site.directory / "baseline.yml", site.directory / "hosts.ini"
    playbook.write_text(_rendered(cluster))
    known = paths.known_hosts(site.name)
    options = f"-o UserKnownHostsFile={known} -o ControlMaster=auto -o ControlPersist=60s"
    lines = [f"{node.name} ansible_host={node.address}" for node in cluster.nodes]
    shared = [
        "[all:vars]",
        "ansible_user=root",
        f"ansible_ssh_private_key_file={site.lab.key}",
        f"ansible_ssh_common_args='{options}'",
        "ansible_python_interpreter=/usr/bin/python3",
    ]
    inventory.write_text("\n".join(["[all]", *lines, *shared, ""]))
    return [PLAYBOOK, "-i", inventory, playbook]


def environment(site: Site) -> dict[str, str]:
    """Return the settings that make Ansible as fast as it gets on this."""
    (site.directory / "unattended").write_bytes(render.file("baseline/unattended-upgrades"))
    return {
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_NOCOLOR": "1",
    }


def python(lab: Lab, node: str) -> None:
    """Install what Ansible needs on a host and slipway does not."""
    lab.exec(
        node, ["sh", "-c", "apt-get -qq update && apt-get -qq install -y python3 python3-apt >/dev/null"]
    )


def _rendered(cluster: Cluster) -> str:
    loader = FileSystemLoader(Path(__file__).parent)
    jinja = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    sysctls = {**baseline.SYSCTLS, **baseline.INOTIFY}
    return jinja.get_template("baseline.yml.j2").render(
        cluster=cluster,
        packages=baseline.PACKAGES,
        held=baseline.HELD,
        modules="".join(f"{name}\n" for name in baseline.MODULES),
        sysctls=sysctls,
        sysctl_file="".join(f"{key} = {value}\n" for key, value in sysctls.items()),
        journald=f"[Journal]\nSystemMaxUse={cluster.host.journal_max}\n",
        unattended="unattended",
    )
