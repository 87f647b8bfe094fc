# SPDX-License-Identifier: Apache-2.0
"""The plugin of PulumiPlugin.yaml: the same provider that the wheel's `pulumi-resource-mesh` starts."""

import sys

from pulumi_mesh.provider.__main__ import main

sys.exit(main())
