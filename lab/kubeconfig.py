# SPDX-License-Identifier: Apache-2.0
"""Writes kubeconfig files: one per component, and one for people with every cluster as a context."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.state import write_atomically


@dataclass(frozen=True)
class Access:
    """How to reach one API server as one user."""

    server: str
    pki: Path
    user: str

    @property
    def authority(self) -> Path:
        """The certificate authority to trust."""
        return self.pki / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The client certificate."""
        return self.pki / f"{self.user}.crt"

    @property
    def key(self) -> Path:
        """The client certificate's key."""
        return self.pki / f"{self.user}.key"


def write(path: Path, contexts: Mapping[str, Access]) -> None:
    """One context per entry, certificates inside, readable by the owner only; the first is the current one."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(contexts), ""),
        "clusters": [
            {"name": name, "cluster": {"server": at.server, "certificate-authority-data": _data(at.authority)}}
            for name, at in contexts.items()
        ],
        "users": [
            {
                "name": f"{name}-{at.user}",
                "user": {"client-certificate-data": _data(at.certificate), "client-key-data": _data(at.key)},
            }
            for name, at in contexts.items()
        ],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": f"{name}-{at.user}"}} for name, at in contexts.items()
        ],
    }
    write_atomically(path, yaml.safe_dump(document, sort_keys=False), 0o600)


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
