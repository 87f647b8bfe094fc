# SPDX-License-Identifier: Apache-2.0
"""Taking objects over from another tool: what would come of it, and the write that precedes our apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.objects import Object, labels_of, names, ref
from ..plan import handover
from ..plan.changes import Change
from ..plan.difference import comparable
from ..plan.handover import HelmRelease
from ..plan.owners import PART_OF, owner

#: A controller that writes status all the time gets in between now and then.
_TRIES = 5


def foreseen(cluster: Cluster, change: Change, applied: Object) -> tuple[Change, Object]:
    """The change with its handover, and what is there after both, given what a dry run of the apply alone comes to.
    Where fields go that the API server may fill with defaults, it is asked again."""
    if change.action == "adopt" and not change.found["metadata"].get("managedFields"):
        return replace(change, taken=handover.claimed(change.found, applied, change.set.manager)), applied
    if change.taken is None:
        return change, applied
    gone = handover.left_behind(change.taken, applied, change.set.manager)
    expected = handover.pruned(applied, gone)
    patch = handover.merge_patch(comparable(change.found), comparable(expected))
    if not handover.has_defaults(gone) or not patch:
        return change, expected
    return change, cluster.merge_patch(change.ref, patch, dry_run=True)


def take_over(cluster: Cluster, change: Change, release: HelmRelease) -> None:
    """Hand managed fields over; nothing else of the object changes. Read again when it changed meanwhile."""
    taken = change.taken
    for attempt in range(_TRIES):
        if taken is None:
            return
        try:
            cluster.merge_patch(change.ref, handover.patch(taken))
            return
        except ApiFailure as error:
            if error.status != 409 or attempt == _TRIES - 1:
                raise
        api_version, kind = change.sent["apiVersion"], change.sent["kind"]
        live = cluster.get(api_version, kind, change.ref.namespace, change.ref.name)
        taken = _taken_again(change, live, release) if live else None


def _taken_again(change: Change, live: Object, release: HelmRelease) -> Object | None:
    if change.member:
        return handover.handed_over(live, change.set.manager, change.sent["apiVersion"], release)
    return handover.fields_handed_over(live, change.set.manager, change.set.contradicting[change.ref])


#: Label that istioctl puts on all that it installs, and the kinds that it installs.
_COMPONENT = "operator.istio.io/component"
_REVISION = "istio.io/rev"
_INSTALLED: tuple[tuple[str, str], ...] = (
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
)
#: Objects named before the rest is only counted.
_MOST = 8


def left_over(cluster: Cluster, changes: Sequence[Change]) -> list[str]:
    """Warnings about what istioctl installed of the adopted revisions beside what is declared. It has no list of its
    own in the cluster; what its manifests became by kubectl carries the same labels."""
    adopted = {change.foreign.tool: change for change in changes if change.foreign and _component(change.found)}
    if not adopted.keys() & {"istioctl", "kubectl"}:
        return []
    revisions = {labels_of(change.found).get(_REVISION) for change in changes if change.foreign} - {None}
    planned = {change.ref for change in changes}
    lists = cluster.map(lambda place: cluster.list(*place, "", _COMPONENT), _INSTALLED)
    # Older versions kept their declaration in the cluster.
    found = [*(obj for page in lists for obj in page), *cluster.list("install.istio.io/v1alpha1", "IstioOperator")]
    left = names(
        ref(obj)
        for obj in found
        if ref(obj) not in planned
        and PART_OF not in labels_of(obj)
        and (not _component(obj) or owner(obj).tool in adopted)
        and labels_of(obj).get(_REVISION) in {None, *revisions}
    )
    more = f" and {len(left) - _MOST} more" if len(left) > _MOST else ""
    text = f"istioctl also installed what is not declared here, and stays: {', '.join(left[:_MOST])}{more}"
    return [text] if left else []


def _component(obj: Object) -> str:
    return labels_of(obj).get(_COMPONENT, "")
