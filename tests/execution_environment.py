# SPDX-License-Identifier: Apache-2.0
"""What ansible-builder makes of the collection and of the example: `python -m tests.execution_environment`.

No image is built, which needs a container engine and the Internet.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests import tools
from tests.collection import BUILT, ROOT, build, unpack_build

EXAMPLE = ROOT / "examples" / "execution-environment" / "execution-environment.yml"
#: Every execution environment has it, by way of ansible-core.
GIVEN = frozenset({"PyYAML"})
_OURS = "# from collection meshops.mesh"


def main() -> int:
    """0 when the collection asks for what it needs and no more, and the example is a complete build context."""
    builder = tools.environment("execution-environment") / "bin" / "ansible-builder"
    unpack_build()
    with tempfile.TemporaryDirectory() as scratch:
        found = [*_asked(builder), *_example(builder, Path(scratch))]
    print("\n".join(found) or "the collection asks for what it needs; the example is a complete build context")
    return 1 if found else 0


def _asked(builder: Path) -> Iterator[str]:
    """What is wrong with what the collection as it ships asks for."""
    command = [str(builder), "introspect", str(BUILT)]
    told = yaml.safe_load(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    ours = {kind: {_name(line) for line in told.get(kind) or () if _OURS in line} for kind in ("python", "system")}
    lines = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8").splitlines()
    needed = {_name(line) for line in lines if line[:1].isalpha()} - GIVEN
    if ours["python"] != needed:
        yield f"meta/ee-requirements.txt asks for {sorted(ours['python'])}, not for {sorted(needed)}"
    if ours["system"]:
        yield f"meta/ee-bindep.txt asks for {sorted(ours['system'])}, which not every distribution has"


def _name(line: str) -> str:
    """A package's name without its version."""
    return line.partition("=")[0].rstrip("<>~! ")


def _example(builder: Path, scratch: Path) -> Iterator[str]:
    """What is wrong with the example, beside which the files lie of which it speaks."""
    files = scratch / "files"
    files.mkdir()
    build(files)
    (files / "helm").touch()
    shutil.copy(EXAMPLE, scratch)
    command = [
        str(builder),
        "create",
        "--file",
        EXAMPLE.name,
        "--context",
        "context",
        "--output-filename",
        "Containerfile",
    ]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode:
        yield done.stdout + done.stderr
        return
    context = scratch / "context"
    for collection in yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]:
        if collection.get("type") == "file" and not (context / "_build" / collection["name"]).is_file():
            yield f"{EXAMPLE.name}: {collection['name']} is not in the build context"
    for line in (context / "Containerfile").read_text().splitlines():
        if line.startswith("COPY _build/") and not (context / line.split()[1]).exists():
            yield f"{EXAMPLE.name}: {line}: there is no such file in the build context"


if __name__ == "__main__":
    sys.exit(main())
