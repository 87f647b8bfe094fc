# SPDX-License-Identifier: Apache-2.0
"""Objects that are deleted to be made anew: the new one is tried out before, and the old one put back if it fails."""

from __future__ import annotations

import copy

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import Object
from ..plan.changes import Change
from ..plan.compare import owned_fields
from ..plan.extract import owned_part

_TRIAL = "-trial"
#: Of an object that was there: what belongs to its former life.
_FORMER = ("uid", "resourceVersion", "creationTimestamp", "generation", "deletionTimestamp", "managedFields")


def try_out(cluster: Cluster, change: Change) -> None:
    """Have the API server judge the new object beside the old one, under another name. Raises ApiFailure. Where the
    credentials are for one name only, or a quota leaves no room, there is no way to tell before."""
    name = change.ref.name
    trial = copy.deepcopy(change.sent)
    trial["metadata"]["name"] = f"{name[: 63 - len(_TRIAL)].rstrip('-.')}{_TRIAL}"
    _without_places(trial)
    try:
        cluster.apply(trial, change.set.manager, dry_run=True)
    except ApiFailure as error:
        if error.code == "forbidden":
            return
        error.where = str(change.ref)
        error.msg = f"the new object would be refused: {error.msg.replace(trial['metadata']['name'], name)}"
        raise error.at(f"set {change.set.id}") from None


def _without_places(trial: Object) -> None:
    """Addresses and ports that the old object still has."""
    spec = trial.get("spec")
    if trial["kind"] != "Service" or not isinstance(spec, dict):
        return
    for field in ("clusterIP", "clusterIPs", "healthCheckNodePort"):
        if spec.get(field) != "None":
            spec.pop(field, None)
    for port in spec.get("ports") or ():
        port.pop("nodePort", None)


def put_back(cluster: Cluster, change: Change, error: MeshError) -> None:
    """What was there, as far as it was ours: others find their fields gone, as they would have in the new object. The
    error says what became of it."""
    manager, key = change.set.manager, change.ref
    try:
        if cluster.get(change.found["apiVersion"], key.kind, key.namespace, key.name) is not None:
            return  # the new one, of which only the answer was lost
        if owned_fields(change.found, manager) is None:
            cluster.create(_former(change.found))
        else:
            cluster.apply(owned_part(change.found, manager), manager, force=True)
    except MeshError as failed:
        error.msg += f"; the old object could not be put back: {failed.msg}"
    else:
        error.msg += "; the old object was put back"


def _former(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _FORMER}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}
