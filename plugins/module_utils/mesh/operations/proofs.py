# SPDX-License-Identifier: Apache-2.0
"""Ready by behaviour: what istiod must do before anything is built on it."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.errors import MeshError
from ..model.objects import Object, Ref, labels_of
from ..model.operation import Prober, Proof
from ..model.sets import DEFAULT_REVISION

_MUTATING, _VALIDATING = "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"


def injection_works(revision: str, namespace: str) -> Proof:
    """A pod that asks for a proxy comes back with one."""
    return Proof(
        "injection",
        lambda cluster: _injected(cluster, revision, namespace),
        lambda live: _trusted(live, _MUTATING, revision),
    )


def validation_works(revision: str) -> Proof:
    """A Gateway without servers is refused; istiod itself uses the same probe."""
    return Proof(
        "validation", lambda cluster: _refused(cluster, revision), lambda live: _trusted(live, _VALIDATING, revision)
    )


def tag_trusted(tag: str) -> Proof:
    """istiod has filled in the caBundle of a tag's webhook."""

    def probe(cluster: Prober) -> str | None:
        found = cluster.list("admissionregistration.k8s.io/v1", _MUTATING, "", f"istio.io/tag={tag}")
        webhooks = [webhook for obj in found for webhook in obj.get("webhooks") or ()]
        signed = webhooks and all(webhook["clientConfig"].get("caBundle") for webhook in webhooks)
        return None if signed else "istiod has not yet signed the tag's webhook"

    def evident(live: Mapping[Ref, Object]) -> bool:
        found = [obj for key, obj in live.items() if key.kind == _MUTATING]
        return bool(found) and all(w["clientConfig"].get("caBundle") for obj in found for w in obj["webhooks"])

    return Proof(f"tag {tag}", probe, evident)


def _trusted(live: Mapping[Ref, Object], kind: str, revision: str) -> bool:
    """istiod sets caBundle when it starts to serve, and failurePolicy Fail when validation was proven."""
    found = [obj for key, obj in live.items() if key.kind == kind and labels_of(obj).get("istio.io/rev") == revision]
    webhooks = [webhook for obj in found for webhook in obj.get("webhooks") or ()]
    return bool(webhooks) and all(
        webhook["clientConfig"].get("caBundle") and webhook.get("failurePolicy") == "Fail" for webhook in webhooks
    )


def _injected(cluster: Prober, revision: str, namespace: str) -> str | None:
    wanted = {"sidecar.istio.io/inject": "true"}
    if revision != DEFAULT_REVISION:
        wanted["istio.io/rev"] = revision
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "meshops-proof", "namespace": namespace, "labels": wanted},
        "spec": {"containers": [{"name": "app", "image": "meshops.invalid/proof"}]},
    }
    try:
        made = cluster.dry_run_create(pod)
    except MeshError as error:
        # Pod security names what injection added: then injection did happen.
        return None if "istio-proxy" in error.msg or "istio-init" in error.msg else error.msg
    containers = [*made["spec"]["containers"], *made["spec"].get("initContainers", ())]
    return None if any(item["name"] == "istio-proxy" for item in containers) else "a new pod came back without a proxy"


def _refused(cluster: Prober, revision: str) -> str | None:
    nonsense = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "meshops-proof", "namespace": "default", "labels": {"istio.io/rev": revision}},
        "spec": {},
    }
    try:
        cluster.dry_run_create(nonsense)
    except MeshError as error:
        return None if "denied the request" in error.msg else error.msg
    return "a Gateway without servers was accepted"
