# SPDX-License-Identifier: Apache-2.0
"""What an API server says about itself, as it says it."""

from __future__ import annotations

import pytest

from bench.metrics import Counts, counts, samples

TEXT = """\
# HELP apiserver_request_total [STABLE] Counter of apiserver requests
# TYPE apiserver_request_total counter
apiserver_flowcontrol_dispatched_requests_total{flow_schema="bench",priority_level="global-default"} 611
apiserver_flowcontrol_dispatched_requests_total{flow_schema="exempt",priority_level="exempt"} 9001
apiserver_flowcontrol_rejected_requests_total{flow_schema="bench",priority_level="global-default",reason="queue-full"} 2
apiserver_request_total{code="201",dry_run="",group="networking.istio.io",resource="sidecars",verb="APPLY"} 300
apiserver_request_terminations_total{resource="sidecars",verb="APPLY"} 7
"""


def test_requests_are_those_of_one_flow():
    assert counts(TEXT, "bench") == Counts(613, 300)


def test_labels_may_contain_anything():
    line = 'apiserver_request_total{resource="a,b=\\"c\\"}",verb="GET"} 1.5e+03\n'
    assert list(samples(line, "apiserver_request_total")) == [
        ("apiserver_request_total", {"resource": 'a,b=\\"c\\"}', "verb": "GET"}, 1500.0)
    ]


@pytest.mark.parametrize(
    ("labels", "counted"),
    [
        ('resource="configmaps",verb="APPLY",dry_run=""', 1),
        ('resource="configmaps",verb="APPLY",dry_run="All"', 0),
        ('resource="configmaps",verb="LIST",dry_run=""', 0),
        ('resource="configmaps",verb="PUT",dry_run=""', 0),
        ('resource="secrets",verb="PUT",dry_run=""', 1),
        ('resource="leases",verb="PUT",dry_run=""', 0),
        ('resource="selfsubjectaccessreviews",verb="POST",dry_run=""', 0),
        ('resource="nodes",verb="PATCH",dry_run="",subresource="status"', 0),
        ('resource="virtualservices",verb="DELETE",dry_run=""', 1),
    ],
)
def test_writes_are_those_that_last(labels, counted):
    assert counts(f"apiserver_request_total{{{labels}}} 1\n", "bench").writes == counted


def test_counts_between_two_looks():
    assert Counts(10, 4) - Counts(7, 4) == Counts(3, 0)
