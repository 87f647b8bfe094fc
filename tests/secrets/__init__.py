# SPDX-License-Identifier: Apache-2.0
"""Canary values in every secret field, and looks at every place where they must not be."""
