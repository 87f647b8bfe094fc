# SPDX-License-Identifier: Apache-2.0
"""Which pod decides what runs as istiod, and with which arguments and environment."""

from __future__ import annotations

import pytest

from lab.istiod import launch, newest


def pod(name, created="2026-01-01T00:00:00Z", phase="Running", app="istiod", **metadata):
    env = [{"name": "REVISION", "value": "default"}, {"name": "POD_NAME", "valueFrom": {"fieldRef": {}}}]
    container = {"name": "discovery", "args": ["discovery", "--domain", "cluster.local"], "env": env}
    return {
        "metadata": {
            "name": name,
            "namespace": "istio-system",
            "labels": {"app": app},
            "creationTimestamp": created,
            **metadata,
        },
        "spec": {"serviceAccountName": "istiod", "containers": [{"name": "other"}, container]},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([], None),
        ([pod("one")], "one"),
        ([pod("one"), pod("two", created="2026-01-01T00:00:09Z")], "two"),
        ([pod("one"), pod("two", created="2026-01-01T00:00:09Z", phase="Pending")], "one"),
        ([pod("one", deletionTimestamp="2026-01-01T00:00:09Z")], None),
        ([pod("one", app="istio-cni-node")], None),
    ],
)
def test_the_newest_pod_that_runs_and_stays(pods, expected):
    found = newest(pods)
    assert (found and found["metadata"]["name"]) == expected


def test_what_names_the_single_pod_is_left_out():
    """Another pod of the same template needs no restart."""
    assert launch(pod("one")) == launch(pod("two"))
    arguments, environment = launch(pod("one"))
    assert arguments == ["discovery", "--domain", "cluster.local"]
    assert environment == {
        "REVISION": "default",
        "POD_NAME": "istiod",
        "POD_NAMESPACE": "istio-system",
        "SERVICE_ACCOUNT": "istiod",
    }
