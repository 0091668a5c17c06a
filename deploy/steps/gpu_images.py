"""The images of GPU stacks, pinned, as the values of each vendor's chart name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Image = Mapping[str, str]
Values = dict[str, Any]
# the sections of NVIDIA's chart that take an image, by its key in the lock file
SECTIONS = {
    "nvidia-operator": ("operator", "validator"),
    "nvidia-toolkit": ("toolkit",),
    "nvidia-device-plugin": ("devicePlugin", "gfd"),
    "nvidia-dra-driver": ("draDriver",),
    "nvidia-mig-manager": ("migManager",),
    "nvidia-dcgm-exporter": ("dcgmExporter",),
}
MANAGER = "nvidia-driver-manager"


def intel_driver(image: Image) -> Values:
    """Return what names the image of Intel's resource driver."""
    home, name = _split(image)
    return {"image": {"repository": home, "name": name, "tag": image["tag"]}}


def intel_operator(image: Image) -> Values:
    """Return what names the image of Intel's operator; its name is the chart's."""
    home, _ = _split(image)
    return {"manager": {"image": {"hub": home, "tag": image["tag"]}}}


def intel_plugin(image: Image) -> str:
    """Return the image of Intel's plugin as its webhook takes it: a digest, and then no tag.

    With both the tag is read as no version (intel/intel-device-plugins-for-kubernetes v0.36.0
    pkg/apis/deviceplugin/v1/webhook_common.go).
    """
    return f"{image['repository']}@{image['tag'].partition('@')[2]}"


def amd_operator(image: Image) -> Values:
    """Return what names the image of AMD's operator itself."""
    return {"controllerManager": {"manager": {"image": dict(image)}}}


def nvidia(images: Mapping[str, Image]) -> Values:
    """Return what names the images that NVIDIA's operator is and runs, but for the driver's."""
    found: Values = {
        section: _component(images[key])
        for key, sections in SECTIONS.items()
        if key in images
        for section in sections
    }
    if MANAGER in images:
        found["driver"] = {"manager": _component(images[MANAGER])}
    return found


def _component(image: Image) -> Values:
    home, name = _split(image)
    return {"repository": home, "image": name, "version": image["tag"]}


def _split(image: Image) -> tuple[str, str]:
    home, _, name = image["repository"].rpartition("/")
    return home, name


def pinned(values: Values, images: Values) -> Values:
    """Return a chart's values with what names its images, section by section."""
    return values | {section: {**values.get(section, {}), **named} for section, named in images.items()}
