# SPDX-License-Identifier: Apache-2.0
"""The stringData of Secrets, which an API server turns into data without saying whose that is: a key that leaves
stringData would stay in the Secret for ever. As data each key has its owner."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from ..model.objects import Object


def stored(obj: Object) -> Object:
    """The object as an API server stores it. What is no text is left for it to refuse."""
    texts = obj.get("stringData")
    if obj["kind"] != "Secret" or not isinstance(texts, Mapping) or not isinstance(obj.get("data", {}), Mapping):
        return obj
    if not all(isinstance(text, str) for text in texts.values()):
        return obj
    encoded = {key: base64.b64encode(text.encode()).decode("ascii") for key, text in texts.items()}
    kept = {key: value for key, value in obj.items() if key != "stringData"}
    return {**kept, "data": {**obj.get("data", {}), **encoded}}
