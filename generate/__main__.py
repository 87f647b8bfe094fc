# SPDX-License-Identifier: Apache-2.0
"""Write every generated file, or say which are stale."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "plugins" / "module_utils"))


def main(arguments: list[str]) -> int:
    """0 when everything is fresh (or was written), 1 when something is stale, 2 for a wrong argument."""
    from .files import generated

    if arguments not in ([], ["--check"]):
        print("usage: python -m generate [--check]", file=sys.stderr)
        return 2
    stale = [(path, text) for path, text in generated().items() if _text(ROOT / path) != text]
    for path, text in stale:
        if arguments:
            print(f"stale: {path}; run make generate")
        else:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text)
            print(f"wrote {path}")
    return 1 if stale and arguments else 0


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


sys.exit(main(sys.argv[1:]))
