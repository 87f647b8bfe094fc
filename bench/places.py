# SPDX-License-Identifier: Apache-2.0
"""Where contenders act: a kubeconfig, a directory with what they read, an environment that is the same for all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from bench.tools import WORK, programs
from lab import kubeconfig
from lab.kubeconfig import Access

HOME = WORK / "home"
#: Who may do everything, and who may do what `rbac` derives.
USER, GRANTED = "bench", "bench-granted"

Command = list[str]


@dataclass(frozen=True)
class Place:
    """A directory, and the contexts of its kubeconfig by name; the first is the current one."""

    directory: Path
    contexts: Mapping[str, Access]

    @property
    def context(self) -> str:
        """The current context."""
        return next(iter(self.contexts))

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig with all permissions."""
        return self.directory / "kubeconfig"

    @property
    def granted(self) -> Path:
        """The same contexts for who has only the roles that `rbac` derives."""
        return self.directory / "granted"

    @property
    def credentials(self) -> Path:
        """The current context for programs that know no kubeconfig."""
        return self.directory / "credentials"

    def prepare(self) -> None:
        """Write all three."""
        self.directory.mkdir(parents=True, exist_ok=True)
        kubeconfig.write(self.kubeconfig, self.contexts)
        contexts = {name: replace(access, user=GRANTED) for name, access in self.contexts.items()}
        kubeconfig.write(self.granted, contexts)
        access = self.contexts[self.context]
        pair = access.pki / f"{access.user}.pem"
        self.credentials.write_text(f"{access.server}\n{access.authority}\n{pair}\n", encoding="utf-8")

    def environment(self, *, granted: bool) -> dict[str, str]:
        """A home of their own, where caches stay from one run to the next, and nothing of the user's settings."""
        (HOME / "tmp").mkdir(parents=True, exist_ok=True)
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "ANSIBLE_COLLECTIONS_PATH") if key in os.environ}
        own = {
            "HOME": str(HOME),
            "TMPDIR": str(HOME / "tmp"),
            "KUBECONFIG": str(self.granted if granted else self.kubeconfig),
        }
        return {**kept, **own, "HELM_BINARY": programs()["helm"], "NO_COLOR": "1"}


P = TypeVar("P", bound=Place)


@dataclass(frozen=True)
class Contender(Generic[P]):
    """A tool and how it is called for a step; it skips the steps that it has no word for."""

    name: str
    command: Callable[[P, str], Command]
    steps: Sequence[str]
    codes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Exit codes of steps that may end with others than 0."""
    env: Mapping[str, str] = field(default_factory=dict)
    granted: bool = False
    """Whether it has only the roles that `rbac` derives."""


def taking_part(everyone: Sequence[Contender[P]], words: Sequence[str]) -> list[Contender[P]]:
    """Those with such a word in their name; everyone where no word is given."""
    return [one for one in everyone if not words or any(word in one.name for word in words)]


def playbook(name: str, variables: Mapping[str, str | Path], *flags: str) -> Command:
    """A playbook of the benchmark on this machine."""
    here = Path(__file__).resolve().parent
    extra = [f"--extra-vars={key}={value}" if key else f"--extra-vars={value}" for key, value in variables.items()]
    inventory, play = f"--inventory={here}/inventory.yml", str(here / "playbooks" / name)
    return [programs()["ansible-playbook"], inventory, *extra, *flags, play]
