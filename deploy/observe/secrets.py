"""Secrets of the cluster without their values: the digest of each, and certificates, which are public."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from typing_extensions import override

from deploy.observe import kube

# one object comes as itself, several as a List
TEMPLATE = (
    '{{define "secret"}}= {{.metadata.namespace}} {{.metadata.name}} {{.type}}{{"\\n"}}'
    '{{range $key, $value := .data}}- {{$key}} {{$value}}{{"\\n"}}{{end}}{{end}}'
    '{{if eq .kind "List"}}{{range .items}}{{template "secret" .}}{{end}}'
    '{{else}}{{template "secret" .}}{{end}}'
)
# printf is the shell's own: no value is ever an argument of a program
DIGESTED = """while read -r what name value; do case $what in
  -) set -- $(printf %s "$value" | base64 -d | sha256sum); echo "- $name $1";;
  *) echo "$what $name $value";;
esac; done"""


@dataclass(frozen=True, order=True, slots=True)
class Where:
    """A Secret's place in the cluster."""

    namespace: str
    name: str

    @override
    def __str__(self) -> str:
        return f"Secret {self.namespace}/{self.name}"

    def stub(self) -> kube.Object:
        """Return the object without its values."""
        metadata = {"name": self.name, "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


@dataclass(frozen=True, slots=True)
class Found:
    """A Secret as it is there: its type, and the sha256 of each value."""

    type: str
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Secrets:
    """The Secrets that were asked for and are there; `errors` are what the API said beside them."""

    reach: kube.Reach
    found: Mapping[Where, Found] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


def command() -> str:
    """Return what reads the Secrets whose stubs are on stdin, without showing a value."""
    words = shlex.join(["get", "--ignore-not-found", "-o", f"go-template={TEMPLATE}", "-f", "-"])
    return f"{{ {kube.get_command(words)}; }} | {{ {DIGESTED}; }}"


def parse(lines: Sequence[str]) -> Secrets:
    """Return what is there; what is neither a Secret nor a value is what the API objected."""
    others: list[str] = []
    types: dict[Where, str] = {}
    digests: dict[Where, dict[str, str]] = {}
    where: Where | None = None
    for line in lines:
        match line.split():
            case ["=", namespace, name, type_]:
                where = Where(namespace, name)
                types[where], digests[where] = type_, {}
            case ["-", key, digest] if where is not None:
                digests[where][key] = digest
            case _:
                others.append(line)
    said = kube.parse(others)
    found = {where: Found(type_, digests[where]) for where, type_ in types.items()}
    return Secrets(said.reach, found, said.errors)
