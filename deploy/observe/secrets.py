"""Secrets of the cluster without their values: the digest of each, and certificates, which are public."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from typing_extensions import override

from deploy.observe import api, kube

# What is not known line for line is left out: nothing is an answer that looks otherwise than this one, which
# the API indents when it is asked to. Within `data` each value gets the mark of a line that is to be hashed;
# a line that is none breaks the answer, for its key must not look as if it were missing.
_LINES = r"""
/^=== slipway /b show
/^curl: /b show
/^[{{}}]$/b show
/^  "kind": "[A-Za-z]*",*$/b show
/^  "apiVersion": "[a-z0-9]*",*$/b show
/^  "status": "[A-Za-z]*",*$/b show
/^  "type": "[^"]*",*$/b show
/^  "code": [0-9]*,*$/b show
/^  "message": ".*",*$/b show
/^  "metadata": {{}},*$/b show
/^  "metadata": {{$/,/^  }}/b metadata
/^  "details": {{$/,/^  }}/b details
/^  "data": {{$/,/^  }}/b data
d
: metadata
/^  "metadata"/b show
/^  }}/b show
/^    "name": "[^"]*",$/b show
s/^\(    "namespace": "[^"]*"\),$/\1/
t show
d
: details
/^  "details"/b show
/^  }}/b show
/^    "name": "[^"]*",$/b show
s/^\(    "kind": "[^"]*"\),*$/\1/
t show
d
: data
/^  "data"/b show
/^  }}/b show
{shown}
s/^    "\([-._a-zA-Z0-9]*\)": "\([^"]*\)"\(,*\)$/- \1 ;\3 \2/
t show
s/.*/?/
b show
: show
p
"""
# printf is the shell's own: no value is ever an argument of a program
_HASHED = """while IFS= read -r line; do case $line in
  '- '*) set -- $line; sum=$(printf %s "${4-}" | base64 -d | sha256sum)
    printf '    "%s": "%s"%s\\n' "$2" "${sum%% *}" "${3#;}";;
  *) printf '%s\\n' "$line";;
esac; done"""


@dataclass(frozen=True, order=True, slots=True)
class Where:
    """A Secret's place in the cluster."""

    namespace: str
    name: str

    @override
    def __str__(self) -> str:
        return f"Secret {self.namespace}/{self.name}"

    @property
    def path(self) -> str:
        """Where the API shows it."""
        return api.path(self.stub())

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


def command(wanted: Sequence[Where], shown: Sequence[str] = ()) -> str:
    """Return what reads these Secrets, each value by its sha256 but for those under the keys `shown`."""
    asked = api.command([f"{where.path}?pretty=true" for where in wanted])
    return f"{{ {asked} }} | {without_values(shown)}"


def without_values(shown: Sequence[str] = ()) -> str:
    """Return the filter that only lets through what may leave a host."""
    keys = "\n".join(rf'/^    "{re.escape(key)}": "[^"]*",*$/b show' for key in shown)
    return f"sed -n {shlex.quote(_LINES.format(shown=keys).strip())} | {{ {_HASHED}; }}"


def parse(lines: Sequence[str]) -> Secrets:
    """Return what is there; what could not be read leaves the API silent."""
    said = api.parse(lines)
    found = {
        Where(key.namespace, key.name): Found(each.get("type", ""), each.get("data") or {})
        for key, each in said.live.items()
    }
    return Secrets(said.reach, found, said.errors)
