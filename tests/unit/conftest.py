# SPDX-License-Identifier: Apache-2.0
"""The roots from which tests import, for who does not read pyproject.toml, as ansible-test does not."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path += [place for place in map(str, (_ROOT / "plugins" / "module_utils", _ROOT)) if place not in sys.path]
