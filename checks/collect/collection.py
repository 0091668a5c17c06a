"""What was read on the hosts, as it came: it can be saved, sent to somebody, and judged again offline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.collect.observed import Observed, Trouble, Window, observed
from checks.collect.script import Answer
from deploy.errors import InventoryError

SCHEMA_VERSION = 1


class CollectionError(InventoryError):
    """A saved collection that cannot be judged."""


@dataclass(frozen=True, slots=True)
class Record:
    """One host: what each section printed, or why nothing could be asked, or not as root."""

    window: Window
    answers: Mapping[str, Answer]
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """The records by host."""

    cluster: str
    hosts: Mapping[str, Record]

    def observations(self) -> tuple[Observed, ...]:
        """Parse what every host said."""
        return tuple(
            observed(name, record.answers, record.window, record.trouble)
            if record.answers
            else Observed(host=name, window=record.window, trouble=record.trouble)
            for name, record in self.hosts.items()
        )

    def text(self) -> str:
        """Return the collection as JSON."""
        hosts = {
            name: {
                "window": [record.window.start, record.window.end],
                "trouble": None if record.trouble is None else [record.trouble.text, record.trouble.answers],
                "answers": {key: [answer.text, answer.rc] for key, answer in record.answers.items()},
            }
            for name, record in self.hosts.items()
        }
        whole = {"schema_version": SCHEMA_VERSION, "cluster": self.cluster, "hosts": hosts}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _record(found: Mapping[str, Any]) -> Record:
    trouble = found["trouble"]
    return Record(
        window=Window(*(float(each) for each in found["window"])),
        answers={key: Answer(str(text), rc) for key, (text, rc) in found["answers"].items()},
        trouble=None if trouble is None else Trouble(str(trouble[0]), bool(trouble[1])),
    )


def parse(text: str, source: str) -> Collection:
    """Read a saved collection; `source` names it in an error."""
    try:
        whole = json.loads(text)
        if whole["schema_version"] != SCHEMA_VERSION:
            raise CollectionError(
                f"{source}: a collection of version {whole['schema_version']}; "
                f"this slipway reads version {SCHEMA_VERSION}: collect again with --save"
            )
        hosts = {str(name): _record(found) for name, found in whole["hosts"].items()}
        return Collection(str(whole["cluster"]), hosts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CollectionError(f"{source}: not a collection that `slipway preflight --save` wrote") from error
