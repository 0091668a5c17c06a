"""The table of known faults holds together."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from checks.catalogue import Phase, all_checks
from deploy.lab import hardware
from deploy.lab.errors import LabUsageError
from deploy.lab.faults import IS_CONTROL_PLANE, expired, fault, faults, place
from deploy.model import load_cluster
from deploy.plan import phases


@pytest.mark.parametrize("name", faults())
def test_a_fault_is_found_by_a_nightly_check_or_by_a_phase(name: str) -> None:
    found = faults()[name]

    assert (found.check is None) != (found.phase is None)
    if found.check is not None:
        assert Phase.DRIFT in all_checks()[found.check].phases
    else:
        inventory = "inventories/lab-gpus.yaml" if found.gpus else "inventories/lab.yaml"
        known = {phase.name for phase in phases(load_cluster(inventory, keys_exist=False))}
        assert found.phase in known


@pytest.mark.parametrize("name", [name for name, each in faults().items() if not each.gpus])
def test_what_a_night_says_of_it_is_in_the_table(name: str) -> None:
    fault = faults()[name]
    steps = Path(__file__).parents[3] / "deploy/steps"

    assert fault.found
    assert fault.wanted or "differs at" in fault.found  # a release's own reason names both
    assert not re.search(fault.found, "")
    assert not re.search(fault.wanted or "differs", "")
    assert (fault.operation is None) == (fault.phase is None)
    if fault.operation is not None:
        names = re.compile(f'name=f?"{re.escape(fault.operation)}')
        assert any(names.search(path.read_text()) for path in steps.rglob("*.py"))


@pytest.mark.parametrize("name", faults())
def test_its_scripts_are_shell(name: str) -> None:
    for script in filter(None, (faults()[name].made, faults()[name].mended)):
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)


def test_an_unknown_fault_names_the_known() -> None:
    with pytest.raises(LabUsageError, match=r"^there is no fault 'swop'; known are: sysctl-live, "):
        fault("swop")


def test_a_fault_of_a_worker_is_made_on_the_first_worker() -> None:
    worker, of_cluster = fault("sysctl-live"), fault("node-ghost")

    assert place(worker, ("n1", "n2"), lambda name, _: name == "n1") == "n2"
    assert place(of_cluster, ("n1", "n2"), lambda name, _: name == "n2") == "n2"


@pytest.mark.parametrize("name", ["node-ghost", "sysctl-live"])
def test_without_a_cluster_nothing_is_broken(name: str) -> None:
    with pytest.raises(LabUsageError) as caught:
        place(fault(name), ("n1", "n2"), lambda *_: False)

    assert str(caught.value) == "none of n1, n2 is a control plane of a cluster: slipway apply makes one"


def test_a_fault_of_gpus_is_made_where_there_are_some() -> None:
    wrong = fault("gpu-wrong-module")

    assert place(wrong, ("n1", "n2"), lambda name, _: name == "n1") == "n2"
    with pytest.raises(LabUsageError) as caught:
        place(wrong, ("n1", "n2"), lambda name, test: name == "n1" and test == IS_CONTROL_PLANE)

    assert str(caught.value) == ("this fault needs simulated GPUs: inventories/lab-gpus.yaml begins with how")


def test_a_face_is_put_in_and_taken_off_by_its_profiles_script() -> None:
    wrong = fault("gpu-wrong-module")

    assert wrong.made.endswith(hardware.script("a770-vfio"))
    assert wrong.mended is not None
    assert wrong.mended.endswith(hardware.script("two-a770"))
    assert "@" not in "".join(line for line in wrong.made.splitlines() if "FACE" in line)


def test_the_expired_certificate_is_one() -> None:
    certificate = x509.load_pem_x509_certificate(expired().encode())

    assert certificate.not_valid_after_utc > certificate.not_valid_before_utc
