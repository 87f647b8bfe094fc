# SPDX-License-Identifier: Apache-2.0
"""The option that only resources have whose answer is kept."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.model.spec import option


@dataclass(frozen=True)
class Renewal:
    """When to ask anew."""

    renew: str | None = option(
        "Any text; when it changes, all is asked anew and a new token is issued. Until then a token that was issued "
        "stays as it is, and so does what is made of it; with O(package), until any input changes.",
        default=None,
    )
