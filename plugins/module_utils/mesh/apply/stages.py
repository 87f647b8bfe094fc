# SPDX-License-Identifier: Apache-2.0
"""In which order kinds are applied and removed. Inside a stage everything runs in parallel."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from ..model.objects import Object, Ref, ref
from ..plan.changes import Change


class Stage(IntEnum):
    """Applied in this order, removed in the reverse one (but see :func:`removal_stages`)."""

    NAMESPACES = 0
    DEFINITIONS = 1
    ROLES = 2
    CONFIGURATION = 3
    WORKLOADS = 4
    WEBHOOKS = 5
    CUSTOM = 6


_STAGES: dict[Stage, frozenset[str]] = {
    Stage.NAMESPACES: frozenset({"Namespace"}),
    Stage.DEFINITIONS: frozenset(
        {
            "CustomResourceDefinition",
            "IngressClass",
            "PersistentVolume",
            "PriorityClass",
            "RuntimeClass",
            "StorageClass",
        }
    ),
    # Who may not bind every role, is looked at by the rules of the one that he binds: it must be there before.
    Stage.ROLES: frozenset({"ClusterRole", "Role"}),
    Stage.CONFIGURATION: frozenset(
        {
            "ClusterRoleBinding",
            "ConfigMap",
            "Endpoints",
            "EndpointSlice",
            "LimitRange",
            "NetworkPolicy",
            "PersistentVolumeClaim",
            "PodDisruptionBudget",
            "ResourceQuota",
            "RoleBinding",
            "Secret",
            "Service",
            "ServiceAccount",
        }
    ),
    Stage.WORKLOADS: frozenset(
        {"CronJob", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "Job", "Pod", "ReplicaSet", "StatefulSet"}
    ),
    Stage.WEBHOOKS: frozenset(
        {
            "APIService",
            "MutatingAdmissionPolicy",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        }
    ),
}
_STAGE_OF = {kind: stage for stage, kinds in _STAGES.items() for kind in kinds}

#: Groups whose kinds are built in; a Service of another group (Knative's) is a custom resource.
_BUILT_IN_SUFFIXES = (".k8s.io",)


def stage_of(ref: Ref) -> Stage:
    """The stage of an object; what is not built in is a custom resource and comes last."""
    built_in = "." not in ref.group or ref.group.endswith(_BUILT_IN_SUFFIXES)
    return _STAGE_OF.get(ref.kind, Stage.CUSTOM) if built_in else Stage.CUSTOM


def place_of(obj: Object) -> tuple[Stage, Ref]:
    """By what objects are sorted into the order of application."""
    key = ref(obj)
    return stage_of(key), key


def stages(changes: Iterable[Change]) -> list[tuple[Stage, list[Change]]]:
    """Changes by stage, in order of application."""
    found: dict[Stage, list[Change]] = {}
    for change in changes:
        found.setdefault(stage_of(change.ref), []).append(change)
    return sorted(found.items())


#: Custom resources go while their controller still runs, webhooks before the Service behind them, namespaces last.
_REMOVAL = (
    Stage.CUSTOM,
    Stage.WEBHOOKS,
    Stage.WORKLOADS,
    Stage.CONFIGURATION,
    Stage.ROLES,
    Stage.DEFINITIONS,
    Stage.NAMESPACES,
)


def removal_stages(changes: Iterable[Change]) -> list[tuple[Stage, list[Change]]]:
    """Changes by stage, in order of removal."""
    found = dict(stages(changes))
    return [(stage, found[stage]) for stage in _REMOVAL if stage in found]
