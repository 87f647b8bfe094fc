# SPDX-License-Identifier: Apache-2.0
"""The order of kinds, both ways."""

from __future__ import annotations

import pytest
from mesh.apply.stages import Stage, removal_stages, stage_of, stages
from mesh.model.objects import ObjectSet, Ref
from mesh.plan.changes import Change

SET = ObjectSet("s", "ns", "me")


def change(group, kind, name="x"):
    return Change(Ref(group, kind, "ns", name), "create", SET)


@pytest.mark.parametrize(
    ("stage", "kinds"),
    [
        (Stage.NAMESPACES, ["Namespace"]),
        (Stage.DEFINITIONS, ["CustomResourceDefinition.apiextensions.k8s.io", "PriorityClass.scheduling.k8s.io"]),
        (Stage.ROLES, ["ClusterRole.rbac.authorization.k8s.io", "Role.rbac.authorization.k8s.io"]),
        (
            Stage.CONFIGURATION,
            [
                *("ConfigMap", "Secret", "Service", "ServiceAccount", "PersistentVolumeClaim"),
                *("RoleBinding.rbac.authorization.k8s.io", "NetworkPolicy.networking.k8s.io"),
                "PodDisruptionBudget.policy",
            ],
        ),
        (
            Stage.WORKLOADS,
            ["Deployment.apps", "DaemonSet.apps", "Job.batch", "Pod", "HorizontalPodAutoscaler.autoscaling"],
        ),
        (
            Stage.WEBHOOKS,
            [
                "MutatingWebhookConfiguration.admissionregistration.k8s.io",
                "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
            ],
        ),
        (
            Stage.CUSTOM,
            [
                *("Gateway.networking.istio.io", "Gateway.gateway.networking.k8s.io", "Ingress.networking.k8s.io"),
                *("Service.serving.knative.dev", "Secret.example.com", "Namespace.example.com"),
            ],
        ),
    ],
)
def test_stage_of(stage, kinds):
    for text in kinds:
        kind, _, group = text.partition(".")
        assert (text, stage_of(Ref(group, kind, "", "x"))) == (text, stage)


ALL = [
    change("networking.istio.io", "VirtualService"),
    change("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    change("apps", "Deployment"),
    change("", "Service"),
    change("", "ConfigMap"),
    change("rbac.authorization.k8s.io", "Role"),
    change("apiextensions.k8s.io", "CustomResourceDefinition"),
    change("", "Namespace"),
]


@pytest.mark.parametrize("changes", [ALL, ALL[::-1], ALL[3:] + ALL[:3]])
def test_application_goes_from_what_others_stand_on(changes):
    assert [stage for stage, _ in stages(changes)] == list(Stage)


@pytest.mark.parametrize("changes", [ALL, ALL[::-1]])
def test_removal_keeps_controllers_until_their_objects_are_gone(changes):
    order = [stage for stage, _ in removal_stages(changes)]
    assert order[0] is Stage.CUSTOM
    assert order[-1] is Stage.NAMESPACES
    assert order.index(Stage.WEBHOOKS) < order.index(Stage.WORKLOADS) < order.index(Stage.CONFIGURATION)
    assert order.index(Stage.CUSTOM) < order.index(Stage.DEFINITIONS)
    assert sorted(order) == list(Stage)


@pytest.mark.parametrize("order", [stages, removal_stages])
def test_nothing_is_lost_and_empty_stages_are_left_out(order):
    assert order([]) == []
    found = order([*ALL[3:5], change("", "Secret")])
    assert [(stage, [item.ref.kind for item in items]) for stage, items in found] == [
        (Stage.CONFIGURATION, ["Service", "ConfigMap", "Secret"])
    ]
