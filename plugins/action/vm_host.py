# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module and adds what only the controller can tell: how far the host's clock is from its own."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.meshops.mesh.plugins.plugin_utils.clocks import skew


class ActionModule(ActionBase):
    """The module vm_host, with RV(clock_skew)."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """The module's result; the host's clock was read between sending it and its answer."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        sent = time.time()
        done = self._execute_module(task_vars=task_vars)
        if "clock" in done:
            done["clock_skew"] = skew(float(done["clock"]), sent, time.time())
        return {**result, **done}
