# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
---
attributes:
  check_mode:
    description: Can run in check mode, and then tells the same plan as the real run.
    support: full
  diff_mode:
    description: Returns what differs, with secrets redacted.
    support: full
  idempotent:
    description: A second run with the same declaration changes nothing.
    support: full
  action_group:
    description: Use C(group/meshops.mesh.mesh) in C(module_defaults) to set the connection once.
    support: full
    membership:
      - meshops.mesh.mesh
notes:
  - With a local connection everything runs in Ansible's own worker process. With any other connection, with
    C(become) or C(async), the module runs on that host, which then needs the requirements, helm, and charts that are
    given by path.
"""
