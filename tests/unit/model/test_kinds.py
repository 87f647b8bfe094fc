# SPDX-License-Identifier: Apache-2.0
"""What is built into Kubernetes, by the group alone."""

from __future__ import annotations

import pytest
from mesh.model.kinds import custom


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("", False),
        ("apps", False),
        ("policy", False),
        ("rbac.authorization.k8s.io", False),
        ("networking.k8s.io", False),
        ("discovery.k8s.io", False),
        ("gateway.networking.k8s.io", True),
        ("gateway.networking.x-k8s.io", True),
        ("snapshot.storage.k8s.io", True),
        ("networking.istio.io", True),
        ("serving.knative.dev", True),
    ],
)
def test_custom(group, expected):
    assert custom(group) is expected
