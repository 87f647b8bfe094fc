# SPDX-License-Identifier: Apache-2.0
"""The Pulumi provider with the real engine, against a real API server."""
