# SPDX-License-Identifier: Apache-2.0
"""Values that are recognized wherever they turn up, in whatever spelling."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

#: Canaries have lengths from here on, each its own, which no other number of a run is.
_SHORTEST = 1731


@dataclass(frozen=True)
class Canary:
    """A secret: ``core`` is its random part, which is the same in most spellings."""

    name: str
    value: str
    core: str

    def spellings(self) -> Iterator[tuple[str, bytes]]:
        """What must not be anywhere, with a word for it."""
        core = self.core.encode()
        half = len(core) // 2
        yield from (("first half", core[:half]), ("second half", core[half:]))
        yield "hexadecimal", core.hex().encode()
        for shift in range(3):
            # Of base64, the characters that depend on the core alone.
            yield f"base64, shifted by {shift}", _inner_base64(core, shift)
        for name, text in (("value", self.value.encode()), ("core", core)):
            yield f"URL-encoded {name}", quote(text, safe="").encode()
            yield f"JSON {name}", json.dumps(text.decode())[1:-1].encode()
            for algorithm in ("sha256", "sha1", "md5"):
                digest = hashlib.new(algorithm, text, usedforsecurity=False).digest()
                yield f"{algorithm} of the {name}", digest.hex().encode()
                yield f"{algorithm} of the {name} in base64", base64.b64encode(digest).rstrip(b"=")


def _inner_base64(core: bytes, shift: int) -> bytes:
    """The part of base64 that is the same whatever stands before and after, with the core ``shift`` bytes off."""
    encoded = base64.b64encode(b"\0" * shift + core)
    start = 0 if shift == 0 else 4
    return encoded[start : (shift + len(core)) // 3 * 4]


class Canaries:
    """Makes canaries, and finds them."""

    def __init__(self) -> None:
        self.all: list[Canary] = []
        self._pattern: re.Pattern[bytes] | None = None
        self._meanings: dict[bytes, str] = {}

    def make(self, name: str, shape: str = 'c@n"a\\ry/{core}{padding}') -> str:
        """A new secret; ``shape`` says how it is written where not every sign may stand."""
        core = secrets.token_hex(16)
        length = _SHORTEST + 2 * len(self.all)
        bare = shape.format(core=core, padding="")
        value = shape.format(core=core, padding="z" * (length - len(bare)))
        self.all.append(Canary(name, value, core))
        self._pattern = None
        return value

    def found(self, text: bytes) -> set[str]:
        """Which canaries a text shows, and how: ``name: spelling``."""
        pattern = self._compiled()
        return {self._meanings[match[0]] for match in pattern.finditer(text)} | set(self._lengths(text))

    def _compiled(self) -> re.Pattern[bytes]:
        if self._pattern is None:
            spelled = [(item.name, how, text) for item in self.all for how, text in item.spellings()]
            self._meanings = {text: f"{name}: {how}" for name, how, text in spelled}
            self._pattern = re.compile(b"|".join(re.escape(text) for text in self._meanings))
        return self._pattern

    def _lengths(self, text: bytes) -> Iterator[str]:
        numbers = {str(len(item.value)): item.name for item in self.all}
        for match in re.finditer(rb"\b(\d{4}) (?:more )?(?:characters|chars|bytes)", text):
            if match[1].decode() in numbers:
                yield f"{numbers[match[1].decode()]}: length"
