# SPDX-License-Identifier: Apache-2.0
"""Values that are recognized wherever they turn up, in whatever spelling."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

#: Canaries have lengths from here on, each its own, which no other number of a run is.
_SHORTEST = 1731
#: Ways to tell a length.
_COUNTED = re.compile(rb"\b(\d,?\d{3}) (?:more )?(?:characters|chars|bytes)|[Ll]ength: (?:got )?(\d,?\d{3})\b")
#: What may be a digest, in hexadecimal or base64.
_DIGEST = re.compile(rb"[A-Za-z0-9+/]{22,}")


@dataclass(frozen=True)
class Canary:
    """A secret: ``core`` is its random part, which escaping leaves as it is."""

    name: str
    value: str
    core: str

    def digests(self) -> Iterator[tuple[bytes, str]]:
        """What tells a hash of it, with a word for it."""
        for algorithm, (what, text) in product(("sha256", "sha1", "md5"), (("value", self.value), ("core", self.core))):
            digest = hashlib.new(algorithm, text.encode(), usedforsecurity=False).digest()
            yield digest.hex().encode(), f"{algorithm} of the {what}"
            yield base64.b64encode(digest).rstrip(b"="), f"{algorithm} of the {what} in base64"


def spellings(core: str) -> Iterator[tuple[bytes, str]]:
    """How a text of letters and digits is written inside of another, with a word for it."""
    text = core.encode()
    yield text, "as it is"
    yield text.hex().encode(), "in hexadecimal"
    for shift in range(3):
        once = _inner_base64(text, shift)
        yield once, "in base64"
        yield from ((_inner_base64(once, again), "twice in base64") for again in range(3))


def _inner_base64(core: bytes, shift: int) -> bytes:
    """The part of base64 that is the same whatever stands before and after, with the core ``shift`` bytes off."""
    encoded = base64.b64encode(b"\0" * shift + core)
    return encoded[4 if shift else 0 : (shift + len(core)) // 3 * 4]


class Canaries:
    """Makes canaries, and finds them. Their cores begin alike, so that texts can be searched for all at once."""

    def __init__(self) -> None:
        self.all: list[Canary] = []
        self._mark = secrets.token_hex(10)
        self._marks = [text for text, _ in spellings(self._mark)]
        self._digests: dict[bytes, str] = {}
        self._lengths: dict[int, str] = {}

    def make(self, name: str, shape: str = 'c@n"a\\ry/{core}{padding}') -> str:
        """A new secret; ``shape`` says how it is written where not every sign may stand."""
        core = self._mark + secrets.token_hex(10)
        length = _SHORTEST + 2 * len(self.all)
        padding = "z" * (length - len(shape.format(core=core, padding="")))
        canary = Canary(name, shape.format(core=core, padding=padding), core)
        self.all.append(canary)
        self._digests |= {text: f"{name}: {how}" for text, how in canary.digests()}
        self._lengths[len(canary.value)] = f"{name}: length"
        return canary.value

    def found(self, text: bytes) -> set[str]:
        """Which canaries a text shows, and how: ``name: spelling``."""
        counted = [int((match[1] or match[2]).replace(b",", b"")) for match in _COUNTED.finditer(text)]
        found = {self._lengths[number] for number in counted if number in self._lengths}
        found |= {self._digests[word] for word in _DIGEST.findall(text) if word in self._digests}
        return found | (self._named(text) if any(mark in text for mark in self._marks) else set())

    def _named(self, text: bytes) -> set[str]:
        all_of_them = ((item.name, *spelled) for item in self.all for spelled in spellings(item.core))
        named = {f"{name}: {how}" for name, spelled, how in all_of_them if spelled in text}
        return named or {"one of them: the part that all share"}
