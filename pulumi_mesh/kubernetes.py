# SPDX-License-Identifier: Apache-2.0
"""Any declaration as ordinary resources of pulumi-kubernetes: for teams that want each object in their state.

The objects are those that the native resources would apply to an empty cluster. They are nobody's set: what applied
them keeps them, and nothing of ours labels, prunes or waits for them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from ._core.apply.stages import Stage, place_of, stage_of
from ._core.model.objects import Object, Ref, ref
from ._core.model.secrets import SECRET_FIELDS
from ._core.model.spec import fields, parse

#: What istiod keeps: the facts of `plan/never_own.py` in pulumi-kubernetes' words.
_IGNORED: dict[str, tuple[str, ...]] = {
    "MutatingWebhookConfiguration": ("webhooks[*].clientConfig.caBundle",),
    "ValidatingWebhookConfiguration": ("webhooks[*].clientConfig.caBundle", "webhooks[*].failurePolicy"),
}


def objects(
    operation: str,
    arguments: Mapping[str, Any] | Any,
    *,
    kubernetes_version: str,
    api_versions: Iterable[str] = (),
) -> list[Object]:
    """What an operation (``control_plane``, ``gateway``, ...) wants, in the order of application.

    ``arguments`` are those of the resource, all known; charts look at the version of Kubernetes and at API versions
    (``monitoring.coreos.com/v1``). Raises MeshError.
    """
    from ._core.operations.registry import OPERATIONS
    from ._core.operations.rendering import Unseen, in_order, rendered

    given = dataclasses.asdict(arguments) if dataclasses.is_dataclass(arguments) else dict(arguments)  # type: ignore[arg-type]
    spec_type: Any = OPERATIONS[operation].spec
    own = {field.name for field in fields(spec_type)}
    spec = parse(spec_type, {key: value for key, value in given.items() if key in own})
    return in_order(rendered(operation, spec, Unseen(kubernetes_version, frozenset(api_versions))).sets)


def expand(
    name: str,
    wanted: Iterable[Object],
    opts: pulumi.ResourceOptions | None = None,
    *,
    plugin_version: str = "",
) -> dict[str, pulumi.CustomResource]:
    """Register objects as resources, by ``Kind namespace/name``: custom resources after their definitions, webhooks
    after what answers them. ``opts`` name the pulumi-kubernetes provider."""
    made: dict[str, pulumi.CustomResource] = {}
    stage: Stage | None = None
    before: list[pulumi.CustomResource] = []
    for obj in sorted(wanted, key=place_of):
        key = ref(obj)
        if stage_of(key) is not stage:
            stage, before = stage_of(key), list(made.values())
        own = pulumi.ResourceOptions(depends_on=before, ignore_changes=list(_IGNORED.get(key.kind, ())))
        if plugin_version:
            own.version = plugin_version
        options = pulumi.ResourceOptions.merge(opts, own)
        made[str(key)] = pulumi.CustomResource(_token(obj), _resource_name(name, key), _inputs(obj), options)
    return made


def _inputs(obj: Object) -> dict[str, Any]:
    """The object; what a Secret holds is secret in the state, too."""
    hidden = SECRET_FIELDS if obj["kind"] == "Secret" else ()
    return {key: pulumi.Output.secret(value) if key in hidden else value for key, value in obj.items()}


def _token(obj: Object) -> str:
    """The type's name in pulumi-kubernetes: ``kubernetes:apps/v1:Deployment``, ``kubernetes:core/v1:Service``."""
    version = obj["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{obj['kind']}"


def _resource_name(name: str, key: Ref) -> str:
    place = f"{key.namespace}/{key.name}" if key.namespace else key.name
    return f"{name}-{key.kind.lower()}-{place}"
