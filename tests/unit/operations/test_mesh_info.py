# SPDX-License-Identifier: Apache-2.0
"""What is told of a control plane."""

from __future__ import annotations

import pytest
from mesh.operations.mesh_info import _runs


@pytest.mark.parametrize(
    ("spec", "status", "told"),
    [
        ({"replicas": 0}, {"observedGeneration": 1}, (False, "is scaled to 0 replicas")),
        (
            {"replicas": 1},
            {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1},
            (True, ""),
        ),
        ({"replicas": 1}, {"observedGeneration": 1}, (False, "0 of 1 replicas updated")),
    ],
)
def test_it_runs_when_it_serves_somebody(spec, status, told):
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "istiod", "generation": 1}}
    assert _runs({**deployment, "spec": spec, "status": status}) == told
