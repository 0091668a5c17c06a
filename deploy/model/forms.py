"""The written forms of values in an inventory: a pattern, and the words that say what was wanted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

# RFC 1123, as Kubernetes wants the names of nodes and as hosts are named
DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
# kubernetes writes v1.37.0-rc.0, k3s v1.34.1-rc1+k3s1
VERSION = r"^v\d+\.\d+\.\d+(-(alpha|beta|rc)\.?\d+)?(\+k3s\d+)?$"
URL = r"^https?://[A-Za-z0-9.-]+(:\d{1,5})?$"
JUMP = r"^([A-Za-z_][A-Za-z0-9_.-]*@)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?$"
USER = r"^[A-Za-z_][A-Za-z0-9_.-]*$"
# k8s.io/apimachinery/pkg/api/resource: a number with a binary or decimal suffix
QUANTITY = r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
# journald.conf(5), SystemMaxUse=
JOURNAL_SIZE = r"^\d+[KMGT]?$"
# systemd.exec(5), Limit...=
LIMIT = r"^(\d+|infinity)$"
# Linux: IFNAMSIZ is 16 with the final NUL; MetalLB takes the names as they are
INTERFACE = r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,14}$"
SYSCTL = r"^[a-z0-9_]+([./][A-Za-z0-9_*-]+)+$"
CHECK_ID = r"^[A-Z0-9]+-\d+$"
# as a report writes it: baseline | Set kernel parameters
PLANNED = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?( \| \S(.*\S)?)?$"
# k8s.io/apimachinery/pkg/util/validation: IsQualifiedName, IsValidLabelValue
LABEL_KEY = (
    r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
)
LABEL_VALUE = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
# the layouts of equal parts that NVIDIA's MIG manager makes of the hardware (nvidia-mig-parted)
MIG_LAYOUT = r"^all-(disabled|\d+g\.\d+gb(\.me)?)$"
# Debian policy, 5.6.1
PACKAGE = r"^[a-z0-9][a-z0-9+.-]+$"
# becomes a label's value, so it has no more than that's signs beside spaces and slashes
GPU_MODEL = r"^[A-Za-z0-9]([A-Za-z0-9 ._/-]{0,61}[A-Za-z0-9])?$"
RELEASE = r"^v?\d+\.\d+\.\d+$"
MANIFEST = r"^[^\s~]+\.ya?ml$"
# distribution/reference: a domain and a path, without a tag
IMAGE_REPOSITORY = r"^[a-z0-9.-]+(:\d{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$"
# a quantity of bytes, whole and not nothing
SIZE = r"^[1-9]\d*(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$"
# no root, no dots to climb by, nothing that a shell, a mount option or a volume's path could misread
FOLDER = r"^(/[A-Za-z0-9_][A-Za-z0-9_.@+-]*)+$"
# POSIX.1, Environment Variables
ENVIRONMENT = r"^[A-Za-z_][A-Za-z0-9_]*$"
# a name with a dot: without one the first part of an image is taken for a repository (distribution/reference)
HOSTNAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$"
# kubernetes-sigs/gateway-api apis/v1/shared_types.go, PreciseHostname
ROUTED = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"
# docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; dots break certificates of hosts
BUCKET = r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"
# distribution/reference: a repository with a tag, a digest, or both
IMAGE = (
    r"^[a-z0-9][a-z0-9._-]*(:\d{1,5})?(/[a-z0-9][a-z0-9._-]*)+"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
)
# what a model's objects are named after: a prefix and a version go with it
MODEL_NAME = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
MODEL_VERSION = r"^[a-z0-9]+([.-][a-z0-9]+)*$"
DIGEST = r"^sha256:[0-9a-f]{64}$"
# distribution/reference, with a version to fill in
_TAG = r"([A-Za-z0-9_.-]|\{version\})+"
MODELKIT = rf"^[a-z0-9][a-z0-9.-]*(:\d{{1,5}})?(/[a-z0-9][a-z0-9._-]*)+(:{_TAG})?(@sha256:[0-9a-f]{{64}})?$"
OBJECT_PREFIX = r"^s3://[a-z0-9][a-z0-9-]{1,61}[a-z0-9](/([A-Za-z0-9_.@+-]|\{version\})+)+/?$"
REPOSITORY = r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$"
REVISION = r"^[0-9a-f]{40}$"
_WORD = r"([A-Za-z0-9_]|\{version\})([A-Za-z0-9_.@+-]|\{version\})*"
PART = rf"^{_WORD}(/{_WORD})*$"

WANTED = {
    DNS_LABEL: "a name of at most 63 lower-case letters, digits and hyphens, such as node-1",
    VERSION: "a version such as v1.36.3, or v1.36.3+k3s1 for k3s",
    URL: "a URL of host and port without a path, such as http://192.168.1.5:8080",
    JUMP: "a node's name or [USER@]HOST[:PORT], such as ops@192.168.1.1:2222",
    USER: "the name of a user, such as ops",
    QUANTITY: "a quantity such as 500m, 2 or 256Mi",
    JOURNAL_SIZE: "a size such as 500M or 1G",
    LIMIT: "a number or infinity",
    INTERFACE: "the name of a network interface, such as eno1",
    SYSCTL: "the name of a kernel parameter, such as vm.swappiness",
    MIG_LAYOUT: "a MIG layout of equal parts such as all-1g.10gb, or all-disabled",
    GPU_MODEL: "a model's name as its vendor writes it, such as A770 or RTX 4070, and no PCI id",
    PACKAGE: "the name of a package, such as nvidia-driver-580-server-open",
    RELEASE: "a release such as 1.5.1",
    SIZE: "a size such as 100Gi",
    FOLDER: "the absolute path of a folder, such as /data/models",
    ENVIRONMENT: "the name of a variable, such as HF_TOKEN",
    HOST: "an address or a host's name, such as 192.168.1.5",
    ROUTED: "a host's name in lower case, such as qwen.home.arpa",
    HOSTNAME: "a host's full name in lower case, such as registry.home.arpa",
    BUCKET: "the name of a bucket: 3 to 63 lower-case letters, digits and hyphens",
    IMAGE: "an image such as docker.io/pgsty/silo:TAG, best with @sha256:DIGEST",
    MANIFEST: "the path of a YAML file, absolute or from the inventory's directory",
    IMAGE_REPOSITORY: "an image's repository without a tag, such as harbor.home.lan/amd/driver",
    MODEL_NAME: "a name of at most 40 lower-case letters, digits and hyphens, such as qwen",
    MODEL_VERSION: "a version of lower-case letters, digits, dots and hyphens, such as 2 or 1.5",
    DIGEST: "a digest: sha256: and 64 hexadecimal digits",
    MODELKIT: "a ModelKit such as registry.home.arpa/models/qwen:1, best with @sha256:DIGEST",
    OBJECT_PREFIX: "a prefix of a bucket such as s3://models/qwen",
    REPOSITORY: "a repository such as Qwen/Qwen2.5-7B-Instruct",
    REVISION: "a commit of 40 hexadecimal digits: a branch or a tag may be moved",
    PART: "the path of a folder in the volume, such as qwen/1",
    CHECK_ID: "the id of a check, such as HOST-03",
    PLANNED: "a phase, or PHASE | OPERATION as in baseline | Set kernel parameters",
    LABEL_KEY: "a label's key such as tier or example.com/tier",
    LABEL_VALUE: "a label's value of at most 63 letters, digits, dots, underscores and hyphens",
}


def _text(wanted: str) -> Callable[[Any], Any]:
    """Refuse a number where text is wanted: 5 would be taken for 0.0.0.5, or for a day of 1970."""

    def check(value: Any) -> Any:
        if isinstance(value, str | IPv4Address | IPv4Network | date):
            return value
        raise PydanticCustomError("form", "{wanted}", {"wanted": wanted})

    return check


def _home(path: Path) -> Path:
    """Expand ~, so that nobody else needs to; a relative path would mean another file in every directory."""
    try:
        path = path.expanduser()
    except RuntimeError:
        raise PydanticCustomError(
            "form", "{wanted}", {"wanted": "a path below a home directory that exists"}
        ) from None
    if not path.is_absolute():
        raise PydanticCustomError("form", "{wanted}", {"wanted": "a path that starts with / or ~/"})
    return path


def _digits(value: Any) -> Any:
    """Take a bare number for its text: nobody writes quotes around a limit."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _written(pattern: str) -> Any:
    return WithJsonSchema({"type": ["string", "integer"], "pattern": pattern})


Name = Annotated[str, Field(pattern=DNS_LABEL)]
Address = Annotated[IPv4Address, BeforeValidator(_text("an IPv4 address such as 192.168.1.10"))]
Network = Annotated[IPv4Network, BeforeValidator(_text("an IPv4 network such as 10.42.0.0/16"))]
Day = Annotated[date, BeforeValidator(_text("a date such as 2027-03-31"))]
HomePath = Annotated[Path, AfterValidator(_home)]
Limit = Annotated[str, Field(pattern=LIMIT), BeforeValidator(_digits), _written(LIMIT)]
Quantity = Annotated[str, Field(pattern=QUANTITY), BeforeValidator(_digits), _written(QUANTITY)]
Size = Annotated[str, Field(pattern=SIZE), BeforeValidator(_digits), _written(SIZE)]
LabelKey = Annotated[str, Field(pattern=LABEL_KEY, max_length=317)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Switch = Annotated[bool, Field(strict=True)]
Version = Annotated[
    str, Field(pattern=MODEL_VERSION, max_length=20), BeforeValidator(_digits), _written(MODEL_VERSION)
]
