"""The cluster's API server: its port, and where a control plane keeps an administrator's credentials."""

from __future__ import annotations

PORT = 6443
ADMIN = "/etc/kubernetes/admin.conf"
"""kubeadm's; on a k3s server it is a link to `K3S_ADMIN`."""
K3S_ADMIN = "/etc/rancher/k3s/k3s.yaml"
