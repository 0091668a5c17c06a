"""`slipway validate` on good and bad files: text, JSON, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.cli.validate import validate
from deploy.errors import InventoryError
from deploy.model import Cluster
from deploy.plan import phases, unsupported
from tests.unit.serving.clusters import CONFIG

ROOT = Path(__file__).parents[3]
SMALL = "name: home\nnodes: [{name: cp1, address: 10.0.0.11, roles: [control-plane]}]\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(validate, arguments, standalone_mode=False)


def cluster(**kubernetes: str) -> Cluster:
    nodes = [{"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]}]
    return Cluster.model_validate({"name": "home", "nodes": nodes, "kubernetes": kubernetes})


def test_a_valid_inventory_is_summed_up(tmp_path: Path) -> None:
    path = tmp_path / "home.yaml"
    path.write_text((ROOT / "inventories/homelab.yaml").read_text())

    result = run(str(path))

    assert result.return_value == 0
    assert result.stdout.splitlines() == [
        f"{path} is a valid cluster: homelab",
        "  kubernetes     k3s v1.36.3+k3s1, flannel, API at 192.168.1.10:6443",
        "  control plane  nuc1 192.168.1.10",
        "  workers        arc1 192.168.1.11, arc2 192.168.1.12",
        "  gpus           2 intel A770 on arc1, 1 intel B580 on arc2",
        "  load balancer  metallb, 192.168.1.240-192.168.1.250",
    ]


def test_what_the_example_offers_is_valid_too(tmp_path: Path) -> None:
    before, _, offered = (ROOT / "inventories/homelab.yaml").read_text().partition("\n# storage:\n")
    offered, _, _ = offered.partition("\n\n")
    path = tmp_path / "home.yaml"
    taken = "".join(f"{line.removeprefix('# ')}\n" for line in offered.splitlines())
    path.write_text(f"{before}\nstorage:\n{taken}")
    (tmp_path / "qwen.json").write_text(json.dumps(CONFIG))

    result = run(str(path))

    assert result.return_value == 0
    assert result.stdout.splitlines()[-2] == (
        "  model          qwen: weights 7.5 GiB, engine 1.5 GiB, KV cache of one sequence of 8192 tokens 0.2"
        " GiB: together 9.2 GiB of 14.7 GiB, 0.92 of one A770 with 16.0 GiB"
    )


@pytest.mark.parametrize("taken", ["", "    # "], ids=["as it stands", "with what it offers"])
def test_what_the_readme_shows_is_valid(tmp_path: Path, taken: str) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\n"
        "nodes:\n"
        "  - {name: nuc1, address: 192.168.1.10, roles: [control-plane]}\n"
        "  - {name: arc1, address: 192.168.1.11, roles: [worker],"
        " gpus: {vendor: intel, model: B60, count: 2}}\n"
        "load_balancer: {pool: [192.168.1.240-192.168.1.250]}\n"
        + "".join(shown).replace(taken or "none", "    ")
    )
    (tmp_path / "qwen.json").write_text(json.dumps(CONFIG))

    result = run(str(path))

    assert result.exception is None
    assert ("of one B60" in result.stdout) == bool(taken)


def test_a_config_that_is_missing_comes_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(
        f"{SMALL}load_balancer: {{pool: [10.0.0.240-10.0.0.250]}}\n"
        "models: [{name: tiny, source: {pvc: x}, weights: 1Gi, memory: 8Gi, context: 256, config: no.json}]\n"
    )

    assert str(run(str(path)).exception) == (
        f"{path} is not a valid cluster:\n"
        f"  models[0].config (line 4): {tmp_path}/no.json cannot be read: No such file or directory;"
        " put the model's config.json there, or leave config out"
    )


def test_the_same_as_json(tmp_path: Path) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(f"{SMALL}kubernetes: {{proxy_mode: ipvs}}\n")

    result = run(str(path), "-o", "json")

    assert result.return_value == 0
    assert json.loads(result.stdout) == {
        "schema": 1,
        "valid": True,
        "name": "home",
        "distribution": "kubeadm",
        "version": "v1.36.3",
        "endpoint": "10.0.0.11",
        "control_planes": ["cp1"],
        "workers": [],
        "gpus": {},
        "load_balancer": [],
        "warnings": [
            (
                "kubernetes.proxy_mode: ipvs is deprecated since Kubernetes 1.35 and will be removed;"
                " use nftables"
            )
        ],
    }


def test_a_bad_inventory_is_an_error_in_text_and_data_in_json(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: home\nnodes: []\n")
    said = (
        f"{path} is not a valid cluster:\n"
        "  nodes (line 2): found an empty list, wanted a list with at least 1 entry"
    )

    as_text = run(str(path))
    as_json = run(str(path), "--output", "json")

    assert isinstance(as_text.exception, InventoryError)
    assert str(as_text.exception) == said
    assert as_json.return_value == 2
    assert json.loads(as_json.stdout) == {"schema": 1, "valid": False, "error": said}


def test_the_schema_needs_no_inventory() -> None:
    result = run("--schema")

    assert result.return_value == 0
    assert json.loads(result.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_nothing_to_validate_is_bad_usage() -> None:
    result = run()

    assert result.exception is not None
    assert str(result.exception) == "name an inventory, such as inventories/lab.yaml, or ask for --schema"


@pytest.mark.parametrize("version", ["v1.34.4", "v1.35.4", "v1.36.1", "v1.36.3", "v1.37.2"])
def test_a_version_of_the_matrix_is_supported(version: str) -> None:
    assert unsupported(cluster(version=version)) == []


@pytest.mark.parametrize("version", ["v1.33.9", "v1.38.0", "v2.36.3"])
def test_a_version_outside_of_it_is_refused_and_the_matrix_named(tmp_path: Path, version: str) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(f"{SMALL}kubernetes: {{version: {version}}}\n")

    result = run(str(path))

    assert isinstance(result.exception, InventoryError)
    assert str(result.exception) == (
        f"{path} is not a valid cluster:\n"
        f'  kubernetes.version (line 3): found "{version}",'
        " wanted a version of Kubernetes 1.34, 1.35, 1.36 or 1.37"
    )


def test_what_is_not_supported_is_not_planned_either() -> None:
    with pytest.raises(InventoryError) as caught:
        phases(cluster(version="v1.33.9"))

    assert str(caught.value) == (
        'kubernetes.version: found "v1.33.9", wanted a version of Kubernetes 1.34, 1.35, 1.36 or 1.37'
    )


def test_gates_are_judged_by_the_version_beside_everything_else(tmp_path: Path) -> None:
    path = tmp_path / "gates.yaml"
    path.write_text(
        f"{SMALL}kubernetes:\n"
        "  feature_gates:\n"
        "    DynamicResourceAllocation: false\n"
        "    NodeSwop: true\n"
        "ssh: 1\n"
    )

    assert str(run(str(path)).exception) == (
        f"{path} is not a valid cluster:\n"
        "  kubernetes.feature_gates.DynamicResourceAllocation (line 5):"
        " the gate is locked to true since Kubernetes 1.35; leave it out\n"
        "  kubernetes.feature_gates.NodeSwop (line 6):"
        " Kubernetes 1.36 has no such feature gate; did you mean NodeSwap?\n"
        "  ssh (line 7): found 1 (a number), wanted a mapping of keys; leave the key out for the defaults"
    )


def test_k3s_has_phases_of_its_own_under_the_same_names() -> None:
    declared = cluster(distribution="k3s", version="v1.36.3+k3s1")

    assert [(phase.name, phase.step) for phase in phases(declared)] == [
        ("identity", "deploy.steps.identity.identity"),
        ("baseline", "deploy.steps.baseline.baseline"),
        ("artifacts", "deploy.steps.k3s.artifacts"),
        ("control-plane", "deploy.steps.k3s.server"),
        ("nodes", "deploy.steps.nodes.nodes"),
    ]


def test_accepted_drift_names_a_phase_that_this_cluster_has(tmp_path: Path) -> None:
    path = tmp_path / "accepted.yaml"
    entry = "reason: later, expires: 2027-01-01"
    path.write_text(
        f"{SMALL}drift_ignore:\n"
        f"  - {{plan: load-balancer | Give it the addresses, {entry}}}\n"
        f"  - {{plan: baseline, {entry}}}\n"
        f"  - {{plan: Baseline, {entry}}}\n"
    )

    assert str(run(str(path)).exception) == (
        f"{path} is not a valid cluster:\n"
        '  drift_ignore[0].plan (line 4): no phase is called "load-balancer"; there are: identity, baseline,'
        " artifacts, containerd, images, control-plane, network, names, nodes\n"
        '  drift_ignore[2].plan (line 6): found "Baseline",'
        " wanted a phase, or PHASE | OPERATION as in baseline | Set kernel parameters"
    )


ACCEPTED = """
ignore:
  - {check: HOST-52, reason: known, expires: 2099-12-31}
  - {check: HOST-20, reason: known, expires: 2099-12-31}
drift_ignore:
  - {check: HOST-20, reason: known, expires: 2099-12-31}
  - {plan: baseline, reason: known, expires: 2099-12-31}
  - {check: HOST-24, reason: known, expires: 2099-12-31}
"""


def test_what_is_accepted_is_a_check_and_of_a_night_where_it_is_said_of_one(tmp_path: Path) -> None:
    path = tmp_path / "home.yaml"
    path.write_text(SMALL + ACCEPTED)

    told = [line.strip() for line in str(run(str(path)).exception).splitlines() if ".check" in line]

    no_night = "no night judges HOST-20 (The node's address is not on Wi-Fi), preflight does"
    assert [each.split(": ", 1)[1] for each in told] == [
        "there is no check HOST-52; the nearest is HOST-29: The mirror is fast enough",
        f"{no_night}: it belongs under ignore",
    ]


def test_accepted_drift_without_a_control_plane_is_a_mistake_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "workers.yaml"
    path.write_text(
        "name: home\n"
        "nodes: [{name: w1, address: 10.0.0.11, roles: [worker]}]\n"
        "drift_ignore: [{plan: baseline, reason: later, expires: 2027-01-01}]\n"
    )

    assert str(run(str(path)).exception) == (
        f"{path} is not a valid cluster:\n"
        "  nodes (line 2): no node has the role control-plane, wanted one or an odd number; give it to one"
    )


def test_services_at_the_end_of_all_addresses_are_a_mistake_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "end.yaml"
    path.write_text(
        f"{SMALL}kubernetes: {{service_cidr: 255.255.255.255/32}}\nstorage: {{path: /data}}\n"
        "registry: {provider: distribution, hostname: registry.home.arpa, expose: cluster}\n"
    )

    assert str(run(str(path)).exception) == (
        f"{path} is not a valid cluster:\n"
        "  kubernetes.service_cidr (line 3): found 255.255.255.255/32, wanted a network between /12 and /28\n"
        "  kubernetes.service_cidr (line 3): the registry has address number 20 of 255.255.255.255/32, and of"
        " so narrow a network other Services may be given it; wanted a /23 or wider"
    )
