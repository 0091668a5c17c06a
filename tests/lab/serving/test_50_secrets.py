"""No value of a Secret is anywhere but where it is used.

Not searched are the places that hold Secrets by their nature: etcd, the kubelet's and containerd's own
folders (/var/lib/kubelet, /var/lib/etcd, /run/containerd), and the volumes, where a store keeps its users.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.model import paths
from tests.lab.serving.models import ANEW, PATIENCE, got, kubectl, settled
from tests.lab.site import Site, until

SPACES = ("slipway-system", "object-store", "registry", "models")
# names, certificates, and sums that tell whether a derived value is current
OPEN = {"access-key", "username", "ca.crt", "tls.crt", "origin", "sum"}
KINDS = "configmaps,pods,deployments,daemonsets,statefulsets,jobs,services,events,persistentvolumes"
CANARY = "slipway-canary-4f1c92d7"
SEARCH = f"""
umask 077
wanted=/dev/shm/wanted
cat >$wanted
echo {CANARY[:14]}''{CANARY[14:]} >/var/lib/slipway/canary
systemd-cat cat /var/lib/slipway/canary
journalctl --sync
grep -rlsF -D skip -f $wanted /etc /run/slipway /root /home /usr/local/etc /var/log/pods /var/log/containers
find /var/lib/slipway -path /var/lib/slipway/volumes -prune -o -type f -print0 |
  xargs -0 -r grep -lF -f $wanted
journalctl --no-pager --output=cat | grep -qF -f $wanted && echo journal
for each in /proc/[0-9]*/cmdline; do
  tr '\\0' '\\n' <$each 2>/dev/null | grep -qF -f $wanted && echo $each
done
rm -f $wanted /var/lib/slipway/canary
"""


@dataclass
class Watch:
    """The arguments of every process of the machine, and so of hosts and pods, while something runs."""

    seen: set[bytes] = field(default_factory=set)

    def look(self) -> None:
        for process in Path("/proc").iterdir():
            with suppress(OSError):  # it has ended, or is no process
                self.seen.add((process / "cmdline").read_bytes())

    @property
    def text(self) -> str:
        return b"\n".join(self.seen).replace(b"\0", b" ").decode(errors="replace")


@contextmanager
def watched() -> Iterator[Watch]:
    """Look at all processes some twenty times a second."""
    watch, stop = Watch(), threading.Event()

    def look() -> None:
        while not stop.is_set():
            watch.look()
            time.sleep(0.03)

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield watch
        finally:
            stop.set()
        looking.result()  # if it ended early, by what it ended


def secrets(site: Site) -> dict[str, str]:
    """Return every value that nobody else may have, as text and as base64, by where it is kept."""
    found = {}
    for space in SPACES:
        for item in got(site, f"--namespace={space}", "secrets")["items"]:
            for key, encoded in item["data"].items():
                where = f"{space}/{item['metadata']['name']}/{key}"
                if key in OPEN:
                    continue
                found[f"{where} in base64"] = encoded
                plain = base64.b64decode(encoded).decode()
                found[where] = plain.splitlines()[1] if key == "tls.key" else plain.strip()
                if key == ".dockerconfigjson":
                    [login] = json.loads(plain)["auths"].values()
                    found[f"{where}: auth"] = login["auth"]
    assert len(found) >= 20
    assert all(len(value) >= 20 and "\n" not in value for value in found.values())
    return found


def leaked(text: str, values: Mapping[str, str]) -> list[str]:
    """Return whose value is in a text."""
    return [where for where, value in values.items() if value in text]


def test_no_secret_is_in_an_argument_or_in_what_slipway_says(llm: Site) -> None:
    values = secrets(llm)
    gone = {"object-store": "object-store-user", "registry": "registry-auth", "models": "model-tiny"}
    for space, name in {**gone, "slipway-system": "model-tiny"}.items():
        kubectl(llm, f"--namespace={space}", "delete", "secret", name)
    buckets = "app.kubernetes.io/name=minio-buckets"
    kubectl(llm, "--namespace=object-store", "delete", "job", f"--selector={buckets}")

    with watched() as watch:
        runs = [
            llm.slipway("plan"),
            llm.slipway("plan", "-o", "json"),
            llm.slipway("drift", timeout=600),
            llm.slipway("apply", "--yes", timeout=PATIENCE),
            llm.slipway("verify", "-o", "json", timeout=600),
            llm.slipway("bench", "tiny", "--clients", "1", "--seconds", "2", "-o", "json"),
        ]
        until(lambda: settled(llm), ANEW, "an answer with the new key", every=2.0)

    values |= {f"{where}, new": value for where, value in secrets(llm).items()}
    for run, codes in zip(runs, ({5}, {5}, {3, 5}, {0}, {0}, {0}), strict=True):
        assert run.returncode in codes, f"{run.args[1]}: exit {run.returncode}\n{run.stdout}\n{run.stderr}"
    assert "kube-apiserver" in watch.text, "no process of a host was seen"
    assert "minio server" in watch.text, "no process of a pod was seen"
    in_arguments = leaked(watch.text, values)
    in_output = leaked("".join(run.stdout + run.stderr for run in runs), values)
    assert in_arguments == []
    assert in_output == []


def test_no_secret_is_in_logs_and_reports_of_the_controller(llm: Site) -> None:
    """But for the kubeconfig, which is a key itself and nobody else's."""
    values, kept = secrets(llm), paths.cluster_state(llm.name)
    files = [path for path in kept.rglob("*") if path.is_file() and path != paths.kubeconfig(llm.name)]
    files += [path for path in llm.directory.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".log", ".json", ".yaml"}

    found = {str(path): leaked(path.read_text(errors="replace"), values) for path in files}

    wrong = {path: whose for path, whose in found.items() if whose}
    assert wrong == {}


def test_no_secret_is_in_an_object_that_is_none(llm: Site) -> None:
    values = secrets(llm)
    text = kubectl(llm, "get", KINDS, "--all-namespaces", "--output=json", "--show-managed-fields")
    assert "minio-buckets" in text

    found = leaked(text, values)

    assert found == []


def test_no_secret_is_in_files_journals_and_logs_of_pods_on_hosts(llm: Site) -> None:
    """A word that is put there shows that the search finds what is to be found."""
    wanted = "\n".join([*secrets(llm).values(), CANARY])

    found = {
        node: str(llm.lab.exec(node, ["sh", "-c", SEARCH], stdin=wanted, check=False).stdout).split()
        for node in llm.lab.nodes
    }

    assert found == {node: ["/var/lib/slipway/canary", "journal"] for node in llm.lab.nodes}
