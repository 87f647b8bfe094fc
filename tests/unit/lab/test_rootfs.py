# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from lab import rootfs
from lab.errors import LabError

ONE_LINE = """# deb http://comment.invalid/debian bookworm main
deb [signed-by=/x.gpg arch=amd64] http://other.invalid/debian stable main
deb [signed-by=/x.gpg arch=amd64] http://mirror.invalid/debian bookworm main contrib
"""
DEB822 = """Types: deb
# a comment
URIs: http://security.invalid/debian
Suites: bookworm-security
Components: main

Types: deb deb-src
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("sources.list", ONE_LINE), ("sources.list.d/a.list", ONE_LINE), ("sources.list.d/a.sources", DEB822)],
)
def test_mirror_is_the_machines_own(tmp_path, name, text):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert rootfs.mirror("bookworm", tmp_path) == "http://mirror.invalid/debian"
    with pytest.raises(LabError, match="trixie"):
        rootfs.mirror("trixie", tmp_path)
