"""Hosts in containers on this machine, with a mirror and a registry of what was built here."""

from deploy.lab.errors import LabError, LabUsageError
from deploy.lab.lab import Lab, existing

__all__ = ["Lab", "LabError", "LabUsageError", "existing"]
