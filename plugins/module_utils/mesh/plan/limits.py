# SPDX-License-Identifier: Apache-2.0
"""What no API server stores, found before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from ..model.errors import MeshError
from ..model.objects import Object, annotations_of, ref

#: Bytes of one request to etcd (--max-request-bytes, 1.5 MiB) less what the API server adds, of the values of a
#: ConfigMap or Secret, and of all annotations of an object (Kubernetes API validation).
_OBJECT, _DATA, _ANNOTATIONS = 1_468_006, 1 << 20, 256 << 10
#: Kind -> the field with texts, and the field with what is encoded (base64).
_WITH_DATA = {"ConfigMap": ("data", "binaryData"), "Secret": ("stringData", "data")}


def check_sizes(objects: Iterable[Object]) -> None:
    """Raise MeshError ``invalid_object`` for the first object that is too large."""
    for obj in objects:
        for what, size, limit in _sizes(obj):
            if size > limit:
                text = f"{what} {size / 2**20:.2f} MiB, {limit / 2**20:.2f} are possible"
                raise MeshError("invalid_object", text, where=str(ref(obj)), hint="split it")


def _sizes(obj: Object) -> Iterable[tuple[str, int, int]]:
    whole = len(json.dumps(obj, ensure_ascii=False).encode(errors="replace"))
    if whole < _ANNOTATIONS:
        return
    marks = sum(_length(key) + _length(text) for key, text in annotations_of(obj).items())
    yield "its annotations have", marks, _ANNOTATIONS
    if obj["kind"] in _WITH_DATA:
        # Stored as bytes, with none of the signs that JSON needs.
        yield "its data has", sum(_in_bytes(obj)), _DATA
    else:
        yield "the object has", whole, _OBJECT


def _in_bytes(obj: Object) -> Iterator[int]:
    found = (obj.get(name) for name in _WITH_DATA[obj["kind"]])
    texts, encoded = (list(part.values()) if isinstance(part, Mapping) else [] for part in found)
    yield from map(_length, texts)
    yield from (_length(text) // 4 * 3 - str(text)[-2:].count("=") for text in encoded)


def _length(text: object) -> int:
    return len(str(text).encode(errors="replace"))
