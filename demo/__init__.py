# SPDX-License-Identifier: Apache-2.0
"""The main job shown: a mesh over all clusters of an inventory, a shop in it, and what its rules really do."""
