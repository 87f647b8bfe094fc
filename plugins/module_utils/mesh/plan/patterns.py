# SPDX-License-Identifier: Apache-2.0
"""Regular expressions of schemas, which API servers match by RE2, as far as Python's answer is surely the same."""

from __future__ import annotations

import functools
import re

#: Characters of a text beyond which nothing is tried: Python's engine goes back where RE2 never does.
_LONGEST = 256
#: What both accept and read differently, or what Python would warn of: POSIX classes, operators of sets, {,n}, octals.
_READ_DIFFERENTLY = re.compile(r"\[:|\[\[|--|&&|~~|\|\||\{,|\\[1-9C]")
#: An escape or a class: in neither of them a sign is an operator.
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP_KIND = re.compile(r"\?(?:P<\w+>|[a-z]*:)")
#: What can match its text in several ways.
_VARIABLE = re.compile(r"[*+?{|]")
#: A separator, and what can never match one: classes of letters, digits, - and _.
_SEPARATED = re.compile(r"\\[./:](?:[A-Za-z0-9_()?*+{},\]]|\[-?|-(?=\]))*")
_PLAIN_RANGE = re.compile("a-z|A-Z|0-9")


def found(pattern: str, text: str) -> bool | None:
    """Whether a pattern of RE2 is found in a text; None where only RE2 can tell."""
    # Beyond these characters line ends, classes and cases are matters of opinion.
    if len(text) > _LONGEST or not (text.isascii() and text.isprintable()):
        return None
    compiled = _compiled(pattern)
    return None if compiled is None else compiled.search(text) is not None


@functools.lru_cache(1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    if _READ_DIFFERENTLY.search(pattern) or _may_take_for_ever(pattern):
        return None
    try:
        return re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return None


def _may_take_for_ever(pattern: str) -> bool:
    """Whether a group is repeated that can match a text in several ways: their number doubles with each character. With
    a separator before each repetition there is one way."""
    signs = _ATOM.sub(lambda atom: "_" * len(atom[0]), pattern)
    starts: list[int] = []
    for place, sign in enumerate(signs):
        if sign == "(":
            starts.append(place + 1)
        elif sign == ")" and starts:
            start, follows = starts.pop(), signs[place + 1 : place + 2]
            kind = _GROUP_KIND.match(signs, start, place)
            body = slice(kind.end() if kind else start, place)
            if follows in ("*", "+", "{") and _VARIABLE.search(signs[body]) and not _is_separated(pattern[body]):
                return True
    return False


def _is_separated(body: str) -> bool:
    return _SEPARATED.fullmatch(_PLAIN_RANGE.sub("", body)) is not None
