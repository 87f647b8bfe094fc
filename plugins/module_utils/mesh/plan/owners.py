# SPDX-License-Identifier: Apache-2.0
"""Who owns an object that we did not make: read from the marks that each tool leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.objects import annotations_of, labels_of

PART_OF = "applyset.kubernetes.io/part-of"


@dataclass(frozen=True)
class Owner:
    """Another owner: ``tool`` and ``name`` for people; ``adoptable`` when ``adopt: true`` may take over."""

    tool: str
    name: str = ""
    adoptable: bool = False

    def __str__(self) -> str:
        return f"{self.tool} ({self.name})" if self.name else self.tool


_Mark = Callable[[Mapping[str, Any]], "str | None"]


def _label(key: str) -> _Mark:
    return lambda obj: labels_of(obj).get(key)


def _annotation(key: str) -> _Mark:
    return lambda obj: annotations_of(obj).get(key)


def _owner_reference(kinds: frozenset[str]) -> _Mark:
    def mark(obj: Mapping[str, Any]) -> str | None:
        references = obj.get("metadata", {}).get("ownerReferences") or ()
        return next((f"{r['kind']} {r['name']}" for r in references if r["kind"] in kinds), None)

    return mark


def _field_manager(prefixes: tuple[str, ...]) -> _Mark:
    def mark(obj: Mapping[str, Any]) -> str | None:
        entries = obj.get("metadata", {}).get("managedFields") or ()
        return next((entry["manager"] for entry in entries if entry["manager"].startswith(prefixes)), None)

    return mark


#: (tool, mark, adoptable), the most telling first.
_MARKS: tuple[tuple[str, _Mark, bool], ...] = (
    ("another ApplySet", _label(PART_OF), False),
    ("Sail operator", _owner_reference(frozenset({"Istio", "IstioRevision", "IstioCNI", "ZTunnel"})), False),
    ("OLM", _label("olm.owner"), False),
    ("Flux", _label("kustomize.toolkit.fluxcd.io/name"), False),
    ("Flux", _label("helm.toolkit.fluxcd.io/name"), False),
    ("Argo CD", _annotation("argocd.argoproj.io/tracking-id"), False),
    ("Argo CD", _label("argocd.argoproj.io/instance"), False),
    ("kapp", _label("kapp.k14s.io/app"), False),
    ("Helm release", _annotation("meta.helm.sh/release-name"), True),
    ("istioctl", _field_manager(("istio-operator",)), True),
    ("kubectl", _field_manager(("kubectl",)), True),
)


def owner(obj: Mapping[str, Any]) -> Owner:
    """The owner of an object that carries no label of the set that wants it."""
    for tool, mark, adoptable in _MARKS:
        name = mark(obj)
        if name is not None:
            return Owner(tool, name, adoptable)
    return Owner("somebody else", adoptable=True)
