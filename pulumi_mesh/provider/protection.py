# SPDX-License-Identifier: Apache-2.0
"""What Secrets among objects hold is secret in the state, whether or not a program says so."""

from __future__ import annotations

from typing import Any

from .._core.model.secrets import SECRET_FIELDS
from .properties import UNKNOWN, Properties, Secret, plain

#: `kubectl apply` keeps a copy of what it applied.
_COPY = "kubectl.kubernetes.io/last-applied-configuration"


def protected(value: Any) -> Any:
    """With the contents of Secrets among objects marked, those in lists of objects, too."""
    if not isinstance(value, list):
        return value
    return [_protected_object(item) if isinstance(item, dict) else item for item in value]


def _protected_object(obj: Properties) -> Properties:
    kind = obj.get("kind")
    if kind is UNKNOWN or plain(kind) == "Secret":
        marked = {key: _marked_secret(part) if key in SECRET_FIELDS else part for key, part in obj.items()}
        return {**marked, "metadata": _without_copy(obj["metadata"])} if "metadata" in obj else marked
    return {**obj, "items": protected(obj["items"])} if "items" in obj and "kind" in obj else obj


def _without_copy(metadata: Any) -> Any:
    marks = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(marks, dict) or _COPY not in marks:
        return metadata
    return {**metadata, "annotations": {**marks, _COPY: _marked_secret(marks[_COPY])}}


def _marked_secret(part: Any) -> Any:
    return part if isinstance(part, Secret) or part is UNKNOWN else Secret(part)
