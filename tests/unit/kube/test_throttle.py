# SPDX-License-Identifier: Apache-2.0
"""Fewer requests in flight after an overload, and slowly more again."""

from __future__ import annotations

import threading

from mesh.kube import throttle
from mesh.kube.throttle import Throttle


def test_overload_halves_once_for_refusals_that_come_together():
    tried = Throttle(8)
    tried.overloaded()
    tried.overloaded()
    assert tried.limit == 4


def test_it_never_stops_and_recovers_one_by_one(monkeypatch):
    monkeypatch.setattr(throttle, "_TOGETHER", -1.0)
    tried = Throttle(8)
    for _ in range(9):
        tried.overloaded()
    assert tried.limit == 1
    limits = []
    for _ in range(40):
        tried.succeeded()
        limits.append(tried.limit)
    assert limits == sorted(limits)
    assert limits[0] == 2
    assert limits[-1] == 8


def test_no_more_than_the_limit_at_once():
    tried, seen, most = Throttle(2), [], []
    lock = threading.Lock()

    def work():
        for _ in range(50):
            with tried.slot():
                with lock:
                    seen.append(1)
                    most.append(len(seen))
                with lock:
                    seen.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert max(most) <= 2
    assert len(most) == 300
