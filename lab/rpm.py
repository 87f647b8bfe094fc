# SPDX-License-Identifier: Apache-2.0
"""Packages as rpm, by Debian's own tools for them: one made of a spec, and the index by which dnf finds them."""

from __future__ import annotations

import platform
import tempfile
from pathlib import Path

from lab.commands import run

# Of files that are built already nothing is stripped, split off or guessed; packing quickly matters more than its size.
_SETTINGS = {
    "_binary_payload": "w1.gzdio",
    "_build_id_links": "none",
    "__os_install_post": "%{nil}",
    "debug_package": "%{nil}",
}


def architecture() -> str:
    """This machine's, as rpm names it: x86_64, aarch64."""
    return platform.machine()


def file_name(name: str, version: str, release: str = "1") -> str:
    """How rpmbuild calls the package of this machine's architecture."""
    return f"{name}-{version}-{release}.{architecture()}.rpm"


def literal(text: str) -> str:
    """Text of a spec in which nothing is a macro."""
    return text.replace("%", "%%")


def build(spec: str, into: Path) -> None:
    """Make the package that the text of a spec tells of, unsigned, in the directory."""
    with tempfile.TemporaryDirectory(dir=into) as work:
        places = {"_topdir": work, "_dbpath": work, "_rpmdir": str(into), "_build_name_fmt": "%%{NVRA}.rpm"}
        settings = {**_SETTINGS, **places}
        defined = [word for name, value in settings.items() for word in ("--define", f"{name} {value}")]
        file = Path(work) / "package.spec"
        file.write_text(spec, encoding="utf-8")
        run(["rpmbuild", "-bb", "--quiet", "--target", architecture(), *defined, file], what="making an rpm")


def index(directory: Path) -> None:
    """Make the directory a repository of the rpms in it."""
    run(["createrepo_c", "--quiet", "--no-database", "--simple-md-filenames", directory], what="indexing the rpms")
