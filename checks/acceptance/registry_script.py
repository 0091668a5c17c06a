"""What a node does to prove the registry: pushes, pulls, deletes, and knocks without a password; pure.

The content is the same each time, so a registry keeps it once, however often it is verified. It is sent whole
each time all the same: an upload begins without a look at what is there, and its blob is deleted at the end.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.acceptance.registry_image import EMPTY, MANIFEST, Blob, Image
from deploy.model import Cluster, RegistryProvider

SIZE = 100 * 1000 * 1000  # bytes
SECONDS = 120  # for one transfer; a 100 Mbit/s line takes 8
WORDS = "slipway verifies this registry"
FOLDER = "/var/tmp"  # noqa: S108 - not in memory, as /run and /tmp may be


@dataclass(frozen=True, slots=True)
class Door:
    """Where a node finds the registry: its name, the Service's address, the CA, and the repository to use.

    `harbor` says whether it tells how its parts are.
    """

    hostname: str
    address: str
    ca: str
    repository: str
    harbor: bool = False
    port: int = 443

    @property
    def origin(self) -> str:
        """The registry's URL."""
        return f"https://{self.hostname}" + ("" if self.port == 443 else f":{self.port}")

    def curl(self) -> str:
        """Return curl with all that every request has in common."""
        there = f"{self.hostname}:{self.port}:{self.address}"
        words = ["curl", "-sS", "--cacert", self.ca, "--resolve", there]
        return shlex.join([*words, "-H", "Expect:", "--connect-timeout", "5", "-m", str(SECONDS)])


def door(cluster: Cluster) -> Door | None:
    """Return where a cluster's nodes find its registry."""
    registry = cluster.registry
    if registry is None:
        return None
    repository = f"{registry.projects[0]}/slipway-verify"
    harbor = registry.provider is RegistryProvider.HARBOR
    address = str(cluster.registry_address)
    return Door(registry.hostname, address, cluster.services_ca, repository, harbor=harbor)


@dataclass(frozen=True, slots=True)
class Transfer:
    """How a transfer ended: its HTTP status (0: no answer), seconds, and bytes a second."""

    status: int = 0
    seconds: float = 0.0
    speed: float = 0.0

    @property
    def rate(self) -> str:
        """The throughput in words."""
        return f"{self.speed / 1e6:.0f} MB/s"


@dataclass(frozen=True, slots=True)
class Said:
    """What the script printed: transfers and single words by name; `error` is the first that went wrong."""

    transfers: Mapping[str, Transfer] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def credentials(user: str, password: str) -> str:
    """Return what the script wants on its standard input: curl's own way to keep a password out of sight."""
    return f'user = "{user}:{password}"\n'


def script(door: Door, images: Mapping[str, Image], size: int = SIZE) -> str:
    """Return the script; `images` are pushed too, by the tag that they get."""
    lines = [
        "config=$(cat)",
        f"origin={shlex.quote(door.origin)} base={shlex.quote(f'{door.origin}/v2/{door.repository}')}",
        f'anyone() {{ {door.curl()} "$@"; }}',
        'as_user() { printf \'%s\\n\' "$config" | anyone -K - "$@"; }',
        f"work=$(mktemp -d {FOLDER}/slipway.XXXXXX) || exit 1",
        'trap \'rm -f "$work"/*; rmdir "$work"\' EXIT',
        _PUT,
        f'yes {shlex.quote(WORDS)} | head -c {size} > "$work/blob"',
        'digest=sha256:$(sha256sum < "$work/blob" | cut -c1-64)',
        'put push "$work/blob" "$digest"',
        _written("empty", EMPTY),
        _manifest("probe", _probe(size)),
        *(line for tag, each in images.items() for line in _image(tag, each)),
        _PULL,
        _REFUSED,
        *([_HEALTH] if door.harbor else []),
        _DELETE,
    ]
    return "\n".join(lines)


# an upload's place is the registry's to choose: a path, or a whole URL, with or without a query
_PUT = r"""put() {
  answer=$(as_user -o /dev/null -D - -X POST -H 'Content-Length: 0' "$base/blobs/uploads/" 2>"$work/said" \
    | tr -d '\r')
  place=$(printf '%s\n' "$answer" | sed -n 's/^[Ll]ocation: *//p')
  status=$(printf '%s\n' "$answer" | sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p' | tail -n 1)
  [ -n "$place" ] || { echo "$1 ${status:-0} 0 0"; sed 's/^/error /' "$work/said"; return 1; }
  case $place in /*) place=$origin$place;; esac
  case $place in *\?*) place="$place&digest=$3";; *) place="$place?digest=$3";; esac
  as_user -o "$work/said" -w "$1 %{http_code} %{time_total} %{speed_upload}\n" -X PUT \
    -H 'Content-Type: application/octet-stream' -T "$2" "$place" 2>"$work/why" \
    || sed 's/^/error /' "$work/why"
}"""
_PULL = r"""as_user -o "$work/manifest" -w 'resolve %{http_code} %{time_total} 0\n' \
  -H 'Accept: application/vnd.oci.image.manifest.v1+json' "$base/manifests/probe" 2>&1
grep -q "$digest" "$work/manifest" 2>/dev/null && echo 'resolved yes'
as_user -o "$work/read" -w 'pull %{http_code} %{time_total} %{speed_download}\n' "$base/blobs/$digest" \
  2>"$work/why" || sed 's/^/error /' "$work/why"
[ "$digest" = "sha256:$(sha256sum < "$work/read" 2>/dev/null | cut -c1-64)" ] && echo 'same yes'"""
_REFUSED = r"""anyone -o /dev/null -w 'anyone-reads %{http_code} 0 0\n' "$base/tags/list" 2>/dev/null
anyone -o /dev/null -w 'anyone-writes %{http_code} 0 0\n' -X POST -H 'Content-Length: 0' \
  "$base/blobs/uploads/" 2>/dev/null"""
_HEALTH = """components=$(anyone "$origin/api/v2.0/health" 2>/dev/null | tr -d '\\n')
echo "components $components" """
# what cannot be deleted stays once: its content is the same at the next run
_DELETE = r"""as_user -o /dev/null -X DELETE "$base/blobs/$digest" 2>/dev/null; echo end"""


def _probe(size: int) -> str:
    """Return the artefact's manifest, where $digest is the blob's."""
    layer = {"mediaType": "application/vnd.slipway.verify", "digest": "$digest", "size": size}
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY.digest, "size": EMPTY.size}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})


def _written(name: str, blob: Blob) -> str:
    encoded = base64.b64encode(blob.content).decode()
    return f'printf %s {encoded} | base64 -d > "$work/{name}"; put {name} "$work/{name}" {blob.digest}'


def _manifest(tag: str, text: str) -> str:
    head, _, tail = text.partition("$digest")
    quoted = f'{shlex.quote(head)}"$digest"{shlex.quote(tail)}' if tail else shlex.quote(text)
    return (
        f'printf %s {quoted} > "$work/manifest"; as_user -o /dev/null'
        f" -w 'tag-{tag} %{{http_code}} %{{time_total}} 0\\n' -X PUT -H 'Content-Type: {MANIFEST}'"
        f' -T "$work/manifest" "$base/manifests/{tag}" 2>&1'
    )


def _image(tag: str, image: Image) -> list[str]:
    blobs = (_written(f"{tag}-{number}", blob) for number, blob in enumerate(image.blobs))
    return [*blobs, _manifest(tag, image.manifest)]


def parse(text: str) -> Said:
    """Return what the script said; a line that is none of its own is an error of curl's."""
    transfers: dict[str, Transfer] = {}
    words: dict[str, str] = {}
    error = ""
    for line in text.splitlines():
        match line.split():
            case [name, status, seconds, speed] if status.isdigit():
                transfers[name] = Transfer(int(status), _number(seconds), _number(speed))
            case [("resolved" | "same") as word, "yes"]:
                words[word] = "yes"
            case ["components", *rest]:
                words["components"] = " ".join(rest)
            case ["end"]:
                words["end"] = "yes"
            case ["error", "curl:", *rest] | ["curl:", *rest]:
                # what curl says of itself in the lines after it is no cause
                error = error or " ".join(rest)
    return Said(transfers, words, error)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
