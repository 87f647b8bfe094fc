# SPDX-License-Identifier: Apache-2.0
"""The lab's own hosts: what tests of meshes with VMs rely on. No cluster takes part."""
