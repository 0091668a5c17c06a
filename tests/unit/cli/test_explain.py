from __future__ import annotations

import pytest
from click.testing import CliRunner

from checks.catalogue import all_checks, check
from deploy.cli.explain import explain, explained

SWAP = """\
HOST-03 Swap is off

  weight   error, all hosts, preflight, verify, drift
  looks at /proc/swaps
  why      The kubelet ends with `running with swap on is not supported` unless failSwapOn is false;
           a low vm.swappiness is not enough.
  remedy   swapoff -a
  fix      slipway preflight INVENTORY --fix HOST-03
  apply    the baseline phase makes it true
  source   https://github.com/clastix/yaki/issues/12
           https://github.com/Azure/AKSFlexNode/issues/67
           https://github.com/kubernetes/kubernetes/blob/HEAD/cmd/kubeadm/app/preflight/checks.go
           https://github.com/k3s-io/k3s/blob/HEAD/contrib/util/check-config.sh\
"""


def test_a_check_is_explained_with_all_that_is_known_of_it() -> None:
    assert explained(check("HOST-03")) == SWAP


def test_every_check_can_be_explained_on_a_terminal_of_100_columns() -> None:
    too_long = [
        line
        for each in all_checks().values()
        for line in explained(each).splitlines()
        if len(line) > 100 and "https://" not in line
    ]

    assert too_long == []


def test_without_an_id_all_are_listed() -> None:
    done = CliRunner().invoke(explain)
    lines = done.stdout.splitlines()

    assert len(lines) == len(all_checks())
    assert "HOST-03  PVD  error    Swap is off" in lines
    assert done.stderr == "P: in preflight, V: in verify, D: in drift. `slipway explain ID` says more.\n"


@pytest.mark.parametrize("ids", [["host-03"], ["HOST-3"]])
def test_an_id_may_be_written_in_lower_case_but_not_wrong(ids: list[str]) -> None:
    done = CliRunner().invoke(explain, ids)

    assert (done.exit_code == 0) is (ids == ["host-03"])
