from __future__ import annotations

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
