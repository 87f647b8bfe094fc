# SPDX-License-Identifier: Apache-2.0
"""Inventory plugins, read by Ansible."""
