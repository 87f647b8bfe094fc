# SPDX-License-Identifier: Apache-2.0
"""What a host that is waited for still lacks."""

from __future__ import annotations

import pytest
from mesh.operations.workload_info import short_of

ADDRESS = "192.0.2.1"
CONNECTED = {"istio.io/autoRegistrationGroup": "ratings", "istio.io/connectedAt": "2026-01-01T12:00:00Z"}
GONE = {**CONNECTED, "istio.io/disconnectedAt": "2026-01-01T12:01:00Z"}
PROBED = {**CONNECTED, "proxy.istio.io/health-checks-enabled": "true"}


def entry(marks, healthy=None):
    conditions = [] if healthy is None else [{"type": "Healthy", "status": str(healthy), "message": "HTTP 500"}]
    metadata = {"name": "a", "namespace": "shop", "annotations": marks}
    return {"metadata": metadata, "spec": {"address": ADDRESS}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("found", "lacks"),
    [
        (None, "has no WorkloadEntry"),
        (entry(GONE), "is not connected since 2026-01-01T12:01:00Z"),
        (entry(CONNECTED), ""),
        (entry(PROBED), "is connected, and has not said yet whether it is healthy"),
        (entry(PROBED, healthy=True), ""),
        (entry(PROBED, healthy=False), "is unhealthy: HTTP 500"),
        (entry({}), ""),
    ],
)
def test_what_a_host_lacks(found, lacks):
    assert short_of(ADDRESS, found) == (f"{ADDRESS} {lacks}" if lacks else "")
