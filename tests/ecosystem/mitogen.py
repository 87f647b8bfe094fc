# SPDX-License-Identifier: Apache-2.0
"""Mitogen, in the environment with the newest ansible-core."""

from __future__ import annotations

import pytest

from tests import tools


def variables(strategy: str = "") -> dict[str, str]:
    """Variables by which ansible-playbook is that environment's, and has its strategy if one is named."""
    if reason := tools.obstacle("newest"):
        pytest.skip(reason)
    place = tools.environment("newest")
    (strategies,) = place.glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy")
    chosen = {"ANSIBLE_STRATEGY": strategy, "ANSIBLE_STRATEGY_PLUGINS": str(strategies)} if strategy else {}
    return {**tools.variables(place), **chosen}


__all__ = ["variables"]
