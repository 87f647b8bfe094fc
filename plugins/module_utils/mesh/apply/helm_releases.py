# SPDX-License-Identifier: Apache-2.0
"""Helm's own records of releases: what a release holds, and how it ends when everything in it was taken over.

Helm keeps one Secret per revision of a release; the status that it goes by is inside, the label is for its queries
(helm, pkg/storage/driver). A release is found by what it holds, not by what is adopted in this very run: a run that
was killed between the objects and the records is finished by the next one.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..kube.cluster import Cluster
from ..model.errors import MeshError
from ..model.objects import Object, Ref, annotations_of, labels_of, names, ref
from ..plan.changes import Change
from ..plan.handover import HELM_MARKS, HelmRelease
from ..plan.owners import PART_OF
from ..render.manifests import parse

#: What ``helm uninstall --keep-history`` leaves: listed no more, never upgraded by mistake, still in the history.
_ENDED = "uninstalled"
_SECRET_TYPE = "helm.sh/release.v1"
#: Objects named in a warning before the rest is only counted.
_MOST = 5


@dataclass(frozen=True)
class Release:
    """A release by its records, the newest last; ``holds`` is what the newest says."""

    namespace: str
    name: str
    records: tuple[Object, ...]
    holds: tuple[Ref, ...]

    def __str__(self) -> str:
        return f"Helm release {self.namespace}/{self.name}"


def ends(
    cluster: Cluster, changes: Sequence[Change], namespaces: set[str], wish: HelmRelease
) -> tuple[list[Change], list[str]]:
    """What becomes of the releases that hold our objects, and what is to be said about them."""
    adopted = [change for change in changes if change.action == "adopt"]
    if wish == "keep" and not adopted:
        return [], []
    ours = {change.ref for change in changes if change.member and change.obj is not None}
    ended: list[Change] = []
    warnings = []
    for release in _holding(cluster, {name for change in adopted for name in _named(change)}, namespaces, wish, ours):
        left = _of_others(cluster, release, ours)
        if left:
            more = f" and {len(left) - _MOST} more" if len(left) > _MOST else ""
            stays = "" if wish == "keep" else ", and stays as it is until they are adopted or deleted"
            warnings.append(f"{release} holds what is not declared here: {', '.join(left[:_MOST])}{more}{stays}")
        elif wish == "remove":
            ended += [_deleted(record, release, changes[0]) for record in release.records]
        elif wish == "record":
            ended += _ended(release, changes[0])
    return ended, warnings


def _named(change: Change) -> Iterator[tuple[str, str]]:
    """The release that an object says it is of, as (namespace, name)."""
    name, namespace = (annotations_of(change.found).get(mark, "") for mark in HELM_MARKS)
    if name:
        yield namespace or change.ref.namespace, name


def _holding(
    cluster: Cluster, named: set[tuple[str, str]], namespaces: set[str], wish: HelmRelease, ours: set[Ref]
) -> Iterator[Release]:
    """Releases with objects of ours. Where they are only kept, those that adopted objects name are enough."""
    if wish == "keep":
        places = sorted((namespace, f"owner=helm,name={name}") for namespace, name in named)
    else:
        places = sorted((namespace, "owner=helm") for namespace in {*namespaces, *(place for place, _release in named)})
    for namespace, selector in places:
        found: dict[str, list[Object]] = {}
        for secret in cluster.list("v1", "Secret", namespace, selector):
            if secret.get("type") == _SECRET_TYPE:
                found.setdefault(labels_of(secret).get("name", ""), []).append(secret)
        for name, records in sorted(found.items()):
            release = _release(cluster, namespace, name, sorted(records, key=_version))
            if ours.intersection(release.holds):
                yield release


def _version(record: Object) -> int:
    return int(labels_of(record).get("version", "0"))


def _release(cluster: Cluster, namespace: str, name: str, records: Sequence[Object]) -> Release:
    manifest = _decoded(records[-1]).get("manifest") or ""
    held = (_placed(cluster, obj, namespace) for obj in parse(manifest, f"Helm release {name}"))
    return Release(namespace, name, tuple(records), tuple(held))


def _placed(cluster: Cluster, obj: Object, namespace: str) -> Ref:
    """Helm puts what names no namespace into the release's."""
    key = ref(obj)
    resource = cluster.resource(obj["apiVersion"], obj["kind"])
    return key._replace(namespace=namespace) if resource and resource.namespaced and not key.namespace else key


def _of_others(cluster: Cluster, release: Release, ours: set[Ref]) -> list[str]:
    """What the release holds that is there and is no member of any set."""

    def left(key: Ref) -> bool:
        resource = cluster.kinds.find(key.group, key.kind)
        live = cluster.get_at(resource, key.namespace, key.name) if resource else None
        return live is not None and PART_OF not in labels_of(live)

    rest = [key for key in release.holds if key not in ours]
    return names(key for key, there in zip(rest, cluster.map(left, rest), strict=True) if there)


def _deleted(record: Object, release: Release, of: Change) -> Change:
    return Change(ref(record), "delete", of.set, live=record, member=False, reason=f"a record of {release}")


def _ended(release: Release, of: Change) -> Iterable[Change]:
    """The newest record and those that Helm still takes for deployed say that the release has ended."""
    for record in release.records:
        status = labels_of(record).get("status")
        if status != _ENDED and (status == "deployed" or record is release.records[-1]):
            reason = f"{release} is marked {_ENDED}"
            yield Change(
                ref(record), "release", of.set, live=record, member=False, reason=reason, patch=_end_patch(record)
            )


def _end_patch(record: Object) -> Object:
    content = _decoded(record)
    now = datetime.now(UTC).isoformat()
    told = {"status": _ENDED, "deleted": now, "description": "Taken over by meshops.mesh; its objects stay"}
    content["info"] = {**content.get("info", {}), **told}
    return {
        "metadata": {"resourceVersion": record["metadata"]["resourceVersion"], "labels": {"status": _ENDED}},
        "data": {"release": _encoded(content)},
    }


def _decoded(record: Object) -> dict[str, Any]:
    """The record itself: JSON, compressed, in base64, in a Secret's base64."""
    try:
        packed = base64.b64decode(base64.b64decode(record["data"]["release"]))
        content: dict[str, Any] = json.loads(gzip.decompress(packed) if packed.startswith(b"\x1f\x8b") else packed)
    except (KeyError, ValueError, binascii.Error, OSError, EOFError) as error:
        raise MeshError("invalid_object", "is no record of a Helm release", where=str(ref(record))) from error
    return content


def _encoded(content: dict[str, Any]) -> str:
    packed = gzip.compress(json.dumps(content, separators=(",", ":")).encode(), mtime=0)
    return base64.b64encode(base64.b64encode(packed)).decode()
