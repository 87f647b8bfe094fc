# SPDX-License-Identifier: Apache-2.0
"""What Galaxy would say of the collection if it were uploaded: `python -m tests.galaxy`. Nothing is uploaded.

The importer ends with 0 in spite of warnings, so that its warnings and errors count here.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests import tools
from tests.collection import ROOT, build

#: Metadata that Galaxy requires and galaxy.yml cannot have yet: there is no public address to name.
STAND_INS = {"repository": "https://example.com/meshops/mesh"}
#: Beginnings of findings that say nothing of the collection.
HARMLESS: tuple[str, ...] = ()
_FINDING = re.compile(r"^(?:WARNING|ERROR|CRITICAL): (.*)$", re.MULTILINE)


def completed(archive: Path, place: Path) -> Path:
    """The tarball once more, with stand-ins for metadata that it lacks."""
    copy = place / archive.name
    with tarfile.open(archive) as old, tarfile.open(copy, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            data = content.read() if content else b""
            if member.name == "MANIFEST.json":
                manifest = json.loads(data)
                given = {key: value for key, value in manifest["collection_info"].items() if value is not None}
                manifest["collection_info"] = {**manifest["collection_info"], **STAND_INS, **given}
                data = json.dumps(manifest).encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return copy


def findings(log: str) -> list[str]:
    """Warnings and errors of a log, without those that are harmless."""
    return [text for text in _FINDING.findall(log) if not text.startswith(HARMLESS)]


def main() -> int:
    """0 when Galaxy would take the collection without a word."""
    programs = tools.environment("galaxy")
    with tempfile.TemporaryDirectory() as scratch:
        archive = completed(build(Path(scratch) / "dist"), Path(scratch))
        command = [str(programs / "bin" / "python"), "-m", "galaxy_importer.main", archive.name]
        done = subprocess.run(
            command, cwd=scratch, env=tools.variables(programs), capture_output=True, text=True, check=False
        )
    log = done.stdout + done.stderr
    found = findings(log)
    print("\n".join(found) or log)
    for key in STAND_INS.keys() - {name for name, value in _metadata().items() if value}:
        print(f"left for the first publication: galaxy.yml needs a public {key}; a stand-in was looked at")
    return 1 if found or done.returncode else 0


def _metadata() -> dict[str, Any]:
    metadata: dict[str, Any] = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    return metadata


if __name__ == "__main__":
    sys.exit(main())
