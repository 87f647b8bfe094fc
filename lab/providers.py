# SPDX-License-Identifier: Apache-2.0
"""Where clusters come from: made on this machine (`native`), or the user's own (`existing`)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from lab import native, paths, state
from lab.errors import LabError
from lab.request import Request
from lab.state import Cluster, Lab


class Provider(Protocol):
    """Anything that can give clusters."""

    def up(self, request: Request) -> Lab:
        """Bring the clusters up and write the state file."""

    def down(self, names: Sequence[str]) -> None:
        """Remove clusters, all when none is named."""

    def load(self, archives: Sequence[Path]) -> None:
        """Import image archives into the running clusters."""


class Native:
    """Clusters in network namespaces of this machine."""

    def up(self, request: Request) -> Lab:
        """Build what is missing and bring the clusters up."""
        return native.up(request)

    def down(self, names: Sequence[str]) -> None:
        """Leave nothing of them."""
        native.down(names)

    def load(self, archives: Sequence[Path]) -> None:
        """Import into every cluster that has a node."""
        native.load(archives)


class Existing:
    """Clusters that the user has: nothing is started or stopped."""

    def up(self, request: Request) -> Lab:
        """Write the state file for the contexts in LAB_CONTEXTS."""
        if request.hosts:
            raise LabError("--hosts: with LAB_PROVIDER=existing hosts are your own; put them into your inventory.")
        if request.domains:
            raise LabError("--domains: with LAB_PROVIDER=existing the lab makes none; leave the option out.")
        contexts = os.environ.get("LAB_CONTEXTS", "").split()
        if not contexts:
            raise LabError('LAB_PROVIDER=existing needs LAB_CONTEXTS="context ..." (names in your kubeconfig).')
        kubeconfig = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        clusters = [Cluster(name=name, context=name, network=f"{name}-net") for name in contexts]
        lab = Lab(provider="existing", kubeconfig=kubeconfig, clusters=clusters)
        state.save(lab)
        return lab

    def down(self, names: Sequence[str]) -> None:
        """Forget them."""
        paths.STATE_FILE.unlink(missing_ok=True)

    def load(self, archives: Sequence[Path]) -> None:
        """Not the lab's to do."""
        raise LabError("images of existing clusters are not the lab's; push them to a registry of yours.")


def choose() -> Provider:
    """By LAB_PROVIDER; `native` when unset."""
    name = os.environ.get("LAB_PROVIDER", "native")
    known: dict[str, type[Native] | type[Existing]] = {"native": Native, "existing": Existing}
    if name not in known:
        raise LabError(f"LAB_PROVIDER={name} is unknown; use {' or '.join(known)}.")
    return known[name]()
