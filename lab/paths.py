# SPDX-License-Identifier: Apache-2.0
"""Where things are: the checkout's own state, the caches that outlive it, and what is machine-wide."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
GO_MODULES = PACKAGE / "tools"

STATE = CHECKOUT / ".lab"
STATE_FILE = STATE / "lab.json"
KUBECONFIG = STATE / "kubeconfig"
BIN = STATE / "bin"
CHARTS = STATE / "charts"
DEFINITIONS = STATE / "gateway-api"
HOST_INVENTORY = STATE / "hosts.yml"
SSH = STATE / "ssh"
PACKAGES = STATE / "packages"

RUN = Path("/run/meshops-lab")


def cache() -> Path:
    """The cache root, shared by all checkouts of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "meshops-lab"


def services() -> Path:
    """Pid files and logs of what belongs to no cluster (chart repository, registry)."""
    return STATE / "services"


def host_services() -> Path:
    """Configuration and logs of what serves hosts (names, packages)."""
    return STATE / "host-services"
