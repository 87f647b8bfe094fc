# SPDX-License-Identifier: Apache-2.0
"""The objects of a run as properties: the inventory in the state, and the plan that a check puts among the inputs."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .._core.model.objects import Object
from .._core.model.report import FieldChange, ObjectChange, Report
from .._core.model.secrets import REDACTED, SECRET_FIELDS
from .differences import Paths, quoted
from .properties import Properties
from .sessions import Hide

#: A check puts the plan among the inputs under this name: a diff can show only what stands in inputs.
CHANGES = "changes"
#: Actions after which an object is not the resource's any more, and those that change nothing.
LEAVING, _STAYING = ("delete", "release"), ("unchanged", "keep")
#: Characters of a value in a plan.
_LONGEST = 120


def applied(report: Report, hide: Hide) -> Properties:
    """Objects after a run: ``Deployment istio-system/istiod`` -> ``{digest}``."""
    return {object_name(c): {"digest": digest(c.wanted, hide)} for c in report.objects if c.action not in LEAVING}


def found(report: Report, hide: Hide) -> Properties:
    """Objects as a run without writes found them: what differs from the declaration stands beside the digest."""
    return {object_name(change): _found(change, hide) for change in report.objects}


def _found(change: ObjectChange, hide: Hide) -> Properties:
    match change.action:
        case "create":
            return {"missing": True}
        case "delete" | "release":
            return {"unwanted": True}
        case "update" | "recreate" | "adopt":
            return {"digest": digest(change.wanted, hide), "drift": {i.path: _drifted(i, hide) for i in change.fields}}
    return {"digest": digest(change.wanted, hide)}


def drift_paths(outputs: Properties) -> Paths:
    """Where the state says how the cluster differs."""
    for name, told in (outputs.get("inventory") or {}).items():
        place = f"inventory{quoted(name)}"
        yield from ((f"{place}.drift{quoted(field)}", "delete") for field in told.get("drift", ()))
        yield from ((f"{place}.{mark}", "delete") for mark in ("missing", "unwanted") if mark in told)


def _drifted(item: FieldChange, hide: Hide) -> Any:
    """What is there instead; nothing of it where a secret should be."""
    wanted = json.dumps(hide(item.after), default=str)
    return REDACTED if REDACTED in wanted else hide(item.before)


def gone(report: Report) -> bool:
    """Whether nothing is there of what should be."""
    return bool(report.objects) and all(change.action == "create" for change in report.objects)


def object_name(change: ObjectChange) -> str:
    """``Deployment istio-system/istiod``: the key of an object in the state."""
    return str(change.ref)


def digest(obj: Object | None, hide: Hide) -> str:
    """Of what is sent, secrets left out: two that are equal mean that nothing has changed that may be known."""
    if obj is None:
        return ""
    left_out = SECRET_FIELDS if obj.get("kind") == "Secret" else ()
    kept = hide({key: value for key, value in obj.items() if key not in left_out})
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changes(report: Report, hide: Hide) -> Properties:
    """A plan as a property: ``Deployment istio-system/istiod`` -> what becomes of it, or its fields as they change."""
    told = (*report.objects, *report.restarts)
    return {object_name(change): _told(change, hide) for change in told if change.action not in _STAYING}


def _told(change: ObjectChange, hide: Hide) -> Properties | str:
    if change.action in ("update", "recreate", "adopt") and change.fields:
        return {item.path: _both(item, hide) for item in change.fields}
    return change.action


def _both(item: FieldChange, hide: Hide) -> str:
    """``1 => 2``; long values are cut. Where one side is secret, so is the other, whoever wrote it."""
    pair = hide([item.before, item.after])
    sides = [value if isinstance(value, str) else json.dumps(value, default=str) for value in pair]
    if any(REDACTED in side for side in sides):
        return REDACTED
    return " => ".join(side if len(side) <= _LONGEST else f"{side[:_LONGEST]}..." for side in sides)


def planned_paths(report: Report) -> Paths:
    """Where the plan that a check put among the inputs says what would change."""
    for name, told in changes(report, lambda value: value).items():
        place = f"{CHANGES}{quoted(name)}"
        if isinstance(told, dict):
            yield from ((f"{place}{quoted(field)}", "add") for field in told)
        else:
            yield place, "add"


def declared_part(inputs: Properties) -> Properties:
    """Inputs without the plan that a check put among them."""
    return {key: value for key, value in inputs.items() if key != CHANGES}
