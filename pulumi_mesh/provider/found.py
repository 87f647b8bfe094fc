# SPDX-License-Identifier: Apache-2.0
"""What a read found."""

from __future__ import annotations

from dataclasses import dataclass

from .properties import Properties


@dataclass(frozen=True)
class Found:
    """No id where there is nothing any more."""

    id: str
    inputs: Properties
    outputs: Properties
