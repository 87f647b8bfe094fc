# SPDX-License-Identifier: Apache-2.0
"""Every operation by name."""

from __future__ import annotations

from ..model.operation import AnyOperation
from . import rbac
from .config_set import CONFIG_SET
from .control_plane import CONTROL_PLANE
from .gateway import GATEWAY
from .injection import INJECTION
from .mesh_info import MESH_INFO
from .revision_tag import REVISION_TAG

OPERATIONS: dict[str, AnyOperation] = {
    operation.name: operation for operation in (CONTROL_PLANE, REVISION_TAG, INJECTION, GATEWAY, CONFIG_SET, MESH_INFO)
}
OPERATIONS["rbac"] = rbac.over(dict(OPERATIONS))
