# SPDX-License-Identifier: Apache-2.0
"""`python -m bench`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins" / "module_utils"))

if __name__ == "__main__":
    from bench.cli import main

    sys.exit(main())
