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
from .revision_tag import REVISION_TAG
from .waypoint import WAYPOINT

_DECLARED = (GATEWAY_API, CONTROL_PLANE, REVISION_TAG, INJECTION, GATEWAY, WAYPOINT, CONFIG_SET)
_ASKED = (MESH_INFO, MESH_VERIFY, KUBE_INJECT)
OPERATIONS: dict[str, AnyOperation] = {operation.name: operation for operation in (*_DECLARED, *_ASKED)}
OPERATIONS["rbac"] = rbac.over(dict(OPERATIONS))
