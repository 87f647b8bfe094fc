# SPDX-License-Identifier: Apache-2.0
"""Every Python and Go file names its licence near its top, and the right one: `python -m tests.check_spdx`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TAG = re.compile(r"SPDX-License-Identifier: (\S+)")
TOP = 10  # lines: a copyright and an encoding line may come first


def expected(path: Path) -> str:
    """Plugins are derived from Ansible and share its licence; module_utils and all else is used outside of it too."""
    in_plugins = path.parts[0] == "plugins" and path.parts[1] != "module_utils"
    return "GPL-3.0-or-later" if in_plugins else "Apache-2.0"


def fault(path: Path) -> str | None:
    with (ROOT / path).open(encoding="utf-8") as lines:
        top = "".join(line for _, line in zip(range(TOP), lines, strict=False))
    found = TAG.search(top)
    if path.name == "__init__.py" and not top:  # ansible-test wants them so, and there is nothing to license
        return None
    if found is None:
        return f"{path}: no SPDX-License-Identifier (expected {expected(path)})"
    if found[1] != expected(path):
        return f"{path}: {found[1]}, expected {expected(path)}"
    return None


def files() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py", "*.go"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [Path(name) for name in sorted(set(listed.split("\0"))) if name]
    return [path for path in paths if (ROOT / path).is_file()]  # git still lists what was deleted a moment ago


def main() -> int:
    checked = files()
    faults = [line for line in map(fault, checked) if line]
    print(*faults, f"{len(checked)} files, {len(faults)} faults", sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
