# SPDX-License-Identifier: Apache-2.0
"""Manual injection: the revision's own webhook is asked what it would make of each pod template."""

from __future__ import annotations

import base64
import binascii
import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from ..kube.libraries import yaml
from ..model.errors import MeshError
from ..model.objects import Object, labels_of
from ..model.operation import Asker, Query, Reader
from ..model.shapes import flaws
from ..model.specs.kube_inject import KubeInjectResult, KubeInjectSpec
from ..render.json_patch import patched
from . import discovery

_Path = tuple[str, ...]
_TEMPLATE: _Path = ("spec", "template")
_CRON: _Path = ("spec", "jobTemplate")

#: Kind -> where its pods' metadata and spec are. istioctl marks the job of a CronJob, not the pods of that job.
_PODS: dict[str, tuple[_Path, _Path]] = {
    "Pod": (("metadata",), ("spec",)),
    "CronJob": ((*_CRON, "metadata"), (*_CRON, *_TEMPLATE, "spec")),
    **dict.fromkeys(
        ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"),
        ((*_TEMPLATE, "metadata"), (*_TEMPLATE, "spec")),
    ),
}
_GROUPS = ("v1", "apps/", "batch/")
_WEBHOOK = "sidecar-injector.istio.io"
_INJECT = "sidecar.istio.io/inject"
_TEMPLATES = "inject.istio.io/templates"


@dataclass
class _Work:
    """One run: who is asked, and what became of each object."""

    cluster: Asker
    client: Mapping[str, Any]
    namespace: str
    templates: Sequence[str] = ()
    injected: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def on(self, obj: Object) -> Object:
        """The object with the proxy in it, or as it is."""
        if str(obj.get("kind", "")).endswith("List") and isinstance(obj.get("items"), list):
            return {**obj, "items": [self.on(item) for item in obj["items"]]}
        places = _PODS.get(str(obj.get("kind"))) if str(obj.get("apiVersion", "")).startswith(_GROUPS) else None
        if places is None:
            return obj
        own = obj["metadata"] if isinstance(obj.get("metadata"), Mapping) else {}
        namespace = own.get("namespace") or self.namespace
        name = f"{obj['kind']} {namespace}/{own.get('name') or own.get('generateName', '')}"
        flaw = next(flaws(obj), None)
        if flaw:
            raise MeshError("invalid_object", flaw, where=name)
        metadata = _naming(self.templates, _at(obj, places[0]) or {})
        spec = _as_api_servers_write(_at(obj, places[1]))
        reason = _refusal(metadata, spec)
        patch = None if reason else self._asked(metadata, spec, namespace, name)
        if not patch:
            self.skipped[name] = reason or "the injector leaves it alone"
            return obj
        self.injected.append(name)
        pod = patched({"metadata": metadata, "spec": spec}, patch)
        pod["metadata"] = {key: value for key, value in pod["metadata"].items() if value is not None}
        injected: Object = _with(_with(obj, places[0], pod["metadata"]), places[1], pod["spec"])
        return injected

    def _asked(
        self, metadata: Mapping[str, Any], spec: Mapping[str, Any], namespace: str, name: str
    ) -> Sequence[Mapping[str, Any]] | None:
        """The webhook's patch; None where it has none."""
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        kind = {"group": "admission.k8s.io", "version": "v1", "kind": "AdmissionRequest"}
        request = {"uid": "", "kind": kind, "namespace": namespace, "object": pod, "operation": "CREATE"}
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
        response = self.cluster.ask_webhook(self.client, review, name).get("response") or {}
        if not response.get("allowed", True):
            text = str((response.get("status") or {}).get("message") or "the injector refuses it")
            raise MeshError("invalid_object", text, where=name)
        try:
            found = json.loads(base64.b64decode(response.get("patch") or b"bnVsbA==", validate=True))
        except (ValueError, binascii.Error):
            raise MeshError("api_error", "the injector's answer is no patch", where=name) from None
        return found or None


def answer(cluster: Asker, spec: KubeInjectSpec) -> dict[str, Any]:
    """``{objects, yaml, injected, skipped}``."""
    work = _Work(cluster, _client(cluster, spec.revision), spec.namespace, spec.templates)
    objects = [work.on(obj) for obj in spec.objects]
    text = yaml.safe_dump_all(objects, sort_keys=False)
    return {"objects": objects, "yaml": text, "injected": work.injected, "skipped": work.skipped}


def _client(cluster: Reader, revision: str) -> Mapping[str, Any]:
    """How the revision's (or tag's) injector is called."""
    injectors = discovery.injectors(cluster)
    tagged = (obj for obj in injectors if discovery.tag_of(obj) == revision)
    found = next(tagged, None) or discovery.injector_of(injectors, revision)
    for webhook in (found or {}).get("webhooks") or ():
        if str(webhook.get("name", "")).endswith(_WEBHOOK):
            client: Mapping[str, Any] = webhook["clientConfig"]
            return client
    raise MeshError(
        "missing_dependency",
        "no revision or tag of that name is installed",
        where=f"revision {revision}",
        hint="apply the control plane or the tag first",
    )


def _refusal(metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """Why no proxy may go in, as istioctl sees it."""
    if spec.get("hostNetwork"):
        return "it has the network of its host"
    said = labels_of({"metadata": metadata}).get(_INJECT) or (metadata.get("annotations") or {}).get(_INJECT)
    return "its pods say that they want none" if str(said).lower() == "false" else ""


def _naming(templates: Sequence[str], metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Metadata with the annotation by which an injector knows what to use, unless it is there."""
    if not templates:
        return metadata
    return {**metadata, "annotations": {_TEMPLATES: ",".join(templates), **(metadata.get("annotations") or {})}}


def _as_api_servers_write(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A container always has resources, if none: the injector's patch relies on what an API server would send it."""
    named = ((name, spec.get(name)) for name in ("containers", "initContainers"))
    full = {name: [{"resources": {}, **item} for item in items] for name, items in named if isinstance(items, list)}
    return {**spec, **full}


def _at(obj: Any, path: Iterable[str]) -> Any:
    return reduce(lambda value, key: value.get(key) if isinstance(value, Mapping) else None, path, obj)


def _with(obj: Any, path: _Path, value: Any) -> Any:
    """A copy with another value at the path."""
    if not path:
        return copy.deepcopy(value)
    return {**(obj or {}), path[0]: _with((obj or {}).get(path[0]), path[1:], value)}


KUBE_INJECT: Query[KubeInjectSpec] = Query("kube_inject", KubeInjectSpec, answer, KubeInjectResult)
