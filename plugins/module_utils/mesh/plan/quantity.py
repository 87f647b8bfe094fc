# SPDX-License-Identifier: Apache-2.0
"""Kubernetes quantities: the API server stores ``2048Mi`` as ``2Gi`` and ``0.5`` as ``500m``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?\d{1,3})|(n|u|m|k|[MGTPE]i?|Ki))?")
_POWERS = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def parsed(value: Any) -> Decimal | None:
    """The number behind a quantity, or None when it is none."""
    match = _QUANTITY.fullmatch(str(value))
    if not match or isinstance(value, bool):
        return None
    number, exponent, unit = match.groups()
    if exponent:
        return Decimal(number).scaleb(int(exponent))
    if unit in _BINARY:
        return Decimal(number) * Decimal(1024 ** _BINARY[unit])
    return Decimal(number).scaleb(_POWERS.get(unit, 0) if unit else 0)


def equal(left: Any, right: Any) -> bool:
    """Whether two spellings mean the same quantity."""
    first = parsed(left)
    return first is not None and first == parsed(right)
