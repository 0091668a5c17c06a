"""Labels of cluster objects that are slipway's."""

from __future__ import annotations

MANAGED_BY = "app.kubernetes.io/managed-by"
OWNED = {MANAGED_BY: "slipway"}
# namespaces whose pods reach into their hosts
PRIVILEGED = {f"pod-security.kubernetes.io/{mode}": "privileged" for mode in ("enforce", "audit", "warn")}
