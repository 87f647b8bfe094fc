# SPDX-License-Identifier: Apache-2.0
"""Why a Service has no address: who said something of it last, and whether there is anybody at all."""

from __future__ import annotations

import pytest
from mesh.apply.load_balancers import of_service
from mesh.apply.readiness import NO_CONTROLLER

NOBODY = (True, "no load balancer controller has taken notice of it", NO_CONTROLLER)
#: Nothing is known beyond what the Service itself says.
UNKNOWN = None


class Seen:
    """What a cluster would tell."""

    def __init__(self, events=(), services=()):
        self.events, self.services = list(events), list(services)

    def events_about(self, _service):
        return self.events

    def list(self, _api_version, kind):
        assert kind == "Service"
        return self.services


def service(address="", kind="LoadBalancer", managers=("meshops/gateway/shop/edge",), finalizers=(), **spec):
    metadata = {"name": "edge", "namespace": "shop", "managedFields": [{"manager": name} for name in managers]}
    ingress = [{"ip": address}] if address else []
    return {
        "metadata": {**metadata, **({"finalizers": list(finalizers)} if finalizers else {})},
        "spec": {"type": kind, **spec},
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def event(kind, reason, second, component="service-controller", **more):
    told = {"type": kind, "reason": reason, "message": "the account has\n too many", "lastTimestamp": at(second)}
    return {"metadata": {}, "source": {"component": component}, **told, **more}


def at(second, fraction=""):
    return f"2026-01-01T00:00:{second:02}{fraction}Z"


def told(status):
    return status and (status.failed, status.reason, status.hint)


BEGUN = ("Normal", "EnsuringLoadBalancer")
REFUSED = ("Warning", "SyncLoadBalancerFailed")
IS_REFUSED = (True, "SyncLoadBalancerFailed: the account has too many", "")
IS_BEGUN = (False, "EnsuringLoadBalancer: the account has too many", "")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event(*BEGUN, 1)], IS_BEGUN),
        ([event(*REFUSED, 1)], IS_REFUSED),
        ([event(*BEGUN, 1), event(*REFUSED, 2)], IS_REFUSED),
        ([event(*REFUSED, 2), event(*BEGUN, 1)], IS_REFUSED),
        ([event(*REFUSED, 1), event(*BEGUN, 2)], IS_BEGUN),
        # Within one second the attempt comes first.
        ([event(*REFUSED, 1), event(*BEGUN, 1)], IS_REFUSED),
        ([event(*BEGUN, 1), event(*REFUSED, 1)], IS_REFUSED),
        # The newer API of Events has other times, and finer ones.
        (
            [event(*REFUSED, 1), event(*BEGUN, 0, lastTimestamp=None, eventTime=at(2, ".000000"), source={})],
            IS_BEGUN,
        ),
        (
            [
                event(*BEGUN, 1),
                event(*REFUSED, 0, lastTimestamp=None, series={"lastObservedTime": at(2, ".5")}, source={}),
            ],
            IS_REFUSED,
        ),
        ([event("Warning", "", 1, message="a\x1b[31m")], (True, "a\\x1b[31m", "")),
        # Of others, who give no addresses.
        ([event("Warning", "FailedToUpdateEndpointSlices", 1, "endpoint-slice-controller")], NOBODY),
        ([event("Warning", "PolicyViolation", 1, "", source={}, reportingComponent="kyverno-scan")], NOBODY),
        ([event(*BEGUN, 1), event("Warning", "FailedToUpdateEndpoint", 2, "endpoint-controller")], IS_BEGUN),
    ],
)
def test_what_is_said_of_it(events, expected):
    assert told(of_service(Seen(events), service())) == expected


@pytest.mark.parametrize(
    ("itself", "others", "expected"),
    [
        (service(), [], NOBODY),
        (service(), [service()], NOBODY),
        (service(), [service("192.0.2.1", kind="ClusterIP")], NOBODY),
        (service(), [service("192.0.2.1")], UNKNOWN),
        (service(), [service("192.0.2.1", loadBalancerClass="inner")], NOBODY),
        (service(loadBalancerClass="inner"), [service("192.0.2.1")], NOBODY),
        (service(loadBalancerClass="inner"), [service("192.0.2.1", loadBalancerClass="inner")], UNKNOWN),
        (service(finalizers=["service.kubernetes.io/load-balancer-cleanup"]), [], UNKNOWN),
        (service(managers=["meshops/gateway/shop/edge", "cloud-controller-manager"]), [], UNKNOWN),
        (service(managers=["meshops", "meshops/config_set/shop/edge"]), [], NOBODY),
        (service(kind="ClusterIP"), [], UNKNOWN),
    ],
)
def test_who_has_taken_notice_of_it(itself, others, expected):
    assert told(of_service(Seen(services=[itself, *others]), itself)) == expected
