# SPDX-License-Identifier: Apache-2.0
"""The lab's domains of Network Service Mesh: what tests of meshes of domains rely on. No cluster takes part."""
