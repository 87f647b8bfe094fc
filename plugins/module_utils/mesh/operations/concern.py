# SPDX-License-Identifier: Apache-2.0
"""One thing that is wrong with a mesh, or will be."""

from __future__ import annotations

import datetime
from typing import NamedTuple

CRITICAL, WARNING = "critical", "warning"


class Concern(NamedTuple):
    """How bad it is, what it is about, what to do; and the last day of what ends."""

    severity: str
    about: str
    text: str
    until: datetime.date | None = None
