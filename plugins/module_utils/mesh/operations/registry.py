# SPDX-License-Identifier: Apache-2.0
"""Every operation by name."""

from __future__ import annotations

from ..model.operation import AnyOperation
from . import rbac
from .config_set import CONFIG_SET
from .control_plane import CONTROL_PLANE
from .gateway import GATEWAY
from .gateway_api import GATEWAY_API
from .injection import INJECTION
from .kube_inject import KUBE_INJECT
from .mesh_info import MESH_INFO
from .mesh_verify import MESH_VERIFY
from .network_service import NETWORK_SERVICE
from .nsm_client import NSM_CLIENT
from .revision_tag import REVISION_TAG
from .vm_bootstrap import VM_BOOTSTRAP
from .waypoint import WAYPOINT
from .workload_group import WORKLOAD_GROUP
from .workload_info import WORKLOAD_INFO

_DECLARED = (
    GATEWAY_API,
    CONTROL_PLANE,
    REVISION_TAG,
    INJECTION,
    GATEWAY,
    WAYPOINT,
    WORKLOAD_GROUP,
    NETWORK_SERVICE,
    NSM_CLIENT,
    CONFIG_SET,
)
_ASKED = (MESH_INFO, MESH_VERIFY, KUBE_INJECT, VM_BOOTSTRAP, WORKLOAD_INFO)
OPERATIONS: dict[str, AnyOperation] = {operation.name: operation for operation in (*_DECLARED, *_ASKED)}
OPERATIONS["rbac"] = rbac.over(dict(OPERATIONS))
