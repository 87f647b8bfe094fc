# SPDX-License-Identifier: Apache-2.0
"""A service mesh in Pulumi: resources over the same operations as the Ansible collection `meshops.mesh`."""

from ._version import VERSION as __version__  # noqa: F401 - where Python looks for it
from .mesh import Mesh as Mesh  # hand-written, beside what follows from the specs
from .resources import *  # noqa: F403 - its __all__ is what there is
