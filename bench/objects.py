# SPDX-License-Identifier: Apache-2.0
"""The objects of the measurements: every contender gets the same text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "bench"
CHANGED, PRUNED = 10, 50

Object = dict[str, Any]


def istio(count: int) -> list[Object]:
    """So many VirtualServices, DestinationRules and ServiceEntries, in equal parts, as a shop of that size has them."""
    makers = (_virtual_service, _destination_rule, _service_entry)
    return [makers[number % 3](number // 3) for number in range(count)]


def config_maps(count: int) -> list[Object]:
    """Objects that every API server has."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _metadata(f"settings-{n}"),
            "data": {"level": f"info-{n}"},
        }
        for n in range(count)
    ]


def changed(objects: Sequence[Object], count: int = CHANGED) -> list[Object]:
    """The same, where so many (spread evenly) have another value in one field."""
    every = len(objects) // count
    return [_touched(obj) if n % every == 0 and n // every < count else obj for n, obj in enumerate(objects)]


#: One field of each kind that is changed.
_OTHER: dict[str, Object] = {
    "ConfigMap": {"data": {"level": "debug"}},
    "VirtualService": {"hosts": ["changed.example.com"]},
    "DestinationRule": {"subsets": []},
    "ServiceEntry": {"resolution": "NONE"},
}


def _touched(obj: Object) -> Object:
    other = _OTHER[obj["kind"]]
    return {**obj, "spec": {**obj["spec"], **other}} if "spec" in obj else {**obj, **other}


def _metadata(name: str) -> Object:
    return {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "shop"}}


def _virtual_service(number: int) -> Object:
    host = f"service-{number}"
    routes = [
        {"destination": {"host": host, "subset": "v1"}, "weight": 90},
        {"destination": {"host": host, "subset": "v2"}, "weight": 10},
    ]
    canary = {"headers": {"x-user": {"exact": f"tester-{number}"}}}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": _metadata(host),
        "spec": {
            "hosts": [host],
            "http": [
                {"name": "canary", "match": [canary], "route": [{"destination": {"host": host, "subset": "v2"}}]},
                {"name": "all", "route": routes, "timeout": "5s", "retries": {"attempts": 3, "perTryTimeout": "2s"}},
            ],
        },
    }


def _destination_rule(number: int) -> Object:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": _metadata(f"service-{number}"),
        "spec": {
            "host": f"service-{number}",
            "trafficPolicy": {
                "connectionPool": {"tcp": {"maxConnections": 100}, "http": {"http2MaxRequests": 1000}},
                "outlierDetection": {"consecutive5xxErrors": 7, "interval": "30s", "baseEjectionTime": "60s"},
            },
            "subsets": [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")],
        },
    }


def _service_entry(number: int) -> Object:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": _metadata(f"outside-{number}"),
        "spec": {
            "hosts": [f"outside-{number}.example.com"],
            "location": "MESH_EXTERNAL",
            "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
            "resolution": "DNS",
        },
    }


@dataclass(frozen=True)
class Files:
    """One set of objects on disk, in the states of a life: as created, with changes, and without some."""

    directory: Path
    objects: Sequence[Object]

    def yaml(self, state: str) -> Path:
        """The manifests of a state: created, changed or pruned."""
        return self.directory / f"{state}.yaml"

    def chart(self, state: str) -> Path:
        """A Helm chart of nothing but these manifests."""
        return self.directory / f"chart-{state}"

    @property
    def requests(self) -> Path:
        """A line per object, path and body, in the state created."""
        return self.directory / "requests"

    @property
    def pairs(self) -> int:
        """(kind, namespace) pairs."""
        return len({(obj["kind"], obj["metadata"]["namespace"]) for obj in self.objects})

    def write(self) -> Files:
        """Write all states."""
        changes = changed(self.objects)
        states = {"created": self.objects, "changed": changes, "pruned": changes[:-PRUNED]}
        for state, objects in states.items():
            templates = self.chart(state) / "templates"
            templates.mkdir(parents=True, exist_ok=True)
            text = "---\n".join(yaml.dump(obj, Dumper=yaml.CSafeDumper, sort_keys=False) for obj in objects)
            self.yaml(state).write_text(text, encoding="utf-8")
            (templates / "objects.yaml").write_text(text, encoding="utf-8")
            chart = "apiVersion: v2\nname: bench\nversion: 1.0.0\n"
            (self.chart(state) / "Chart.yaml").write_text(chart, encoding="utf-8")
        self.requests.write_text("".join(_requests(self.objects)), encoding="utf-8")
        return self


def _requests(objects: Sequence[Object]) -> Iterator[str]:
    for obj in objects:
        yield f"{path(obj)} {json.dumps(obj)}\n"


#: Plurals that are not the kind and an s.
_PLURALS = {"ServiceEntry": "serviceentries"}


def path(obj: Object) -> str:
    """Where an object of one of our kinds is served."""
    version, metadata = obj["apiVersion"], obj["metadata"]
    plural = _PLURALS.get(obj["kind"], obj["kind"].lower() + "s")
    scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{'/apis/' if '/' in version else '/api/'}{version}{scope}/{plural}/{metadata['name']}"
