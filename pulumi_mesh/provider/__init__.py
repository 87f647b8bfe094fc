# SPDX-License-Identifier: Apache-2.0
"""The native provider: the engine's wire contract over the same operations that the Ansible collection runs."""
