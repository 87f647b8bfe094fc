# SPDX-License-Identifier: Apache-2.0
"""How long istiod keeps entries of hosts that are gone, by what its Deployment says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from mesh.operations.sweeping import sweep

AGE = "--keepaliveMaxServerConnectionAge"


def istiod(*args, **env):
    container = {"name": "discovery", "args": ["discovery", *args]}
    container["env"] = [{"name": name, "value": value} for name, value in env.items()]
    return {"spec": {"template": {"spec": {"containers": [container, {"name": "other"}]}}}}


@pytest.mark.parametrize(
    ("istiods", "disconnected", "connected"),
    [
        ([], 110, None),
        ([istiod()], 110, None),
        ([istiod(AGE, "30m")], 110, 45 * 60),
        ([istiod(f"{AGE}=1h0m30.5s", PILOT_WORKLOAD_ENTRY_GRACE_PERIOD="1m")], 660, 1.5 * 3630.5),
        ([istiod(AGE, "30m"), istiod(AGE, "500ms", PILOT_WORKLOAD_ENTRY_GRACE_PERIOD="20s")], 220, 45 * 60),
        ([istiod(AGE)], 110, None),
        ([istiod(AGE, "half an hour", PILOT_WORKLOAD_ENTRY_GRACE_PERIOD="10")], 110, None),
    ],
)
def test_the_most_patient_counts(istiods, disconnected, connected):
    told = sweep(istiods)
    assert told.disconnected == timedelta(seconds=disconnected)
    assert told.connected == (None if connected is None else timedelta(seconds=connected))


@pytest.mark.parametrize("text", ["2562047h47m16.854775807s", f"{'9' * 400}h"])
def test_for_ever_is_long(text):
    assert sweep([istiod(AGE, text)]).connected > timedelta(days=365 * 200)
