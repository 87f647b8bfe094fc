# SPDX-License-Identifier: Apache-2.0
"""Lines of /etc/hosts: our marked block, and what others say there."""

from __future__ import annotations

from typing import NamedTuple, Sequence

BEGIN = "# meshops.mesh: begin"
END = "# meshops.mesh: end"
#: Said in the first line where the text before had no newline at its end, which goes with the block.
_OPEN = BEGIN + ", after a line without end"


class Entry(NamedTuple):
    """An address and what it is called."""

    address: str
    name: str


def without(text: str) -> str:
    """The text without our block, as it was before the block came."""
    lines = text.splitlines(True)
    begin = next((number for number, line in enumerate(lines) if line.startswith(BEGIN)), None)
    if begin is None:
        return text
    end = next((number for number, line in enumerate(lines) if number > begin and line.rstrip() == END), None)
    if end is None:  # cut off: only what is ours beyond doubt goes
        end = begin
    before = "".join(lines[:begin])
    if lines[begin].rstrip() == _OPEN and before.endswith("\n"):
        before = before[:-1]
    return without(before + "".join(lines[end + 1 :]))


def ours(text: str) -> list[Entry]:
    """What our block says, as far as it is whole."""
    lines = text.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith(BEGIN)), len(lines))
    block = lines[begin + 1 : lines.index(END, begin)] if END in lines[begin:] else []
    return [Entry(*line.split(None, 1)) for line in block if len(line.split()) > 1]


def within(text: str, entries: Sequence[Entry]) -> str:
    """The text with these entries as our block at its end, or without one where there are none."""
    rest = without(text)
    if not entries:
        return rest
    ends = not rest or rest.endswith("\n")
    lines = [BEGIN if ends else _OPEN, *(f"{entry.address} {entry.name}" for entry in entries), END]
    return rest + ("" if ends else "\n") + "\n".join(lines) + "\n"


def others(text: str, name: str) -> list[Entry]:
    """What lines that are not ours say of a name; the resolver takes the first one."""
    lines = (line.partition("#")[0].split() for line in without(text).splitlines())
    return [Entry(words[0], name) for words in lines if name in words[1:]]
