"""GPUs of three vendors, simulated: given away, proven by claims, lost, broken and put right.

The hardware is a face in /sys and /dev and its driver is the lab's own; scheduler, kubelet, containerd and
Dynamic Resource Allocation are the real ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.lab import Lab
from deploy.lab.faults import Host, faults
from tests.lab.conftest import KEEP, running
from tests.lab.faces import FACES, MANIFESTS, face, with_gpus
from tests.lab.site import COUNTED, KUBECTL, Site, until
from tests.unit.gpu.rendered import CRDS
from tests.unit.gpu.test_rendered import EVERY, OWN_PLUGIN

pytestmark = pytest.mark.trial

WORKERS = ("intel1", "amd1", "nvidia1")
BY_CLAIM = ("intel1", "nvidia1")
# seconds from a card that is gone, or a driver that is, to a slice that says so; the kubelet waits 30
UNTOLD = 180.0


@pytest.fixture(scope="module")
def hosts() -> Iterator[Lab]:
    yield from running("test-gpus", 30, 4)


@pytest.fixture(scope="module")
def gpus(hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = with_gpus(hosts, "test-gpus", tmp_path_factory.mktemp("gpus"))
    site.ok("apply", "--yes")
    yield site
    if KEEP not in os.environ:
        site.forget()


def verified(site: Site, code: int = 0) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Return the findings of a verify, by check and host."""
    findings = json.loads(site.ok("verify", "-o", "json", code=code))["findings"]
    return {(each["check"], each["host"]): each for each in findings}


def wrong(findings: dict[tuple[str, str | None], dict[str, Any]]) -> dict[tuple[str, str | None], str]:
    """Return what was found where a check failed, and not for the machine's sake."""
    failed = {key: each for key, each in findings.items() if each["status"] == "fail"}
    return {key: each["found"] for key, each in failed.items() if (each["check"], "fail") not in COUNTED}


def devices(site: Site, node: str) -> int:
    """Return how many devices the slices of a node have."""
    slices = json.loads(site.on("n1", f"{KUBECTL} get resourceslices -o json"))["items"]
    return sum(len(each["spec"]["devices"]) for each in slices if each["spec"]["nodeName"] == node)


def test_a_second_apply_changes_nothing_and_drift_is_clean(gpus: Site) -> None:
    assert "0 changes." in gpus.ok("apply", "--yes")
    assert gpus.plan(code=0) == []

    gpus.ok("drift")


def test_every_vendor_s_gpus_are_proven_by_pods(gpus: Site) -> None:
    found = verified(gpus)

    assert wrong(found) == {}
    proven = {key for key, each in found.items() if each["status"] == "pass"}
    assert proven >= {
        *((check, node) for check in ("GPU-14", "GPU-15", "GPU-10", "RT-06") for node in WORKERS),
        *((check, node) for check in ("DRA-04", "DRA-05", "DRA-06", "GPU-16") for node in BY_CLAIM),
        ("GPU-08", "amd1"),
        ("GPU-04", None),
    }
    assert found["DRA-04", "intel1"]["found"] == "2 A770, 1 integrated"
    assert found["DRA-06", "intel1"]["found"] == "3 seen, 2 held by others"
    assert found["DRA-06", "nvidia1"]["found"] == "8 seen, 8 held by others"
    assert "cannot allocate all claims" in found["GPU-15", "nvidia1"]["found"]
    assert "Insufficient amd.com/gpu" in found["GPU-15", "amd1"]["found"]


def test_a_verify_leaves_no_pod_and_no_claim(gpus: Site) -> None:
    def left() -> str:
        spaces = gpus.on("n1", f"{KUBECTL} get namespaces -o name | grep slipway-verify", check=False)
        return spaces + gpus.on("n1", f"{KUBECTL} get resourceclaims -A -o name")

    until(lambda: left() == "", UNTOLD, "the end of the verify's namespaces")


def test_a_card_that_is_gone_is_named_by_slice_verify_and_drift(gpus: Site) -> None:
    face(gpus, "n2", "a770-missing")
    try:
        until(lambda: devices(gpus, "intel1") == 2, UNTOLD, "a slice without the card")
        found = wrong(verified(gpus, code=3))
        night = gpus.slipway("drift")
    finally:
        face(gpus, "n2", "two-a770")

    assert found["DRA-04", "intel1"] == "1 A770, 1 integrated"
    assert night.returncode in (3, 5)
    assert "GPU-01" in night.stdout
    until(lambda: devices(gpus, "intel1") == 3, UNTOLD, "a slice with the card")


def test_a_driver_that_is_gone_takes_its_devices_with_it(gpus: Site) -> None:
    nowhere = json.dumps({"spec": {"template": {"spec": {"nodeSelector": {"nowhere": "true"}}}}})
    gpus.on("n1", f"{KUBECTL} -n simulated-gpus patch daemonset simulated-nvidia --type=merge -p '{nowhere}'")
    until(lambda: devices(gpus, "nvidia1") == 0, UNTOLD, "a node without slices")

    found = wrong(verified(gpus, code=3))
    rows = {(row["phase"], row["operation"]) for row in gpus.plan()}

    assert found["DRA-04", "nvidia1"] == "no device"
    assert ("gpu-nvidia", "Apply the manifest") in rows
    gpus.ok("apply", "--yes")
    until(lambda: devices(gpus, "nvidia1") == 8, UNTOLD, "the devices of the driver")


def test_a_cdi_folder_that_is_gone_is_found_and_made(gpus: Site) -> None:
    gpus.on("n4", "rm -r /run/cdi")

    found = wrong(verified(gpus, code=3))
    rows = {(row["phase"], row["host"], row["operation"]) for row in gpus.plan()}

    assert found["RT-06", "nvidia1"] == "on, no /var/run/cdi"
    assert ("GPU-14", "nvidia1") in found
    assert ("gpu-hosts", "nvidia1", "Make the folders of CDI") in rows
    gpus.ok("apply", "--yes")
    until(lambda: gpus.on("n4", "ls /run/cdi") != "", UNTOLD, "the driver's specification")


def test_a_runtime_without_cdi_hands_nothing_over_and_is_put_right(gpus: Site) -> None:
    gpus.on(
        "n2",
        "sed -i 's/enable_cdi = true/enable_cdi = false/' /etc/containerd/config.toml"
        " && systemctl restart containerd",
    )

    found = wrong(verified(gpus, code=3))
    rows = {(row["phase"], row["host"]) for row in gpus.plan()}

    assert found["RT-06", "intel1"] == "off"
    assert found["GPU-14", "intel1"].startswith("0 asked for: none; 1 asked for: failed to get")
    assert "requested but CDI support is explicitly disabled" in found["GPU-14", "intel1"]
    assert ("containerd", "intel1") in rows
    gpus.ok("apply", "--yes", timeout=600)
    assert verified(gpus)["GPU-14", "intel1"]["status"] == "pass"


def test_two_allocators_on_one_node_are_found(gpus: Site) -> None:
    second = (MANIFESTS / "nvidia.yaml").read_text().replace("nvidia", "amd")
    second = second.replace("gpu-amd-allocation: dra", "gpu-amd-allocation: device-plugin")
    second = second.replace("simulated-amd", "simulated-amd-too")
    documents = list(yaml.safe_load_all(second))
    own = yaml.safe_dump_all([each for each in documents if each["kind"] != "Namespace"])
    gpus.lab.exec("n1", ["sh", "-c", f"{KUBECTL} apply -f -"], stdin=second)
    try:
        until(lambda: devices(gpus, "amd1") == 8, UNTOLD, "the slice of a second allocator")
        found = wrong(verified(gpus, code=3))
    finally:
        gpus.lab.exec("n1", ["sh", "-c", f"{KUBECTL} delete -f -"], stdin=own)

    assert found["GPU-10", "amd1"] == "8 devices by DRA and 8 amd.com/gpu by number"
    until(lambda: devices(gpus, "amd1") == 0, UNTOLD, "one allocator")
    assert wrong(verified(gpus)) == {}


def test_a_host_that_waits_for_a_reboot_gets_it_with_leave_alone(gpus: Site) -> None:
    """A container that reboots ends: it is started by hand, and its simulated cards are put in again."""
    gpus.on("n2", "echo nvidia-driver-580 > /run/reboot-required.pkgs && touch /run/reboot-required")
    waits = "Waits for a reboot: intel1 (a reboot is asked for by nvidia-driver-580)"

    assert waits in gpus.ok("apply", "--yes")
    rows = json.loads(gpus.ok("plan", "--reboot", "-o", "json", code=5))["rows"]
    with gpus.running("apply", "--yes", "--reboot") as run:
        until(lambda: state(gpus.lab, "n2") != "running", 900, "the end of the container")
        gpus.lab.start("n2")
        face(gpus, "n2", FACES["n2"])
        said, _ = run.communicate(timeout=900)

    assert [(row["host"], row["operation"]) for row in rows if row["state"] == "change"] == [
        ("intel1", "Reboot the host")
    ]
    assert run.returncode == 0, said
    assert "Reboot intel1" in said
    assert gpus.plan(code=0) == []
    node = json.loads(gpus.on("n1", f"{KUBECTL} get node intel1 -o json"))
    assert "unschedulable" not in node["spec"]
    assert "slipway.dev/cordoned" not in node["metadata"]["annotations"]


def state(lab: Lab, node: str) -> str:
    """Return what podman says of a host's container."""
    name = lab.layout.container(node)
    return next(each.state for each in lab.containers() if each.name == name)


def test_a_real_api_server_takes_our_resources_by_the_vendors_own_definitions(gpus: Site) -> None:
    """Strictly, and by a dry run: nothing of a vendor's runs here."""
    definitions = [json.loads(path.read_text())["crd"] for path in sorted(CRDS.iterdir())]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": definitions})
    names = " ".join(f"crd/{each['metadata']['name']}" for each in definitions)
    try:
        gpus.lab.exec("n1", ["sh", "-c", f"{KUBECTL} apply --server-side -f -"], stdin=listed)
        gpus.on("n1", f"{KUBECTL} wait --for=condition=Established --timeout=300s {names}")
        said = {f"{name}: {obj['kind']}": taken(gpus, obj) for name, obj in EVERY}
        misspelt = {**OWN_PLUGIN, "spec": {**OWN_PLUGIN["spec"], "sharedDevNumber": 2}}

        assert {name: each for name, each in said.items() if each} == {}
        assert 'unknown field "spec.sharedDevNumber"' in taken(gpus, misspelt)
    finally:
        gpus.on("n1", f"{KUBECTL} delete --ignore-not-found {names}")


def taken(site: Site, obj: dict[str, Any]) -> str:
    """Return what the API server has against an object; empty when it takes it."""
    words = f"{KUBECTL} create --dry-run=server --validate=strict --namespace default -o name -f -"
    ran = site.lab.exec("n1", ["sh", "-c", words], stdin=json.dumps(obj), check=False)
    return "" if ran.returncode == 0 else ran.stderr


GPU_FAULTS = [name for name, each in faults().items() if each.gpus]


@pytest.mark.parametrize("name", GPU_FAULTS)
def test_a_known_fault_is_found_by_a_night_with_its_id_and_what_to_do(gpus: Site, name: str) -> None:
    known = faults()[name]
    host = "n2" if known.host is Host.WORKER else "n1"
    night: dict[str | None, str] = {}

    def named() -> bool:
        night.update(failing(gpus))
        return known.check in night

    def unnamed() -> bool:
        return known.check not in failing(gpus)

    until(unnamed, UNTOLD, f"a night without {known.check} before", every=5.0)
    gpus.lab.exec(host, ["sh", "-c", known.made])
    try:
        until(named, UNTOLD, f"a night with {known.check}", every=5.0)
    finally:
        if known.mended is None:
            gpus.ok("apply", "--yes", timeout=600)
        else:
            gpus.lab.exec(host, ["sh", "-c", known.mended])
    assert night[known.check], f"{known.check} says nothing of what to do"
    until(unnamed, 3 * UNTOLD, f"a night without {known.check}", every=5.0)


def failing(site: Site) -> dict[str | None, str]:
    """Return what a night says is to be done, by the checks that fail."""
    done = site.slipway("drift", "-o", "json")
    assert done.returncode in (0, 3, 4, 5), f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    findings = json.loads(done.stdout)["findings"]
    return {each["check"]: each["remedy"] for each in findings if each["status"] == "fail"}
