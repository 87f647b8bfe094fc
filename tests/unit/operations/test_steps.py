# SPDX-License-Identifier: Apache-2.0
"""From which installed version to which declared one a revision may go in place."""

from __future__ import annotations

import pytest
from mesh.operations.support import step


@pytest.mark.parametrize(
    ("installed", "wanted", "complaint"),
    [
        ("", "1.31.0", ""),
        ("1.31.0", "1.31.0", ""),
        ("1.31.0", "1.31.2", ""),
        ("1.30.4", "1.31.0", ""),
        ("1.31.0-alpha.1", "1.31.0", ""),
        ("unknown", "1.31.0", ""),
        ("1.31.2", "1.31.0", "1.31.0 is older than the installed 1.31.2"),
        ("1.31.0", "1.30.4", "1.30.4 is older than the installed 1.31.0"),
        ("1.29.0", "1.31.0", "1.31.0 is more than one minor version beyond the installed 1.29.0"),
        ("1.9.0", "1.10.0", ""),
        ("1.31.0", "2.0.0", "2.0.0 is more than one minor version beyond the installed 1.31.0"),
    ],
)
@pytest.mark.parametrize("allowed", [False, True])
def test_steps(installed, wanted, complaint, allowed):
    found = list(step(installed, wanted, "canary", allowed=allowed))
    assert [finding.error.msg for finding in found] == ([complaint] if complaint else [])
    for finding in found:
        assert (finding.level, finding.error.code) == ("warning" if allowed else "error", "unsupported")
        assert finding.error.where == "revision canary"
        assert "allow_version_jump" in finding.error.hint
