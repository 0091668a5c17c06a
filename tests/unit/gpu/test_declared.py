"""What an inventory may say about GPUs; the rules between its values are in tests/unit/model."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.errors import InventoryError
from deploy.model import Allocation, Cluster, Gpus, Vendor, load_cluster

MIXED = """
name: lab
nodes:
  - {name: cp1, address: 10.0.0.11, roles: [control-plane]}
  - {name: w1, address: 10.0.0.12, roles: [worker], gpus: {vendor: intel, model: A770, count: 2}}
  - name: w2
    address: 10.0.0.13
    roles: [worker]
    gpus: {vendor: intel, model: B580, count: 1, allocation: device-plugin, module: xe}
  - name: w3
    address: 10.0.0.14
    roles: [worker]
    gpus:
      vendor: amd
      model: MI300X
      count: 8
      allocation: device-plugin
      partitioning: {compute: CPX, memory: NPS4}
  - name: w4
    address: 10.0.0.15
    roles: [worker]
    gpus: {vendor: nvidia, model: H100, count: 8, partitioning: {mig: all-1g.10gb}}
gpu:
  nvidia: {driver: packages, packages: [nvidia-driver-580-server-open]}
  amd: {version: 1.5.1, monitoring: true}
"""


def loaded(path: Path, text: str) -> Cluster:
    path.write_text(text)
    return load_cluster(path)


def test_vendors_and_ways_to_allocate_live_in_one_cluster(tmp_path: Path) -> None:
    declared = loaded(tmp_path / "lab.yaml", MIXED)

    assert [node.name for node in declared.gpu_nodes()] == ["w1", "w2", "w3", "w4"]
    assert [node.name for node in declared.gpu_nodes(Vendor.INTEL)] == ["w1", "w2"]
    assert [gpus.allocation for _, gpus in declared.declared_gpus()] == [
        Allocation.DRA,
        Allocation.DEVICE_PLUGIN,
        Allocation.DEVICE_PLUGIN,
        Allocation.DEVICE_PLUGIN,
    ]
    assert declared.gpu.stack(Vendor.AMD).version == "1.5.1"
    assert Cluster.model_validate_json(declared.model_dump_json()) == declared


@pytest.mark.parametrize(
    ("vendor", "model", "usual"),
    [("intel", "A770", "dra"), ("amd", "MI300X", "dra"), ("nvidia", "H100", "device-plugin")],
)
def test_what_is_not_said_of_the_way_is_what_its_vendor_stands_for(
    vendor: str, model: str, usual: str
) -> None:
    said = Gpus.model_validate({"vendor": vendor, "model": model, "count": 1})

    assert said.allocation == usual
    assert Gpus.model_validate({**said.model_dump(), "allocation": "dra"}).allocation == "dra"


def test_every_slip_is_named_with_what_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    with pytest.raises(InventoryError) as caught:
        loaded(
            path,
            "name: lab\n"
            "nodes:\n"
            "  - name: cp1\n"
            "    address: 10.0.0.11\n"
            "    roles: [control-plane]\n"
            "    gpus:\n"
            "      vendor: intell\n"
            "      model: A770\n"
            "      count: 0\n"
            "      allocatoin: dra\n"
            "      partitioning: {mig: 1g.10gb}\n"
            "gpu:\n"
            "  nvidia: {packages: [nvidia driver], mig_stategy: mixed}\n"
            "  node_feature_discovery: maybe\n",
        )

    assert str(caught.value) == (
        f"{path} is not a valid cluster:\n"
        "  nodes[0].gpus.vendor (line 7): found \"intell\", wanted 'intel', 'amd' or 'nvidia';"
        ' did you mean "intel"?\n'
        "  nodes[0].gpus.count (line 9): found 0 (a number), wanted 1 or more\n"
        '  nodes[0].gpus.allocatoin (line 10): no such key; did you mean "allocation"?\n'
        '  nodes[0].gpus.partitioning.mig (line 11): found "1g.10gb",'
        " wanted a MIG layout of equal parts such as all-1g.10gb, or all-disabled\n"
        '  gpu.nvidia.mig_stategy (line 13): no such key; did you mean "mig_strategy"?\n'
        '  gpu.nvidia.packages[0] (line 13): found "nvidia driver",'
        " wanted the name of a package, such as nvidia-driver-580-server-open\n"
        '  gpu.node_feature_discovery (line 14): found "maybe", wanted true or false without quotes'
    )
