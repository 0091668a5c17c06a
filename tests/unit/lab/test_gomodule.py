from __future__ import annotations

from pathlib import Path

import pytest

from deploy.lab import gomodule
from deploy.lab.errors import LabError
from deploy.lab.gomodule import environment, ldflags, mod_text, output_name, staging, tools_text
from deploy.lab.recipes import Module

KUBERNETES_MOD = """\
module k8s.io/kubernetes

require k8s.io/api v0.0.0

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/client-go => ./staging/src/k8s.io/client-go
)
"""
MODULE = Module(
    module="example.org/tool/v2",
    version="v2.1.0",
    requires={"example.org/extra": "v0.1.0"},
    stubs={"example.org/gone": "gone"},
    commands={"tool": "example.org/tool/v2/cmd/tool"},
    variables={"main.version": "v2.1.0", "main.commit": "none"},
)


def test_a_go_mod_pins_what_a_recipe_names() -> None:
    assert mod_text(MODULE, "1.26.8", {"example.org/gone": "./gone"}) == (
        "module lab\n"
        "go 1.26.0\n"
        "require example.org/extra v0.1.0\n"
        "require example.org/gone v0.0.0\n"
        "require example.org/tool/v2 v2.1.0\n"
        "replace example.org/gone => ./gone\n"
    )


def test_a_stub_has_the_major_version_of_its_path() -> None:
    module = MODULE.model_copy(update={"stubs": {"example.org/gone/v5": "gone", "example.org/v1x": "x"}})

    lines = mod_text(module, "1.26.8", {}).splitlines()

    assert {"require example.org/gone/v5 v5.0.0", "require example.org/v1x v0.0.0"} <= set(lines)


def test_staging_modules_become_the_published_ones_of_the_same_release() -> None:
    assert staging(KUBERNETES_MOD, "v1.36.3") == {
        "k8s.io/api": "k8s.io/api v0.36.3",
        "k8s.io/client-go": "k8s.io/client-go v0.36.3",
    }


def test_the_commands_keep_their_dependencies_through_a_tidy() -> None:
    assert tools_text(["example.org/b", "example.org/a"]) == (
        '//go:build tools\n\npackage lab\n\nimport _ "example.org/a"\nimport _ "example.org/b"\n'
    )


def test_a_binary_knows_its_version_and_has_no_symbols() -> None:
    assert ldflags(MODULE) == "-s -w -X main.commit=none -X main.version=v2.1.0"


def test_a_binary_with_c_needs_no_shared_library() -> None:
    static = MODULE.model_copy(update={"static": True, "variables": {}})

    assert ldflags(static) == "-s -w -linkmode external -extldflags -static"
    assert (environment(static)["CGO_ENABLED"], environment(MODULE)["CGO_ENABLED"]) == ("1", "0")


def test_a_major_version_does_not_name_a_binary() -> None:
    assert [
        output_name(package) for package in ("go.etcd.io/etcd/server/v3", "k8s.io/kubernetes/cmd/kubeadm")
    ] == [
        "server",
        "kubeadm",
    ]


def test_a_stub_of_packages_takes_the_place_of_these_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool, gone, stubs, folder = (tmp_path / name for name in ("tool", "cache", "stubs", "built"))
    for path in (gone / "dns", gone / "dns/first", gone / "http", tool, stubs / "gone/dns", folder):
        path.mkdir(parents=True)
    (tool / "go.mod").write_text("require (\n\texample.org/gone v1.2.3 // indirect\n)\n")
    for name in ("go.mod", "dns/all.go", "dns/first/first.go", "http/http.go"):
        (gone / name).write_text(f"{name} of the module\n")
        (gone / name).chmod(0o444)
    (stubs / "gone/dns/none.go").write_text("none\n")
    for path in (gone / "dns/first", gone / "dns", gone / "http"):
        path.chmod(0o555)
    ran = []
    sources = {"example.org/tool/v2@v2.1.0": tool, "example.org/gone@v1.2.3": gone}
    monkeypatch.setattr(gomodule, "STUBS", stubs)
    monkeypatch.setattr(gomodule, "_downloaded", lambda path, version, *_: sources[f"{path}@{version}"])
    monkeypatch.setattr(gomodule, "run", lambda command, **_: ran.append(command))
    module = MODULE.model_copy(update={"replaces": {"example.org/a": "example.org/b v1.0.0"}})

    for _ in range(2):  # an interrupted run is gone on with
        gomodule._tidied(folder, module, "go", "1.26.8")

    made = folder / "gone"
    assert sorted(str(path.relative_to(made)) for path in made.rglob("*.go")) == [
        "dns/none.go",
        "http/http.go",
    ]
    assert (made / "go.mod").read_text() == "go.mod of the module\n"
    lines = (folder / "go.mod").read_text().splitlines()
    assert "replace example.org/gone => ./gone" in lines
    assert "replace example.org/a => example.org/b v1.0.0" in lines
    assert ran == [["go", "mod", "tidy"]] * 2


def test_a_module_that_is_not_required_has_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "go.mod").write_text("require example.org/gone/v2 v2.0.0\n")
    monkeypatch.setattr(gomodule, "_downloaded", lambda *_: tmp_path)

    with pytest.raises(LabError) as raised:
        gomodule.required("example.org/gone", MODULE, "go")

    assert str(raised.value) == "example.org/tool/v2 v2.1.0 does not require example.org/gone"
