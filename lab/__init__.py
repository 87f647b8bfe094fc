# SPDX-License-Identifier: Apache-2.0
"""Real Kubernetes clusters on one Linux machine, for demo and tests."""
