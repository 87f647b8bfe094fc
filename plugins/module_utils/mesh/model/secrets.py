# SPDX-License-Identifier: Apache-2.0
"""What is secret of declarations and objects, and texts without it."""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

REDACTED = "(redacted)"
#: Values of these fields of Secrets never leave the process: not the value, nor its length or hash.
SECRET_FIELDS = ("data", "stringData")
#: Names of values that are secret, unless they only name where the secret is (``imagePullSecrets``, ``passwordKey``).
_TELLING = re.compile(r"passw(or)?d|passphrase|secret|token|credential|api_?key|private_?key|connection_?string", re.I)
_ITSELF = re.compile(r"(api|private)_?key$", re.I)
_ELSEWHERE = re.compile(
    r"^existing|(names?|refs?|secrets|paths?|files?|keys?|types?|modes?|policy|ttl|audiences?)$", re.I
)
_PRIVATE_KEY = "PRIVATE KEY-----"
_USERINFO = re.compile(r"(?<=://)[^/@\s\"']+(?=@)")
#: Shorter values would also hide what is not secret. What others say (API servers, charts) is read more strictly.
_SHORTEST, _SHORTEST_OF_OTHERS = 8, 4
#: A name of Kubernetes has 63 characters mostly; tokens have more than a hundred.
_LONGEST_SHOWN, _NOT_SHOWN = 80, "a long text"
#: Lines of certificates and kubeconfigs that are quoted alone.
_LINE = 20


def leaves(value: Any) -> Iterator[str]:
    """Every text and number in a value, as text."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)


def of_object(obj: Mapping[str, Any]) -> Iterator[str]:
    """The values of a Secret, as they are and decoded; those of a list of Secrets."""
    if isinstance(obj.get("items"), list):
        for item in obj["items"]:
            yield from of_object(item) if isinstance(item, Mapping) else ()
    if obj.get("kind") == "Secret":
        yield from leaves(obj.get("stringData"))
        for text in leaves(obj.get("data")):
            yield text
            yield from _decoded(text)


def of_values(values: Any, name: str = "") -> Iterator[str]:
    """What is secret among Helm values and other free maps: by the name of a value, or because it is a private key or
    an address with a password."""
    if isinstance(values, Mapping):
        for key, item in values.items():
            yield from of_values(item, str(key))
    elif isinstance(values, (list, tuple)):
        for item in values:
            yield from of_values(item, name)
    elif isinstance(values, str):
        if _PRIVATE_KEY in values or (_TELLING.search(name) and not _tells_where(name)):
            yield values
        yield from of_url(values)
    elif _TELLING.search(name) and not _tells_where(name):
        yield from leaves(values)


def of_url(text: str) -> Iterator[str]:
    """The password in an address, with the user's name before it and alone."""
    for found in _USERINFO.findall(text):
        _user, colon, password = found.partition(":")
        yield from (found, password, unquote(password)) if colon else ()


def without_userinfo(text: str) -> str:
    """A text whose addresses have no user and password."""
    return _USERINFO.sub(REDACTED, text)


def quoted(value: Any) -> str:
    """A value as errors repeat it: without passwords, and not at all where it may be a key or a token in the wrong
    place, which have several lines or are long."""
    text = repr(value)
    many = isinstance(value, str) and len(value.splitlines()) > 1
    return _NOT_SHOWN if many or len(text) > _LONGEST_SHOWN else without_userinfo(text)


def _tells_where(name: str) -> bool:
    return bool(_ELSEWHERE.search(name)) and not _ITSELF.search(name)


def _decoded(text: str) -> Iterator[str]:
    try:
        yield base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return


class Secrets:
    """Values that were seen, so that no text shows them: neither as they are nor in another spelling."""

    def __init__(self) -> None:
        self._values: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def learn(self, values: Iterable[str]) -> None:
        """Never show these."""
        self._values.update((value, None) for value in values if len(value) >= _SHORTEST_OF_OTHERS)

    def hide(self, text: str) -> str:
        """A text of ours without them."""
        return self._hide(text, _SHORTEST)

    def hide_strictly(self, text: str) -> str:
        """A text of others without them, short ones too where they stand alone."""
        return self._hide(text, _SHORTEST_OF_OTHERS)

    def hidden(self, value: Any) -> Any:
        """Plain data of ours without them. Mostly there is nothing to hide, as one look at all texts tells."""
        texts = "\0".join(leaves(value))
        return value if self.hide(texts) == texts else _mapped(value, self.hide)

    def hidden_strictly(self, value: Any) -> Any:
        """Plain data of others without them; numbers, too."""
        return _mapped(value, self.hide_strictly)

    def _hide(self, text: str, shortest: int) -> str:
        # No spelling is much shorter than the value, but its lines; the longest go first, as they may hold others.
        found = {
            spelling
            for value in tuple(self._values)
            if len(value) >= shortest and (len(value) <= len(text) * 2 or "\n" in value)
            for spelling in _spellings(value)
            if spelling in text
        }
        for spelling in sorted(found, key=len, reverse=True):
            text = text.replace(spelling, REDACTED) if len(spelling) >= _SHORTEST else _without_word(text, spelling)
        return text


def _mapped(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _mapped(item, hide) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mapped(item, hide) for item in value]
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    shown = hide(text)
    return value if shown == text else shown


def _without_word(text: str, word: str) -> str:
    """A text without a word, where it is no part of a longer one."""
    parts = text.split(word)
    joined = parts[0]
    for part in parts[1:]:
        inside = joined[-1:].isalnum() or part[:1].isalnum()
        joined += (word if inside else REDACTED) + part
    return joined


@functools.lru_cache(maxsize=4096)
def _spellings(value: str) -> tuple[str, ...]:
    """How a value is written in messages: on one line, escaped, encoded, or a long line of it alone."""
    stripped = value.strip()
    encoded = [base64.b64encode(text.encode(errors="replace")).decode() for text in (value, stripped)]
    written = [json.dumps(stripped, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)]
    written += [text.replace('\\"', '"') for text in written]  # as it stands between single quotes
    lines = [line.strip() for line in value.splitlines()] if "\n" in stripped else []
    found = {value, stripped, " ".join(value.split()), *written, *encoded}
    found |= {quote(stripped, safe="", errors="replace"), quote_plus(stripped, errors="replace")}
    found |= {line for line in lines if len(line) >= _LINE}
    return tuple(spelling for spelling in found if len(spelling) >= _SHORTEST_OF_OTHERS)
