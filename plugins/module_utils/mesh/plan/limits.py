# SPDX-License-Identifier: Apache-2.0
"""What no API server stores, found before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..model.errors import MeshError
from ..model.objects import Object, annotations_of, ref

#: Bytes of one request to etcd (--max-request-bytes, 1.5 MiB) less what the API server adds, of the values of a
#: ConfigMap or Secret, and of all annotations of an object (Kubernetes API validation).
_OBJECT, _DATA, _ANNOTATIONS = 1_468_006, 1 << 20, 256 << 10
_WITH_DATA = frozenset({"ConfigMap", "Secret"})


def check_sizes(objects: Iterable[Object]) -> None:
    """Raise MeshError ``invalid_object`` for the first object that is too large."""
    for obj in objects:
        for what, size, limit in _sizes(obj):
            if size > limit:
                text = f"{what} {size / 2**20:.2f} MiB, {limit / 2**20:.2f} are possible"
                raise MeshError("invalid_object", text, where=str(ref(obj)), hint="split it")


def _sizes(obj: Object) -> Iterable[tuple[str, int, int]]:
    whole = len(json.dumps(obj))
    yield "the object has", whole, _OBJECT
    if whole < _ANNOTATIONS:
        return
    yield "its annotations have", sum(len(key) + len(text) for key, text in annotations_of(obj).items()), _ANNOTATIONS
    if obj["kind"] in _WITH_DATA:
        yield "its data has", len(json.dumps(obj.get("data") or {})), _DATA
