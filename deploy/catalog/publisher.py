"""What publishers state about their own files and images: asked over HTTPS, parsed by pure functions."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import cast
from urllib.parse import urlencode, urlsplit

import yaml

from deploy.errors import SlipwayError

SECONDS = 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
# an image for several architectures is an index; its digest is what every node can pull
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class UnlearnedError(SlipwayError):
    """A publisher could not be asked, or did not state a digest."""


def stated(text: str, filename: str) -> str | None:
    """Return a file's sha256 from a checksum file: a bare digest, or lines of digest and name."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    for words in lines:
        if len(words) == 2 and words[1].lstrip("*").rpartition("/")[2] == filename:
            return words[0].lower() if _SHA256.fullmatch(words[0].lower()) else None
    if len(lines) == 1 and len(lines[0]) == 1 and _SHA256.fullmatch(lines[0][0].lower()):
        return lines[0][0].lower()
    return None


def indexed(text: str, chart: str, version: str) -> str | None:
    """Return the sha256 of a chart's archive from the index.yaml of its Helm repository."""
    try:
        index = yaml.load(text, Loader=_Loader)  # noqa: S506 - libyaml's safe one
    except yaml.YAMLError:
        return None
    entries = (index or {}).get("entries") or {}
    for entry in entries.get(chart) or []:
        if str(entry.get("version")).removeprefix("v") == version.removeprefix("v"):
            digest = str(entry.get("digest", "")).removeprefix("sha256:")
            return digest if _SHA256.fullmatch(digest) else None
    return None


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def get(url: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Return what a URL answers; raise UnlearnedError with what went wrong."""
    try:
        with _open(url, headers or {}) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        raise UnlearnedError(f"{url} answered {error.code} {error.reason}") from None
    except (OSError, ValueError) as error:
        raise UnlearnedError(f"{url} could not be reached: {getattr(error, 'reason', error)}") from None


def _open(url: str, headers: Mapping[str, str]) -> HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "slipway", **headers})  # noqa: S310 - http or https, checked by the catalogue
    return cast(HTTPResponse, urllib.request.urlopen(request, timeout=SECONDS))  # noqa: S310 - the same


def manifest_url(ref: str, scheme: str = "https") -> str:
    """Return where a registry keeps the manifest of registry/path:tag."""
    registry, _, rest = ref.partition("/")
    path, _, tag = rest.rpartition(":")
    if registry == "docker.io":
        registry, path = "registry-1.docker.io", path if "/" in path else f"library/{path}"
    return f"{scheme}://{registry}/v2/{path}/manifests/{tag}"


def image_digest(ref: str, scheme: str = "https") -> str:
    """Return sha256:<hex> of an image's manifest, computed over the bytes that the registry gave."""
    url, headers = manifest_url(ref, scheme), {"Accept": ", ".join(_MANIFESTS)}
    try:
        with _open(url, headers) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        challenge = error.headers.get("WWW-Authenticate", "")
        if error.code != 401 or not challenge:
            raise UnlearnedError(f"{url} answered {error.code} {error.reason}") from None
        body = get(url, {**headers, "Authorization": f"Bearer {_token(challenge)}"})
    except (OSError, ValueError) as error:
        raise UnlearnedError(f"{url} could not be reached: {getattr(error, 'reason', error)}") from None
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _token(challenge: str) -> str:
    """Return an anonymous token for what a registry's challenge asks."""
    words = dict(_CHALLENGE.findall(challenge))
    realm = words.pop("realm", "")
    if urlsplit(realm).scheme not in ("http", "https"):
        raise UnlearnedError(f"the registry asks for a token without saying where: {challenge}")
    answer = json.loads(get(f"{realm}?{urlencode(words)}"))
    return str(answer.get("token") or answer.get("access_token"))
