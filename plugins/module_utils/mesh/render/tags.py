# SPDX-License-Identifier: Apache-2.0
"""The objects of a revision tag, made from the injector of the revision, as istioctl does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.objects import Object, annotations_of
from ..model.sets import DEFAULT_REVISION, suffix
from ..model.specs.revision_tag import RevisionTagSpec

#: API groups that istiod validates.
_VALIDATED = ["security.istio.io", "networking.istio.io", "telemetry.istio.io", "extensions.istio.io"]
#: Ports of istiod's Service: (port, name, target port).
_PORTS = (
    (15010, "grpc-xds", None),
    (15012, "https-dns", None),
    (443, "https-webhook", 15017),
    (15014, "http-monitoring", None),
)


def _expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def _selectors(tag: str) -> dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Webhook prefix -> (namespace expressions, object expressions); the same as the charts render."""
    no_label = _expression("istio-injection", "DoesNotExist")
    no_revision = _expression("istio.io/rev", "DoesNotExist")
    not_refused = _expression("sidecar.istio.io/inject", "NotIn", "false")
    selectors = {
        "rev.namespace.": ([_expression("istio.io/rev", "In", tag), no_label], [not_refused]),
        "rev.object.": ([no_revision, no_label], [not_refused, _expression("istio.io/rev", "In", tag)]),
    }
    if tag == DEFAULT_REVISION:
        selectors["namespace."] = ([_expression("istio-injection", "In", "enabled")], [not_refused])
        selectors["object."] = (
            [no_label, no_revision],
            [_expression("sidecar.istio.io/inject", "In", "true"), no_revision],
        )
    return selectors


def objects(spec: RevisionTagSpec, injector: Mapping[str, Any] | None) -> list[Object]:
    """Webhook, Service and (for the default tag) validator; ``injector`` is the revision's own webhook, or None
    when only a plan is wanted and the revision is not there yet."""
    made = [_webhook(spec, injector), _service(spec)]
    if spec.tag == DEFAULT_REVISION:
        made.append(_validator(spec, injector))
    return made


def _labels(spec: RevisionTagSpec) -> dict[str, str]:
    return {"istio.io/rev": spec.revision, "istio.io/tag": spec.tag}


def _client(spec: RevisionTagSpec, injector: Mapping[str, Any] | None, path: str) -> dict[str, Any]:
    """Where the webhook calls: as the revision's injector does; its caBundle is istiod's business."""
    known = ((injector or {}).get("webhooks") or [{}])[0].get("clientConfig", {})
    if known.get("url"):
        base = known["url"].split("/inject")[0]
        return {"url": known["url"] if path == "/inject" else f"{base}{path}"}
    service = known.get("service", {})
    return {
        "service": {
            "name": service.get("name", f"istiod{suffix(spec.revision)}"),
            "namespace": service.get("namespace", spec.namespace),
            "path": service.get("path", path) if path == "/inject" else path,
            "port": service.get("port", 443),
        }
    }


def _webhook(spec: RevisionTagSpec, injector: Mapping[str, Any] | None) -> Object:
    reinvocation = ((injector or {}).get("webhooks") or [{}])[0].get("reinvocationPolicy", "Never")
    place = "" if spec.namespace == "istio-system" else f"-{spec.namespace}"
    kept = {key: value for key, value in annotations_of(injector or {}).items() if "/" in key and "helm" not in key}
    webhooks = [
        {
            "name": f"{prefix}sidecar-injector.istio.io",
            "clientConfig": _client(spec, injector, "/inject"),
            "sideEffects": "None",
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
            "failurePolicy": "Fail",
            "reinvocationPolicy": reinvocation,
            "admissionReviewVersions": ["v1"],
            "namespaceSelector": {"matchExpressions": in_namespaces},
            "objectSelector": {"matchExpressions": on_objects},
        }
        for prefix, (in_namespaces, on_objects) in _selectors(spec.tag).items()
    ]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {
            "name": f"istio-revision-tag-{spec.tag}{place}",
            "labels": {**_labels(spec), "app": "sidecar-injector"},
            **({"annotations": kept} if kept else {}),
        },
        "webhooks": webhooks,
    }


def _service(spec: RevisionTagSpec) -> Object:
    revision = suffix(spec.revision).removeprefix("-")
    selector = {"app": "istiod", **({"istio.io/rev": revision} if revision else {"istio": "pilot"})}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": f"istiod-revision-tag-{spec.tag}",
            "namespace": spec.namespace,
            "labels": {**_labels(spec), "app": "istiod", "istio": "pilot"},
        },
        "spec": {
            "ports": [
                {"name": name, "port": port, "protocol": "TCP", **({"targetPort": target} if target else {})}
                for port, name, target in _PORTS
            ],
            "selector": selector,
        },
    }


def _validator(spec: RevisionTagSpec, injector: Mapping[str, Any] | None) -> Object:
    """The validator of objects that name no revision."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {
            "name": "istiod-default-validator",
            "labels": {**_labels(spec), "app": "istiod", "istio": "istiod"},
        },
        "webhooks": [
            {
                "name": "validation.istio.io",
                "clientConfig": _client(spec, injector, "/validate"),
                "rules": [
                    {
                        "operations": ["CREATE", "UPDATE"],
                        "apiGroups": _VALIDATED,
                        "apiVersions": ["*"],
                        "resources": ["*"],
                    }
                ],
                # Open until istiod has proven that it validates; istiod then turns it to Fail.
                "failurePolicy": "Ignore",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
