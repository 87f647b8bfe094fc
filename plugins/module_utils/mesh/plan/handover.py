# SPDX-License-Identifier: Apache-2.0
"""Adoption: what another tool applied becomes ours in managedFields, before our first apply.

Applying alone would leave the other tool as co-owner: what is no longer wanted would stay for ever. Once its entries
are part of ours, our apply takes away what is not wanted, as if we had applied it ourselves. Entries of controllers
and of a person's single edits (istiod's caBundle, an autoscaler's replicas, kubectl edit) are never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any, Literal

from ..model.objects import PREFIX, Object
from .compare import owned_fields
from .fieldsets import Path, below, fields_v1, paths, without

HelmRelease = Literal["keep", "record", "remove"]

#: Who is left as a manager when nobody else is: see :func:`disowned`.
_RELEASED = "meshops-released"
#: Managers that apply whole objects: name -> operations by which they do.
_TOOLS: dict[str, frozenset[str]] = {
    "helm": frozenset({"Apply", "Update"}),  # v4 applies, v3 patches
    "istio-operator": frozenset({"Apply"}),  # istioctl install
    "istio-ci": frozenset({"Apply"}),  # istioctl tag set
    "istioctl": frozenset({"Update"}),  # it switches an injector off when another becomes the default
    "kubectl": frozenset({"Apply"}),
    "kubectl-client-side-apply": frozenset({"Update"}),
    "kubectl-create": frozenset({"Update"}),
    "before-first-apply": frozenset({"Update"}),  # what was there when an object was first applied server-side
    _RELEASED: frozenset({"Update"}),
}
#: The same for managers with a changing end.
_TOOL_PREFIXES = ("pulumi-kubernetes",)
_ANNOTATIONS = ("f:metadata", "f:annotations")
#: By these objects know their release. ``helm upgrade`` goes on where they are.
HELM_MARKS = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
_HELM_PATHS = frozenset((*_ANNOTATIONS, f"f:{name}") for name in HELM_MARKS)
#: Whoever wrote one of these applies whole objects, whatever its program is called (Terraform's Helm provider).
_TELLING = frozenset({*_HELM_PATHS, (*_ANNOTATIONS, "f:kubectl.kubernetes.io/last-applied-configuration")})


def handed_over(live: Object, manager: str, api_version: str, release: HelmRelease) -> Object | None:
    """``live`` with managed fields as they are after the handover; None when there is nothing to hand over.

    Where Helm's release is kept, Helm also stays the owner of its marks: nobody else wants them, and what has no owner
    would go with the map that it is in. A caBundle stays where it is: istiod will sign anew when it sees fit, and until
    then nothing could be validated.
    """
    marks = _HELM_PATHS if release == "keep" else frozenset()
    moved: set[Path] = set()
    entries = []
    for entry in live["metadata"].get("managedFields") or ():
        found = paths(entry.get("fieldsV1") or {})
        if not _is_tool(entry, found):
            entries.append(entry)
            continue
        kept = {path for path in found if path in marks or path[-1] == "f:caBundle"}
        moved |= found - kept
        if kept:
            entries.append({**entry, "fieldsV1": fields_v1(kept)})
    return _with_ours(live, manager, api_version, entries, moved) if moved else None


def fields_handed_over(live: Object, manager: str, wanted: Set[Path]) -> Object | None:
    """``live`` with nobody but us owning these fields, so that our apply takes away those that it does not want; None
    when nobody else owns one."""
    moved: set[Path] = set()
    entries = []
    for entry in live["metadata"].get("managedFields") or ():
        found = paths(entry.get("fieldsV1") or {})
        if not found & wanted or entry["manager"] == manager:
            entries.append(entry)
            continue
        moved |= found & wanted
        if found - wanted:
            entries.append({**entry, "fieldsV1": fields_v1(found - wanted)})
    return _with_ours(live, manager, live["apiVersion"], entries, moved) if moved else None


def _with_ours(
    live: Object, manager: str, api_version: str, entries: Iterable[Mapping[str, Any]], moved: Iterable[Path]
) -> Object:
    """``live`` with these managed fields of others, and ours with what moved to us."""
    ours = paths(owned_fields(live, manager) or {}).union(moved)
    others = [entry for entry in entries if not (entry["manager"] == manager and entry["operation"] == "Apply")]
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields_v1(ours),
    }
    return {**live, "metadata": {**live["metadata"], "managedFields": [*others, entry]}}


def claimed(live: Object, applied: Object, manager: str) -> Object:
    """An object without managed fields (such as we leave when we release it) with ours as after the apply: the API
    server would make up another owner of all that is there."""
    ours = [entry for entry in applied["metadata"]["managedFields"] if entry["manager"] == manager]
    return {**live, "metadata": {**live["metadata"], "managedFields": ours}}


def disowned(live: Object, manager: str) -> list[dict[str, Any]]:
    """The managed fields without ours, when an object is released.

    They must not become empty: the next server-side apply would meet an owner that the API server makes up for all
    that is there (before-first-apply), and ``helm`` stops at such conflicts. What is left owns a label that nobody has.
    """
    left = [entry for entry in live["metadata"].get("managedFields") or () if entry["manager"] != manager]
    label = fields_v1([("f:metadata", "f:labels", f"f:{PREFIX}released")])
    nobody = {"manager": _RELEASED, "operation": "Update", "apiVersion": live["apiVersion"], "fieldsType": "FieldsV1"}
    return left or [{**nobody, "fieldsV1": label}]


def _is_tool(entry: Mapping[str, Any], found: frozenset[Path]) -> bool:
    if entry.get("subresource"):
        return False
    manager = entry["manager"]
    return entry["operation"] in _TOOLS.get(manager, ()) or manager.startswith(_TOOL_PREFIXES) or bool(found & _TELLING)


def patch(taken: Object) -> Object:
    """The merge patch that hands over; refused by the API server when the object changed meanwhile."""
    metadata = taken["metadata"]
    return {"metadata": {key: metadata[key] for key in ("resourceVersion", "managedFields")}}


def left_behind(taken: Object, applied: Object, manager: str) -> frozenset[Path]:
    """What our apply takes away after the handover: handed over to us, not wanted, and of nobody else."""
    stay = paths(owned_fields(applied, manager) or {}) | _of_others(taken, manager)
    return frozenset(path for path in paths(owned_fields(taken, manager) or {}) if not below(path, stay))


def _of_others(taken: Object, manager: str) -> frozenset[Path]:
    entries = taken["metadata"].get("managedFields") or ()
    return frozenset(
        path for entry in entries if entry["manager"] != manager for path in paths(entry.get("fieldsV1") or {})
    )


def pruned(obj: Object, gone: Iterable[Path]) -> Object:
    """``obj`` without these paths."""
    for path in sorted(gone, reverse=True):
        obj = without(obj, path)
    return obj


def has_defaults(gone: Iterable[Path]) -> bool:
    """Whether the API server may put something in the place of what goes; in labels and annotations it does not."""
    return any(path[0] != "f:metadata" for path in gone)


def merge_patch(before: Any, after: Any) -> Any:
    """The JSON merge patch (RFC 7386) that makes ``after`` of ``before``."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return after
    changed = {
        key: merge_patch(before.get(key), value)
        for key, value in after.items()
        if key not in before or before[key] != value
    }
    return {**dict.fromkeys(before.keys() - after.keys()), **changed}
