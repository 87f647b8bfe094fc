# SPDX-License-Identifier: Apache-2.0
"""Labels on pods that only say how a workload was rendered: pods do not restart for their sake when it is adopted.

Another name of the Helm release, or istioctl's own numbering of charts, would be a change of the pod template. Such
labels stay as they are for as long as we would render the same ones; a new chart brings its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..model.objects import PREFIX, Object, group_of, labels_of, with_labels

#: Digest of what we rendered when the labels that are there were left; another rendering brings its own to the pods.
#: A label, because annotations of a Deployment count in its generation.
RENDERED = PREFIX + "rendered-pod-labels"

_SAYING = (
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
    "heritage",
    "install.operator.istio.io/owning-resource",
    "release",
)
_WORKLOADS = frozenset({"DaemonSet", "Deployment", "StatefulSet"})


def left_alone(wanted: Object, live: Mapping[str, Any], *, adopting: bool) -> Object:
    """``wanted`` with these labels as they are on the live workload, where they were or are being left so."""
    if group_of(wanted["apiVersion"]) != "apps" or wanted["kind"] not in _WORKLOADS:
        return wanted
    rendered, there = _saying(wanted), _saying(live)
    note = hashlib.sha256(json.dumps(rendered, sort_keys=True).encode()).hexdigest()[:16]
    left = labels_of(live).get(RENDERED) == note or (adopting and _images(wanted) == _images(live))
    if rendered == there or not left:
        return wanted
    template = wanted["spec"]["template"]
    others = {key: value for key, value in labels_of(template).items() if key not in _SAYING}
    metadata = {**(template.get("metadata") or {}), "labels": {**others, **there}}
    spec = {**wanted["spec"], "template": {**template, "metadata": metadata}}
    return with_labels({**wanted, "spec": spec}, {RENDERED: note})


def _saying(workload: Mapping[str, Any]) -> dict[str, str]:
    labels = labels_of(workload["spec"]["template"])
    return {key: labels[key] for key in _SAYING if key in labels}


def _images(workload: Mapping[str, Any]) -> dict[str, Any]:
    """Where an image changes, pods are made anew anyway."""
    return {item["name"]: item.get("image") for item in workload["spec"]["template"]["spec"]["containers"]}
