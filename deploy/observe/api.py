"""Objects read from the API by one curl, which costs a host a tenth of what starting kubectl does."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from deploy.observe import kubeconfig
from deploy.observe.kube import KUBECONFIG, MARK, NO_CLUSTER, Key, Object, Objects, Reach, key

NOT_ASKED = "000"
SHOWN = 200  # characters of an answer that is not the API's own
NO_KIND = "no matches for kind"  # as kubectl says it
JSON = "application/json"
# of a Secret that is what there is beside its values (kubernetes.io, API concepts, "Metadata-only fetches")
METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def path(obj: Mapping[str, Any]) -> str:
    """Return where the API shows an object; plurals as apimachinery has them (UnsafeGuessKindToResource)."""
    metadata = obj["metadata"]
    folder = _folder(obj["apiVersion"], obj["kind"], metadata.get("namespace"))
    return f"{folder}/{quote(metadata['name'], safe='')}"


def listed(api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> str:
    """Return where the API lists a kind's objects, or those of them that have the labels of `selector`."""
    query = f"?labelSelector={quote(selector, safe='')}" if selector else ""
    return _folder(api_version, kind, namespace) + query


def _folder(api_version: str, kind: str, namespace: str | None) -> str:
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    home = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{home}/{_plural(kind.lower())}"


def _plural(word: str) -> str:
    if word.endswith("endpoints"):
        return word
    if word.endswith(("s", "x", "ch")):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


_ASK = """
curl -sS --globoff --fail-early --connect-timeout 10 --max-time 20 \\
  --cacert /dev/fd/3 --cert /dev/fd/4 --key /dev/fd/5 \\
  -H 'Accept: {accept}' -w '\\n{mark}%{{http_code}} %{{url_effective}}\\n' {asked} \\
  3<<CA 4<<CERT 5<<KEY 2>&1 || true
$ca
CA
$cert
CERT
$key
KEY
"""


def command(paths: Sequence[str], config: str = KUBECONFIG, accept: str = JSON) -> str:
    """Return what asks for these paths as whom `config` is for; a key in it gets into no argument or file."""
    return kubeconfig.command(config) + _ask(paths, accept)


def _ask(paths: Sequence[str], accept: str) -> str:
    asked = " ".join(f'"$server"{shlex.quote(each)}' for each in dict.fromkeys(paths))
    return _ASK.format(accept=accept, mark=MARK, asked=asked)


# kubectl's own note of what it applied has a Secret's values in it
_NOTE = r's|\("kubectl.kubernetes.io/last-applied-configuration":\) *".*"|\1 ""|'


def metadata_command(paths: Sequence[str]) -> str:
    """Return what asks for what there is of these objects beside what they hold; no value of a Secret is.

    Paths with a query are lists, for which the API has another word.
    """
    lists = [each for each in paths if "?" in each]
    kinds = {METADATA: [each for each in paths if each not in lists], METADATA_LIST: lists}
    asked = "".join(_ask(part, accept) for accept, part in kinds.items() if part)
    return f"{{ {kubeconfig.command(KUBECONFIG)}{asked} }} | sed {shlex.quote(_NOTE)}"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as it came; its status is NOT_ASKED where nobody gave one, and the text then says why."""

    status: str
    url: str
    text: str

    @property
    def path(self) -> str:
        """What was asked for."""
        return f"/{self.url.partition('://')[2].partition('/')[2]}"

    @property
    def answered(self) -> bool:
        """Say whether this is what was asked for."""
        return self.status == "200"

    @property
    def cause(self) -> str:
        """Say why it is not."""
        if self.status == NOT_ASKED:
            return "; ".join(line for line in self.text.splitlines() if line)[-SHOWN:]
        try:
            return str(json.loads(self.text)["message"])
        except (ValueError, LookupError, TypeError):
            return f"status {self.status}: {' '.join(self.text.split())[:SHOWN]}"


def said(lines: Sequence[str]) -> list[Said]:
    """Return the answers; each is followed by a line with its status and its address, but for curl's own."""
    answers: list[Said] = []
    answer: list[str] = []
    for line in lines:
        if line == NO_CLUSTER:
            answer.append("there is no kubeconfig")
        elif line.startswith(MARK):
            status, _, url = line.removeprefix(MARK).partition(" ")
            answers.append(Said(status, url, "\n".join(answer)))
            answer = []
        else:
            answer.append(line)
    return [*answers, Said(NOT_ASKED, "", "\n".join(answer))] if any(answer) else answers


def parse(lines: Sequence[str]) -> Objects:
    """Return what the API said."""
    if NO_CLUSTER in lines:
        return Objects(Reach.NO_CLUSTER)
    live: dict[Key, Object] = {}
    errors: list[str] = []
    answers = said(lines)
    for each in answers:
        found, wrong = _answer(each.status, each.url, each.text.strip())
        live |= {key(one): one for one in found}
        errors += wrong
    answered = any(each.status != NOT_ASKED for each in answers)
    # what could not be read must not look as if it were missing
    unread = any(not each.endswith(NO_KIND) for each in errors)
    reach = Reach.ANSWERS if answered and not unread else Reach.SILENT
    return Objects(reach, live, errors=tuple(dict.fromkeys(errors)))


def _answer(status: str, url: str, text: str) -> tuple[list[Object], list[str]]:
    """Return the objects of one answer, or what is wrong with it; an object that is not there is no error."""
    if status == NOT_ASKED:
        return [], [line for line in text.splitlines() if line]
    try:
        document = json.loads(text)
    except ValueError:
        return [], [f"{url}: {NO_KIND}" if status == "404" else f"{url}: status {status}: {text[:200]}"]
    if status == "200":
        found = list(_objects(document))
        whole = all("apiVersion" in each and "name" in each.get("metadata", {}) for each in found)
        return (found, []) if whole else ([], [f"{url}: an object without a name"])
    if status == "404":
        # without a name nothing of that kind is served
        return [], [] if (document.get("details") or {}).get("name") else [f"{url}: {NO_KIND}"]
    return [], [f"{url}: {document.get('message', f'status {status}')}"]


def _objects(document: Object) -> Iterator[Object]:
    """Yield an object, or those of a list, whose items do not say what they are."""
    kind = str(document.get("kind", ""))
    if not kind.endswith("List") or "items" not in document:
        yield document
        return
    named = {"apiVersion": document["apiVersion"], "kind": kind.removesuffix("List")}
    items: Iterable[Object] = document["items"] or ()
    yield from ({**named, **each} for each in items)
