# SPDX-License-Identifier: Apache-2.0
"""Fields that others keep for us: what is left out of an object before it is compared and applied."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from ..model.objects import Object, group_of
from .compare import owned_fields


def _drop_empty_ca(wanted: Object, _live: Object | None, _manager: str) -> None:
    # istiod fills caBundle in; a value that the user gave (external CA) is kept.
    for webhook in wanted.get("webhooks") or ():
        if not webhook.get("clientConfig", {}).get("caBundle", True):
            del webhook["clientConfig"]["caBundle"]


def _failure_policy_at_creation(wanted: Object, live: Object | None, manager: str) -> None:
    # istiod turns Ignore into Fail once validation works; sending Ignore again would open validation at every run.
    if live is None:
        return
    theirs = {webhook["name"]: webhook for webhook in live.get("webhooks") or ()}
    ours = _owned_webhooks(live, manager)
    for webhook in wanted.get("webhooks") or ():
        name = webhook["name"]
        if name not in theirs:
            continue
        webhook.pop("failurePolicy", None)
        if "f:failurePolicy" in ours.get(name, {}):
            webhook["failurePolicy"] = theirs[name]["failurePolicy"]


def _owned_webhooks(live: Object, manager: str) -> dict[str, Mapping[str, Any]]:
    fields = (owned_fields(live, manager) or {}).get("f:webhooks", {})
    return {key[len('k:{"name":"') : -len('"}')]: value for key, value in fields.items() if key.startswith("k:")}


def _replicas_with_autoscaler(wanted: Object, _live: Object | None, _manager: str) -> None:
    # Charts leave replicas out when they render an autoscaler; null in values arrives as None.
    if wanted.get("spec", {}).get("replicas", 0) is None:
        del wanted["spec"]["replicas"]


_Rule = Callable[[Object, "Object | None", str], None]

_ADMISSION = "admissionregistration.k8s.io"
#: (group, kind) -> rules; each rule's reason stands in the rule.
_RULES: dict[tuple[str, str], tuple[_Rule, ...]] = {
    (_ADMISSION, "MutatingWebhookConfiguration"): (_drop_empty_ca,),
    (_ADMISSION, "ValidatingWebhookConfiguration"): (_drop_empty_ca, _failure_policy_at_creation),
    ("apps", "Deployment"): (_replicas_with_autoscaler,),
}


def sent(wanted: Object, live: Object | None, manager: str) -> Object:
    """What is really sent for ``wanted``, given what is there."""
    rules = _RULES.get((group_of(wanted["apiVersion"]), wanted["kind"]), ())
    if not rules:
        return wanted
    result = copy.deepcopy(wanted)
    for rule in rules:
        rule(result, live, manager)
    return result


def without_nulls(value: Any) -> Any:
    """Helm's null means unset; the API server would own or refuse it."""
    if not _has_null(value):
        return value
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(item is None or (isinstance(item, (dict, list)) and _has_null(item)) for item in value.values())
    return isinstance(value, list) and any(isinstance(item, (dict, list)) and _has_null(item) for item in value)


def without_empty_marks(obj: Object) -> Object:
    """Charts render ``annotations: {}``; owning an empty map means nothing, and the API server drops it."""
    metadata = {key: value for key, value in obj["metadata"].items() if value or key not in ("annotations", "labels")}
    return {**obj, "metadata": metadata}
